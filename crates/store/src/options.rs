//! What a store is opened with: folder, schema, limits, disk.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::disk::{Disk, SystemDisk};

/// Everything [`crate::Store::open`] needs.
#[derive(Clone, Debug)]
pub struct Options {
    /// The store's folder; made if absent. One process at a time may hold it.
    pub dir: PathBuf,
    pub schema: Schema,
    pub limits: Limits,
    /// Where bodies go. SQLite's own files go through SQLite's file layer.
    pub disk: Arc<dyn Disk>,
}

impl Options {
    /// The system's disk and the default limits.
    pub fn new(dir: impl Into<PathBuf>, schema: Schema) -> Self {
        Self {
            dir: dir.into(),
            schema,
            limits: Limits::default(),
            disk: Arc::new(SystemDisk),
        }
    }
}

/// The caller's tables.
///
/// Each migration is an SQL script, applied once, in order, in a transaction
/// of its own. A script that has been released never changes; a change of
/// schema is one more script at the end. Table names beginning with `store_`
/// belong to the store.
///
/// The name is kept in the store: a store of another name is refused, so that
/// nobody's migrations are applied to a store of something else.
#[derive(Clone, Copy, Debug)]
pub struct Schema {
    /// One word: what the store is of.
    pub name: &'static str,
    pub migrations: &'static [&'static str],
}

/// Every bound of a store, by name.
#[derive(Clone, Debug)]
pub struct Limits {
    /// A body up to this size shares a segment with others; a larger one
    /// streams to a file of its own.
    pub small_body_octets_max: usize,
    /// No body may be larger than this.
    pub body_octets_max: u64,
    /// A segment is sealed once it has reached this size.
    pub segment_octets_max: u64,
    /// Changes that may wait for the writer; more wait before they queue.
    pub backlog_changes_max: usize,
    /// Changes that share one sync and one commit.
    pub group_changes_max: usize,
    /// Octets of small bodies that share one sync and one commit.
    pub group_octets_max: u64,
    /// Queries that may run at once, each with a connection of its own.
    pub readers_max: usize,
    /// New bodies are refused while the disk has less free space than this,
    /// so that there is room left to record what happens to the old ones.
    /// They are taken again once there is a quarter more. Zero turns the floor
    /// off.
    pub free_octets_min: u64,
    /// Rows are copied from the write-ahead log to the database once it has
    /// this many pages of 4 KiB.
    pub log_pages_max: u64,
    /// How many octets of live bodies are read and compared with their
    /// checksums at start, the newest first. A store smaller than this is
    /// checked completely; of a larger one the rest is checked while it runs.
    pub start_check_octets_max: u64,
    /// What work in the background (moving bodies out of sparse segments,
    /// comparing bodies that the start left out) reads and writes before it
    /// rests for `background_pause`.
    pub background_octets_at_once: u64,
    pub background_pause: Duration,
    /// The database is checked at start when it is no larger than this.
    pub start_check_rows_octets_max: u64,
}

const KIB: u64 = 1024;
const MIB: u64 = 1024 * KIB;

impl Default for Limits {
    fn default() -> Self {
        Self {
            small_body_octets_max: 256 * 1024,
            body_octets_max: 1024 * MIB,
            segment_octets_max: 64 * MIB,
            backlog_changes_max: 1024,
            group_changes_max: 512,
            group_octets_max: 16 * MIB,
            readers_max: 4,
            free_octets_min: 64 * MIB,
            log_pages_max: 4096,
            start_check_octets_max: 64 * MIB,
            start_check_rows_octets_max: 32 * MIB,
            // 20 MiB a second at most.
            background_octets_at_once: MIB,
            background_pause: Duration::from_millis(50),
        }
    }
}
