//! What time settles: attempts that a kill or a fault left without an end,
//! doubts that nobody resolved, deadlines that passed.

use std::sync::Arc;
use std::time::Duration;

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Tx, TxError};

use crate::attempt::{AttemptEnd, Doubt, Stage};
use crate::deadline::{self, Looked};
use crate::doubt::settle;
use crate::error::QueueError;
use crate::gates::Gates;
use crate::ledger::attempts::AttemptRow;
use crate::ledger::change::{Change, must};
use crate::ledger::messages::Number;
use crate::ledger::recipients::RecipientRow;
use crate::ledger::{attempts, lanes, messages, notices, recipients, shares};
use crate::names::Actor;
use crate::queue::Queue;
use crate::schedule::Terms;
use crate::state::{Event, State, StateWord};
use crate::timeline::TimelineEvent;

/// No attempt is longer: 35 MB over the slowest line we know of take less. One
/// that is, is taken from whoever has it; its dot can not be recorded any more.
pub const ATTEMPT_LENGTH_MAX: Duration = Duration::from_secs(2 * 3600);

/// How long a doubt may rest before the class's policy settles it. Looking
/// for a message among sent mail takes seconds.
pub const DOUBT_REST_MAX: Duration = Duration::from_secs(15 * 60);

/// Messages or attempts dealt with in one write.
pub(crate) const BATCH_MAX: usize = 200;

/// What [`Queue::recover`] found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Recipients whose attempt was cut short before the final dot.
    pub interrupted: u64,
    /// Recipients whose attempt was cut short after it.
    pub in_doubt: u64,
}

/// What [`Queue::expire_overdue`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Overdue {
    /// Messages whose deadline is near.
    pub warned: u64,
    pub expired: u64,
    /// Recipients taken from attempts that did not end.
    pub lost: Recovered,
    /// Recipients whose doubt was settled by their class's policy.
    pub doubts_settled: u64,
    /// There is more to do: call again.
    pub more: bool,
}

impl Queue {
    /// Settles what an earlier process left unfinished: without a final dot,
    /// tried again now; with one, in doubt, and then by the class's policy.
    /// Notices that it had in hand are due again.
    /// To be called once, before the first attempt.
    pub async fn recover(&self) -> Result<Recovered, QueueError> {
        let (now, terms, gates) = (self.now(), self.terms(), self.gates());
        self.write_and_wake(move |tx| notices::hand_back(tx, now).map(Ok))
            .await?;
        let mut recovered = Recovered::default();
        loop {
            let gates = Arc::clone(&gates);
            let step = self
                .write_and_wake(move |tx| {
                    let ever = Timestamp::from_millis(i64::MAX);
                    let lost = end_lost(tx, &gates, ever, now, terms)?;
                    let settled = settle_doubts(tx, ever, now, terms)?;
                    Ok(Ok((lost, settled)))
                })
                .await?;
            let (lost, settled) = step;
            recovered.interrupted += lost.found.interrupted;
            recovered.in_doubt += lost.found.in_doubt;
            if lost.attempts == 0 && settled == 0 {
                break;
            }
        }
        Ok(recovered)
    }

    /// The watchdog's round: to be called every minute or so. Does a bounded
    /// amount at a time and says whether there is more.
    pub async fn expire_overdue(&self, now: Timestamp) -> Result<Overdue, QueueError> {
        let (terms, gates) = (self.terms(), self.gates());
        self.write_and_wake(move |tx| {
            let lost = end_lost(tx, &gates, now.minus(ATTEMPT_LENGTH_MAX), now, terms)?;
            let doubts_settled = settle_doubts(tx, now.minus(DOUBT_REST_MAX), now, terms)?;
            let Looked {
                warned,
                expired,
                more,
            } = deadline::look(tx, now)?;
            let more = more || lost.attempts == BATCH_MAX;
            Ok(Ok(Overdue {
                warned,
                expired,
                lost: lost.found,
                doubts_settled,
                more,
            }))
        })
        .await
    }
}

struct Lost {
    attempts: usize,
    found: Recovered,
}

/// Ends attempts that began before `started_before` and have no end.
fn end_lost(
    tx: &mut Tx<'_>,
    gates: &Gates,
    started_before: Timestamp,
    now: Timestamp,
    terms: Terms,
) -> Result<Lost, TxError> {
    let by = Actor::new("recovery");
    let lost = attempts::under_way(tx, started_before, BATCH_MAX)?;
    let mut found = Recovered::default();
    for attempt in &lost {
        let message = messages::by_number(tx, attempt.message)?;
        let rows = recipients::of(tx, attempt.message)?;
        let active = State::Active {
            attempt: attempt.id,
        };
        let rows: Vec<_> = rows.into_iter().filter(|row| row.state == active).collect();
        if attempt.final_dot_at.is_none() {
            let lane = lanes::get(tx, attempt.lane)?;
            let unsent: Vec<&RecipientRow> = rows.iter().collect();
            shares::give_back(tx, gates, &lane, attempt.id, &unsent)?;
        }
        let mut change = Change::new(tx, now, message);
        for mut row in rows {
            if attempt.final_dot_at.is_none() {
                let note = TimelineEvent::Interrupted {
                    attempt: attempt.id,
                };
                must(change.shift(&mut row, Event::Deferred { until: now }, Some(&note))?)?;
                found.interrupted += 1;
            } else {
                let cause = "the program stopped after the final dot".to_owned();
                let note = TimelineEvent::InDoubt {
                    attempt: attempt.id,
                    cause,
                };
                must(change.shift(&mut row, Event::DoubtArose, Some(&note))?)?;
                settle(&mut change, &mut row, &Doubt::Unresolved, &by, now, terms)?;
                found.in_doubt += 1;
            }
        }
        attempts::set_end(change.tx(), attempt.id, now, &end_of(attempt))?;
        change.finish()?;
    }
    Ok(Lost {
        attempts: lost.len(),
        found,
    })
}

/// How far it came is not known; the service may have counted it.
fn end_of(attempt: &AttemptRow) -> AttemptEnd {
    let dot = attempt.final_dot_at.is_some();
    AttemptEnd::at(if dot { Stage::FinalDot } else { Stage::Body })
}

/// Settles doubts whose attempt ended before the moment given; says how many.
fn settle_doubts(
    tx: &mut Tx<'_>,
    ended_before: Timestamp,
    now: Timestamp,
    terms: Terms,
) -> Result<u64, TxError> {
    let by = Actor::new("watchdog");
    let mut settled = 0;
    for (number, n) in recipients::in_state(tx, StateWord::InDoubt, BATCH_MAX)? {
        if !has_rested(tx, number, n, ended_before)? {
            continue;
        }
        let Some(mut row) = recipients::get(tx, number, n)? else {
            continue;
        };
        let message = messages::by_number(tx, number)?;
        let mut change = Change::new(tx, now, message);
        settle(&mut change, &mut row, &Doubt::Unresolved, &by, now, terms)?;
        change.finish()?;
        settled += 1;
    }
    Ok(settled)
}

fn has_rested(
    tx: &ReadTx<'_>,
    number: Number,
    n: u32,
    ended_before: Timestamp,
) -> Result<bool, TxError> {
    let Some(State::InDoubt { attempt }) = recipients::get(tx, number, n)?.map(|row| row.state)
    else {
        return Ok(false);
    };
    let ended_at = attempts::get(tx, attempt)?.and_then(|row| row.ended_at);
    Ok(ended_at.is_none_or(|ended_at| ended_at <= ended_before))
}
