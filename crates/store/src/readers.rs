//! Connections that only read, each lent to one query at a time, on the
//! runtime's blocking threads.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ReadError;
use crate::schema::keep_plans;

/// Statements a connection keeps prepared.
pub(crate) const STATEMENTS_KEPT: usize = 256;

#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    pub(crate) fn new(path: PathBuf, readers_max: usize) -> Self {
        Self {
            path,
            idle: Mutex::new(Vec::new()),
            permits: Arc::new(Semaphore::new(readers_max.max(1))),
        }
    }

    /// The right to use one connection; waits while all are in use.
    pub(crate) async fn permit(&self) -> Result<OwnedSemaphorePermit, ReadError> {
        let permits = Arc::clone(&self.permits);
        permits.acquire_owned().await.map_err(|_| ReadError::Closed)
    }

    /// Runs `query` on a connection, within one consistent view. Blocks, so
    /// call it where blocking is allowed.
    pub(crate) fn run<T>(
        &self,
        _permit: &OwnedSemaphorePermit,
        query: impl FnOnce(&Connection) -> Result<T, ReadError>,
    ) -> Result<T, ReadError> {
        let connection = match self.idle().pop() {
            Some(connection) => connection,
            None => open_reader(&self.path).map_err(|error| self.failed(&error))?,
        };
        let begin = |sql| -> rusqlite::Result<()> {
            connection.prepare_cached(sql)?.raw_execute().map(|_| ())
        };
        begin("BEGIN").map_err(|error| self.failed(&error))?;
        let result = query(&connection);
        // A connection whose view does not end is of no more use.
        if begin("COMMIT").is_ok() && !self.permits.is_closed() {
            self.idle().push(connection);
        }
        result
    }

    /// Refuses what comes from now on and closes what is idle.
    pub(crate) fn close(&self) {
        self.permits.close();
        self.idle().clear();
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        // A list of connections is whole whatever a holder of it did.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failed(&self, error: &rusqlite::Error) -> ReadError {
        ReadError::Disk(format!("cannot read {}: {error}", self.path.display()))
    }
}

pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    keep_plans(&connection)?;
    connection.execute_batch(
        "PRAGMA busy_timeout = 10000;
         PRAGMA wal_autocheckpoint = 0;
         PRAGMA cache_size = -2048;
         PRAGMA temp_store = MEMORY;
         PRAGMA query_only = ON;",
    )?;
    Ok(connection)
}
