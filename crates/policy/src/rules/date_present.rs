use crate::facts::Facts;
use crate::period::Period;
use crate::repair::RepairField;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// A message needs a Date.
    ///
    /// Devices without a clock leave it out.
    /// It is mended: a Date field with the moment of acceptance, in UTC, is put on top, and the timeline says so.
    /// Nothing else of the message changes.
};

pub static RULE: Rule = Rule {
    id: "date-present",
    title: "Date must be there",
    severity: Severity::Repair,
    clauses: &[],
    standards: &["RFC 5322 section 3.6", "RFC 6409 section 8.1"],
    holds: Period::ALWAYS,
    reads: &["message.date"],
    page: PAGE,
    answer: Answer::new(550, 6, 0),
    judge,
    examples: &[
        Example {
            title: "A Date.",
            header: "From: appointments@northmoor.example\nDate: Sat, 21 Nov 2026 09:30:00 +0000",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "No Date.",
            header: "From: appointments@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("there is no Date"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    if facts.message.date.is_some() {
        return Vec::new();
    }
    let place = Place::Field {
        name: "Date",
        line: None,
    };
    vec![
        Problem::new(
            place,
            "there is no Date",
            "Write Date when the message is made; without it, the moment of acceptance stands in.",
        )
        .mended_by(RepairField::Date),
    ]
}
