//! One row for each attempt. An attempt without `ended_at` after a restart
//! tells by `final_dot_at` whether the service can have the message.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Row, Tx, TxError};

use crate::attempt::AttemptEnd;
use crate::ledger::columns::{get_optional_time, get_time, time};
use crate::ledger::messages::Number;
use crate::state::AttemptId;

#[derive(Clone, Debug)]
pub(crate) struct AttemptRow {
    pub(crate) id: AttemptId,
    pub(crate) message: Number,
    pub(crate) lane: i64,
    pub(crate) started_at: Timestamp,
    /// Empty while the attempt is under way.
    pub(crate) stage_reached: String,
    pub(crate) final_dot_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    pub(crate) reply: Option<String>,
    pub(crate) tls: Option<String>,
    pub(crate) peer: Option<String>,
}

macro_rules! attempt_columns {
    () => {
        "number, message, lane, started_at, stage_reached, final_dot_at, ended_at, reply, tls, peer"
    };
}

fn read(row: &Row<'_>) -> Result<AttemptRow, TxError> {
    Ok(AttemptRow {
        id: AttemptId(row.get(0)?),
        message: row.get(1)?,
        lane: row.get(2)?,
        started_at: get_time(row, 3)?,
        stage_reached: row.get(4)?,
        final_dot_at: get_optional_time(row, 5)?,
        ended_at: get_optional_time(row, 6)?,
        reply: row.get(7)?,
        tls: row.get(8)?,
        peer: row.get(9)?,
    })
}

pub(crate) fn insert(
    tx: &mut Tx<'_>,
    message: Number,
    lane: i64,
    now: Timestamp,
) -> Result<AttemptId, TxError> {
    tx.query_one(
        "INSERT INTO attempts (message, lane, started_at, stage_reached) \
         VALUES (?1, ?2, ?3, '') RETURNING number",
        &[message.into(), lane.into(), time(now)],
        |row| row.get(0).map(AttemptId),
    )?
    .ok_or_else(|| TxError::Sql("no number for a new attempt".to_owned()))
}

pub(crate) fn get(tx: &ReadTx<'_>, id: AttemptId) -> Result<Option<AttemptRow>, TxError> {
    tx.query_one(
        concat!(
            "SELECT ",
            attempt_columns!(),
            " FROM attempts WHERE number = ?1"
        ),
        &[id.0.into()],
        read,
    )
}

/// The last `limit` attempts of a message, in order.
pub(crate) fn of(
    tx: &ReadTx<'_>,
    message: Number,
    limit: usize,
) -> Result<Vec<AttemptRow>, TxError> {
    let mut attempts = tx.query(
        concat!(
            "SELECT ",
            attempt_columns!(),
            " FROM attempts WHERE message = ?1 ORDER BY number DESC LIMIT ?2"
        ),
        &[message.into(), limit.into()],
        read,
    )?;
    attempts.reverse();
    Ok(attempts)
}

pub(crate) const UNDER_WAY: &str = concat!(
    "SELECT ",
    attempt_columns!(),
    " FROM attempts WHERE ended_at IS NULL AND started_at < ?1 ORDER BY started_at LIMIT ?2"
);

/// Attempts that began before `started_before` and have no end.
pub(crate) fn under_way(
    tx: &ReadTx<'_>,
    started_before: Timestamp,
    limit: usize,
) -> Result<Vec<AttemptRow>, TxError> {
    tx.query(UNDER_WAY, &[time(started_before), limit.into()], read)
}

pub(crate) const COUNT_UNDER_WAY: &str =
    "SELECT count(*) FROM attempts WHERE lane = ?1 AND ended_at IS NULL";

/// How many of a lane's attempts have no end yet.
pub(crate) fn count_under_way(tx: &ReadTx<'_>, lane: i64) -> Result<u32, TxError> {
    let count = tx.query_one(COUNT_UNDER_WAY, &[lane.into()], |row| row.get(0))?;
    Ok(count.unwrap_or(0))
}

/// The stages are those of which `Stage::counts` is true.
pub(crate) const ENDS_SINCE: &str = "SELECT ended_at FROM attempts \
    WHERE lane = ?1 AND ended_at > ?2 \
    AND stage_reached IN ('mail_from', 'rcpt_to', 'body', 'final_dot') \
    ORDER BY ended_at DESC LIMIT ?3";

/// When the lane's attempts that the service may have counted ended, those
/// after `since`, the latest `limit` of them, latest first.
pub(crate) fn ends_since(
    tx: &ReadTx<'_>,
    lane: i64,
    since: Timestamp,
    limit: usize,
) -> Result<Vec<Timestamp>, TxError> {
    tx.query(
        ENDS_SINCE,
        &[lane.into(), time(since), limit.into()],
        |row| get_time(row, 0),
    )
}

/// False, and nothing is written, where the attempt has ended, or is not this
/// message's: one whose beginning was undone has no row, or another's.
pub(crate) fn set_final_dot(
    tx: &mut Tx<'_>,
    id: AttemptId,
    message: Number,
    now: Timestamp,
) -> Result<bool, TxError> {
    let touched = tx.execute(
        "UPDATE attempts SET final_dot_at = ?2 \
         WHERE number = ?1 AND message = ?3 AND ended_at IS NULL",
        &[id.0.into(), time(now), message.into()],
    )?;
    Ok(touched > 0)
}

pub(crate) fn set_end(
    tx: &mut Tx<'_>,
    id: AttemptId,
    now: Timestamp,
    end: &AttemptEnd,
) -> Result<(), TxError> {
    tx.execute(
        "UPDATE attempts SET ended_at = ?2, stage_reached = ?3, reply = ?4, tls = ?5, peer = ?6 \
         WHERE number = ?1",
        &[
            id.0.into(),
            time(now),
            end.stage.as_str().into(),
            end.reply.as_ref().map(ToString::to_string).into(),
            end.tls.as_deref().into(),
            end.peer.as_deref().into(),
        ],
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attempt::Stage;

    #[test]
    fn the_stages_that_count_are_named() {
        for stage in Stage::ALL {
            let named = ENDS_SINCE.contains(&format!("'{}'", stage.as_str()));
            assert_eq!(named, stage.counts(), "{stage:?}");
        }
    }
}
