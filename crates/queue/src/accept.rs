//! Acceptance: one write, and on stable storage when it returns.
//!
//! This is the hot path. Everything that can be made ready beforehand is made
//! ready in the caller's task, since all callers share the store's one writer.

use std::collections::HashMap;
use std::sync::Arc;

use mailward_mail::{MessageId, Timestamp};
use mailward_store::{BodyRef, NewBody, ReadError, ReadTx, Tx, TxError, Value, WriteError};

use crate::deadline::next_look;
use crate::error::{AcceptError, QueueError};
use crate::gates::Gates;
use crate::ledger::columns::{optional_time, time, to_json};
use crate::ledger::messages::Number;
use crate::ledger::recipients::NewRecipient;
use crate::ledger::same_text::TextKey;
use crate::ledger::step::moved;
use crate::ledger::{
    breakers, change, events, idempotency, lanes, list_turns, messages, notices, pauses,
    recipients, same_text, shares, sources, summary, suspensions,
};
use crate::message::{
    Accepted, EnvelopeOptions, HEADER_TEXT_OCTETS_MAX, IDEMPOTENCY_KEY_OCTETS_MAX, NewMessage,
    RECIPIENTS_MAX, Ruling, SameText,
};
use crate::names::ApplicationName;
use crate::notice::NoticeId;
use crate::queue::Queue;
use crate::state::{HoldReason, StateWord};
use crate::suspend::Suspension;
use crate::timeline::TimelineEvent;
use crate::turn::turn_of;

impl Queue {
    /// Keeps a message with all its recipients. When this returns, 250 or 202
    /// may be said. A known idempotency key with the same content gives the
    /// earlier message and stores nothing.
    pub async fn accept(&self, new: NewMessage, body: NewBody) -> Result<Accepted, AcceptError> {
        self.accept_with(new, body, None).await
    }

    /// As [`Queue::accept`], for a message that answers a notice (a delivery
    /// status notification, say): both are done, or neither.
    pub async fn accept_report(
        &self,
        notice: NoticeId,
        new: NewMessage,
        body: NewBody,
    ) -> Result<Accepted, AcceptError> {
        self.accept_with(new, body, Some(notice)).await
    }

    async fn accept_with(
        &self,
        new: NewMessage,
        body: NewBody,
        answers: Option<NoticeId>,
    ) -> Result<Accepted, AcceptError> {
        check(&new)?;
        if let Some(earlier) = self.repeated(&new).await? {
            return Ok(earlier);
        }
        let id = new.id;
        let lane = new.lane.clone();
        let known_lane = self.known_lane(&lane);
        // Reports are ours: who is suspended is told of failures all the same.
        let is_report = answers.is_some();
        let source_name = match is_report {
            true => ApplicationName::from(sources::REPORTS),
            false => new.application.clone(),
        };
        let (named, known_source) = (source_name.clone(), self.known_source(&source_name));
        let keyed = new.idempotency.is_some().then(|| new.clone());
        let recipients = new.envelope.recipients.len();
        self.heed_clock().await.map_err(not_put_right)?;
        let (gates, stopped) = (self.gates(), self.stopped());
        let moment = self.moment();
        let mut rows = Rows::of(new, moment.at, self.terms(), is_report);
        let accepted_at = rows.now;
        let mut alarm = self.alarm();
        alarm.without_notices();

        let written = self
            .store()
            .write(vec![body], move |tx, bodies| {
                let body = bodies.first().ok_or_else(|| TxError::abort("no body"))?;
                rows.move_by(moment.off(tx)?);
                let lane_number = match known_lane {
                    Some(number) => number,
                    None => lanes::find_or_add(tx, &rows.lane)?,
                };
                if let Some(notice) = answers {
                    rows.answer(tx, notice)?;
                }
                let source = match known_source {
                    Some(number) => number,
                    None => sources::find_or_add(tx, &named)?,
                };
                rows.count_text(tx)?;
                let inserted = rows.insert(tx, body, lane_number, source)?;
                rows.line_up(tx, inserted, &gates, stopped)?;
                Ok((lane_number, source, alarm))
            })
            .await;
        match written {
            Ok((number, source, _alarm)) => {
                self.usages().add(&lane.account, recipients, accepted_at);
                if known_lane.is_none() {
                    self.learn_lane(lane, number);
                }
                if known_source.is_none() {
                    self.learn_source(source_name, source);
                }
                Ok(Accepted {
                    id,
                    repeated: false,
                })
            }
            Err(WriteError::Aborted(reason)) if reason == NOTICE_DONE => {
                Err(AcceptError::NoticeDone)
            }
            Err(WriteError::Aborted(reason)) if reason == TEXT_REFUSED => {
                Err(AcceptError::SameText)
            }
            // Two requests with one key at the same time: the other was first.
            Err(WriteError::Conflict(reason)) => match keyed {
                Some(new) => match self.repeated(&new).await? {
                    Some(earlier) => Ok(earlier),
                    None => Err(WriteError::Conflict(reason).into()),
                },
                None => Err(WriteError::Conflict(reason).into()),
            },
            Err(other) => Err(other.into()),
        }
    }

    /// The earlier message with the same key, if its content is the same too.
    async fn repeated(&self, new: &NewMessage) -> Result<Option<Accepted>, AcceptError> {
        let Some(key) = &new.idempotency else {
            return Ok(None);
        };
        let (application, name) = (new.application.clone(), key.key.clone());
        let known = self
            .read(move |tx| {
                let Some(known) = idempotency::find(tx, &application, &name)? else {
                    return Ok(None);
                };
                Ok(Some((messages::id_of(tx, known.message)?, known.body_hash)))
            })
            .await
            .map_err(unreadable)?;
        match known {
            None => Ok(None),
            Some((id, hash)) if hash == hex(&key.body_hash) => {
                Ok(Some(Accepted { id, repeated: true }))
            }
            Some((earlier, _)) => Err(AcceptError::Conflict { earlier }),
        }
    }
}

const TEXT_REFUSED: &str = "the same text has gone to too many people";
const NOTICE_DONE: &str = "the notice has already been answered";

fn check(new: &NewMessage) -> Result<(), AcceptError> {
    let recipients = new.envelope.recipients.len();
    if recipients == 0 || recipients > RECIPIENTS_MAX {
        return Err(AcceptError::Recipients {
            max: RECIPIENTS_MAX,
        });
    }
    let key_length = new.idempotency.as_ref().map_or(1, |key| key.key.len());
    if key_length == 0 || key_length > IDEMPOTENCY_KEY_OCTETS_MAX {
        return Err(AcceptError::KeyLength {
            max: IDEMPOTENCY_KEY_OCTETS_MAX,
        });
    }
    Ok(())
}

/// A store that can not be read can not be promised anything either.
fn unreadable(error: ReadError) -> AcceptError {
    AcceptError::Store(match error {
        ReadError::Closed => WriteError::Closed,
        other => WriteError::Disk(other.to_string()),
    })
}

/// The clock was set, and what hangs on it can't be put right.
fn not_put_right(error: QueueError) -> AcceptError {
    match error {
        QueueError::Write(error) => AcceptError::Store(error),
        QueueError::Read(error) => unreadable(error),
        other => AcceptError::Store(WriteError::Disk(other.to_string())),
    }
}

/// Everything to be written but the numbers that the ledger gives.
struct Rows {
    new: NewMessage,
    now: Timestamp,
    deadline_at: Timestamp,
    /// When to look at the deadline first.
    check_at: Timestamp,
    options: String,
    lane: crate::names::Lane,
    recipients: Vec<NewRecipient>,
    /// Kind and detail.
    events: Vec<(&'static str, String)>,
    body_hash: Option<String>,
    text: Option<Text>,
}

/// A message that has its rows.
struct Inserted {
    number: Number,
    /// It may go at once, as far as it knows itself.
    is_due: bool,
}

/// A text to be counted, and its people as rows know them.
struct Text {
    key: TextKey,
    people: Vec<i64>,
    terms: SameText,
}

impl Rows {
    fn of(
        mut new: NewMessage,
        now: Timestamp,
        terms: crate::schedule::Terms,
        is_report: bool,
    ) -> Self {
        new.message_id = new.message_id.map(shorten);
        new.subject = new.subject.map(shorten);
        let recipients = (1..)
            .zip(&new.envelope.recipients)
            .map(|(n, recipient)| NewRecipient::of(n, recipient))
            .collect();
        // What is scheduled has its time from that moment on.
        new.not_before = new.not_before.filter(|first| *first > now);
        let start = new.not_before.unwrap_or(now);
        let deadline_at = new
            .deadline_at
            .unwrap_or_else(|| start.plus(terms.of(new.message_class).deadline));
        let mut options = EnvelopeOptions::of(&new.envelope, new.deliver_by);
        options.report = is_report;
        Self {
            deadline_at,
            check_at: next_look(start, deadline_at, options.tell_at(), None),
            options: to_json(&options),
            lane: new.lane.clone(),
            recipients,
            events: later_events(&new),
            text: new.same_text.take().map(|terms| Text {
                key: TextKey::new(&new.application, &terms.fingerprint),
                people: people(&new),
                terms,
            }),
            body_hash: new.idempotency.as_ref().map(|key| hex(&key.body_hash)),
            new,
            now,
        }
    }

    /// The clock was set while this was made ready. What somebody chose stays.
    fn move_by(&mut self, millis: i64) {
        self.now = moved(self.now, millis);
        if self.new.not_before.is_none() {
            self.deadline_at = moved(self.deadline_at, millis);
            self.check_at = moved(self.check_at, millis);
        }
    }

    /// Counts the people of the text, and asks its judge where they are many.
    fn count_text(&mut self, tx: &mut Tx<'_>) -> Result<(), TxError> {
        let Some(text) = &self.text else {
            return Ok(());
        };
        let window = text.terms.window;
        let counted = same_text::count(tx, text.key, &text.people, self.now, window)?;
        if counted.added == 0 || counted.people <= text.terms.people_max {
            return Ok(());
        }
        match (text.terms.judge)(counted.people) {
            Ruling::Refuse => Err(TxError::abort(TEXT_REFUSED)),
            Ruling::Accept { found, hold } => {
                self.new.found = found;
                self.new.hold = hold;
                self.events = later_events(&self.new);
                Ok(())
            }
        }
    }

    fn insert(
        &self,
        tx: &mut Tx<'_>,
        body: &BodyRef,
        lane: i64,
        source: i64,
    ) -> Result<Inserted, TxError> {
        let new = &self.new;
        let waits_for_another = match &new.sequence_key {
            Some(key) => messages::head_of_sequence(tx, &new.application, key)?.is_some(),
            None => false,
        };
        let number = self.insert_message(tx, body, lane)?;
        let hold: Option<HoldReason> = new.hold.as_ref().map(|hold| hold.reason);
        let due_at = new.not_before.unwrap_or(self.now);
        let place = recipients::Place {
            lane,
            turn: turn_of(new.message_class, new.priority),
            source,
            hold,
            due_at: (hold.is_none() && !waits_for_another).then_some(due_at),
        };
        let is_due = place.due_at.is_some_and(|due_at| due_at <= self.now);
        for recipient in &self.recipients {
            recipients::insert(tx, number, recipient, place)?;
        }
        let waiting = i64::try_from(self.recipients.len()).unwrap_or(i64::MAX);
        shares::add_waiting(tx, lane, waiting)?;
        let state = if hold.is_some() {
            StateWord::Hold
        } else {
            StateWord::Incoming
        };
        summary::add(tx, new.message_class, state, waiting)?;
        let accepted = TimelineEvent::Accepted {
            application: new.application.clone(),
            octets: body.octets(),
            recipients: self.recipients.len() as u32,
        };
        events::insert(tx, number, None, self.now, &accepted)?;
        for (kind, detail) in &self.events {
            events::insert_json(tx, number, None, self.now, kind, detail)?;
        }
        if let (Some(key), Some(hash)) = (&new.idempotency, &self.body_hash) {
            idempotency::insert(tx, &new.application, &key.key, hash, number, self.now)?;
        }
        Ok(Inserted { number, is_due })
    }

    /// Two messages to one distribution list go in the order in which they
    /// came: what is due takes its turn now.
    fn line_up(
        &self,
        tx: &mut Tx<'_>,
        inserted: Inserted,
        gates: &Gates,
        stopped: Arc<HashMap<ApplicationName, Suspension>>,
    ) -> Result<(), TxError> {
        if !inserted.is_due {
            return Ok(());
        }
        let (new, lane) = (&self.new, &self.lane);
        let stands = |tx: &ReadTx<'_>| {
            let suspended = suspensions::by_name(tx, stopped)?;
            let pauses = pauses::of_lane(tx, lane)?;
            Ok(suspended.of_lane(lane).is_some()
                || suspended.of_application(&new.application).is_some()
                || pauses.iter().any(|pause| pause.until > self.now)
                || !breakers::open_of(tx, &lane.account)?.is_empty())
        };
        let deadline = (inserted.number, self.deadline_at);
        let recipients = &new.envelope.recipients;
        list_turns::line_up(tx, gates, deadline, recipients, self.now, stands)
    }

    fn insert_message(
        &self,
        tx: &mut Tx<'_>,
        body: &BodyRef,
        lane: i64,
    ) -> Result<Number, TxError> {
        let new = &self.new;
        let values: [Value<'_>; 18] = [
            new.id.as_str().into(),
            new.application.as_str().into(),
            lane.into(),
            time(self.now),
            time(self.deadline_at),
            new.message_class.as_str().into(),
            (&new.data_class).into(),
            new.envelope.reverse_path.as_str().into(),
            (&self.options).into(),
            new.message_id.as_deref().into(),
            new.subject.as_deref().into(),
            body.octets().into(),
            (*body).into(),
            new.sequence_key.as_deref().into(),
            new.wants_callback.into(),
            i64::from(new.priority).into(),
            optional_time(new.not_before),
            time(self.check_at),
        ];
        messages::insert(tx, &values)
    }

    /// Ends the notice that this message answers.
    fn answer(&self, tx: &mut Tx<'_>, id: NoticeId) -> Result<(), TxError> {
        let notice = notices::get(tx, id)?.ok_or_else(|| TxError::abort(NOTICE_DONE))?;
        if !notices::set_done(tx, id, self.now)? {
            return Err(TxError::abort(NOTICE_DONE));
        }
        let message = messages::by_number(tx, notice.message)?;
        let sent = TimelineEvent::NoticeSent {
            notice: id.0,
            detail: self.new.id.to_string(),
        };
        for n in notice.recipients {
            events::insert(tx, message.number, Some(n), self.now, &sent)?;
        }
        change::release_body(tx, self.now, &message)
    }
}

/// The most findings that are kept of one message.
const FOUND_MAX: usize = 50;

/// What is to be told of the message beside its acceptance.
fn later_events(new: &NewMessage) -> Vec<(&'static str, String)> {
    let repairs = new.repairs.iter().map(|repair| TimelineEvent::Repaired {
        rule: repair.rule.clone(),
        change: repair.change.clone(),
    });
    let held = new.hold.iter().map(|hold| TimelineEvent::Held {
        reason: hold.reason,
        by: hold.by.clone(),
        why: hold.why.clone(),
    });
    let found = new
        .found
        .iter()
        .take(FOUND_MAX)
        .map(|found| TimelineEvent::Found {
            rule: found.rule.clone(),
            severity: found.severity.clone(),
            text: shorten(found.text.clone()),
        });
    let routed = new.routed.iter().map(|reason| TimelineEvent::Routed {
        route: new.lane.route.clone(),
        reason: reason.clone(),
    });
    routed
        .chain(repairs)
        .chain(found)
        .chain(held)
        .map(|event| (event.kind(), to_json(&event)))
        .collect()
}

fn people(new: &NewMessage) -> Vec<i64> {
    let recipients = new.envelope.recipients.iter();
    recipients
        .map(|one| same_text::person(&one.forward_path.address().key()))
        .collect()
}

fn shorten(mut text: String) -> String {
    text.truncate(text.floor_char_boundary(HEADER_TEXT_OCTETS_MAX));
    text
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// Keys older than this are forgotten: nobody repeats a request that long
/// after (`Queue::forget_idempotency_keys`).
const IDEMPOTENCY_KEPT: std::time::Duration = std::time::Duration::from_secs(7 * 24 * 3600);

/// Rows of counted texts that one round looks at.
const TEXTS_SWEPT_MAX: usize = 2_000;

impl Queue {
    /// Forgets, of counted texts, what is out of `window`: some at a time, to be
    /// called every minute or so.
    pub async fn forget_texts(&self, window: std::time::Duration) -> Result<(), QueueError> {
        let (now, place) = (self.now(), *self.swept());
        let next = self
            .write(move |tx| same_text::forget(tx, place, TEXTS_SWEPT_MAX, now, window).map(Ok))
            .await?;
        *self.swept() = next.unwrap_or(same_text::Place::START);
        Ok(())
    }

    /// Forgets old idempotency keys; to be called now and then.
    pub async fn forget_idempotency_keys(&self) -> Result<usize, QueueError> {
        let before = self.now().minus(IDEMPOTENCY_KEPT);
        self.write(move |tx| idempotency::forget_before(tx, before).map(Ok))
            .await
    }

    /// The message that an application's key stands for.
    pub async fn find_by_key(
        &self,
        application: &ApplicationName,
        key: &str,
    ) -> Result<Option<MessageId>, QueueError> {
        let (application, key) = (application.clone(), key.to_owned());
        let found = self
            .read(move |tx| match idempotency::find(tx, &application, &key)? {
                Some(known) => messages::id_of(tx, known.message).map(Some),
                None => Ok(None),
            })
            .await?;
        Ok(found)
    }
}
