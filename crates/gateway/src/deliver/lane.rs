//! One lane: an account on a route. Takes what is due, asks its mailbox for
//! leave, and stops at the first refused sign-in.

use std::collections::{HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::{MessageId, Timestamp};
use mailward_net::Shutdown;
use mailward_net::smtp::client::ClientSession;
use mailward_queue::{BreakerState, DueMessage, Lane, QueueError};
use tokio::task::JoinSet;

use super::attempt::{self, Ended, News};
use super::gate::{Gate, MayBegin};
use super::mailbox::{Asked, Leave, Mailbox, Start};
use super::{DeliverOptions, STORE_PAUSE, connection, trouble};
use crate::route::{Route, SendingAccount};

/// Recipients taken from the queue at a time; the rest stay where they are.
const BACKLOG_MAX: usize = 64;

/// Taken anew after this, so that an urgent message does not wait behind what
/// was taken before it came.
const BACKLOG_AGE_MAX: Duration = Duration::from_millis(200);

/// Attempts that are under way, or whose end is being written while their
/// connection carries another.
const IN_FLIGHT_MAX: usize = 512;

pub(super) struct LaneWorker {
    options: Arc<DeliverOptions>,
    lane: Lane,
    route: Route,
    account: SendingAccount,
    shutdown: Shutdown,
    /// Shared with the account's other routes to the same service.
    mailbox: Arc<Mailbox>,
    backlog: VecDeque<DueMessage>,
    /// When the backlog was taken: an older one may lack what hurries more.
    taken_at: Timestamp,
    /// Messages begun since the start, for the classes' shares.
    begun: u64,
    in_flight: HashSet<MessageId>,
    under_way: JoinSet<(MessageId, Ended)>,
    /// Connections that are being closed.
    closing: JoinSet<()>,
    /// Whether this credential has signed in since the start: until then one
    /// connection tries alone, so that a wrong password costs one attempt.
    proven: bool,
    /// Pauses of the lane, its account and its route.
    gate: Gate,
    /// While the store takes nothing; in steady time.
    paused_until: Option<Duration>,
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
    /// That steady time, whatever comes.
    Pause(Duration),
    /// Room in the mailbox, at that steady time or when another gives some back.
    Room(Option<Duration>),
    /// The end of an attempt.
    End,
}

enum Refill {
    Taken,
    /// When something will be due; past, where it is in flight.
    Nothing {
        next: Option<Timestamp>,
    },
}

impl LaneWorker {
    pub(super) fn new(
        options: Arc<DeliverOptions>,
        lane: Lane,
        route: Route,
        account: SendingAccount,
        shutdown: Shutdown,
    ) -> Self {
        let mailbox = options.sending_limits.of_lane(&lane);
        Self {
            options,
            lane,
            route,
            account,
            shutdown,
            mailbox,
            backlog: VecDeque::new(),
            taken_at: Timestamp::from_millis(0),
            begun: 0,
            in_flight: HashSet::new(),
            under_way: JoinSet::new(),
            closing: JoinSet::new(),
            proven: false,
            gate: Gate::default(),
            paused_until: None,
            waits: false,
        }
    }

    /// Works until shutdown begins, then ends what is under way.
    pub(super) async fn run(mut self) {
        if !self.restore().await {
            return;
        }
        let mut changes = self.options.queue.work_changes();
        let figures = self.options.observe.lane(&self.lane);
        let mut room = self.mailbox.leases.changes();
        while !self.shutdown.has_begun() {
            changes.mark_unchanged();
            room.mark_unchanged();
            let wait = match self.advance().await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::error!(lane = %self.lane, %error, "the queue can't be read");
                    Wait::Pause(self.options.clock.steady() + STORE_PAUSE)
                }
            };
            if !matches!(wait, Wait::Room(_)) {
                self.mailbox.leases.withdraw(&self.lane);
            }
            let clock = Arc::clone(&self.options.clock);
            let idle = self
                .mailbox
                .leases
                .idle_ends_at(&self.lane, self.idle_max());
            let (moment, pause, heeds_change, heeds_room) = match wait {
                Wait::Change => (None, idle, true, false),
                Wait::ChangeOr(moment) => (Some(moment), idle, true, false),
                Wait::Pause(end) => (None, Some(end), false, false),
                Wait::Room(end) => (None, end, false, true),
                Wait::End => (None, None, false, false),
            };
            let alarm = async {
                match moment {
                    Some(moment) => clock.wait_until(moment).await,
                    None => std::future::pending().await,
                }
            };
            let pause = async {
                match pause {
                    Some(end) => clock.wait(end.saturating_sub(clock.steady())).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                Some(done) = self.under_way.join_next() => self.settle(done).await,
                _ = changes.changed(), if heeds_change => {}
                _ = room.changed(), if heeds_room => {}
                Some(_) = self.closing.join_next() => {}
                () = alarm => {}
                () = pause => {}
                () = self.shutdown.begun() => {}
            }
            self.close_idle(self.idle_max());
            figures.stands(
                self.mailbox.leases.idle_of(&self.lane),
                self.under_way.len(),
                self.paused_until.is_some() || self.waits,
            );
        }
        self.mailbox.leases.withdraw(&self.lane);
        while let Some(done) = self.under_way.join_next().await {
            self.settle(done).await;
        }
        self.close_idle(Duration::ZERO);
        while self.closing.join_next().await.is_some() {}
    }

    /// Carries the mailbox's last minute over a restart, before anything is
    /// sent; false when shutdown came first.
    async fn restore(&mut self) -> bool {
        while let Err(error) = self.mailbox.restore().await {
            tracing::error!(lane = %self.lane, %error, "the last minute can't be read");
            let clock = Arc::clone(&self.options.clock);
            tokio::select! {
                () = clock.wait(STORE_PAUSE) => {}
                () = self.shutdown.begun() => return false,
            }
        }
        true
    }

    /// Starts as many attempts as may be started now.
    async fn advance(&mut self) -> Result<Wait, QueueError> {
        let now = self.options.clock.now();
        if let Some(until) = self.paused_until {
            if self.options.clock.steady() < until {
                return Ok(Wait::Pause(until));
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
            if self.in_flight.len() >= IN_FLIGHT_MAX {
                return Ok(Wait::End);
            }
            if self.backlog.is_empty() && self.mailbox.leases.is_busy() {
                // There is no use in asking for what can't be begun.
                return Ok(Wait::Room(None));
            }
            if self.backlog.is_empty()
                && let Refill::Nothing { next } = self.refill(now).await?
            {
                if self.under_way.is_empty() {
                    self.gate.give_up();
                }
                // What is in flight still counts as due until that it has
                // begun is committed.
                return Ok(match next {
                    Some(next) if next > now => Wait::ChangeOr(next),
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
            match self.mailbox.leases.ask(&self.lane) {
                Asked::Go(leave, start) => self.begin(leave, start),
                Asked::Wait(end) => return Ok(Wait::Room(end)),
            }
        }
    }

    /// Takes the next due messages.
    async fn refill(&mut self, now: Timestamp) -> Result<Refill, QueueError> {
        // Those in flight may still look due, so ask for that many more.
        let limit = BACKLOG_MAX + self.in_flight.len();
        let queue = &self.options.queue;
        let look = queue.look(&self.lane, now, limit, self.begun).await?;
        self.taken_at = now;
        self.backlog.extend(
            look.due
                .into_iter()
                .filter(|message| !self.in_flight.contains(&message.id)),
        );
        Ok(if self.backlog.is_empty() {
            Refill::Nothing { next: look.next_at }
        } else {
            Refill::Taken
        })
    }

    fn begin(&mut self, leave: Leave, start: Start<ClientSession>) {
        let Some(due) = self.backlog.pop_front() else {
            return;
        };
        let id = due.id;
        self.begun += 1;
        self.in_flight.insert(id);
        let (options, route, account, mailbox) = (
            Arc::clone(&self.options),
            self.route.clone(),
            self.account.clone(),
            Arc::clone(&self.mailbox),
        );
        self.under_way.spawn(async move {
            let kept = match start {
                Start::Kept(session) => Some(session),
                Start::Fresh => None,
                Start::Replace(session) => {
                    session.quit().await;
                    None
                }
            };
            let attempt = attempt::run(&options, &route, &account, &mailbox, kept, leave, due);
            let ended = Box::pin(attempt).await;
            (id, ended)
        });
    }

    async fn settle(&mut self, done: Result<(MessageId, Ended), tokio::task::JoinError>) {
        let (id, ended) = match done {
            Ok(done) => done,
            Err(error) => {
                // Our own mistake. The attempt stays recorded as under way and
                // the watchdog settles it; its leave went back as counted. What a
                // panic says may quote mail.
                let panicked = error.is_panic();
                tracing::error!(lane = %self.lane, panicked, "an attempt broke off");
                return;
            }
        };
        self.in_flight.remove(&id);
        if let Some(leave) = ended.leave {
            leave.end(ended.counted, ended.connection);
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
                self.paused_until = Some(self.options.clock.steady() + STORE_PAUSE);
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

    fn idle_max(&self) -> Duration {
        self.route.times().idle
    }

    /// Closes connections that were idle for so long, or are too many now.
    fn close_idle(&mut self, limit: Duration) {
        for (session, place) in self.mailbox.leases.take_idle(&self.lane, limit) {
            self.closing.spawn(async move {
                session.quit().await;
                drop(place);
            });
        }
    }
}

impl Drop for LaneWorker {
    fn drop(&mut self) {
        self.mailbox.leases.withdraw(&self.lane);
    }
}
