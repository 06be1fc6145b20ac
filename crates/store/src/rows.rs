//! Which bodies there are and where each lies: the table `store_body`.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension};

use crate::body::{BodyRef, HEADER_OCTETS};
use crate::error::TxError;
use crate::folder::Folder;

/// `segment` is null for a body with a file of its own; `holders` says how
/// many releases it takes for the body to go.
pub(crate) const TABLE: &str = "
CREATE TABLE store_body (
    number INTEGER NOT NULL PRIMARY KEY,
    segment INTEGER,
    position INTEGER NOT NULL,
    octets INTEGER NOT NULL,
    crc32c INTEGER NOT NULL,
    holders INTEGER NOT NULL
);
";

/// Where a body lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Placed {
    pub(crate) body: BodyRef,
    pub(crate) place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A record in a segment, whose header begins at `position`.
    Segment { segment: u64, position: u64 },
    /// `bodies/N.body`.
    OwnFile,
}

impl Placed {
    pub(crate) fn path(&self, folder: &Folder) -> PathBuf {
        match self.place {
            Place::Segment { segment, .. } => folder.segment(segment),
            Place::OwnFile => folder.body(self.body.number()),
        }
    }

    /// Where in its file the body ends.
    pub(crate) fn end(&self) -> u64 {
        match self.place {
            Place::Segment { position, .. } => position
                .saturating_add(HEADER_OCTETS as u64)
                .saturating_add(self.body.octets()),
            Place::OwnFile => self.body.octets(),
        }
    }

    pub(crate) fn from_row(row: &rusqlite::Row<'_>) -> rusqlite::Result<Self> {
        let place = match row.get::<_, Option<i64>>(1)? {
            Some(segment) => Place::Segment {
                segment: unsigned(segment),
                position: unsigned(row.get(2)?),
            },
            None => Place::OwnFile,
        };
        let crc32c = u32::try_from(row.get::<_, i64>(4)?).unwrap_or_default();
        Ok(Self {
            body: BodyRef::new(unsigned(row.get(0)?), unsigned(row.get(3)?), crc32c),
            place,
        })
    }
}

pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(crate) fn insert(connection: &Connection, placed: &Placed) -> Result<(), TxError> {
    let (segment, position) = match placed.place {
        Place::Segment { segment, position } => (Some(signed(segment)), signed(position)),
        Place::OwnFile => (None, 0),
    };
    connection
        .prepare_cached("INSERT INTO store_body VALUES (?1, ?2, ?3, ?4, ?5, 1)")?
        .execute((
            signed(placed.body.number()),
            segment,
            position,
            signed(placed.body.octets()),
            placed.body.crc32c(),
        ))?;
    Ok(())
}

/// The body lies elsewhere now; false if it was gone, or not where it was
/// thought to be.
pub(crate) fn relocate(
    connection: &Connection,
    from: &Placed,
    to: &Placed,
) -> Result<bool, TxError> {
    let (
        Place::Segment {
            segment: old,
            position: old_position,
        },
        Place::Segment { segment, position },
    ) = (from.place, to.place)
    else {
        return Ok(false);
    };
    let touched = connection
        .prepare_cached(
            "UPDATE store_body SET segment = ?4, position = ?5 \
             WHERE number = ?1 AND segment = ?2 AND position = ?3",
        )?
        .execute((
            signed(from.body.number()),
            signed(old),
            signed(old_position),
            signed(segment),
            signed(position),
        ))?;
    Ok(touched > 0)
}

/// The newest `limit` bodies with numbers below the one given.
pub(crate) fn page_below(
    connection: &Connection,
    number: u64,
    limit: usize,
) -> rusqlite::Result<Vec<Placed>> {
    let mut statement = connection.prepare_cached(
        "SELECT number, segment, position, octets, crc32c FROM store_body \
         WHERE number < ?1 ORDER BY number DESC LIMIT ?2",
    )?;
    let rows = statement.query_map((signed(number), limit as i64), Placed::from_row)?;
    rows.collect()
}

/// The oldest `limit` bodies with numbers above the one given.
pub(crate) fn page_above(
    connection: &Connection,
    number: u64,
    limit: usize,
) -> rusqlite::Result<Vec<Placed>> {
    let mut statement = connection.prepare_cached(
        "SELECT number, segment, position, octets, crc32c FROM store_body \
         WHERE number > ?1 ORDER BY number LIMIT ?2",
    )?;
    let rows = statement.query_map((signed(number), limit as i64), Placed::from_row)?;
    rows.collect()
}

/// Of a copy, where the body lies elsewhere than in the original.
pub(crate) fn set_place(
    connection: &Connection,
    number: u64,
    place: Place,
) -> rusqlite::Result<()> {
    let (segment, position) = match place {
        Place::Segment { segment, position } => (Some(signed(segment)), signed(position)),
        Place::OwnFile => (None, 0),
    };
    connection
        .prepare_cached("UPDATE store_body SET segment = ?2, position = ?3 WHERE number = ?1")?
        .execute((signed(number), segment, position))?;
    Ok(())
}

/// Of a copy, where the body is lost.
pub(crate) fn forget(connection: &Connection, number: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("DELETE FROM store_body WHERE number = ?1")?
        .execute([signed(number)])?;
    Ok(())
}

pub(crate) fn find(
    connection: &Connection,
    number: u64,
) -> Result<Option<Placed>, rusqlite::Error> {
    connection
        .prepare_cached(
            "SELECT number, segment, position, octets, crc32c FROM store_body WHERE number = ?1",
        )?
        .query_row([signed(number)], Placed::from_row)
        .optional()
}

pub(crate) fn retain(connection: &Connection, body: &BodyRef) -> Result<(), TxError> {
    let touched = connection
        .prepare_cached("UPDATE store_body SET holders = holders + 1 WHERE number = ?1")?
        .execute([signed(body.number())])?;
    if touched == 0 {
        return Err(TxError::NoBody(body.number()));
    }
    Ok(())
}

/// Where the body lay, if this was its last holder.
pub(crate) fn release(connection: &Connection, body: &BodyRef) -> Result<Option<Placed>, TxError> {
    let number = signed(body.number());
    let gone = connection
        .prepare_cached(
            "DELETE FROM store_body WHERE number = ?1 AND holders = 1 \
             RETURNING number, segment, position, octets, crc32c",
        )?
        .query_row([number], Placed::from_row)
        .optional()?;
    if gone.is_some() {
        return Ok(gone);
    }
    let touched = connection
        .prepare_cached("UPDATE store_body SET holders = holders - 1 WHERE number = ?1")?
        .execute([number])?;
    if touched == 0 {
        return Err(TxError::NoBody(body.number()));
    }
    Ok(None)
}

/// The first body of the segment that does not end within `octets`; the first
/// of all where there is no file. Reads all rows.
pub(crate) fn beyond(
    connection: &Connection,
    segment: u64,
    octets: Option<u64>,
) -> rusqlite::Result<Option<Placed>> {
    connection
        .query_row(
            "SELECT number, segment, position, octets, crc32c FROM store_body \
             WHERE segment = ?1 AND position + octets + 24 > ?2 ORDER BY position LIMIT 1",
            (signed(segment), signed(octets.unwrap_or(0))),
            Placed::from_row,
        )
        .optional()
}

/// Calls `each` with every body that has a file of its own, until it says to
/// stop.
pub(crate) fn each_file(
    connection: &Connection,
    mut each: impl FnMut(&Placed) -> bool,
) -> rusqlite::Result<()> {
    let mut statement = connection.prepare(
        "SELECT number, segment, position, octets, crc32c FROM store_body \
         WHERE segment IS NULL ORDER BY number",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if !each(&Placed::from_row(row)?) {
            break;
        }
    }
    Ok(())
}

/// Calls `each` with every body, the newest first, until it says to stop.
pub(crate) fn each_body(
    connection: &Connection,
    mut each: impl FnMut(&Placed) -> bool,
) -> Result<(), rusqlite::Error> {
    let mut statement = connection.prepare(
        "SELECT number, segment, position, octets, crc32c FROM store_body ORDER BY number DESC",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        if !each(&Placed::from_row(row)?) {
            break;
        }
    }
    Ok(())
}
