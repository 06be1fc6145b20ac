//! The writer thread: gathers groups, has them committed, answers, tidies up.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::config::DbConfig;

use crate::background::Background;
use crate::backlog::Waiting;
use crate::commit::Failure;
use crate::counts::Counts;
use crate::error::WriteError;
use crate::folder::Lock;
use crate::group::Job;
use crate::keeper::{Keeper, checkpoint};
use crate::new_body::Content;
use crate::rows::{self, Place, Placed};
use crate::segment::ActiveSegment;
use crate::shared::Shared;
use crate::tally::{Changes, Live};
use crate::vacuum;

/// The log's length is asked for after so many groups.
const GROUPS_BETWEEN_LOOKS: u32 = 8;

/// A log this long is shortened while there is no room.
const LOG_PAGES_WHEN_FULL: u64 = 256;

/// As the connection is opened with.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// Pages given back at a time.
const PAGES_GIVEN_BACK: i64 = 512;

/// Owns the connection that writes, the active segment and the lock.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) connection: Connection,
    pub(crate) segment: ActiveSegment,
    /// What the group under way changes in the segments' counts.
    pub(crate) changes: Changes,
    pub(crate) keeper: Keeper,
    pub(crate) background: Background,
    pub(crate) lock: Lock,
    /// Bodies released by the group under way.
    pub(crate) released: Vec<Placed>,
    /// What the group under way adds to counters.
    pub(crate) counts: Counts,
    /// Segments that the group left without any live body.
    emptied: Vec<u64>,
    groups_since_look: u32,
    /// Body numbers below this are spoken for in the rows.
    pub(crate) reserved_body: u64,
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        connection: Connection,
        segment: ActiveSegment,
        keeper: Keeper,
        background: Background,
        lock: Lock,
    ) -> Self {
        Self {
            shared,
            connection,
            segment,
            changes: Changes::default(),
            keeper,
            background,
            lock,
            released: Vec::new(),
            counts: Counts::default(),
            emptied: Vec::new(),
            groups_since_look: 0,
            reserved_body: 0,
        }
    }

    /// Works until the store is closed or its last handle is dropped.
    pub(crate) fn run(mut self, mut backlog: Waiting) {
        let alarm = Alarm(Arc::clone(&self.shared));
        let mut group = Vec::new();
        loop {
            let more = backlog.gather(&self.shared.limits, &mut group);
            if !group.is_empty() {
                self.commit(&mut group, &mut backlog);
                self.keep_house();
            }
            if !more {
                break;
            }
        }
        // Whoever still waits for an answer gets none.
        drop(backlog);
        self.finish();
        drop(alarm);
    }

    fn commit(&mut self, group: &mut Vec<Job>, backlog: &mut Waiting) {
        let fate = match self.store(group, backlog) {
            Ok(begun) => {
                self.shared.counts.end(&begun, group.len());
                self.segment.keep();
                self.keep_stored(group);
                self.count();
                if self.shared.is_full() && self.shared.no_room().is_none() {
                    self.shared.room_again();
                }
                Ok(())
            }
            Err(Failure::Undo(error)) => Err(self.undo(error)),
            Err(Failure::Leave(error)) => {
                self.released.clear();
                self.changes.clear();
                keep_files(group);
                Err(error)
            }
        };
        let full = matches!(fate, Err(WriteError::Full(_)));
        for job in group.drain(..) {
            job.answer(fate.clone());
        }
        if full {
            // Once it is copied the log begins anew in the room it has, so
            // that rows at least can go on.
            checkpoint(&self.connection, &self.shared);
        }
    }

    /// Files of stored bodies stay, and small bodies stay in memory for a
    /// while; released ones leave it.
    fn keep_stored(&mut self, group: &mut [Job]) {
        let stored = group.iter_mut().filter(|job| job.refused.is_none());
        for body in stored.flat_map(|job| &mut job.bodies) {
            match &mut body.content {
                Content::File(file) => file.keep(),
                Content::Record(record) => {
                    self.shared.fresh.keep(&body.body, std::mem::take(record));
                }
                Content::Moved { .. } => {}
            }
        }
        for placed in &self.released {
            self.shared.fresh.forget(placed.body.number());
        }
    }

    /// What is live now. Segments without anything go; the active one goes
    /// when it is sealed.
    fn count(&mut self) {
        let active = self.segment.number();
        let mut segments = self.shared.segments();
        let lost = self.changes.apply(&mut segments);
        let mut sparse = false;
        for segment in lost {
            sparse |= segments.get(&segment).is_some_and(Live::is_sparse);
            if segments.get(&segment).is_some_and(|live| live.bodies == 0) && segment != active {
                segments.remove(&segment);
                self.emptied.push(segment);
            }
        }
        if sparse {
            self.background.nudge();
        }
    }

    /// After the answers: give back space, move rows out of the log.
    fn keep_house(&mut self) {
        for placed in std::mem::take(&mut self.released) {
            if placed.place == Place::OwnFile {
                self.keeper.remove(placed.path(&self.shared.folder));
            }
        }
        for segment in std::mem::take(&mut self.emptied) {
            self.keeper.remove(self.shared.folder.segment(segment));
        }
        if self.shared.is_full() {
            self.make_room();
        }
        if self.keeper.takes_rest() {
            self.finish_checkpoint();
        }
        self.groups_since_look += 1;
        if self.groups_since_look >= GROUPS_BETWEEN_LOOKS {
            self.groups_since_look = 0;
            if log_pages(&self.connection) >= self.shared.limits.log_pages_max {
                self.keeper.checkpoint();
            }
        }
    }

    /// There is no room: the log's own is given back, and what is left in the
    /// active segment is moved out of it if that is worth it.
    fn make_room(&mut self) {
        let active = self.segment.number();
        let is_sparse = |live: &Live| live.is_sparse();
        let sparse = self.shared.segments().get(&active).is_none_or(is_sparse);
        if sparse && self.segment.octets() > 0 {
            // If that fails there is no room even for a name: next time.
            let _ = self.seal();
        }
        if log_pages(&self.connection) >= LOG_PAGES_WHEN_FULL {
            // Not worth waiting for a reader.
            let truncated = self.connection.busy_timeout(Duration::ZERO).and_then(|()| {
                self.connection
                    .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            });
            let restored = self.connection.busy_timeout(BUSY_TIMEOUT);
            if let Err(error) = truncated.and(restored) {
                tracing::debug!(%error, "the log could not be shortened");
            }
        }
    }

    /// The keeper has copied nearly all of the log. Between two groups nothing
    /// is added to it, so the rest can be copied and the log begin anew.
    fn finish_checkpoint(&mut self) {
        checkpoint(&self.connection, &self.shared);
        if let Err(error) = vacuum::give_back(&self.connection, PAGES_GIVEN_BACK) {
            tracing::warn!(%error, "cannot give back free pages of the database");
        }
    }

    fn finish(mut self) {
        self.shared.close();
        self.background.stop();
        self.keeper.stop();
        self.shared.readers.close();
        self.shared.fresh.clear();
        if self.shared.refuse_if_poisoned().is_err() {
            // The log stays as it is, for the next start to judge.
            let _ = self
                .connection
                .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true);
        }
        // Closing the last connection copies the log and removes it.
        if let Err((_, error)) = self.connection.close() {
            tracing::warn!(%error, "closing the database failed");
        }
        drop(self.lock);
    }
}

/// Poisons the store if the writer ends by a panic of its own.
struct Alarm(Arc<Shared>);

impl Drop for Alarm {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.poison("the writer stopped unexpectedly".to_owned());
        }
    }
}

fn keep_files(group: &mut [Job]) {
    for body in group.iter_mut().flat_map(|job| &mut job.bodies) {
        if let Content::File(file) = &mut body.content {
            file.keep();
        }
    }
}

/// How many pages the log has; none if that cannot be told.
fn log_pages(connection: &Connection) -> u64 {
    connection
        .prepare_cached("PRAGMA wal_checkpoint(NOOP)")
        .and_then(|mut statement| statement.query_row([], |row| row.get(1)))
        .map_or(0, rows::unsigned)
}
