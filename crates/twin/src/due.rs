//! What the service does later, by the clock: reports that come late, verdicts
//! after delivery, replies of people who are away.
//!
//! ```text
//!   deliver ── at a moment ──▶ queue ── the clock shows it ──▶ perform
//!                               └ rows, where there is a folder
//! ```
//!
//! Whoever moves the clock moves this: nothing sleeps. A piece of work whose
//! row outlives a crash is done again, so that one may come twice but none is
//! lost.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use mailward_mail::{Clock, Timestamp};
use mailward_net::Tasks;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::deliver::{Deliveries, Work};
use crate::error::TwinError;
use crate::kept::{Kept, Kind};
use crate::own::Own;
use crate::trace::{self, MessageNumber};

/// More than this is not promised; what comes beyond is left out, with a line
/// in the log.
pub(crate) const WORK_MAX: usize = 100_000;

/// Clones share one queue.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    waiting: Own<Waiting>,
    /// Whether a task is at it; none is while nothing waits.
    running: Arc<AtomicBool>,
    /// Counts how often the queue was put back to what it was.
    turns: Arc<AtomicU64>,
    sooner: Arc<Notify>,
    kept: Kept,
    tasks: Tasks,
}

/// What waits at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    /// By when it is due and in order of promising.
    work: BTreeMap<Key, Promised>,
    last: u64,
}

type Key = (Timestamp, u64);

#[derive(Clone, Debug)]
struct Promised {
    work: Work,
    /// The message that it was promised for.
    message: Option<MessageNumber>,
}

#[derive(Debug, Deserialize, Serialize)]
struct KeptWork {
    at: Timestamp,
    work: Work,
    #[serde(default)]
    message: Option<MessageNumber>,
}

impl Due {
    /// Reads what an earlier run left; [`Due::run`] begins with it.
    pub(crate) async fn open(kept: Kept, tasks: Tasks) -> Result<Self, TwinError> {
        let rows: Vec<(String, KeptWork)> = kept.all(Kind::Due).await?;
        let mut waiting = Waiting::default();
        for (name, row) in rows {
            let number = name.parse().unwrap_or(0);
            waiting.last = waiting.last.max(number);
            let KeptWork { at, work, message } = row;
            waiting
                .work
                .insert((at, number), Promised { work, message });
        }
        Ok(Self {
            waiting: Own::new(waiting),
            running: Arc::default(),
            turns: Arc::default(),
            sooner: Arc::default(),
            kept,
            tasks,
        })
    }

    /// The last of the messages that anything waits for.
    pub(crate) fn last_message(&self) -> Option<MessageNumber> {
        let waiting = self.waiting.read();
        let messages = waiting.work.values().filter_map(|one| one.message);
        messages.max()
    }

    /// How much waits.
    pub(crate) fn count(&self) -> usize {
        self.waiting.read().work.len()
    }

    /// Starts a task for what waits, unless one is at it.
    pub(crate) fn run(&self, deliveries: &Deliveries) {
        if self.next().is_none() || self.running.swap(true, Ordering::AcqRel) {
            self.sooner.notify_one();
            return;
        }
        let mut runner = Runner {
            deliveries: deliveries.clone(),
            under_way: None,
        };
        let shutdown = self.tasks.shutdown().clone();
        self.tasks.spawn("twin due work", async move {
            tokio::select! {
                () = shutdown.begun() => {}
                () = runner.work_off() => {}
            }
        });
    }

    fn next(&self) -> Option<Key> {
        let waiting = self.waiting.read();
        waiting.work.first_key_value().map(|(key, _)| *key)
    }

    /// Promises work for the message under way, if one is. When this resolves it is kept, where there is a folder.
    pub(crate) async fn add(&self, at: Timestamp, work: Work) -> Result<(), TwinError> {
        let message = trace::current();
        let number = {
            let mut waiting = self.waiting.write();
            if waiting.work.len() >= WORK_MAX {
                tracing::warn!(most = WORK_MAX, "too much waits for later; one is left out");
                return Ok(());
            }
            waiting.last += 1;
            let number = waiting.last;
            let promised = Promised {
                work: work.clone(),
                message,
            };
            waiting.work.insert((at, number), promised);
            number
        };
        let row = KeptWork { at, work, message };
        self.kept.put(Kind::Due, &row_name(number), &row).await
    }

    pub(crate) fn image(&self) -> Arc<Waiting> {
        self.waiting.image()
    }

    /// [`Due::run`] begins with it.
    pub(crate) fn adopt(&self, image: &Arc<Waiting>) {
        self.waiting.adopt(image);
        self.turns.fetch_add(1, Ordering::AcqRel);
        self.sooner.notify_one();
    }
}

/// The task that does what is due.
struct Runner {
    deliveries: Deliveries,
    /// What it has begun and not ended.
    under_way: Option<Key>,
}

impl Runner {
    async fn work_off(&mut self) {
        loop {
            let due = &self.deliveries.due;
            let Some(next) = due.next() else {
                due.running.store(false, Ordering::Release);
                // Something may have been promised between the two.
                if due.next().is_some() && !due.running.swap(true, Ordering::AcqRel) {
                    continue;
                }
                return;
            };
            let (at, number) = next;
            tokio::select! {
                () = self.deliveries.clock.wait_until(at) => {}
                () = due.sooner.notified() => continue,
            }
            // It stays in the queue until it is done: a cut-off task loses nothing.
            let Some(Promised { work, message }) = due.waiting.read().work.get(&next).cloned()
            else {
                continue;
            };
            let turn = due.turns.load(Ordering::Acquire);
            self.under_way = Some(next);
            trace::during(message, self.deliveries.perform(work)).await;
            self.under_way = None;
            let due = &self.deliveries.due;
            if turn != due.turns.load(Ordering::Acquire) {
                // What was put back meanwhile is to be done again.
                continue;
            }
            due.waiting.write().work.remove(&next);
            if let Err(error) = due.kept.remove(Kind::Due, &row_name(number)).await {
                tracing::warn!(%error, "work that was done could not be crossed out");
            }
        }
    }
}

/// A piece of work that panicked is left out until the next start, and the
/// rest goes on without it.
impl Drop for Runner {
    fn drop(&mut self) {
        let Some(key) = self.under_way.take().filter(|_| std::thread::panicking()) else {
            return;
        };
        let due = &self.deliveries.due;
        due.waiting.write().work.remove(&key);
        due.running.store(false, Ordering::Release);
        let why = "a piece of work for later failed by a mistake of the twin's own; the log has it";
        let events = &self.deliveries.events;
        events.add("service", "given_up", None, why, None);
        due.run(&self.deliveries);
    }
}

/// Ordered as text as well.
fn row_name(number: u64) -> String {
    format!("{number:020}")
}

/// Waits for nothing: for a moment that has come.
pub(crate) fn after(clock: &dyn Clock, seconds: u64) -> Timestamp {
    clock.now().plus(std::time::Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use mailward_mail::Address;

    use super::*;
    use crate::worlds::tests::{READER, worlds};

    /// What panicked is given up, and said so.
    #[tokio::test]
    async fn work_that_panics_is_left_out_and_the_rest_is_done() {
        let worlds = worlds().await;
        let world = worlds.main();
        let (due, now) = (&world.deliveries.due, world.deliveries.clock.now());
        let work = || Work::QuotaWarning {
            account: Address::parse(READER).expect("an address"),
        };
        for _ in 0..2 {
            due.add(now, work()).await.expect("promised");
        }
        let runner = Runner {
            deliveries: world.deliveries.clone(),
            under_way: due.next(),
        };
        due.running.store(true, Ordering::Release);
        let panicked = catch_unwind(AssertUnwindSafe(move || {
            let _runner = runner;
            panic!("a mistake of our own");
        }));
        assert!(panicked.is_err());
        while due.count() > 0 {
            tokio::task::yield_now().await;
        }
        let events = world.events.after(0, 10).into_iter();
        let service = events.filter(|one| one.protocol == "service");
        let kinds: Vec<&str> = service.map(|one| one.kind).collect();
        assert_eq!(kinds, ["given_up", "warned"]);
    }
}
