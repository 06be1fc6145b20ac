//! What a reply of the service means: whose move it is, and what is done.
//!
//! A data table, read from the top; the first row that fits decides. Only a
//! message's or a recipient's own fault may end a recipient: mail is never
//! bounced for the account, the credential, the configuration or the service.

use mailward_mail::Reply;
use mailward_queue::Stage;

/// Whose move it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    Message,
    Recipient,
    Account,
    Credential,
    Configuration,
    ServiceBusy,
    ServiceDown,
}

/// What is done about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The recipient ends as failed and the sender is told.
    Fail,
    /// Try again by the schedule.
    Defer,
    /// A person has to change something first.
    Hold,
    /// No further try with this credential; its messages stay queued.
    OpenBreaker,
}

/// The meaning of one reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meaning {
    pub party: Party,
    pub action: Action,
}

struct Row {
    /// Where in the conversation; any stage when empty.
    stages: &'static [Stage],
    /// `5` for all of 5xx, `535` for one code; any when 0.
    code: u16,
    /// The start of the enhanced status code, `5.7.` for example.
    status: &'static str,
    /// A part of the text, without regard to case.
    text: &'static str,
    meaning: Meaning,
}

const fn row(
    stages: &'static [Stage],
    code: u16,
    status: &'static str,
    text: &'static str,
    party: Party,
    action: Action,
) -> Row {
    Row {
        stages,
        code,
        status,
        text,
        meaning: Meaning { party, action },
    }
}

const ANY: &[Stage] = &[];
const AUTH: &[Stage] = &[Stage::Authenticate];
const OPENING: &[Stage] = &[Stage::Connect, Stage::Tls];
const RCPT: &[Stage] = &[Stage::RcptTo];

/// Texts are those of Exchange Online; the rest goes by code.
const TABLE: &[Row] = &[
    // The door. A refusal to sign in is never tried again (GUIDE-34, C14); a
    // temporary one says nothing about the credential.
    row(AUTH, 5, "", "", Party::Credential, Action::OpenBreaker),
    row(AUTH, 4, "", "", Party::ServiceBusy, Action::Defer),
    row(
        ANY,
        550,
        "5.7.30",
        "",
        Party::Credential,
        Action::OpenBreaker,
    ),
    row(ANY, 530, "5.7.57", "", Party::Configuration, Action::Defer),
    row(OPENING, 0, "", "", Party::ServiceDown, Action::Defer),
    // The account and its limits.
    row(ANY, 432, "4.3.2", "", Party::ServiceBusy, Action::Defer),
    row(
        ANY,
        554,
        "5.2.252",
        "SendAsDenied",
        Party::Configuration,
        Action::Hold,
    ),
    row(
        ANY,
        5,
        "",
        "SendAsDeniedException",
        Party::Configuration,
        Action::Hold,
    ),
    row(ANY, 5, "5.7.60", "", Party::Configuration, Action::Hold),
    row(
        ANY,
        5,
        "",
        "SubmissionQuotaExceeded",
        Party::Account,
        Action::Defer,
    ),
    row(ANY, 5, "5.1.90", "", Party::Account, Action::Defer),
    row(
        ANY,
        554,
        "5.2.2",
        "Submission",
        Party::Account,
        Action::Defer,
    ),
    row(ANY, 5, "5.1.8", "", Party::Account, Action::Hold),
    row(ANY, 5, "5.7.7", "", Party::Account, Action::Defer),
    // The message.
    row(ANY, 552, "", "", Party::Message, Action::Fail),
    // The relay: not registered, or its reputation (GUIDE-55).
    row(
        ANY,
        5,
        "",
        "Relay Access Denied",
        Party::Configuration,
        Action::Hold,
    ),
    row(
        RCPT,
        554,
        "5.7.1",
        "ERS-RBL",
        Party::Configuration,
        Action::Hold,
    ),
    // One recipient.
    row(RCPT, 5, "", "", Party::Recipient, Action::Fail),
    row(RCPT, 4, "", "", Party::ServiceBusy, Action::Defer),
    // By code alone.
    row(ANY, 421, "", "", Party::ServiceDown, Action::Defer),
    row(ANY, 4, "", "", Party::ServiceBusy, Action::Defer),
    row(ANY, 5, "", "", Party::Message, Action::Fail),
];

/// What `reply`, given at `stage`, means. A positive reply where none was
/// expected, or an unknown code, counts as trouble of the service.
pub fn classify(stage: Stage, reply: &Reply) -> Meaning {
    let status = reply.status_text();
    let text = reply.text().to_ascii_lowercase();
    TABLE
        .iter()
        .find(|row| {
            (row.stages.is_empty() || row.stages.contains(&stage))
                && (row.code == 0 || row.code == reply.code() || row.code == reply.code() / 100)
                && status.starts_with(row.status)
                && text.contains(&row.text.to_ascii_lowercase())
        })
        .map_or(
            Meaning {
                party: Party::ServiceDown,
                action: Action::Defer,
            },
            |row| row.meaning,
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_replies_find_whose_move_it_is() {
        use Action::*;
        use Party::*;
        for (stage, code, text, party, action) in [
            (
                Stage::Authenticate,
                535,
                "5.7.3 Authentication unsuccessful [LO4P123MB0001.GBRP123.PROD.OUTLOOK.COM]",
                Credential,
                OpenBreaker,
            ),
            (
                Stage::Authenticate,
                535,
                "5.7.139 Authentication unsuccessful, basic authentication is disabled. [X]",
                Credential,
                OpenBreaker,
            ),
            (
                Stage::MailFrom,
                550,
                "5.7.30 Basic authentication is not supported for Client Submission.",
                Credential,
                OpenBreaker,
            ),
            (
                Stage::Authenticate,
                454,
                "4.7.0 Temporary authentication failure",
                ServiceBusy,
                Defer,
            ),
            (
                Stage::FinalDot,
                432,
                "4.3.2 Concurrent connections limit exceeded.",
                ServiceBusy,
                Defer,
            ),
            (
                Stage::FinalDot,
                554,
                "5.2.252 SendAsDenied; a@b.example not allowed to send as c@d.example; STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied",
                Configuration,
                Hold,
            ),
            (
                Stage::FinalDot,
                554,
                "5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message",
                Configuration,
                Hold,
            ),
            (
                Stage::FinalDot,
                554,
                "5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
                Account,
                Defer,
            ),
            (
                Stage::FinalDot,
                554,
                "5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded",
                Account,
                Defer,
            ),
            (
                Stage::MailFrom,
                552,
                "5.3.4 Message size exceeds fixed maximum message size",
                Message,
                Fail,
            ),
            (Stage::RcptTo, 550, "5.1.1 User unknown", Recipient, Fail),
            (
                Stage::RcptTo,
                550,
                "5.7.64 TenantAttribution; Relay Access Denied",
                Configuration,
                Hold,
            ),
            (
                Stage::RcptTo,
                554,
                "5.7.1 <a@b.example>: Recipient address rejected: ERS-RBL",
                Configuration,
                Hold,
            ),
            (
                Stage::RcptTo,
                554,
                "5.7.1 <a@b.example>: Recipient address rejected: Access denied",
                Recipient,
                Fail,
            ),
            (
                Stage::RcptTo,
                451,
                "4.7.1 Greylisting in action",
                ServiceBusy,
                Defer,
            ),
            (
                Stage::FinalDot,
                554,
                "5.6.0 Corrupt message content",
                Message,
                Fail,
            ),
            (
                Stage::Connect,
                554,
                "no SMTP service here",
                ServiceDown,
                Defer,
            ),
            (Stage::Body, 421, "4.4.2 Timed out", ServiceDown, Defer),
        ] {
            let reply = Reply::from_wire(code, vec![text.to_owned()]);
            assert_eq!(
                classify(stage, &reply),
                Meaning { party, action },
                "{stage:?} {reply}"
            );
        }
    }

    #[test]
    fn no_fault_of_account_or_service_ends_a_recipient() {
        for row in TABLE {
            let ends = row.meaning.action == Action::Fail;
            assert!(!ends || matches!(row.meaning.party, Party::Message | Party::Recipient));
        }
    }
}
