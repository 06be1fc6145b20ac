use mailward_policy::clause::guide;

use super::super::seen::SentItemsSeen;
use super::sign_in::kept;
use super::{Check, Findings, Look, Seen};

pub(in crate::doctor) const CHECK: Check = Check {
    id: "sent-items",
    title: "Sent mail can be looked into",
    clauses: &[guide(44)],
    about: "Where a route says where its sent mail is kept, each account that can sign in to send \
            signs in there, once, and its folder is opened to read. Mail in doubt is looked for \
            in it; without it, a lost reply is settled by the message's class.",
    looks: &[Look::SignIn],
    judge,
};

fn judge(seen: &Seen, findings: &mut Findings<'_>) {
    for account in &seen.accounts {
        let subject = account.subject();
        match &account.sent_items {
            SentItemsSeen::NotConfigured => {}
            SentItemsSeen::Opened { folder, messages } => {
                findings
                    .ok(&subject, format!("{folder:?} holds {messages} messages"))
                    .with("folder", folder)
                    .with("messages", messages);
            }
            SentItemsSeen::Refused { text, unrecorded } => {
                findings.error(
                    &subject,
                    format!("refused: {text}; {}", kept(unrecorded.as_deref())),
                    "Ask the Local Administrator whether IMAP is enabled for the account and by what it may sign in; sending is not touched by this.",
                );
            }
            SentItemsSeen::BreakerOpen { since, reply } => {
                findings
                    .error(
                        &subject,
                        format!("refused on {}, and not tried again", since.to_date()),
                        "Once IMAP is enabled, set the secret again, so that it has a new version.",
                    )
                    .with("reply", reply)
                    .with("since", since);
            }
            SentItemsSeen::NoFolder(why) => {
                findings.error(
                    &subject,
                    why,
                    "Write the name of the folder, as mail programs show it, into sent_items.",
                );
            }
            SentItemsSeen::Failed(why) => {
                findings.warning(
                    &subject,
                    format!("could not be looked into: {why}"),
                    "It may work later; until then mail in doubt waits, and then goes by its class.",
                );
            }
            SentItemsSeen::NotTried(why) => {
                findings.not_run(&subject, format!("not tried: {why}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Severity;
    use crate::doctor::testing::{Fixture, check, day};

    #[test]
    fn every_outcome_is_told() {
        for (sent_items, expected, text) in [
            (
                SentItemsSeen::Opened {
                    folder: "Sent Items".to_owned(),
                    messages: 12,
                },
                Severity::Ok,
                "\"Sent Items\" holds 12 messages",
            ),
            (
                SentItemsSeen::Refused {
                    text: "LOGIN failed.".to_owned(),
                    unrecorded: None,
                },
                Severity::Error,
                "refused: LOGIN failed.; its breaker is open",
            ),
            (
                SentItemsSeen::BreakerOpen {
                    since: day("2026-11-20"),
                    reply: "535".to_owned(),
                },
                Severity::Error,
                "refused on 2026-11-20",
            ),
            (
                SentItemsSeen::NoFolder("none of the 3 folders".to_owned()),
                Severity::Error,
                "none of the 3 folders",
            ),
            (
                SentItemsSeen::Failed("it hung up".to_owned()),
                Severity::Warning,
                "it hung up",
            ),
            (
                SentItemsSeen::NotTried("no time".to_owned()),
                Severity::Note,
                "no time",
            ),
        ] {
            let mut seen = Fixture::healthy();
            seen.accounts[0].sent_items = sent_items;
            check(
                &CHECK,
                &seen,
                &[(expected, "account letters@northmoor.example", text)],
            );
        }
        check(&CHECK, &Fixture::healthy(), &[]);
    }
}
