//! Slow work beside the keeper, at a bounded rate and in an order of its own:
//!
//! ```text
//! sparse segment ─▶ walk its records ─▶ move what is live to the active segment
//!                                       (a group like any other) ─▶ file removed
//! nothing sparse ─▶ compare the bodies that the start left out with their checksums,
//!                    then look at the database's own structure, table by table
//! ```
//!
//! **A crash at any moment of a move** leaves either the old place or the new
//! one in the rows: record, sync and the row's new place go the way of every
//! group. What no row names is a leftover of the next start.

use std::collections::HashSet;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::{Connection, InterruptHandle};
use tokio::sync::oneshot;

use crate::backlog::WeakBacklog;
use crate::body::{BodyRef, HEADER_OCTETS, Header};
use crate::disk::DiskFile;
use crate::error::{Damage, WriteError};
use crate::group::{Job, Message, Told};
use crate::new_body::NewBody;
use crate::read_body::Source;
use crate::readers::open_reader;
use crate::rows::{self, Place, Placed};
use crate::schema;
use crate::shared::Shared;

/// How long until it looks for work without being told of any.
const IDLE_WAIT: Duration = Duration::from_secs(60);

/// Bodies looked up at a time for comparison.
const PAGE_BODIES: usize = 256;

/// What looking at a record costs beside reading it, in octets.
const COST_OCTETS: u64 = 512;

pub(crate) struct Background {
    nudges: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    interrupt: InterruptHandle,
}

impl Background {
    /// Bodies below `checked_from` have not been compared yet, nor has the
    /// database been looked at unless `rows_checked`.
    pub(crate) fn start(
        shared: Arc<Shared>,
        backlog: WeakBacklog,
        checked_from: u64,
        rows_checked: bool,
    ) -> io::Result<Self> {
        let (nudges, waiting) = sync_channel(1);
        let connection = open_reader(&shared.folder.rows())
            .map_err(|error| io::Error::other(error.to_string()))?;
        let interrupt = connection.get_interrupt_handle();
        let worker = Worker {
            shared,
            backlog,
            nudges: waiting,
            connection,
            spoilt: HashSet::new(),
            spent: 0,
            unchecked_below: checked_from,
            tables_unchecked: if rows_checked {
                Tables::None
            } else {
                Tables::All
            },
        };
        let thread = std::thread::Builder::new()
            .name("store-background".to_owned())
            .spawn(move || worker.run())?;
        Ok(Self {
            nudges: Some(nudges),
            thread: Some(thread),
            interrupt,
        })
    }

    /// There may be something to move. If it cannot be told, it knows already.
    pub(crate) fn nudge(&self) {
        if let Some(nudges) = &self.nudges {
            let _ = nudges.try_send(());
        }
    }

    /// Ends after the record under way.
    pub(crate) fn stop(&mut self) {
        self.nudges = None;
        self.interrupt.interrupt();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the store's background thread ended by a panic");
        }
    }
}

impl fmt::Debug for Background {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Background")
    }
}

/// The store is closing, or can take no more.
struct Stopped;

type Go<T = ()> = Result<T, Stopped>;

struct Worker {
    shared: Arc<Shared>,
    backlog: WeakBacklog,
    nudges: Receiver<()>,
    connection: Connection,
    /// Segments that are damaged and stay where they are.
    spoilt: HashSet<u64>,
    /// Octets since the last pause.
    spent: u64,
    /// Bodies with lower numbers have still to be compared.
    unchecked_below: u64,
    tables_unchecked: Tables,
}

/// Tables whose structure has still to be looked at.
enum Tables {
    All,
    These(Vec<String>),
    None,
}

impl Worker {
    fn run(mut self) {
        while self.round().is_ok() {}
    }

    fn round(&mut self) -> Go {
        if let Some(segment) = self.sparsest() {
            if self.empty(segment)? {
                return Ok(());
            }
        } else if self.unchecked_below > 0 {
            return self.compare_some();
        } else if !matches!(self.tables_unchecked, Tables::None) {
            self.check_a_table();
            return self.wait(self.shared.limits.background_pause);
        }
        self.wait(IDLE_WAIT)
    }

    /// The sealed segment of which the smallest part is live, if that is less
    /// than half. Below the floor only one that leaves half of what is free.
    fn sparsest(&self) -> Option<u64> {
        let active = self.shared.active.load(Ordering::Acquire);
        let room = if self.shared.is_full() {
            let space = self.shared.disk.space(self.shared.folder.dir());
            space.map_or(0, |space| space.free_octets / 2)
        } else {
            u64::MAX
        };
        let segments = self.shared.segments();
        let part = |live: &crate::tally::Live| live.octets * 1000 / live.ends_at.max(1);
        segments
            .iter()
            .filter(|(number, live)| {
                **number != active
                    && live.is_sparse()
                    && !self.spoilt.contains(number)
                    && live.octets <= room
            })
            .min_by_key(|(number, live)| (part(live), **number))
            .map(|(number, _)| *number)
    }

    /// Moves every live body out of a segment; the writer then removes it.
    /// False if there was no room and it is to be tried later.
    fn empty(&mut self, segment: u64) -> Go<bool> {
        let Some(ends_at) = self
            .shared
            .segments()
            .get(&segment)
            .map(|live| live.ends_at)
        else {
            return Ok(true);
        };
        let path = self.shared.folder.segment(segment);
        let file: Arc<dyn DiskFile> = match self.shared.disk.open_read(&path) {
            Ok(file) => Arc::from(file),
            Err(error) => {
                self.spoil(
                    segment,
                    None,
                    &format!("the file cannot be opened: {error}"),
                );
                return Ok(true);
            }
        };
        let mut position = 0;
        let (mut batch, mut batch_octets) = (Vec::new(), 0);
        while position < ends_at {
            let header = match read_header(&*file, position) {
                Ok(header) => header,
                Err(what) => {
                    self.spoil(segment, Some(position), &what);
                    break;
                }
            };
            let octets = HEADER_OCTETS as u64 + u64::from(header.octets);
            self.spend(COST_OCTETS)?;
            if let Some(record) = self.live_record(&file, segment, position, &header) {
                self.spend(2 * octets)?;
                batch_octets += octets;
                batch.push(record);
            }
            if batch_octets >= self.shared.limits.background_octets_at_once {
                batch_octets = 0;
                if !self.hand_over(std::mem::take(&mut batch))? {
                    return Ok(false);
                }
            }
            position += octets;
        }
        if !batch.is_empty() && !self.hand_over(batch)? {
            return Ok(false);
        }
        let left = self.shared.segments().get(&segment).map(|live| live.bodies);
        if let Some(left) = left
            && self.spoilt.insert(segment)
        {
            self.spoil(
                segment,
                None,
                &format!("{left} live bodies were not found in it"),
            );
        }
        Ok(true)
    }

    /// The record at this place, if rows name it and it is as it was written.
    fn live_record(
        &mut self,
        file: &Arc<dyn DiskFile>,
        segment: u64,
        position: u64,
        header: &Header,
    ) -> Option<NewBody> {
        let placed = rows::find(&self.connection, header.number).ok().flatten()?;
        if placed.place != (Place::Segment { segment, position }) {
            return None;
        }
        let length = HEADER_OCTETS + usize::try_from(header.octets).ok()?;
        let mut record = vec![0; length];
        let read = file.read_exact_at(&mut record, position);
        let same = BodyRef::new(header.number, u64::from(header.octets), header.crc32c)
            == placed.body
            && crc32c::crc32c(&record[HEADER_OCTETS..]) == header.crc32c;
        if read.is_err() || !same {
            self.spoil(
                segment,
                Some(position),
                "the content does not match its checksum",
            );
            return None;
        }
        Some(NewBody::moved(placed, record))
    }

    /// False if there was no room.
    fn hand_over(&self, batch: Vec<NewBody>) -> Go<bool> {
        let (reply, answer) = oneshot::channel();
        let job = Job::new(batch, |_, _| Ok(()), reply, Told::Stored);
        let handed = self.backlog.send(Message::Job(job));
        handed.map_err(|_| Stopped)?;
        match answer.blocking_recv() {
            Ok(Ok(())) => Ok(true),
            Ok(Err(WriteError::Full(_))) => Ok(false),
            Ok(Err(error)) => {
                tracing::warn!(%error, "bodies could not be moved");
                Err(Stopped)
            }
            Err(_) => Err(Stopped),
        }
    }

    fn spoil(&mut self, segment: u64, position: Option<u64>, what: &str) {
        self.spoilt.insert(segment);
        let folder = &self.shared.folder;
        let mut damage = Damage::new(folder.dir(), folder.segment(segment), what);
        if let Some(position) = position {
            damage = damage.at(position);
        }
        self.shared.report(damage);
    }

    /// Compares a page of bodies with their checksums, from the newest that
    /// the start left out to the oldest.
    fn compare_some(&mut self) -> Go {
        let page = match rows::page_below(&self.connection, self.unchecked_below, PAGE_BODIES) {
            Ok(page) => page,
            Err(error) => {
                let folder = &self.shared.folder;
                let damage = Damage::new(folder.dir(), folder.rows(), error.to_string());
                self.shared.report(damage);
                self.unchecked_below = 0;
                return Ok(());
            }
        };
        self.unchecked_below = page.last().map_or(0, |placed| placed.body.number());
        if page.is_empty() {
            tracing::info!("every body has been compared with its checksum");
        }
        let mut buffer = Vec::new();
        for placed in page {
            self.spend(placed.body.octets() + COST_OCTETS)?;
            if let Err(damage) = self.compare(&placed, &mut buffer) {
                self.shared.report(damage);
            }
        }
        Ok(())
    }

    /// What was released or moved since it was looked up is no damage.
    fn compare(&self, placed: &Placed, buffer: &mut Vec<u8>) -> Result<(), Damage> {
        let damage = Source::open(&*self.shared.disk, &self.shared.folder, placed)
            .and_then(|source| source.check_content(buffer))
            .err();
        match damage {
            Some(damage)
                if rows::find(&self.connection, placed.body.number())
                    .ok()
                    .flatten()
                    == Some(*placed) =>
            {
                Err(damage)
            }
            _ => Ok(()),
        }
    }

    /// The structure of one table with its indexes, which is one view of the
    /// rows: the log is not shortened meanwhile. A stop interrupts it.
    fn check_a_table(&mut self) {
        let mut left = match std::mem::replace(&mut self.tables_unchecked, Tables::None) {
            // An error here is an interruption, or will show in every query.
            Tables::All => schema::tables(&self.connection).unwrap_or_default(),
            Tables::These(left) => left,
            Tables::None => return,
        };
        let Some(table) = left.pop() else {
            tracing::info!("the structure of the database has been looked at");
            return;
        };
        let table = table.replace('"', "\"\"");
        let faults = schema::faults(
            &self.connection,
            &format!("PRAGMA quick_check(\"{table}\")"),
        );
        for fault in faults.unwrap_or_default() {
            self.shared.report(fault.damage(&self.shared.folder));
        }
        self.tables_unchecked = Tables::These(left);
    }

    /// Rests a moment after so much work.
    fn spend(&mut self, octets: u64) -> Go {
        self.spent += octets;
        if self.spent < self.shared.limits.background_octets_at_once {
            return Ok(());
        }
        self.spent = 0;
        self.wait(self.shared.limits.background_pause)
    }

    fn wait(&self, longest: Duration) -> Go {
        match self.nudges.recv_timeout(longest) {
            Ok(()) | Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => Err(Stopped),
        }
    }
}

fn read_header(file: &dyn DiskFile, position: u64) -> Result<Header, String> {
    let mut header = [0; HEADER_OCTETS];
    file.read_exact_at(&mut header, position)
        .map_err(|error| format!("the header cannot be read: {error}"))?;
    Header::decode(&header).map_err(str::to_owned)
}
