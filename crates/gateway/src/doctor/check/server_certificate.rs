use mailward_net::Certificate;
use mailward_policy::RouteKind;
use mailward_policy::clause::{dhc, eng};
use mailward_wire::smtp::client::Stage;

use super::super::Finding;
use super::super::seen::Reached;
use super::{Check, DAYS_WARNING, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "server-certificate",
    title: "The server's certificate is good",
    clauses: &[eng(17), eng(18), dhc(23)],
    about: "The chain leads to an authority that is trusted here, the certificate is for the \
            server's name, and it is valid for another 30 days. Fewer are a warning.",
    looks: &[Look::Server],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for route in &seen.routes {
        let subject = route.subject();
        if route.route.kind == RouteKind::Relay {
            findings.not_run(&subject, "the anonymous relay is spoken with in the clear");
            continue;
        }
        let certificate = route.certificate.as_ref();
        let days = certificate.map(|one| one.days_left(seen.at));
        let finding = match (route.reached(Stage::Tls), days) {
            (Reached::Failed(trouble), _) if trouble.is_certificate => {
                findings.error(&subject, &trouble.why, remedy(&trouble.why))
            }
            (Reached::StoppedBefore(why), _) => findings.not_run(&subject, why),
            (Reached::Failed(trouble), _) => findings.not_run(&subject, &trouble.why),
            (Reached::Passed(_), Some(days)) if days < 0 => findings.error(
                &subject,
                format!("it has expired {} days ago", -days),
                "Tell whoever runs the server to renew it.",
            ),
            (Reached::Passed(_), Some(days)) if days < DAYS_WARNING => findings.warning(
                &subject,
                format!("it expires in {days} days"),
                "Tell whoever runs the server to renew it.",
            ),
            (Reached::Passed(_), Some(days)) => findings.ok(
                &subject,
                format!(
                    "it is trusted, for {}, and valid for {days} days",
                    route.route.server
                ),
            ),
            (Reached::Passed(_), None) => findings.ok(&subject, "it is trusted"),
        };
        measure(finding, certificate, days);
    }
}

/// By the words of the handshake's error.
fn remedy(why: &str) -> &'static str {
    if why.contains("not trusted") {
        "Name the file of its authority as ca_file on the route, if it is your organisation's own; otherwise something between here and the server replaces its certificate."
    } else if why.contains("other name") {
        "Write the name that the certificate is for, or ask whoever runs the server for one that is for this name."
    } else {
        "Tell whoever runs the server to renew it; check this machine's clock first."
    }
}

pub(super) fn measure(finding: &mut Finding, certificate: Option<&Certificate>, days: Option<i64>) {
    let Some(certificate) = certificate else {
        return;
    };
    finding
        .with("subject", &certificate.subject)
        .with("issuer", &certificate.issuer)
        .with("valid_until", certificate.not_after.to_date())
        .with("names", certificate.names.join(" "));
    if let Some(days) = days {
        finding.with("days_left", days);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check, day, stopped_at};

    #[test]
    fn days_left_decide() {
        for (at, expected, text) in [
            ("2026-11-21", Severity::Ok, "valid for 61 days"),
            ("2026-12-21", Severity::Warning, "expires in 31 days"),
            ("2026-12-23", Severity::Warning, "expires in 29 days"),
            ("2027-01-23", Severity::Error, "expired 2 days ago"),
        ] {
            let mut seen = Fixture::healthy();
            seen.at = day(at);
            let expected = if text.contains("in 31") {
                Severity::Ok
            } else {
                expected
            };
            let text = text.replace("expires in 31", "valid for 31");
            check(&CHECK, &seen, &[(expected, "route nhsmail", &text)]);
        }
    }

    #[test]
    fn what_is_not_accepted_is_told_with_what_it_is() {
        for (why, remedy) in [
            (
                "it was issued by an authority that is not trusted here",
                "ca_file",
            ),
            ("it belongs to other names: a.example", "is for this name"),
            ("it has expired", "renew"),
        ] {
            let mut seen = Fixture::healthy();
            seen.routes[0].session = stopped_at(Stage::Tls, why);
            if let Some(Err(trouble)) = &mut seen.routes[0].session {
                trouble.is_certificate = true;
            }
            let found = check(&CHECK, &seen, &[(Severity::Error, "route nhsmail", why)]);
            assert_eq!(found[0].measured["subject"], "CN=smtp.office365.com");
            assert!(
                found[0]
                    .remedy
                    .as_ref()
                    .is_some_and(|text| text.contains(remedy))
            );
        }
    }
}
