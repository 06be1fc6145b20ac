use crate::clause::{eng, guide};
use crate::content::{ContentPlace, Identifier, IdentifierKind};
use crate::data_class::DataClass;
use crate::facts::Facts;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// What identifies a patient makes a message OFFICIAL-SENSITIVE, whatever it was submitted as.
    ///
    /// Looked for, in the subject, the texts, the attached texts and the names of attachments, are
    ///
    /// - NHS numbers: ten digits whose check digit fits, in one piece or in groups of 3, 3 and 4;
    /// - dates beside *DOB*, *date of birth* or *born*;
    /// - numbers beside *MRN*, *hospital number* and the like.
    ///
    /// One number of ten digits in eleven passes the check by chance, so what is plainly a telephone number, a fraction or a part of something longer does not count; a bare number does.
    /// Every finding names its place, and shows the last digits alone.
    /// The finding is a warning, because the class has been raised already: what that forbids, other rules refuse (data-class-route, recipient-domain, iams-reference).
    /// A message that was submitted as OFFICIAL-SENSITIVE, by itself, by its header or by the application's default, draws none.
};

pub static RULE: Rule = Rule {
    id: "patient-identifiers",
    title: "Mail that identifies a patient must be classed OFFICIAL-SENSITIVE",
    severity: Severity::Warn,
    clauses: &[eng(20), guide(15), guide(22)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["content.identifiers", "data_class", "message.data_class"],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "Nothing was found.",
            header: "",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "An NHS number in a message that was submitted as OFFICIAL.",
            header: "",
            change: |facts| facts.content.identifiers = vec![number()],
            expected: Expected::Breaks("an NHS number (******0018) in line 3 of the text"),
        },
        Example {
            title: "The same by an application that is registered to carry patient data.",
            header: "",
            change: |facts| {
                facts.content.identifiers = vec![number()];
                if let Some(application) = &mut facts.application {
                    application.patient_data = true;
                }
            },
            expected: Expected::Breaks("though it was submitted as OFFICIAL"),
        },
        Example {
            title: "The same, submitted as OFFICIAL-SENSITIVE.",
            header: "",
            change: |facts| {
                facts.content.identifiers = vec![number()];
                facts.data_class = DataClass::OfficialSensitive;
            },
            expected: Expected::Passes,
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let said = facts.submitted_class();
    if said >= DataClass::OfficialSensitive {
        return Vec::new();
    }
    facts
        .content
        .identifiers
        .iter()
        .map(|found| {
            Problem::new(
                place(found),
                format!(
                    "found {}, so the message counts as {} though it was submitted as {said}",
                    super::identifier(found),
                    DataClass::OfficialSensitive
                ),
                "Submit such mail as OFFICIAL-SENSITIVE; if it is no patient's, write it otherwise.",
            )
        })
        .collect()
}

fn place(found: &Identifier) -> Place {
    match found.place {
        ContentPlace::Subject => Place::Field {
            name: "Subject",
            line: None,
        },
        ContentPlace::Text { .. } | ContentPlace::Attachment { .. } => Place::Message,
    }
}

fn number() -> Identifier {
    Identifier {
        kind: IdentifierKind::NhsNumber,
        place: ContentPlace::Text { line: 3 },
        shown: "******0018".to_owned(),
    }
}
