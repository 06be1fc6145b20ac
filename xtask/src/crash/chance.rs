//! Chance from a seed: the same choices in every run with that seed.
//!
//! What the choices meet is another matter. When a kill falls, which message
//! is under way is up to the machine; a seed repeats the pressure, not the
//! moment.

use std::time::Duration;

/// `SplitMix64`, by Steele, Lea and Flood: one addition and two multiplications.
#[derive(Clone, Debug)]
pub(super) struct Chance(u64);

impl Chance {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Another stream of the same seed, for somebody who chooses beside us.
    pub(super) fn branch(seed: u64, who: u64) -> Self {
        let mut chance = Self(seed ^ who.wrapping_mul(0xd6e8_feb8_6659_fd93));
        chance.next();
        chance
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// 0 to `bound` - 1.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    /// True so many times in a thousand.
    pub(super) fn per_mille(&mut self, times: u64) -> bool {
        self.below(1000) < times
    }

    pub(super) fn millis(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below(to.saturating_sub(from) + 1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_branches_differ() {
        let draw = |mut chance: Chance| [chance.next(), chance.next(), chance.next()];
        assert_eq!(draw(Chance::new(7)), draw(Chance::new(7)));
        assert_ne!(draw(Chance::branch(7, 1)), draw(Chance::branch(7, 2)));
        let mut chance = Chance::new(1);
        let hits = (0..10_000).filter(|_| chance.per_mille(20)).count();
        assert!(
            (100..300).contains(&hits),
            "{hits} of 10,000 at 20 in 1,000"
        );
    }
}
