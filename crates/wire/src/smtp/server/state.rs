//! Where a session stands. Each state holds only what is known in it; the
//! picture is in the module above.

use mailward_mail::{Recipient, Reply};

use super::super::command::MailFrom;
use super::auth::Exchange;
use super::body::{BodyReader, Defect};
use mailward_mail::{Envelope, Timestamp};

#[derive(Debug)]
pub(super) enum Phase {
    /// Connected; the greeting is not said yet.
    Greeting,
    /// Waiting for a command.
    Command,
    /// Waiting for a response of AUTH.
    AuthResponse(Exchange),
    /// Waiting for an answer to a question.
    Asked(Asked),
    /// Reading a body to CRLF.CRLF.
    Data,
    /// Reading a chunk.
    Chunk(Chunk),
    /// 220 is said; then the handshake.
    StartTls,
    /// Waiting for the handshake.
    Handshake,
    /// The last reply is said.
    Farewell,
}

/// The question that waits for its answer, and what is needed to go on.
#[derive(Debug)]
pub(super) enum Asked {
    Authenticate,
    MailFrom(Box<MailFrom>),
    RcptTo(Box<Recipient>),
    DataStart,
    ChunkStart { octets: u64, last: bool },
    BodyEnd,
}

/// A chunk of BDAT under way.
#[derive(Debug)]
pub(super) struct Chunk {
    pub(super) octets: u64,
    pub(super) left: u64,
    pub(super) last: bool,
    /// Set when it is read only to stay in step: what to say at its end.
    pub(super) refusal: Option<Box<Reply>>,
}

impl Chunk {
    pub(super) fn wanted(octets: u64, last: bool) -> Self {
        Self {
            octets,
            left: octets,
            last,
            refusal: None,
        }
    }

    pub(super) fn unwanted(octets: u64, refusal: Reply) -> Self {
        Self {
            octets,
            left: octets,
            last: false,
            refusal: Some(Box::new(refusal)),
        }
    }
}

/// A message, from MAIL taken to its verdict.
#[derive(Debug)]
pub(super) struct Transaction {
    pub(super) envelope: Envelope,
    /// From the first octet asked for.
    pub(super) body: Option<Body>,
}

#[derive(Debug)]
pub(super) struct Body {
    pub(super) reader: BodyReader,
    pub(super) started: Timestamp,
    pub(super) refusal: Option<Refusal>,
}

/// Why the rest of a body is read only to stay in step.
#[derive(Debug)]
pub(super) enum Refusal {
    /// Whoever takes the octets said so.
    Service(Reply),
    Unfit(Defect),
}
