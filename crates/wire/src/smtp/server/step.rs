//! What a session says to do next, asks and is answered.

use std::net::IpAddr;

use mailward_mail::{Recipient, Reply};

use super::super::command::MailFrom;
use super::super::sasl::Credentials;
use super::dialect::SessionId;

/// Where a session comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin {
    pub peer: IpAddr,
    pub session: SessionId,
    /// The connection began with TLS (RFC 8314 section 3.3).
    pub tls: bool,
}

/// What to do next.
#[derive(Debug)]
pub enum Step<'i> {
    /// Send these octets.
    Send(Vec<u8>),
    /// Do the TLS handshake, then call [`Session::tls_established`]. Whatever
    /// the client sent before it has been dropped from the input; octets read
    /// but not passed yet must be dropped too.
    StartTls,
    /// Call [`Session::answer`] before the next step.
    Ask(Question),
    /// Octets of the message. Then either go on or [`Session::refuse_body`].
    Body(&'i [u8]),
    /// News: the body that [`Question::BodyStart`] began will not be finished.
    BodyAborted(Abort),
    /// News: the client has given its name; see [`Session::hello`].
    Hello,
    /// Wait for input, until [`Session::deadline`].
    Receive,
    Close,
}

/// What the session cannot know itself.
#[derive(Debug)]
pub enum Question {
    Authenticate(Credentials),
    MailFrom(Box<MailFrom>),
    RcptTo(Recipient),
    /// May the body come? See [`Session::envelope`].
    BodyStart,
    /// The body is complete. To accept is to promise.
    BodyEnd,
}

/// The answer to a [`Question`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Yes, in the dialect's words.
    Accept,
    /// Yes, in these. A reply that is not positive is a refusal.
    AcceptWith(Reply),
    /// No. Code 421 closes the connection after it.
    Refuse(Reply),
}

impl From<Result<Reply, Reply>> for Answer {
    fn from(verdict: Result<Reply, Reply>) -> Self {
        match verdict {
            Ok(reply) => Self::AcceptWith(reply),
            Err(reply) => Self::Refuse(reply),
        }
    }
}

impl From<Result<(), Reply>> for Answer {
    fn from(verdict: Result<(), Reply>) -> Self {
        match verdict {
            Ok(()) => Self::Accept,
            Err(reply) => Self::Refuse(reply),
        }
    }
}

/// Why a body will not be finished.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Abort {
    /// Bare CR or LF, NUL, a line or the whole too long.
    Unfit,
    /// The taker of the octets refused them.
    Refused,
    /// RSET, EHLO or QUIT between chunks.
    Reset,
    TimedOut,
    Disconnected,
}

/// What the client called itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hello {
    /// As given; decides nothing. May be empty.
    pub name: Box<str>,
    /// EHLO rather than HELO.
    pub extended: bool,
}
