//! Nothing without a next event: each open recipient is due at some time,
//! being tried, in doubt with a time limit, held for a person, or behind an
//! earlier message of its sequence. What is none of these is a mistake of
//! ours; it is found by index, some at a time, put right and told.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Tx, TxError};

use crate::error::QueueError;
use crate::ledger::change::{Change, must};
use crate::ledger::messages::{MessageRow, Number};
use crate::ledger::{attempts, messages, recipients};
use crate::looks::{LookTable, arise};
use crate::queue::Queue;
use crate::state::{Event, State, StateWord};
use crate::timeline::TimelineEvent;

/// Recipients of each kind that one round looks at.
const SEARCHED_MAX: usize = 500;

/// What [`Queue::mend`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mended {
    /// Recipients that waited for nothing: they are due now.
    pub woken: u64,
    /// Recipients of an attempt that had ended: due now, or in doubt.
    pub let_go: u64,
}

impl Queue {
    /// The search for what has no next event; to be called every minute or so.
    pub async fn mend(&self, now: Timestamp) -> Result<Mended, QueueError> {
        let after = *self.searched();
        let (stuck, orphans, last) = self
            .read(move |tx| {
                let seen = recipients::blocked(tx, after, SEARCHED_MAX)?;
                let last = if seen.len() < SEARCHED_MAX {
                    (0, 0)
                } else {
                    seen.last().copied().unwrap_or((0, 0))
                };
                let stuck = only(seen, |(number, _)| is_free(tx, *number))?;
                let active = recipients::in_state(tx, StateWord::Active, SEARCHED_MAX)?;
                let orphans = only(active, |(number, n)| is_orphan(tx, *number, *n))?;
                Ok((stuck, orphans, last))
            })
            .await?;
        *self.searched() = last;
        if stuck.is_empty() && orphans.is_empty() {
            return Ok(Mended::default());
        }
        let looks = self.look_table();
        self.write_and_wake(move |tx| {
            let mut mended = Mended::default();
            for (number, n) in stuck {
                mended.woken += u64::from(wake(tx, number, n, now)?);
            }
            for (number, n) in orphans {
                mended.let_go += u64::from(let_go(tx, &looks, number, n, now)?);
            }
            Ok(Ok(mended))
        })
        .await
    }
}

fn only<T>(
    all: Vec<T>,
    mut holds: impl FnMut(&T) -> Result<bool, TxError>,
) -> Result<Vec<T>, TxError> {
    let mut some = Vec::new();
    for one in all {
        if holds(&one)? {
            some.push(one);
        }
    }
    Ok(some)
}

/// Whether no earlier message of its sequence is open.
fn is_free(tx: &ReadTx<'_>, number: Number) -> Result<bool, TxError> {
    is_head(tx, &messages::by_number(tx, number)?)
}

fn is_head(tx: &ReadTx<'_>, message: &MessageRow) -> Result<bool, TxError> {
    let Some(key) = &message.sequence_key else {
        return Ok(true);
    };
    let head = messages::head_of_sequence(tx, &message.application, key)?;
    Ok(head.is_none_or(|head| head >= message.number))
}

/// Whether it is active in an attempt that has ended, or never was.
fn is_orphan(tx: &ReadTx<'_>, number: Number, n: u32) -> Result<bool, TxError> {
    match recipients::get(tx, number, n)?.map(|row| row.state) {
        Some(State::Active { attempt }) => {
            Ok(attempts::get(tx, attempt)?.is_none_or(|row| row.ended_at.is_some()))
        }
        _ => Ok(false),
    }
}

fn wake(tx: &mut Tx<'_>, number: Number, n: u32, now: Timestamp) -> Result<bool, TxError> {
    let message = messages::by_number(tx, number)?;
    let waits = |state| matches!(state, State::Incoming | State::Deferred { .. });
    let still =
        recipients::get(tx, number, n)?.is_some_and(|row| row.due_at.is_none() && waits(row.state));
    if !still || !is_head(tx, &message)? {
        return Ok(false);
    }
    recipients::wake(tx, number, message.not_earlier(now))?;
    let what = "it waited for nothing: it is due now".to_owned();
    let note = TimelineEvent::Mended { what };
    crate::ledger::events::insert(tx, number, Some(n), now, &note)?;
    Ok(true)
}

fn let_go(
    tx: &mut Tx<'_>,
    looks: &LookTable,
    number: Number,
    n: u32,
    now: Timestamp,
) -> Result<bool, TxError> {
    if !is_orphan(tx, number, n)? {
        return Ok(false);
    }
    let Some(mut row) = recipients::get(tx, number, n)? else {
        return Ok(false);
    };
    let State::Active { attempt } = row.state else {
        return Ok(false);
    };
    let dot = attempts::get(tx, attempt)?.is_some_and(|one| one.final_dot_at.is_some());
    let (event, what) = if dot {
        (
            Event::DoubtArose,
            "its attempt had ended after the final dot",
        )
    } else {
        (
            Event::Deferred { until: now },
            "its attempt had ended before the final dot",
        )
    };
    let what = what.to_owned();
    let mut change = Change::new(tx, now, messages::by_number(tx, number)?);
    must(change.shift(&mut row, event, Some(&TimelineEvent::Mended { what }))?)?;
    change.finish()?;
    if dot {
        arise(tx, looks, attempt, number, now)?;
    }
    Ok(true)
}
