//! What can be refused, sorted by whose move it is.

use crate::name::NameError;

/// Why a mailbox operation did not happen. Nothing of it was done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MailboxError {
    #[error("there is no such mailbox")]
    NoMailbox,
    #[error("there is no such folder")]
    NoFolder,
    #[error("the folder holds no items, only other folders")]
    NotSelectable,
    #[error("a folder of this name exists already")]
    FolderExists,
    #[error("this folder belongs to the mailbox and stays")]
    PermanentFolder,
    #[error("one write files a message in {max} folders at most")]
    TooManyTargets { max: usize },
    #[error("the mailbox may have no more than {max} folders")]
    TooManyFolders { max: usize },
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("the mailbox would exceed its quota of {quota_octets} octets")]
    OverQuota { quota_octets: u64 },
    #[error("the item is no longer there")]
    NoItem,
    #[error("the folder holds {max} items, as many as it can")]
    TooManyItems { max: u64 },
    #[error("a message may have {octets_max} octets at most")]
    TooLarge { octets_max: u64 },
    /// The disk is full or read-only; nothing was written.
    #[error("there is no space left to store it")]
    Full,
    /// The store is poisoned, closed, or could not be read. The text is for
    /// operators, never for the client.
    #[error("the mailbox store is not available: {0}")]
    Unavailable(String),
}
