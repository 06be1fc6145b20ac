use mailward_policy::RouteKind;
use mailward_policy::clause::{dhc, eng, guide};
use mailward_wire::smtp::client::Stage;

use super::super::seen::Reached;
use super::{Check, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "tls-version",
    title: "TLS 1.2 or better is agreed on",
    clauses: &[guide(60), eng(5), dhc(11)],
    about: "The handshake ends in TLS 1.2 or 1.3 with a sound cipher suite: this program offers \
            nothing older, so a server that has only that is an error.",
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
        match route.reached(Stage::Tls) {
            Reached::Passed(session) => {
                let Some(tls) = session.and_then(|session| session.tls.as_ref()) else {
                    findings.not_run(&subject, "the conversation ended after the handshake");
                    continue;
                };
                findings
                    .ok(&subject, format!("{} with {}", tls.version, tls.cipher))
                    .with("version", tls.version)
                    .with("cipher", &tls.cipher);
            }
            Reached::Failed(trouble) if trouble.is_certificate => {
                findings.not_run(&subject, "the certificate was not accepted");
            }
            Reached::Failed(trouble) => {
                findings.error(
                    &subject,
                    &trouble.why,
                    "Ask whoever runs the server for TLS 1.2 or 1.3; the opt-in hosts for older versions must not be used.",
                );
            }
            Reached::StoppedBefore(why) => {
                findings.not_run(&subject, why);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check, stopped_at};

    #[test]
    fn version_and_cipher_are_measured() {
        let mut seen = Fixture::healthy();
        check(
            &CHECK,
            &seen,
            &[(Severity::Ok, "route nhsmail", "TLSv1.3 with TLS_AES_256")],
        );
        let alert = "TLS failed: the server answered with the alert ProtocolVersion";
        seen.routes[0].session = stopped_at(Stage::Tls, alert);
        check(
            &CHECK,
            &seen,
            &[(Severity::Error, "route nhsmail", "ProtocolVersion")],
        );
        if let Some(Err(trouble)) = &mut seen.routes[0].session {
            trouble.is_certificate = true;
        }
        check(
            &CHECK,
            &seen,
            &[(Severity::Note, "route nhsmail", "certificate")],
        );
        check(
            &CHECK,
            &Fixture::relay(),
            &[(Severity::Note, "route relay", "in the clear")],
        );
    }
}
