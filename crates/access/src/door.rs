//! Who stands at the door, and the answer, whatever protocol asks.

use std::any::Any;
use std::fmt;
use std::net::SocketAddr;

/// Where a session comes from and where it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub remote: SocketAddr,
    pub local: SocketAddr,
}

/// The answer to somebody at the door.
pub enum Entry {
    /// Comes in. `mailbox` is the owner key in [`mailward_mailbox::Mailboxes`].
    /// `permit` is dropped when the session ends, however it ends: a counted
    /// connection, for example. Use `Box::new(())` when nothing is counted.
    Open {
        mailbox: String,
        permit: Box<dyn Any + Send + Sync>,
    },
    /// Stays out, with this text; without one, in the profile's words.
    Refused { text: Option<String> },
    /// The credentials hold but the mailbox can't be reached. In IMAP sign-in
    /// succeeds, the next command is answered
    /// [`crate::imap::Words::not_connected`], and the one after that ends the
    /// session; POP3 refuses the sign-in.
    NotConnected,
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { mailbox, .. } => f.debug_struct("Open").field("mailbox", mailbox).finish(),
            Self::Refused { text } => f.debug_struct("Refused").field("text", text).finish(),
            Self::NotConnected => f.write_str("NotConnected"),
        }
    }
}
