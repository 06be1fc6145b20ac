use mailward_policy::RouteKind;
use mailward_policy::clause::guide;

use super::super::replies::meaning;
use super::super::seen::SignInSeen;
use super::{Check, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "smtp-enabled",
    title: "SMTP is enabled for every account",
    clauses: &[guide(6), guide(47), guide(104)],
    about: "What the service answered to signing in says whether the Local Administrator has \
            enabled SMTP for the account. Signing in with anything else refused leaves it unknown.",
    looks: &[Look::SignIn],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for account in &seen.accounts {
        let route = seen.config.route(&account.account.route);
        if route.is_some_and(|route| route.kind == RouteKind::Relay) {
            continue;
        }
        let subject = account.subject();
        match &account.sign_in {
            SignInSeen::SignedIn { .. } => {
                findings.ok(&subject, "SMTP is enabled");
            }
            SignInSeen::Refused { reply, .. } => {
                let refusal = meaning(reply);
                if refusal.smtp_enabled == Some(false) {
                    findings
                        .error(&subject, refusal.means, refusal.remedy)
                        .citing(refusal.clauses)
                        .with("reply", reply);
                } else {
                    findings.not_run(
                        &subject,
                        "unknown: signing in was refused for another reason",
                    );
                }
            }
            SignInSeen::BreakerOpen { reply, .. }
                if reply.contains("SmtpClientAuthentication is disabled") =>
            {
                findings
                    .error(
                        &subject,
                        "SMTP was not enabled when it was last tried",
                        "Ask the Local Administrator to enable SMTP; then set the secret again, so that it has a new version.",
                    )
                    .with("reply", reply);
            }
            _ => {
                findings.not_run(&subject, "unknown: nobody signed in");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check, day};
    use mailward_mail::Reply;
    use std::time::Duration;

    #[test]
    fn the_words_of_the_service_tell() {
        let refused = |text: &str| SignInSeen::Refused {
            reply: Reply::from_wire(535, vec![text.to_owned()]),
            unrecorded: None,
        };
        let took = Duration::ZERO;
        let disabled = "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.";
        for (sign_in, expected, text) in [
            (SignInSeen::SignedIn { took }, Severity::Ok, "enabled"),
            (
                refused(disabled),
                Severity::Error,
                "not enabled for the organisation",
            ),
            (
                refused("5.7.3 Authentication unsuccessful"),
                Severity::Note,
                "another reason",
            ),
            (
                SignInSeen::BreakerOpen {
                    since: day("2026-11-20"),
                    reply: format!("535 {disabled}"),
                },
                Severity::Error,
                "when it was last tried",
            ),
            (
                SignInSeen::NotTried(String::new()),
                Severity::Note,
                "nobody signed in",
            ),
        ] {
            let mut seen = Fixture::healthy();
            seen.accounts[0].sign_in = sign_in;
            check(
                &CHECK,
                &seen,
                &[(expected, "account letters@northmoor.example", text)],
            );
        }
    }
}
