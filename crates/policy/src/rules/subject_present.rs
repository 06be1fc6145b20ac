use crate::clause::guide;
use crate::facts::Facts;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// A message should have a subject.
    ///
    /// It may go without by the standards of mail, but the service weighs every message for spam, in several layers, and one without subject weighs against its sender.
};

pub static RULE: Rule = Rule {
    id: "subject-present",
    title: "A message should have a subject",
    severity: Severity::Warn,
    clauses: &[guide(40)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["message.subject"],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "A subject.",
            header: "",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "An empty subject.",
            header: "Subject: \nFrom: appointments@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("there is none"),
        },
        Example {
            title: "No subject.",
            header: "From: appointments@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("there is none"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    if facts.message.subject.is_some() {
        return Vec::new();
    }
    let place = Place::Field {
        name: "Subject",
        line: None,
    };
    vec![Problem::new(
        place,
        "there is none",
        "Say in a Subject field what it is about; nothing that identifies a patient belongs there.",
    )]
}
