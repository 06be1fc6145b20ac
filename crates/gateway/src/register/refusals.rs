//! How often somebody has been refused, by address and by name, in bounded
//! memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use mailward_mail::Timestamp;

/// Refusals are counted in windows of this length.
pub(super) const WINDOW: Duration = Duration::from_secs(15 * 60);

/// Names and addresses watched at once. Beyond it the oldest are forgotten:
/// whoever commands that many addresses is slowed by the password checks.
const WATCHED_MAX: usize = 10_000;

/// Counts for one kind of key.
#[derive(Debug)]
pub(super) struct Refusals<K> {
    max: u32,
    counts: HashMap<K, Count>,
}

#[derive(Clone, Copy, Debug)]
struct Count {
    since: Timestamp,
    refusals: u32,
}

impl<K: Eq + Hash + Clone> Refusals<K> {
    pub(super) fn new(max: u32) -> Self {
        Self {
            max,
            counts: HashMap::new(),
        }
    }

    /// How long `key` has still to wait; none when it may try.
    pub(super) fn wait(&self, key: &K, now: Timestamp) -> Option<Duration> {
        let count = self.counts.get(key)?;
        let elapsed = now.since(count.since);
        (count.refusals >= self.max && elapsed < WINDOW).then(|| WINDOW - elapsed)
    }

    pub(super) fn add(&mut self, key: K, now: Timestamp) {
        if self.counts.len() >= WATCHED_MAX && !self.counts.contains_key(&key) {
            self.forget(now);
        }
        let count = self.counts.entry(key).or_insert(Count {
            since: now,
            refusals: 0,
        });
        if now.since(count.since) >= WINDOW {
            *count = Count {
                since: now,
                refusals: 0,
            };
        }
        count.refusals = count.refusals.saturating_add(1);
    }

    fn forget(&mut self, now: Timestamp) {
        self.counts
            .retain(|_, count| now.since(count.since) < WINDOW);
        if self.counts.len() >= WATCHED_MAX {
            let oldest = self.counts.iter().min_by_key(|(_, count)| count.since);
            if let Some(key) = oldest.map(|(key, _)| key.clone()) {
                self.counts.remove(&key);
            }
        }
    }
}

/// What one customer of a provider usually has: an IPv4 address, or a /64.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let prefix = address.to_bits() & (u128::MAX << 64);
            IpAddr::V6(Ipv6Addr::from_bits(prefix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_within_a_window_and_forgives_after_it() {
        let mut refusals = Refusals::new(2);
        let start = Timestamp::from_millis(0);
        refusals.add("one", start);
        assert_eq!(refusals.wait(&"one", start), None);
        refusals.add("one", start.plus(WINDOW / 2));
        assert_eq!(
            refusals.wait(&"one", start.plus(WINDOW / 2)),
            Some(WINDOW / 2)
        );
        assert_eq!(refusals.wait(&"other", start), None);
        assert_eq!(refusals.wait(&"one", start.plus(WINDOW)), None);
        refusals.add("one", start.plus(WINDOW));
        assert_eq!(
            refusals.wait(&"one", start.plus(WINDOW)),
            None,
            "counted anew"
        );
    }

    #[test]
    fn memory_is_bounded() {
        let mut refusals = Refusals::new(1);
        for number in 0..WATCHED_MAX + 50 {
            refusals.add(
                number,
                Timestamp::from_millis(i64::try_from(number).expect("small")),
            );
        }
        assert_eq!(refusals.counts.len(), WATCHED_MAX);
        assert!(
            refusals.wait(&0, Timestamp::from_millis(1)).is_none(),
            "the oldest went"
        );
        assert!(
            refusals
                .wait(&(WATCHED_MAX + 49), Timestamp::from_millis(1))
                .is_some()
        );
    }

    #[test]
    fn an_ipv6_customer_is_one() {
        let network = |text: &str| network(text.parse().expect("an address"));
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
    }
}
