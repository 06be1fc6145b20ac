//! What the deliverers call: the life of an attempt.
//!
//! ```text
//! begin_attempt ── durable, or on its way: recipients active
//!     │            killed here: surely not sent, tried again
//! record_final_dot ── durable BEFORE the dot leaves
//!     │            killed here: in doubt
//! finish_attempt ── durable: outcome or next attempt
//! ```
//!
//! Three writes, of which only the second holds up the wire: the first is on the
//! disk with the second at the latest ([`Queue::begin_attempt_ahead`]), the third
//! may run beside the next message.
//! Two would keep the promises too, with nothing written before the dot; but
//! then nobody could see what is being tried, or take it from a deliverer that
//! hangs. Marking the dot with the first write would turn every kill between
//! connecting and the dot into a doubt that a person has to settle. Attempts on
//! different connections share their syncs.

use std::collections::HashMap;
use std::sync::Arc;

use mailward_mail::{MessageId, Timestamp};
use mailward_store::{ReadTx, Tx, TxError};

use crate::attempt::{Attempt, AttemptEnd, AttemptResult, RecipientResult};
use crate::error::QueueError;
use crate::gates::Gates;
use crate::ledger::change::{self, Change, must};
use crate::ledger::list_turns::Addressed;
use crate::ledger::messages::Number;
use crate::ledger::recipients::RecipientRow;
use crate::ledger::step::Moment;
use crate::ledger::{attempts, events, lanes, messages, recipients, shares, suspensions};
use crate::looks::arise;
use crate::names::{Actor, ApplicationName, Lane};
use crate::queue::Queue;
use crate::schedule::{Jitter, next_attempt_at};
use crate::state::{AttemptId, Event, State};
use crate::suspend::Suspension;
use crate::timeline::TimelineEvent;

/// What remains to be done after an attempt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "recipients in doubt are to be looked for, or given to resolve_doubt"]
pub struct Finished {
    pub in_doubt: Vec<u32>,
    /// A look is on the schedule: they come with [`Queue::doubts_due`].
    /// Otherwise they are to be given to [`Queue::resolve_doubt`].
    pub is_looked_for: bool,
}

impl Queue {
    /// The recipients become active. All of them must be due in this lane,
    /// else [`QueueError::NotDue`] and nothing happens: another deliverer was
    /// first, or a person held or suspended them. Those for whom a limit leaves no room
    /// ([`Gates`](crate::Gates)) have no part in it and are due again when
    /// there is; if that are all, it is [`QueueError::NotDue`] too.
    pub async fn begin_attempt(
        &self,
        message: MessageId,
        recipients: &[u32],
        lane: &Lane,
    ) -> Result<Attempt, QueueError> {
        self.heed_clock().await?;
        let begin = self.beginning(message, recipients, lane);
        self.write(move |tx| begin.write(tx)).await
    }

    /// As [`Queue::begin_attempt`], but does not wait for the disk: whatever is
    /// recorded of the attempt later comes after this, so nothing is lost but
    /// an attempt that surely sent nothing. Where the record is undone, for
    /// want of room say, the later ones refuse with
    /// [`QueueError::AttemptEnded`], before the dot.
    pub async fn begin_attempt_ahead(
        &self,
        message: MessageId,
        recipients: &[u32],
        lane: &Lane,
    ) -> Result<Attempt, QueueError> {
        self.heed_clock().await?;
        let begin = self.beginning(message, recipients, lane);
        self.write_ahead(move |tx| begin.write(tx)).await
    }

    fn beginning(&self, message: MessageId, recipients: &[u32], lane: &Lane) -> Beginning {
        Beginning {
            message,
            recipients: recipients.to_vec(),
            known_lane: self.known_lane(lane),
            lane: lane.clone(),
            moment: self.moment(),
            gates: self.gates(),
            stopped: self.stopped(),
        }
    }

    /// To be awaited before the final dot is sent: from here on, without a
    /// recorded end, the recipients are in doubt. `settled` are those that
    /// the service refused or deferred at RCPT TO, and so have no part in it.
    pub async fn record_final_dot(
        &self,
        attempt: &Attempt,
        settled: Vec<RecipientResult>,
    ) -> Result<(), QueueError> {
        let (id, message, number) = (attempt.id, attempt.message, attempt.number);
        if settled.is_empty() {
            return self.record_final_dot_of_all(attempt).await;
        }
        let (now, jitter) = (self.now(), Jitter::from_dice(self.dice()));
        let (gates, lane) = (self.gates(), attempt.lane.clone());
        self.write(move |tx| {
            let mut active = match under_way(tx, id, number)? {
                Some(under_way) => under_way.active,
                None => return Ok(Err(QueueError::AttemptEnded)),
            };
            if let Some(stray) = stray(&settled, &active) {
                return Ok(Err(QueueError::NoSuchRecipient(message, stray)));
            }
            let row = messages::by_number(tx, number)?;
            let out: Vec<&RecipientRow> = active
                .iter()
                .filter(|row| settled.iter().any(|one| one.n == row.n))
                .collect();
            shares::give_back(tx, &gates, &lane, id, &out, now)?;
            let mut change = Change::new(tx, now, row);
            for one in settled {
                let Some(place) = active.iter().position(|row| row.n == one.n) else {
                    continue;
                };
                let mut recipient = active.remove(place);
                apply(&mut change, &mut recipient, id, one.result, jitter, now)?;
            }
            let left: Vec<u32> = active.iter().map(|row| row.n).collect();
            attempts::set_final_dot(change.tx(), id, number, now)?;
            change.note(
                only(&left),
                &TimelineEvent::FinalDotSent {
                    attempt: id,
                    recipients: left.clone(),
                },
            )?;
            change.finish()?;
            Ok(Ok(()))
        })
        .await
    }

    /// The common case, in which nothing has to be read: an attempt that has
    /// not ended has all its recipients, since nothing else moves them.
    async fn record_final_dot_of_all(&self, attempt: &Attempt) -> Result<(), QueueError> {
        let (id, number, now) = (attempt.id, attempt.number, self.now());
        let recipients = attempt.recipients.clone();
        self.write(move |tx| {
            if !attempts::set_final_dot(tx, id, number, now)? {
                return Ok(Err(QueueError::AttemptEnded));
            }
            let only = only(&recipients);
            let sent = TimelineEvent::FinalDotSent {
                attempt: id,
                recipients,
            };
            events::insert(tx, number, only, now, &sent)?;
            Ok(Ok(()))
        })
        .await
    }

    /// The attempt is over. A recipient that `results` does not name is in
    /// doubt if the final dot was recorded, else deferred.
    pub async fn finish_attempt(
        &self,
        attempt: Attempt,
        end: AttemptEnd,
        results: Vec<RecipientResult>,
    ) -> Result<Finished, QueueError> {
        let Attempt {
            id,
            message,
            number,
            lane,
            ..
        } = attempt;
        let (gates, looks) = (self.gates(), self.look_table());
        let (moment, jitter) = (self.moment(), Jitter::from_dice(self.dice()));
        let mut alarm = self.alarm();
        self.write(move |tx| {
            let now = moment.by_ledger(tx)?;
            let Some(under_way) = under_way(tx, id, number)? else {
                return Ok(Err(QueueError::AttemptEnded));
            };
            let UnderWay {
                dot,
                mut active,
                others,
            } = under_way;
            if let Some(stray) = stray(&results, &active) {
                return Ok(Err(QueueError::NoSuchRecipient(message, stray)));
            }
            let row = messages::by_number(tx, number)?;
            if !dot {
                let unsent: Vec<&RecipientRow> = active.iter().collect();
                shares::give_back(tx, &gates, &lane, id, &unsent, now)?;
            }
            let mut change = Change::new(tx, now, row);
            let mut results: Vec<_> = results.into_iter().map(Some).collect();
            for recipient in &mut active {
                let told = results
                    .iter_mut()
                    .find(|one| one.as_ref().is_some_and(|one| one.n == recipient.n))
                    .and_then(Option::take);
                let result = told.map_or_else(|| untold(dot, &end), |one| one.result);
                apply(&mut change, recipient, id, result, jitter, now)?;
            }
            attempts::set_end(change.tx(), id, now, &end)?;
            if !change.tells() {
                alarm.without_notices();
            }
            change.finish_with(active.iter().chain(&others))?;
            let in_doubt: Vec<u32> = active
                .iter()
                .filter(|row| row.state == State::InDoubt { attempt: id })
                .map(|row| row.n)
                .collect();
            let is_looked_for = !in_doubt.is_empty() && arise(tx, &looks, id, number, now)?;
            let finished = Finished {
                in_doubt,
                is_looked_for,
            };
            Ok(Ok((finished, alarm)))
        })
        .await
        .map(|(finished, _alarm)| finished)
        .inspect(|finished| {
            if finished.is_looked_for {
                self.doubt_arose();
            }
        })
    }
}

/// What it takes to begin an attempt.
struct Beginning {
    message: MessageId,
    recipients: Vec<u32>,
    lane: Lane,
    known_lane: Option<i64>,
    moment: Moment,
    gates: Arc<Gates>,
    stopped: Arc<HashMap<ApplicationName, Suspension>>,
}

impl Beginning {
    fn write(self, tx: &mut Tx<'_>) -> Result<Result<Attempt, QueueError>, TxError> {
        let Self {
            message,
            recipients: numbers,
            lane,
            known_lane,
            moment,
            gates,
            stopped,
        } = self;
        let now = moment.by_ledger(tx)?;
        let Some((number, class, application)) = messages::to_begin(tx, message)? else {
            return Ok(Err(QueueError::NoSuchMessage(message)));
        };
        let suspended = suspensions::by_name(tx, stopped)?;
        let mut waits = suspended.of_lane(&lane).is_some();
        if suspended.of_application(&application).is_some() {
            // Reports go: that is read where it matters alone.
            waits |= !messages::by_number(tx, number)?.options.report;
        }
        if waits {
            return Ok(Err(QueueError::NotDue(message)));
        }
        let found = match known_lane {
            Some(known) => Some(known),
            None => lanes::find(tx, &lane)?,
        };
        let Some(lane_number) = found else {
            return Ok(Err(QueueError::NotDue(message)));
        };
        let mut active = Vec::with_capacity(numbers.len());
        for n in &numbers {
            let Some(recipient) = recipients::get(tx, number, *n)? else {
                return Ok(Err(QueueError::NoSuchRecipient(message, *n)));
            };
            let is_due = recipient.due_at.is_some_and(|due_at| due_at <= now);
            if !is_due || recipient.lane != lane_number {
                return Ok(Err(QueueError::NotDue(message)));
            }
            active.push(recipient);
        }
        let (mut active, waiting) = shares::part(tx, &gates, &lane, number, active, now)?;
        if !waiting.is_empty() {
            let row = messages::by_number(tx, number)?;
            for (recipient, limit, until) in &waiting {
                let one = Addressed::of(number, recipient);
                shares::postpone(tx, &one, row.deadline_at, *limit, *until, now)?;
            }
        }
        if active.is_empty() {
            return Ok(Err(QueueError::NotDue(message)));
        }
        let numbers: Vec<u32> = active.iter().map(|recipient| recipient.n).collect();
        let attempt = attempts::insert(tx, number, lane_number, now)?;
        shares::take(tx, &gates, &lane, (attempt, number), &active, now)?;
        change::start_attempt(tx, (number, class), &mut active, attempt, now)?;
        let started = TimelineEvent::AttemptStarted {
            attempt,
            route: lane.route.clone(),
            account: lane.account.clone(),
            recipients: numbers.clone(),
        };
        events::insert(tx, number, only(&numbers), now, &started)?;
        Ok(Ok(Attempt {
            id: attempt,
            message,
            number,
            lane,
            recipients: numbers,
            started_at: now,
        }))
    }
}

/// An attempt that has not ended.
struct UnderWay {
    /// Its final dot is recorded.
    dot: bool,
    /// The message's recipients that are active in it, and all others.
    active: Vec<RecipientRow>,
    others: Vec<RecipientRow>,
}

/// Nothing once the attempt has ended.
fn under_way(
    tx: &ReadTx<'_>,
    attempt: AttemptId,
    message: Number,
) -> Result<Option<UnderWay>, TxError> {
    let row = attempts::get(tx, attempt)?;
    let Some(row) = row.filter(|row| row.message == message && row.ended_at.is_none()) else {
        return Ok(None);
    };
    let rows = recipients::of(tx, message)?;
    let (active, others) = rows
        .into_iter()
        .partition(|row| row.state == State::Active { attempt });
    Ok(Some(UnderWay {
        dot: row.final_dot_at.is_some(),
        active,
        others,
    }))
}

fn stray(results: &[RecipientResult], active: &[RecipientRow]) -> Option<u32> {
    results
        .iter()
        .map(|one| one.n)
        .find(|n| active.iter().all(|row| row.n != *n))
}

fn only(numbers: &[u32]) -> Option<u32> {
    match numbers {
        [one] => Some(*one),
        _ => None,
    }
}

fn untold(final_dot: bool, end: &AttemptEnd) -> AttemptResult {
    if final_dot {
        return AttemptResult::InDoubt {
            cause: "the attempt ended without a reply".to_owned(),
        };
    }
    let reply = end.reply.clone().unwrap_or_else(|| {
        mailward_mail::Reply::status(451, 4, 4, "the attempt ended before the message was sent")
    });
    AttemptResult::Deferred { reply, until: None }
}

fn apply(
    change: &mut Change<'_, '_>,
    row: &mut RecipientRow,
    attempt: AttemptId,
    result: AttemptResult,
    jitter: Jitter,
    now: Timestamp,
) -> Result<(), TxError> {
    let mut passed_on = None;
    let (event, note) = match result {
        AttemptResult::Relayed {
            reply,
            notify_passed_on,
        } => {
            passed_on = Some(notify_passed_on);
            let reply = reply.to_string();
            row.last_reply = Some(reply.clone());
            (Event::Relayed, TimelineEvent::Relayed { attempt, reply })
        }
        AttemptResult::Deferred { reply, until } => {
            let until = until.unwrap_or_else(|| next_attempt_at(row.attempts, now, jitter));
            let reply = reply.to_string();
            row.last_reply = Some(reply.clone());
            (
                Event::Deferred { until },
                TimelineEvent::Deferred {
                    attempt,
                    until,
                    reply,
                },
            )
        }
        AttemptResult::Postponed { reply, until } => {
            let reply = reply.to_string();
            row.last_reply = Some(reply.clone());
            (
                Event::Deferred { until: now },
                TimelineEvent::Deferred {
                    attempt,
                    until: until.unwrap_or(now),
                    reply,
                },
            )
        }
        AttemptResult::Refused {
            reply,
            tries_max,
            spacing,
        } => {
            row.refusals = row.refusals.saturating_add(1);
            if row.refusals < tries_max {
                let until = now.plus(spacing);
                let reply = reply.to_string();
                row.last_reply = Some(reply.clone());
                (
                    Event::Deferred { until },
                    TimelineEvent::Deferred {
                        attempt,
                        until,
                        reply,
                    },
                )
            } else {
                failed(row, attempt, &reply)
            }
        }
        AttemptResult::Failed { reply } => failed(row, attempt, &reply),
        AttemptResult::Held { reason, why } => {
            let by = Actor::new("delivery");
            (
                Event::Held { reason },
                TimelineEvent::Held { reason, by, why },
            )
        }
        AttemptResult::InDoubt { cause } => {
            (Event::DoubtArose, TimelineEvent::InDoubt { attempt, cause })
        }
    };
    must(change.shift(row, event, Some(&note))?)?;
    if let Some(passed_on) = passed_on {
        change.report_relayed(row, passed_on);
    }
    Ok(())
}

fn failed(
    row: &mut RecipientRow,
    attempt: AttemptId,
    reply: &mailward_mail::Reply,
) -> (Event, TimelineEvent) {
    let reply = reply.to_string();
    row.last_reply = Some(reply.clone());
    let note = TimelineEvent::Failed {
        attempt: Some(attempt),
        reply,
    };
    (Event::Failed, note)
}
