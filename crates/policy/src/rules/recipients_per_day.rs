use crate::clause::{eng, guide};
use crate::facts::{Facts, RouteKind};
use crate::limits::RECIPIENTS_PER_DAY;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};
use crate::sample::address;

const PAGE: &str = manual_page! {
    /// An account reaches no more recipients in any 24 hours than the service allows it.
    ///
    /// A message that goes beyond is not refused: the queue sends to as many as there is room for and keeps the rest until there is room again, and this finding says so beforehand.
    /// One message that alone has more recipients than a whole day allows is refused.
    /// The high sending service and the relay count otherwise, and are not judged here.
};

pub static RULE: Rule = Rule {
    id: "recipients-per-day",
    title: "The account's recipients in 24 hours must stay within the service's limit",
    severity: Severity::Warn,
    clauses: &[guide(80), guide(81), eng(3)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["history.recipients", "envelope.recipients", "route.kind"],
    page: PAGE,
    answer: Answer::new(550, 5, 3),
    judge,
    examples: &[
        Example {
            title: "The last recipient that there is room for.",
            header: "",
            change: |facts| facts.history.recipients_last_day = RECIPIENTS_PER_DAY.figure - 1,
            expected: Expected::Passes,
        },
        Example {
            title: "The day's allowance is used up.",
            header: "",
            change: |facts| facts.history.recipients_last_day = RECIPIENTS_PER_DAY.figure,
            expected: Expected::Breaks("1 of its recipients wait"),
        },
        Example {
            title: "The high sending service.",
            header: "",
            change: |facts| {
                facts.history.recipients_last_day = RECIPIENTS_PER_DAY.figure;
                facts.route.kind = RouteKind::HighSending;
            },
            expected: Expected::Passes,
        },
        Example {
            title: "More in one message than in a day.",
            header: "",
            change: |facts| {
                let recipient = facts.envelope.recipients[0].clone();
                facts.envelope.recipients = vec![recipient; 10_001];
                facts.envelope.recipients[0].address = address("all@northmoor.example");
            },
            expected: Expected::Breaks("it alone has 10001 recipients"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    if matches!(facts.route.kind, RouteKind::HighSending | RouteKind::Relay) {
        return Vec::new();
    }
    let most = RECIPIENTS_PER_DAY.figure;
    let own = facts.envelope.recipients.len() as u64;
    if own > most {
        return vec![
            Problem::new(
                Place::Recipients,
                format!(
                    "it alone has {own} recipients, and an account may reach {most} in 24 hours"
                ),
                "Send it by the high sending service, or by a service made for mass mailing.",
            )
            .raised_to(Severity::Refuse),
        ];
    }
    let before = facts.history.recipients_last_day;
    let over = before.saturating_add(own).saturating_sub(most).min(own);
    if over == 0 {
        return Vec::new();
    }
    vec![Problem::new(
        Place::Recipients,
        format!(
            "the account has {before} recipients in the last 24 hours, of {most} allowed; {over} of its recipients wait until there is room"
        ),
        "Nothing need be done; if the need is lasting, apply for the high sending service.",
    )]
}
