//! Recipients that are distribution lists and wait for their turn: one after
//! the other, in the order in which they came, whichever worker is quicker.
//!
//! ```text
//!   list   turn     message          turns are `list_spacing` apart, and each is the
//!   staff  10:30    7                `due_at` of its recipient: one wakes at a time.
//!   staff  11:00    9                Whoever takes the turn, or leaves, sets that of
//!   staff  11:30    12               the next.
//! ```

use std::collections::HashMap;
use std::time::Duration;

use mailward_mail::{Address, Recipient, Timestamp};
use mailward_store::{ReadTx, Row, Tx, TxError};

use crate::gates::{Gates, Limit};
use crate::ledger::columns::{get_time, time};
use crate::ledger::messages::Number;
use crate::ledger::recipients::RecipientRow;
use crate::ledger::{recipients, shares};

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

/// A recipient, as the lists' turns know it.
#[derive(Debug)]
pub(crate) struct Addressed<'a> {
    pub(crate) message: Number,
    pub(crate) n: u32,
    pub(crate) address: &'a Address,
    pub(crate) waits_for: Option<Limit>,
}

impl<'a> Addressed<'a> {
    pub(crate) fn of(message: Number, row: &'a RecipientRow) -> Self {
        Self {
            message,
            n: row.n,
            address: row.recipient.forward_path.address(),
            waits_for: row.waits_for,
        }
    }
}

/// For so long one whose turn has come is waited for; then it is plain that
/// its lane can't send, and the next goes before it.
const TURN_HELD: Duration = Duration::from_secs(60);

/// When the turn of a recipient that is a list comes; `None` when it is now or
/// there is nothing to wait for. One message goes to a list once, and those
/// that came earlier go first. `seen` has the turns that its message was given.
pub(crate) fn decide(
    tx: &ReadTx<'_>,
    gates: &Gates,
    one: &Addressed<'_>,
    now: Timestamp,
    seen: &mut HashMap<String, Timestamp>,
) -> Result<Option<Timestamp>, TxError> {
    let (Some(spacing), true) = (gates.list_spacing, gates.is_list(one.address)) else {
        return Ok(None);
    };
    let list = one.address.key();
    if let Some(taken) = seen.get_mut(&list) {
        let turn = taken.plus(spacing);
        *taken = turn;
        return Ok(Some(turn));
    }
    // A moment that lies ahead was written before the clock was set back.
    let free_at = shares::last_to(tx, &list)?.map_or(now, |last| last.min(now).plus(spacing));
    let own = one.waits_for == Some(Limit::ListSpacing);
    let first = first(tx, &list)?;
    let first = first.filter(|first| (first.message, first.n) != (one.message, one.n));
    let held = first.is_some_and(|first| first.at.plus(TURN_HELD) > now);
    let turn = match first {
        // Its lane is slow, perhaps: this one looks again soon.
        Some(first) if own && held && first.at <= now => free_at.max(first.at.plus(TURN_HELD)),
        Some(_) if !own && held => {
            let last = last(tx, &list)?.map_or(now, |last| last.at);
            free_at.max(last.plus(spacing))
        }
        _ => free_at,
    };
    let waits = turn > now;
    seen.insert(list, if waits { turn } else { now });
    Ok(waits.then_some(turn))
}

/// Gives the lists among a new message's recipients their turns. `stands` says
/// whether its lane stands still: then they get them when it goes on, and
/// nobody waits behind them meanwhile.
pub(crate) fn line_up(
    tx: &mut Tx<'_>,
    gates: &Gates,
    (message, deadline): (Number, Timestamp),
    recipients: &[Recipient],
    now: Timestamp,
    stands: impl FnOnce(&ReadTx<'_>) -> Result<bool, TxError>,
) -> Result<(), TxError> {
    let is_list = |one: &Recipient| gates.is_list(one.forward_path.address());
    if gates.list_spacing.is_none() || !recipients.iter().any(is_list) || stands(tx)? {
        return Ok(());
    }
    let mut seen = HashMap::new();
    for (n, recipient) in (1..).zip(recipients).filter(|(_, one)| is_list(one)) {
        let one = Addressed {
            message,
            n,
            address: recipient.forward_path.address(),
            waits_for: None,
        };
        let limit = Limit::ListSpacing;
        match decide(tx, gates, &one, now, &mut seen)? {
            Some(until) => shares::postpone(tx, &one, deadline, limit, until, now)?,
            None => {
                recipients::postpone(tx, message, n, limit, now)?;
                put(tx, &one, now)?;
            }
        }
    }
    Ok(())
}

/// Puts a recipient in line, or in another place of it.
pub(crate) fn put(tx: &mut Tx<'_>, one: &Addressed<'_>, at: Timestamp) -> Result<(), TxError> {
    let turn = Turn {
        at,
        message: one.message,
        n: one.n,
    };
    set(tx, &one.address.key(), turn)
}

fn set(tx: &mut Tx<'_>, list: &str, turn: Turn) -> Result<(), TxError> {
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
    set(tx, list, Turn { at, ..next })?;
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
