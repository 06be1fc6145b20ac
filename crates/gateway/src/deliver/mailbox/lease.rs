//! What a mailbox has to give: places for connections and room for messages,
//! to all of its lanes in turn.
//!
//! ```text
//!   ask ──┬─▶ Go(leave): a message may begin, over
//!         │       Kept      a connection of the lane's own that was idle
//!         │       Fresh     a new one: there is a place
//!         │       Replace   a new one, once an idle one of another lane is closed
//!         └─▶ Wait: the lane stands in line; asked again when anything is free
//!   leave.end ─▶ its connection is kept idle, or its place is free
//! ```
//!
//! A place is taken from before the connection is opened until after it is
//! closed, idle or not, so that the service never sees one too many.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mailward_mail::Clock;
use mailward_queue::{Decision, Lane, LaneLimits, Pace};
use tokio::sync::watch;

/// One mailbox's places and messages. `C` is a connection.
#[derive(Debug)]
pub(crate) struct Leases<C> {
    state: Mutex<State<C>>,
    clock: Arc<dyn Clock>,
    /// Counts whatever may let a waiting lane go on.
    changes: watch::Sender<u64>,
}

#[derive(Debug)]
struct State<C> {
    pace: Pace,
    /// Connections that are open, being opened or being closed.
    open: u32,
    idle: Vec<Idle<C>>,
    /// Lanes that were turned away and still want to send, first come first.
    line: VecDeque<Lane>,
    /// Nothing begins before: the service asked for a rest.
    rest_until: Option<Duration>,
    /// The window had no room for somebody since this was last asked.
    used_up: bool,
}

#[derive(Debug)]
struct Idle<C> {
    lane: Lane,
    since: Duration,
    connection: C,
}

/// The answer to [`Leases::ask`].
#[derive(Debug)]
pub(crate) enum Asked<C> {
    Go(Leave<C>, Start<C>),
    /// Ask again when something changes, or at that steady time.
    Wait(Option<Duration>),
}

/// Over which connection.
#[derive(Debug)]
pub(crate) enum Start<C> {
    Kept(C),
    Fresh,
    /// To be closed first; its place is the new one's.
    Replace(C),
}

/// How much is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct InUse {
    pub(crate) open: u32,
    pub(crate) idle: u32,
    pub(crate) counted: u32,
    /// Steady time at which the window has room again, if it has none.
    pub(crate) messages_free_at: Option<Duration>,
    pub(crate) rest_until: Option<Duration>,
}

impl<C> Leases<C> {
    pub(crate) fn new(limits: LaneLimits, clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Mutex::new(State {
                pace: Pace::new(limits),
                open: 0,
                idle: Vec::new(),
                line: VecDeque::new(),
                rest_until: None,
                used_up: false,
            }),
            clock,
            changes: watch::Sender::new(0),
        }
    }

    /// Carries on from what was kept; to be called before the first request.
    pub(crate) fn restore(
        &self,
        limits: LaneLimits,
        ended: impl IntoIterator<Item = Duration>,
        rest_until: Option<Duration>,
    ) {
        let mut state = self.lock();
        state.pace = Pace::restore(limits, ended);
        state.rest_until = rest_until;
    }

    /// What may let a lane go on that was told to wait.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Asks to begin one message of `lane`.
    pub(crate) fn ask(self: &Arc<Self>, lane: &Lane) -> Asked<C> {
        let now = self.clock.steady();
        let mut state = self.lock();
        let place = state.place_in_line(lane);
        if let Some(wait) = state.turned_away(place, now) {
            if place == state.line.len() {
                state.line.push_back(lane.clone());
            }
            return Asked::Wait(wait);
        }
        state.line.retain(|one| one != lane);
        let start = state.connection_for(lane);
        let others_wait = !state.line.is_empty();
        drop(state);
        if others_wait {
            self.wake();
        }
        let leave = Leave {
            leases: Arc::clone(self),
            lane: lane.clone(),
            over: false,
        };
        Asked::Go(leave, start)
    }

    /// Whether every connection that may be open carries something.
    pub(crate) fn is_busy(&self) -> bool {
        let state = self.lock();
        let idle = u32::try_from(state.idle.len()).unwrap_or(u32::MAX);
        state.open.saturating_sub(idle) >= state.pace.limits().connections_max
    }

    /// The lane does not want to send now.
    pub(crate) fn withdraw(&self, lane: &Lane) {
        let mut state = self.lock();
        let waited = state.line.len();
        state.line.retain(|one| one != lane);
        let left = state.line.len() < waited && !state.line.is_empty();
        drop(state);
        if left {
            self.wake();
        }
    }

    /// The lane's connections that carry nothing now.
    pub(crate) fn idle_of(&self, lane: &Lane) -> usize {
        let state = self.lock();
        state.idle.iter().filter(|idle| idle.lane == *lane).count()
    }

    /// When the lane's first idle connection has been idle for `limit`.
    pub(crate) fn idle_ends_at(&self, lane: &Lane, limit: Duration) -> Option<Duration> {
        let state = self.lock();
        let own = state.idle.iter().filter(|idle| idle.lane == *lane);
        own.map(|idle| idle.since.saturating_add(limit)).min()
    }

    /// Takes out the lane's connections that were idle for `limit` or are more
    /// than is allowed now, to be closed. Each keeps its place until then.
    pub(crate) fn take_idle(self: &Arc<Self>, lane: &Lane, limit: Duration) -> Vec<(C, Place<C>)> {
        let now = self.clock.steady();
        let mut state = self.lock();
        let allowed = state.pace.limits().connections_max;
        let mut surplus = state.open.saturating_sub(allowed);
        let idle = std::mem::take(&mut state.idle);
        let mut taken = Vec::new();
        for one in idle {
            let own = one.lane == *lane;
            let over = one.since.saturating_add(limit) <= now;
            if own && (over || surplus > 0) {
                surplus = surplus.saturating_sub(1);
                let place = Place(Arc::clone(self));
                taken.push((one.connection, place));
            } else {
                state.idle.push(one);
            }
        }
        taken
    }

    /// The limits that hold from now on, and a rest before the next message.
    pub(crate) fn set(&self, limits: LaneLimits, rest_until: Option<Duration>) {
        let mut state = self.lock();
        state.pace.set_limits(limits);
        state.rest_until = rest_until;
        drop(state);
        self.wake();
    }

    /// Whether the window turned anybody away since this was last asked.
    pub(crate) fn take_used_up(&self) -> bool {
        std::mem::take(&mut self.lock().used_up)
    }

    pub(crate) fn in_use(&self) -> InUse {
        let now = self.clock.steady();
        let mut state = self.lock();
        InUse {
            open: state.open,
            idle: u32::try_from(state.idle.len()).unwrap_or(u32::MAX),
            counted: state.pace.counted(now),
            messages_free_at: state.pace.free_at(now),
            rest_until: state.rest_until.filter(|until| *until > now),
        }
    }

    fn wake(&self) {
        self.changes
            .send_modify(|count| *count = count.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, State<C>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C> State<C> {
    /// How many lanes asked before this one.
    fn place_in_line(&self, lane: &Lane) -> usize {
        let known = self.line.iter().position(|one| one == lane);
        known.unwrap_or(self.line.len())
    }

    /// Why the lane has to wait, and until when; takes the message's room if
    /// it has not.
    fn turned_away(&mut self, place: usize, now: Duration) -> Option<Option<Duration>> {
        if let Some(until) = self.rest_until {
            if until > now {
                return Some(Some(until));
            }
            self.rest_until = None;
        }
        let ahead = u32::try_from(place).unwrap_or(u32::MAX);
        let idle = u32::try_from(self.idle.len()).unwrap_or(u32::MAX);
        let busy = self.open.saturating_sub(idle);
        let free = self.pace.limits().connections_max.saturating_sub(busy);
        if free <= ahead {
            return Some(None);
        }
        // What is free goes to those before it first. When it is they whom
        // the window turns away, this one asks it too, for the moment.
        let room = self.pace.room(now);
        if room > 0 && room <= ahead {
            return Some(None);
        }
        match self.pace.request(now) {
            Decision::Permit => None,
            Decision::WaitUntil(moment) => {
                self.used_up = true;
                Some(Some(moment))
            }
            Decision::WaitForEnd => Some(None),
        }
    }

    /// Its own idle connection, the latest first; else a free place; else the
    /// place of the one that another lane has had idle the longest.
    fn connection_for(&mut self, lane: &Lane) -> Start<C> {
        if let Some(own) = self.idle.iter().rposition(|idle| idle.lane == *lane) {
            return Start::Kept(self.idle.remove(own).connection);
        }
        if self.open < self.pace.limits().connections_max || self.idle.is_empty() {
            self.open += 1;
            return Start::Fresh;
        }
        let oldest = (0..self.idle.len()).min_by_key(|index| self.idle[*index].since);
        match oldest {
            Some(oldest) => Start::Replace(self.idle.remove(oldest).connection),
            None => Start::Fresh,
        }
    }
}

/// Leave to try one message over one connection. Dropped without an end, it
/// counts as sent, and its connection as closed.
pub(crate) struct Leave<C> {
    leases: Arc<Leases<C>>,
    lane: Lane,
    over: bool,
}

impl<C> Leave<C> {
    /// The attempt is over. Without `counted` the service can not have counted
    /// it; `connection` is fit for another message and is kept.
    pub(crate) fn end(mut self, counted: bool, connection: Option<C>) {
        self.over = true;
        self.give_back(counted, connection);
    }

    fn give_back(&self, counted: bool, connection: Option<C>) {
        let now = self.leases.clock.steady();
        let mut state = self.leases.lock();
        state.pace.end(now, counted);
        match connection {
            Some(connection) => {
                let lane = self.lane.clone();
                state.idle.push(Idle {
                    lane,
                    since: now,
                    connection,
                });
            }
            None => state.open = state.open.saturating_sub(1),
        }
        drop(state);
        self.leases.wake();
    }
}

impl<C> Drop for Leave<C> {
    fn drop(&mut self) {
        if !self.over {
            self.give_back(true, None);
        }
    }
}

impl<C> fmt::Debug for Leave<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Leave({})", self.lane)
    }
}

/// The place of a connection that is being closed; free when dropped.
pub(crate) struct Place<C>(Arc<Leases<C>>);

impl<C> Drop for Place<C> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        state.open = state.open.saturating_sub(1);
        drop(state);
        self.0.wake();
    }
}

impl<C> fmt::Debug for Place<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Place")
    }
}
