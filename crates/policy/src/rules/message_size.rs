use crate::clause::guide;
use crate::facts::Facts;
use crate::limits;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// The encoded message may be no larger than the published limit, or than its route takes, if that is less.
    ///
    /// The guide says 35 MB and not whether attachments count before or after encoding; it is measured after, on the message as it travels, which is the stricter reading.
    /// A megabyte is 2^20 octets, as Exchange counts it.
    /// Base64 makes an attachment a third larger and more, so about 25 MB of attachments fit.
    /// A thousand octets are kept free for the Received line and the repairs that are put on top.
};

pub static RULE: Rule = Rule {
    id: "message-size",
    title: "The message must be within the size limit",
    severity: Severity::Refuse,
    clauses: &[guide(67)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["message.octets", "route.limits"],
    page: PAGE,
    answer: Answer::new(552, 3, 4),
    judge,
    examples: &[
        Example {
            title: "As large as it may be.",
            header: "",
            change: |facts| facts.message.octets = limits::ACCEPTED_OCTETS_MAX,
            expected: Expected::Passes,
        },
        Example {
            title: "One octet more.",
            header: "",
            change: |facts| facts.message.octets = limits::ACCEPTED_OCTETS_MAX + 1,
            expected: Expected::Breaks("at most"),
        },
        Example {
            title: "A route that takes less.",
            header: "",
            change: |facts| facts.route.octets_max = Some(5000),
            expected: Expected::Breaks("has 4096 octets, at most 3976 are taken"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    too_large(facts.message.octets, facts.route.octets_max)
        .into_iter()
        .collect()
}

/// What is wrong with a message of `octets`, on a route that takes
/// `route_octets_max` where that is set. For use before the message is there,
/// with the size that was announced: see [`crate::Catalogue::refuse_early`].
pub fn too_large(octets: u64, route_octets_max: Option<u64>) -> Option<Problem> {
    let most = limits::message_octets(route_octets_max).saturating_sub(limits::ADDED_OCTETS_MAX);
    (octets > most).then(|| {
        Problem::new(
            Place::Message,
            format!("it has {octets} octets, at most {most} are taken, attachments encoded"),
            "Send fewer or smaller attachments, or a link to them.",
        )
    })
}
