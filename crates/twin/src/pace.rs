//! The service's own rates: three connections a mailbox, thirty messages a
//! minute, more being delayed (Microsoft, SMTP submission improvements).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mailward_mail::{Address, Timestamp};

use crate::own::Own;

const MINUTE: Duration = Duration::from_secs(60);

/// What one mailbox may do, or no limit at all.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    pub connections_max: usize,
    pub messages_per_minute: usize,
    /// How long a refused sign-in is kept waiting (observed: about 5 seconds).
    pub refusal_delay: Duration,
}

/// Counts for all mailboxes: of their connections, and of the last minute in
/// which each of them sent.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    rates: Option<Rates>,
    connections: Arc<Mutex<HashMap<String, usize>>>,
    sent: Own<Sent>,
}

/// By mailbox: when its latest messages count as sent; the last may lie ahead.
pub(crate) type Sent = HashMap<String, VecDeque<Timestamp>>;

/// One counted connection; given back when dropped.
#[derive(Debug)]
pub(crate) struct Connected {
    pace: Pace,
    key: String,
    /// Whether this one is beyond the limit.
    pub(crate) too_many: bool,
}

impl Pace {
    /// `None` lifts every limit.
    pub(crate) fn new(rates: Option<Rates>) -> Self {
        Self {
            rates,
            connections: Arc::default(),
            sent: Own::default(),
        }
    }

    pub(crate) fn refusal_delay(&self) -> Duration {
        self.rates
            .map_or(Duration::ZERO, |rates| rates.refusal_delay)
    }

    /// The messages of the last minute; connections are nobody else's.
    pub(crate) fn image(&self) -> Arc<Sent> {
        self.sent.image()
    }

    pub(crate) fn adopt(&self, image: &Arc<Sent>) {
        self.sent.adopt(image);
    }

    pub(crate) fn connect(&self, address: &Address) -> Connected {
        let key = address.key();
        let mut connections = self.connections();
        let count = connections.entry(key.clone()).or_default();
        *count += 1;
        let too_many = self
            .rates
            .is_some_and(|rates| *count > rates.connections_max);
        Connected {
            pace: self.clone(),
            key,
            too_many,
        }
    }

    /// Until when the mailbox's next message is delayed, if it would be.
    pub(crate) fn throttled_until(&self, address: &Address, now: Timestamp) -> Option<Timestamp> {
        let rates = self.rates?;
        let sent = self.sent.read();
        let sent = sent.get(&address.key())?;
        let index = sent.len().checked_sub(rates.messages_per_minute)?;
        Some(sent[index].plus(MINUTE)).filter(|until| *until > now)
    }

    /// Takes the next place for a message and says when it is: now, or when
    /// the minute before it has room.
    pub(crate) fn next_message(&self, address: &Address, now: Timestamp) -> Timestamp {
        let Some(rates) = self.rates else { return now };
        let mut sent = self.sent.write();
        let sent = sent.entry(address.key()).or_default();
        while sent.front().is_some_and(|sent| sent.plus(MINUTE) <= now) {
            sent.pop_front();
        }
        let place = match sent.len().checked_sub(rates.messages_per_minute) {
            Some(index) => sent[index].plus(MINUTE).max(now),
            None => now,
        };
        sent.push_back(place);
        place
    }

    fn disconnect(&self, key: &str) {
        let mut connections = self.connections();
        if let Some(count) = connections.get_mut(key) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                connections.remove(key);
            }
        }
    }

    fn connections(&self) -> MutexGuard<'_, HashMap<String, usize>> {
        self.connections
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.pace.disconnect(&self.key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> (Pace, Address) {
        let rates = Rates {
            connections_max: 3,
            messages_per_minute: 30,
            refusal_delay: Duration::ZERO,
        };
        (
            Pace::new(Some(rates)),
            Address::parse("a@northmoor.example").expect("an address"),
        )
    }

    #[test]
    fn the_fourth_connection_is_one_too_many_until_another_ends() {
        let (pace, address) = pace();
        let held: Vec<Connected> = (0..3).map(|_| pace.connect(&address)).collect();
        assert!(held.iter().all(|one| !one.too_many));
        assert!(pace.connect(&address).too_many);
        drop(held);
        assert!(!pace.connect(&address).too_many);
    }

    #[test]
    fn never_more_than_thirty_in_any_minute() {
        let (pace, address) = pace();
        let start = Timestamp::from_millis(0);
        let places: Vec<Timestamp> = (0..100)
            .map(|_| pace.next_message(&address, start))
            .collect();
        assert_eq!(places[29], start);
        let free = start.plus(MINUTE * 4);
        assert_eq!(
            pace.throttled_until(&address, start),
            Some(places[70].plus(MINUTE))
        );
        assert_eq!(pace.throttled_until(&address, free), None);
        for window in places.windows(31) {
            assert!(window[30].since(window[0]) >= MINUTE);
        }
        assert_eq!(places[99], start.plus(MINUTE * 3));
    }
}
