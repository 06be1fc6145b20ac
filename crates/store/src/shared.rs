//! What every handle, body writer, body reader and thread of a store shares.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::disk::Disk;
use crate::error::{Damage, WriteError};
use crate::figures::Counts;
use crate::folder::Folder;
use crate::fresh::Fresh;
use crate::health::Health;
use crate::options::Limits;
use crate::pins::Pins;
use crate::readers::Readers;
use crate::space::StoreSpace;
use crate::tally::Segments;

/// Damages found while running that are remembered.
const DAMAGES_KEPT_MAX: usize = 100;

/// Bodies are taken again with this part of the floor beyond it.
const ROOM_AGAIN_PART: u64 = 4;

#[derive(Debug)]
pub(crate) struct Shared {
    /// What is live where, as of the last commit.
    pub(crate) segments: Mutex<Segments>,
    pub(crate) folder: Folder,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) limits: Limits,
    pub(crate) readers: Readers,
    pub(crate) counts: Counts,
    /// The segment that grows.
    pub(crate) active: AtomicU64,
    damages: Mutex<Vec<Damage>>,
    pub(crate) pins: Pins,
    closed: AtomicBool,
    pub(crate) fresh: Fresh,
    health: watch::Sender<Health>,
    next_body: AtomicU64,
}

impl Shared {
    pub(crate) fn new(
        folder: Folder,
        disk: Arc<dyn Disk>,
        limits: Limits,
        next_body: u64,
        segments: Segments,
    ) -> Self {
        Self {
            segments: Mutex::new(segments),
            readers: Readers::new(folder.rows(), limits.readers_max),
            folder,
            disk,
            limits,
            counts: Counts::default(),
            active: AtomicU64::new(0),
            damages: Mutex::new(Vec::new()),
            pins: Pins::default(),
            closed: AtomicBool::new(false),
            fresh: Fresh::default(),
            health: watch::Sender::new(Health::Sound),
            next_body: AtomicU64::new(next_body),
        }
    }

    pub(crate) fn segments(&self) -> MutexGuard<'_, Segments> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Nothing of the folder is ours any more.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Something that was acknowledged is not as it was written. Found while
    /// running it is an alarm, and the rest goes on.
    pub(crate) fn report(&self, damage: Damage) {
        let mut damages = self.damages.lock().unwrap_or_else(PoisonError::into_inner);
        let known = damages
            .iter()
            .any(|one| one.file == damage.file && one.offset == damage.offset);
        if known || damages.len() >= DAMAGES_KEPT_MAX {
            return;
        }
        tracing::error!("ALARM: {damage}");
        damages.push(damage);
    }

    pub(crate) fn damages(&self) -> Vec<Damage> {
        let damages = self.damages.lock().unwrap_or_else(PoisonError::into_inner);
        damages.clone()
    }

    /// What there is and what is taken, by a few looks at the file system.
    pub(crate) fn space(&self) -> StoreSpace {
        let octets = |path| std::fs::metadata(path).map_or(0, |facts| facts.len());
        let files = self.disk.list(&self.folder.segments()).unwrap_or_default();
        StoreSpace {
            free_octets: self
                .disk
                .space(self.folder.dir())
                .ok()
                .map(|space| space.free_octets),
            floor_octets: self.limits.free_octets_min,
            refusing: matches!(self.health(), Health::Full { .. }),
            rows_octets: octets(self.folder.rows()),
            log_octets: octets(self.folder.wal()),
            segments: files.len() as u64,
            segment_octets: files.iter().map(|file| file.octets).sum(),
            live_octets: self.segments().values().map(|live| live.octets).sum(),
        }
    }

    /// A number no body has, nor had if it was ever committed.
    pub(crate) fn take_body_number(&self) -> u64 {
        self.next_body.fetch_add(1, Ordering::Relaxed)
    }

    /// Above every number taken so far.
    pub(crate) fn next_body_number(&self) -> u64 {
        self.next_body.load(Ordering::Relaxed)
    }

    pub(crate) fn watch_health(&self) -> watch::Receiver<Health> {
        self.health.subscribe()
    }

    /// The health now. Where it was [`Health::Full`] the disk is asked again:
    /// callers that refuse work while it is full would never find out.
    pub(crate) fn health(&self) -> Health {
        let health = self.health.borrow().clone();
        if matches!(health, Health::Full { .. }) && self.no_room().is_none() {
            self.room_again();
            return Health::Sound;
        }
        health
    }

    /// Why new bodies should not be taken, as far as the disk's own figures
    /// tell. Quotas do not show in them.
    pub(crate) fn no_room(&self) -> Option<String> {
        let dir = self.folder.dir();
        let space = self.disk.space(dir).ok()?;
        if space.read_only {
            return Some(format!("{} is mounted read-only", dir.display()));
        }
        // With the floor turned off a disk still has to have something left.
        let mut floor = self.limits.free_octets_min.max(1);
        if self.is_full() {
            // Not to and fro with every message that ends.
            floor += floor / ROOM_AGAIN_PART;
        }
        (space.free_octets < floor).then(|| {
            format!(
                "{} has {} octets free and needs {floor}",
                dir.display(),
                space.free_octets
            )
        })
    }

    pub(crate) fn is_full(&self) -> bool {
        matches!(*self.health.borrow(), Health::Full { .. })
    }

    pub(crate) fn full(&self, reason: String) -> WriteError {
        self.health.send_if_modified(|health| {
            let news = matches!(health, Health::Sound);
            if news {
                tracing::error!(%reason, "the store has no room; new mail is refused");
                *health = Health::Full {
                    reason: reason.clone(),
                };
            }
            news
        });
        WriteError::Full(reason)
    }

    pub(crate) fn room_again(&self) {
        self.health.send_if_modified(|health| {
            let news = matches!(health, Health::Full { .. });
            if news {
                tracing::info!("the store has room again");
                *health = Health::Sound;
            }
            news
        });
    }

    /// The first reason stays: what follows from it explains nothing.
    pub(crate) fn poison(&self, reason: String) -> WriteError {
        self.health.send_if_modified(|health| {
            let news = !matches!(health, Health::Poisoned { .. });
            if news {
                tracing::error!(%reason, "the store is poisoned; all writes are refused");
                *health = Health::Poisoned {
                    reason: reason.clone(),
                };
            }
            news
        });
        WriteError::Poisoned(reason)
    }

    pub(crate) fn refuse_if_poisoned(&self) -> Result<(), WriteError> {
        match &*self.health.borrow() {
            Health::Poisoned { reason } => Err(WriteError::Poisoned(reason.clone())),
            Health::Sound | Health::Full { .. } => Ok(()),
        }
    }
}
