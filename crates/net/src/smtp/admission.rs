//! How many connections at once, in all and from one address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Limits of one listener.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionLimits {
    pub total_max: usize,
    pub per_address_max: usize,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        Self {
            total_max: 4000,
            per_address_max: 400,
        }
    }
}

/// Counts the connections of one listener.
#[derive(Clone, Debug)]
pub(super) struct Admission {
    limits: ConnectionLimits,
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    total: usize,
    per_address: HashMap<IpAddr, usize>,
}

/// A place taken; dropping it gives it back.
#[derive(Debug)]
pub(super) struct Place {
    address: IpAddr,
    counts: Arc<Mutex<Counts>>,
}

impl Admission {
    pub(super) fn new(limits: ConnectionLimits) -> Self {
        Self {
            limits,
            counts: Arc::default(),
        }
    }

    /// A place for one more from `address`, unless a limit is reached.
    pub(super) fn admit(&self, address: IpAddr) -> Option<Place> {
        let mut counts = lock(&self.counts);
        let from_address = counts.per_address.get(&address).copied().unwrap_or(0);
        if counts.total >= self.limits.total_max || from_address >= self.limits.per_address_max {
            return None;
        }
        counts.total += 1;
        counts.per_address.insert(address, from_address + 1);
        drop(counts);
        Some(Place {
            address,
            counts: Arc::clone(&self.counts),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut counts = lock(&self.counts);
        counts.total = counts.total.saturating_sub(1);
        if let Some(count) = counts.per_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.per_address.remove(&self.address);
            }
        }
    }
}

fn lock(counts: &Mutex<Counts>) -> MutexGuard<'_, Counts> {
    counts.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_in_all_and_per_address() {
        let admission = Admission::new(ConnectionLimits {
            total_max: 3,
            per_address_max: 2,
        });
        let (one, other) = (IpAddr::from([192, 0, 2, 1]), IpAddr::from([192, 0, 2, 2]));
        let first = admission.admit(one).expect("the first");
        let _second = admission.admit(one).expect("the second");
        assert!(admission.admit(one).is_none(), "two from one address");
        let _third = admission.admit(other).expect("from another address");
        assert!(admission.admit(other).is_none(), "three in all");
        drop(first);
        assert!(admission.admit(one).is_some());
        assert_eq!(lock(&admission.counts).per_address.len(), 2);
    }
}
