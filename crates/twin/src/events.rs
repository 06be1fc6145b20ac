//! The event log: why the service did what it did. Clients never see it; the
//! console and the control API do.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use mailward_mail::{Clock, Timestamp};
use serde::Serialize;

/// The oldest events are forgotten beyond this many.
const EVENTS_MAX: usize = 10_000;

/// One thing that happened, with the clause it rests on where there is one.
#[derive(Clone, Debug, Serialize)]
pub struct Event {
    /// Counts from 1; a cursor.
    pub sequence: u64,
    pub at: Timestamp,
    /// `submission`, `imap`, `oauth`, `control`.
    pub protocol: &'static str,
    /// `signed_in`, `refused`, `accepted`, `delivered`, `not_delivered`, ...
    pub kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// The reason in a sentence.
    pub why: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<&'static str>,
}

#[derive(Debug, Default)]
struct Ring {
    events: VecDeque<Event>,
    last: u64,
}

/// A bounded log that many sessions write to.
#[derive(Clone, Debug)]
pub struct EventLog {
    ring: Arc<Mutex<Ring>>,
    clock: Arc<dyn Clock>,
}

impl EventLog {
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self {
            ring: Arc::default(),
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
        let at = self.clock.now();
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        ring.last += 1;
        let sequence = ring.last;
        let account = account.map(str::to_owned);
        ring.events.push_back(Event {
            sequence,
            at,
            protocol,
            kind,
            account,
            why: why.into(),
            clause,
        });
        if ring.events.len() > EVENTS_MAX {
            ring.events.pop_front();
        }
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
