//! What the intake says of its own accord: code, enhanced code and words
//! together (RFC 5321, RFC 3463).

use mailward_mail::{MessageId, Reply};
use mailward_queue::{AcceptError, ApplicationName};
use mailward_store::WriteError;

use super::super::{Acceptance, Intake, Rejection};
use crate::config::KeyKind;
use crate::observe::Door;
use crate::register::Denied;

pub(super) fn sender_ok() -> Reply {
    Reply::status(250, 1, 0, "Sender OK")
}

pub(super) fn recipient_ok() -> Reply {
    Reply::status(250, 1, 5, "Recipient OK")
}

pub(super) fn accepted(acceptance: &Acceptance) -> Reply {
    let id = acceptance.id;
    if acceptance.held {
        Reply::status(
            250,
            0,
            0,
            format!("Accepted as {id}, held until a person approves it"),
        )
    } else {
        Reply::status(250, 0, 0, format!("Accepted as {id}"))
    }
}

pub(super) fn authentication_required() -> Reply {
    Reply::status(530, 7, 0, "Authentication required")
}

/// For every cause the same.
pub(super) fn authentication_failed() -> Reply {
    Reply::status(535, 7, 8, "Authentication failed")
}

pub(super) fn denied(denied: &Denied) -> Reply {
    match denied {
        Denied::Refused => authentication_failed(),
        Denied::TooOften { retry_after } => {
            let minutes = retry_after.as_secs().div_ceil(60);
            let text = format!("Too many failed authentications; try again in {minutes} minutes");
            Reply::status(454, 7, 0, text)
        }
        Denied::Busy => Reply::status(454, 7, 0, "Too many authentications at once; try again"),
        Denied::WrongKind(KeyKind::Test) => Reply::status(
            535,
            7,
            8,
            "A test credential reaches only the twin, and this application's route leads elsewhere",
        ),
        Denied::WrongKind(_) => Reply::status(
            535,
            7,
            8,
            "Team credentials are not offered here; use a live one",
        ),
    }
}

pub(super) fn may_not_send() -> Reply {
    Reply::status(
        550,
        7,
        1,
        "This application is registered to receive only; correct the register",
    )
}

pub(super) fn no_longer_registered() -> Reply {
    Reply::status(550, 7, 1, "This application is no longer in the register")
}

pub(super) fn too_many_recipients(recipients_max: u64) -> Reply {
    let text = format!(
        "Too many recipients (GUIDE-68): at most {recipients_max} per message; \
         send the rest in further messages. Rule: recipients-per-message."
    );
    Reply::status(550, 5, 3, text)
}

pub(super) fn local_error() -> Reply {
    Reply::status(451, 3, 0, "Local error in processing; try again later")
}

/// The verdict's own words, or why nothing could be kept.
pub(super) fn rejected(
    rejection: &Rejection,
    id: MessageId,
    application: &ApplicationName,
    intake: &Intake,
) -> Reply {
    intake
        .observe
        .rejected(Door::Smtp, id, application, rejection);
    match rejection {
        Rejection::Refused(verdict) => verdict.refusal().unwrap_or_else(local_error),
        Rejection::TooLarge { octets_max } => {
            let text = format!("Message too large: at most {octets_max} octets (GUIDE-67)");
            Reply::status(552, 3, 4, text)
        }
        Rejection::NotKept(error) => not_kept(error, intake),
    }
}

fn not_kept(error: &AcceptError, intake: &Intake) -> Reply {
    intake.alarm.raise(error);
    match error {
        AcceptError::Store(WriteError::Full(_)) => {
            Reply::status(452, 3, 1, "No room for more mail; try again later")
        }
        AcceptError::Store(WriteError::TooLarge { octets_max }) => Reply::status(
            552,
            3,
            4,
            format!("Message too large: at most {octets_max} octets"),
        ),
        AcceptError::Recipients { max } => {
            Reply::status(550, 5, 3, format!("1 to {max} recipients can be taken"))
        }
        _ => Reply::status(451, 3, 0, "Mail cannot be kept safely now; try again later"),
    }
}
