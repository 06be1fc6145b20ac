//! Whether somebody is who they say.
//!
//! A refusal takes the same time and the same words for every cause: an
//! unknown name is tried against a decoy that costs what a password costs.
//! What is right and cheap to see (a made password, a sign-in remembered) is
//! seen first, so that neither a limit on refusals nor a queue of guesses
//! keeps out an application that signs in properly.

use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mailward_mail::{Clock, Dice, Secret};
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

use super::refusals::{Refusals, WINDOW, network};
use super::remembered::{Known, Remembered};
use super::{KeyHash, Password, PasswordHash, Register, Registered, username_key};
use crate::config::{KeyKind, Limits};

/// Names longer than this are not watched in full, only so far.
const NAME_WATCHED_OCTETS_MAX: usize = 64;

/// Checks credentials against the register, within limits.
pub struct SignIn {
    register: Arc<Register>,
    clock: Arc<dyn Clock>,
    remembered: Remembered,
    by_address: Mutex<Refusals<IpAddr>>,
    by_name: Mutex<Refusals<String>>,
    checks: Arc<Semaphore>,
    waiting: AtomicUsize,
    waiting_max: usize,
    /// Slow checks made, for tests of "same for every cause".
    #[cfg(test)]
    pub(super) slow_checks: AtomicUsize,
}

/// Who has signed in.
#[derive(Clone, Debug)]
pub struct Principal {
    pub registered: Arc<Registered>,
    pub kind: KeyKind,
}

/// Why nobody has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// For whatever cause.
    Refused,
    /// Refused too often; nothing was checked.
    TooOften { retry_after: Duration },
    /// Too many checks are under way; nothing was checked.
    Busy,
    /// The credential is right and of a kind that may not be used here.
    WrongKind(KeyKind),
}

impl SignIn {
    pub fn new(
        register: Arc<Register>,
        limits: &Limits,
        clock: Arc<dyn Clock>,
        dice: &dyn Dice,
    ) -> Self {
        Self {
            register,
            clock,
            remembered: Remembered::new(limits.sign_ins_remembered_max, dice),
            by_address: Mutex::new(Refusals::new(limits.refusals_per_address_max)),
            by_name: Mutex::new(Refusals::new(limits.refusals_per_name_max)),
            checks: Arc::new(Semaphore::new(limits.password_checks_at_once_max)),
            waiting: AtomicUsize::new(0),
            waiting_max: limits.password_checks_waiting_max,
            #[cfg(test)]
            slow_checks: AtomicUsize::new(0),
        }
    }

    /// By name and password, from `peer`.
    pub async fn password(
        &self,
        peer: IpAddr,
        username: &str,
        password: &Secret,
    ) -> Result<Principal, Denied> {
        let index = self.register.index();
        let name = username_key(username);
        let found = index.passwords.get(&name).cloned();
        let digest = self.remembered.digest(&name, password.expose());
        let quick = match &found {
            Some(Password {
                registered,
                kind,
                hash,
            }) => match &**hash {
                PasswordHash::Fast(hash) => hash.matches(password.expose()).then(|| Known {
                    registered: Arc::clone(registered),
                    kind: *kind,
                }),
                PasswordHash::Slow(_) => self.remembered.find(&digest, index.generation),
            },
            None => None,
        };
        if let Some(known) = quick {
            return admit(known);
        }
        self.may_try(peer, &name)?;
        // What is quick to see has been seen, so a made password is wrong by
        // now: it costs the decoy, as an unknown name does.
        let slow = found.filter(|found| matches!(*found.hash, PasswordHash::Slow(_)));
        let hash = slow
            .as_ref()
            .map_or_else(|| Arc::clone(&index.decoy), |found| Arc::clone(&found.hash));
        let matches = self.check_slowly(hash, password).await?;
        match slow {
            Some(found) if matches => {
                let known = Known {
                    registered: found.registered,
                    kind: found.kind,
                };
                self.remembered
                    .learn(digest, known.clone(), index.generation);
                admit(known)
            }
            _ => {
                self.count_refusal(peer, name);
                Err(Denied::Refused)
            }
        }
    }

    /// By API key, from `peer`. Keys have too much chance in them to be
    /// guessed, so the look-up is all there is to it.
    pub fn api_key(&self, peer: IpAddr, key: &str) -> Result<Principal, Denied> {
        let found = self.register.index().keys.get(&KeyHash::of(key)).cloned();
        if let Some((registered, kind)) = found {
            return admit(Known { registered, kind });
        }
        let now = self.clock.now();
        let peer = network(peer);
        let mut by_address = lock(&self.by_address);
        if let Some(retry_after) = by_address.wait(&peer, now) {
            return Err(Denied::TooOften { retry_after });
        }
        by_address.add(peer, now);
        Err(Denied::Refused)
    }

    /// The register's present entry of somebody who signed in before.
    pub fn current(&self, principal: &Principal) -> Option<Arc<Registered>> {
        self.register.find(&principal.registered.application.name)
    }

    fn may_try(&self, peer: IpAddr, name: &str) -> Result<(), Denied> {
        let now = self.clock.now();
        let by_address = lock(&self.by_address).wait(&network(peer), now);
        let by_name = lock(&self.by_name).wait(&watched(name), now);
        match by_address.max(by_name) {
            Some(retry_after) => Err(Denied::TooOften {
                retry_after: retry_after.min(WINDOW),
            }),
            None => Ok(()),
        }
    }

    fn count_refusal(&self, peer: IpAddr, name: String) {
        let now = self.clock.now();
        lock(&self.by_address).add(network(peer), now);
        lock(&self.by_name).add(watched(&name), now);
    }

    /// One password check on a thread of its own, a few at a time.
    async fn check_slowly(
        &self,
        hash: Arc<PasswordHash>,
        password: &Secret,
    ) -> Result<bool, Denied> {
        let _waiting = Waiting::begin(&self.waiting, self.waiting_max).ok_or(Denied::Busy)?;
        let permit = Arc::clone(&self.checks)
            .acquire_owned()
            .await
            .map_err(|_| Denied::Busy)?;
        #[cfg(test)]
        self.slow_checks.fetch_add(1, Ordering::Relaxed);
        let password = Zeroizing::new(password.expose().to_owned());
        let check = tokio::task::spawn_blocking(move || {
            let _permit = permit;
            hash.matches(&password)
        });
        check.await.map_err(|_| Denied::Busy)
    }
}

impl std::fmt::Debug for SignIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SignIn").finish_non_exhaustive()
    }
}

/// Test credentials reach the twin alone, and team credentials are not
/// offered: better none than one that sends where it should not.
fn admit(known: Known) -> Result<Principal, Denied> {
    let usable = match known.kind {
        KeyKind::Live => true,
        KeyKind::Test => known.registered.route.twin,
        KeyKind::Team => false,
    };
    if usable {
        Ok(Principal {
            registered: known.registered,
            kind: known.kind,
        })
    } else {
        Err(Denied::WrongKind(known.kind))
    }
}

fn watched(name: &str) -> String {
    name[..name.floor_char_boundary(NAME_WATCHED_OCTETS_MAX)].to_owned()
}

/// A place among those who wait for a check, given back when dropped.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn begin(count: &'a AtomicUsize, max: usize) -> Option<Self> {
        if count.fetch_add(1, Ordering::Relaxed) >= max {
            count.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(Self(count))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
