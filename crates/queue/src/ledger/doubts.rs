//! One row for each attempt in doubt, with the moment of the next look.

use std::time::Duration;

use mailward_mail::{MessageId, Timestamp};
use mailward_store::{ReadTx, Row, Tx, TxError};

use crate::ledger::columns::{get_optional_time, get_parsed, get_time, optional_time, time};
use crate::ledger::messages::Number;
use crate::state::AttemptId;

#[derive(Clone, Debug)]
pub(crate) struct DoubtRow {
    pub(crate) attempt: AttemptId,
    pub(crate) message: Number,
    pub(crate) lane: i64,
    pub(crate) dot_at: Timestamp,
    pub(crate) looks: u32,
    pub(crate) next_look_at: Option<Timestamp>,
    pub(crate) give_up_at: Timestamp,
    pub(crate) patience: Duration,
    pub(crate) last_look_at: Option<Timestamp>,
    pub(crate) last_words: Option<String>,
}

macro_rules! doubt_columns {
    () => {
        "attempt, message, lane, dot_at, looks, next_look_at, give_up_at, patience, \
         last_look_at, last_words"
    };
}

fn read(row: &Row<'_>) -> Result<DoubtRow, TxError> {
    Ok(DoubtRow {
        attempt: AttemptId(row.get(0)?),
        message: row.get(1)?,
        lane: row.get(2)?,
        dot_at: get_time(row, 3)?,
        looks: row.get(4)?,
        next_look_at: get_optional_time(row, 5)?,
        give_up_at: get_time(row, 6)?,
        patience: Duration::from_millis(row.get(7)?),
        last_look_at: get_optional_time(row, 8)?,
        last_words: row.get(9)?,
    })
}

pub(crate) fn insert(tx: &mut Tx<'_>, row: &DoubtRow) -> Result<(), TxError> {
    let patience = u64::try_from(row.patience.as_millis()).unwrap_or(u64::MAX >> 1);
    tx.execute(
        "INSERT INTO doubts (attempt, message, lane, dot_at, looks, next_look_at, give_up_at, \
         patience, last_look_at, last_words) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) \
         ON CONFLICT (attempt) DO NOTHING",
        &[
            row.attempt.0.into(),
            row.message.into(),
            row.lane.into(),
            time(row.dot_at),
            row.looks.into(),
            optional_time(row.next_look_at),
            time(row.give_up_at),
            patience.into(),
            optional_time(row.last_look_at),
            row.last_words.as_deref().into(),
        ],
    )?;
    Ok(())
}

/// Writes what a look, or trying to, changed.
pub(crate) fn update(tx: &mut Tx<'_>, row: &DoubtRow) -> Result<(), TxError> {
    tx.execute(
        "UPDATE doubts SET looks = ?2, next_look_at = ?3, give_up_at = ?4, last_look_at = ?5, \
         last_words = ?6 WHERE attempt = ?1",
        &[
            row.attempt.0.into(),
            row.looks.into(),
            optional_time(row.next_look_at),
            time(row.give_up_at),
            optional_time(row.last_look_at),
            row.last_words.as_deref().into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn get(tx: &ReadTx<'_>, attempt: AttemptId) -> Result<Option<DoubtRow>, TxError> {
    tx.query_one(
        concat!(
            "SELECT ",
            doubt_columns!(),
            " FROM doubts WHERE attempt = ?1"
        ),
        &[attempt.0.into()],
        read,
    )
}

/// Gone once no recipient is in doubt by this attempt.
pub(crate) fn remove_if_settled(
    tx: &mut Tx<'_>,
    message: Number,
    attempt: AttemptId,
) -> Result<(), TxError> {
    tx.execute(
        "DELETE FROM doubts WHERE attempt = ?2 AND NOT EXISTS (SELECT 1 FROM recipients \
         WHERE message = ?1 AND state = 'in_doubt' AND attempt = ?2)",
        &[message.into(), attempt.0.into()],
    )?;
    Ok(())
}

pub(crate) const DUE: &str = concat!(
    "SELECT ",
    doubt_columns!(),
    " FROM doubts WHERE next_look_at <= ?1 ORDER BY next_look_at LIMIT ?2"
);

/// Those to be looked for now, the longest overdue first.
pub(crate) fn due(tx: &ReadTx<'_>, now: Timestamp, limit: usize) -> Result<Vec<DoubtRow>, TxError> {
    tx.query(DUE, &[time(now), limit.into()], read)
}

pub(crate) const NEXT: &str = "SELECT next_look_at FROM doubts \
    WHERE next_look_at > ?1 ORDER BY next_look_at LIMIT 1";

/// The first look after `now`.
pub(crate) fn next_after(tx: &ReadTx<'_>, now: Timestamp) -> Result<Option<Timestamp>, TxError> {
    tx.query_one(NEXT, &[time(now)], |row| get_time(row, 0))
}

pub(crate) const GIVEN_UP: &str = concat!(
    "SELECT ",
    doubt_columns!(),
    " FROM doubts WHERE give_up_at <= ?1 ORDER BY give_up_at LIMIT ?2"
);

/// Those that have waited too long for a look.
pub(crate) fn given_up(
    tx: &ReadTx<'_>,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<DoubtRow>, TxError> {
    tx.query(GIVEN_UP, &[time(now), limit.into()], read)
}

pub(crate) const NOT_LOOKED_FOR: &str = concat!(
    "SELECT ",
    doubt_columns!(),
    " FROM doubts WHERE next_look_at IS NULL LIMIT ?1"
);

/// Those that nobody can look for.
pub(crate) fn not_looked_for(tx: &ReadTx<'_>, limit: usize) -> Result<Vec<DoubtRow>, TxError> {
    tx.query(NOT_LOOKED_FOR, &[limit.into()], read)
}

/// The time during which nobody could have looked does not count.
pub(crate) fn begin_patience_anew(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), TxError> {
    tx.execute(
        "UPDATE doubts SET give_up_at = ?1 + patience \
         WHERE next_look_at IS NOT NULL AND give_up_at < ?1 + patience",
        &[time(now)],
    )?;
    Ok(())
}

/// The last proof that the lane's sent mail is filed where it is looked for.
pub(crate) fn proof(tx: &ReadTx<'_>, lane: i64) -> Result<Option<(Timestamp, String)>, TxError> {
    tx.query_one(
        "SELECT found_at, evidence FROM sent_items WHERE lane = ?1",
        &[lane.into()],
        |row| Ok((get_time(row, 0)?, row.get(1)?)),
    )
}

pub(crate) fn set_proof(
    tx: &mut Tx<'_>,
    lane: i64,
    now: Timestamp,
    evidence: &str,
) -> Result<(), TxError> {
    tx.execute(
        "INSERT INTO sent_items (lane, found_at, evidence) VALUES (?1, ?2, ?3) \
         ON CONFLICT (lane) DO UPDATE SET found_at = ?2, evidence = ?3",
        &[lane.into(), time(now), evidence.into()],
    )?;
    Ok(())
}

/// The lane's latest submissions that were surely taken: the inner step walks
/// the index and is limited, whatever it finds.
pub(crate) const SURELY_SENT: &str = "SELECT messages.id, messages.message_id, first.ended_at \
    FROM (SELECT message, ended_at, reply FROM attempts WHERE lane = ?1 AND ended_at > ?2 \
    AND ended_at < ?3 ORDER BY ended_at DESC LIMIT 100) AS first \
    JOIN messages ON messages.number = first.message \
    WHERE first.reply LIKE '2%' AND messages.message_id IS NOT NULL \
    ORDER BY first.ended_at DESC LIMIT ?4";

pub(crate) fn surely_sent(
    tx: &ReadTx<'_>,
    lane: i64,
    since: Timestamp,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<(MessageId, String, Timestamp)>, TxError> {
    tx.query(
        SURELY_SENT,
        &[lane.into(), time(since), time(until), limit.into()],
        |row| Ok((get_parsed(row, 0)?, row.get(1)?, get_time(row, 2)?)),
    )
}

pub(crate) const OTHERS_WITH_MESSAGE_ID: &str = "SELECT 1 FROM \
    (SELECT message FROM attempts WHERE lane = ?1 AND ended_at > ?2 \
    ORDER BY ended_at DESC LIMIT ?5) AS first \
    JOIN messages ON messages.number = first.message \
    WHERE messages.message_id = ?3 AND messages.number <> ?4 LIMIT 1";

/// Whether another message of the same Message-ID was tried on the lane since
/// then, among its latest `limit` attempts.
pub(crate) fn others_with_message_id(
    tx: &ReadTx<'_>,
    lane: i64,
    since: Timestamp,
    message_id: &str,
    except: Number,
    limit: usize,
) -> Result<bool, TxError> {
    let found = tx.query_one(
        OTHERS_WITH_MESSAGE_ID,
        &[
            lane.into(),
            time(since),
            message_id.into(),
            except.into(),
            limit.into(),
        ],
        |row| row.get::<i64>(0),
    )?;
    Ok(found.is_some())
}
