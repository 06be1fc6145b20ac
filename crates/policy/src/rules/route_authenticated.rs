use crate::clause::{dhc, eng, guide};
use crate::conflict::relay_ground;
use crate::facts::{ExceptionFacts, ExceptionKind, Facts, RouteFacts, RouteKind};
use crate::period::{Date, Period};
use crate::profile::Profile;
use crate::rule::{Answer, Example, Expected, Place, Problem, Rule, Severity, manual_page};

const PAGE: &str = manual_page! {
    /// Mail leaves only by a route that proves who sends it.
    ///
    /// The guide still offers a relay that asks nobody; both standards forbid that, and Dorset's opens it by exception.
    /// So the relay is closed unless the register names an approved exception for the application that has not expired (`[[application.exception]]`, kind `relay`); under the guide alone it is open ([C2](conflicts.md#c2)).
    /// An exception ends at the first moment of its last day, by itself.
    /// Mail that is confidential never goes by the relay, exception or not: see data-class-route.
};

pub static RULE: Rule = Rule {
    id: "route-authenticated",
    title: "The route must authenticate its sender",
    severity: Severity::Refuse,
    clauses: &[
        eng(18),
        eng(6),
        dhc(23),
        dhc(8),
        dhc(12),
        dhc(15),
        guide(9),
        guide(48),
    ],
    standards: &[],
    holds: Period::ALWAYS,
    reads: &[
        "at",
        "profile",
        "route.kind",
        "route.security",
        "application.exceptions",
    ],
    page: PAGE,
    answer: Answer::POLICY,
    judge,
    examples: &[
        Example {
            title: "Submission, which signs in.",
            header: "",
            change: crate::rule::unchanged,
            expected: Expected::Passes,
        },
        Example {
            title: "The relay.",
            header: "",
            change: relay,
            expected: Expected::Breaks("no exception opens it to clinic-letters"),
        },
        Example {
            title: "The relay, by an exception in force.",
            header: "",
            change: |facts| {
                relay(facts);
                except(facts, Date::new(2026, 11, 22));
            },
            expected: Expected::Passes,
        },
        Example {
            title: "The exception ended this very moment.",
            header: "",
            change: |facts| {
                relay(facts);
                except(facts, Date::new(2026, 11, 21));
            },
            expected: Expected::Breaks("exception EXCEPTION-0001 ended on 2026-11-21"),
        },
        Example {
            title: "The relay, where the guide alone binds.",
            header: "",
            change: |facts| {
                relay(facts);
                facts.profile = Profile::Guide2022;
            },
            expected: Expected::Passes,
        },
        Example {
            title: "Another route that does not sign in.",
            header: "",
            change: |facts| facts.route.authenticated = false,
            expected: Expected::Breaks("route submission does not sign in"),
        },
    ],
};

fn judge(facts: &Facts) -> Vec<Problem> {
    let route = &facts.route;
    if route.kind != RouteKind::Relay {
        if route.authenticated {
            return Vec::new();
        }
        return vec![
            Problem::new(
                Place::Route,
                format!("route {} does not sign in", route.name),
                "Give the route a mechanism and the account a credential.",
            )
            .citing(const { &[eng(18), dhc(12), dhc(23), guide(9)] }),
        ];
    }
    if relay_ground(facts).is_some() {
        return Vec::new();
    }
    let application = facts.application.as_ref();
    let lapsed = application.and_then(|application| {
        application
            .exceptions
            .iter()
            .filter(|one| one.kind == ExceptionKind::Relay)
            .max_by_key(|one| one.expires)
    });
    let name = application.map_or("the sender", |application| &application.name);
    let explanation = match lapsed {
        Some(exception) => format!(
            "route {} asks nobody who they are, and exception {} ended on {}",
            route.name,
            exception.reference,
            exception.expires.to_date()
        ),
        None => format!(
            "route {} asks nobody who they are, and no exception opens it to {name}",
            route.name
        ),
    };
    vec![
        Problem::new(
            Place::Route,
            explanation,
            "Send by an authenticated route, or have an exception approved and put in the register, with its end.",
        )
        .citing(const { &[eng(18), eng(6), dhc(8), dhc(15), dhc(23), guide(48)] }),
    ]
}

fn relay(facts: &mut Facts) {
    facts.route = RouteFacts::nhsmail(RouteKind::Relay);
}

fn except(facts: &mut Facts, expires: Date) {
    if let Some(application) = &mut facts.application {
        application.exceptions.push(ExceptionFacts {
            kind: ExceptionKind::Relay,
            reference: "EXCEPTION-0001".to_owned(),
            expires: expires.start(),
            subject: String::new(),
        });
    }
}
