//! The one place where a recipient's state is written, with everything that
//! belongs to it in the same transaction: its event, the notices its end
//! calls for, the message's own end, the next of its sequence, its body.

use std::collections::BTreeMap;

use mailward_mail::{Notify, Outcome, ReversePath, Timestamp};
use mailward_store::{BodyRef, Tx, TxError};

use crate::gates::Limit;
use crate::ledger::messages::{MessageRow, Number};
use crate::ledger::recipients::RecipientRow;
use crate::ledger::{doubts, events, list_turns, messages, notices, recipients, shares, summary};
use crate::notice::NoticeKind;
use crate::schedule::MessageClass;
use crate::state::{self, AttemptId, Event, IllegalMove, State, StateWord};
use crate::timeline::TimelineEvent;

/// Changes to one message. Ends with [`Change::finish`].
#[derive(Debug)]
pub(crate) struct Change<'c, 't> {
    tx: &'c mut Tx<'t>,
    now: Timestamp,
    message: MessageRow,
    told: BTreeMap<(NoticeKind, &'static str), (Outcome, Vec<u32>)>,
    any_ended: bool,
    /// By how many more recipients each lane waits.
    waiting: BTreeMap<i64, i64>,
    /// By how many more recipients are in each state; a message's are in few.
    tallies: Vec<(StateWord, i64)>,
}

impl<'c, 't> Change<'c, 't> {
    pub(crate) fn new(tx: &'c mut Tx<'t>, now: Timestamp, message: MessageRow) -> Self {
        Self {
            tx,
            now,
            message,
            told: BTreeMap::new(),
            any_ended: false,
            waiting: BTreeMap::new(),
            tallies: Vec::new(),
        }
    }

    pub(crate) fn message(&self) -> &MessageRow {
        &self.message
    }

    pub(crate) fn tx(&mut self) -> &mut Tx<'t> {
        self.tx
    }

    /// Writes an event of the whole message, or of several recipients at once.
    pub(crate) fn note(
        &mut self,
        recipient: Option<u32>,
        event: &TimelineEvent,
    ) -> Result<(), TxError> {
        events::insert(self.tx, self.message.number, recipient, self.now, event)
    }

    /// Moves one recipient, if the move is legal, and writes its event.
    /// Nothing is written where it is not. `row` follows.
    pub(crate) fn shift(
        &mut self,
        row: &mut RecipientRow,
        event: Event,
        note: Option<&TimelineEvent>,
    ) -> Result<Result<(), IllegalMove>, TxError> {
        let next = match state::step(row.state, event) {
            Ok(next) => next,
            Err(illegal) => return Ok(Err(illegal)),
        };
        row.due_at = match next {
            State::Deferred { next_attempt_at } if self.is_its_turn()? => {
                Some(self.message.not_earlier(next_attempt_at))
            }
            _ => None,
        };
        let change = i64::from(next.waits()) - i64::from(row.state.waits());
        *self.waiting.entry(row.lane).or_default() += change;
        self.tally(row.state.word(), -1);
        self.tally(next.word(), 1);
        let before = std::mem::replace(&mut row.state, next);
        if row.waits_for == Some(Limit::ListSpacing) {
            list_turns::leave(self.tx, self.message.number, row.n)?;
        }
        row.waits_for = None;
        recipients::update(self.tx, self.message.number, row, self.now)?;
        if let State::InDoubt { attempt } = before {
            doubts::remove_if_settled(self.tx, self.message.number, attempt)?;
        }
        if let Some(note) = note {
            self.note(Some(row.n), note)?;
        }
        if let Some(outcome) = next.outcome() {
            self.any_ended = true;
            self.tell(row, outcome, event);
        }
        Ok(Ok(()))
    }

    fn tally(&mut self, state: StateWord, change: i64) {
        match self.tallies.iter_mut().find(|(word, _)| *word == state) {
            Some((_, sum)) => *sum += change,
            None => self.tallies.push((state, change)),
        }
    }

    /// Lets a recipient that waits go by another lane.
    pub(crate) fn move_to(
        &mut self,
        row: &mut RecipientRow,
        lane: i64,
        note: &TimelineEvent,
    ) -> Result<(), TxError> {
        *self.waiting.entry(row.lane).or_default() -= 1;
        *self.waiting.entry(lane).or_default() += 1;
        row.lane = lane;
        // The day was the other lane's; a list's turn is the list's.
        if row.waits_for == Some(Limit::RecipientsPerDay) {
            row.due_at = row.due_at.map(|_| self.now);
            row.waits_for = None;
        }
        recipients::set_lane(self.tx, self.message.number, row)?;
        self.note(Some(row.n), note)
    }

    /// Whether somebody is to be told of what happened so far.
    pub(crate) fn tells(&self) -> bool {
        !self.told.is_empty()
    }

    /// Asks for a report of the hand-over where NOTIFY=SUCCESS was not passed
    /// on (RFC 3461 section 5.2.2), or the message is traced (RFC 2852).
    pub(crate) fn report_relayed(&mut self, row: &RecipientRow, passed_on: bool) {
        let notify = row.recipient.notify.unwrap_or_default();
        let traced = self.message.options.deliver_by.is_some_and(|by| by.traced);
        let asked = (notify.success && !passed_on) || (traced && !notify.never);
        if asked && self.message.reverse_path != ReversePath::Null {
            self.add_notice(NoticeKind::Report, Outcome::Relayed, row.n);
        }
    }

    fn tell(&mut self, row: &RecipientRow, outcome: Outcome, event: Event) {
        if self.message.wants_callback {
            self.add_notice(NoticeKind::Callback, outcome, row.n);
        }
        // A failure that a later report told us of has been told to the sender
        // by that very report.
        let reported = matches!(event, Event::ReportedFailed);
        if outcome.is_failure()
            && !reported
            && Notify::wants_failure(row.recipient.notify)
            && self.message.reverse_path != ReversePath::Null
        {
            self.add_notice(NoticeKind::Report, outcome, row.n);
        }
    }

    fn add_notice(&mut self, kind: NoticeKind, outcome: Outcome, n: u32) {
        self.told
            .entry((kind, outcome.as_str()))
            .or_insert((outcome, Vec::new()))
            .1
            .push(n);
    }

    /// False while an earlier message of the same sequence is open.
    fn is_its_turn(&self) -> Result<bool, TxError> {
        let Some(key) = &self.message.sequence_key else {
            return Ok(true);
        };
        let head = messages::head_of_sequence(self.tx, &self.message.application, key)?;
        Ok(head.is_none_or(|head| head >= self.message.number))
    }

    /// Writes what follows from the recipients' ends.
    pub(crate) fn finish(self) -> Result<(), TxError> {
        let may_end = self.any_ended && self.message.ended_at.is_none();
        let ends = may_end && !recipients::has_open(self.tx, self.message.number)?;
        self.finish_as(ends)
    }

    /// As [`Change::finish`], where `rows` are all recipients of the message as
    /// they are now.
    pub(crate) fn finish_with<'r>(
        self,
        mut rows: impl Iterator<Item = &'r RecipientRow>,
    ) -> Result<(), TxError> {
        let may_end = self.any_ended && self.message.ended_at.is_none();
        let ends = may_end && rows.all(|row| row.state.outcome().is_some());
        self.finish_as(ends)
    }

    fn finish_as(self, ends: bool) -> Result<(), TxError> {
        let Self {
            tx,
            now,
            message,
            told,
            waiting,
            tallies,
            ..
        } = self;
        for (lane, change) in waiting {
            if change != 0 {
                shares::add_waiting(tx, lane, change)?;
            }
        }
        for (state, change) in tallies {
            summary::add(tx, message.message_class, state, change)?;
        }
        for ((kind, _), (outcome, numbers)) in told {
            notices::insert(tx, message.number, kind, outcome, &numbers, now)?;
        }
        if !ends {
            return release_body(tx, now, &message);
        }
        match &message.body {
            Some(body) if !notices::needs_body(tx, message.number)? => {
                give_back(tx, body)?;
                messages::set_ended_without_body(tx, message.number, now)?;
                events::insert(tx, message.number, None, now, &TimelineEvent::BodyReleased)?;
            }
            _ => messages::set_ended(tx, message.number, now)?,
        }
        if let Some(key) = &message.sequence_key
            && let Some(head) = messages::head_of_sequence(tx, &message.application, key)?
        {
            let head = messages::by_number(tx, head)?;
            recipients::wake(tx, head.number, head.not_earlier(now))?;
        }
        Ok(())
    }
}

/// Makes recipients of a message active in `attempt`. Nothing else follows
/// from that, so the message itself need not be read.
pub(crate) fn start_attempt(
    tx: &mut Tx<'_>,
    (message, class): (Number, MessageClass),
    rows: &mut [RecipientRow],
    attempt: AttemptId,
    now: Timestamp,
) -> Result<(), TxError> {
    for row in rows {
        row.attempts += 1;
        let next = state::step(row.state, Event::AttemptStarted { attempt })
            .map_err(|illegal| TxError::abort(illegal.to_string()))?;
        if row.state.waits() {
            shares::add_waiting(tx, row.lane, -1)?;
        }
        summary::add(tx, class, row.state.word(), -1)?;
        summary::add(tx, class, next.word(), 1)?;
        row.state = next;
        row.due_at = None;
        if row.waits_for == Some(Limit::ListSpacing) {
            list_turns::leave(tx, message, row.n)?;
        }
        row.waits_for = None;
        recipients::update(tx, message, row, now)?;
    }
    Ok(())
}

/// Gives the body back once every recipient has its end and nobody has still
/// to be shown the message.
pub(crate) fn release_body(
    tx: &mut Tx<'_>,
    now: Timestamp,
    message: &MessageRow,
) -> Result<(), TxError> {
    let Some(body) = &message.body else {
        return Ok(());
    };
    if message.ended_at.is_none() || notices::needs_body(tx, message.number)? {
        return Ok(());
    }
    give_back(tx, body)?;
    messages::forget_body(tx, message.number)?;
    events::insert(tx, message.number, None, now, &TimelineEvent::BodyReleased)
}

/// A store that was repaired, or restored, may have lost it.
fn give_back(tx: &mut Tx<'_>, body: &BodyRef) -> Result<(), TxError> {
    match tx.release_body(body) {
        Ok(()) | Err(TxError::NoBody(_)) => Ok(()),
        Err(error) => Err(error),
    }
}

/// A move that the code before has made sure of.
pub(crate) fn must<E: std::fmt::Display>(moved: Result<(), E>) -> Result<(), TxError> {
    moved.map_err(|illegal| TxError::abort(illegal.to_string()))
}
