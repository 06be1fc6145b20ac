use crate::clause::eng;
use crate::data_class::DataClass;
use crate::facts::Facts;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// An application that sends OFFICIAL-SENSITIVE mail is registered in IAMS, the Information Asset Management System.
    ///
    /// The register holds the reference (`references.iams`); without one such mail leaves only for the twin.
    /// The class is the strictest of what the submission, the header, the register and the content say.
};

pub static RULE: Rule = Rule {
    id: "iams-reference",
    title: "An application that sends OFFICIAL-SENSITIVE mail must be registered in IAMS",
    severity: Severity::Refuse,
    clauses: &[eng(21), eng(22)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &[
        "application.references",
        "route.twin",
        "data_class",
        "message.data_class",
        "application.patient_data",
        "content.identifiers",
        "content.marking",
    ],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "OFFICIAL-SENSITIVE with a reference.",
            header: "",
            change: |facts| facts.data_class = DataClass::OfficialSensitive,
            expected: Expected::Passes,
        },
        Example {
            title: "OFFICIAL without one.",
            header: "",
            change: forget,
            expected: Expected::Passes,
        },
        Example {
            title: "OFFICIAL-SENSITIVE without one.",
            header: "",
            change: |facts| {
                facts.data_class = DataClass::OfficialSensitive;
                forget(facts);
            },
            expected: Expected::Breaks("the register has no IAMS reference for clinic-letters"),
        },
        Example {
            title: "The same, at the twin.",
            header: "",
            change: |facts| {
                facts.data_class = DataClass::OfficialSensitive;
                facts.route.twin = true;
                forget(facts);
            },
            expected: Expected::Passes,
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let class = facts.strictest_class();
    let Some(application) = &facts.application else {
        return Vec::new();
    };
    if facts.route.twin || !class.is_confidential() || application.references.iams.is_some() {
        return Vec::new();
    }
    vec![Problem::new(
        Place::Application,
        format!(
            "the message is {class}{}, and the register has no IAMS reference for {}",
            super::origin(facts, class),
            application.name
        ),
        "Have the application registered in IAMS, with the Information Governance representative, and put the reference in the register.",
    )]
}

fn forget(facts: &mut Facts) {
    if let Some(application) = &mut facts.application {
        application.references.iams = None;
    }
}
