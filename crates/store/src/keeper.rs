//! The keeper thread: chores that must not hold up commits. It removes files
//! whose bodies were released and copies the write-ahead log to the database.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::shared::Shared;

/// Chores that may wait; a removal beyond that is done by whoever asks.
const CHORES_MAX: usize = 1024;

/// Rounds of one checkpoint; each leaves what was written meanwhile.
const ROUNDS_MAX: usize = 4;

/// So few pages the writer may copy itself without a noticeable pause.
const REST_PAGES_MAX: i64 = 256;

enum Chore {
    Remove(PathBuf),
    Checkpoint,
}

#[derive(Debug)]
pub(crate) struct Keeper {
    shared: Arc<Shared>,
    chores: Option<SyncSender<Chore>>,
    /// Set when all but little of the log has been copied.
    rest: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(crate) fn start(shared: Arc<Shared>) -> io::Result<Self> {
        let (chores, waiting) = sync_channel(CHORES_MAX);
        let rest = Arc::new(AtomicBool::new(false));
        let work = {
            let (shared, rest) = (Arc::clone(&shared), Arc::clone(&rest));
            move || work(&shared, &waiting, &rest)
        };
        let thread = std::thread::Builder::new()
            .name("store-keeper".to_owned())
            .spawn(work)?;
        Ok(Self {
            shared,
            chores: Some(chores),
            rest,
            thread: Some(thread),
        })
    }

    /// Removes a file that no row names any more.
    pub(crate) fn remove(&self, path: PathBuf) {
        if let Err(Chore::Remove(path)) = self.send(Chore::Remove(path)) {
            remove(&self.shared, &path);
        }
    }

    /// Asks for a checkpoint. If there is no room to ask, one is under way.
    pub(crate) fn checkpoint(&self) {
        let _ = self.send(Chore::Checkpoint);
    }

    /// True once after each checkpoint: the writer should copy the rest.
    pub(crate) fn takes_rest(&self) -> bool {
        self.rest.swap(false, Ordering::Relaxed)
    }

    /// Does what waits and ends.
    pub(crate) fn stop(&mut self) {
        self.chores = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's keeper ended by a panic");
        }
    }

    fn send(&self, chore: Chore) -> Result<(), Chore> {
        let Some(chores) = &self.chores else {
            return Err(chore);
        };
        chores.try_send(chore).map_err(|refused| match refused {
            TrySendError::Full(chore) | TrySendError::Disconnected(chore) => chore,
        })
    }
}

fn work(shared: &Shared, waiting: &Receiver<Chore>, rest: &AtomicBool) {
    let mut connection = None;
    while let Ok(chore) = waiting.recv() {
        match chore {
            Chore::Remove(path) => remove(shared, &path),
            Chore::Checkpoint => {
                if let Some(connection) = connected(&mut connection, shared) {
                    copy_most(connection, shared);
                    rest.store(true, Ordering::Relaxed);
                }
            }
        }
    }
}

fn connected<'a>(kept: &'a mut Option<Connection>, shared: &Shared) -> Option<&'a Connection> {
    if kept.is_none() {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match Connection::open_with_flags(shared.folder.rows(), flags) {
            Ok(connection) => *kept = Some(connection),
            Err(error) => tracing::warn!(%error, "cannot open the database for a checkpoint"),
        }
    }
    kept.as_ref()
}

fn copy_most(connection: &Connection, shared: &Shared) {
    for _ in 0..ROUNDS_MAX {
        match checkpoint(connection, shared) {
            Some(rest) if rest > REST_PAGES_MAX => {}
            _ => return,
        }
    }
}

/// Copies what it can from the log to the database and says how many pages
/// are left. Commits go on meanwhile.
pub(crate) fn checkpoint(connection: &Connection, shared: &Shared) -> Option<i64> {
    let progress = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| {
        Ok((row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    });
    match progress {
        Ok((logged, copied)) => Some(logged - copied),
        Err(error) => {
            match error.sqlite_error_code() {
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {}
                // The log still has everything; later there may be room.
                Some(code) if code == ErrorCode::DiskFull || shared.no_room().is_some() => {
                    tracing::warn!(%error, "no room to copy the log to the database");
                }
                _ => {
                    shared.poison(format!("checkpoint failed: {error}"));
                }
            }
            None
        }
    }
}

fn remove(shared: &Shared, path: &Path) {
    if shared.pins.hold_back(path) {
        return;
    }
    if let Err(error) = shared.disk.remove(path) {
        // The next start removes what no row names.
        tracing::warn!(path = %path.display(), %error, "cannot remove a released body");
    }
}
