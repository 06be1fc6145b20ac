//! Lines of the log that a lasting fault would write again and again.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use mailward_mail::Timestamp;

/// One line of each key in so much time.
const PERIOD: Duration = Duration::from_secs(60);

/// Keys that are told apart; beyond that they share one.
const KEYS_MAX: usize = 1000;
const OTHERS: &str = "";

/// Remembers what was said of late, and how often it was not.
#[derive(Debug, Default)]
pub(crate) struct Seldom(Mutex<HashMap<String, Said>>);

#[derive(Clone, Copy, Debug)]
struct Said {
    at: Timestamp,
    unsaid: u64,
}

impl Seldom {
    /// How many lines were left out before this one, if it may be written.
    pub(crate) fn may(&self, key: &str, now: Timestamp) -> Option<u64> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let full = all.len() >= KEYS_MAX && !all.contains_key(key);
        let key = if full { OTHERS } else { key };
        if let Some(said) = all.get_mut(key)
            // A clock that went back must not silence it.
            && said.at.as_millis().abs_diff(now.as_millis()) < PERIOD.as_millis() as u64
        {
            said.unsaid += 1;
            return None;
        }
        let before = all.insert(key.to_owned(), Said { at: now, unsaid: 0 });
        Some(before.map_or(0, |said| said.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_lasts_is_a_line_a_minute() {
        let seldom = Seldom::default();
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        for (seconds, key, expected) in [
            (0, "a", Some(0)),
            (1, "a", None),
            (2, "b", Some(0)),
            (59, "a", None),
            (60, "a", Some(2)),
            (61, "a", None),
            (-600, "a", Some(1)),
        ] {
            assert_eq!(seldom.may(key, at(seconds)), expected, "{seconds} {key}");
        }
        for n in 0..2 * KEYS_MAX {
            seldom.may(&n.to_string(), at(0));
        }
        assert!(seldom.0.lock().expect("a lock").len() <= KEYS_MAX + 1);
    }
}
