use std::time::Duration;

use mailward_mail::Timestamp;

use super::ADDRESSES_REPORTED_MAX;
use crate::clause::guide;
use crate::facts::Facts;
use crate::history::ListHistory;
use crate::limits;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};
use crate::sample::address;

const PAGE: &str = manual_page! {
    /// Messages to one distribution list of the service leave at least thirty minutes apart.
    ///
    /// Nothing is refused for it: the queue keeps the message until the time has passed since the one before, whoever sent that, and this finding says until when.
    /// Which addresses are distribution lists the configuration says (`distribution_lists`).
    /// Where a message goes to people too, only the list waits.
};

pub static RULE: Rule = Rule {
    id: "list-spacing",
    title: "Messages to a distribution list must be thirty minutes apart",
    severity: Severity::Warn,
    clauses: &[guide(69)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["at", "history.lists"],
    page: PAGE,
    answer: Answer::new(450, 7, 1),
    judge,
    examples: &[
        Example {
            title: "The last message to the list left thirty minutes ago.",
            header: "",
            change: |facts| last(facts, 30),
            expected: Expected::Passes,
        },
        Example {
            title: "It left ten minutes ago.",
            header: "",
            change: |facts| last(facts, 10),
            expected: Expected::Breaks("waits until 2026-11-21T00:20:00.000Z"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let spacing = Duration::from_secs(limits::LIST_SPACING.figure * 60);
    let waits = |list: &&ListHistory| facts.at < list.last.plus(spacing);
    facts
        .history
        .lists
        .iter()
        .filter(waits)
        .take(ADDRESSES_REPORTED_MAX)
        .map(|list| {
            let due: Timestamp = list.last.plus(spacing);
            Problem::new(
                Place::Recipients,
                format!(
                    "{} had a message at {} and this one waits until {}",
                    list.address,
                    list.last.to_rfc3339(),
                    due.to_rfc3339()
                ),
                "Nothing need be done; write less often to the list, or to its members.",
            )
        })
        .collect()
}

fn last(facts: &mut Facts, minutes: u64) {
    facts.history.lists = vec![ListHistory {
        address: address("all-staff@northmoor.example"),
        last: facts.at.minus(Duration::from_secs(minutes * 60)),
    }];
}
