//! How much of each segment is live: the table `store_segment`, written in the
//! same commit as the rows of bodies, so that no start has to count them.

use std::collections::HashMap;

use rusqlite::Connection;

use crate::body::HEADER_OCTETS;
use crate::rows::{Place, Placed, signed, unsigned};

/// `octets` are those of the live records with their headers; `ends_at` is
/// where the last record ends that was ever committed. The index finds bodies
/// with files of their own, which are few.
pub(crate) const TABLES: &str = "
CREATE TABLE store_segment (
    segment INTEGER NOT NULL PRIMARY KEY,
    bodies INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    ends_at INTEGER NOT NULL
);
CREATE INDEX store_body_files ON store_body (number) WHERE segment IS NULL;
";

/// What the rows of bodies say, for a store that has not counted yet and for
/// a check of one that has.
pub(crate) const COUNTED: &str = "SELECT segment, count(*), sum(octets + 24), \
    max(position + octets + 24) FROM store_body WHERE segment IS NOT NULL GROUP BY segment";

/// What is live in a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Live {
    pub(crate) bodies: u64,
    /// Of the records, headers included.
    pub(crate) octets: u64,
    /// Where the last committed record ends.
    pub(crate) ends_at: u64,
}

impl Live {
    /// Less than half of it is live: worth moving the rest elsewhere.
    pub(crate) fn is_sparse(&self) -> bool {
        self.octets * 2 < self.ends_at
    }
}

/// Live bodies of each segment that has any.
pub(crate) type Segments = HashMap<u64, Live>;

pub(crate) fn all(connection: &Connection) -> rusqlite::Result<Segments> {
    read(
        connection,
        "SELECT segment, bodies, octets, ends_at FROM store_segment",
    )
}

/// The same from the rows themselves: reads all of them.
pub(crate) fn count(connection: &Connection) -> rusqlite::Result<Segments> {
    read(connection, COUNTED)
}

fn read(connection: &Connection, sql: &str) -> rusqlite::Result<Segments> {
    let mut statement = connection.prepare(sql)?;
    let rows = statement.query_map([], |row| {
        let live = Live {
            bodies: unsigned(row.get(1)?),
            octets: unsigned(row.get(2)?),
            ends_at: unsigned(row.get(3)?),
        };
        Ok((unsigned(row.get(0)?), live))
    })?;
    rows.collect()
}

/// Makes the table from the rows of bodies.
pub(crate) fn fill(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(&format!(
        "DELETE FROM store_segment; INSERT INTO store_segment {COUNTED};"
    ))
}

/// Takes out what has nothing live, once no file of it is of use.
pub(crate) fn forget_empty(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("DELETE FROM store_segment WHERE bodies <= 0")
}

/// A file may end before its last record did if that was released since: what
/// is appended then begins where the file ends.
pub(crate) fn shorten(
    connection: &Connection,
    segments: &mut Segments,
    lengths: &HashMap<u64, u64>,
) -> rusqlite::Result<()> {
    for (segment, live) in segments {
        let octets = lengths.get(segment).copied().unwrap_or_default();
        if octets < live.ends_at {
            live.ends_at = octets;
            connection.execute(
                "UPDATE store_segment SET ends_at = ?2 WHERE segment = ?1",
                (signed(*segment), signed(octets)),
            )?;
        }
    }
    Ok(())
}

/// The highest number of a segment's file in a folder of them; 0 without any.
pub(crate) fn highest_file(segments: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(segments).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| {
            crate::folder::Folder::segment_number(&entry.file_name().to_string_lossy())
        })
        .max()
        .unwrap_or(0)
}

/// What one group changes.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    by_segment: HashMap<u64, Change>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Change {
    bodies: i64,
    octets: i64,
    ends_at: u64,
}

impl Changes {
    pub(crate) fn clear(&mut self) {
        self.by_segment.clear();
    }

    pub(crate) fn add(&mut self, placed: &Placed) {
        self.count(placed, 1);
    }

    pub(crate) fn take(&mut self, placed: &Placed) {
        self.count(placed, -1);
    }

    fn count(&mut self, placed: &Placed, bodies: i64) {
        if let Place::Segment { segment, .. } = placed.place {
            let change = self.by_segment.entry(segment).or_default();
            change.bodies += bodies;
            change.octets += bodies * signed(placed.body.octets() + HEADER_OCTETS as u64);
            if bodies > 0 {
                change.ends_at = change.ends_at.max(placed.end());
            }
        }
    }

    /// Writes the sums: a row or two, however large the group.
    pub(crate) fn write(&self, connection: &Connection) -> rusqlite::Result<()> {
        for (segment, change) in &self.by_segment {
            connection
                .prepare_cached(
                    "INSERT INTO store_segment VALUES (?1, ?2, ?3, ?4) \
                     ON CONFLICT (segment) DO UPDATE SET bodies = bodies + excluded.bodies, \
                     octets = octets + excluded.octets, \
                     ends_at = max(ends_at, excluded.ends_at)",
                )?
                .execute((
                    signed(*segment),
                    change.bodies,
                    change.octets,
                    signed(change.ends_at),
                ))?;
        }
        Ok(())
    }

    /// The same in memory, after the commit. Returns the segments that lost
    /// bodies.
    pub(crate) fn apply(&mut self, segments: &mut Segments) -> Vec<u64> {
        let mut lost = Vec::new();
        for (segment, change) in self.by_segment.drain() {
            let live = segments.entry(segment).or_default();
            live.bodies = live.bodies.saturating_add_signed(change.bodies);
            live.octets = live.octets.saturating_add_signed(change.octets);
            live.ends_at = live.ends_at.max(change.ends_at);
            if change.bodies < 0 {
                lost.push(segment);
            }
        }
        lost
    }
}
