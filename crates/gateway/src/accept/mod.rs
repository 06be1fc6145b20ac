//! The first stage: who may speak, and what came.
//!
//! ```text
//!   smtp ──┐  sign in, envelope, octets                    ┌─▶ 250, 202
//!          ├─▶ Incoming ─▶ check ─▶ body and rows, synced ─┤
//!   http ──┘                  └─ refused: nothing is kept  └─▶ 4xx, 5xx
//! ```
//!
//! Both doors lead through [`Incoming`], so that the same rules hold and the
//! same promise: consent is given only once the message is on stable storage,
//! and whatever is not consented to leaves nothing behind.

mod alarm;
pub mod http;
mod incoming;
mod received;
pub mod smtp;
mod wishes;

use std::collections::HashMap;
use std::sync::Arc;

use mailward_mail::{Clock, Dice};
use mailward_policy::{RouteFacts, Verdict};
use mailward_queue::{AcceptError, Queue, RerouteJudge, RouteName};
use mailward_store::WriteError;

use crate::check::Checker;
use crate::config::Limits;
use crate::deliver::SendingLimits;
use crate::observe::Observe;
use crate::register::SignIn;

use alarm::Alarm;
pub(crate) use incoming::{Acceptance, Extras, Incoming, Submission};
pub(crate) use received::{Protocol, Received};

/// What both doors need.
#[derive(Debug)]
pub(crate) struct Intake {
    pub(crate) hostname: String,
    pub(crate) limits: Limits,
    pub(crate) queue: Queue,
    pub(crate) sending_limits: SendingLimits,
    pub(crate) checker: Arc<Checker>,
    /// Whether a message may take another route than its own.
    pub(crate) ways: RerouteJudge,
    /// What the rules may know of each route.
    pub(crate) ways_facts: HashMap<RouteName, RouteFacts>,
    pub(crate) sign_in: SignIn,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dice: Arc<dyn Dice>,
    pub(crate) alarm: Alarm,
    pub(crate) observe: Observe,
}

/// Why a message was not taken. Nothing of it is kept.
#[derive(Debug)]
pub(crate) enum Rejection {
    /// By rules: the verdict names them.
    Refused(Box<Verdict>),
    TooLarge {
        octets_max: u64,
    },
    /// No room, or a poisoned store, or an idempotency key used twice.
    NotKept(AcceptError),
}

impl From<WriteError> for Rejection {
    fn from(error: WriteError) -> Self {
        Self::NotKept(AcceptError::Store(error))
    }
}

impl From<AcceptError> for Rejection {
    fn from(error: AcceptError) -> Self {
        Self::NotKept(error)
    }
}
