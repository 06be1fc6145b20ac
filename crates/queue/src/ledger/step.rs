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
use crate::schedule::MessageClass;

/// Recipients of one part of a lane that are moved in one write.
const BATCH_MAX: usize = 5_000;

pub(crate) const LAST_EVENT: &str = "SELECT at FROM events WHERE seq > \
    (SELECT coalesce(max(last_event), 0) FROM clock_steps) ORDER BY seq DESC LIMIT 1";

/// When the last thing was written down, if that has not been put right yet.
pub(crate) fn last_event(tx: &ReadTx<'_>) -> Result<Option<Timestamp>, TxError> {
    tx.query_one(LAST_EVENT, &[], |row| get_time(row, 0))
}

/// By how far, in milliseconds, the ledger's moments are ahead of steady time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) boot_id: Option<String>,
    pub(crate) ahead: i64,
}

pub(crate) fn known(tx: &ReadTx<'_>) -> Result<Option<Known>, TxError> {
    tx.query_one(
        "SELECT boot_id, ahead_millis FROM known_clock WHERE number = 1",
        &[],
        |row| {
            Ok(Known {
                boot_id: row.get(0)?,
                ahead: row.get(1)?,
            })
        },
    )
}

pub(crate) fn know(tx: &mut Tx<'_>, known: &Known) -> Result<(), TxError> {
    tx.execute(
        "INSERT INTO known_clock (number, boot_id, ahead_millis) VALUES (1, ?1, ?2) \
         ON CONFLICT (number) DO UPDATE SET boot_id = excluded.boot_id, \
         ahead_millis = excluded.ahead_millis",
        &[known.boot_id.as_deref().into(), known.ahead.into()],
    )?;
    Ok(())
}

/// A moment that was read off the clock outside of the write that keeps it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment {
    pub(crate) at: Timestamp,
    /// How far the clock was ahead of steady time.
    pub(crate) ahead: i64,
}

impl Moment {
    /// By how many milliseconds the ledger's clock differs: somebody has set
    /// the clock since, or before, and that is put right already, or is yet to
    /// be. Zero where it is less than a step.
    pub(crate) fn off(self, tx: &ReadTx<'_>) -> Result<i64, TxError> {
        let known = known(tx)?.map_or(self.ahead, |known| known.ahead);
        let off = known.saturating_sub(self.ahead);
        Ok(if off.saturating_abs() < STEP_MIN_MILLIS {
            0
        } else {
            off
        })
    }

    /// The same moment by the ledger's clock.
    pub(crate) fn by_ledger(self, tx: &ReadTx<'_>) -> Result<Timestamp, TxError> {
        Ok(moved(self.at, self.off(tx)?))
    }
}

pub(crate) fn moved(moment: Timestamp, millis: i64) -> Timestamp {
    Timestamp::from_millis(moment.as_millis().saturating_add(millis))
}

/// A smaller difference is the clock being slewed, or us being slow.
pub(crate) const STEP_MIN_MILLIS: i64 = 2_000;

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

/// Times that do not grow in number with the mail that waits.
const MOVE_FEW: &[&str] = &[
    "UPDATE pauses SET since = since + ?1, until = until + ?1",
    "UPDATE learnt_limits SET low_since = low_since + ?1, rest_until = rest_until + ?1",
    "UPDATE doubts SET next_look_at = next_look_at + ?1, give_up_at = give_up_at + ?1",
    "UPDATE attempts SET started_at = started_at + ?1 WHERE ended_at IS NULL AND started_at > 0",
    // A week's at most: whoever asks again must get the same answer.
    "UPDATE idempotency SET at = at + ?1",
];

pub(crate) const MOVE_DEADLINES: &str = "UPDATE messages \
    SET deadline_at = deadline_at + ?1, check_at = check_at + ?1 \
    WHERE message_class = ?2 AND ended_at IS NULL AND coalesce(not_before, 0) <= ?3";

/// What waits for a moment that had not come. Turns of lists are moved apart;
/// a time that somebody chose stays.
pub(crate) const MOVE_WAITING: &str = "UPDATE recipients SET due_at = due_at + ?1 \
    WHERE state IN ('incoming', 'deferred') AND due_at > ?2 \
    AND coalesce(waits_for, '') <> 'list_spacing' \
    AND NOT EXISTS (SELECT 1 FROM messages \
        WHERE number = recipients.message AND not_before > ?2)";

pub(crate) const MOVE_NOTICES: &str =
    "UPDATE notices SET next_at = next_at + ?1 WHERE done_at IS NULL AND next_at > ?2";

pub(crate) const NOTICES_WERE_DUE: &str = "UPDATE notices SET next_at = ?1 \
    WHERE done_at IS NULL AND next_at > ?1 AND next_at <= ?2";

/// Moves by `millis` every moment that mail, pauses, looks and notices wait
/// for, and every deadline but those of mail that is scheduled for later.
/// `before` is what the clock would show now.
///
/// The one thing here whose cost grows with what is stored: it is done in a
/// single write when somebody sets the clock, so that a kill leaves all or
/// nothing of it.
pub(crate) fn move_waits(
    tx: &mut Tx<'_>,
    millis: i64,
    before: Timestamp,
    now: Timestamp,
) -> Result<(), TxError> {
    for statement in MOVE_FEW {
        tx.execute(statement, &[millis.into()])?;
    }
    for class in MessageClass::ALL {
        let values = [millis.into(), class.as_str().into(), time(before)];
        tx.execute(MOVE_DEADLINES, &values)?;
    }
    tx.execute(MOVE_WAITING, &[millis.into(), time(before)])?;
    tx.execute(NOTICES_WERE_DUE, &[time(now), time(before)])?;
    tx.execute(MOVE_NOTICES, &[millis.into(), time(before)])?;
    Ok(())
}

/// Everything that was written until now has been put right.
pub(crate) fn remember(tx: &mut Tx<'_>, millis: i64, now: Timestamp) -> Result<(), TxError> {
    tx.execute(
        "INSERT INTO clock_steps (at, millis, last_event) \
         VALUES (?1, ?2, (SELECT coalesce(max(seq), 0) FROM events))",
        &[time(now), millis.into()],
    )?;
    tx.execute(
        "UPDATE known_clock SET ahead_millis = ahead_millis + ?1",
        &[millis.into()],
    )?;
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
