//! One row for each recipient, with its state.

use mailward_mail::{Address, ForwardPath, Notify, Recipient, Timestamp};
use mailward_store::{ReadTx, Row, Tx, TxError, Value};

use crate::gates::Limit;
use crate::ledger::columns::{get_optional_time, get_parsed, optional_time, time, unreadable};
use crate::ledger::messages::Number;
use crate::state::{AttemptId, HoldReason, State, StateWord};

#[derive(Clone, Debug)]
pub(crate) struct RecipientRow {
    pub(crate) n: u32,
    pub(crate) recipient: Recipient,
    pub(crate) lane: i64,
    pub(crate) state: State,
    pub(crate) attempts: u32,
    pub(crate) due_at: Option<Timestamp>,
    /// The limit that put `due_at` where it is.
    pub(crate) waits_for: Option<Limit>,
    /// Refusals that are tried a few times before they count.
    pub(crate) refusals: u32,
    pub(crate) last_reply: Option<String>,
    pub(crate) outcome_at: Option<Timestamp>,
}

/// The next attempt of what waits behind another message of its sequence.
pub(crate) const NOT_BEFORE_ITS_TURN: Timestamp = Timestamp::from_millis(i64::MAX);

macro_rules! recipient_columns {
    () => {
        "n, forward_path, notify, orcpt, lane, state, attempts, attempt, due_at, hold_reason, \
         last_reply, outcome_at, waits_for, refusals"
    };
}

fn read(row: &Row<'_>) -> Result<RecipientRow, TxError> {
    let forward_path: String = row.get(1)?;
    let address = Address::parse(&forward_path).map_err(|error| unreadable(1, error))?;
    let notify: Option<String> = row.get(2)?;
    let due_at = get_optional_time(row, 8)?;
    Ok(RecipientRow {
        n: row.get(0)?,
        recipient: Recipient {
            forward_path: ForwardPath(address),
            notify: notify.as_deref().map(parse_notify),
            orcpt: row.get(3)?,
        },
        lane: row.get(4)?,
        state: read_state(row, due_at)?,
        attempts: row.get(6)?,
        due_at,
        waits_for: row
            .get::<Option<String>>(12)?
            .as_deref()
            .and_then(Limit::parse),
        refusals: row.get(13)?,
        last_reply: row.get(10)?,
        outcome_at: get_optional_time(row, 11)?,
    })
}

fn read_state(row: &Row<'_>, due_at: Option<Timestamp>) -> Result<State, TxError> {
    let attempt = || row.get(7).map(AttemptId);
    Ok(match get_parsed(row, 5)? {
        StateWord::Incoming => State::Incoming,
        StateWord::Active => State::Active {
            attempt: attempt()?,
        },
        StateWord::Deferred => State::Deferred {
            next_attempt_at: due_at.unwrap_or(NOT_BEFORE_ITS_TURN),
        },
        StateWord::Hold => {
            let reason: String = row.get(9)?;
            let reason = HoldReason::parse(&reason)
                .ok_or_else(|| unreadable(9, format!("{reason:?} is no reason to hold")))?;
            State::Hold { reason }
        }
        StateWord::InDoubt => State::InDoubt {
            attempt: attempt()?,
        },
        StateWord::Ended(outcome) => State::Ended(outcome),
    })
}

/// All recipients of a message, in order.
pub(crate) fn of(tx: &ReadTx<'_>, message: Number) -> Result<Vec<RecipientRow>, TxError> {
    tx.query(
        concat!(
            "SELECT ",
            recipient_columns!(),
            " FROM recipients WHERE message = ?1 ORDER BY n"
        ),
        &[message.into()],
        read,
    )
}

/// The first few, for a list.
pub(crate) fn first_of(
    tx: &ReadTx<'_>,
    message: Number,
    limit: usize,
) -> Result<Vec<RecipientRow>, TxError> {
    tx.query(
        concat!(
            "SELECT ",
            recipient_columns!(),
            " FROM recipients WHERE message = ?1 ORDER BY n LIMIT ?2"
        ),
        &[message.into(), limit.into()],
        read,
    )
}

pub(crate) fn get(
    tx: &ReadTx<'_>,
    message: Number,
    n: u32,
) -> Result<Option<RecipientRow>, TxError> {
    tx.query_one(
        concat!(
            "SELECT ",
            recipient_columns!(),
            " FROM recipients WHERE message = ?1 AND n = ?2"
        ),
        &[message.into(), n.into()],
        read,
    )
}

/// How many recipients a message has.
pub(crate) fn count(tx: &ReadTx<'_>, message: Number) -> Result<usize, TxError> {
    let count = tx.query_one(
        "SELECT count(*) FROM recipients WHERE message = ?1",
        &[message.into()],
        |row| row.get::<i64>(0),
    )?;
    Ok(count.map_or(0, |count| usize::try_from(count).unwrap_or(0)))
}

/// How many of a message's recipients are in each state.
pub(crate) fn count_by_state(
    tx: &ReadTx<'_>,
    message: Number,
) -> Result<Vec<(StateWord, u64)>, TxError> {
    tx.query(
        "SELECT state, count(*) FROM recipients WHERE message = ?1 GROUP BY state ORDER BY state",
        &[message.into()],
        |row| Ok((get_parsed(row, 0)?, row.get(1)?)),
    )
}

pub(crate) fn has_open(tx: &ReadTx<'_>, message: Number) -> Result<bool, TxError> {
    let found = tx.query_one(
        "SELECT 1 FROM recipients WHERE message = ?1 AND outcome_at IS NULL LIMIT 1",
        &[message.into()],
        |row| row.get::<i64>(0),
    )?;
    Ok(found.is_some())
}

pub(crate) const IN_STATE: &str =
    "SELECT message, n FROM recipients WHERE state = ?1 ORDER BY message LIMIT ?2";

/// Recipients in one state, oldest message first.
pub(crate) fn in_state(
    tx: &ReadTx<'_>,
    state: StateWord,
    limit: usize,
) -> Result<Vec<(Number, u32)>, TxError> {
    tx.query(IN_STATE, &[state.as_str().into(), limit.into()], |row| {
        Ok((row.get(0)?, row.get(1)?))
    })
}

/// What a new row holds.
#[derive(Debug)]
pub(crate) struct NewRecipient {
    pub(crate) n: u32,
    pub(crate) forward_path: String,
    pub(crate) notify: Option<String>,
    pub(crate) orcpt: Option<String>,
}

/// Where all recipients of a new message stand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) lane: i64,
    pub(crate) turn: i64,
    pub(crate) source: i64,
    pub(crate) hold: Option<HoldReason>,
    pub(crate) due_at: Option<Timestamp>,
}

impl NewRecipient {
    pub(crate) fn of(n: u32, recipient: &Recipient) -> Self {
        Self {
            n,
            forward_path: recipient.forward_path.address().as_str().to_owned(),
            notify: recipient.notify.map(spell_notify),
            orcpt: recipient.orcpt.clone(),
        }
    }
}

pub(crate) fn insert(
    tx: &mut Tx<'_>,
    message: Number,
    new: &NewRecipient,
    place: Place,
) -> Result<(), TxError> {
    let state = if place.hold.is_some() {
        StateWord::Hold
    } else {
        StateWord::Incoming
    };
    tx.execute(
        "INSERT INTO recipients (message, n, forward_path, notify, orcpt, lane, state, attempts, \
         due_at, hold_reason, turn, source) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?9, ?10, ?11)",
        &[
            message.into(),
            new.n.into(),
            (&new.forward_path).into(),
            new.notify.as_deref().into(),
            new.orcpt.as_deref().into(),
            place.lane.into(),
            state.as_str().into(),
            optional_time(place.due_at),
            place.hold.map(HoldReason::as_str).into(),
            place.turn.into(),
            place.source.into(),
        ],
    )?;
    Ok(())
}

/// Writes a recipient's new state. Only [`change`](super::change) calls this,
/// with a state that `step` gave.
pub(crate) fn update(
    tx: &mut Tx<'_>,
    message: Number,
    row: &RecipientRow,
    now: Timestamp,
) -> Result<(), TxError> {
    let (attempt, hold_reason) = match row.state {
        State::Active { attempt } | State::InDoubt { attempt } => (attempt.0.into(), Value::Null),
        State::Hold { reason } => (Value::Null, reason.as_str().into()),
        _ => (Value::Null, Value::Null),
    };
    let outcome_at = row.state.outcome().map(|_| now);
    tx.execute(
        "UPDATE recipients SET state = ?3, attempts = ?4, attempt = ?5, due_at = ?6, \
         hold_reason = ?7, last_reply = ?8, outcome_at = ?9, waits_for = NULL, \
         refusals = ?10 WHERE message = ?1 AND n = ?2",
        &[
            message.into(),
            row.n.into(),
            row.state.word().as_str().into(),
            row.attempts.into(),
            attempt,
            optional_time(row.due_at),
            hold_reason,
            row.last_reply.as_deref().into(),
            optional_time(outcome_at),
            row.refusals.into(),
        ],
    )?;
    Ok(())
}

/// Due again at `until`, when the limit leaves room.
pub(crate) fn postpone(
    tx: &mut Tx<'_>,
    message: Number,
    n: u32,
    limit: Limit,
    until: Timestamp,
) -> Result<(), TxError> {
    tx.execute(
        "UPDATE recipients SET due_at = ?3, waits_for = ?4 WHERE message = ?1 AND n = ?2",
        &[message.into(), n.into(), time(until), limit.as_str().into()],
    )?;
    Ok(())
}

/// Writes the lane that it was moved to, and what follows from that.
pub(crate) fn set_lane(
    tx: &mut Tx<'_>,
    message: Number,
    row: &RecipientRow,
) -> Result<(), TxError> {
    tx.execute(
        "UPDATE recipients SET lane = ?3, due_at = ?4, waits_for = ?5 \
         WHERE message = ?1 AND n = ?2",
        &[
            message.into(),
            row.n.into(),
            row.lane.into(),
            optional_time(row.due_at),
            row.waits_for.map(Limit::as_str).into(),
        ],
    )?;
    Ok(())
}

pub(crate) const BLOCKED: &str = "SELECT message, n FROM recipients \
    WHERE due_at IS NULL AND attempt IS NULL AND hold_reason IS NULL AND outcome_at IS NULL \
    AND (message, n) > (?1, ?2) \
    ORDER BY message, n LIMIT ?3";

/// Recipients that wait without a moment, after one of them.
pub(crate) fn blocked(
    tx: &ReadTx<'_>,
    after: (Number, u32),
    limit: usize,
) -> Result<Vec<(Number, u32)>, TxError> {
    let values = [after.0.into(), after.1.into(), limit.into()];
    tx.query(BLOCKED, &values, |row| Ok((row.get(0)?, row.get(1)?)))
}

/// What waited for its turn in a sequence may be tried from `now` on.
pub(crate) fn wake(tx: &mut Tx<'_>, message: Number, now: Timestamp) -> Result<(), TxError> {
    tx.execute(
        "UPDATE recipients SET due_at = ?2 WHERE message = ?1 AND due_at IS NULL \
         AND state IN ('incoming', 'deferred')",
        &[message.into(), time(now)],
    )?;
    Ok(())
}

/// NOTIFY as RFC 3461 writes it.
fn spell_notify(notify: Notify) -> String {
    let words = [
        (notify.never, "NEVER"),
        (notify.success, "SUCCESS"),
        (notify.failure, "FAILURE"),
        (notify.delay, "DELAY"),
    ];
    let words: Vec<_> = words
        .into_iter()
        .filter(|(set, _)| *set)
        .map(|(_, word)| word)
        .collect();
    words.join(",")
}

fn parse_notify(text: &str) -> Notify {
    let has = |word| text.split(',').any(|one| one == word);
    Notify {
        never: has("NEVER"),
        success: has("SUCCESS"),
        failure: has("FAILURE"),
        delay: has("DELAY"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn notify_reads_back() {
        for bits in 0..16 {
            let notify = Notify {
                never: bits & 1 != 0,
                success: bits & 2 != 0,
                failure: bits & 4 != 0,
                delay: bits & 8 != 0,
            };
            assert_eq!(parse_notify(&spell_notify(notify)), notify);
        }
    }
}
