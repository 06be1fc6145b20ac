//! Who stands at the door, and the answer, whatever protocol asks.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;

use mailward_mail::Secret;

/// Where a session comes from and where it arrived.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peer {
    pub remote: SocketAddr,
    pub local: SocketAddr,
}

/// Who may enter, whatever protocol asks. Attempts are counted by the session;
/// lockouts, delays and connections per user are decided here.
pub trait Authenticator: Send + Sync + 'static {
    /// A password, without another identity. `user` is as the client wrote it.
    fn login(
        &self,
        peer: &Peer,
        user: &str,
        password: &Secret,
    ) -> impl Future<Output = Entry> + Send;

    /// XOAUTH2 with a bearer token.
    fn authenticate_xoauth2(
        &self,
        peer: &Peer,
        user: &str,
        token: &Secret,
    ) -> impl Future<Output = Entry> + Send;

    /// Whether a session that came in may go on: asked before every command.
    /// When not, an IMAP session goes on as after [`Entry::NotConnected`], and
    /// one of POP3 ends with nothing deleted.
    fn still_open(&self, _mailbox: &str) -> bool {
        true
    }

    /// Completes when a session that came in may not go on: awaited by those
    /// that wait for news themselves (IDLE), which then end.
    fn shut(&self, _mailbox: &str) -> impl Future<Output = ()> + Send {
        std::future::pending()
    }
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

/// What a command is answered with instead of being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Instead {
    /// `NO`, or `-ERR`, with these words.
    No(String),
    /// IMAP's `BAD`; `-ERR` in POP3.
    Bad(String),
    /// IMAP's `* BYE`, and the session ends; in POP3 `-ERR` before the end.
    Bye(String),
}
