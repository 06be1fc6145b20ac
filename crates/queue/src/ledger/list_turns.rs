//! Recipients that are distribution lists and wait for their turn: one after
//! the other, in the order in which they came.
//!
//! ```text
//!   list   turn     message          turns are `list_spacing` apart, and each is the
//!   staff  10:30    7                `due_at` of its recipient: one wakes at a time.
//!   staff  11:00    9                Whoever takes the turn, or leaves, sets that of
//!   staff  11:30    12               the next.
//! ```

use std::time::Duration;

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Row, Tx, TxError};

use crate::gates::Limit;
use crate::ledger::columns::{get_time, time};
use crate::ledger::messages::Number;
use crate::ledger::shares;

/// One that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) at: Timestamp,
    pub(crate) message: Number,
    pub(crate) n: u32,
}

fn read(row: &Row<'_>) -> Result<Turn, TxError> {
    Ok(Turn {
        at: get_time(row, 0)?,
        message: row.get(1)?,
        n: row.get(2)?,
    })
}

pub(crate) const FIRST: &str = "SELECT turn_at, message, n FROM list_waits WHERE list = ?1 \
    ORDER BY turn_at, message, n LIMIT 1";

/// Whose turn is next.
pub(crate) fn first(tx: &ReadTx<'_>, list: &str) -> Result<Option<Turn>, TxError> {
    tx.query_one(FIRST, &[list.into()], read)
}

pub(crate) const LAST: &str = "SELECT turn_at, message, n FROM list_waits WHERE list = ?1 \
    ORDER BY turn_at DESC, message DESC, n DESC LIMIT 1";

/// Who came last.
pub(crate) fn last(tx: &ReadTx<'_>, list: &str) -> Result<Option<Turn>, TxError> {
    tx.query_one(LAST, &[list.into()], read)
}

pub(crate) const COUNT_BEFORE: &str = "SELECT count(*) FROM \
    (SELECT 1 FROM list_waits WHERE list = ?1 AND turn_at < ?2 LIMIT ?3) AS earlier";

/// How many wait for a turn before `at`, counted up to `limit`.
pub(crate) fn count_before(
    tx: &ReadTx<'_>,
    list: &str,
    at: Timestamp,
    limit: usize,
) -> Result<u64, TxError> {
    let count = tx.query_one(
        COUNT_BEFORE,
        &[list.into(), time(at), limit.into()],
        |row| row.get(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// The lists that had a message, the latest first. There are few.
pub(crate) fn latest(tx: &ReadTx<'_>, limit: usize) -> Result<Vec<(String, Timestamp)>, TxError> {
    tx.query(
        "SELECT list, sent_at FROM list_sends ORDER BY sent_at DESC LIMIT ?1",
        &[limit.into()],
        |row| Ok((row.get(0)?, get_time(row, 1)?)),
    )
}

/// Puts a recipient in line, or in another place of it.
pub(crate) fn put(tx: &mut Tx<'_>, list: &str, turn: Turn) -> Result<(), TxError> {
    tx.execute(
        "DELETE FROM list_waits WHERE message = ?1 AND n = ?2",
        &[turn.message.into(), turn.n.into()],
    )?;
    tx.execute(
        "INSERT INTO list_waits (list, turn_at, message, n) VALUES (?1, ?2, ?3, ?4)",
        &[
            list.into(),
            time(turn.at),
            turn.message.into(),
            turn.n.into(),
        ],
    )?;
    Ok(())
}

/// The recipient no longer waits. If its turn was the next, that is now the
/// turn of the one behind it.
pub(crate) fn leave(tx: &mut Tx<'_>, message: Number, n: u32) -> Result<(), TxError> {
    let left = tx.query_one(
        "DELETE FROM list_waits WHERE message = ?1 AND n = ?2 RETURNING list, turn_at",
        &[message.into(), n.into()],
        |row| Ok((row.get::<String>(0)?, get_time(row, 1)?)),
    )?;
    let Some((list, turn)) = left else {
        return Ok(());
    };
    match first(tx, &list)? {
        Some(next) if next.at > turn => give(tx, &list, next, turn),
        _ => Ok(()),
    }
}

/// The turn of whoever is next, after the list's last message was taken or
/// given back.
pub(crate) fn settle(
    tx: &mut Tx<'_>,
    list: &str,
    spacing: Duration,
    now: Timestamp,
) -> Result<(), TxError> {
    let Some(next) = first(tx, list)? else {
        return Ok(());
    };
    let free_at = shares::last_to(tx, list)?.map_or(now, |last| last.min(now).plus(spacing));
    give(tx, list, next, free_at.max(now))
}

fn give(tx: &mut Tx<'_>, list: &str, next: Turn, at: Timestamp) -> Result<(), TxError> {
    if next.at == at {
        return Ok(());
    }
    put(tx, list, Turn { at, ..next })?;
    tx.execute(
        "UPDATE recipients SET due_at = ?3 WHERE message = ?1 AND n = ?2 AND waits_for = ?4 \
         AND due_at IS NOT NULL",
        &[
            next.message.into(),
            next.n.into(),
            time(at),
            Limit::ListSpacing.as_str().into(),
        ],
    )?;
    Ok(())
}
