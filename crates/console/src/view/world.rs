//! Worlds of the twin.

use mailward_mail::Timestamp;

use super::{Cursor, Page};

#[derive(Clone, Debug)]
pub struct WorldFilter {
    pub cursor: Option<Cursor>,
    /// The most rows wanted.
    pub limit: usize,
}

#[derive(Clone, Debug)]
pub struct WorldsView {
    /// The default world first.
    pub worlds: Page<WorldRow>,
    /// Beside the default one.
    pub count: u64,
    /// Octets of mail that all worlds hold in memory.
    pub octets: u64,
}

#[derive(Clone, Debug)]
pub struct WorldRow {
    pub name: String,
    pub is_default: bool,
    pub now: Timestamp,
    /// `2022-03-01`.
    pub as_of: String,
    pub accounts: u64,
    /// What is struck, in a sentence or two.
    pub faults: Option<String>,
}

#[derive(Clone, Debug)]
pub struct WorldView {
    pub world: WorldRow,
    /// What follows a user name to choose it: `#suite-7`.
    pub suffix: String,
    /// The TLS server name that chooses it.
    pub host: String,
    pub snapshots: Vec<String>,
}

/// Where a new world comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorldOrigin {
    Seed,
    Empty,
    World(String),
}

/// What needs asking first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorldVerb {
    Restore,
    Reset,
    Delete,
    ForgetSnapshot,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorldAct {
    Make { name: String, from: WorldOrigin },
    Keep { world: String, snapshot: String },
    Restore { world: String, snapshot: String },
    Reset { world: String },
    Delete { world: String },
    ForgetSnapshot { world: String, snapshot: String },
}

impl WorldVerb {
    pub const ALL: [Self; 4] = [
        Self::Restore,
        Self::Reset,
        Self::Delete,
        Self::ForgetSnapshot,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Restore => "restore",
            Self::Reset => "reset",
            Self::Delete => "delete",
            Self::ForgetSnapshot => "forget-snapshot",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == text)
    }

    pub(crate) fn question(self) -> &'static str {
        match self {
            Self::Restore => "Put this world back to a snapshot?",
            Self::Reset => "Put this world back to what it began as?",
            Self::Delete => "Delete this world?",
            Self::ForgetSnapshot => "Delete this snapshot?",
        }
    }

    pub(crate) fn effect(self) -> &'static str {
        match self {
            Self::Restore | Self::Reset => {
                "Its mail, accounts, settings and clock become as they were then; what came since is gone. Folders that sessions have open close, and the event log begins anew. This cannot be undone unless it is kept as a snapshot first."
            }
            Self::Delete => {
                "Its mail, accounts and snapshots are gone, and its ports close. This cannot be undone."
            }
            Self::ForgetSnapshot => "The world itself stays as it is. This cannot be undone.",
        }
    }

    pub(crate) fn yes(self) -> &'static str {
        match self {
            Self::Restore | Self::Reset => "Yes, put it back",
            Self::Delete => "Yes, delete the world",
            Self::ForgetSnapshot => "Yes, delete the snapshot",
        }
    }
}
