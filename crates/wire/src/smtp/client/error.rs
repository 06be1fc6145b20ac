//! What can go wrong, sorted by what follows from it.

use mailward_mail::Reply;

use super::super::sasl::Mechanism;
use super::stage::Stage;

/// Why a session, or a step of it, came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The server said no to the session as a whole. Refusals of a message or
    /// a recipient are no errors but [`super::Verdict`]s.
    #[error("the server refused {stage}: {reply}")]
    Refused { stage: Stage, reply: Reply },
    #[error("the server broke the protocol at {stage}: {violation}")]
    Violation { stage: Stage, violation: Violation },
    #[error("the server closed the connection at {stage}")]
    Closed { stage: Stage },
    /// Nothing is sent in the clear instead.
    #[error("the server does not offer STARTTLS")]
    TlsNotOffered,
    #[error("the server does not offer AUTH {mechanism}; it offers: {offered}")]
    MechanismNotOffered {
        mechanism: Mechanism,
        /// The server's AUTH line, or nothing.
        offered: String,
    },
    #[error("the connection is not under TLS: no password or token is sent")]
    AuthNeedsTls,
    /// Nothing was sent for this message; the session goes on.
    #[error("the server cannot carry this message: {0}")]
    CannotCarry(Need),
}

/// What a message needs and the server does not offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Need {
    #[error("it needs SMTPUTF8")]
    SmtpUtf8,
    #[error("it needs 8BITMIME")]
    EightBitMime,
    /// Only BDAT carries it, which this client does not speak.
    #[error("it needs BINARYMIME")]
    BinaryMime,
    #[error("it has {octets} octets and the server takes {octets_max}")]
    Size { octets: u64, octets_max: u64 },
}

/// How a server broke the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("a reply line is longer than {octets_max} octets")]
    LineTooLong { octets_max: usize },
    #[error("a reply has more than {lines_max} lines")]
    TooManyLines { lines_max: usize },
    #[error("a reply line does not end in CRLF")]
    BareLineEnd,
    #[error("not a reply: {line:?}")]
    NotAReply { line: String },
    #[error("the lines of one reply carry {first} and {other}")]
    CodesDiffer { first: u16, other: u16 },
    #[error("reply {code} makes no sense here")]
    UnexpectedReply { code: u16 },
    /// Octets after the reply to STARTTLS and before the handshake: somebody
    /// in between may have put them there.
    #[error("octets in the clear after STARTTLS")]
    OctetsBeforeTls,
    #[error("octets that answer nothing")]
    OctetsUnasked,
}

/// Why a body cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Another server might read the end of the message there.
    #[error("the message has a bare CR or LF")]
    BareLineEnd,
}
