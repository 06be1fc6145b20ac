//! How the writer fares: counted by it, read by whoever asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Since the store was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Commits {
    pub groups: u64,
    /// Changes in them: those of one group share a sync.
    pub changes: u64,
    /// Time spent on committing, syncs included.
    pub took: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct Counts {
    groups: AtomicU64,
    changes: AtomicU64,
    micros: AtomicU64,
}

/// A group on its way to the disk.
pub(crate) struct Begun(Instant);

impl Counts {
    #[allow(
        clippy::disallowed_methods,
        reason = "measures how long the disk takes, for a figure; nothing is decided by it"
    )]
    pub(crate) fn begin(&self) -> Begun {
        Begun(Instant::now())
    }

    /// The group is committed.
    pub(crate) fn end(&self, begun: &Begun, changes: usize) {
        let micros = u64::try_from(begun.0.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.groups.fetch_add(1, Ordering::Relaxed);
        self.changes.fetch_add(changes as u64, Ordering::Relaxed);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Commits {
        Commits {
            groups: self.groups.load(Ordering::Relaxed),
            changes: self.changes.load(Ordering::Relaxed),
            took: Duration::from_micros(self.micros.load(Ordering::Relaxed)),
        }
    }
}
