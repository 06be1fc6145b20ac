//! How a recipient's journey ends. The words are RFC 3464's, section 2.3.3,
//! where it has them.

use std::fmt;
use std::str::FromStr;

/// The closed list of ends. Every accepted recipient reaches exactly one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// The service answered 250; no more is claimed.
    Relayed,
    /// A report or the mailbox itself says it arrived.
    Delivered,
    Failed,
    /// Its deadline passed while it waited.
    Expired,
    /// A person or the application withdrew it.
    Cancelled,
}

impl Outcome {
    pub const ALL: [Self; 5] = [
        Self::Relayed,
        Self::Delivered,
        Self::Failed,
        Self::Expired,
        Self::Cancelled,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Relayed => "relayed",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether the sender must be told: the message did not get there.
    pub fn is_failure(self) -> bool {
        matches!(self, Self::Failed | Self::Expired)
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Outcome {
    type Err = UnknownOutcome;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|outcome| outcome.as_str() == text)
            .ok_or_else(|| UnknownOutcome(text.to_owned()))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is no outcome")]
pub struct UnknownOutcome(String);
