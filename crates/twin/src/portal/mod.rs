//! What people see of the twin and do to it, world by world: the Local
//! Administrator's portal, and the desk from which a rehearsal is led. The
//! console shows it; what it shares with the control API stands here once.
//!
//! ```text
//!   Portal ── worlds: make, fork, keep, put back, delete
//!     └─ Desk, of one world ── accounts   what the Local Administrator does
//!                           ├─ standing   faults, clock, day of the behaviour
//!                           └─ sessions   what was said, and what came of it
//! ```

mod accounts;
mod sessions;
mod standing;
mod worlds;

use std::sync::Arc;

use mailward_mail::Clock;
use mailward_mailbox::Mailboxes;
use mailward_store::BodyRef;

use crate::accounts::Accounts;
use crate::events::EventLog;
use crate::faults::Faults;
use crate::service::Throttling;
use crate::trace::MessageNumber;
use crate::world::World;
use crate::worlds::{WorldError, WorldName, Worlds};

pub(crate) use accounts::change_account;
pub use accounts::{AccountDetail, QuotaLevel};
pub use sessions::{Outcome, SessionSummary};
pub use standing::Standing;
pub use worlds::{WorldSource, WorldView};

/// Every world, for somebody who may look into all of them. Clones are the same.
#[derive(Clone, Debug)]
pub struct Portal {
    worlds: Worlds,
}

/// One world, as somebody works on it. Clones are the same.
#[derive(Clone, Debug)]
pub struct Desk {
    world: World,
    /// The clock that runs beneath every world's.
    base: Arc<dyn Clock>,
    /// Of its event log, which another number follows once it is put back.
    turn: u64,
}

/// Why something cannot be shown or done. The sentence is for people.
#[derive(Debug, thiserror::Error)]
pub enum PortalError {
    #[error("{0}")]
    NotFound(String),
    /// It would go against what there is, or makes no sense.
    #[error("{0}")]
    Refused(String),
    /// Ours.
    #[error("{0}")]
    Trouble(String),
}

impl From<WorldError> for PortalError {
    fn from(error: WorldError) -> Self {
        let text = error.to_string();
        match error {
            WorldError::NoWorld(_) | WorldError::NoSnapshot(..) => Self::NotFound(text),
            WorldError::Twin(_) => Self::Trouble(text),
            _ => Self::Refused(text),
        }
    }
}

impl From<crate::error::TwinError> for PortalError {
    fn from(error: crate::error::TwinError) -> Self {
        match error {
            crate::error::TwinError::Seed(text) => Self::Refused(text),
            other => Self::Trouble(other.to_string()),
        }
    }
}

impl Portal {
    pub(crate) fn new(worlds: Worlds) -> Self {
        Self { worlds }
    }

    /// The desk of a world; of the default one without a name.
    pub fn desk(&self, world: Option<&str>) -> Result<Desk, PortalError> {
        let world = match world {
            None => self.worlds.main().clone(),
            Some(name) => self.worlds.named(name)?,
        };
        Ok(Desk {
            turn: world.events.turn(),
            world,
            base: self.worlds.options().clock.base(),
        })
    }
}

impl Desk {
    pub fn name(&self) -> &str {
        self.world.name.as_str()
    }

    pub fn is_main(&self) -> bool {
        self.world.name == WorldName::main()
    }

    pub fn accounts(&self) -> &Accounts {
        &self.world.accounts
    }

    pub fn mailboxes(&self) -> &Mailboxes {
        &self.world.deliveries.mailboxes
    }

    /// The message that lies somewhere as this body, while it is remembered.
    pub fn message_of(&self, body: &BodyRef) -> Option<u64> {
        let message = self.world.deliveries.traces.of_body(body.number());
        message.map(MessageNumber::get)
    }

    pub fn events(&self) -> &EventLog {
        &self.world.events
    }

    pub fn faults(&self) -> &Faults {
        &self.world.faults
    }

    /// The world's own, which may stand on another day.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.world.clock()
    }

    /// The service's rates, to look at.
    pub fn throttling(&self) -> Throttling {
        Throttling::new(self.world.pace.clone())
    }

    /// Writes down what somebody did, with their name.
    fn note(&self, kind: &'static str, account: Option<&str>, what: &str, by: &str) {
        let why = format!("{what}, by {by}");
        self.world.events.add("control", kind, account, why, None);
    }
}
