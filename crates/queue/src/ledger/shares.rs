//! What was sent of late, by account and by distribution list: taken when an
//! attempt begins, given back when it surely sent nothing.

use std::collections::HashMap;

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Tx, TxError};

use crate::gates::{DAY, Gates, Limit, leaves_at, period_of};
use crate::ledger::columns::{get_time, optional_time, time};
use crate::ledger::list_turns::Addressed;
use crate::ledger::messages::Number;
use crate::ledger::recipients::RecipientRow;
use crate::ledger::{attempts, events, list_turns, recipients};
use crate::names::{AccountName, Lane};
use crate::state::AttemptId;
use crate::timeline::TimelineEvent;

/// Recipients that may not go now, and what for, until when.
pub(crate) type Waiting = Vec<(RecipientRow, Limit, Timestamp)>;

/// Parts `rows` into those that may be sent to now and those that wait.
pub(crate) fn part(
    tx: &ReadTx<'_>,
    gates: &Gates,
    lane: &Lane,
    message: Number,
    rows: Vec<RecipientRow>,
    now: Timestamp,
) -> Result<(Vec<RecipientRow>, Waiting), TxError> {
    let mut waiting = Vec::new();
    let mut free = Vec::with_capacity(rows.len());
    let mut lists = HashMap::new();
    for row in rows {
        let one = Addressed::of(message, &row);
        match list_turns::decide(tx, gates, &one, now, &mut lists)? {
            Some(until) => waiting.push((row, Limit::ListSpacing, until)),
            None => free.push(row),
        }
    }
    if let Some(room) = room_today(tx, gates, lane, now)? {
        let rest = free.split_off(free.len().min(usize::try_from(room).unwrap_or(usize::MAX)));
        if !rest.is_empty() {
            let most = gates.recipients_per_day_max.unwrap_or(u64::MAX);
            let taken = free.len() as u64;
            let until = room_at(tx, &lane.account, now, most, taken, rest.len() as u64)?;
            waiting.extend(
                rest.into_iter()
                    .map(|row| (row, Limit::RecipientsPerDay, until)),
            );
        }
    }
    Ok((free, waiting))
}

/// `None` without a limit.
fn room_today(
    tx: &ReadTx<'_>,
    gates: &Gates,
    lane: &Lane,
    now: Timestamp,
) -> Result<Option<u64>, TxError> {
    let Some(most) = gates.recipients_per_day_max else {
        return Ok(None);
    };
    if gates.routes_without_day.contains(&lane.route) {
        return Ok(None);
    }
    let sent = sent_in_last_day(tx, &lane.account, now)?;
    Ok(Some(most.saturating_sub(sent)))
}

/// The last period that has left the window at `now`.
fn last_outside(now: Timestamp) -> i64 {
    period_of(now.minus(DAY)) - 1
}

pub(crate) const SENT_SINCE: &str =
    "SELECT coalesce(sum(recipients), 0) FROM sent_recipients WHERE account = ?1 AND period > ?2";

/// How many recipients the account sent to in the window: one row for every
/// five minutes of a day at most.
pub(crate) fn sent_in_last_day(
    tx: &ReadTx<'_>,
    account: &AccountName,
    now: Timestamp,
) -> Result<u64, TxError> {
    let sent = tx.query_one(
        SENT_SINCE,
        &[account.as_str().into(), last_outside(now).into()],
        |row| row.get(0),
    )?;
    Ok(sent.unwrap_or(0))
}

pub(crate) const SENT_BY_PERIOD: &str = "SELECT period, recipients FROM sent_recipients \
    WHERE account = ?1 AND period > ?2 ORDER BY period";

/// When there is room for `wanted` more, after `taken` were taken now.
pub(crate) fn room_at(
    tx: &ReadTx<'_>,
    account: &AccountName,
    now: Timestamp,
    most: u64,
    taken: u64,
    wanted: u64,
) -> Result<Timestamp, TxError> {
    let mut periods: Vec<(i64, u64)> = tx.query(
        SENT_BY_PERIOD,
        &[account.as_str().into(), last_outside(now).into()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    periods.push((period_of(now), taken));
    let mut left: u64 = periods.iter().map(|(_, count)| count).sum();
    let wanted = wanted.min(most);
    for (period, count) in periods {
        left = left.saturating_sub(count);
        if left + wanted <= most {
            return Ok(leaves_at(period).max(now));
        }
    }
    Ok(leaves_at(period_of(now)))
}

/// When the oldest of what the account sent in the window leaves it; `None`
/// when it sent nothing.
pub(crate) fn first_leaves_at(
    tx: &ReadTx<'_>,
    account: &AccountName,
    now: Timestamp,
) -> Result<Option<Timestamp>, TxError> {
    let first = tx.query_one(
        "SELECT period FROM sent_recipients WHERE account = ?1 AND period > ?2 \
         AND recipients > 0 ORDER BY period LIMIT 1",
        &[account.as_str().into(), last_outside(now).into()],
        |row| row.get(0),
    )?;
    Ok(first.map(leaves_at))
}

/// Writes down that the attempt sends to `rows` now.
pub(crate) fn take(
    tx: &mut Tx<'_>,
    gates: &Gates,
    lane: &Lane,
    (attempt, message): (AttemptId, Number),
    rows: &[RecipientRow],
    now: Timestamp,
) -> Result<(), TxError> {
    if !gates.routes_without_day.contains(&lane.route) {
        let of_period: Option<u64> = tx.query_one(
            "INSERT INTO sent_recipients (account, period, recipients) VALUES (?1, ?2, ?3) \
             ON CONFLICT (account, period) DO UPDATE SET \
             recipients = sent_recipients.recipients + excluded.recipients \
             RETURNING recipients",
            &[
                lane.account.as_str().into(),
                period_of(now).into(),
                rows.len().into(),
            ],
            |row| row.get(0),
        )?;
        // The first of a period: what has left the window goes.
        if of_period == Some(rows.len() as u64) {
            tx.execute(
                "DELETE FROM sent_recipients WHERE account = ?1 AND period <= ?2",
                &[lane.account.as_str().into(), last_outside(now).into()],
            )?;
        }
    }
    for row in rows {
        let address = row.recipient.forward_path.address();
        if gates.is_list(address) {
            tx.execute(
                "INSERT INTO list_sends (list, sent_at, attempt) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (list) DO UPDATE SET sent_before = list_sends.sent_at, \
                 sent_at = excluded.sent_at, attempt = excluded.attempt",
                &[address.key().into(), time(now), attempt.0.into()],
            )?;
            list_turns::leave(tx, message, row.n)?;
            if let Some(spacing) = gates.list_spacing {
                list_turns::settle(tx, &address.key(), spacing, now)?;
            }
        }
    }
    Ok(())
}

/// The attempt has surely sent nothing to `rows`.
pub(crate) fn give_back(
    tx: &mut Tx<'_>,
    gates: &Gates,
    lane: &Lane,
    attempt: AttemptId,
    rows: &[&RecipientRow],
    now: Timestamp,
) -> Result<(), TxError> {
    let Some(began) = attempts::get(tx, attempt)?.map(|row| row.started_at) else {
        return Ok(());
    };
    if rows.is_empty() {
        return Ok(());
    }
    if !gates.routes_without_day.contains(&lane.route) {
        tx.execute(
            "UPDATE sent_recipients SET recipients = \
             CASE WHEN recipients > ?3 THEN recipients - ?3 ELSE 0 END \
             WHERE account = ?1 AND period = ?2",
            &[
                lane.account.as_str().into(),
                period_of(began).into(),
                rows.len().into(),
            ],
        )?;
    }
    // Whatever took the turn: the lists may be others by now.
    for row in rows {
        let list = row.recipient.forward_path.address().key();
        return_turn(tx, &list, attempt)?;
        if let Some(spacing) = gates.list_spacing {
            list_turns::settle(tx, &list, spacing, now)?;
        }
    }
    Ok(())
}

fn return_turn(tx: &mut Tx<'_>, list: &str, attempt: AttemptId) -> Result<(), TxError> {
    let taken = tx.query_one(
        "SELECT sent_before FROM list_sends WHERE list = ?1 AND attempt = ?2",
        &[list.into(), attempt.0.into()],
        |row| row.get::<Option<i64>>(0),
    )?;
    match taken {
        None => Ok(()),
        Some(None) => tx
            .execute("DELETE FROM list_sends WHERE list = ?1", &[list.into()])
            .map(drop),
        Some(Some(before)) => tx
            .execute(
                "UPDATE list_sends SET sent_at = ?2, sent_before = NULL, attempt = 0 WHERE list = ?1",
                &[
                    list.into(),
                    optional_time(Some(Timestamp::from_millis(before))),
                ],
            )
            .map(drop),
    }
}

pub(crate) const LAST_TO_LIST: &str = "SELECT sent_at FROM list_sends WHERE list = ?1";

/// When a message to the list was last begun.
pub(crate) fn last_to(tx: &ReadTx<'_>, list: &str) -> Result<Option<Timestamp>, TxError> {
    tx.query_one(LAST_TO_LIST, &[list.into()], |row| get_time(row, 0))
}

/// Writes down that a recipient waits for `limit` until then; at its first
/// wait, or when its deadline is before, its timeline says so.
pub(crate) fn postpone(
    tx: &mut Tx<'_>,
    one: &Addressed<'_>,
    deadline: Timestamp,
    limit: Limit,
    until: Timestamp,
    now: Timestamp,
) -> Result<(), TxError> {
    let (message, n) = (one.message, one.n);
    recipients::postpone(tx, message, n, limit, until)?;
    match limit {
        Limit::ListSpacing => list_turns::put(tx, one, until)?,
        Limit::RecipientsPerDay => list_turns::leave(tx, message, n)?,
    }
    // One that is in line with its turn at once has not waited yet.
    let is_first =
        one.waits_for != Some(limit) || events::last_of_kind(tx, message, n, "waits")?.is_none();
    if is_first {
        let note = TimelineEvent::Waits { limit, until };
        events::insert(tx, message, Some(n), now, &note)?;
    }
    if until >= deadline && events::last_of_kind(tx, message, n, "will_expire")?.is_none() {
        let note = TimelineEvent::WillExpire {
            limit,
            until,
            deadline,
        };
        events::insert(tx, message, Some(n), now, &note)?;
    }
    Ok(())
}

/// Adds to the recipients of a lane that wait; `change` may be negative.
pub(crate) fn add_waiting(tx: &mut Tx<'_>, lane: i64, change: i64) -> Result<(), TxError> {
    const ADD: &str = "UPDATE lanes SET waiting = waiting + ?1 WHERE number = ?2";
    tx.add_at_commit(ADD, change, &[lane.into()]);
    Ok(())
}

/// How many recipients of the account wait, on all its routes. There is one
/// row for each pair of route and account ever used.
pub(crate) fn waiting_of(tx: &ReadTx<'_>, account: &AccountName) -> Result<u64, TxError> {
    let waiting: Option<i64> = tx.query_one(
        "SELECT coalesce(sum(waiting), 0) FROM lanes WHERE account = ?1",
        &[account.as_str().into()],
        |row| row.get(0),
    )?;
    Ok(waiting.map_or(0, |waiting| u64::try_from(waiting).unwrap_or(0)))
}
