use mailward_mail::Timestamp;
use mailward_policy::clause::guide;

use super::{Check, Findings, Seen};
use crate::route::retirement::{self, End};

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

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for route in &seen.config.routes {
        let subject = format!("route {}", route.name);
        let ends = retirement::ends(route);
        if ends.is_empty() {
            findings.ok(&subject, "no end is published for what it uses");
        }
        for end in ends {
            tell(findings, &subject, seen.at, &end);
        }
    }
}

fn tell(findings: &mut Findings<'_>, subject: &str, at: Timestamp, end: &End) {
    let (days, when) = (end.days_left(at), end.date.to_date());
    let (what, remedy) = (&end.what, end.remedy);
    let is_over = end.is_published && end.is_the_routes;
    let finding = match days {
        ..0 if is_over => findings.error(subject, format!("since {when}: {what}"), remedy),
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
    use mailward_policy::RouteKind;

    use super::*;
    use crate::config::{Mechanism, Retirement};
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

    #[test]
    fn a_route_is_retired_from_its_day_on() {
        let mut seen = Fixture::healthy();
        let route = &mut config_of(&mut seen).routes[0];
        // Passwords may stay on by an administrator's leave.
        route.server = "smtp.office365.com".to_owned();
        route.mechanism = Mechanism::Login;
        assert_eq!(retirement::retired(route, day("2027-06-01")), None);
        route.retirements.push(Retirement {
            date: day("2027-01-31"),
            what: "the contract ends".to_owned(),
        });
        for (at, is_retired, days) in [
            ("2027-01-30", false, 1),
            ("2027-01-31", true, 0),
            ("2027-02-07", true, -7),
        ] {
            let end = retirement::retired(route, day(at));
            assert_eq!(end.is_some(), is_retired, "{at}");
            let last = retirement::ends(route).pop().expect("the contract");
            assert_eq!(last.days_left(day(at)), days, "{at}");
        }
        assert_eq!(retirement::ends(route).len(), 2);
    }
}
