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
    /// Messages in each state; a state not named has none.
    pub counts: Vec<(Status, u64)>,
    /// The unfinished message that was accepted first.
    pub oldest_waiting: Option<OldestView>,
    /// Credentials that are not used because the service refused them.
    pub breakers_open: Vec<BreakerView>,
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
    /// Messages that wait for it.
    pub waiting: u64,
}

#[derive(Clone, Debug)]
pub struct TwinOverview {
    pub accounts: u64,
    pub items: u64,
    pub octets: u64,
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
