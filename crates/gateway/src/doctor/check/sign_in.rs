use mailward_policy::RouteKind;
use mailward_policy::clause::{dhc, guide};

use super::super::replies::meaning;
use super::super::seen::SignInSeen;
use super::{Check, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "sign-in",
    title: "Every account can sign in",
    clauses: &[guide(9), guide(34), guide(35), guide(59), dhc(12)],
    about: "Each account signs in on its route with its secret or token, once. It is not tried \
            when the service has refused this version of the credential before, and a refusal \
            opens the gateway's breaker: further tries would lock the account.",
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
            SignInSeen::SignedIn { took } => {
                let millis = took.as_millis();
                findings
                    .ok(&subject, format!("signed in after {millis} ms"))
                    .with("milliseconds", millis);
            }
            SignInSeen::Refused { reply, unrecorded } => {
                let refusal = meaning(reply);
                findings
                    .error(
                        &subject,
                        format!("{}; {}", refusal.means, kept(unrecorded.as_deref())),
                        refusal.remedy,
                    )
                    .citing(refusal.clauses)
                    .with("reply", reply);
            }
            SignInSeen::BreakerOpen { since, reply } => {
                findings
                    .error(
                        &subject,
                        format!("refused on {}, and not tried again", since.to_date()),
                        "Correct the secret with `mailward secrets set`: a new version may be tried once.",
                    )
                    .with("reply", reply)
                    .with("since", since);
            }
            SignInSeen::Failed(why) => {
                findings.error(
                    &subject,
                    format!("no answer about the credential: {why}"),
                    "Nothing was refused, so it may be tried again later.",
                );
            }
            SignInSeen::NotTried(why) => {
                findings.not_run(&subject, format!("not tried: {why}"));
            }
        }
    }
}

/// What became of a refusal.
pub(super) fn kept(unrecorded: Option<&str>) -> String {
    match unrecorded {
        None => "its breaker is open, so it is not tried again".to_owned(),
        Some(why) => format!(
            "that could not be written down ({why}): do not start the gateway before the secret is changed"
        ),
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
    fn every_outcome_is_told() {
        let disabled = "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Mailbox.";
        let reply = Reply::from_wire(535, vec![disabled.to_owned()]);
        let took = Duration::from_millis(90);
        for (sign_in, expected, text) in [
            (SignInSeen::SignedIn { took }, Severity::Ok, "90 ms"),
            (
                SignInSeen::Refused {
                    reply: reply.clone(),
                    unrecorded: None,
                },
                Severity::Error,
                "SMTP is not enabled for this account; its breaker is open",
            ),
            (
                SignInSeen::Refused {
                    reply,
                    unrecorded: Some("locked".to_owned()),
                },
                Severity::Error,
                "do not start the gateway",
            ),
            (
                SignInSeen::BreakerOpen {
                    since: day("2026-11-20"),
                    reply: "535".to_owned(),
                },
                Severity::Error,
                "refused on 2026-11-20",
            ),
            (
                SignInSeen::Failed("it hung up".to_owned()),
                Severity::Error,
                "it hung up",
            ),
            (
                SignInSeen::NotTried("no server".to_owned()),
                Severity::Note,
                "no server",
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
        check(&CHECK, &Fixture::relay(), &[]);
    }
}
