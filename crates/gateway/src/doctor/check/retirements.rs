use mailward_mail::Timestamp;
use mailward_policy::RouteKind;
use mailward_policy::clause::guide;
use mailward_policy::conflict::{EWS_BY_ALLOW_LIST, EWS_ENDED, SUBMISSION_PASSWORDS_OFF};
use mailward_policy::period::Date;

use super::super::production::is_production;
use super::{Check, Findings, Seen};
use crate::config::{Mechanism, Route};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "retirements",
    title: "Nothing that a route needs is about to end",
    clauses: &[guide(109)],
    about: "Days on which the service takes away what a route uses: those that the configuration \
            names, and those that are published for passwords over SMTP, Exchange Web Services \
            and the hosts for old TLS. 90 days before, it is a warning.",
    looks: &[],
    judge,
};

/// When a published end begins to be a warning.
const DAYS_AHEAD: i64 = 90;

struct Published {
    binds: fn(&Route) -> bool,
    date: Date,
    what: &'static str,
    remedy: &'static str,
    /// Whether nothing goes from that day on, by anybody's leave.
    is_final: bool,
}

const PUBLISHED: &[Published] = &[
    Published {
        binds: |route| {
            is_production(&route.server)
                && route.kind == RouteKind::Submission
                && !matches!(route.mechanism, Mechanism::XOAuth2 { .. })
        },
        date: SUBMISSION_PASSWORDS_OFF,
        what: "sign-in with a password over SMTP is off by default (Message Center MC786329); an administrator can switch it on again until a day that is announced in 2027",
        remedy: "Move the route to mechanism = \"xoauth2\", or ask the Local Administrator whether passwords stay on for this organisation.",
        is_final: false,
    },
    Published {
        binds: |route| route.kind == RouteKind::Ews,
        date: EWS_BY_ALLOW_LIST,
        what: "Exchange Web Services work only for applications on the organisation's list (MC1227454)",
        remedy: "Ask the Local Administrator whether this registration is on the list; move to Graph or SMTP.",
        is_final: false,
    },
    Published {
        binds: |route| route.kind == RouteKind::Ews,
        date: EWS_ENDED,
        what: "Exchange Web Services end for good (MC1227454)",
        remedy: "Move to Graph or SMTP.",
        is_final: true,
    },
    Published {
        binds: |route| {
            let name = route.server.to_ascii_lowercase();
            name.ends_with("-legacy.office365.com")
        },
        date: Date::new(2026, 12, 31),
        what: "the hosts for TLS older than 1.2 are closed (MC1293480)",
        remedy: "Use smtp.office365.com: this program speaks TLS 1.2 and 1.3.",
        is_final: true,
    },
];

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for route in &seen.config.routes {
        let subject = format!("route {}", route.name);
        let before = PUBLISHED.iter().filter(|one| (one.binds)(route));
        let mut any = false;
        for one in before {
            any = true;
            tell(
                findings,
                &subject,
                seen.at,
                one.date.start(),
                one.what,
                one.remedy,
                one.is_final,
            );
        }
        for one in &route.retirements {
            any = true;
            let remedy = "Make sure that the route does without it, then take the line out of the configuration.";
            tell(
                findings, &subject, seen.at, one.date, &one.what, remedy, false,
            );
        }
        if !any {
            findings.ok(&subject, "no end is published for what it uses");
        }
    }
}

fn tell(
    findings: &mut Findings<'_>,
    subject: &str,
    at: Timestamp,
    date: Timestamp,
    what: &str,
    remedy: &str,
    is_final: bool,
) {
    const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
    let days = (date.as_millis() - at.as_millis()).div_euclid(DAY_MILLIS);
    let when = date.to_date();
    let finding = match days {
        ..0 if is_final => findings.error(subject, format!("since {when}: {what}"), remedy),
        ..0 => findings.warning(subject, format!("since {when}: {what}"), remedy),
        0..=DAYS_AHEAD => findings.warning(
            subject,
            format!("in {days} days, on {when}: {what}"),
            remedy,
        ),
        _ => findings.note(subject, format!("in {days} days, on {when}: {what}")),
    };
    finding.with("date", when).with("days_left", days);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Retirement;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check, config_of, day};

    #[test]
    fn days_are_counted_to_what_the_route_uses() {
        let legacy = "smtp-legacy.office365.com";
        let token = || Mechanism::XOAuth2 {
            oauth: "nhsmail".to_owned(),
        };
        for (server, mechanism, at, expected) in [
            (
                "smtp.office365.com",
                Mechanism::Login,
                "2026-11-21",
                vec![(Severity::Warning, "in 40 days")],
            ),
            (
                "smtp.office365.com",
                Mechanism::Login,
                "2026-03-01",
                vec![(Severity::Note, "in 305 days")],
            ),
            (
                "smtp.office365.com",
                Mechanism::Login,
                "2027-01-01",
                vec![(Severity::Warning, "since 2026-12-31")],
            ),
            (
                "smtp.office365.com",
                token(),
                "2026-11-21",
                vec![(Severity::Ok, "no end")],
            ),
            (
                "mail.northmoor.example",
                Mechanism::Login,
                "2026-11-21",
                vec![(Severity::Ok, "no end")],
            ),
            (
                legacy,
                token(),
                "2027-01-01",
                vec![(Severity::Error, "TLS older than 1.2")],
            ),
        ] {
            let mut seen = Fixture::healthy();
            seen.at = day(at);
            let route = &mut config_of(&mut seen).routes[0];
            (route.server, route.mechanism) = (server.to_owned(), mechanism);
            let expected: Vec<_> = expected
                .into_iter()
                .map(|(severity, text)| (severity, "route nhsmail", text))
                .collect();
            check(&CHECK, &seen, &expected);
        }
    }

    #[test]
    fn the_configuration_adds_days_of_its_own() {
        let mut seen = Fixture::healthy();
        let route = &mut config_of(&mut seen).routes[0];
        route.kind = RouteKind::Ews;
        route.retirements.push(Retirement {
            date: day("2027-11-21"),
            what: "the contract".to_owned(),
        });
        check(
            &CHECK,
            &seen,
            &[
                (Severity::Warning, "route nhsmail", "since 2026-10-01"),
                (Severity::Note, "route nhsmail", "in 131 days"),
                (
                    Severity::Note,
                    "route nhsmail",
                    "in 365 days, on 2027-11-21: the contract",
                ),
            ],
        );
    }
}
