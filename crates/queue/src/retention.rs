//! How long the record of a message stays once all of it has ended.

use std::time::Duration;

use crate::error::QueueError;
use crate::ledger::{idempotency, retention};
use crate::queue::Queue;

/// Shorter than idempotency keys are remembered, a key could stand for a
/// message that is no longer there.
pub const KEPT_LEAST: Duration = Duration::from_secs(8 * 24 * 3600);

/// Rows that one round removes, and the messages it looks at: what is one
/// commit must not hold up others.
const ROWS_MAX: usize = 2_000;
const MESSAGES_MAX: usize = 200;

/// Pages of the database that a round gives back to the file system.
const PAGES_MAX: u32 = 512;

/// What a round has removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    pub messages: u64,
    pub rows: u64,
    /// There is more to do: call again.
    pub more: bool,
}

impl Queue {
    /// Removes the records of messages that ended more than `kept` ago (never
    /// less than [`KEPT_LEAST`]): recipients, attempts, timeline, notices. Does
    /// a bounded amount and says whether there is more.
    pub async fn forget_ended(&self, kept: Duration) -> Result<Forgotten, QueueError> {
        let by = self.now().minus(kept.max(KEPT_LEAST));
        self.write(move |tx| {
            let ended = retention::ended(tx, by, MESSAGES_MAX)?;
            if ended.is_empty() {
                return Ok(Ok(Forgotten::default()));
            }
            // A key is as old as its message at least, which may have ended at
            // that very moment.
            idempotency::forget_before(tx, by.plus(Duration::from_millis(1)))?;
            let newest = retention::newest(tx)?;
            let mut forgotten = Forgotten {
                more: ended.len() == MESSAGES_MAX,
                ..Forgotten::default()
            };
            let looked_at = ended.len();
            for (place, (number, class)) in ended.into_iter().enumerate() {
                if newest.contains(&number) {
                    continue;
                }
                forgotten.rows += retention::remove(tx, number, class)? as u64;
                forgotten.messages += 1;
                if forgotten.rows >= ROWS_MAX as u64 {
                    forgotten.more |= place + 1 < looked_at;
                    break;
                }
            }
            forgotten.more &= forgotten.messages > 0;
            tx.give_back_pages(PAGES_MAX)?;
            Ok(Ok(forgotten))
        })
        .await
    }
}
