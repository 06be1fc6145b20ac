//! Why the twin can't do what its operator asks.

use mailward_mailbox::MailboxError;
use mailward_store::{OpenError, ReadError, WriteError};

/// Never shown to a client of the service: clients hear what NHSmail would say.
#[derive(Debug, thiserror::Error)]
pub enum TwinError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Mailbox(#[from] MailboxError),
    #[error(transparent)]
    Bind(#[from] mailward_net::BindError),
    #[error("the list of breached passwords gives no answer: {0}")]
    BreachedList(mailward_policy::password::BreachedListError),
    #[error(transparent)]
    Fault(#[from] crate::faults::FaultError),
    #[error("{0}")]
    Seed(String),
}
