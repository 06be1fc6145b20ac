//! The state of the whole at a glance.

use mailward_mail::{MessageId, Timestamp};

use super::Status;

#[derive(Clone, Debug)]
pub struct Overview {
    pub store: StoreHealth,
    pub alarms: Vec<AlarmView>,
    /// Absent where the gateway does not run here.
    pub gateway: Option<GatewayOverview>,
    /// Absent where the twin does not run here.
    pub twin: Option<TwinOverview>,
}

#[derive(Clone, Debug)]
pub struct GatewayOverview {
    /// Recipients in each state; a state not named has none.
    pub counts: Vec<(Status, u64)>,
    /// The unfinished message that was accepted first.
    pub oldest_waiting: Option<OldestView>,
    /// Credentials that are not used because the service refused them.
    pub breakers_open: Vec<BreakerView>,
    /// The oldest open message of each class, by the class's name.
    pub oldest_by_class: Vec<(String, OldestView)>,
    /// Accounts and routes that send nothing for the time being.
    pub paused: Vec<PausedView>,
    /// Accounts whose mail goes by another route for now.
    pub diverted: Vec<DivertedView>,
    /// Days on which the routes end, the first one first.
    pub endings: Vec<EndingView>,
    /// Room on the store's disk, where the system tells it.
    pub space: Option<SpaceView>,
    /// What is left of the limits of the accounts' mailboxes.
    pub limits: Vec<LimitView>,
}

/// An account that waits on a route: its server is away, or refused it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PausedView {
    pub account: String,
    pub route: String,
}

/// An account whose mail leaves its route.
#[derive(Clone, Debug)]
pub struct DivertedView {
    pub account: String,
    pub from: String,
    pub to: String,
    pub since: Timestamp,
    /// In a clause.
    pub why: String,
}

/// A day on which the service takes away what a route uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndingView {
    pub route: String,
    /// Whole days; below 0 once it is past.
    pub days_left: i64,
    /// `2026-12-31`.
    pub date: String,
    pub what: String,
}

/// In octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceView {
    pub free: u64,
    /// Below this new mail is refused.
    pub floor: u64,
}

/// One limit of one mailbox.
#[derive(Clone, Debug)]
pub struct LimitView {
    pub account: String,
    /// The routes that draw on it.
    pub routes: String,
    /// `Connections`, `Messages per minute`, …
    pub limit: String,
    /// Absent where there is no limit.
    pub most: Option<u64>,
    pub used: u64,
    pub left: Option<u64>,
    /// When there is room again, while there is none.
    pub free_at: Option<Timestamp>,
    /// What the service's replies taught, in a sentence.
    pub learnt: Option<String>,
}

#[derive(Clone, Debug)]
pub struct OldestView {
    pub id: MessageId,
    pub accepted: Timestamp,
    pub status: Status,
}

#[derive(Clone, Debug)]
pub struct BreakerView {
    pub account: String,
    pub opened: Timestamp,
    /// The service's words.
    pub reply: String,
    /// Recipients that wait to be sent to as this account, held ones too.
    pub waiting: u64,
}

#[derive(Clone, Debug)]
pub struct TwinOverview {
    pub accounts: u64,
    /// Since the start: signed in, delivered, refused.
    pub counts: Vec<(&'static str, u64)>,
    /// Worlds beside the default one.
    pub worlds: u64,
    /// The twin's own clock, which may stand on another day.
    pub clock: Timestamp,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreHealth {
    Sound,
    /// New mail is refused with 452 until there is room.
    Full {
        detail: String,
    },
    /// A sync failed; new mail is refused until a restart.
    Poisoned {
        reason: String,
    },
}

/// Something a person must see to.
#[derive(Clone, Debug)]
pub struct AlarmView {
    pub since: Timestamp,
    pub title: String,
    pub detail: String,
    pub message: Option<MessageId>,
}
