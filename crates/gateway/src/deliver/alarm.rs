//! Alarms: what a person must see to. Logged, shown on the console, and told
//! to the owners of the applications it concerns by their callback.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mailward_mail::{Clock, Timestamp};
use mailward_net::Tasks;
use mailward_queue::ApplicationName;
use serde_json::json;

use crate::outcome::callback::{self, Callbacks};

/// Different alarms held at once; beyond that the oldest make room.
const ALARMS_MAX: usize = 100;

/// Tries to tell an owner, and how long between them.
const CALLBACK_TRIES_MAX: u32 = 6;
const CALLBACK_PAUSE: Duration = Duration::from_secs(60);

/// One thing that needs a person.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Alarm {
    /// `authentication_refused`, `store_full`, `lane_without_route` ...
    pub kind: &'static str,
    /// In a sentence.
    pub text: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route: Option<String>,
    pub since: Timestamp,
}

impl Alarm {
    pub fn new(kind: &'static str, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
            account: None,
            route: None,
            since: Timestamp::from_millis(0),
        }
    }

    #[must_use]
    pub fn account(mut self, account: &str) -> Self {
        self.account = Some(account.to_owned());
        self
    }

    #[must_use]
    pub fn route(mut self, route: &str) -> Self {
        self.route = Some(route.to_owned());
        self
    }

    fn key(&self) -> (String, String) {
        let about = self.account.as_ref().or(self.route.as_ref());
        (self.kind.to_owned(), about.cloned().unwrap_or_default())
    }
}

/// All standing alarms. Clones are handles to the same list.
#[derive(Clone, Debug)]
pub struct Alarms(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    standing: Mutex<BTreeMap<(String, String), Alarm>>,
    /// How many of each kind were raised since the start.
    raised: Mutex<BTreeMap<&'static str, u64>>,
    callbacks: Callbacks,
    /// Which applications send as an account.
    owners: BTreeMap<String, Vec<ApplicationName>>,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
}

impl Alarms {
    /// `owners` maps an account's address, lower case, to its applications.
    pub fn new(
        callbacks: Callbacks,
        owners: BTreeMap<String, Vec<ApplicationName>>,
        clock: Arc<dyn Clock>,
        tasks: Tasks,
    ) -> Self {
        Self(Arc::new(Inner {
            standing: Mutex::default(),
            raised: Mutex::default(),
            callbacks,
            owners,
            clock,
            tasks,
        }))
    }

    /// Raises an alarm that is told even if an earlier one of its kind stands:
    /// the trouble has grown.
    pub fn renew(&self, alarm: Alarm) {
        self.lock().remove(&alarm.key());
        self.raise(alarm);
    }

    /// Shows an alarm that was told before, perhaps by an earlier process, as
    /// it is now. Tells nobody.
    pub fn keep(&self, mut alarm: Alarm) {
        let mut standing = self.lock();
        let known = standing.get(&alarm.key());
        if known.is_none() && standing.len() >= ALARMS_MAX {
            return;
        }
        alarm.since = known.map_or_else(|| self.0.clock.now(), |known| known.since);
        standing.insert(alarm.key(), alarm);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), Alarm>> {
        self.0
            .standing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Raises an alarm; the same one again is not told again.
    pub fn raise(&self, mut alarm: Alarm) {
        alarm.since = self.0.clock.now();
        {
            let mut standing = self
                .0
                .standing
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            if standing.contains_key(&alarm.key()) {
                return;
            }
            if standing.len() >= ALARMS_MAX {
                let oldest = standing
                    .iter()
                    .min_by_key(|(_, one)| one.since)
                    .map(|(key, _)| key.clone());
                if let Some(oldest) = oldest {
                    standing.remove(&oldest);
                }
            }
            standing.insert(alarm.key(), alarm.clone());
        }
        self.count(alarm.kind);
        tracing::error!(
            alarm = alarm.kind,
            account = alarm.account,
            "{}",
            alarm.text
        );
        self.tell_owners(&alarm);
    }

    fn count(&self, kind: &'static str) {
        let mut raised = self.0.raised.lock().unwrap_or_else(PoisonError::into_inner);
        *raised.entry(kind).or_default() += 1;
    }

    /// How many alarms of each kind were raised since the start.
    pub fn raised(&self) -> BTreeMap<&'static str, u64> {
        let raised = self.0.raised.lock().unwrap_or_else(PoisonError::into_inner);
        raised.clone()
    }

    /// The trouble has gone.
    /// `about` is its account or its route; empty where it has neither.
    pub fn clear(&self, kind: &str, about: &str) {
        let mut standing = self
            .0
            .standing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if standing
            .remove(&(kind.to_owned(), about.to_owned()))
            .is_some()
        {
            tracing::info!(alarm = kind, about, "the alarm is over");
        }
    }

    /// Every standing alarm, oldest first.
    pub fn standing(&self) -> Vec<Alarm> {
        let standing = self
            .0
            .standing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut alarms: Vec<Alarm> = standing.values().cloned().collect();
        alarms.sort_by_key(|alarm| alarm.since);
        alarms
    }

    fn tell_owners(&self, alarm: &Alarm) {
        let owners = alarm
            .account
            .as_ref()
            .and_then(|account| self.0.owners.get(account));
        for application in owners.into_iter().flatten() {
            if let Some(target) = self.0.callbacks.target(application).cloned() {
                let event = json!({
                    "type": format!("account.{}", alarm.kind),
                    "timestamp": alarm.since,
                    "data": { "application": application, "account": alarm.account, "reason": alarm.text },
                });
                let id = format!("alarm_{}_{}", alarm.kind, alarm.since.as_millis());
                let (clock, shutdown) =
                    (Arc::clone(&self.0.clock), self.0.tasks.shutdown().clone());
                self.0.tasks.spawn("alarm callback", async move {
                    for _ in 0..CALLBACK_TRIES_MAX {
                        match callback::post(&target, &id, clock.now(), &event).await {
                            Ok(_) => return,
                            Err(error) => tracing::warn!(error, "an owner could not be told"),
                        }
                        tokio::select! {
                            () = shutdown.begun() => return,
                            () = clock.wait(CALLBACK_PAUSE) => {}
                        }
                    }
                });
            }
        }
    }
}
