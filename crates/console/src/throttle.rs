//! How often sign-in may fail, by address and by user name.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mailward_mail::{Clock, Timestamp};

pub(crate) const WINDOW: Duration = Duration::from_secs(15 * 60);
/// Below the limit for a name, so that one address alone cannot shut a person
/// out.
pub(crate) const FAILURES_BY_ADDRESS_MAX: u32 = 20;
pub(crate) const FAILURES_BY_USER_MAX: u32 = 50;
/// At the limit the entry whose window began first makes room.
pub(crate) const ENTRIES_MAX: usize = 4096;

#[derive(Debug)]
pub(crate) struct Throttle {
    clock: Arc<dyn Clock>,
    entries: Mutex<HashMap<Key, Entry>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    /// `None` for requests whose origin was not told.
    Address(Option<IpAddr>),
    User(String),
}

#[derive(Debug)]
struct Entry {
    began: Timestamp,
    failures: u32,
}

impl Throttle {
    pub(crate) fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            clock,
            entries: Mutex::default(),
        }
    }

    /// Counts an attempt as failed, before its password is tried, so that many
    /// at once count like many in a row; [`Throttle::succeeded`] takes it back.
    ///
    /// Errs with how long to wait.
    pub(crate) fn attempt(&self, address: Option<IpAddr>, user: &str) -> Result<(), Duration> {
        let now = self.clock.now();
        let mut entries = self.lock();
        let limited = keys(address, user)
            .into_iter()
            .filter_map(|key| {
                let entry = entries.get(&key).filter(|entry| !entry.is_over(now))?;
                (entry.failures >= key.failures_max()).then(|| entry.left(now))
            })
            .max();
        if let Some(wait) = limited {
            return Err(wait);
        }
        for key in keys(address, user) {
            make_room(&mut entries, &key, now);
            let entry = entries.entry(key).or_insert(Entry {
                began: now,
                failures: 0,
            });
            if entry.is_over(now) {
                *entry = Entry {
                    began: now,
                    failures: 0,
                };
            }
            entry.failures += 1;
        }
        Ok(())
    }

    /// The attempt's password was right: the name starts afresh, the address
    /// loses this one failure and keeps those for other names.
    pub(crate) fn succeeded(&self, address: Option<IpAddr>, user: &str) {
        let mut entries = self.lock();
        let [address, user] = keys(address, user);
        entries.remove(&user);
        if let Some(entry) = entries.get_mut(&address) {
            entry.failures = entry.failures.saturating_sub(1);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        // Counts stay counts whatever panicked elsewhere.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Key {
    fn failures_max(&self) -> u32 {
        match self {
            Self::Address(_) => FAILURES_BY_ADDRESS_MAX,
            Self::User(_) => FAILURES_BY_USER_MAX,
        }
    }
}

impl Entry {
    fn is_over(&self, now: Timestamp) -> bool {
        now.since(self.began) >= WINDOW
    }

    fn left(&self, now: Timestamp) -> Duration {
        WINDOW.saturating_sub(now.since(self.began))
    }
}

fn keys(address: Option<IpAddr>, user: &str) -> [Key; 2] {
    [
        Key::Address(address.map(network)),
        Key::User(user.to_owned()),
    ]
}

/// One person commonly holds a whole IPv6 /64, so that counts as one address.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let network = u128::from(address) & !u128::from(u64::MAX);
            IpAddr::V6(Ipv6Addr::from(network))
        }
    }
}

fn make_room(entries: &mut HashMap<Key, Entry>, wanted: &Key, now: Timestamp) {
    if entries.len() < ENTRIES_MAX || entries.contains_key(wanted) {
        return;
    }
    entries.retain(|_, entry| !entry.is_over(now));
    if entries.len() >= ENTRIES_MAX {
        let oldest = entries
            .iter()
            .min_by_key(|(_, entry)| entry.began)
            .map(|(key, _)| key.clone());
        if let Some(oldest) = oldest {
            entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_time::FixedClock;

    fn throttle() -> (Throttle, Arc<FixedClock>) {
        let clock = Arc::new(FixedClock::default());
        (Throttle::new(clock.clone()), clock)
    }

    fn address(last: u8) -> Option<IpAddr> {
        Some(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn an_address_waits_until_its_window_ends() {
        let (throttle, clock) = throttle();
        for attempt in 0..FAILURES_BY_ADDRESS_MAX {
            let user = format!("user{attempt}");
            assert_eq!(throttle.attempt(address(1), &user), Ok(()));
        }
        clock.advance(Duration::from_secs(60));
        let left = WINDOW - Duration::from_secs(60);
        assert_eq!(throttle.attempt(address(1), "ada"), Err(left));
        assert_eq!(
            throttle.attempt(address(2), "ada"),
            Ok(()),
            "another address"
        );
        clock.advance(left);
        assert_eq!(throttle.attempt(address(1), "ada"), Ok(()));
    }

    #[test]
    fn a_name_is_limited_over_all_addresses() {
        let (throttle, _) = throttle();
        for attempt in 0..FAILURES_BY_USER_MAX {
            let from = address(u8::try_from(attempt).expect("small"));
            assert_eq!(throttle.attempt(from, "ada"), Ok(()));
        }
        assert_eq!(throttle.attempt(address(200), "ada"), Err(WINDOW));
        assert_eq!(throttle.attempt(address(200), "grace"), Ok(()));
    }

    #[test]
    fn success_is_no_failure() {
        let (throttle, _) = throttle();
        for _ in 0..3 * FAILURES_BY_USER_MAX {
            assert_eq!(throttle.attempt(address(1), "ada"), Ok(()));
            throttle.succeeded(address(1), "ada");
        }
    }

    #[test]
    fn a_whole_network_counts_as_one() {
        let (throttle, _) = throttle();
        for host in 0..FAILURES_BY_ADDRESS_MAX {
            let from = format!("2001:db8::{host:x}").parse().ok();
            assert_eq!(throttle.attempt(from, &host.to_string()), Ok(()));
        }
        assert!(
            throttle
                .attempt("2001:db8::ffff".parse().ok(), "ada")
                .is_err()
        );
        assert!(
            throttle
                .attempt("2001:db8:0:1::1".parse().ok(), "ada")
                .is_ok()
        );
    }

    #[test]
    fn memory_is_bounded() {
        let (throttle, _) = throttle();
        for number in 0..2 * u32::try_from(ENTRIES_MAX).expect("small") {
            let from = Some(IpAddr::from(number.to_be_bytes()));
            throttle
                .attempt(from, &number.to_string())
                .expect("each a first attempt");
        }
        assert_eq!(throttle.lock().len(), ENTRIES_MAX);
    }
}
