use crate::clause::{dhc, eng, guide};
use crate::conflict::{MailService, mail_services};
use crate::facts::Facts;
use crate::period::Period;
use crate::profile::Profile;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// The route must end at a mail service that the organisation's profile allows.
    ///
    /// Dorset's standard sends all official mail by NHSmail, and the guide knows no other service.
    /// NHS England's standard has two: NHSmail, and NHS England's own Exchange Online.
    /// So the second is allowed under the profile `nhs-england` alone; where both standards bind, Dorset's is the stricter ([C13](conflicts.md#c13)).
    /// A route says by `service` in the configuration where it ends; without a word it is NHSmail.
};

pub static RULE: Rule = Rule {
    id: "mail-service-allowed",
    title: "The route must end at a mail service that the profile allows",
    severity: Severity::Refuse,
    clauses: &[dhc(24), guide(43), eng(2)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["profile", "route.service"],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "NHSmail, which every profile allows.",
            header: "",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "NHS England's Exchange Online under NHS England's standard.",
            header: "",
            change: |facts| {
                facts.profile = Profile::NhsEngland;
                facts.route.service = MailService::NhsEnglandExchange;
            },
            expected: Expected::Passes,
        },
        Example {
            title: "The same under Dorset's.",
            header: "",
            change: |facts| {
                facts.profile = Profile::Dorset;
                facts.route.service = MailService::NhsEnglandExchange;
            },
            expected: Expected::Breaks(
                "route submission ends at NHS England's Exchange Online, and the profile dorset allows NHSmail",
            ),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let route = &facts.route;
    let allowed = mail_services(facts.profile);
    if allowed.contains(&route.service) {
        return Vec::new();
    }
    let names: Vec<&str> = allowed.iter().map(|service| service.title()).collect();
    vec![Problem::new(
        Place::Route,
        format!(
            "route {} ends at {}, and the profile {} allows {}",
            route.name,
            route.service,
            facts.profile,
            names.join(" and ")
        ),
        "Choose a route to NHSmail.",
    )]
}
