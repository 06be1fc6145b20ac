//! What the scheduler reads. A lane's index is parted by turn and application;
//! each statement walks one part from its lowest entry, so that a deep backlog
//! costs no more than a shallow one, and what is suspended costs nothing.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Row, TxError};

use crate::ledger::columns::{get_time, time};
use crate::ledger::lanes;
use crate::ledger::suspensions::Suspended;
use crate::names::Lane;
use crate::turn::Candidate;

/// One part of a lane: what one application has at one turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) turn: i64,
    pub(crate) source: i64,
}

/// The most parts of a lane that are looked at: all turns of a score of
/// applications.
const PARTS_MAX: usize = 1_200;

/// Two statements, since SQLite answers `(turn, source) > (?2, ?3)` by walking
/// through all of that very part.
pub(crate) const NEXT_SOURCE: &str = "SELECT turn, source FROM recipients \
    WHERE lane = ?1 AND turn = ?2 AND source > ?3 AND due_at IS NOT NULL \
    ORDER BY source LIMIT 1";
pub(crate) const NEXT_TURN: &str = "SELECT turn, source FROM recipients \
    WHERE lane = ?1 AND turn > ?2 AND due_at IS NOT NULL ORDER BY turn, source LIMIT 1";

/// The parts that have anything to try, now or later, and are not suspended.
pub(crate) fn parts(
    tx: &ReadTx<'_>,
    lane: i64,
    suspended: &Suspended,
) -> Result<Vec<Part>, TxError> {
    let mut parts = Vec::new();
    let mut last = None;
    for _ in 0..PARTS_MAX {
        let Some(next) = next_part(tx, lane, last)? else {
            break;
        };
        last = Some(next);
        if !suspended.has_source(next.source) {
            parts.push(next);
        }
    }
    Ok(parts)
}

fn next_part(tx: &ReadTx<'_>, lane: i64, last: Option<Part>) -> Result<Option<Part>, TxError> {
    let read = |row: &Row<'_>| {
        Ok(Part {
            turn: row.get(0)?,
            source: row.get(1)?,
        })
    };
    if let Some(Part { turn, source }) = last {
        let values = [lane.into(), turn.into(), source.into()];
        let next = tx.query_one(NEXT_SOURCE, &values, read)?;
        if next.is_some() {
            return Ok(next);
        }
    }
    let turn = last.map_or(i64::MIN, |last| last.turn);
    tx.query_one(NEXT_TURN, &[lane.into(), turn.into()], read)
}

/// The most overdue recipients of a part.
pub(crate) const DUE_IN_PART: &str = "SELECT message, due_at FROM recipients \
    WHERE lane = ?1 AND turn = ?2 AND source = ?3 AND due_at <= ?4 \
    ORDER BY due_at, message LIMIT ?5";

/// Up to `limit` recipients of each part.
pub(crate) fn candidates(
    tx: &ReadTx<'_>,
    lane: i64,
    suspended: &Suspended,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Candidate>, TxError> {
    let mut found = Vec::new();
    for part in parts(tx, lane, suspended)? {
        let values = [
            lane.into(),
            part.turn.into(),
            part.source.into(),
            time(now),
            limit.into(),
        ];
        found.extend(tx.query(DUE_IN_PART, &values, |row| {
            Ok(Candidate {
                message: row.get(0)?,
                turn: part.turn,
                due_at: row.get(1)?,
            })
        })?);
    }
    Ok(found)
}

pub(crate) const NEXT_IN_PART: &str = "SELECT due_at FROM recipients \
    WHERE lane = ?1 AND turn = ?2 AND source = ?3 AND due_at IS NOT NULL \
    ORDER BY due_at LIMIT 1";

/// A place in a lane's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    pub(crate) turn: i64,
    pub(crate) source: i64,
    pub(crate) due_at: i64,
    pub(crate) message: i64,
}

impl Walk {
    /// Before everything.
    pub const START: Self = Self {
        turn: i64::MIN,
        source: i64::MIN,
        due_at: i64::MIN,
        message: i64::MIN,
    };
}

pub(crate) const AFTER: &str = "SELECT turn, source, due_at, message FROM recipients \
    WHERE lane = ?1 AND (turn, source, due_at, message) > (?2, ?3, ?4, ?5) \
    AND due_at IS NOT NULL ORDER BY turn, source, due_at, message LIMIT ?6";

/// What waits for its moment in a lane, from a place on.
pub(crate) fn after(
    tx: &ReadTx<'_>,
    lane: i64,
    place: Walk,
    limit: usize,
) -> Result<Vec<Walk>, TxError> {
    let values = [
        lane.into(),
        place.turn.into(),
        place.source.into(),
        place.due_at.into(),
        place.message.into(),
        limit.into(),
    ];
    tx.query(AFTER, &values, |row| {
        Ok(Walk {
            turn: row.get(0)?,
            source: row.get(1)?,
            due_at: row.get(2)?,
            message: row.get(3)?,
        })
    })
}

/// The lane's earliest moment, of what is not suspended.
pub(crate) fn next_at(
    tx: &ReadTx<'_>,
    lane: i64,
    suspended: &Suspended,
) -> Result<Option<Timestamp>, TxError> {
    let mut next: Option<Timestamp> = None;
    for part in parts(tx, lane, suspended)? {
        let values = [lane.into(), part.turn.into(), part.source.into()];
        let first = tx.query_one(NEXT_IN_PART, &values, |row| get_time(row, 0))?;
        next = next.into_iter().chain(first).min();
    }
    Ok(next)
}

/// Each lane that has anything to try, now or later, with its earliest moment.
/// There is one row in `lanes` for each pair of route and account ever used.
pub(crate) fn lanes_with_work(
    tx: &ReadTx<'_>,
    suspended: &Suspended,
) -> Result<Vec<(Lane, Timestamp)>, TxError> {
    let mut work = Vec::new();
    for (number, lane) in lanes::all(tx)? {
        if suspended.of_lane(&lane).is_some() {
            continue;
        }
        if let Some(next) = next_at(tx, number, suspended)? {
            work.push((lane, next));
        }
    }
    work.sort_by_key(|(_, next)| *next);
    Ok(work)
}

pub(crate) const COUNT_IN_PART: &str = "SELECT count(*) FROM \
    (SELECT 1 FROM recipients WHERE lane = ?1 AND turn = ?2 AND source = ?3 AND due_at <= ?4 \
    AND (due_at < ?4 OR message < ?5) ORDER BY due_at LIMIT ?6) AS ahead";

/// How many recipients of the lane go before one that is due, counted up to
/// `limit`: those of earlier turns, and those of its own that are due before.
pub(crate) fn count_ahead(
    tx: &ReadTx<'_>,
    lane: i64,
    suspended: &Suspended,
    one: Candidate,
    now: Timestamp,
    limit: usize,
) -> Result<u64, TxError> {
    let mut ahead = 0;
    for part in parts(tx, lane, suspended)? {
        let left = limit.saturating_sub(usize::try_from(ahead).unwrap_or(usize::MAX));
        if part.turn > one.turn || left == 0 {
            break;
        }
        let (until, message) = if part.turn == one.turn {
            (one.due_at, one.message)
        } else {
            (now.as_millis(), i64::MAX)
        };
        let values = [
            lane.into(),
            part.turn.into(),
            part.source.into(),
            until.into(),
            message.into(),
            left.into(),
        ];
        let count: Option<u64> = tx.query_one(COUNT_IN_PART, &values, |row| row.get(0))?;
        ahead += count.unwrap_or(0);
    }
    Ok(ahead)
}
