//! Whether new mail is taken, and whether what was taken goes out.
//!
//! ```text
//!   ready ─┬─ all well
//!          └─ degraded: mail is taken and kept, some of it waits
//!   not ready: new mail is refused with 4xx, 503 or 507
//! ```

use mailward_queue::Queue;
use mailward_store::Health;
use serde::Serialize;

use super::{Observe, table};

/// The answer of `/readyz`. It names no folder, account or server: whoever
/// reaches the port may read it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Readiness {
    pub ready: bool,
    /// Why not, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why: Option<&'static str>,
    /// The same as one word: `stopping`, `store_full`, `store_poisoned`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// Mail is taken, but some of it does not go out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub degraded: Vec<Reason>,
}

/// One reason to look, though mail is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// One of [`DEGRADED`].
    pub reason: &'static str,
    /// How many breakers, lanes, alarms.
    pub count: usize,
}

/// Everything that degrades, in the order in which it is told.
pub(super) const DEGRADED: [&str; 5] = [
    "every_lane_paused",
    "lanes_paused",
    "breakers_open",
    "alarms",
    "space_low",
];

/// How things stand now. Reads a few rows at most.
pub async fn readiness(queue: &Queue, observe: &Observe, stopping: bool) -> Readiness {
    let (why, reason) = match queue.store().health() {
        _ if stopping => (Some("stopping"), Some("stopping")),
        Health::Sound => (None, None),
        Health::Full { .. } => (Some("no room in the store"), Some("store_full")),
        Health::Poisoned { .. } => (
            Some("the store takes no more writes"),
            Some("store_poisoned"),
        ),
    };
    let lanes = observe.0.registry.gauges(&table::LANE_PAUSED);
    let paused = lanes.iter().filter(|(_, paused)| *paused > 0).count();
    let every = !lanes.is_empty() && paused == lanes.len();
    let breakers = queue.open_breakers().await.map_or(0, |open| open.len());
    let alarms = observe.alarms().map_or(0, |alarms| alarms.standing().len());
    let counts = [
        if every { paused } else { 0 },
        paused,
        breakers,
        alarms,
        usize::from(is_space_low(queue)),
    ];
    let reasons = DEGRADED.into_iter().zip(counts);
    Readiness {
        ready: why.is_none(),
        why,
        reason,
        degraded: reasons
            .filter(|(_, count)| *count > 0)
            .map(|(reason, count)| Reason { reason, count })
            .collect(),
    }
}

/// Less than twice the floor is left: time to act before mail is refused.
fn is_space_low(queue: &Queue) -> bool {
    let space = queue.store().space();
    space
        .free_octets
        .is_some_and(|free| free < space.floor_octets.saturating_mul(2))
}
