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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mailward_mail::{Clock, Timestamp};
use mailward_net::Tasks;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use crate::deliver::{Deliveries, Work};
use crate::error::TwinError;
use crate::kept::{Kept, Kind};

/// More than this is not promised; what comes beyond is left out, with a line
/// in the log.
pub(crate) const WORK_MAX: usize = 100_000;

/// Clones share one queue.
#[derive(Clone, Debug)]
pub(crate) struct Due {
    state: Arc<Mutex<State>>,
    sooner: Arc<Notify>,
    kept: Kept,
    tasks: Tasks,
}

/// What waits at one moment, by when it is due and in order of promising.
pub(crate) type DueImage = BTreeMap<(Timestamp, u64), Work>;

#[derive(Debug, Default)]
struct State {
    waiting: DueImage,
    last: u64,
    /// Whether a task is at it; none is while nothing waits.
    running: bool,
}

#[derive(Debug, Deserialize, Serialize)]
struct KeptWork {
    at: Timestamp,
    work: Work,
}

impl Due {
    /// Reads what an earlier run left; [`Due::run`] begins with it.
    pub(crate) async fn open(kept: Kept, tasks: Tasks) -> Result<Self, TwinError> {
        let rows: Vec<(String, KeptWork)> = kept.all(Kind::Due).await?;
        let mut state = State::default();
        for (name, row) in rows {
            let number = name.parse().unwrap_or(0);
            state.last = state.last.max(number);
            state.waiting.insert((row.at, number), row.work);
        }
        Ok(Self {
            state: Arc::new(Mutex::new(state)),
            sooner: Arc::default(),
            kept,
            tasks,
        })
    }

    /// How much waits.
    pub(crate) fn count(&self) -> usize {
        self.lock().waiting.len()
    }

    /// Starts a task for what waits, unless one is at it.
    pub(crate) fn run(&self, deliveries: &Deliveries) {
        {
            let mut state = self.lock();
            if state.running || state.waiting.is_empty() {
                drop(state);
                self.sooner.notify_one();
                return;
            }
            state.running = true;
        }
        let deliveries = deliveries.clone();
        let shutdown = self.tasks.shutdown().clone();
        self.tasks.spawn("twin due work", async move {
            tokio::select! {
                () = shutdown.begun() => {}
                () = deliveries.due.work_off(&deliveries) => {}
            }
        });
    }

    async fn work_off(&self, deliveries: &Deliveries) {
        loop {
            let next = {
                let mut state = self.lock();
                let next = state.waiting.first_key_value();
                match next.map(|(key, _)| *key) {
                    Some(key) => key,
                    None => {
                        state.running = false;
                        return;
                    }
                }
            };
            let (at, number) = next;
            tokio::select! {
                () = deliveries.clock.wait_until(at) => {}
                () = self.sooner.notified() => continue,
            }
            // It stays in the queue until it is done: a cut-off task loses nothing.
            let Some(work) = self.lock().waiting.get(&next).cloned() else {
                continue;
            };
            deliveries.perform(work).await;
            self.lock().waiting.remove(&next);
            if let Err(error) = self.kept.remove(Kind::Due, &row_name(number)).await {
                tracing::warn!(%error, "work that was done could not be crossed out");
            }
        }
    }

    /// Promises work. When this resolves it is kept, where there is a folder.
    pub(crate) async fn add(&self, at: Timestamp, work: Work) -> Result<(), TwinError> {
        let number = {
            let mut state = self.lock();
            if state.waiting.len() >= WORK_MAX {
                tracing::warn!(most = WORK_MAX, "too much waits for later; one is left out");
                return Ok(());
            }
            state.last += 1;
            let number = state.last;
            state.waiting.insert((at, number), work.clone());
            number
        };
        let row = KeptWork { at, work };
        self.kept.put(Kind::Due, &row_name(number), &row).await
    }

    pub(crate) fn image(&self) -> DueImage {
        self.lock().waiting.clone()
    }

    /// For worlds in memory: it is written nowhere. [`Due::run`] begins with it.
    pub(crate) fn adopt(&self, image: &DueImage) {
        let mut state = self.lock();
        state.last = image.keys().map(|(_, number)| *number).max().unwrap_or(0);
        state.waiting.clone_from(image);
        drop(state);
        self.sooner.notify_one();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
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
