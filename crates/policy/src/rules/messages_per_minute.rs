use crate::clause::{dhc, eng, guide};
use crate::facts::{Facts, RouteKind};
use crate::limits::MESSAGES_PER_MINUTE;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// An account sends no more than thirty messages a minute.
    ///
    /// Nothing is refused for it: the queue keeps the pace, and the service would only delay what comes faster.
    /// The finding is advice, for whoever plans: an application that often needs more should apply for the high sending service, which may be used beside the ordinary route.
};

pub static RULE: Rule = Rule {
    id: "messages-per-minute",
    title: "The account's messages in a minute should stay within the service's limit",
    severity: Severity::Warn,
    clauses: &[guide(80), guide(81), dhc(7), eng(3), dhc(9)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["history.messages", "application.high_sending", "route.kind"],
    page: PAGE,
    answer: Answer::new(450, 7, 1),
    judge,
    examples: &[
        Example {
            title: "The thirtieth message of a minute.",
            header: "",
            change: |facts| facts.history.messages_last_minute = MESSAGES_PER_MINUTE.figure - 1,
            expected: Expected::Passes,
        },
        Example {
            title: "The one after it.",
            header: "",
            change: |facts| facts.history.messages_last_minute = MESSAGES_PER_MINUTE.figure,
            expected: Expected::Breaks("Apply for the high sending service"),
        },
        Example {
            title: "The high sending service is granted, but this is not its route.",
            header: "",
            change: |facts| {
                facts.history.messages_last_minute = MESSAGES_PER_MINUTE.figure;
                if let Some(application) = &mut facts.application {
                    application.high_sending = true;
                }
            },
            expected: Expected::Breaks("Give the application its high sending route"),
        },
        Example {
            title: "It goes by the high sending service.",
            header: "",
            change: |facts| {
                facts.history.messages_last_minute = 10 * MESSAGES_PER_MINUTE.figure;
                facts.route.kind = RouteKind::HighSending;
            },
            expected: Expected::Passes,
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let most = MESSAGES_PER_MINUTE.figure;
    let count = facts.history.messages_last_minute.saturating_add(1);
    if count <= most || facts.route.kind == RouteKind::HighSending {
        return Vec::new();
    }
    let granted = facts
        .application
        .as_ref()
        .is_some_and(|application| application.high_sending);
    let remedy = if granted {
        "Give the application its high sending route for what exceeds the limit."
    } else {
        "Apply for the high sending service, if it often sends so many."
    };
    vec![Problem::new(
        Place::Message,
        format!(
            "it is number {count} of the account within a minute, the service takes {most}, and it waits its turn"
        ),
        remedy,
    )]
}
