use mailward_mail::mime::PARTS_MAX;

use crate::clause::{eng, guide};
use crate::facts::Facts;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// What a message holds decides where it may go, so a message that was not read to its end waits for a person.
    ///
    /// Parts within a message are opened up to a thousand; no letter comes near that, and whatever stands beyond is not told apart, so a patient's number in it would not be seen.
    /// It is held rather than refused: somebody can look, and release it.
};

pub static RULE: Rule = Rule {
    id: "content-read",
    title: "The whole message must have been read",
    severity: Severity::Hold,
    clauses: &[guide(15), eng(20)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["content.cut_short"],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "A message that was read to its end.",
            header: "",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "A message of thousands of parts.",
            header: "",
            change: |facts| facts.content.cut_short = true,
            expected: Expected::Breaks("1000 parts or more"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    if !facts.content.cut_short {
        return Vec::new();
    }
    vec![Problem::new(
        Place::Message,
        format!("it has {PARTS_MAX} parts or more, and what stands in the last ones is not known"),
        "Send it in several messages; or have somebody look at it and release it.",
    )]
}
