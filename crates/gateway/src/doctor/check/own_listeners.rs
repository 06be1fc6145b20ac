use mailward_policy::clause::{dhc, eng};

use super::super::seen::ListenerOutcome;
use super::{Check, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "own-listeners",
    title: "We are no open relay",
    clauses: &[eng(5), eng(6), eng(18), dhc(23)],
    about: "Each listener of a running gateway is called as a stranger would: a message from nobody \
            to elsewhere, without signing in, is refused in the clear and under TLS, and TLS is \
            1.2 or better. The message is never sent to its end.",
    looks: &[Look::Own],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    if let Some(why) = &seen.own.not_called {
        findings.not_run("gateway", why);
    }
    for listener in &seen.own.listeners {
        let subject = format!("listener {}", listener.name);
        let finding = match &listener.outcome {
            ListenerOutcome::Closed(reply) => {
                findings.ok(&subject, format!("a stranger is refused: {reply}"))
            }
            ListenerOutcome::Open => findings.error(
                &subject,
                "a stranger's mail would be taken",
                "Stop the gateway and report this: it must never happen.",
            ),
            ListenerOutcome::Failed(why) => findings.warning(
                &subject,
                format!("it could not be tried: {why}"),
                "See whether the gateway runs and this machine may call its address.",
            ),
        };
        finding.with("address", &listener.address);
        if let Some(tls) = &listener.tls {
            finding
                .with("version", tls.version)
                .with("cipher", &tls.cipher);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::seen::ListenerSeen;
    use crate::doctor::testing::{Fixture, check};

    #[test]
    fn a_listener_is_closed_open_or_unknown() {
        for (outcome, expected, text) in [
            (
                ListenerOutcome::Closed("530 5.7.0 Sign in first".to_owned()),
                Severity::Ok,
                "530",
            ),
            (ListenerOutcome::Open, Severity::Error, "would be taken"),
            (
                ListenerOutcome::Failed("refused".to_owned()),
                Severity::Warning,
                "refused",
            ),
        ] {
            let mut seen = Fixture::healthy();
            seen.own.not_called = None;
            seen.own.listeners = vec![ListenerSeen {
                name: "submission",
                address: "127.0.0.1:587".to_owned(),
                tls: None,
                outcome,
            }];
            check(&CHECK, &seen, &[(expected, "listener submission", text)]);
        }
        check(
            &CHECK,
            &Fixture::healthy(),
            &[(Severity::Note, "gateway", "does not run")],
        );
    }
}
