//! Pauses: mail that waits though nothing is wrong with it. An account's day
//! is used up, a route takes no password any more, a service is away.
//!
//! ```text
//!   refused ─▶ paused until T ─▶ one message tries ─┬─ got through: the pause ends
//!                  ▲                                │
//!                  └── longer, one try more ────────┘
//!   a person resumes it: T is now
//! ```
//!
//! A pause is kept over restarts and shown with its reason. Whoever delivers
//! asks for it before an attempt and lets one message try when it is over.

use std::collections::HashMap;
use std::time::Duration;

use mailward_mail::Timestamp;

use crate::error::QueueError;
use crate::ledger::{breakers, pauses, resumptions, shares};
use crate::names::{AccountName, Actor, Credential, Lane, RouteName};
use crate::queue::Queue;

/// What a pause holds: a lane, every account of a route, or every route of an
/// account whose recipients the service counts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct PauseKey {
    pub route: Option<RouteName>,
    pub account: Option<AccountName>,
}

impl PauseKey {
    pub fn route(route: &RouteName) -> Self {
        Self {
            route: Some(route.clone()),
            account: None,
        }
    }

    pub fn account(account: &AccountName) -> Self {
        Self {
            route: None,
            account: Some(account.clone()),
        }
    }

    pub fn lane(lane: &Lane) -> Self {
        Self {
            route: Some(lane.route.clone()),
            account: Some(lane.account.clone()),
        }
    }
}

impl std::fmt::Display for PauseKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.route, &self.account) {
            (Some(route), Some(account)) => write!(f, "{account} on {route}"),
            (Some(route), None) => write!(f, "route {route}"),
            (None, Some(account)) => write!(f, "{account}"),
            (None, None) => f.write_str("everything"),
        }
    }
}

/// Why mail waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PauseCause {
    /// The account has sent to as many recipients as it may in 24 hours.
    Day,
    /// The service refuses the account for something that is its holder's.
    Account,
    /// The service refuses everybody on the route.
    Route,
    /// The service is away, or too busy to take anything.
    Down,
}

impl PauseCause {
    pub const ALL: [Self; 4] = [Self::Day, Self::Account, Self::Route, Self::Down];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Account => "account",
            Self::Route => "route",
            Self::Down => "down",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == text)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Pause {
    pub key: PauseKey,
    pub cause: PauseCause,
    pub since: Timestamp,
    /// From then on one message may try.
    pub until: Timestamp,
    /// Tries that failed, the first one counted.
    pub tries: u32,
    /// What the service said.
    pub reply: String,
}

/// The pauses in memory, as they are in the ledger.
pub(crate) type Pauses = HashMap<PauseKey, Pause>;

/// What [`Queue::resume_account`] and [`Queue::resume_route`] found to end.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Resumed {
    /// Breakers that were open.
    pub breakers: u32,
    /// Pauses that now let one message try.
    pub pauses: u32,
}

impl Queue {
    /// Pauses what `key` names. `wait` gives how long for a try's number,
    /// counted from 1. One that is paused until later stays as it is: what was
    /// under way when it began tells nothing new. Durable when it returns.
    pub async fn pause(
        &self,
        key: PauseKey,
        cause: PauseCause,
        reply: &str,
        wait: impl Fn(u32) -> Duration + Send + 'static,
    ) -> Result<Pause, QueueError> {
        self.load_pauses().await?;
        let (moment, reply) = (self.moment(), reply.to_owned());
        let pause = self
            .write_and_wake(move |tx| {
                let now = moment.by_ledger(tx)?;
                let known = pauses::get(tx, &key)?;
                if let Some(known) = &known
                    && known.until > now
                    && known.cause == cause
                {
                    return Ok(Ok(known.clone()));
                }
                let tries = known
                    .as_ref()
                    .map_or(0, |known| known.tries)
                    .saturating_add(1);
                let since = known.map_or(now, |known| known.since);
                let pause = Pause {
                    until: now.plus(wait(tries)),
                    key,
                    cause,
                    since,
                    tries,
                    reply,
                };
                pauses::put(tx, &pause)?;
                Ok(Ok(pause))
            })
            .await?;
        self.known_pauses()
            .get_or_insert_default()
            .insert(pause.key.clone(), pause.clone());
        Ok(pause)
    }

    /// A message got through: what was paused is not any more.
    pub async fn end_pause(&self, key: &PauseKey) -> Result<(), QueueError> {
        let gone = key.clone();
        self.write_and_wake(move |tx| pauses::remove(tx, &gone).map(Ok))
            .await?;
        if let Some(known) = self.known_pauses().as_mut() {
            known.remove(key);
        }
        Ok(())
    }

    /// The pauses that hold a lane, those that are over included. From memory
    /// but for the first time.
    pub async fn pauses_of(&self, lane: &Lane) -> Result<Vec<Pause>, QueueError> {
        self.load_pauses().await?;
        let guard = self.known_pauses();
        let Some(known) = guard.as_ref().filter(|known| !known.is_empty()) else {
            return Ok(Vec::new());
        };
        let mut keys = vec![PauseKey::route(&lane.route), PauseKey::lane(lane)];
        if !self.gates().routes_without_day.contains(&lane.route) {
            keys.push(PauseKey::account(&lane.account));
        }
        Ok(keys
            .iter()
            .filter_map(|key| known.get(key).cloned())
            .collect())
    }

    /// Every pause, the oldest first.
    pub async fn pauses(&self) -> Result<Vec<Pause>, QueueError> {
        Ok(self.read(pauses::all).await?)
    }

    /// When there is room again in the account's 24 hours, as far as what was
    /// sent from here tells; `None` when nothing was.
    pub async fn day_has_room_at(
        &self,
        account: &AccountName,
    ) -> Result<Option<Timestamp>, QueueError> {
        let (account, now) = (account.clone(), self.now());
        Ok(self
            .read(move |tx| shares::first_leaves_at(tx, &account, now))
            .await?)
    }

    /// A person says that the account is good after all: its breakers close,
    /// its pauses let one message try at once. Noted with who and why.
    pub async fn resume_account(
        &self,
        account: &AccountName,
        by: &Actor,
        why: &str,
    ) -> Result<Resumed, QueueError> {
        let (account, whose) = (account.clone(), account.clone());
        let concerned = move |key: &PauseKey| key.account.as_ref() == Some(&whose);
        self.resume_matching(by, why, concerned, Some(account))
            .await
    }

    /// The same of a route and of every account's pause on it. Breakers stay:
    /// they are the credentials'.
    pub async fn resume_route(
        &self,
        route: &RouteName,
        by: &Actor,
        why: &str,
    ) -> Result<Resumed, QueueError> {
        let route = route.clone();
        self.resume_matching(by, why, move |key| key.route.as_ref() == Some(&route), None)
            .await
    }

    async fn resume_matching(
        &self,
        by: &Actor,
        why: &str,
        concerned: impl Fn(&PauseKey) -> bool + Send + 'static,
        account: Option<AccountName>,
    ) -> Result<Resumed, QueueError> {
        let (by, why, now) = (by.clone(), why.to_owned(), self.now());
        let (resumed, changed) = self
            .write_and_wake(move |tx| {
                let mut resumed = Resumed::default();
                if let Some(account) = &account {
                    for record in breakers::open_of(tx, account)? {
                        // A client that was refused for it may be asked again.
                        let secret = &record.credential.version;
                        for client in breakers::open_of_client(tx, secret)? {
                            breakers::close(tx, &client.credential, now, &by)?;
                        }
                        let Credential { name, version, .. } = &record.credential;
                        let what = format!("breaker of {account}, {name} {version}");
                        breakers::close(tx, &record.credential, now, &by)?;
                        resumptions::insert(tx, now, &what, &by, &why)?;
                        resumed.breakers += 1;
                    }
                }
                let mut changed = Vec::new();
                for mut pause in pauses::all(tx)? {
                    if !concerned(&pause.key) {
                        continue;
                    }
                    let what = format!("pause of {} ({})", pause.key, pause.cause.as_str());
                    pause.until = pause.until.min(now);
                    pauses::put(tx, &pause)?;
                    resumptions::insert(tx, now, &what, &by, &why)?;
                    resumed.pauses += 1;
                    changed.push(pause);
                }
                Ok(Ok((resumed, changed)))
            })
            .await?;
        if let Some(known) = self.known_pauses().as_mut() {
            for pause in changed {
                known.insert(pause.key.clone(), pause);
            }
        }
        self.wake();
        Ok(resumed)
    }

    /// Who resumed what and why, the latest first.
    pub async fn resumptions(&self, limit: usize) -> Result<Vec<Resumption>, QueueError> {
        Ok(self.read(move |tx| resumptions::latest(tx, limit)).await?)
    }

    async fn load_pauses(&self) -> Result<(), QueueError> {
        if self.known_pauses().is_some() {
            return Ok(());
        }
        let read = self.pauses().await?;
        let mut guard = self.known_pauses();
        if guard.is_none() {
            let known = read.into_iter().map(|pause| (pause.key.clone(), pause));
            *guard = Some(known.collect());
        }
        Ok(())
    }
}

/// One act of a person.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Resumption {
    pub at: Timestamp,
    pub what: String,
    pub by: Actor,
    pub why: String,
}
