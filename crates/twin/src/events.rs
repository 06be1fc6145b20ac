//! The event log: why the service did what it did. Clients never see it; the
//! console and the control API do.

mod chunk;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use mailward_mail::{Clock, Timestamp};
use serde::Serialize;
use tokio::sync::{Semaphore, watch};

use crate::behaviour::Behaviour;
use crate::common::Common;
use crate::own::Own;
use crate::sessions;
use crate::trace::{self, MessageNumber};

use chunk::CHUNK;
pub(crate) use chunk::{Chunk, CommonEvents};

/// The oldest events are forgotten beyond this many, a [`CHUNK`] at a time.
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
    /// The message it is about; all events of one message have the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<MessageNumber>,
    /// Its Message-ID as its sender wrote it, where it was accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
}

/// What makes an event.
struct News<'a> {
    protocol: &'static str,
    kind: &'static str,
    account: Option<&'a str>,
    why: String,
    clause: Option<&'static str>,
    behaviour: Option<&'static Behaviour>,
    message_id: Option<&'a str>,
}

/// The log at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ring {
    chunks: VecDeque<Arc<Chunk>>,
    last: u64,
    /// By protocol and kind, those included that have left the ring.
    counts: BTreeMap<(&'static str, &'static str), u64>,
}

/// A bounded log that many sessions write to.
#[derive(Clone, Debug)]
pub struct EventLog {
    ring: Own<Ring>,
    /// The bound of all worlds.
    common: CommonEvents,
    /// Counts how often it was put back to what it was.
    turns: Arc<AtomicU64>,
    /// The sequence of the latest.
    news: Arc<watch::Sender<u64>>,
    /// Places for those who read it as it grows.
    readers: Arc<Semaphore>,
    clock: Arc<dyn Clock>,
}

/// Kinds of events in which a behaviour acts on what is in order.
const IN_ORDER: [&str; 4] = ["answered", "banner", "encrypted", "warned"];

impl Event {
    /// The service refused something, or did to it what its sender would not
    /// have wished.
    pub fn is_refusal(&self) -> bool {
        let acted = self.behaviour.is_some() && !IN_ORDER.contains(&self.kind);
        acted || self.kind == "refused"
    }
}

impl EventLog {
    /// The log of a twin with one world.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self::within(clock, Common::new(EVENTS_MAX))
    }

    /// The log of a world among others.
    pub(crate) fn within(clock: Arc<dyn Clock>, common: CommonEvents) -> Self {
        Self {
            ring: Own::default(),
            common,
            turns: Arc::default(),
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
        self.push(News {
            protocol,
            kind,
            account,
            why: why.into(),
            clause,
            behaviour: None,
            message_id: None,
        });
    }

    /// A message was taken: from here on its Message-ID, if it has one, leads
    /// to all that becomes of it.
    pub(crate) fn accept(
        &self,
        protocol: &'static str,
        kind: &'static str,
        account: Option<&str>,
        why: impl Into<String>,
        message_id: &str,
    ) {
        self.push(News {
            protocol,
            kind,
            account,
            why: why.into(),
            clause: None,
            behaviour: None,
            message_id: Some(message_id).filter(|id| !id.is_empty()),
        });
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
        self.push(News {
            protocol,
            kind,
            account,
            why: why.into(),
            clause: None,
            behaviour: Some(behaviour),
            message_id: None,
        });
    }

    fn push(&self, news: News<'_>) {
        let News {
            protocol,
            kind,
            account,
            why,
            clause,
            behaviour,
            message_id,
        } = news;
        let clauses: Vec<String> = behaviour
            .iter()
            .flat_map(|one| one.clauses)
            .map(ToString::to_string)
            .collect();
        let at = self.clock.now();
        let mut ring = self.ring.write();
        ring.last += 1;
        *ring.counts.entry((protocol, kind)).or_default() += 1;
        let sequence = ring.last;
        let account = account.map(str::to_owned);
        let event = Event {
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
            session: sessions::current().map(|line| line.recording().name().to_string()),
            message: trace::current(),
            message_id: message_id.map(str::to_owned),
        };
        ring.push(event, &self.common);
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

    pub(crate) fn image(&self) -> Arc<Ring> {
        self.ring.image()
    }

    /// Goes on from what another log, or this one, was: the next event follows
    /// on its last.
    pub(crate) fn adopt(&self, image: &Arc<Ring>) {
        self.ring.adopt(image);
        self.turns.fetch_add(1, Ordering::AcqRel);
        self.news.send_replace(image.last);
    }

    /// Another number after each time that the log was put back; who reads it
    /// as it grows may have seen what has not happened any more.
    pub(crate) fn turn(&self) -> u64 {
        self.turns.load(Ordering::Acquire)
    }

    /// How many there were of each protocol and kind since the start.
    pub fn counts(&self) -> BTreeMap<(&'static str, &'static str), u64> {
        self.ring.read().counts.clone()
    }

    /// Up to `limit` of the events before `cursor` that `is_wanted`, newest
    /// first; without a cursor, of all.
    pub fn newest(
        &self,
        cursor: Option<u64>,
        limit: usize,
        is_wanted: impl Fn(&Event) -> bool,
    ) -> Vec<Event> {
        let ring = self.ring.image();
        let before = cursor.unwrap_or(u64::MAX);
        let mut found = Vec::new();
        for chunk in ring.chunks.iter().rev() {
            let events = chunk.events();
            let older = events.iter().rev().filter(|one| one.sequence < before);
            let wanted = older.filter(|event| is_wanted(event));
            found.extend(wanted.take(limit - found.len()).cloned());
            if found.len() == limit {
                break;
            }
        }
        found
    }

    /// The sequence of the latest event; 0 when there is none.
    pub(crate) fn latest(&self) -> u64 {
        self.ring.read().last
    }

    /// Shows every event that is kept, oldest first.
    pub(crate) fn each(&self, mut see: impl FnMut(&Event)) {
        for chunk in &self.ring.image().chunks {
            chunk.events().iter().for_each(&mut see);
        }
    }

    /// The messages that a number, or a Message-ID with its angle brackets or
    /// without, stands for: whoever sends one again has two.
    pub fn messages(&self, named: &str) -> Vec<MessageNumber> {
        let named = named.trim();
        if let Ok(number) = named.parse() {
            return MessageNumber::new(number).into_iter().collect();
        }
        let bare = |id: &str| {
            let id = id.trim();
            let inner = id.strip_prefix('<').and_then(|id| id.strip_suffix('>'));
            inner.unwrap_or(id).to_owned()
        };
        let named = bare(named);
        let mut messages = Vec::new();
        self.each(|event| {
            if event
                .message_id
                .as_deref()
                .is_some_and(|id| bare(id) == named)
            {
                messages.extend(event.message);
            }
        });
        messages
    }

    /// Up to `limit` events after `cursor` that are about one of these
    /// messages, oldest first.
    pub fn about(&self, messages: &[MessageNumber], cursor: u64, limit: usize) -> Vec<Event> {
        self.after_of(cursor, limit, |event| {
            event.message.is_some_and(|one| messages.contains(&one))
        })
    }

    /// Up to `limit` events after `cursor`, oldest first.
    pub fn after(&self, cursor: u64, limit: usize) -> Vec<Event> {
        self.after_of(cursor, limit, |_| true)
    }

    fn after_of(
        &self,
        cursor: u64,
        limit: usize,
        is_wanted: impl Fn(&Event) -> bool,
    ) -> Vec<Event> {
        let ring = self.ring.image();
        let is_seen = |event: &Event| event.sequence <= cursor;
        let start = ring
            .chunks
            .partition_point(|chunk| chunk.events().last().is_none_or(is_seen));
        let mut found = Vec::new();
        for chunk in ring.chunks.range(start..) {
            let events = chunk.events();
            let news = events.iter().filter(|event| !is_seen(event));
            let wanted = news.filter(|event| is_wanted(event));
            found.extend(wanted.take(limit - found.len()).cloned());
            if found.len() == limit {
                break;
            }
        }
        found
    }
}

impl Ring {
    fn push(&mut self, event: Event, common: &CommonEvents) {
        let last = self.chunks.back_mut().filter(|chunk| chunk.has_room());
        let unwritten = match last {
            Some(chunk) => {
                if Arc::strong_count(chunk) > 1 {
                    // An image has it, too.
                    *chunk = Chunk::begin(chunk.events(), common);
                }
                chunk.push(event)
            }
            None => Some(event),
        };
        if let Some(event) = unwritten {
            self.chunks
                .push_back(Chunk::begin(Arc::new(vec![event]), common));
            if self.chunks.len() > EVENTS_MAX / CHUNK {
                self.chunks.pop_front();
            }
        }
    }
}
