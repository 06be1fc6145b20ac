//! One lane: an account on a route. Takes what is due, keeps the pace, holds
//! the connections, and stops at the first refused sign-in.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::{MessageId, Timestamp};
use mailward_net::Shutdown;
use mailward_net::smtp::client::ClientSession;
use mailward_queue::{BreakerState, Decision, DueMessage, Lane, Pace, QueueError};
use tokio::task::JoinSet;

use super::attempt::{self, Ended, News};
use super::gate::{Gate, MayBegin};
use super::{DeliverOptions, STORE_PAUSE, connection, trouble};
use crate::route::{Route, SendingAccount};

/// Recipients taken from the queue at a time; the rest stay where they are.
const BACKLOG_MAX: usize = 64;

/// Taken anew after this, so that an urgent message does not wait behind what
/// was taken before it came.
const BACKLOG_AGE_MAX: Duration = Duration::from_millis(200);

pub(super) struct LaneWorker {
    options: Arc<DeliverOptions>,
    lane: Lane,
    route: Route,
    account: SendingAccount,
    shutdown: Shutdown,
    pace: Pace,
    backlog: VecDeque<DueMessage>,
    /// When the backlog was taken: an older one may lack what hurries more.
    taken_at: Timestamp,
    /// Messages begun since the start, for the classes' shares.
    begun: u64,
    in_flight: HashSet<MessageId>,
    under_way: JoinSet<(MessageId, Ended)>,
    idle: Vec<(Timestamp, ClientSession)>,
    /// Whether this credential has signed in since the start: until then one
    /// connection tries alone, so that a wrong password costs one attempt.
    proven: bool,
    /// Pauses of the lane, its account and its route.
    gate: Gate,
    /// While the store takes nothing.
    paused_until: Option<Timestamp>,
    /// The breaker is open or the lane paused: nothing is tried for a while.
    waits: bool,
}

/// How often a lane whose credential was refused looks for a new one.
const NEW_SECRET_PERIOD: Duration = Duration::from_secs(5);

/// What the lane waits for, beside the end of an attempt.
enum Wait {
    /// Something new in the queue.
    Change,
    /// Something new in the queue, or this moment.
    ChangeOr(Timestamp),
    /// This moment, whatever comes.
    Until(Timestamp),
    /// The end of an attempt.
    End,
}

impl LaneWorker {
    pub(super) fn new(
        options: Arc<DeliverOptions>,
        lane: Lane,
        route: Route,
        account: SendingAccount,
        shutdown: Shutdown,
    ) -> Self {
        let pace = Pace::new(route.limits());
        Self {
            options,
            lane,
            route,
            account,
            shutdown,
            pace,
            backlog: VecDeque::new(),
            taken_at: Timestamp::from_millis(0),
            begun: 0,
            in_flight: HashSet::new(),
            under_way: JoinSet::new(),
            idle: Vec::new(),
            proven: false,
            gate: Gate::default(),
            paused_until: None,
            waits: false,
        }
    }

    /// Works until shutdown begins, then ends what is under way.
    pub(super) async fn run(mut self) {
        self.restore_pace().await;
        let mut changes = self.options.queue.work_changes();
        let figures = self.options.observe.lane(&self.lane);
        while !self.shutdown.has_begun() {
            changes.mark_unchanged();
            let wait = match self.advance().await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(lane = %self.lane, %error, "the queue can't be read");
                    Wait::Until(self.options.clock.now().plus(STORE_PAUSE))
                }
            };
            let clock = Arc::clone(&self.options.clock);
            let (moment, heeds_change) = match wait {
                Wait::Change => (self.idle_ends_at(), true),
                Wait::ChangeOr(moment) => (
                    Some(self.idle_ends_at().map_or(moment, |ends| ends.min(moment))),
                    true,
                ),
                Wait::Until(moment) => (Some(moment), false),
                Wait::End => (None, false),
            };
            let alarm = async {
                match moment {
                    Some(moment) => clock.wait_until(moment).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(done) = self.under_way.join_next() => self.settle(done).await,
                _ = changes.changed(), if heeds_change => {}
                () = alarm => {}
                () = self.shutdown.begun() => {}
            }
            self.close_idle(false).await;
            figures.stands(
                self.idle.len(),
                self.under_way.len(),
                self.paused_until.is_some() || self.waits,
            );
        }
        while let Some(done) = self.under_way.join_next().await {
            self.settle(done).await;
        }
        self.close_idle(true).await;
    }

    /// Carries the last minute over a restart.
    async fn restore_pace(&mut self) {
        match self
            .options
            .queue
            .recent_attempts(&self.lane, self.route.limits().window)
            .await
        {
            Ok(ended) => self.pace = Pace::restore(self.route.limits(), ended),
            Err(error) => {
                tracing::error!(lane = %self.lane, %error, "the last minute can't be read")
            }
        }
    }

    /// Starts as many attempts as may be started now.
    async fn advance(&mut self) -> Result<Wait, QueueError> {
        let now = self.options.clock.now();
        if let Some(until) = self.paused_until {
            if now < until {
                return Ok(Wait::Until(until));
            }
            self.paused_until = None;
        }
        self.waits = !self.proven && self.breaker_is_open().await?;
        if self.waits {
            return Ok(Wait::ChangeOr(now.plus(NEW_SECRET_PERIOD)));
        }
        if let Some(until) = self
            .gate
            .paused_until(&self.options, &self.lane, now)
            .await?
        {
            self.waits = true;
            return Ok(Wait::ChangeOr(until));
        }
        loop {
            if now.since(self.taken_at) >= BACKLOG_AGE_MAX {
                self.backlog.clear();
            }
            if self.backlog.is_empty() && !self.refill(now).await? {
                if self.under_way.is_empty() {
                    self.gate.give_up();
                }
                let next = self.options.queue.next_due_at(&self.lane).await?;
                // What is in flight still counts as due until it has begun.
                return Ok(match next {
                    Some(next) if next > now => Wait::ChangeOr(next),
                    Some(_) if !self.under_way.is_empty() => Wait::End,
                    _ => Wait::Change,
                });
            }
            // Asked with a message in hand: the right to try is not for those
            // who have none.
            let may_begin = self.gate.may_begin(&self.options, &self.lane, now).await?;
            let alone = !self.proven || may_begin == MayBegin::One;
            match may_begin {
                MayBegin::Until(moment) => return Ok(Wait::ChangeOr(moment)),
                MayBegin::AfterAnother => return Ok(Wait::Change),
                MayBegin::Yes | MayBegin::One => {}
            }
            if alone && !self.under_way.is_empty() {
                return Ok(Wait::End);
            }
            match self.pace.request(now) {
                Decision::Permit => self.begin(),
                Decision::WaitUntil(moment) => return Ok(Wait::Until(moment)),
                Decision::WaitForEnd => return Ok(Wait::End),
            }
        }
    }

    /// Takes the next due messages; false when there are none.
    async fn refill(&mut self, now: Timestamp) -> Result<bool, QueueError> {
        // Those in flight may still look due, so ask for that many more.
        let limit = BACKLOG_MAX + self.in_flight.len();
        let queue = &self.options.queue;
        let due = queue.due_after(&self.lane, now, limit, self.begun).await?;
        self.taken_at = now;
        self.backlog.extend(
            due.into_iter()
                .filter(|message| !self.in_flight.contains(&message.id)),
        );
        Ok(!self.backlog.is_empty())
    }

    fn begin(&mut self) {
        let Some(due) = self.backlog.pop_front() else {
            return;
        };
        let id = due.id;
        self.begun += 1;
        self.in_flight.insert(id);
        let kept = self.idle.pop().map(|(_, session)| session);
        let (options, route, account) = (
            Arc::clone(&self.options),
            self.route.clone(),
            self.account.clone(),
        );
        self.under_way.spawn(async move {
            (
                id,
                attempt::run(&options, &route, &account, kept, due).await,
            )
        });
    }

    async fn settle(&mut self, done: Result<(MessageId, Ended), tokio::task::JoinError>) {
        let now = self.options.clock.now();
        let (id, ended) = match done {
            Ok(done) => done,
            Err(error) => {
                // Our own mistake. The attempt stays recorded as under way and
                // the watchdog settles it. What a panic says may quote mail.
                let panicked = error.is_panic();
                tracing::error!(lane = %self.lane, panicked, "an attempt broke off");
                self.pace.end(now, true);
                return;
            }
        };
        self.in_flight.remove(&id);
        self.pace.end(now, ended.counted);
        if let Some(session) = ended.connection {
            self.idle.push((now, session));
        }
        match ended.news {
            News::Sent => {
                self.proven = true;
                let account = self.account.address.key();
                self.options
                    .alarms
                    .clear("authentication_refused", &account);
                self.gate.passed(&self.options).await;
            }
            // Another's message may try meanwhile.
            News::NotDue => self.gate.give_up(),
            News::Paused => {
                self.gate.give_up();
                self.backlog.clear();
            }
            News::Refused => {
                self.proven = false;
                self.gate.give_up();
                self.backlog.clear();
            }
            News::Store(error) => {
                tracing::error!(lane = %self.lane, error, "an attempt could not be recorded");
                self.gate.give_up();
                self.paused_until = Some(now.plus(STORE_PAUSE));
                self.backlog.clear();
            }
        }
    }

    /// Whether the credential as it is now was refused. A new one closes the
    /// breakers of those before it.
    async fn breaker_is_open(&self) -> Result<bool, QueueError> {
        let credential = connection::credential(&self.account);
        match self.options.queue.breaker_state(&credential).await? {
            BreakerState::Closed => {
                let closed = self.options.queue.close_older_breakers(&credential).await?;
                if closed > 0 {
                    tracing::info!(account = %credential.account, "a new credential is in place");
                }
                Ok(false)
            }
            BreakerState::Open { reply, since } => {
                trouble::tell_refused(&self.options, &self.account, &reply, Some(since));
                Ok(true)
            }
        }
    }

    fn idle_ends_at(&self) -> Option<Timestamp> {
        self.idle
            .iter()
            .map(|(since, _)| since.plus(self.route.times().idle))
            .min()
    }

    /// Closes connections that were idle for long, or all.
    async fn close_idle(&mut self, all: bool) {
        let now = self.options.clock.now();
        let limit = self.route.times().idle;
        let (over, kept): (Vec<_>, Vec<_>) = self
            .idle
            .drain(..)
            .partition(|(since, _)| all || now.since(*since) >= limit);
        self.idle = kept;
        for (_, session) in over {
            session.quit().await;
        }
    }
}
