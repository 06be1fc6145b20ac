use crate::clause::{dhc, eng, guide};
use crate::facts::{Facts, RouteFacts, RouteKind, TlsVersion};
use crate::period::Period;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

/// ENG-5, ENG-17 and DHC-11 name this version.
const LEAST: TlsVersion = TlsVersion::Tls12;

const PAGE: &str = manual_page! {
    /// Mail leaves only by routes that insist on TLS 1.2 or later.
    ///
    /// The guide still describes a relay that speaks plain text when it must; both standards forbid that.
    /// Where sources differ the stricter holds, so a route that may fall back to plain text is refused.
    /// What happens beyond the next server is not ours to enforce: domains that exchange mail with NHSmail cannot be made to encrypt, by the service's own decision.
};

pub static RULE: Rule = Rule {
    id: "tls-route",
    title: "The route must be encrypted with TLS 1.2 or later",
    severity: Severity::Refuse,
    clauses: &[eng(17), eng(5), dhc(11), dhc(23), guide(60)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &["route.security"],
    page: PAGE,
    answer: Answer::new(550, 7, 10),
    judge,
    examples: &[
        Example {
            title: "Submission with STARTTLS, 1.2 or later.",
            header: "",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "The relay, which takes plain text.",
            header: "",
            change: |facts| facts.route = RouteFacts::nhsmail(RouteKind::Relay),
            expected: Expected::Breaks("route relay may fall back to plain text"),
        },
        Example {
            title: "An old server.",
            header: "",
            change: |facts| facts.route.tls = Some(TlsVersion::Tls11),
            expected: Expected::Breaks("route submission is content with TLS 1.1"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let name = &facts.route.name;
    let explanation = match facts.route.tls {
        Some(version) if version >= LEAST => return Vec::new(),
        Some(version) => format!("route {name} is content with {}", version.as_str()),
        None => format!("route {name} may fall back to plain text"),
    };
    vec![Problem::new(
        Place::Route,
        explanation,
        "Choose a route with TLS, or raise its least version.",
    )]
}
