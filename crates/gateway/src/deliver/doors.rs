//! What the lanes share: whose turn it is to sign in, and whose message tries
//! after a pause.
//!
//! One sign-in of a credential is under way at a time, so that a wrong secret
//! costs one attempt however many lanes and connections wait for it; one
//! message tries after a pause, so that a service that comes back is not met
//! by all of them.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mailward_queue::{AccountName, PauseKey, Queue};
use tokio::sync::OwnedMutexGuard;

/// Clones are handles to the same.
#[derive(Clone, Debug)]
pub struct Doors(Arc<Inner>);

/// Held while a credential signs in.
type Turn = Arc<tokio::sync::Mutex<()>>;

#[derive(Debug)]
struct Inner {
    queue: Queue,
    /// One for each account and kind of credential that ever signed in.
    turns: Mutex<HashMap<(AccountName, String), Turn>>,
    tried: Mutex<HashSet<PauseKey>>,
}

impl Doors {
    pub fn new(queue: Queue) -> Self {
        Self(Arc::new(Inner {
            queue,
            turns: Mutex::default(),
            tried: Mutex::default(),
        }))
    }

    /// The turn to sign in, when nobody else of this credential does.
    pub(super) async fn turn(&self, account: &AccountName, name: &str) -> OwnedMutexGuard<()> {
        let turn = {
            let mut turns = lock(&self.0.turns);
            let key = (account.clone(), name.to_owned());
            Arc::clone(turns.entry(key).or_default())
        };
        turn.lock_owned().await
    }

    /// The right to try what is paused; `None` while another lane has it.
    pub(super) fn claim(&self, key: &PauseKey) -> Option<Claim> {
        lock(&self.0.tried).insert(key.clone()).then(|| Claim {
            key: key.clone(),
            doors: self.clone(),
        })
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Given back when it is dropped; the other lanes then look again.
#[derive(Debug)]
pub(super) struct Claim {
    pub(super) key: PauseKey,
    doors: Doors,
}

impl Drop for Claim {
    fn drop(&mut self) {
        lock(&self.doors.0.tried).remove(&self.key);
        self.doors.0.queue.wake();
    }
}
