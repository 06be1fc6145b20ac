//! What a reply of the service means: whose move it is, and what is done.
//!
//! ```text
//!   [[reply]] of the configuration ─┐
//!                                   ├─▶ ReplyTable ── stage, reply ─▶ Meaning
//!   table.toml, compiled in ────────┘    the first row that fits decides
//! ```
//!
//! Only a message's or a recipient's own fault may end a recipient: mail is
//! never bounced for the account, the credential, the configuration or the
//! service. A row that says otherwise is refused when it is read.

mod page;
mod parse;
mod row;
#[cfg(test)]
mod tests;
mod unknown;

use std::fmt;
use std::sync::{Arc, OnceLock};

use mailward_mail::Reply;
use mailward_policy::RouteKind;
use mailward_queue::Stage;

pub use page::reference;
#[cfg(test)]
pub(crate) use parse::RowProblem;
pub(crate) use parse::{RowText, read_rows};
pub use row::Row;
pub(crate) use unknown::scrub;

/// The rows that come with the program.
const TABLE: &str = include_str!("table.toml");

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$each:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$each])* $variant,)* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words! {
    /// Whose move it is.
    Party {
        Message = "message",
        Recipient = "recipient",
        Account = "account",
        Credential = "credential",
        Configuration = "configuration",
        ServiceBusy = "service_busy",
        ServiceDown = "service_down",
    }
}

words! {
    /// What is done about it.
    Action {
        /// The recipient ends as failed and the sender is told.
        Fail = "fail",
        /// Tried a few times more, then failed: [`TRIES_BEFORE_FAILURE`] in
        /// all, [`SPACING_BEFORE_FAILURE`] apart.
        TryThenFail = "try_then_fail",
        /// Try again by the schedule.
        Defer = "defer",
        /// A person has to change something first.
        Hold = "hold",
        /// All mail of the account waits until its day has passed.
        WaitForTheDay = "wait_for_the_day",
        /// All mail of the account on this route waits; one message tries
        /// again a while later.
        PauseAccount = "pause_account",
        /// All mail of the route waits; one message tries again a while later,
        /// or a person resumes it.
        PauseRoute = "pause_route",
        /// No further try with this credential; its messages stay queued.
        OpenBreaker = "open_breaker",
    }
}

/// Tries of a recipient that is refused for a right that may just have been
/// given, the first one counted.
pub const TRIES_BEFORE_FAILURE: u32 = 4;

/// Between them: the service takes up to an hour until a right given to an
/// account holds, and the tries span an hour and a half.
pub const SPACING_BEFORE_FAILURE: std::time::Duration = std::time::Duration::from_secs(30 * 60);

impl Party {
    /// What may be done where it is this party's move.
    pub const fn allows(self, action: Action) -> bool {
        use Action::*;
        match self {
            Self::Message => matches!(action, Fail | TryThenFail | Defer | Hold),
            Self::Recipient => matches!(action, Fail | Defer | Hold),
            Self::Account => matches!(
                action,
                Defer | Hold | WaitForTheDay | PauseAccount | PauseRoute | OpenBreaker
            ),
            Self::Credential => matches!(action, OpenBreaker | PauseRoute | Defer),
            Self::Configuration => matches!(action, Defer | Hold | PauseAccount | PauseRoute),
            Self::ServiceBusy | Self::ServiceDown => matches!(action, Defer | PauseRoute),
        }
    }

    /// What it says in a sentence: "it is … move".
    pub const fn whose(self) -> &'static str {
        match self {
            Self::Message => "the sender's, with this message",
            Self::Recipient => "the recipient's",
            Self::Account => "the account holder's",
            Self::Credential => "whoever keeps the credential's",
            Self::Configuration => "whoever configured route or domain's",
            Self::ServiceBusy => "nobody's: the service is busy",
            Self::ServiceDown => "the service's, which is down",
        }
    }
}

/// The meaning of one reply.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Meaning {
    pub party: Party,
    pub action: Action,
    /// The row that decided.
    pub row: String,
    /// What it means, and what to do about it, in sentences.
    pub means: String,
    /// Whether the words were known; false where the code alone decided.
    pub known: bool,
}

/// Rows in the order in which they are asked. Clones share them.
#[derive(Clone, Debug)]
pub struct ReplyTable(Arc<Vec<Row>>);

impl ReplyTable {
    /// The rows that come with the program.
    pub fn standard() -> Self {
        static STANDARD: OnceLock<ReplyTable> = OnceLock::new();
        STANDARD
            .get_or_init(|| Self(Arc::new(parse::standard(TABLE))))
            .clone()
    }

    /// An organisation's own rows, asked before the standard ones.
    pub fn with_own(own: Vec<Row>) -> Self {
        let standard = Self::standard();
        if own.is_empty() {
            return standard;
        }
        let rows = own.into_iter().chain(standard.0.iter().cloned());
        Self(Arc::new(rows.collect()))
    }

    pub fn rows(&self) -> &[Row] {
        &self.0
    }

    /// What `reply`, given at `stage` on a route of that kind, means. A
    /// positive reply where none was expected, or an unknown code, counts as
    /// trouble of the service.
    pub fn classify(&self, route: RouteKind, stage: Stage, reply: &Reply) -> Meaning {
        let status = reply.status_text();
        let text = reply.text().to_ascii_lowercase();
        let found = self
            .0
            .iter()
            .find(|row| row.fits(route, stage, reply.code(), &status, &text));
        found.map_or_else(
            || Meaning {
                party: Party::ServiceDown,
                action: Action::Defer,
                row: "none".to_owned(),
                means: "No row of the table has this code; it is tried again.".to_owned(),
                known: false,
            },
            Row::meaning,
        )
    }
}

impl Default for ReplyTable {
    fn default() -> Self {
        Self::standard()
    }
}
