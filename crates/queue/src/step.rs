//! Notices that somebody set the clock, and puts right what hangs on it.
//!
//! The wall clock is compared with steady time: a difference that grows by
//! more than a moment is a step. It is kept, so that a later run of the same
//! boot sees a step too that nobody saw; after a boot, what was written last
//! tells.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use mailward_mail::Timestamp;
use tokio::sync::Mutex;

use crate::error::QueueError;
use crate::ledger::step::{Known, Moment, STEP_MIN_MILLIS, moved};
use crate::ledger::{lanes, step};
use crate::queue::Queue;

/// A clock that is slewed is kept up with in steps of this.
const KEPT_WITHIN_MILLIS: i64 = 500;

/// How far the wall clock is ahead of steady time.
#[derive(Debug)]
pub(crate) struct Drift {
    millis: AtomicI64,
    /// The same as far as the ledger knows it, once `began`.
    kept: AtomicI64,
    /// What an earlier run left is put right.
    began: AtomicBool,
    settling: Mutex<()>,
}

impl Drift {
    pub(crate) fn new(millis: i64) -> Self {
        Self {
            millis: AtomicI64::new(millis),
            kept: AtomicI64::new(millis),
            began: AtomicBool::new(false),
            settling: Mutex::const_new(()),
        }
    }
}

impl Queue {
    /// To be called before anything is compared with the time, and before a
    /// moment is written that lies ahead: what is written later is not moved.
    /// Costs two looks at the clock, unless it was set.
    pub(crate) async fn heed_clock(&self) -> Result<(), QueueError> {
        let drift = self.drift();
        if drift.began.load(Ordering::Acquire) && self.stepped().is_none() {
            return Ok(());
        }
        let _alone = drift.settling.lock().await;
        if !drift.began.load(Ordering::Acquire) {
            self.begin().await?;
            drift.began.store(true, Ordering::Release);
        }
        let Some(millis) = self.stepped() else {
            return Ok(());
        };
        self.put_right(millis).await?;
        drift.millis.fetch_add(millis, Ordering::SeqCst);
        drift.kept.fetch_add(millis, Ordering::SeqCst);
        Ok(())
    }

    /// Keeps up with a clock that is slewed; to be called every minute or so.
    pub(crate) async fn keep_drift(&self) -> Result<(), QueueError> {
        let drift = self.drift();
        let _alone = drift.settling.lock().await;
        let ahead = drift.millis.load(Ordering::SeqCst);
        let kept = drift.kept.load(Ordering::SeqCst);
        if ahead.abs_diff(kept) >= KEPT_WITHIN_MILLIS.unsigned_abs() {
            self.know(ahead).await?;
        }
        Ok(())
    }

    /// The clock, for a write that is to keep the moment.
    pub(crate) fn moment(&self) -> Moment {
        let at = self.now();
        let ahead = at.as_millis().saturating_sub(self.steady_millis());
        Moment { at, ahead }
    }

    /// Whether the clock was set since an earlier run looked at it.
    async fn begin(&self) -> Result<(), QueueError> {
        let ahead = self.drift().millis.load(Ordering::SeqCst);
        let boot_id = self.clock().boot_id();
        match self.read(step::known).await? {
            Some(known) if boot_id.is_some() && known.boot_id.as_deref() == boot_id => {
                let millis = ahead.saturating_sub(known.ahead);
                if millis.saturating_abs() >= STEP_MIN_MILLIS {
                    self.put_right(millis).await?;
                }
            }
            _ => self.heed_last_event().await?,
        }
        self.know(ahead).await
    }

    async fn know(&self, ahead: i64) -> Result<(), QueueError> {
        let known = Known {
            boot_id: self.clock().boot_id().map(str::to_owned),
            ahead,
        };
        self.store()
            .write(Vec::new(), move |tx, _| step::know(tx, &known))
            .await?;
        self.drift().kept.store(ahead, Ordering::SeqCst);
        Ok(())
    }

    /// Whether the clock was set back since the last thing was written.
    async fn heed_last_event(&self) -> Result<(), QueueError> {
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
