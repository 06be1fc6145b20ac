//! Events that follow on each other, shared by the logs that have them in
//! common, and forgotten by all of them at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Event;
use crate::common::{Common, Piece};

/// Events that images of the log share until the next one is written.
pub(super) const CHUNK: usize = 100;

/// All events of all worlds.
pub(crate) type CommonEvents = Arc<Common<Chunk>>;

/// Up to [`CHUNK`] events.
#[derive(Debug)]
pub(crate) struct Chunk {
    written: Mutex<Written>,
    common: CommonEvents,
}

#[derive(Debug, Default)]
struct Written {
    events: Arc<Vec<Event>>,
    /// All worlds together had too many: it is empty for good.
    is_forgotten: bool,
}

impl Chunk {
    pub(super) fn begin(events: Arc<Vec<Event>>, common: &CommonEvents) -> Arc<Self> {
        common.take(events.len());
        let chunk = Arc::new(Self {
            written: Mutex::new(Written {
                events,
                is_forgotten: false,
            }),
            common: Arc::clone(common),
        });
        common.enter(&chunk);
        common.make_room();
        chunk
    }

    pub(super) fn events(&self) -> Arc<Vec<Event>> {
        Arc::clone(&self.lock().events)
    }

    pub(super) fn has_room(&self) -> bool {
        let written = self.lock();
        !written.is_forgotten && written.events.len() < CHUNK
    }

    /// Gives the event back if all was forgotten meanwhile.
    pub(super) fn push(&self, event: Event) -> Option<Event> {
        let mut written = self.lock();
        if written.is_forgotten {
            return Some(event);
        }
        self.common.take(1);
        Arc::make_mut(&mut written.events).push(event);
        drop(written);
        self.common.make_room();
        None
    }

    fn lock(&self) -> MutexGuard<'_, Written> {
        self.written.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Piece for Chunk {
    fn forget(&self) -> bool {
        let mut written = self.lock();
        written.is_forgotten = true;
        let events = std::mem::take(&mut written.events);
        drop(written);
        self.common.give_back(events.len());
        false
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        self.forget();
    }
}
