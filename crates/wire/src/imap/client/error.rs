//! What can go wrong, sorted by what follows from it.

use std::fmt;

use super::frame::RESPONSE_OCTETS_MAX;
use super::response::Status;

/// What was under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    Greeting,
    /// CAPABILITY before signing in.
    Capability,
    SignIn,
    /// The first command after signing in: a server that let somebody in whom
    /// it can't connect to a mailbox says so here.
    SignedIn,
    List,
    Examine,
    Search,
    Fetch,
    Logout,
    /// Nothing was asked.
    Idle,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "its greeting",
            Self::Capability => "CAPABILITY",
            Self::SignIn => "signing in",
            Self::SignedIn => "the first command after signing in",
            Self::List => "LIST",
            Self::Examine => "EXAMINE",
            Self::Search => "SEARCH",
            Self::Fetch => "FETCH",
            Self::Logout => "LOGOUT",
            Self::Idle => "rest",
        })
    }
}

/// Why a session, or a command of it, came to nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A tagged NO or BAD. The session goes on, except at [`Stage::SignIn`]
    /// and [`Stage::SignedIn`], after which there is nothing to go on with.
    #[error("the server answered {stage} with {} {text}", .status.name())]
    Refused {
        stage: Stage,
        status: Status,
        /// What stood in brackets, such as `AUTHENTICATIONFAILED` (RFC 5530).
        code: Option<String>,
        text: String,
    },
    /// The server takes its leave.
    #[error("the server said BYE at {stage}: {text}")]
    Bye { stage: Stage, text: String },
    #[error("the server broke the protocol at {stage}: {violation}")]
    Violation { stage: Stage, violation: Violation },
    #[error("the server closed the connection at {stage}")]
    Closed { stage: Stage },
    /// No secret was sent.
    #[error("the server does not let us in by {wanted}; it offers: {offered}")]
    NotOffered {
        wanted: &'static str,
        offered: String,
    },
}

/// How a server broke the protocol.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("a response is longer than {RESPONSE_OCTETS_MAX} octets")]
    ResponseTooLong,
    #[error("more came than was to be expected: {0}")]
    TooMuch(&'static str),
    #[error("not a response: {0}")]
    NotAResponse(String),
    #[error("a completion of nothing that was asked")]
    StrangeTag,
    #[error("a continuation that nothing waits for")]
    StrangeContinuation,
    #[error("it takes us for somebody it has not asked (PREAUTH)")]
    Preauthenticated,
    #[error("it did not say {0}")]
    Missing(&'static str),
}
