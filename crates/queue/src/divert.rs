//! Another way out for a while: what waits for an account on one route is
//! moved to another, and what comes takes that one at once.
//!
//! ```text
//!   divert ─ one row: from which lane, to which route, why, since when
//!      │
//!   move_diverted ─ a bounded batch of what is due, oldest first, each
//!      │            message as the judge allows it; again until the lane ends
//!      ▼
//!   end_diversion ─ new mail takes its own route; what was moved stays moved
//! ```
//!
//! Whether and when is the caller's to decide: the queue knows no routes. What
//! is in doubt, held, scheduled or waits behind an earlier message of its
//! sequence is not moved; it is when its time has come.

use std::collections::HashMap;
use std::sync::Arc;

use mailward_mail::Timestamp;

use crate::acts::ActName;
use crate::control::{Mover, act_on};
use crate::error::QueueError;
use crate::explain::WayOut;
use crate::ledger::due::{self, Walk};
use crate::ledger::{diversions, lanes, messages, recipients};
use crate::names::{Actor, Lane, RouteName};
use crate::queue::Queue;
use crate::reroute::RerouteJudge;

/// Who moves diverted mail, in its timeline.
pub const FAIL_OVER: &str = "fail-over";

/// Recipients that one batch looks at, and messages that it moves: what holds
/// the writer for some milliseconds.
const LOOKED_AT_MAX: usize = 2_000;
const MOVED_MAX: usize = 250;

/// Why mail takes another route than its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The route could not be used for a while.
    Down,
    /// The service refuses everybody on the route.
    Refused,
    /// The day has passed on which the route ended.
    Retired,
    /// The service refused the account's credential.
    SignIn,
    /// The account sends more than the route carries.
    Limits,
}

impl Cause {
    pub const ALL: [Self; 5] = [
        Self::Down,
        Self::Refused,
        Self::Retired,
        Self::SignIn,
        Self::Limits,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "down",
            Self::Refused => "refused",
            Self::Retired => "retired",
            Self::SignIn => "sign_in",
            Self::Limits => "limits",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }
}

/// A lane whose mail goes by another route.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Diversion {
    pub from: Lane,
    pub to: RouteName,
    pub cause: Cause,
    pub since: Timestamp,
    /// In a clause: "nhsmail could not be used since …".
    pub why: String,
    /// Since when the own route is well again, while that is not long enough.
    pub good_since: Option<Timestamp>,
}

/// Diversions in memory, as they are in the ledger.
pub(crate) type Diversions = HashMap<Lane, Diversion>;

/// What one batch did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diverted {
    /// Recipients that now wait for the other route.
    pub moved: u64,
    /// Recipients that may not take it.
    pub refused: u64,
    /// Where to go on; `None` at the lane's end.
    pub next: Option<Walk>,
}

impl Queue {
    /// Writes a diversion down, in the place of an earlier one of its lane.
    /// Durable when it returns.
    pub async fn divert(&self, diversion: Diversion) -> Result<(), QueueError> {
        self.load_diversions().await?;
        let kept = diversion.clone();
        self.write(move |tx| diversions::put(tx, &kept).map(Ok))
            .await?;
        if let Some(known) = self.known_diversions().as_mut() {
            known.insert(diversion.from.clone(), diversion);
        }
        Ok(())
    }

    /// New mail of the lane takes its own route again.
    pub async fn end_diversion(&self, lane: &Lane) -> Result<(), QueueError> {
        let gone = lane.clone();
        self.write_and_wake(move |tx| diversions::remove(tx, &gone).map(Ok))
            .await?;
        if let Some(known) = self.known_diversions().as_mut() {
            known.remove(lane);
        }
        Ok(())
    }

    /// The diversion of a lane, if there is one. From memory but for the first
    /// time.
    pub async fn diversion_of(&self, lane: &Lane) -> Result<Option<Diversion>, QueueError> {
        self.load_diversions().await?;
        let guard = self.known_diversions();
        Ok(guard.as_ref().and_then(|known| known.get(lane).cloned()))
    }

    /// Every diversion, by route and account.
    pub async fn diversions(&self) -> Result<Vec<Diversion>, QueueError> {
        Ok(self.read(diversions::all).await?)
    }

    /// Moves the next batch of what is due in the diversion's lane, from
    /// `after` on. A message that the judge refuses stays where it is. Killed
    /// in between, it begins anew: what was moved is not there any more.
    pub async fn move_diverted(
        &self,
        diversion: &Diversion,
        after: Walk,
        judge: &RerouteJudge,
    ) -> Result<Diverted, QueueError> {
        let (now, lane) = (self.now(), diversion.from.clone());
        let found = self
            .read(move |tx| {
                let Some(number) = lanes::find(tx, &lane)? else {
                    return Ok(None);
                };
                let places = due::after(tx, number, after, LOOKED_AT_MAX)?;
                Ok(Some((number, places)))
            })
            .await?;
        let mut done = Diverted {
            moved: 0,
            refused: 0,
            next: None,
        };
        let Some((lane, places)) = found else {
            return Ok(done);
        };
        let is_last = places.len() < LOOKED_AT_MAX;
        let mut batch = Vec::new();
        let mut last = None;
        for place in places {
            if batch.len() == MOVED_MAX {
                done.next = last;
                break;
            }
            last = Some(place);
            if place.due_at <= now.as_millis() && !batch.contains(&place.message) {
                batch.push(place.message);
            }
        }
        if done.next.is_none() && !is_last {
            done.next = last;
        }
        if batch.is_empty() {
            return Ok(done);
        }
        let (to, why, judge) = (diversion.to.clone(), diversion.why.clone(), judge.clone());
        let counted = self
            .write_and_wake(move |tx| {
                let by = Actor::new(FAIL_OVER);
                let mover = Mover {
                    act: ActName::Reroute,
                    by: &by,
                    why: &why,
                    to: Some(&to),
                    judge: &judge,
                    now,
                };
                let (mut moved, mut refused) = (0, 0);
                for number in batch {
                    let message = messages::by_number(tx, number)?;
                    let rows = recipients::of(tx, number)?.into_iter().filter(|row| {
                        row.lane == lane && row.due_at.is_some_and(|due_at| due_at <= now)
                    });
                    let done = act_on(tx, message, rows.collect(), &mover)?;
                    moved += u64::from(done.moved);
                    refused += u64::from(done.refused);
                }
                Ok(Ok((moved, refused)))
            })
            .await?;
        (done.moved, done.refused) = counted;
        Ok(done)
    }

    /// Says of what waits whether it goes another way. To be called once,
    /// before anything is explained; without it nothing is said.
    pub fn explain_ways_by(&self, way_out: WayOut) {
        self.set_way_out(way_out);
    }

    async fn load_diversions(&self) -> Result<(), QueueError> {
        if self.known_diversions().is_some() {
            return Ok(());
        }
        let read = self.diversions().await?;
        let mut guard = self.known_diversions();
        if guard.is_none() {
            let known = read.into_iter().map(|one| (one.from.clone(), one));
            *guard = Some(known.collect());
        }
        Ok(())
    }
}

/// Shared with whoever explains.
pub(crate) type SharedWayOut = Arc<WayOut>;
