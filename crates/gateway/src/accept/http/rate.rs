//! How many requests each application makes: a bucket of permits that fills
//! up again in a minute.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use mailward_mail::Timestamp;
use mailward_queue::ApplicationName;

const MINUTE_MILLIS: u64 = 60_000;

/// One bucket for each application; the register bounds how many.
#[derive(Debug)]
pub(super) struct Rate {
    per_minute_max: u64,
    buckets: Mutex<HashMap<ApplicationName, Bucket>>,
}

/// A permit is 60,000 parts: at N a minute a bucket gains N parts in a
/// millisecond, so no time is lost to rounding.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    parts: u64,
    at: Timestamp,
}

impl Rate {
    pub(super) fn new(per_minute_max: u32) -> Self {
        Self {
            per_minute_max: u64::from(per_minute_max).max(1),
            buckets: Mutex::default(),
        }
    }

    /// Takes a permit, or says after how many seconds there will be one.
    pub(super) fn take(&self, application: &ApplicationName, now: Timestamp) -> Result<(), u64> {
        let full = self.per_minute_max * MINUTE_MILLIS;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let bucket = buckets.entry(application.clone()).or_insert(Bucket {
            parts: full,
            at: now,
        });
        let elapsed = u64::try_from(now.since(bucket.at).as_millis()).unwrap_or(MINUTE_MILLIS);
        let gained = elapsed.min(MINUTE_MILLIS) * self.per_minute_max;
        *bucket = Bucket {
            parts: (bucket.parts + gained).min(full),
            at: now,
        };
        if bucket.parts >= MINUTE_MILLIS {
            bucket.parts -= MINUTE_MILLIS;
            return Ok(());
        }
        let missing = MINUTE_MILLIS - bucket.parts;
        Err(missing.div_ceil(self.per_minute_max * 1000).max(1))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_bucket_empties_and_fills_again() {
        let rate = Rate::new(2);
        let (one, other) = (ApplicationName::new("one"), ApplicationName::new("other"));
        let start = Timestamp::from_millis(0);
        assert_eq!(rate.take(&one, start), Ok(()));
        assert_eq!(rate.take(&one, start), Ok(()));
        assert_eq!(rate.take(&one, start), Err(30));
        assert_eq!(rate.take(&other, start), Ok(()), "each has its own");
        let later = start.plus(Duration::from_secs(29));
        assert_eq!(rate.take(&one, later), Err(1));
        assert_eq!(rate.take(&one, start.plus(Duration::from_secs(30))), Ok(()));
        let much_later = start.plus(Duration::from_secs(3600));
        assert_eq!(rate.take(&one, much_later), Ok(()));
        assert_eq!(rate.take(&one, much_later), Ok(()));
        assert!(
            rate.take(&one, much_later).is_err(),
            "it holds no more than a minute's"
        );
    }
}
