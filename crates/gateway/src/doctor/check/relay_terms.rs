use mailward_policy::clause::{dhc, eng, guide};
use mailward_policy::facts::ExceptionKind;
use mailward_policy::{DataClass, RouteKind};

use super::{Check, DAYS_WARNING, Findings, Look, Seen};
use crate::config::Application;

pub(in crate::doctor) const CHECK: Check = Check {
    id: "relay-terms",
    title: "The relay is used on its terms",
    clauses: &[
        guide(13),
        guide(15),
        guide(50),
        guide(51),
        dhc(8),
        dhc(15),
        eng(18),
    ],
    about: "For relay routes alone: port 25 and no sign-in, senders of the organisation's own \
            nhs.uk domain and none of nhs.net, nothing confidential, and for each application an \
            exception that is approved and has not run out.",
    looks: &[Look::Server],
    judge,
};

/// The relay's only port (GUIDE-51).
const PORT: u16 = 25;

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for route in &seen.routes {
        if route.route.kind != RouteKind::Relay {
            continue;
        }
        let subject = route.subject();
        match route.route.port {
            PORT => findings.ok(&subject, "port 25"),
            port => findings.note(
                &subject,
                format!("port {port}; the relay itself listens on {PORT}"),
            ),
        };
        if let Some(session) = route.session() {
            let auth = session.features.auth.join(" ");
            if auth.is_empty() {
                findings.ok(&subject, "no sign-in is asked for");
            } else {
                findings.warning(
                    &subject,
                    format!("it offers sign-in ({auth}), which the relay does not"),
                    "Use a route of kind \"submission\" with an account: signing in goes first.",
                );
            }
        }
        let users = seen
            .applications
            .iter()
            .filter(|one| one.route == route.route.name);
        for application in users {
            terms(seen, findings, application);
        }
    }
}

fn terms(seen: &Seen, findings: &mut Findings<'_>, application: &Application) {
    let subject = format!("application {}", application.name);
    let account = application.account.as_str();
    let domain = account.rsplit('@').next().unwrap_or_default();
    if domain == "nhs.net" || domain.ends_with(".nhs.net") {
        findings.error(
            &subject,
            format!(
                "{account} would count as forged: mail of nhs.net through the relay is dropped"
            ),
            "Send from an address of your organisation's nhs.uk domain, or by submission.",
        );
    } else if !domain.ends_with(".nhs.uk") && domain != "nhs.uk" {
        findings.error(
            &subject,
            format!("{account} is not of an nhs.uk domain"),
            "Send from an address of your organisation's nhs.uk domain.",
        );
    } else {
        findings.ok(&subject, format!("it sends from {domain}"));
    }
    if application.patient_data || application.data_class > DataClass::Official {
        findings.error(
            &subject,
            "it is registered for confidential mail, which may not go through the relay",
            "Give it a route of kind \"submission\".",
        );
    }
    let facts = application.facts();
    let latest = facts
        .exceptions
        .iter()
        .filter(|one| one.kind == ExceptionKind::Relay)
        .max_by_key(|one| one.expires);
    let approve = "Ask the architects for an exception with an end, and enter it as an exception of the kind \"relay\".";
    match latest {
        None => {
            findings.error(&subject, "no exception lets it use the relay", approve);
        }
        Some(one) if one.expires <= seen.at => {
            findings.error(
                &subject,
                format!(
                    "exception {} ran out on {}",
                    one.reference,
                    one.expires.to_date()
                ),
                approve,
            );
        }
        Some(one) => {
            const DAY_MILLIS: i64 = 24 * 60 * 60 * 1000;
            let days = (one.expires.as_millis() - seen.at.as_millis()) / DAY_MILLIS;
            let sentence = format!("exception {} holds for {days} days", one.reference);
            let finding = if days < DAYS_WARNING {
                findings.warning(&subject, sentence, approve)
            } else {
                findings.ok(&subject, sentence)
            };
            finding
                .with("reference", &one.reference)
                .with("days_left", days);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Exception;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check, day};
    use mailward_queue::AccountName;

    #[test]
    fn each_term_is_held_up() {
        let exception = |expires: &str| Exception {
            kind: ExceptionKind::Relay,
            reference: "EX-1".to_owned(),
            expires: day(expires),
            subject: String::new(),
        };
        let (route, application) = ("route relay", "application letters");
        let port = (Severity::Ok, route, "port 25");
        let anonymous = (Severity::Ok, route, "no sign-in");
        let own = (Severity::Ok, application, "sends from northmoor.nhs.uk");
        for (from, exceptions, expected) in [
            (
                "a@northmoor.nhs.uk",
                vec![exception("2027-11-21")],
                vec![own, (Severity::Ok, application, "EX-1 holds for 365 days")],
            ),
            (
                "a@northmoor.nhs.uk",
                vec![exception("2026-12-01")],
                vec![own, (Severity::Warning, application, "10 days")],
            ),
            (
                "a@northmoor.nhs.uk",
                vec![exception("2026-11-21")],
                vec![own, (Severity::Error, application, "ran out on 2026-11-21")],
            ),
            (
                "a@nhs.net",
                vec![],
                vec![
                    (Severity::Error, application, "forged"),
                    (Severity::Error, application, "no exception"),
                ],
            ),
            (
                "a@northmoor.example",
                vec![],
                vec![
                    (Severity::Error, application, "not of an nhs.uk"),
                    (Severity::Error, application, "no exception"),
                ],
            ),
        ] {
            let mut seen = Fixture::relay();
            let entry = &mut seen.applications[0];
            entry.account = AccountName::new(from);
            entry.exceptions = exceptions;
            let all = [vec![port, anonymous], expected].concat();
            check(&CHECK, &seen, &all);
        }
        check(&CHECK, &Fixture::healthy(), &[]);
    }

    #[test]
    fn confidential_mail_and_other_ports_are_told() {
        let mut seen = Fixture::relay();
        seen.routes[0].route.port = 2525;
        seen.applications[0].patient_data = true;
        if let Some(Ok(session)) = &mut seen.routes[0].session {
            session.features.auth.push("LOGIN".to_owned());
        }
        let application = "application letters";
        check(
            &CHECK,
            &seen,
            &[
                (Severity::Note, "route relay", "port 2525"),
                (Severity::Warning, "route relay", "offers sign-in (LOGIN)"),
                (Severity::Ok, application, "northmoor.nhs.uk"),
                (Severity::Error, application, "confidential"),
                (Severity::Error, application, "no exception"),
            ],
        );
    }
}
