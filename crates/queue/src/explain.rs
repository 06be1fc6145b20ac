//! Why a message waits, for which limit, until when.

use std::fmt;
use std::sync::Arc;

use mailward_mail::{MessageId, ReversePath, Timestamp};
use mailward_store::{ReadTx, TxError};

use crate::budget::{Budget, steady, used, wall};
use crate::divert::{Diversion, FAIL_OVER};
use crate::error::QueueError;
use crate::gates::Limit;
use crate::lane::Decision;
use crate::ledger::messages::MessageRow;
use crate::ledger::recipients::RecipientRow;
use crate::ledger::suspensions::Suspended;
use crate::ledger::{
    attempts, breakers, diversions, doubts, due, events, lanes, learnt, list_turns, messages,
    pauses, recipients, suspensions,
};
use crate::looks::times;
use crate::names::{ApplicationName, Lane};
use crate::pause::{Pause, PauseCause};
use crate::queue::Queue;
use crate::state::{AttemptId, HoldReason, State, StateWord};
use crate::timeline::TimelineEvent;
use crate::turn::{Candidate, turn_of};

/// Recipients ahead are counted up to this; beyond it, "more than".
const AHEAD_COUNTED_MAX: usize = 10_000;

/// What one recipient waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitsFor {
    /// It has its end.
    Nothing,
    /// The end of the attempt under way.
    Attempt,
    /// The moment of the next attempt.
    BackOff,
    /// The time between two messages to one distribution list.
    ListSpacing,
    /// Room in the account's recipients of a day.
    RecipientsPerDay,
    /// Room in the mailbox's messages per minute, or the end of a rest that the
    /// service asked for.
    Pace,
    /// One of the mailbox's connections.
    Connection,
    /// The end of a pause of its lane, account or route.
    Pause,
    /// A credential that the service does not refuse.
    Credential,
    /// Those that are due before it, or hurry more.
    Turn,
    /// The moment that it is scheduled for.
    Schedule,
    /// A service that can be reached.
    Service,
    /// A person who resumes what is suspended.
    Suspension,
    /// An earlier message of the same sequence.
    Predecessor,
    /// Evidence whether it was sent.
    Evidence,
    /// A person's decision.
    Person,
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Explanation {
    /// The recipient's number, counted from 1.
    pub n: u32,
    pub state: StateWord,
    pub waits_for: WaitsFor,
    /// When the wait is over at the latest, where that is known.
    pub until: Option<Timestamp>,
    pub sentence: String,
}

/// What waits, and what for, as far as it may matter to its route.
#[derive(Clone, Debug)]
pub struct Way {
    pub message: MessageId,
    pub application: ApplicationName,
    pub data_class: String,
    pub reverse_path: ReversePath,
    /// Of the whole message.
    pub recipients: usize,
    pub lane: Lane,
    /// The pause that lasts longest.
    pub pause: Option<Pause>,
    /// The credential is refused.
    pub is_refused: bool,
    pub diversion: Option<Diversion>,
}

type SayWay = dyn Fn(&Way) -> Option<String> + Send + Sync;

/// Says in sentences whether such a message goes another way, and why not;
/// nothing where that is no question. Must not wait.
#[derive(Clone)]
pub struct WayOut(Arc<SayWay>);

impl WayOut {
    pub fn new(say: impl Fn(&Way) -> Option<String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(say))
    }
}

impl fmt::Debug for WayOut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WayOut")
    }
}

impl Queue {
    /// Explains every recipient of a message. `budget_of` gives the limits
    /// of a lane's mailbox, which are not the queue's to know.
    pub async fn explain(
        &self,
        id: MessageId,
        budget_of: impl Fn(&Lane) -> Budget + Send + 'static,
    ) -> Result<Vec<Explanation>, QueueError> {
        let (now, stopped, gates) = (self.now(), self.stopped(), self.gates());
        let way_out = self.way_out();
        let found = self
            .read(move |tx| {
                let Some(message) = messages::by_id(tx, id)? else {
                    return Ok(None);
                };
                let rows = recipients::of(tx, message.number)?;
                let suspended = suspensions::now(tx, stopped)?;
                let explain = Explain {
                    tx,
                    suspended: &suspended,
                    now,
                    message: &message,
                    budget_of: &budget_of,
                    without_day: &|lane| gates.routes_without_day.contains(&lane.route),
                    way_out: way_out.as_deref(),
                    diversions: diversions::all(tx)?,
                    recipients: rows.len(),
                };
                let explained: Result<Vec<_>, _> =
                    rows.iter().map(|row| explain.recipient(row)).collect();
                explained.map(Some)
            })
            .await?;
        found.ok_or(QueueError::NoSuchMessage(id))
    }
}

struct Explain<'a, 't> {
    tx: &'a ReadTx<'t>,
    now: Timestamp,
    message: &'a MessageRow,
    suspended: &'a Suspended,
    budget_of: &'a dyn Fn(&Lane) -> Budget,
    /// Whether the account's day does not hold for the lane's route.
    without_day: &'a dyn Fn(&Lane) -> bool,
    way_out: Option<&'a WayOut>,
    diversions: Vec<Diversion>,
    recipients: usize,
}

type Reason = (WaitsFor, Option<Timestamp>, String);

impl Explain<'_, '_> {
    fn recipient(&self, row: &RecipientRow) -> Result<Explanation, TxError> {
        let (waits_for, until, sentence) = match row.state {
            State::Ended(outcome) => {
                let at = row
                    .outcome_at
                    .map(|at| format!(" at {at}"))
                    .unwrap_or_default();
                let reply = row
                    .last_reply
                    .as_deref()
                    .map(|reply| format!(" (last reply: {reply})"))
                    .unwrap_or_default();
                let sentence = format!("It ended as {outcome}{at}{reply}.");
                (WaitsFor::Nothing, None, sentence)
            }
            State::Active { attempt } => {
                let since = attempts::get(self.tx, attempt)?.map(|attempt| attempt.started_at);
                let since = since
                    .map(|since| format!(" since {since}"))
                    .unwrap_or_default();
                (
                    WaitsFor::Attempt,
                    None,
                    format!("An attempt is under way{since}."),
                )
            }
            State::InDoubt { attempt } => self.in_doubt(attempt)?,
            State::Hold { reason } => self.held(row, reason)?,
            State::Incoming | State::Deferred { .. } => self.waiting(row)?,
        };
        let sentence = self
            .moved(row)?
            .map_or_else(|| sentence.clone(), |moved| format!("{sentence} {moved}"));
        Ok(Explanation {
            n: row.n,
            state: row.state.word(),
            waits_for,
            until,
            sentence,
        })
    }

    /// By which way it came here, where that is not its own.
    fn moved(&self, row: &RecipientRow) -> Result<Option<String>, TxError> {
        let (message, n) = (self.message.number, row.n);
        if let Some(TimelineEvent::Rerouted { from, to, by, why }) =
            events::last_of_kind(self.tx, message, n, "rerouted")?
            && by.as_str() == FAIL_OVER
        {
            return Ok(Some(format!("It was moved from {from} to {to}: {why}.")));
        }
        match events::last_of_kind(self.tx, message, n, "routed")? {
            Some(TimelineEvent::Routed { route, reason }) => Ok(Some(format!(
                "Its route was chosen when it came, {route}: {reason}."
            ))),
            _ => Ok(None),
        }
    }

    /// What is said of other ways, after `reason`.
    fn another_way(
        &self,
        lane: &Lane,
        pause: Option<Pause>,
        is_refused: bool,
        (waits_for, until, sentence): Reason,
    ) -> Reason {
        let Some(way_out) = self.way_out else {
            return (waits_for, until, sentence);
        };
        let way = Way {
            message: self.message.id,
            application: self.message.application.clone(),
            data_class: self.message.data_class.clone(),
            reverse_path: self.message.reverse_path.clone(),
            recipients: self.recipients,
            lane: lane.clone(),
            pause,
            is_refused,
            diversion: self
                .diversions
                .iter()
                .find(|one| one.from == *lane)
                .cloned(),
        };
        let sentence = match (way_out.0)(&way) {
            Some(more) => format!("{sentence} {more}"),
            None => sentence,
        };
        (waits_for, until, sentence)
    }

    fn in_doubt(&self, attempt: AttemptId) -> Result<Reason, TxError> {
        let lost = "The reply to the final dot was lost: the service may have it.";
        let Some(doubt) = doubts::get(self.tx, attempt)? else {
            return Ok((WaitsFor::Evidence, None, lost.to_owned()));
        };
        let Some(next) = doubt.next_look_at else {
            let until = doubt.give_up_at;
            let sentence = format!("{lost} Nobody can look for it: its class decides by {until}.");
            return Ok((WaitsFor::Evidence, Some(until), sentence));
        };
        let account = lanes::get(self.tx, doubt.lane)?.account;
        let last = match &doubt.last_words {
            Some(words) => format!(" ({words})"),
            None => String::new(),
        };
        let looked = match doubt.looks {
            0 => format!("Not yet looked into the sent mail of {account}{last}"),
            looks => format!(
                "Looked {} into the sent mail of {account}{last}",
                times(looks)
            ),
        };
        let sentence = format!("{lost} {looked}; the next look is at {next}.");
        Ok((WaitsFor::Evidence, Some(next), sentence))
    }

    fn held(&self, row: &RecipientRow, reason: HoldReason) -> Result<Reason, TxError> {
        let about = match reason {
            HoldReason::Approval => "A rule asks for a person's approval",
            HoldReason::Screening => "It could not be screened",
            HoldReason::InDoubt => "It may have been sent already",
            HoldReason::Configuration => "The configuration has to be put right",
            HoldReason::Person => "A person holds it",
            HoldReason::Restored => {
                "The queue was restored from a backup, so it may have been sent"
            }
            HoldReason::Damaged => "Its text on the disk is damaged, so it can't be sent",
        };
        let detail = match events::last_of_kind(self.tx, self.message.number, row.n, "held")? {
            Some(TimelineEvent::Held { by, why, .. }) => format!(" ({by}: {why})"),
            _ => String::new(),
        };
        let remedy = match reason {
            HoldReason::InDoubt | HoldReason::Restored => {
                "confirm that it was sent, release it to send again, or cancel it"
            }
            HoldReason::Damaged => "have the application send it again, and cancel it",
            _ => "release it or cancel it",
        };
        let deadline = self.message.deadline_at;
        let sentence = format!("{about}{detail}: {remedy}. It expires at {deadline}.");
        Ok((WaitsFor::Person, Some(deadline), sentence))
    }

    /// The first of the reasons that hold, in the order in which they bind.
    fn waiting(&self, row: &RecipientRow) -> Result<Reason, TxError> {
        let lane = lanes::get(self.tx, row.lane)?;
        if let Some(reason) = self.suspension(&lane) {
            return Ok(reason);
        }
        let Some(due_at) = row.due_at else {
            return self.predecessor();
        };
        if due_at > self.now {
            if self.message.not_before == Some(due_at) && row.attempts == 0 {
                return Ok(self.scheduled(due_at));
            }
            return match row.waits_for {
                Some(limit) => self.gate(row, limit, due_at),
                None => Ok(self.back_off(row, due_at)),
            };
        }
        if let Some(reason) = self.breaker(&lane)? {
            return Ok(reason);
        }
        if let Some(reason) = self.pause(&lane)? {
            return Ok(reason);
        }
        if let Some(reason) = self.limits(&lane)? {
            return Ok(reason);
        }
        let ahead = due::count_ahead(
            self.tx,
            row.lane,
            self.suspended,
            Candidate {
                message: self.message.number,
                turn: turn_of(self.message.message_class, self.message.priority),
                due_at: due_at.as_millis(),
            },
            self.now,
            AHEAD_COUNTED_MAX,
        )?;
        let deadline = format!("It expires at {}.", self.message.deadline_at);
        let turn = self.turn();
        let sentence = match ahead {
            0 => format!("It is due and the next to go out by {lane}. {deadline}"),
            _ if ahead as usize == AHEAD_COUNTED_MAX => {
                format!(
                    "It is due, with more than {ahead} recipients before it in {lane}. {turn} {deadline}"
                )
            }
            _ => {
                format!("It is due, with {ahead} recipients before it in {lane}. {turn} {deadline}")
            }
        };
        Ok((WaitsFor::Turn, None, sentence))
    }

    /// What decides its place.
    fn turn(&self) -> String {
        let (class, priority) = (
            self.message.message_class.as_str(),
            self.message.priority.get(),
        );
        match priority {
            0 => format!("Its class is {class}: urgent goes first, bulk last."),
            _ => format!(
                "Its class is {class}, with priority {priority} within it: urgent goes first, \
                 bulk last."
            ),
        }
    }

    fn suspension(&self, lane: &Lane) -> Option<Reason> {
        let one = self
            .suspended
            .of_message(self.message)
            .or_else(|| self.suspended.of_lane(lane))?;
        let (scope, by, since, why) = (&one.scope, &one.by, one.since, &one.why);
        let deadline = self.message.deadline_at;
        let sentence = format!(
            "The {scope} is suspended since {since} ({by}: {why}): nothing is sent until it is \
             resumed. Cancel the message if that will not be; it expires at {deadline}."
        );
        Some((WaitsFor::Suspension, Some(deadline), sentence))
    }

    fn scheduled(&self, at: Timestamp) -> Reason {
        let deadline = self.message.deadline_at;
        let sentence = format!(
            "It is scheduled for {at}; it can be cancelled until then. It expires at {deadline}."
        );
        (WaitsFor::Schedule, Some(at), sentence)
    }

    fn predecessor(&self) -> Result<Reason, TxError> {
        let key = self.message.sequence_key.as_deref().unwrap_or_default();
        let deadline = self.message.deadline_at;
        let head = messages::head_of_sequence(self.tx, &self.message.application, key)?;
        let (earlier, stands) = match head {
            Some(head) => {
                let states = recipients::count_by_state(self.tx, head)?;
                let open = states.iter().filter(|(state, _)| !state.is_end());
                let open: Vec<_> = open.map(|(state, _)| state.as_str()).collect();
                let id = messages::id_of(self.tx, head)?;
                (
                    id.to_string(),
                    format!("has not ended ({})", open.join(", ")),
                )
            }
            None => ("an earlier message".to_owned(), "has not ended".to_owned()),
        };
        let sentence = format!(
            "Its sequence {key:?} goes out in order, and {earlier} {stands}: settle or cancel \
             that one first. This one expires at {deadline}."
        );
        Ok((WaitsFor::Predecessor, Some(deadline), sentence))
    }

    fn gate(&self, row: &RecipientRow, limit: Limit, until: Timestamp) -> Result<Reason, TxError> {
        let deadline = self.message.deadline_at;
        let (waits_for, about) = match limit {
            Limit::ListSpacing => {
                let list = row.recipient.forward_path.address();
                let ahead =
                    list_turns::count_before(self.tx, &list.key(), until, AHEAD_COUNTED_MAX)?;
                let others = match ahead {
                    0 => "its turn is next".to_owned(),
                    1 => "one message is before it".to_owned(),
                    _ => format!("{ahead} messages are before it"),
                };
                let about = format!(
                    "{list} is a distribution list that had a message too short a time ago, and \
                     {others}"
                );
                (WaitsFor::ListSpacing, about)
            }
            Limit::RecipientsPerDay => {
                let account = lanes::get(self.tx, row.lane)?.account;
                let about =
                    format!("{account} has sent to as many recipients as it may in 24 hours");
                (WaitsFor::RecipientsPerDay, about)
            }
        };
        let end = match until >= deadline {
            true => "before that: cancel it, or hold what is before it",
            false => "if it waits on",
        };
        let sentence = format!(
            "{about} (limit {}): it is due again at {until}. It expires at {deadline}, {end}.",
            limit.as_str()
        );
        let lane = lanes::get(self.tx, row.lane)?;
        let reason = (waits_for, Some(until), sentence);
        Ok(self.another_way(&lane, None, false, reason))
    }

    fn back_off(&self, row: &RecipientRow, due_at: Timestamp) -> Reason {
        let tries = match row.attempts {
            0 => "It has not been tried".to_owned(),
            1 => "The attempt did not succeed".to_owned(),
            n => format!("{n} attempts did not succeed"),
        };
        let reply = row
            .last_reply
            .as_deref()
            .map(|reply| format!(" ({reply})"))
            .unwrap_or_default();
        let deadline = self.message.deadline_at;
        let sentence =
            format!("{tries}{reply}: the next is due at {due_at}. It expires at {deadline}.");
        (WaitsFor::BackOff, Some(due_at), sentence)
    }

    fn breaker(&self, lane: &Lane) -> Result<Option<Reason>, TxError> {
        let open = breakers::open_of(self.tx, &lane.account)?;
        let Some(crate::breaker::BreakerState::Open { since, reply }) = open
            .into_iter()
            .find(|record| !record.credential.is_for_reading())
            .map(|record| record.state)
        else {
            return Ok(None);
        };
        let account = &lane.account;
        let sentence = format!(
            "The service refused the credential of {account} at {since} ({reply}). Nothing is \
             tried until there is a new one or a person closes the breaker."
        );
        let reason = (WaitsFor::Credential, None, sentence);
        Ok(Some(self.another_way(lane, None, true, reason)))
    }

    /// The pause that lasts longest.
    fn pause(&self, lane: &Lane) -> Result<Option<Reason>, TxError> {
        let without_day = (self.without_day)(lane);
        let found = pauses::of_lane(self.tx, lane)?;
        let longest = found
            .into_iter()
            .filter(|pause| !(without_day && pause.key.route.is_none()))
            .max_by_key(|pause| pause.until);
        let Some(pause) = longest else {
            return Ok(None);
        };
        let Lane { route, account } = lane;
        let about = match pause.cause {
            PauseCause::Day => {
                format!("{account} has sent to as many recipients as it may in 24 hours")
            }
            PauseCause::Account => format!("the service refuses {account} on {route}"),
            PauseCause::Route => format!("the service refuses everybody on route {route}"),
            PauseCause::Down => format!("{lane} could not be used"),
        };
        let deadline = self.message.deadline_at;
        let (since, until, reply) = (pause.since, pause.until, &pause.reply);
        let then = if until > self.now {
            format!("One message tries again at {until}, and the rest follows when it gets through")
        } else {
            "One message tries now, and the rest follows when it gets through".to_owned()
        };
        let sentence = format!(
            "It is due, but since {since} {about} ({reply}). {then}. It expires at {deadline}."
        );
        let waits_for = match pause.cause {
            PauseCause::Down => WaitsFor::Service,
            _ => WaitsFor::Pause,
        };
        let reason = (waits_for, Some(until), sentence);
        Ok(Some(self.another_way(lane, Some(pause), false, reason)))
    }

    /// The mailbox's own limits, which all of its lanes use up together.
    fn limits(&self, lane: &Lane) -> Result<Option<Reason>, TxError> {
        let budget = (self.budget_of)(lane);
        let account = &budget.account;
        let record = learnt::get(self.tx, &budget.name)?;
        let kept = record.as_ref().map(|record| budget.restore(record.learnt));
        let limits = kept.map_or(budget.limits, |kept| budget.limits_after(&kept));
        let lowered = |allowed: u32, most: u32| match &record {
            Some(record) if allowed < most => {
                format!(
                    " ({most} as configured; fewer since the service said {:?})",
                    record.reply
                )
            }
            _ => String::new(),
        };
        if let Some(record) = &record
            && let Some(until) = record.rest_until.filter(|until| *until > self.now)
        {
            let sentence = format!(
                "The service asked the mailbox {account} to slow down ({}): nothing is sent to \
                 it before {until}.",
                record.reply
            );
            return Ok(Some((WaitsFor::Pace, Some(until), sentence)));
        }
        let most = limits.messages_max.unwrap_or(0);
        let used = used(self.tx, &budget, self.now, most as usize)?;
        let connections = limits.connections_max;
        if used.under_way >= connections {
            let sentence = format!(
                "The mailbox {account} may have {connections} connections at one time{}, by all \
                 of its routes together, and all are in use.",
                lowered(connections, budget.limits.connections_max)
            );
            return Ok(Some((WaitsFor::Connection, None, sentence)));
        }
        match used.pace(limits, self.now).request(steady(self.now)) {
            Decision::WaitUntil(until) => {
                let until = wall(until);
                let seconds = limits.window.as_secs();
                let configured = budget.limits.messages_max.unwrap_or(most);
                let sentence = format!(
                    "The mailbox {account} has sent the {most} messages it may send in {seconds} \
                     seconds{}, by all of its routes together: there is room again at {until}.",
                    lowered(most, configured)
                );
                Ok(Some((WaitsFor::Pace, Some(until), sentence)))
            }
            Decision::Permit | Decision::WaitForEnd => Ok(None),
        }
    }
}
