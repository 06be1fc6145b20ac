//! Chance: the system's, and one that repeats itself from a seed.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use mailward_mail::time::Dice;

/// Unguessable bytes from the cryptographic generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDice;

impl Dice for SystemDice {
    fn fill(&self, bytes: &mut [u8]) {
        SystemRandom::new()
            .fill(bytes)
            .expect("the system's random generator answers once it has been seeded at boot");
    }
}

/// The same bytes for the same seed, on every machine: SplitMix64 (Steele, Lea
/// and Flood, 2014). Guessable, so never for secrets that leave a twin or a
/// test.
#[derive(Debug)]
pub struct SeededDice {
    state: Mutex<u64>,
}

impl SeededDice {
    pub const fn new(seed: u64) -> Self {
        Self {
            state: Mutex::new(seed),
        }
    }

    /// What [`SeededDice::new`] takes to go on from here.
    pub fn state(&self) -> u64 {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on from where other dice, or these, once were.
    pub fn set_state(&self, state: u64) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }
}

/// Goes its own way from the same state.
impl Clone for SeededDice {
    fn clone(&self) -> Self {
        Self::new(self.state())
    }
}

impl Dice for SeededDice {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for chunk in bytes.chunks_mut(8) {
            chunk.copy_from_slice(&split_mix(&mut state).to_le_bytes()[..chunk.len()]);
        }
    }
}

fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats() {
        // The first outputs of the published generator for this seed.
        let dice = SeededDice::new(1_234_567);
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
        ];
        for number in expected {
            assert_eq!(dice.next_u64(), number);
        }
        let (mut one, mut other) = ([0; 13], [0; 13]);
        SeededDice::new(7).fill(&mut one);
        SeededDice::new(8).fill(&mut other);
        assert_ne!(one, other);
        SeededDice::new(7).fill(&mut other);
        assert_eq!(one, other);
    }

    #[test]
    fn goes_on_from_a_state() {
        let dice = SeededDice::new(7);
        dice.next_u64();
        let state = dice.state();
        let next = dice.next_u64();
        assert_eq!(SeededDice::new(state).next_u64(), next);
        dice.set_state(state);
        assert_eq!(dice.next_u64(), next);
    }

    #[test]
    fn the_system_never_repeats() {
        let (mut one, mut other) = ([0; 32], [0; 32]);
        SystemDice.fill(&mut one);
        SystemDice.fill(&mut other);
        assert_ne!(one, other);
        assert_ne!(one, [0; 32]);
    }
}
