use mailward_policy::clause::{dhc, eng, guide};

use super::super::seen::TokenOutcome;
use super::{Check, DAYS_WARNING, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "oauth-token",
    title: "Tokens can be had",
    clauses: &[guide(9), guide(34), eng(18), dhc(12)],
    about: "Each client registration gets a token from its endpoint, over TLS with a certificate \
            that is good for another 30 days. It is asked for once; a refusal opens the breaker of \
            every account that would use it.",
    looks: &[Look::SignIn],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for token in &seen.tokens {
        let subject = format!("oauth {}", token.name);
        let days = token.certificate.as_ref().map(|one| one.days_left(seen.at));
        let finding = match &token.outcome {
            TokenOutcome::Obtained { took } => {
                let millis = took.as_millis();
                let sentence = format!("a token came after {millis} ms");
                match days {
                    Some(days) if days < DAYS_WARNING => findings.warning(
                        &subject,
                        format!("{sentence}; the endpoint's certificate expires in {days} days"),
                        "Tell whoever runs the endpoint.",
                    ),
                    _ => findings.ok(&subject, sentence),
                }
                .with("milliseconds", millis)
            }
            TokenOutcome::Refused { why, unrecorded } => {
                let kept = super::sign_in::kept(unrecorded.as_deref());
                findings.error(
                    &subject,
                    format!("{why}; {kept}"),
                    "Correct client_id, scope or the tenant in token_url, or store the new client secret with `mailward secrets set`: a new version may be tried once.",
                )
            }
            TokenOutcome::Failed(why) => findings.error(
                &subject,
                why,
                "Check token_url and the firewall; nothing was refused, so it may be tried again.",
            ),
            TokenOutcome::NotTried(why) => findings.not_run(&subject, why),
        };
        finding.with("endpoint", &token.url);
        super::server_certificate::measure(finding, token.certificate.as_ref(), days);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check};
    use std::time::Duration;

    #[test]
    fn every_outcome_is_told() {
        let took = Duration::from_millis(80);
        let why = || "401 invalid_client".to_owned();
        for (outcome, expected, text) in [
            (TokenOutcome::Obtained { took }, Severity::Ok, "80 ms"),
            (
                TokenOutcome::Refused {
                    why: why(),
                    unrecorded: None,
                },
                Severity::Error,
                "not tried again",
            ),
            (
                TokenOutcome::Refused {
                    why: why(),
                    unrecorded: Some("disk full".to_owned()),
                },
                Severity::Error,
                "could not be written down (disk full)",
            ),
            (
                TokenOutcome::Failed("503".to_owned()),
                Severity::Error,
                "503",
            ),
            (
                TokenOutcome::NotTried("later".to_owned()),
                Severity::Note,
                "later",
            ),
        ] {
            let mut seen = Fixture::healthy();
            seen.tokens[0].outcome = outcome;
            check(&CHECK, &seen, &[(expected, "oauth nhsmail", text)]);
        }
    }
}
