use crate::clause::guide;
use crate::facts::Facts;
use crate::limits;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};
use crate::sample::address;

const PAGE: &str = manual_page! {
    /// A message may have no more recipients than the account it leaves by.
    ///
    /// Three figures are published: the guide allows 5000, the service allows no account more than 1000, and gives an account 500 unless its administrator set another figure.
    /// The least of those that apply counts, so it is 500 until the route's configuration says what its account is set to.
    /// A distribution list is one recipient.
};

pub static RULE: Rule = Rule {
    id: "recipients-per-message",
    title: "The message must not have too many recipients",
    severity: Severity::Refuse,
    clauses: &[guide(68), guide(80)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["envelope.recipients", "route.limits"],
    page: PAGE,
    answer: Answer::new(550, 5, 3),
    judge,
    examples: &[
        Example {
            title: "As many as an account has by default.",
            header: "",
            change: |facts| recipients(facts, limits::RECIPIENTS_PER_MESSAGE.figure),
            expected: Expected::Passes,
        },
        Example {
            title: "One more.",
            header: "",
            change: |facts| recipients(facts, limits::RECIPIENTS_PER_MESSAGE.figure + 1),
            expected: Expected::Breaks("it has 501, at most 500 are allowed"),
        },
        Example {
            title: "An account that was given more.",
            header: "",
            change: |facts| {
                facts.route.recipients_max = Some(800);
                recipients(facts, 800);
            },
            expected: Expected::Passes,
        },
        Example {
            title: "More than the service gives any account.",
            header: "",
            change: |facts| {
                facts.route.recipients_max = Some(5000);
                recipients(facts, limits::RECIPIENTS_PER_MESSAGE_CEILING.figure + 1);
            },
            expected: Expected::Breaks("it has 1001, at most 1000 are allowed"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    too_many(
        facts.envelope.recipients.len() as u64,
        facts.route.recipients_max,
    )
    .into_iter()
    .collect()
}

/// What is wrong with `count` recipients, on a route whose account is set to
/// `route_recipients_max` where that is known.
pub fn too_many(count: u64, route_recipients_max: Option<u64>) -> Option<Problem> {
    let most = limits::recipients_per_message(route_recipients_max);
    (count > most).then(|| {
        Problem::new(
            Place::Recipients,
            format!("it has {count}, at most {most} are allowed"),
            "Send it in several messages, or to a distribution list.",
        )
    })
}

fn recipients(facts: &mut Facts, count: u64) {
    facts.envelope.recipients = (0..count)
        .map(|number| address(&format!("person{number}@northmoor.example")).into())
        .collect();
}
