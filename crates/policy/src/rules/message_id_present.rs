use crate::facts::Facts;
use crate::period::Period;
use crate::repair::RepairField;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// A message needs a Message-ID.
    ///
    /// By it a lost answer is resolved (the message is looked for in Sent Items), and a bounce finds the message that it is about.
    /// It is mended: a Message-ID made of the id of acceptance and the account's domain is put on top, and the timeline says so.
    /// A Message-ID field that is there but empty cannot be mended so, since there would then be two: see mandatory-headers.
};

pub static RULE: Rule = Rule {
    id: "message-id-present",
    title: "Message-ID must be there",
    severity: Severity::Repair,
    clauses: &[],
    standards: &["RFC 5322 section 3.6.4", "RFC 6409 section 8.2"],
    holds: Period::ALWAYS,
    reads: &["message.message_id"],
    page: PAGE,
    answer: Answer::new(550, 6, 0),
    judge,
    examples: &[
        Example {
            title: "A Message-ID.",
            header: "From: appointments@northmoor.example\nMessage-ID: <1@northmoor.example>",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "No Message-ID.",
            header: "From: appointments@northmoor.example",
            change: crate::rule::unchanged,
            expected: Expected::Breaks("there is no Message-ID"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let message = &facts.message;
    let empty = message.empty.iter().any(|field| field.name == "Message-ID");
    if message.message_id.is_some() || empty {
        return Vec::new();
    }
    let place = Place::Field {
        name: "Message-ID",
        line: None,
    };
    vec![
        Problem::new(
            place,
            "there is no Message-ID",
            "Write a Message-ID that is new for every message; without it, one is made.",
        )
        .mended_by(RepairField::MessageId),
    ]
}
