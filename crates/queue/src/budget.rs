//! What lanes share: the service counts by mailbox, whatever route a message
//! takes and however it signs in.
//!
//! ```text
//!   lane oauth as rota ────┐
//!                          ├──▶ budget "submission rota": 3 connections, 30 a minute
//!   lane password as rota ─┘
//!   lane bulk as rota ────────▶ budget "high_sending rota"
//! ```

use std::collections::BTreeSet;
use std::time::Duration;

use mailward_mail::{MessageId, Timestamp};
use mailward_store::{ReadTx, TxError};

use crate::error::QueueError;
use crate::lane::{LaneLimits, Pace};
use crate::learnt::{Learnt, PaceLimit};
use crate::ledger::{attempts, events, lanes, learnt, messages};
use crate::names::{AccountName, Lane, RouteName};
use crate::queue::Queue;
use crate::timeline::TimelineEvent;

/// The most ends of attempts that [`Queue::recent_attempts`] gives.
const RECENT_ATTEMPTS_MAX: usize = 10_000;

/// The budget of one mailbox, as configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    /// What is learnt is kept under this: `submission rota@northmoor.example`.
    pub name: String,
    pub account: AccountName,
    pub limits: LaneLimits,
    pub sharing: Sharing,
}

/// Which of the account's routes draw on the budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sharing {
    Only(BTreeSet<RouteName>),
    /// Every other, also one that the configuration had once: the service has
    /// counted what went by it.
    AllBut(BTreeSet<RouteName>),
}

impl Budget {
    /// That of a lane which shares with no other.
    pub fn of_lane(lane: &Lane, limits: LaneLimits) -> Self {
        Self {
            name: format!("{} {}", lane.route, lane.account),
            account: lane.account.clone(),
            limits,
            sharing: Sharing::Only(BTreeSet::from([lane.route.clone()])),
        }
    }

    pub fn includes(&self, route: &RouteName) -> bool {
        match &self.sharing {
            Sharing::Only(routes) => routes.contains(route),
            Sharing::AllBut(routes) => !routes.contains(route),
        }
    }

    /// The limits that hold after what was learnt.
    pub fn limits_after(&self, learnt: &Learnt) -> LaneLimits {
        LaneLimits {
            connections_max: learnt.connections.allowed,
            messages_max: learnt.messages.map(|level| level.allowed),
            window: self.limits.window,
        }
    }

    /// What was learnt, under the limits that are configured now.
    pub fn restore(&self, kept: Learnt) -> Learnt {
        Learnt::restore(self.limits.connections_max, self.limits.messages_max, kept)
    }

    /// Nothing learnt yet.
    pub fn unlearnt(&self) -> Learnt {
        Learnt::full(self.limits.connections_max, self.limits.messages_max)
    }
}

/// What is kept of what a mailbox's replies taught.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LearntRecord {
    pub learnt: Learnt,
    /// Since when less than the configured limits is allowed.
    pub low_since: Option<Timestamp>,
    /// Nothing is begun before.
    pub rest_until: Option<Timestamp>,
    /// The last reply that asked for less.
    pub reply: String,
}

/// A reply that asked for less, for the timeline of its message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Throttle {
    pub message: MessageId,
    pub limit: PaceLimit,
}

/// What a budget's lanes have used, as far as the ledger knows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Used {
    pub(crate) under_way: u32,
    /// Ends of counted attempts within the window, on the wall clock.
    pub(crate) ends: Vec<Timestamp>,
}

impl Queue {
    /// When the attempts of the budget's lanes ended that count against its
    /// window, for [`Pace::restore`]. A moment that lies ahead was written
    /// before the clock was set back.
    pub async fn recent_attempts(&self, budget: &Budget) -> Result<Vec<Timestamp>, QueueError> {
        let (budget, now) = (budget.clone(), self.now());
        Ok(self
            .read(move |tx| used(tx, &budget, now, RECENT_ATTEMPTS_MAX))
            .await?
            .ends)
    }

    /// What was learnt of a budget's mailbox, if anything.
    pub async fn learnt(&self, budget: &Budget) -> Result<Option<LearntRecord>, QueueError> {
        let name = budget.name.clone();
        Ok(self.read(move |tx| learnt::get(tx, &name)).await?)
    }

    /// Keeps what was learnt; durable when it returns. With `throttle`, the
    /// message whose reply taught it says so in its timeline.
    pub async fn keep_learnt(
        &self,
        budget: &Budget,
        record: LearntRecord,
        throttle: Option<Throttle>,
    ) -> Result<(), QueueError> {
        let (name, now) = (budget.name.clone(), self.now());
        self.write(move |tx| {
            learnt::put(tx, &name, &record, now)?;
            let Some(throttle) = throttle else {
                return Ok(Ok(()));
            };
            let Some(row) = messages::by_id(tx, throttle.message)? else {
                return Ok(Err(QueueError::NoSuchMessage(throttle.message)));
            };
            let level = record.learnt.level(throttle.limit);
            let note = TimelineEvent::Throttled {
                limit: throttle.limit,
                most: level.map(|level| level.most),
                allowed: level.map(|level| level.allowed),
                until: record.rest_until.unwrap_or(now),
            };
            events::insert(tx, row.number, None, now, &note)?;
            Ok(Ok(()))
        })
        .await
    }
}

/// What the ledger knows of the budget's use at `now`, with the latest `limit`
/// ends of each lane.
pub(crate) fn used(
    tx: &ReadTx<'_>,
    budget: &Budget,
    now: Timestamp,
    limit: usize,
) -> Result<Used, TxError> {
    let since = now.minus(budget.limits.window);
    let mut used = Used::default();
    for (number, route) in lanes::of_account(tx, &budget.account)? {
        if budget.includes(&route) {
            used.under_way += attempts::count_under_way(tx, number)?;
            used.ends
                .extend(attempts::ends_since(tx, number, since, limit)?);
        }
    }
    Ok(used)
}

impl Used {
    /// The pace as the ledger has it, on the wall clock as steady time. An end
    /// that lies ahead was written before the clock was set back.
    pub(crate) fn pace(&self, limits: LaneLimits, now: Timestamp) -> Pace {
        let ends = self.ends.iter().map(|end| steady(*end.min(&now)));
        let mut pace = Pace::restore(limits, ends);
        for _ in 0..self.under_way {
            pace.request(steady(now));
        }
        pace
    }
}

/// The wall clock in place of steady time, for what is read from the ledger.
pub(crate) fn steady(moment: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(moment.as_millis()).unwrap_or(0))
}

pub(crate) fn wall(steady: Duration) -> Timestamp {
    Timestamp::from_millis(i64::try_from(steady.as_millis()).unwrap_or(i64::MAX))
}
