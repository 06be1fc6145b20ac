use crate::clause::eng;
use crate::facts::Facts;
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// Mail should leave by a service in the cloud, not by a server of the organisation's own.
    ///
    /// Applications on mail servers of their organisation have to plan for another way.
    /// A route is taken for one in the cloud unless its configuration says `on_premise = true`.
};

pub static RULE: Rule = Rule {
    id: "cloud-route",
    title: "The route should lead to a mail service in the cloud",
    severity: Severity::Warn,
    clauses: &[eng(24), eng(25)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["route.on_premise"],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "NHSmail.",
            header: "",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "A server of one's own.",
            header: "",
            change: |facts| facts.route.on_premise = true,
            expected: Expected::Breaks("route submission ends at a server on the premises"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    if !facts.route.on_premise {
        return Vec::new();
    }
    vec![Problem::new(
        Place::Route,
        format!(
            "route {} ends at a server on the premises",
            facts.route.name
        ),
        "Plan the move to NHSmail, and note the date as the route's retirement.",
    )]
}
