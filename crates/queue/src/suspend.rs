//! Suspension: an application, an account or a route sends nothing, neither
//! what waits nor what comes, until it is resumed. It is one row, whatever the
//! backlog, and holds across restarts. Mail goes on being accepted, and its
//! deadline goes on too.

use std::collections::HashMap;

use mailward_mail::Timestamp;

use crate::acts::{ActName, ActRecord};
use crate::error::QueueError;
use crate::ledger::{acts, lanes, sources, suspensions};
use crate::names::{AccountName, Actor, ApplicationName, RouteName};
use crate::queue::Queue;

/// What an act concerns, beyond one message.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "scope", content = "name", rename_all = "snake_case")]
pub enum Scope {
    Application(ApplicationName),
    Account(AccountName),
    Route(RouteName),
}

impl Scope {
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Application(_) => "application",
            Self::Account(_) => "account",
            Self::Route(_) => "route",
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Application(name) => name.as_str(),
            Self::Account(name) => name.as_str(),
            Self::Route(name) => name.as_str(),
        }
    }

    pub fn parse(kind: &str, name: &str) -> Option<Self> {
        match kind {
            "application" => Some(Self::Application(name.into())),
            "account" => Some(Self::Account(name.into())),
            "route" => Some(Self::Route(name.into())),
            _ => None,
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind(), self.name())
    }
}

/// That something is suspended, since when, by whom and why.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Suspension {
    #[serde(flatten)]
    pub scope: Scope,
    pub since: Timestamp,
    pub by: Actor,
    pub why: String,
}

impl Queue {
    /// Suspends. Durable when it returns; what is on the wire then goes to its
    /// end. False where it was suspended before, which is left as it was.
    pub async fn suspend(&self, scope: Scope, by: &Actor, why: &str) -> Result<bool, QueueError> {
        let one = Suspension {
            scope,
            since: self.now(),
            by: by.clone(),
            why: why.to_owned(),
        };
        self.write_and_wake(move |tx| {
            let added = suspensions::insert(tx, &one)?;
            if added {
                let mut record = ActRecord::new(ActName::Suspend, one.since, &one.by, &one.why);
                record.scope = one.scope.kind().to_owned();
                record.name = one.scope.name().to_owned();
                acts::insert_ended(tx, &record)?;
            }
            Ok(Ok(added))
        })
        .await
    }

    /// Resumes. False where it was not suspended by [`Queue::suspend`].
    pub async fn resume(&self, scope: Scope, by: &Actor, why: &str) -> Result<bool, QueueError> {
        let (now, by, why) = (self.now(), by.clone(), why.to_owned());
        self.write_and_wake(move |tx| {
            let removed = suspensions::remove(tx, &scope)?;
            if removed {
                let mut record = ActRecord::new(ActName::Resume, now, &by, &why);
                record.scope = scope.kind().to_owned();
                record.name = scope.name().to_owned();
                acts::insert_ended(tx, &record)?;
            }
            Ok(Ok(removed))
        })
        .await
    }

    /// Whether mail of it was ever accepted.
    pub async fn has_seen(&self, scope: &Scope) -> Result<bool, QueueError> {
        let scope = scope.clone();
        let seen = self
            .read(move |tx| match &scope {
                Scope::Application(name) => Ok(sources::find(tx, name)?.is_some()),
                Scope::Account(account) => Ok(!lanes::of_account(tx, account)?.is_empty()),
                Scope::Route(route) => {
                    let lanes = lanes::all(tx)?;
                    Ok(lanes.iter().any(|(_, lane)| lane.route == *route))
                }
            })
            .await?;
        Ok(seen)
    }

    /// What people suspended.
    pub async fn suspensions_by_people(&self) -> Result<Vec<Suspension>, QueueError> {
        Ok(self.read(suspensions::rows).await?)
    }

    /// All that is suspended: by people, and by the register.
    pub async fn suspensions(&self) -> Result<Vec<Suspension>, QueueError> {
        let mut all = self.read(suspensions::rows).await?;
        all.extend(self.stopped().values().cloned());
        Ok(all)
    }

    /// Applications whose mail waits at the register's word, instead of those
    /// said before. Held in memory: whoever keeps the register says it at every
    /// start, before anything is sent.
    pub fn set_stopped(&self, stopped: impl IntoIterator<Item = Suspension>) {
        let stopped: HashMap<_, _> = stopped
            .into_iter()
            .filter_map(|one| match &one.scope {
                Scope::Application(name) => Some((name.clone(), one)),
                Scope::Account(_) | Scope::Route(_) => None,
            })
            .collect();
        self.replace_stopped(stopped);
        drop(self.alarm());
    }
}
