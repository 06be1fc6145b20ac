//! The clock was set: what is measured from one moment to another must neither
//! be over early nor last longer than it would have.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Tx, TxError};

use crate::gates::{Limit, PERIOD, period_of};
use crate::ledger::columns::{get_time, time};
use crate::ledger::due;
use crate::ledger::messages::Number;
use crate::ledger::suspensions::Suspended;
use crate::names::AccountName;

/// Recipients of one part of a lane that are moved in one write.
const BATCH_MAX: usize = 5_000;

pub(crate) const LAST_EVENT: &str = "SELECT at FROM events ORDER BY seq DESC LIMIT 1";

/// When the last thing was written down.
pub(crate) fn last_event(tx: &ReadTx<'_>) -> Result<Option<Timestamp>, TxError> {
    tx.query_one(LAST_EVENT, &[], |row| get_time(row, 0))
}

/// Moves what is counted by `millis`: the last message to each list, the turns
/// of those who wait for one, and the recipients of a day, which leave at most
/// one period later than they would have.
pub(crate) fn move_counts(tx: &mut Tx<'_>, millis: i64, now: Timestamp) -> Result<(), TxError> {
    tx.execute(
        "UPDATE list_sends SET sent_at = sent_at + ?1, sent_before = sent_before + ?1",
        &[millis.into()],
    )?;
    tx.execute(
        "UPDATE recipients SET due_at = due_at + ?1 WHERE (message, n) IN \
         (SELECT message, n FROM list_waits) AND waits_for = ?2 AND due_at IS NOT NULL",
        &[millis.into(), Limit::ListSpacing.as_str().into()],
    )?;
    tx.execute(
        "UPDATE list_waits SET turn_at = turn_at + ?1",
        &[millis.into()],
    )?;
    let rows: Vec<(AccountName, i64, i64)> = tx.query(
        "SELECT account, period, recipients FROM sent_recipients",
        &[],
        |row| Ok((row.get::<String>(0)?.into(), row.get(1)?, row.get(2)?)),
    )?;
    tx.execute("DELETE FROM sent_recipients", &[])?;
    let length = i64::try_from(PERIOD.as_millis()).unwrap_or(i64::MAX);
    let periods = millis.div_euclid(length) + i64::from(millis.rem_euclid(length) > 0);
    for (account, period, recipients) in rows {
        let moved = period.saturating_add(periods).min(period_of(now));
        tx.execute(
            "INSERT INTO sent_recipients (account, period, recipients) VALUES (?1, ?2, ?3) \
             ON CONFLICT (account, period) DO UPDATE SET \
             recipients = sent_recipients.recipients + excluded.recipients",
            &[account.as_str().into(), moved.into(), recipients.into()],
        )?;
    }
    Ok(())
}

pub(crate) const WAS_DUE: &str = "SELECT message, n FROM recipients WHERE lane = ?1 \
    AND turn = ?2 AND source = ?3 AND due_at > ?4 AND due_at <= ?5 \
    AND coalesce(waits_for, '') <> 'list_spacing' ORDER BY due_at LIMIT ?6";

/// What was due by the clock before it was set back stays due: `now` instead
/// of a moment that lies ahead again. The turns of lists are moved apart. Says
/// whether the lane may have more.
pub(crate) fn keep_due(
    tx: &mut Tx<'_>,
    lane: i64,
    now: Timestamp,
    before: Timestamp,
) -> Result<bool, TxError> {
    let mut more = false;
    for part in due::parts(tx, lane, &Suspended::default())? {
        let due: Vec<(Number, u32)> = tx.query(
            WAS_DUE,
            &[
                lane.into(),
                part.turn.into(),
                part.source.into(),
                time(now),
                time(before),
                BATCH_MAX.into(),
            ],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        more |= due.len() == BATCH_MAX;
        for (message, n) in due {
            tx.execute(
                "UPDATE recipients SET due_at = ?3 WHERE message = ?1 AND n = ?2",
                &[message.into(), n.into(), time(now)],
            )?;
        }
    }
    Ok(more)
}
