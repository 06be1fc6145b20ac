use crate::clause::{dhc, eng, guide};
use crate::data_class::DataClass;
use crate::facts::Facts;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// A message that bears a marking is treated by it, whatever it was submitted as.
    ///
    /// A marking is OFFICIAL-SENSITIVE in the subject, or OFFICIAL-SENSITIVE, SECRET or TOP SECRET as a line of its own, with what may go with it (`Classification:`, `UK EYES ONLY`); SECRET in the subject counts at its start or end or in brackets, in capitals.
    /// The word in a sentence is none.
    /// The finding is a warning, because the class has been raised already; what that forbids, other rules refuse.
};

pub static RULE: Rule = Rule {
    id: "marking-kept",
    title: "The class of a message must not be below its marking",
    severity: Severity::Warn,
    clauses: &[eng(19), eng(23), dhc(24), guide(15)],
    standards: &["Government Security Classifications Policy"],
    holds: Period::ALWAYS,
    reads: &[
        "content.marking",
        "data_class",
        "message.data_class",
        "application.patient_data",
    ],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "A marking that says what the submission says.",
            header: "",
            change: |facts| {
                facts.data_class = DataClass::OfficialSensitive;
                facts.content.marking = Some(DataClass::OfficialSensitive);
            },
            expected: Expected::Passes,
        },
        Example {
            title: "A marking that says more.",
            header: "",
            change: |facts| facts.content.marking = Some(DataClass::OfficialSensitive),
            expected: Expected::Breaks("it is marked OFFICIAL-SENSITIVE and counts as that"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let said = facts.stated_class();
    match facts.content.marking {
        Some(marking) if marking > said => vec![Problem::new(
            Place::DataClass,
            format!("it is marked {marking} and counts as that, though it was submitted as {said}"),
            "Submit it as what it is marked, or take the marking out.",
        )],
        _ => Vec::new(),
    }
}
