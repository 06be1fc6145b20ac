//! A group's way to the disk, and what happens when it fails.
//!
//! ```text
//!            ┌ append ─ changes ─┬─ fdatasync ─┬─ COMMIT ─┬─ answer "stored"
//! group ─────┤                   │             │          │
//!            └ no room ──────────┴─ undo: rows rolled back, segment cut back, answer "full"
//!                                              │          │
//!                         failed sync ─────────┴──────────┴─ poisoned: no write is ever accepted again
//! ```

use std::io::{self, IoSlice};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, ffi};

use crate::backlog::Waiting;
use crate::error::{TxError, WriteError, is_full};
use crate::figures::Begun;
use crate::group::Job;
use crate::new_body::Content;
use crate::rows::{self, Place, Placed};
use crate::schema;
use crate::segment::ActiveSegment;
use crate::tx::Tx;
use crate::writer::Writer;

/// Body numbers a commit reserves for those after it.
const NUMBERS_RESERVED: u64 = 4096;

/// A group of patient changes waits so long for others, so many times.
const PATIENCE: Duration = Duration::from_millis(20);
const WAITS_MAX: usize = 4;

/// How a group failed.
pub(crate) enum Failure {
    /// Nothing of it can have reached the disk as committed: undo all of it.
    Undo(WriteError),
    /// It may or may not be committed: leave everything for the next start.
    Leave(WriteError),
}

impl Writer {
    /// The group's way to the disk. Each `?` leaves it undone.
    pub(crate) fn store(
        &mut self,
        group: &mut Vec<Job>,
        backlog: &mut Waiting,
    ) -> Result<Begun, Failure> {
        let mut begun = self.shared.counts.begin();
        self.released.clear();
        self.counts.clear();
        self.changes.clear();
        self.shared.refuse_if_poisoned().map_err(Failure::Undo)?;
        self.refuse_below_floor(group);
        let place = self.append(group)?;
        self.statement("BEGIN IMMEDIATE")?;
        self.run_changes(group, place)?;
        self.await_company(group, backlog, &mut begun)?;
        self.end_changes()?;
        if let Err(error) = self.segment.sync() {
            let path = self.shared.folder.segment(self.segment.number());
            let reason = format!("syncing {} failed: {error}", path.display());
            return Err(Failure::Undo(self.shared.poison(reason)));
        }
        match execute(&self.connection, "COMMIT") {
            Ok(()) => Ok(begun),
            Err(error) => Err(self.commit_failed(&error)),
        }
    }

    /// A group of nothing but patient changes is not worth a sync of its own:
    /// what they wait for comes soon, and takes them along.
    fn await_company(
        &mut self,
        group: &mut Vec<Job>,
        backlog: &mut Waiting,
        begun: &mut Begun,
    ) -> Result<(), Failure> {
        for _ in 0..WAITS_MAX {
            if !group.iter().all(Job::is_patient) {
                break;
            }
            let first = group.len();
            let shared = Arc::clone(&self.shared);
            backlog.gather_within(PATIENCE, &shared.limits, group);
            *begun = shared.counts.begin();
            let late = &mut group[first..];
            if late.is_empty() {
                break;
            }
            self.refuse_below_floor(late);
            let place = self.append(late)?;
            self.run_changes(late, place)?;
        }
        Ok(())
    }

    /// Bodies are refused while the disk is below its floor; changes without
    /// bodies still go through, for which the floor leaves the room.
    fn refuse_below_floor(&self, group: &mut [Job]) {
        if self.shared.limits.free_octets_min == 0 || group.iter().all(Job::only_moves) {
            return;
        }
        if let Some(reason) = self.shared.no_room() {
            for job in group.iter_mut().filter(|job| !job.only_moves()) {
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
                if let Some(record) = body.record() {
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
    pub(crate) fn seal(&mut self) -> Result<(), Failure> {
        let sealed = self.segment.number();
        let number = sealed + 1;
        match ActiveSegment::create(&*self.shared.disk, &self.shared.folder, number) {
            Ok(segment) => {
                self.segment = segment;
                self.shared.active.store(number, Ordering::Release);
            }
            Err(error) => {
                // It must not be in the way of the next attempt.
                let _ = self.shared.disk.remove(&self.shared.folder.segment(number));
                return Err(self.disk_failed("begin", number, &error));
            }
        }
        // It may have lost most of its bodies while it grew.
        self.background.nudge();
        let mut segments = self.shared.segments();
        if segments.get(&sealed).is_none_or(|live| live.bodies == 0) {
            segments.remove(&sealed);
            self.keeper.remove(self.shared.folder.segment(sealed));
        }
        Ok(())
    }

    fn run_changes(&mut self, group: &mut [Job], mut position: u64) -> Result<(), Failure> {
        for job in group.iter_mut().filter(|job| job.refused.is_none()) {
            self.run_change(job, position)?;
            position += job.octets();
        }
        Ok(())
    }

    /// What all changes of the group come to.
    fn end_changes(&mut self) -> Result<(), Failure> {
        self.count_released();
        self.counts
            .write(&self.connection)
            .map_err(|error| self.statement_failed(error))?;
        self.reserve_numbers()
            .and_then(|()| self.changes.write(&self.connection))
            .map_err(|error| self.statement_failed(error.into()))
    }

    fn count_released(&mut self) {
        for placed in &self.released {
            self.changes.take(placed);
        }
    }

    /// Keeps the number that a restart begins with above all that were given.
    /// Many at a time: it is one more page to write.
    fn reserve_numbers(&mut self) -> rusqlite::Result<()> {
        let next = self.shared.next_body_number();
        if next > self.reserved_body {
            self.reserved_body = next + NUMBERS_RESERVED;
            schema::set_state(&self.connection, "next_body", self.reserved_body)?;
        }
        Ok(())
    }

    /// One change in its savepoint. Its own refusal is remembered in the job;
    /// only what ends the whole group is an error.
    fn run_change(&mut self, job: &mut Job, position: u64) -> Result<(), Failure> {
        let released_before = self.released.len();
        let counts_before = self.counts.len();
        let mut stored = Stored::default();
        self.statement("SAVEPOINT change")?;
        let outcome = insert_bodies(&self.connection, self.segment.number(), job, position)
            .map(|changes| stored = changes)
            .and_then(|()| {
                let (released, counts) = (&mut self.released, &mut self.counts);
                job.run(&mut Tx::new(&self.connection, released, counts))
            });
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
            self.counts.truncate(counts_before);
            job.refused = Some(refusal.into());
            stored = Stored::default();
        }
        for placed in &stored.taken {
            self.changes.take(placed);
        }
        for placed in &stored.added {
            self.changes.add(placed);
        }
        self.statement("RELEASE change")?;
        if job.refused.is_none() {
            job.made();
        }
        Ok(())
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
    pub(crate) fn undo(&mut self, error: WriteError) -> WriteError {
        self.released.clear();
        self.counts.clear();
        self.changes.clear();
        // The reservation may have been part of the group.
        self.reserved_body = 0;
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
}

fn execute(connection: &Connection, sql: &'static str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.raw_execute().map(|_| ())
}

/// Places that a change's bodies took and, where they were moved, left.
#[derive(Debug, Default)]
struct Stored {
    added: Vec<Placed>,
    taken: Vec<Placed>,
}

fn insert_bodies(
    connection: &Connection,
    segment: u64,
    job: &Job,
    mut position: u64,
) -> Result<Stored, TxError> {
    let mut stored = Stored::default();
    for body in &job.bodies {
        let place = match &body.content {
            Content::Record(_) | Content::Moved { .. } => Place::Segment { segment, position },
            Content::File(_) => Place::OwnFile,
        };
        let placed = Placed {
            body: body.body,
            place,
        };
        match &body.content {
            // Released while it was copied: the copy is of no use.
            Content::Moved { from, .. } if !rows::relocate(connection, from, &placed)? => {}
            Content::Moved { from, .. } => {
                stored.taken.push(*from);
                stored.added.push(placed);
            }
            _ => {
                rows::insert(connection, &placed)?;
                stored.added.push(placed);
            }
        }
        position += body.record_octets();
    }
    Ok(stored)
}
