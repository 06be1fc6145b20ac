//! What can go wrong, by what the caller does about it.

use mailward_mail::MessageId;
use mailward_store::{OpenError, ReadError, WriteError};

use crate::acts::ActId;
use crate::state::IllegalMove;

/// Why a message was not accepted. Nothing of it is kept.
#[derive(Debug, thiserror::Error)]
pub enum AcceptError {
    /// The application used the key before, for another request (HTTP 409).
    #[error("the idempotency key was used before, for message {earlier} with other content")]
    Conflict { earlier: MessageId },
    #[error("the idempotency key is empty or longer than {max} octets")]
    KeyLength { max: usize },
    #[error("the message has no recipients, or more than {max}")]
    Recipients { max: usize },
    /// The notice that the message was to answer is already done.
    #[error("the notice has already been answered")]
    NoticeDone,
    /// The judge of [`SameText`](crate::SameText) refused it.
    #[error("the same text has gone to too many people")]
    SameText,
    /// Disk full, store poisoned …: answer 4xx.
    #[error(transparent)]
    Store(#[from] WriteError),
}

/// Why the queue did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    #[error("there is no message {0}")]
    NoSuchMessage(MessageId),
    #[error("message {0} has no recipient number {1}")]
    NoSuchRecipient(MessageId, u32),
    #[error("message {message}, recipient {n}: {illegal}")]
    Illegal {
        message: MessageId,
        n: u32,
        illegal: IllegalMove,
    },
    /// A re-route that its judge, or the recipient's state, does not allow.
    #[error("message {message}, recipient {n}: {reason}")]
    NotThatWay {
        message: MessageId,
        n: u32,
        reason: String,
    },
    #[error("there is no act number {}", .0.0)]
    NoSuchAct(ActId),
    #[error("message {0} is to wait: it is not due, or another lane's")]
    NotDue(MessageId),
    #[error("the attempt has already ended")]
    AttemptEnded,
    #[error("this is no cursor that a list gave out")]
    BadCursor,
    #[error("there is no such open notice")]
    NoSuchNotice,
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Read(#[from] ReadError),
}

/// Why the queue's folder could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum QueueOpenError {
    #[error(transparent)]
    Store(#[from] OpenError),
    #[error(transparent)]
    Recover(#[from] QueueError),
}
