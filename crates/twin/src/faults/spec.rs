//! A fault as it is written down: in the seed, in a file, over the control API.
//!
//! ```toml
//! [[fault]]
//! id = "busy-ward"
//! match = { protocol = "submission", stage = "rcpt", recipient = "ward@*", nth = 2 }
//! action = { kind = "reply", text = "451 4.3.2 System not accepting network messages" }
//! lifetime = { times = 3, seconds = 600 }
//! ```

use mailward_mail::{Address, Timestamp};
use serde::{Deserialize, Serialize};

use super::check;
use super::stage::Scope;

/// One fault.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct FaultSpec {
    /// Made when empty. Letters, digits, `-` and `_`.
    #[serde(default)]
    pub id: String,
    /// Why somebody wants it; shown beside it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    #[serde(rename = "match")]
    pub matching: MatchSpec,
    pub action: ActionSpec,
    #[serde(default)]
    pub lifetime: LifetimeSpec,
    /// How many of a hundred matches it strikes, 1 to 100; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<u8>,
    /// For `percent`: the same seed strikes the same matches. Drawn from the
    /// twin's dice when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// When it strikes: everything that is named must hold.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct MatchSpec {
    pub protocol: Scope,
    /// A stage of the protocol; any when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// Who signs in or has signed in. One `*` stands for anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The reverse-path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender: Option<String>,
    /// At `rcpt` the one named there; from `data` on any of the message's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recipient: Option<String>,
    /// At `auth`: what the client signs in with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<Credential>,
    /// IMAP and POP, at stage `command`: its name, `FETCH`, `UID FETCH`, `RETR`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<String>,
    /// HTTP.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// HTTP; one `*` stands for anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// DNS: the address or name looked up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Only the nth time that the rest holds, counted from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// Only every so many times that the rest holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub every: Option<u64>,
}

impl MatchSpec {
    pub(crate) fn of(protocol: Scope, stage: &str) -> Self {
        Self {
            protocol,
            stage: Some(stage.to_owned()),
            account: None,
            sender: None,
            recipient: None,
            credential: None,
            command: None,
            method: None,
            path: None,
            name: None,
            nth: None,
            every: None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Credential {
    Password,
    Token,
}

/// What it does.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    rename_all_fields = "snake_case",
    deny_unknown_fields
)]
pub enum ActionSpec {
    /// These words instead of the service's. SMTP: a 4xx or 5xx reply. IMAP:
    /// `NO` and words at `auth`, or at `command` `BAD` or `BYE` as well. POP:
    /// `-ERR` and words. DNS: `NXDOMAIN`, `SERVFAIL` or `TIMEOUT`.
    Reply { text: String },
    /// HTTP: this status, with a problem document.
    Status {
        code: u16,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u64>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detail: Option<String>,
    },
    /// The answer waits, on the twin's clock; later faults still apply.
    Delay { seconds: u64 },
    /// From now on the connection sends so many octets a second; later faults
    /// still apply.
    Throttle { octets_per_second: u64 },
    /// The connection ends without an answer.
    Close,
    /// The same with a TCP reset.
    Reset,
    /// The TLS handshake that comes next fails.
    TlsFailure,
    /// SMTP, at `taken`: the message is taken, its reply never arrives.
    LoseReply,
    /// Delivery: taken, and never seen again; nobody is told.
    Lose,
    /// Delivery: so many copies.
    Duplicate {
        #[serde(default = "two")]
        copies: u32,
    },
    /// Delivery: comes later, on the twin's clock.
    Late { seconds: u64 },
    /// Delivery: waits until the next message to the same mailbox has come, or
    /// for so long.
    Reorder {
        #[serde(default = "ten_minutes")]
        seconds: u64,
    },
    /// Delivery: a report comes instead, at once or later.
    Bounce {
        #[serde(default)]
        seconds: u64,
        #[serde(default = "unknown_recipient")]
        text: String,
    },
}

impl ActionSpec {
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Reply { .. } => "reply",
            Self::Status { .. } => "status",
            Self::Delay { .. } => "delay",
            Self::Throttle { .. } => "throttle",
            Self::Close => "close",
            Self::Reset => "reset",
            Self::TlsFailure => "tls_failure",
            Self::LoseReply => "lose_reply",
            Self::Lose => "lose",
            Self::Duplicate { .. } => "duplicate",
            Self::Late { .. } => "late",
            Self::Reorder { .. } => "reorder",
            Self::Bounce { .. } => "bounce",
        }
    }
}

fn two() -> u32 {
    2
}

fn ten_minutes() -> u64 {
    600
}

pub(crate) fn unknown_recipient() -> String {
    "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup"
        .to_owned()
}

/// How long it stays: until it is removed when nothing is named, else until
/// the first of these.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct LifetimeSpec {
    /// So many strikes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<u64>,
    /// So long after it was set, on the twin's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<u64>,
    /// Until this moment of the twin's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl FaultSpec {
    /// What is wrong with it, where, and what to write instead.
    pub fn check(&self) -> Result<(), FaultError> {
        check::check(self)
    }
}

/// A fault that cannot be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fault {fault}, {field}: {problem}")]
pub struct FaultError {
    /// Its id, or its place in the list.
    pub fault: String,
    /// `match.stage`, `action.text`, …
    pub field: &'static str,
    pub problem: String,
}

/// `ward@*` and the like: at most one `*`, case aside.
pub(crate) fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_ascii_lowercase(), text.to_ascii_lowercase());
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, end)) => {
            text.len() >= start.len() + end.len() && text.starts_with(start) && text.ends_with(end)
        }
    }
}

/// The same for an address, by the key under which it is known as well.
pub(crate) fn fits_address(pattern: &str, address: &Address) -> bool {
    fits(pattern, address.as_str())
}
