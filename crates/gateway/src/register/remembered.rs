//! Sign-ins known to be good, so that a connection for each message does not
//! cost a password check each.
//!
//! What is kept is a keyed digest of name and password, under a key that lives
//! as long as the process: it is of no use to anybody who reads our memory
//! after the fact, and tells nothing without it. Two halves take turns, so
//! that memory is bounded and what is in use stays.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::hmac;
use mailward_mail::Dice;

use super::Registered;
use crate::config::KeyKind;

pub(super) type Digest = [u8; 32];

pub(super) struct Remembered {
    key: hmac::Key,
    half_max: usize,
    halves: Mutex<Halves>,
}

#[derive(Default)]
struct Halves {
    /// Of the register's state that both halves were learnt from.
    generation: u64,
    young: HashMap<Digest, Known>,
    old: HashMap<Digest, Known>,
}

#[derive(Clone)]
pub(super) struct Known {
    pub(super) registered: Arc<Registered>,
    pub(super) kind: KeyKind,
}

impl Remembered {
    pub(super) fn new(entries_max: usize, dice: &dyn Dice) -> Self {
        let mut key = [0; 32];
        dice.fill(&mut key);
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            half_max: (entries_max / 2).max(1),
            halves: Mutex::default(),
        }
    }

    pub(super) fn digest(&self, username: &str, password: &str) -> Digest {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&(username.len() as u64).to_le_bytes());
        context.update(username.as_bytes());
        context.update(password.as_bytes());
        let mut digest = [0; 32];
        digest.copy_from_slice(context.sign().as_ref());
        digest
    }

    pub(super) fn find(&self, digest: &Digest, generation: u64) -> Option<Known> {
        let mut halves = self.lock();
        if halves.generation != generation {
            return None;
        }
        if let Some(known) = halves.young.get(digest) {
            return Some(known.clone());
        }
        let known = halves.old.remove(digest)?;
        self.insert(&mut halves, *digest, known.clone());
        Some(known)
    }

    pub(super) fn learn(&self, digest: Digest, known: Known, generation: u64) {
        let mut halves = self.lock();
        if generation > halves.generation {
            *halves = Halves {
                generation,
                ..Halves::default()
            };
        }
        if generation == halves.generation {
            self.insert(&mut halves, digest, known);
        }
    }

    fn insert(&self, halves: &mut Halves, digest: Digest, known: Known) {
        if halves.young.len() >= self.half_max {
            halves.old = std::mem::take(&mut halves.young);
        }
        halves.young.insert(digest, known);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Halves> {
        self.halves.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        let halves = self.lock();
        halves.young.len() + halves.old.len()
    }
}
