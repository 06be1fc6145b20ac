//! Notices that somebody set the clock, and puts right what hangs on it.
//!
//! The wall clock is compared with steady time: a difference that grows by
//! more than a moment is a step. At the start, what was written last tells.

use std::sync::atomic::{AtomicI64, Ordering};

use mailward_mail::Timestamp;
use tokio::sync::Mutex;

use crate::error::QueueError;
use crate::ledger::{lanes, step};
use crate::queue::Queue;

/// A smaller difference is the clock being slewed, or us being slow.
const STEP_MIN_MILLIS: i64 = 2_000;

/// How far the wall clock is ahead of steady time.
#[derive(Debug)]
pub(crate) struct Drift {
    millis: AtomicI64,
    settling: Mutex<()>,
}

impl Drift {
    pub(crate) fn new(millis: i64) -> Self {
        Self {
            millis: AtomicI64::new(millis),
            settling: Mutex::const_new(()),
        }
    }
}

impl Queue {
    /// To be called before anything is compared with the time, and before a
    /// moment is written that lies ahead: what is written later is not moved.
    /// Costs two looks at the clock, unless it was set.
    pub(crate) async fn heed_clock(&self) -> Result<(), QueueError> {
        if self.stepped().is_none() {
            return Ok(());
        }
        let drift = self.drift();
        let _alone = drift.settling.lock().await;
        let Some(millis) = self.stepped() else {
            return Ok(());
        };
        self.put_right(millis).await?;
        drift.millis.fetch_add(millis, Ordering::SeqCst);
        Ok(())
    }

    /// Whether the clock was set back since the last thing was written.
    pub(crate) async fn heed_last_event(&self) -> Result<(), QueueError> {
        let now = self.now();
        let Some(last) = self.read(step::last_event).await? else {
            return Ok(());
        };
        let ahead = last.as_millis().saturating_sub(now.as_millis());
        if ahead > STEP_MIN_MILLIS {
            self.put_right(-ahead).await?;
        }
        Ok(())
    }

    /// By how much the clock was set since it was last looked at. What is less
    /// than a step is taken as it is.
    fn stepped(&self) -> Option<i64> {
        let now = self.drift_now();
        let known = &self.drift().millis;
        let before = known.load(Ordering::SeqCst);
        let millis = now.saturating_sub(before);
        if millis.saturating_abs() >= STEP_MIN_MILLIS {
            return Some(millis);
        }
        // Another may have looked in between; then it is for the next time.
        let _ = known.compare_exchange(before, now, Ordering::SeqCst, Ordering::SeqCst);
        None
    }

    /// Writes without asking the clock first: the caller has.
    async fn put_right(&self, millis: i64) -> Result<(), QueueError> {
        let now = self.now();
        let before = Timestamp::from_millis(now.as_millis().saturating_sub(millis));
        while millis < 0 && self.keep_due(now, before).await? {}
        self.store()
            .write(Vec::new(), move |tx, _| {
                step::move_counts(tx, millis, now)?;
                step::move_waits(tx, millis, before, now)?;
                step::remember(tx, millis, now)
            })
            .await?;
        if let Some(pauses) = self.known_pauses().as_mut() {
            for pause in pauses.values_mut() {
                pause.since = moved(pause.since, millis);
                pause.until = moved(pause.until, millis);
            }
        }
        self.wake();
        self.doubt_arose();
        Ok(())
    }

    /// Whether there may be more.
    async fn keep_due(&self, now: Timestamp, before: Timestamp) -> Result<bool, QueueError> {
        let more = self
            .store()
            .write(Vec::new(), move |tx, _| {
                let mut more = false;
                for (lane, _) in lanes::all(tx)? {
                    more |= step::keep_due(tx, lane, now, before)?;
                }
                Ok(more)
            })
            .await?;
        Ok(more)
    }
}

fn moved(moment: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(moment.as_millis().saturating_add(millis))
}
