//! What was filed of late, over all mailboxes: for who watches a whole service
//! without looking into each mailbox.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use mailward_mail::Timestamp;
use tokio::sync::watch;

use crate::item::Uid;
use crate::message::Summary;
use crate::name::FolderName;

/// The oldest are forgotten beyond this many.
pub const ARRIVALS_MAX: usize = 1 << 20;

/// One message that was filed, in one folder or in many at once.
#[derive(Clone, Debug)]
pub struct Arrival {
    /// Counts from 1; a cursor.
    pub sequence: u64,
    pub at: Timestamp,
    pub octets: u64,
    pub summary: Summary,
    /// Where it went; it may have gone on since, or be gone.
    pub places: Vec<Place>,
}

/// One item, as it was filed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    pub owner: String,
    pub folder: FolderName,
    pub uid: Uid,
}

/// The arrivals since the start. Clones are the same log.
#[derive(Clone)]
pub struct Arrivals {
    log: Arc<Mutex<Log>>,
    last: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Log {
    entries: VecDeque<Arc<Arrival>>,
    /// The last that was there when the mailboxes were put back.
    forgotten: u64,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self {
            log: Arc::default(),
            last: watch::Sender::new(0),
        }
    }
}

impl Arrivals {
    pub(crate) fn add(&self, at: Timestamp, octets: u64, summary: Summary, places: Vec<Place>) {
        if places.is_empty() {
            return;
        }
        // Numbers rise in the order of the log.
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let sequence = *self.last.borrow() + 1;
        if log.entries.len() == ARRIVALS_MAX {
            log.entries.pop_front();
        }
        log.entries.push_back(Arc::new(Arrival {
            sequence,
            at,
            octets,
            summary,
            places,
        }));
        self.last.send_replace(sequence);
    }

    /// Up to `limit` of those after `cursor`, oldest first, as far as they are
    /// remembered.
    pub fn after(&self, cursor: u64, limit: usize) -> Vec<Arc<Arrival>> {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        let start = log
            .entries
            .partition_point(|arrival| arrival.sequence <= cursor);
        log.entries.range(start..).take(limit).cloned().collect()
    }

    /// The mailboxes were put back: what had come is there no more, or is
    /// another by the same UID.
    pub(crate) fn forget(&self) {
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.entries.clear();
        log.forgotten = *self.last.borrow();
    }

    /// Those up to this number are forgotten, since the mailboxes were put
    /// back.
    pub fn forgotten(&self) -> u64 {
        let log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        log.forgotten
    }

    /// The number of the last one; changes as soon as another has come.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.last.subscribe()
    }
}

impl fmt::Debug for Arrivals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Arrivals")
            .field("last", &*self.last.borrow())
            .finish_non_exhaustive()
    }
}
