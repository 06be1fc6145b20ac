//! The service's own rates: three connections a mailbox, thirty messages a
//! minute, more being delayed (Microsoft, SMTP submission improvements).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use mailward_mail::{Address, Timestamp};

const MINUTE: Duration = Duration::from_secs(60);

/// What one mailbox may do, or no limit at all.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    pub connections_max: usize,
    pub messages_per_minute: usize,
    /// How long a refused sign-in is kept waiting (observed: about 5 seconds).
    pub refusal_delay: Duration,
}

#[derive(Debug, Default)]
struct Mailbox {
    connections: usize,
    /// When the latest messages count as sent; the last may lie ahead.
    sent: VecDeque<Timestamp>,
}

/// Counts for all mailboxes. Only mailboxes with a connection or a message in
/// the last minute are held.
#[derive(Clone, Debug)]
pub(crate) struct Pace {
    rates: Option<Rates>,
    mailboxes: Arc<Mutex<HashMap<String, Mailbox>>>,
}

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
            mailboxes: Arc::default(),
        }
    }

    pub(crate) fn refusal_delay(&self) -> Duration {
        self.rates
            .map_or(Duration::ZERO, |rates| rates.refusal_delay)
    }

    /// Forgets the messages of the last minute; connections stay counted.
    pub(crate) fn forget_messages(&self) {
        let mailboxes = self.mailboxes.lock();
        let mut mailboxes = mailboxes.unwrap_or_else(PoisonError::into_inner);
        mailboxes.retain(|_, mailbox| {
            mailbox.sent.clear();
            mailbox.connections > 0
        });
    }

    pub(crate) fn connect(&self, address: &Address) -> Connected {
        let key = address.key();
        let mut mailboxes = self
            .mailboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mailbox = mailboxes.entry(key.clone()).or_default();
        mailbox.connections += 1;
        let too_many = self
            .rates
            .is_some_and(|rates| mailbox.connections > rates.connections_max);
        Connected {
            pace: self.clone(),
            key,
            too_many,
        }
    }

    /// Until when the mailbox's next message is delayed, if it would be.
    pub(crate) fn throttled_until(&self, address: &Address, now: Timestamp) -> Option<Timestamp> {
        let rates = self.rates?;
        let mailboxes = self
            .mailboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let sent = &mailboxes.get(&address.key())?.sent;
        let index = sent.len().checked_sub(rates.messages_per_minute)?;
        Some(sent[index].plus(MINUTE)).filter(|until| *until > now)
    }

    /// Takes the next place for a message and says when it is: now, or when
    /// the minute before it has room.
    pub(crate) fn next_message(&self, address: &Address, now: Timestamp) -> Timestamp {
        let Some(rates) = self.rates else { return now };
        let mut mailboxes = self
            .mailboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mailbox = mailboxes.entry(address.key()).or_default();
        while mailbox
            .sent
            .front()
            .is_some_and(|sent| sent.plus(MINUTE) <= now)
        {
            mailbox.sent.pop_front();
        }
        let place = match mailbox.sent.len().checked_sub(rates.messages_per_minute) {
            Some(index) => mailbox.sent[index].plus(MINUTE).max(now),
            None => now,
        };
        mailbox.sent.push_back(place);
        place
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut mailboxes = self
            .pace
            .mailboxes
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(mailbox) = mailboxes.get_mut(&self.key) {
            mailbox.connections = mailbox.connections.saturating_sub(1);
            if mailbox.connections == 0 && mailbox.sent.is_empty() {
                mailboxes.remove(&self.key);
            }
        }
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
