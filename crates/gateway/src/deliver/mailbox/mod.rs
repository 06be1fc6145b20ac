//! The limits of a mailbox, which all of its lanes keep together: connections,
//! messages a minute, and what its replies taught about both.
//!
//! ```text
//!   lanes ──ask──▶ Leases ──leave──▶ attempt ──replies──▶ Mailbox::hear
//!                    ▲                                       │ fewer, later
//!                    └───────────────────────────────────────┤
//!   restart: attempts of all its lanes, learnt_limits ◀──────┘ durable
//! ```

mod budgets;
mod lease;
mod report;
#[cfg(test)]
mod tests;
mod throttle;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mailward_mail::{Clock, MessageId, Reply, Timestamp};
use mailward_net::smtp::client::ClientSession;
use mailward_policy::RouteKind;
use mailward_queue::{
    AccountName, Budget, Lane, Learnt, LearntRecord, PaceLimit, Queue, QueueError, Stage, Throttle,
};
use tokio::sync::{Mutex as AsyncMutex, OnceCell};

use super::{Alarm, Alarms};
pub use budgets::Budgets;
pub(crate) use lease::{Asked, Leases, Start};
pub use report::{LearntLine, LimitLine, Limits, ListLine, MailboxLimits};

/// A limit that stays lowered for this long is told to a person.
const LOW_TOLD_AFTER: Duration = Duration::from_secs(15 * 60);

/// No rest is longer, whatever was kept and however the clock was set.
const REST_KEPT_MAX: Duration = Duration::from_secs(5 * 60);

/// The alarm's kind.
const ALARM: &str = "limit_lowered";

/// Leave to begin a message over a connection to the service.
pub(super) type Leave = lease::Leave<ClientSession>;

/// Every mailbox's budget. Clones are handles to the same ones.
#[derive(Clone, Debug)]
pub struct SendingLimits(Arc<Registry>);

#[derive(Debug)]
struct Registry {
    queue: Queue,
    clock: Arc<dyn Clock>,
    budgets: Budgets,
    /// By the budget's name; one for each account and kind of route used.
    known: Mutex<BTreeMap<String, Arc<Mailbox>>>,
}

impl SendingLimits {
    pub fn new(queue: Queue, budgets: Budgets) -> Self {
        let clock = Arc::clone(queue.clock());
        Self(Arc::new(Registry {
            queue,
            clock,
            budgets,
            known: Mutex::default(),
        }))
    }

    /// The mailbox that a lane sends from. [`Mailbox::restore`] before use.
    pub(super) fn of_lane(&self, lane: &Lane) -> Arc<Mailbox> {
        self.of(self.0.budgets.of_lane(lane))
    }

    /// The budget that a lane draws on, as configured.
    pub fn budget(&self, lane: &Lane) -> Budget {
        self.0.budgets.of_lane(lane)
    }

    fn of(&self, budget: Budget) -> Arc<Mailbox> {
        let mut known = self.known();
        let mailbox = known.entry(budget.name.clone()).or_insert_with(|| {
            let clock = Arc::clone(&self.0.clock);
            Arc::new(Mailbox::new(budget, self.0.queue.clone(), clock))
        });
        Arc::clone(mailbox)
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Mailbox>>> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Accounts that had messages turned away by their mailbox's minute since
    /// this was last asked. High sending is not the mailbox's.
    pub(super) fn turned_away(&self) -> Vec<AccountName> {
        let known = self.known();
        let used_up = known.values().filter(|mailbox| {
            mailbox
                .budget
                .name
                .starts_with(RouteKind::Submission.as_str())
                && mailbox.leases.take_used_up()
        });
        used_up
            .map(|mailbox| mailbox.budget.account.clone())
            .collect()
    }

    /// Tells a person of limits that stay low. To be called every minute or so.
    pub(super) fn look(&self, alarms: &Alarms) {
        let known: Vec<Arc<Mailbox>> = self.known().values().cloned().collect();
        for mailbox in known {
            mailbox.look(alarms);
        }
    }
}

/// One mailbox.
pub(super) struct Mailbox {
    pub(super) budget: Budget,
    pub(super) leases: Arc<Leases<ClientSession>>,
    learning: Mutex<Learning>,
    restored: OnceCell<()>,
    /// Held while what was learnt is written, so that the latest is on disk.
    keeping: AsyncMutex<()>,
    queue: Queue,
    clock: Arc<dyn Clock>,
}

#[derive(Clone, Debug)]
struct Learning {
    learnt: Learnt,
    low_since: Option<Timestamp>,
    /// In steady time.
    rest_until: Option<Duration>,
    reply: String,
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailbox({})", self.budget.name)
    }
}

impl Mailbox {
    fn new(budget: Budget, queue: Queue, clock: Arc<dyn Clock>) -> Self {
        let leases = Leases::new(budget.limits, Arc::clone(&clock));
        Self {
            learning: Mutex::new(Learning {
                learnt: budget.unlearnt(),
                low_since: None,
                rest_until: None,
                reply: String::new(),
            }),
            leases: Arc::new(leases),
            restored: OnceCell::new(),
            keeping: AsyncMutex::default(),
            budget,
            queue,
            clock,
        }
    }

    /// Carries the last minute and what was learnt over a restart. Nothing may
    /// be sent before it has succeeded.
    pub(super) async fn restore(&self) -> Result<(), QueueError> {
        let restored = self.restored.get_or_try_init(|| async {
            let ended = self.queue.recent_attempts(&self.budget).await?;
            let kept = self.queue.learnt(&self.budget).await?;
            let mut learning = self.learning();
            if let Some(record) = kept {
                let rest = record
                    .rest_until
                    .map(|until| until.since(self.clock.now()).min(REST_KEPT_MAX));
                *learning = Learning {
                    learnt: self.budget.restore(record.learnt),
                    low_since: record.low_since,
                    rest_until: rest.map(|rest| self.clock.steady() + rest),
                    reply: record.reply,
                };
            }
            let limits = self.budget.limits_after(&learning.learnt);
            let ended = ended.into_iter().map(|end| self.steady_of(end));
            self.leases.restore(limits, ended, learning.rest_until);
            Ok(())
        });
        restored.await.copied()
    }

    /// An end that lies ahead was written before the clock was set back: it
    /// counts as now.
    fn steady_of(&self, end: Timestamp) -> Duration {
        let ago = self.clock.now().since(end);
        self.clock.steady().saturating_sub(ago)
    }

    /// When steady time will be `moment`, on the wall clock as it is now.
    fn wall_of(&self, moment: Duration) -> Timestamp {
        let ahead = moment.saturating_sub(self.clock.steady());
        self.clock.now().plus(ahead)
    }

    /// Learns from the replies to one message, and keeps it: to be awaited
    /// before the attempt's end is recorded, so that no kill forgets it.
    pub(super) async fn hear<'r>(
        &self,
        message: MessageId,
        replies: impl IntoIterator<Item = (Stage, &'r Reply)>,
        alarms: &Alarms,
    ) {
        let mut taken = false;
        let mut less = None;
        for (stage, reply) in replies {
            taken |= stage == Stage::FinalDot && reply.code() / 100 == 2;
            less = less.or_else(|| Some((throttle::asks_for_less(stage, reply)?, reply)));
        }
        match less {
            Some((limit, reply)) => self.refused(message, limit, reply).await,
            None if taken => self.taken(alarms).await,
            None => {}
        }
    }

    async fn refused(&self, message: MessageId, limit: PaceLimit, reply: &Reply) {
        let (before, after, rest) = {
            let mut learning = self.learning();
            let before = learning.learnt;
            let rest = learning.learnt.refused(limit);
            let until = self.clock.steady().saturating_add(rest);
            learning.rest_until = learning.rest_until.max(Some(until));
            learning.reply = reply.to_string();
            if learning.learnt.is_lowered() && learning.low_since.is_none() {
                learning.low_since = Some(self.clock.now());
            }
            let limits = self.budget.limits_after(&learning.learnt);
            self.leases.set(limits, learning.rest_until);
            (before, learning.learnt, rest)
        };
        tracing::warn!(
            mailbox = %self.budget.name,
            limit = limit.as_str(),
            before = before.level(limit).map(|level| level.allowed),
            allowed = after.level(limit).map(|level| level.allowed),
            rest_seconds = rest.as_secs(),
            code = reply.code(),
            "the service asks for less"
        );
        self.keep(Some(Throttle { message, limit })).await;
    }

    async fn taken(&self, alarms: &Alarms) {
        let (before, after) = {
            let mut learning = self.learning();
            if learning.learnt.is_nothing() {
                return;
            }
            let before = learning.learnt;
            learning.learnt.taken();
            if !learning.learnt.is_lowered() {
                learning.low_since = None;
            }
            let after = learning.learnt;
            if self.budget.limits_after(&before) != self.budget.limits_after(&after) {
                let limits = self.budget.limits_after(&after);
                self.leases.set(limits, learning.rest_until);
            }
            (before, after)
        };
        if before.is_lowered() && !after.is_lowered() {
            alarms.clear(ALARM, self.budget.account.as_str());
        }
        // A fraction of a step may be learnt again; the rest may not.
        let step = PaceLimit::ALL.into_iter().find(|limit| {
            before.level(*limit).map(|level| level.allowed)
                != after.level(*limit).map(|level| level.allowed)
        });
        if let Some(limit) = step {
            tracing::info!(
                mailbox = %self.budget.name,
                limit = limit.as_str(),
                allowed = after.level(limit).map(|level| level.allowed),
                "the service takes more again"
            );
        }
        if step.is_some() || after.is_nothing() || before.refusals != after.refusals {
            self.keep(None).await;
        }
    }

    async fn keep(&self, throttle: Option<Throttle>) {
        let _alone = self.keeping.lock().await;
        let record = self.record();
        if let Err(error) = self.queue.keep_learnt(&self.budget, record, throttle).await {
            tracing::error!(mailbox = %self.budget.name, %error, "what was learnt is not kept");
        }
    }

    fn record(&self) -> LearntRecord {
        let learning = self.learning();
        let now = self.clock.steady();
        LearntRecord {
            learnt: learning.learnt,
            low_since: learning.low_since,
            rest_until: learning
                .rest_until
                .filter(|until| *until > now)
                .map(|until| self.wall_of(until)),
            reply: learning.reply.clone(),
        }
    }

    fn look(&self, alarms: &Alarms) {
        let record = self.record();
        let Some(since) = record.low_since else {
            return;
        };
        if self.clock.now().since(since) < LOW_TOLD_AFTER {
            return;
        }
        let lowered: Vec<String> = PaceLimit::ALL
            .into_iter()
            .filter_map(|limit| {
                let level = record.learnt.level(limit)?;
                let words = limit.as_str().replace('_', " ");
                level
                    .is_lowered()
                    .then(|| format!("{} of {} {words}", level.allowed, level.most))
            })
            .collect();
        let text = format!(
            "the service allows {} less than it publishes since {since}: {}. Its last word: {}. \
             Look for other programs that send from this mailbox, or ask the service.",
            self.budget.name,
            lowered.join(" and "),
            record.reply
        );
        alarms.raise(Alarm::new(ALARM, text).account(self.budget.account.as_str()));
    }

    fn learning(&self) -> MutexGuard<'_, Learning> {
        self.learning.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
