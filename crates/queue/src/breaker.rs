//! The breaker of a credential: opened at the first refusal to sign in, kept
//! over restarts, closed only by a new version of the credential or a person,
//! because every further try brings the account closer to being locked.

use mailward_mail::{Reply, Timestamp};

use crate::error::QueueError;
use crate::ledger::breakers;
use crate::names::{Actor, Credential};
use crate::queue::Queue;

/// The most breakers [`Queue::open_breakers`] shows.
const BREAKERS_SHOWN_MAX: usize = 1_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BreakerState {
    /// The credential may be used.
    Closed,
    /// It was refused, in these words, and is not to be tried.
    Open { since: Timestamp, reply: String },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BreakerRecord {
    pub credential: Credential,
    pub state: BreakerState,
}

impl Queue {
    /// Records that the service refused the credential. The first refusal is
    /// the one that stays. Durable when it returns.
    pub async fn breaker_open(
        &self,
        credential: &Credential,
        reply: &Reply,
    ) -> Result<(), QueueError> {
        let (credential, reply, now) = (credential.clone(), reply.to_string(), self.now());
        self.write(move |tx| breakers::open(tx, &credential, now, &reply).map(Ok))
            .await
    }

    /// Whether this version of the credential may be used. A version never
    /// refused is closed: a new secret needs nobody's leave.
    pub async fn breaker_state(&self, credential: &Credential) -> Result<BreakerState, QueueError> {
        let credential = credential.clone();
        let found = self.read(move |tx| breakers::get(tx, &credential)).await?;
        Ok(found.map_or(BreakerState::Closed, |record| record.state))
    }

    /// A person says that the credential is good after all (the account was
    /// unlocked, say). False when there was no open breaker.
    pub async fn breaker_close(
        &self,
        credential: &Credential,
        by: &Actor,
    ) -> Result<bool, QueueError> {
        let (credential, by, now) = (credential.clone(), by.clone(), self.now());
        self.write_and_wake(move |tx| breakers::close(tx, &credential, now, &by).map(Ok))
            .await
    }

    /// A new version of the credential is in place: the breakers of all
    /// others close, since nobody will try those again. How many did.
    pub async fn close_older_breakers(&self, current: &Credential) -> Result<u32, QueueError> {
        let account = current.account.clone();
        let open = self.read(move |tx| breakers::open_of(tx, &account)).await?;
        if open.is_empty() {
            return Ok(0);
        }
        let (current, now) = (current.clone(), self.now());
        let by = Actor::new("new credential");
        self.write_and_wake(move |tx| {
            let mut closed = 0;
            for record in breakers::open_of(tx, &current.account)? {
                let other = &record.credential;
                if other.name == current.name && other.version != current.version {
                    breakers::close(tx, other, now, &by)?;
                    closed += 1;
                }
            }
            Ok(Ok(closed))
        })
        .await
    }

    /// Every open breaker, oldest first.
    pub async fn open_breakers(&self) -> Result<Vec<BreakerRecord>, QueueError> {
        Ok(self
            .read(|tx| breakers::all_open(tx, BREAKERS_SHOWN_MAX))
            .await?)
    }
}
