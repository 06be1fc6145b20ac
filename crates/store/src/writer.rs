//! The writer thread: group commit, and what happens when it fails.
//!
//! ```text
//!            ┌ append ─ changes ─┬─ fdatasync ─┬─ COMMIT ─┬─ answer "stored"
//! group ─────┤                   │             │          │
//!            └ no room ──────────┴─ undo: rows rolled back, segment cut back, answer "full"
//!                                              │          │
//!                         failed sync ─────────┴──────────┴─ poisoned: no write is ever accepted again
//! ```

use std::collections::HashMap;
use std::io::{self, IoSlice};
use std::sync::Arc;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, ffi};
use tokio::sync::mpsc::Receiver;

use crate::error::{TxError, WriteError, is_full};
use crate::folder::Lock;
use crate::group::{Job, Message};
use crate::keeper::{Keeper, checkpoint};
use crate::new_body::Content;
use crate::rows::{self, Place, Placed};
use crate::schema;
use crate::segment::ActiveSegment;
use crate::shared::Shared;
use crate::tx::Tx;

/// Free pages the database may hold before some are given back.
const FREE_PAGES_MAX: i64 = 4096;

/// The log's length is asked for after so many groups.
const GROUPS_BETWEEN_LOOKS: u32 = 8;

/// Pages given back at a time.
const PAGES_GIVEN_BACK: usize = 512;

/// Owns the connection that writes, the active segment and the lock.
#[derive(Debug)]
pub(crate) struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) connection: Connection,
    pub(crate) segment: ActiveSegment,
    /// How many live bodies each segment has; none where there are none.
    pub(crate) live: HashMap<u64, u64>,
    pub(crate) keeper: Keeper,
    pub(crate) lock: Lock,
    /// Bodies released by the group under way.
    released: Vec<Placed>,
    groups_since_look: u32,
}

/// How a group failed.
enum Failure {
    /// Nothing of it can have reached the disk as committed: undo all of it.
    Undo(WriteError),
    /// It may or may not be committed: leave everything for the next start.
    Leave(WriteError),
}

impl Writer {
    pub(crate) fn new(
        shared: Arc<Shared>,
        connection: Connection,
        segment: ActiveSegment,
        live: HashMap<u64, u64>,
        keeper: Keeper,
        lock: Lock,
    ) -> Self {
        Self {
            shared,
            connection,
            segment,
            live,
            keeper,
            lock,
            released: Vec::new(),
            groups_since_look: 0,
        }
    }

    /// Works until the store is closed or its last handle is dropped.
    pub(crate) fn run(mut self, mut backlog: Receiver<Message>) {
        let alarm = Alarm(Arc::clone(&self.shared));
        let mut group = Vec::new();
        loop {
            let more = self.gather(&mut backlog, &mut group);
            if !group.is_empty() {
                self.commit(&mut group);
                self.keep_house();
            }
            if !more {
                break;
            }
        }
        self.finish();
        drop(alarm);
    }

    /// Waits for a first job and takes whatever else waits by then. False
    /// once nothing more will come.
    fn gather(&self, backlog: &mut Receiver<Message>, group: &mut Vec<Job>) -> bool {
        let limits = &self.shared.limits;
        let mut octets = 0;
        let mut next = backlog.blocking_recv();
        while let Some(message) = next {
            match message {
                Message::Job(job) => {
                    octets += job.octets();
                    group.push(job);
                }
                Message::Close => break,
            }
            if group.len() >= limits.group_changes_max || octets >= limits.group_octets_max {
                return true;
            }
            match backlog.try_recv() {
                Ok(message) => next = Some(message),
                Err(_) => return true,
            }
        }
        backlog.close();
        false
    }

    fn commit(&mut self, group: &mut Vec<Job>) {
        let fate = match self.store(group) {
            Ok(()) => {
                self.segment.keep();
                self.count_in(group);
                if self.shared.is_full() && self.shared.no_room().is_none() {
                    self.shared.room_again();
                }
                Ok(())
            }
            Err(Failure::Undo(error)) => Err(self.undo(error)),
            Err(Failure::Leave(error)) => {
                self.released.clear();
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

    /// The group's way to the disk. Each `?` leaves it undone.
    fn store(&mut self, group: &mut [Job]) -> Result<(), Failure> {
        self.released.clear();
        self.shared.refuse_if_poisoned().map_err(Failure::Undo)?;
        self.refuse_below_floor(group);
        let place = self.append(group)?;
        self.statement("BEGIN IMMEDIATE")?;
        self.run_changes(group, place)?;
        if let Err(error) = self.segment.sync() {
            let path = self.shared.folder.segment(self.segment.number());
            let reason = format!("syncing {} failed: {error}", path.display());
            return Err(Failure::Undo(self.shared.poison(reason)));
        }
        match execute(&self.connection, "COMMIT") {
            Ok(()) => Ok(()),
            Err(error) => Err(self.commit_failed(&error)),
        }
    }

    /// Bodies are refused while the disk is below its floor; changes without
    /// bodies still go through, for which the floor leaves the room.
    fn refuse_below_floor(&self, group: &mut [Job]) {
        if self.shared.limits.free_octets_min == 0 || group.iter().all(|job| job.bodies.is_empty())
        {
            return;
        }
        if let Some(reason) = self.shared.no_room() {
            for job in group.iter_mut().filter(|job| !job.bodies.is_empty()) {
                job.refused = Some(self.shared.full(reason.clone()));
            }
        }
    }

    /// Writes all small bodies in one go; says where the first one begins.
    fn append(&mut self, group: &[Job]) -> Result<u64, Failure> {
        let mut slices = Vec::with_capacity(group.len());
        let mut octets = 0;
        for job in group.iter().filter(|job| job.refused.is_none()) {
            for body in &job.bodies {
                if let Content::Record(record) = &body.content {
                    octets += record.len() as u64;
                    slices.push(IoSlice::new(record));
                }
            }
        }
        if slices.is_empty() {
            return Ok(0);
        }
        if self.segment.octets() >= self.shared.limits.segment_octets_max {
            self.seal()?;
        }
        let position = self.segment.octets();
        match self.segment.append(&mut slices, octets) {
            Ok(()) => Ok(position),
            Err(error) => Err(self.disk_failed("append to", self.segment.number(), &error)),
        }
    }

    /// Goes on in a new segment. The old one is durable already.
    fn seal(&mut self) -> Result<(), Failure> {
        let sealed = self.segment.number();
        let number = sealed + 1;
        match ActiveSegment::create(&*self.shared.disk, &self.shared.folder, number) {
            Ok(segment) => self.segment = segment,
            Err(error) => {
                // It must not be in the way of the next attempt.
                let _ = self.shared.disk.remove(&self.shared.folder.segment(number));
                return Err(self.disk_failed("begin", number, &error));
            }
        }
        if !self.live.contains_key(&sealed) {
            self.keeper.remove(self.shared.folder.segment(sealed));
        }
        Ok(())
    }

    fn run_changes(&mut self, group: &mut [Job], mut position: u64) -> Result<(), Failure> {
        let mut has_bodies = false;
        for job in group.iter_mut().filter(|job| job.refused.is_none()) {
            has_bodies |= !job.bodies.is_empty();
            self.run_change(job, position)?;
            position += job.octets();
        }
        if has_bodies {
            schema::set_state(
                &self.connection,
                "next_body",
                self.shared.next_body_number(),
            )
            .map_err(|error| self.statement_failed(error.into()))?;
        }
        Ok(())
    }

    /// One change in its savepoint. Its own refusal is remembered in the job;
    /// only what ends the whole group is an error.
    fn run_change(&mut self, job: &mut Job, position: u64) -> Result<(), Failure> {
        let released_before = self.released.len();
        self.statement("SAVEPOINT change")?;
        let outcome = insert_bodies(&self.connection, self.segment.number(), job, position)
            .and_then(|()| job.run(&mut Tx::new(&self.connection, &mut self.released)));
        let refusal = match outcome {
            Ok(()) => None,
            Err(error @ (TxError::Full(_) | TxError::Disk(_))) => {
                return Err(self.statement_failed(error));
            }
            Err(refusal) => Some(refusal),
        };
        // Some failures make SQLite roll everything back by itself.
        if self.connection.is_autocommit() {
            let reason = "a change ended the group's transaction".to_owned();
            return Err(Failure::Undo(WriteError::Sql(reason)));
        }
        if let Some(refusal) = refusal {
            self.statement("ROLLBACK TO change")?;
            self.released.truncate(released_before);
            job.refused = Some(refusal.into());
        }
        self.statement("RELEASE change")
    }

    fn statement(&self, sql: &'static str) -> Result<(), Failure> {
        execute(&self.connection, sql).map_err(|error| self.statement_failed(error.into()))
    }

    /// A statement before the COMMIT failed for the disk's sake. Nothing of
    /// the group counts yet, so want of room may pass.
    fn statement_failed(&self, error: TxError) -> Failure {
        Failure::Undo(match error {
            TxError::Full(reason) => self.shared.full(reason),
            TxError::Disk(reason) => match self.shared.no_room() {
                Some(reason) => self.shared.full(reason),
                None => self.shared.poison(reason),
            },
            other => other.into(),
        })
    }

    /// A failed COMMIT is harmless if the log could not be written: without
    /// its last frame, which was not there to be synced, it does not count.
    /// Any other failure leaves open whether the group is on the disk.
    fn commit_failed(&self, error: &rusqlite::Error) -> Failure {
        let code = error.sqlite_error();
        if code.is_some_and(|error| error.code == ErrorCode::DiskFull) {
            return Failure::Undo(self.shared.full(format!("commit failed: {error}")));
        }
        // Read-only and over quota come as a plain write error.
        if code.is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_WRITE)
            && let Some(reason) = self.shared.no_room()
        {
            return Failure::Undo(self.shared.full(reason));
        }
        Failure::Leave(self.shared.poison(format!("commit failed: {error}")))
    }

    fn disk_failed(&self, what: &str, segment: u64, error: &io::Error) -> Failure {
        let path = self.shared.folder.segment(segment);
        let reason = format!("cannot {what} {}: {error}", path.display());
        Failure::Undo(if is_full(error) {
            self.shared.full(reason)
        } else {
            self.shared.poison(reason)
        })
    }

    /// Rows and segment as they were before the group.
    fn undo(&mut self, error: WriteError) -> WriteError {
        self.released.clear();
        if !self.connection.is_autocommit()
            && let Err(failed) = execute(&self.connection, "ROLLBACK")
        {
            return self.shared.poison(format!("rolling back failed: {failed}"));
        }
        if let Err(failed) = self.segment.undo() {
            let path = self.shared.folder.segment(self.segment.number());
            let reason = format!("cutting {} back failed: {failed}", path.display());
            return self.shared.poison(reason);
        }
        error
    }

    /// The stored bodies now live.
    fn count_in(&mut self, group: &mut [Job]) {
        for job in group.iter_mut().filter(|job| job.refused.is_none()) {
            for body in &mut job.bodies {
                match &mut body.content {
                    Content::Record(_) => {
                        *self.live.entry(self.segment.number()).or_default() += 1;
                    }
                    Content::File(file) => file.keep(),
                }
            }
        }
    }

    /// After the answers: give back space, move rows out of the log.
    fn keep_house(&mut self) {
        for placed in std::mem::take(&mut self.released) {
            self.give_back(&placed);
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

    fn give_back(&mut self, placed: &Placed) {
        if let Place::Segment { segment, .. } = placed.place {
            let Some(live) = self.live.get_mut(&segment) else {
                return;
            };
            *live -= 1;
            if *live > 0 {
                return;
            }
            self.live.remove(&segment);
            // The active one goes when it is sealed.
            if segment == self.segment.number() {
                return;
            }
        }
        self.keeper.remove(placed.path(&self.shared.folder));
    }

    /// The keeper has copied nearly all of the log. Between two groups nothing
    /// is added to it, so the rest can be copied and the log begin anew.
    fn finish_checkpoint(&mut self) {
        checkpoint(&self.connection, &self.shared);
        if let Err(error) = give_back_pages(&self.connection) {
            tracing::warn!(%error, "cannot give back free pages of the database");
        }
    }

    fn finish(mut self) {
        self.keeper.stop();
        self.shared.readers.close();
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

fn execute(connection: &Connection, sql: &'static str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.raw_execute().map(|_| ())
}

fn insert_bodies(
    connection: &Connection,
    segment: u64,
    job: &Job,
    mut position: u64,
) -> Result<(), TxError> {
    for body in &job.bodies {
        let place = match &body.content {
            Content::Record(_) => Place::Segment { segment, position },
            Content::File(_) => Place::OwnFile,
        };
        let placed = Placed {
            body: body.body,
            place,
        };
        rows::insert(connection, &placed)?;
        position += body.record_octets();
    }
    Ok(())
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

fn give_back_pages(connection: &Connection) -> rusqlite::Result<()> {
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    if free <= FREE_PAGES_MAX {
        return Ok(());
    }
    let mut statement =
        connection.prepare_cached(&format!("PRAGMA incremental_vacuum({PAGES_GIVEN_BACK})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
