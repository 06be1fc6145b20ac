//! A clock that moves when told and dice that always fall alike, for tests.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use mailward_mail::time::Waiting;
use mailward_mail::{Clock, Dice, Timestamp};

#[derive(Debug, Default)]
pub(crate) struct FixedClock(AtomicI64);

impl FixedClock {
    pub(crate) fn advance(&self, duration: Duration) {
        let millis = i64::try_from(duration.as_millis()).expect("a short while");
        self.0.fetch_add(millis, Ordering::SeqCst);
    }
}

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_795_000_000_000 + self.0.load(Ordering::SeqCst))
    }

    fn wait_until(&self, _moment: Timestamp) -> Waiting {
        Box::pin(std::future::pending())
    }
}

#[derive(Debug, Default)]
pub(crate) struct SeededDice(AtomicU64);

impl Dice for SeededDice {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = (self.0.fetch_add(1, Ordering::SeqCst) + 1)
                .wrapping_mul(0x9e37_79b9_7f4a_7c15)
                .to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}
