//! What the scheduler reads. Each statement walks one index from its lowest
//! entry, so that a deep backlog costs no more than a shallow one.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, TxError};

use crate::ledger::columns::{get_time, time};
use crate::ledger::lanes;
use crate::ledger::messages::Number;
use crate::names::Lane;

/// The messages of the lane's `limit` most overdue recipients.
pub(crate) const DUE_MESSAGES: &str = "SELECT message, min(due_at) FROM \
    (SELECT message, due_at FROM recipients WHERE lane = ?1 AND due_at <= ?2 \
    ORDER BY due_at, message LIMIT ?3) AS first GROUP BY message ORDER BY min(due_at), message";

pub(crate) fn messages(
    tx: &ReadTx<'_>,
    lane: i64,
    now: Timestamp,
    limit: usize,
) -> Result<Vec<Number>, TxError> {
    tx.query(
        DUE_MESSAGES,
        &[lane.into(), time(now), limit.into()],
        |row| row.get(0),
    )
}

pub(crate) const NEXT_DUE: &str =
    "SELECT due_at FROM recipients WHERE lane = ?1 AND due_at IS NOT NULL ORDER BY due_at LIMIT 1";

pub(crate) fn next_at(tx: &ReadTx<'_>, lane: i64) -> Result<Option<Timestamp>, TxError> {
    tx.query_one(NEXT_DUE, &[lane.into()], |row| get_time(row, 0))
}

/// Each lane that has anything to try, now or later, with its earliest moment.
/// There is one row in `lanes` for each pair of route and account ever used.
pub(crate) const LANES_WITH_WORK: &str = "SELECT route, account, next_at FROM \
    (SELECT route, account, (SELECT due_at FROM recipients WHERE lane = lanes.number \
    AND due_at IS NOT NULL ORDER BY due_at LIMIT 1) AS next_at FROM lanes) AS work \
    WHERE next_at IS NOT NULL ORDER BY next_at";

pub(crate) fn lanes_with_work(tx: &ReadTx<'_>) -> Result<Vec<(Lane, Timestamp)>, TxError> {
    tx.query(LANES_WITH_WORK, &[], |row| {
        Ok((lanes::read(row, 0)?, get_time(row, 2)?))
    })
}

pub(crate) const COUNT_AHEAD: &str = "SELECT count(*) FROM \
    (SELECT 1 FROM recipients WHERE lane = ?1 AND due_at <= ?2 \
    AND (due_at < ?2 OR message < ?3) ORDER BY due_at LIMIT ?4) AS ahead";

/// How many recipients of the lane are due before this one, counted up to
/// `limit`.
pub(crate) fn count_ahead(
    tx: &ReadTx<'_>,
    lane: i64,
    due_at: Timestamp,
    message: Number,
    limit: usize,
) -> Result<u64, TxError> {
    let count = tx.query_one(
        COUNT_AHEAD,
        &[lane.into(), time(due_at), message.into(), limit.into()],
        |row| row.get(0),
    )?;
    Ok(count.unwrap_or(0))
}
