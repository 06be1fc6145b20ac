//! What time settles: attempts that a kill or a fault left without an end,
//! doubts that nobody resolved, deadlines that passed.

use std::sync::Arc;
use std::time::Duration;

use mailward_mail::Timestamp;
use mailward_store::{Tx, TxError};

use crate::attempt::{AttemptEnd, Doubt, Stage};
use crate::deadline::{self, Looked};
use crate::doubt::settle;
use crate::error::QueueError;
use crate::gates::Gates;
use crate::ledger::attempts::AttemptRow;
use crate::ledger::change::{Change, must};
use crate::ledger::doubts::{self, DoubtRow};
use crate::ledger::recipients::RecipientRow;
use crate::ledger::{attempts, lanes, messages, notices, recipients, shares};
use crate::looks::{LookTable, arise, in_doubt_by};
use crate::names::{Actor, Lane};
use crate::queue::Queue;
use crate::schedule::Terms;
use crate::state::{Event, State};
use crate::timeline::TimelineEvent;

/// No attempt is longer: 35 MB over the slowest line we know of take less. One
/// that is, is taken from whoever has it; its dot can not be recorded any more.
pub const ATTEMPT_LENGTH_MAX: Duration = Duration::from_secs(2 * 3600);

/// How long a doubt that nobody can look for may rest before the class's
/// policy settles it. Whoever put it in doubt does that at once; this is for
/// one who could not.
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
    /// Recipients held because the queue is from a backup.
    pub restored: u64,
}

/// What [`Queue::expire_overdue`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overdue {
    /// Messages whose deadline is near.
    pub warned: u64,
    pub expired: u64,
    /// Recipients taken from attempts that did not end.
    pub lost: Recovered,
    /// Recipients whose doubt was settled by their class's policy.
    pub doubts_settled: u64,
    /// Lanes with doubts that were to be looked for and could not be, and what
    /// stood in the way. A person has to be told.
    pub given_up: Vec<(Lane, String)>,
    /// There is more to do: call again.
    pub more: bool,
}

impl Queue {
    /// Settles what an earlier process left unfinished: without a final dot,
    /// tried again now; with one, in doubt: looked for where that can be done
    /// ([`Queue::look_by`]), else settled by the class's policy. Notices that
    /// it had in hand are due again. To be called once, before the first
    /// attempt.
    pub async fn recover(&self) -> Result<Recovered, QueueError> {
        self.heed_clock().await?;
        let (now, terms, gates) = (self.now(), self.terms(), self.gates());
        let looks = self.look_table();
        self.write_and_wake(move |tx| notices::hand_back(tx, now).map(Ok))
            .await?;
        let mut recovered = Recovered::default();
        loop {
            let (gates, looks) = (Arc::clone(&gates), Arc::clone(&looks));
            let step = self
                .write_and_wake(move |tx| {
                    let ever = Timestamp::from_millis(i64::MAX);
                    let lost = end_lost(tx, &gates, &looks, ever, now, terms)?;
                    let settled = settle_unlooked(tx, now, terms)?;
                    doubts::begin_patience_anew(tx, now)?;
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
        recovered.restored = self.hold_restored().await?;
        Ok(recovered)
    }

    /// The watchdog's round: to be called every minute or so. Does a bounded
    /// amount at a time and says whether there is more.
    pub async fn expire_overdue(&self, now: Timestamp) -> Result<Overdue, QueueError> {
        self.heed_clock().await?;
        self.keep_drift().await?;
        let (terms, gates, looks) = (self.terms(), self.gates(), self.look_table());
        self.write_and_wake(move |tx| {
            let before = now.minus(ATTEMPT_LENGTH_MAX);
            let lost = end_lost(tx, &gates, &looks, before, now, terms)?;
            let doubts = give_up(tx, now, terms)?;
            let Looked {
                warned,
                expired,
                more,
            } = deadline::look(tx, now)?;
            let more = more || lost.attempts == BATCH_MAX || doubts.attempts == BATCH_MAX;
            Ok(Ok(Overdue {
                warned,
                expired,
                lost: lost.found,
                doubts_settled: doubts.recipients,
                given_up: doubts.blind,
                more,
            }))
        })
        .await
        .inspect(|overdue| {
            if overdue.lost.in_doubt > 0 {
                self.doubt_arose();
            }
        })
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
    looks: &LookTable,
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
            shares::give_back(tx, gates, &lane, attempt.id, &unsent, now)?;
        }
        let is_looked_for = looks.contains_key(&lanes::get(tx, attempt.lane)?.route);
        let mut doubts = 0;
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
                if !is_looked_for {
                    settle(&mut change, &mut row, &Doubt::Unresolved, &by, now, terms)?;
                }
                doubts += 1;
            }
        }
        attempts::set_end(change.tx(), attempt.id, now, &end_of(attempt))?;
        change.finish()?;
        if doubts > 0 && is_looked_for {
            arise(tx, looks, attempt.id, attempt.message, now)?;
        }
        found.in_doubt += doubts;
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

/// Settles doubts that nobody can look for; says how many.
fn settle_unlooked(tx: &mut Tx<'_>, now: Timestamp, terms: Terms) -> Result<usize, TxError> {
    let rows = doubts::not_looked_for(tx, BATCH_MAX)?;
    for row in &rows {
        settle_all(
            tx,
            row,
            &Doubt::Unresolved,
            &Actor::new("recovery"),
            now,
            terms,
        )?;
    }
    Ok(rows.len())
}

/// What came of doubts that waited too long for a look.
struct GivenUp {
    attempts: usize,
    recipients: u64,
    /// Where somebody was to look and could not, and why.
    blind: Vec<(Lane, String)>,
}

/// Settles doubts that have waited too long for a look.
fn give_up(tx: &mut Tx<'_>, now: Timestamp, terms: Terms) -> Result<GivenUp, TxError> {
    let by = Actor::new("watchdog");
    let (mut recipients, mut blind) = (0, Vec::new());
    let rows = doubts::given_up(tx, now, BATCH_MAX)?;
    for row in &rows {
        let doubt = if row.next_look_at.is_none() {
            Doubt::Unresolved
        } else {
            let lane = lanes::get(tx, row.lane)?;
            let last = row.last_words.as_deref().unwrap_or("nobody looked");
            let minutes = row.patience.as_secs() / 60;
            let why =
                format!("its sent mail could not be looked into for {minutes} minutes: {last}");
            blind.push((lane, why.clone()));
            Doubt::Unknowable { why }
        };
        recipients += settle_all(tx, row, &doubt, &by, now, terms)?;
    }
    blind.dedup();
    Ok(GivenUp {
        attempts: rows.len(),
        recipients,
        blind,
    })
}

fn settle_all(
    tx: &mut Tx<'_>,
    row: &DoubtRow,
    doubt: &Doubt,
    by: &Actor,
    now: Timestamp,
    terms: Terms,
) -> Result<u64, TxError> {
    let doubtful = in_doubt_by(tx, row.message, row.attempt)?;
    let count = doubtful.len() as u64;
    let message = messages::by_number(tx, row.message)?;
    let mut change = Change::new(tx, now, message);
    for mut recipient in doubtful {
        settle(&mut change, &mut recipient, doubt, by, now, terms)?;
    }
    change.finish()?;
    // None of it may be left, or the next round would begin with it again.
    doubts::remove_if_settled(tx, row.message, row.attempt)?;
    Ok(count)
}
