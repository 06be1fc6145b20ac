use crate::clause::{dhc, eng, guide};
use crate::conflict::{TLS_LEAST, relay_ground};
use crate::facts::{ExceptionFacts, ExceptionKind, Facts, RouteFacts, RouteKind, TlsVersion};
use crate::period::{Date, Period};
use crate::profile::Profile;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// Mail leaves only by routes that insist on TLS 1.2 or later.
    ///
    /// The guide still describes a relay that speaks plain text when it must; both standards forbid that.
    /// So a route that may fall back to plain text is refused, but for the relay itself where the guide alone binds, or where an approved exception lets the application use it ([C2](conflicts.md#c2)).
    /// What happens beyond the next server is not ours to enforce: domains that exchange mail with NHSmail cannot be made to encrypt, by the service's own decision.
};

pub static RULE: Rule = Rule {
    id: "tls-route",
    title: "The route must be encrypted with TLS 1.2 or later",
    severity: Severity::Refuse,
    clauses: &[eng(17), eng(5), dhc(11), dhc(23), guide(60)],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &[
        "route.security",
        "route.kind",
        "profile",
        "application.exceptions",
    ],
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
            title: "The relay, where the guide alone binds.",
            header: "",
            change: |facts| {
                facts.profile = Profile::Guide2022;
                facts.route = RouteFacts::nhsmail(RouteKind::Relay);
            },
            expected: Expected::Passes,
        },
        Example {
            title: "The relay, by an exception in force.",
            header: "",
            change: |facts| {
                facts.route = RouteFacts::nhsmail(RouteKind::Relay);
                if let Some(application) = &mut facts.application {
                    application.exceptions.push(ExceptionFacts {
                        kind: ExceptionKind::Relay,
                        reference: "EXCEPTION-0001".to_owned(),
                        expires: Date::new(2027, 1, 1).start(),
                        subject: String::new(),
                    });
                }
            },
            expected: Expected::Passes,
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
        Some(version) if version >= TLS_LEAST => return Vec::new(),
        None if facts.route.kind == RouteKind::Relay && relay_ground(facts).is_some() => {
            return Vec::new();
        }
        Some(version) => format!("route {name} is content with {}", version.as_str()),
        None => format!("route {name} may fall back to plain text"),
    };
    vec![Problem::new(
        Place::Route,
        explanation,
        "Choose a route with TLS, or raise its least version.",
    )]
}
