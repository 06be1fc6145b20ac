//! The event log: why the service did what it did. Clients never see it; the
//! console and the control API do.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use mailward_mail::{Clock, Timestamp};
use serde::Serialize;
use tokio::sync::{Semaphore, watch};

use crate::behaviour::Behaviour;
use crate::sessions;

/// The oldest events are forgotten beyond this many.
const EVENTS_MAX: usize = 10_000;

/// Who may read the log as it grows, at once.
pub(crate) const READERS_MAX: usize = 64;

/// One thing that happened, with the clause it rests on where there is one.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// Counts from 1; a cursor.
    pub sequence: u64,
    pub at: Timestamp,
    /// `submission`, `high_sending`, `relay`, `imap`, `pop`, `oauth`, `control`.
    pub protocol: &'static str,
    /// `signed_in`, `refused`, `accepted`, `delivered`, `not_delivered`, ...
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The reason in a sentence.
    pub why: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    /// The [behaviour](crate::behaviour) that acted, by its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub behaviour: Option<&'static str>,
    /// The clauses that it witnesses.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub clauses: Vec<String>,
    /// The session in which it happened; its transcript has the same name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Event>,
    last: u64,
    /// By protocol and kind, those included that have left the ring.
    counts: BTreeMap<(&'static str, &'static str), u64>,
}

/// A bounded log that many sessions write to.
#[derive(Clone, Debug)]
pub struct EventLog {
    ring: Arc<Mutex<Ring>>,
    /// The sequence of the latest.
    news: Arc<watch::Sender<u64>>,
    /// Places for those who read it as it grows.
    readers: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

impl EventLog {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            ring: Arc::default(),
            news: Arc::new(watch::Sender::new(0)),
            readers: Arc::new(Semaphore::new(READERS_MAX)),
            clock,
        }
    }

    pub(crate) fn add(
        &self,
        protocol: &'static str,
        kind: &'static str,
        account: Option<&str>,
        why: impl Into<String>,
        clause: Option<&'static str>,
    ) {
        self.push(protocol, kind, account, why.into(), clause, None);
    }

    /// An offence, with the behaviour that answers it.
    pub(crate) fn punish(
        &self,
        protocol: &'static str,
        kind: &'static str,
        account: Option<&str>,
        why: impl Into<String>,
        behaviour: &'static Behaviour,
    ) {
        self.push(protocol, kind, account, why.into(), None, Some(behaviour));
    }

    fn push(
        &self,
        protocol: &'static str,
        kind: &'static str,
        account: Option<&str>,
        why: String,
        clause: Option<&'static str>,
        behaviour: Option<&'static Behaviour>,
    ) {
        let clauses: Vec<String> = behaviour
            .iter()
            .flat_map(|one| one.clauses)
            .map(ToString::to_string)
            .collect();
        let at = self.clock.now();
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.last += 1;
        *ring.counts.entry((protocol, kind)).or_default() += 1;
        let sequence = ring.last;
        let account = account.map(str::to_owned);
        ring.events.push_back(Event {
            sequence,
            at,
            protocol,
            kind,
            account,
            why,
            clause: clause
                .map(str::to_owned)
                .or_else(|| clauses.first().cloned()),
            behaviour: behaviour.map(|one| one.id),
            clauses,
            session: sessions::current().map(|name| name.to_string()),
        });
        if ring.events.len() > EVENTS_MAX {
            ring.events.pop_front();
        }
        drop(ring);
        self.news
            .send_modify(|latest| *latest = sequence.max(*latest));
    }

    pub(crate) fn readers(&self) -> Arc<Semaphore> {
        Arc::clone(&self.readers)
    }

    /// Changes with every event; holds the sequence of the latest.
    pub(crate) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Forgets everything: the next event is the first again.
    pub(crate) fn begin_anew(&self) {
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        *ring = Ring::default();
    }

    /// How many there were of each protocol and kind since the start.
    pub fn counts(&self) -> BTreeMap<(&'static str, &'static str), u64> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.counts.clone()
    }

    /// Up to `limit` of the events before `cursor` that `is_wanted`, newest
    /// first; without a cursor, of all.
    pub fn newest(
        &self,
        cursor: Option<u64>,
        limit: usize,
        is_wanted: impl Fn(&Event) -> bool,
    ) -> Vec<Event> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let end = cursor.map_or(ring.events.len(), |cursor| {
            ring.events.partition_point(|event| event.sequence < cursor)
        });
        let before = ring.events.range(..end).rev();
        before
            .filter(|event| is_wanted(event))
            .take(limit)
            .cloned()
            .collect()
    }

    /// Up to `limit` events after `cursor`, oldest first.
    pub fn after(&self, cursor: u64, limit: usize) -> Vec<Event> {
        let ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        let start = ring
            .events
            .partition_point(|event| event.sequence <= cursor);
        ring.events.range(start..).take(limit).cloned().collect()
    }
}
