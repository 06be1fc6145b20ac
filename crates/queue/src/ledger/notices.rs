//! The outbox: who has still to be told what. A notice is written in the same
//! transaction as the outcome it tells, so there is one for each, and only one.

use mailward_mail::{Outcome, Timestamp};
use mailward_store::{ReadTx, Row, Tx, TxError};

use crate::ledger::columns::{get_json, get_optional_time, get_parsed, get_time, time, to_json};
use crate::ledger::messages::Number;
use crate::notice::{NoticeId, NoticeKind};

#[derive(Clone, Debug)]
pub(crate) struct NoticeRow {
    pub(crate) id: NoticeId,
    pub(crate) message: Number,
    pub(crate) kind: NoticeKind,
    pub(crate) outcome: Outcome,
    pub(crate) recipients: Vec<u32>,
    pub(crate) made_at: Timestamp,
    pub(crate) tries: u32,
    pub(crate) last_error: Option<String>,
    pub(crate) done_at: Option<Timestamp>,
}

macro_rules! notice_columns {
    () => {
        "number, message, kind, outcome, recipients, made_at, tries, last_error, done_at"
    };
}

fn read(row: &Row<'_>) -> Result<NoticeRow, TxError> {
    Ok(NoticeRow {
        id: NoticeId(row.get(0)?),
        message: row.get(1)?,
        kind: get_parsed(row, 2)?,
        outcome: get_parsed(row, 3)?,
        recipients: get_json(row, 4)?,
        made_at: get_time(row, 5)?,
        tries: row.get(6)?,
        last_error: row.get(7)?,
        done_at: get_optional_time(row, 8)?,
    })
}

pub(crate) fn insert(
    tx: &mut Tx<'_>,
    message: Number,
    kind: NoticeKind,
    outcome: Outcome,
    recipients: &[u32],
    now: Timestamp,
) -> Result<(), TxError> {
    tx.execute(
        "INSERT INTO notices (message, kind, outcome, recipients, made_at, next_at, tries) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?5, 0)",
        &[
            message.into(),
            kind.as_str().into(),
            outcome.as_str().into(),
            to_json(&recipients).into(),
            time(now),
        ],
    )?;
    Ok(())
}

pub(crate) fn get(tx: &ReadTx<'_>, id: NoticeId) -> Result<Option<NoticeRow>, TxError> {
    tx.query_one(
        concat!(
            "SELECT ",
            notice_columns!(),
            " FROM notices WHERE number = ?1"
        ),
        &[id.0.into()],
        read,
    )
}

pub(crate) const DUE: &str = concat!(
    "SELECT ",
    notice_columns!(),
    " FROM notices WHERE done_at IS NULL AND next_at <= ?1 ORDER BY next_at LIMIT ?2"
);

pub(crate) fn due(
    tx: &ReadTx<'_>,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<NoticeRow>, TxError> {
    tx.query(DUE, &[time(now), limit.into()], read)
}

pub(crate) const NEXT_DUE: &str =
    "SELECT next_at FROM notices WHERE done_at IS NULL ORDER BY next_at LIMIT 1";

pub(crate) fn next_due_at(tx: &ReadTx<'_>) -> Result<Option<Timestamp>, TxError> {
    tx.query_one(NEXT_DUE, &[], |row| get_time(row, 0))
}

pub(crate) fn count_open(tx: &ReadTx<'_>) -> Result<u64, TxError> {
    let count = tx.query_one(
        "SELECT count(*) FROM notices WHERE done_at IS NULL",
        &[],
        |row| row.get(0),
    )?;
    Ok(count.unwrap_or(0))
}

/// Whether a notice is open that quotes the message, and so needs its body.
pub(crate) fn needs_body(tx: &ReadTx<'_>, message: Number) -> Result<bool, TxError> {
    let found = tx.query_one(
        "SELECT 1 FROM notices WHERE message = ?1 AND kind = ?2 AND done_at IS NULL LIMIT 1",
        &[message.into(), NoticeKind::Report.as_str().into()],
        |row| row.get::<i64>(0),
    )?;
    Ok(found.is_some())
}

/// Counts one more try, and hides the notice from `due` until `next_at`. Until
/// it comes back it has no error, which tells it from one that was deferred.
pub(crate) fn take(tx: &mut Tx<'_>, id: NoticeId, next_at: Timestamp) -> Result<(), TxError> {
    tx.execute(
        "UPDATE notices SET tries = tries + 1, next_at = ?2, last_error = NULL WHERE number = ?1",
        &[id.0.into(), time(next_at)],
    )?;
    Ok(())
}

pub(crate) const HAND_BACK: &str = "UPDATE notices SET next_at = ?1 \
     WHERE done_at IS NULL AND next_at > ?1 AND tries > 0 AND last_error IS NULL";

/// Makes due at once what is handed out: for when nobody can have it any more.
pub(crate) fn hand_back(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), TxError> {
    tx.execute(HAND_BACK, &[time(now)])?;
    Ok(())
}

/// Whether the notice was open.
pub(crate) fn defer(
    tx: &mut Tx<'_>,
    id: NoticeId,
    next_at: Timestamp,
    error: &str,
) -> Result<bool, TxError> {
    let changed = tx.execute(
        "UPDATE notices SET next_at = ?2, last_error = ?3 WHERE number = ?1 AND done_at IS NULL",
        &[id.0.into(), time(next_at), error.into()],
    )?;
    Ok(changed > 0)
}

/// Whether the notice was open.
pub(crate) fn set_done(tx: &mut Tx<'_>, id: NoticeId, now: Timestamp) -> Result<bool, TxError> {
    let changed = tx.execute(
        "UPDATE notices SET done_at = ?2 WHERE number = ?1 AND done_at IS NULL",
        &[id.0.into(), time(now)],
    )?;
    Ok(changed > 0)
}
