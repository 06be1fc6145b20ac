//! Acceptance: one write, and on stable storage when it returns.
//!
//! This is the hot path. Everything that can be made ready beforehand is made
//! ready in the caller's task, since all callers share the store's one writer.

use mailward_mail::{MessageId, Timestamp};
use mailward_store::{BodyRef, NewBody, ReadError, Tx, TxError, Value, WriteError};

use crate::error::AcceptError;
use crate::ledger::columns::{time, to_json};
use crate::ledger::messages::Number;
use crate::ledger::recipients::NewRecipient;
use crate::ledger::{change, events, idempotency, lanes, messages, notices, recipients};
use crate::message::{
    Accepted, EnvelopeOptions, HEADER_TEXT_OCTETS_MAX, IDEMPOTENCY_KEY_OCTETS_MAX, NewMessage,
    RECIPIENTS_MAX,
};
use crate::notice::NoticeId;
use crate::queue::Queue;
use crate::state::HoldReason;
use crate::timeline::TimelineEvent;

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
        let keyed = new.idempotency.is_some().then(|| new.clone());
        let rows = Rows::of(new, self.now(), self.terms());
        let alarm = self.alarm();

        let written = self
            .store()
            .write(vec![body], move |tx, bodies| {
                let body = bodies.first().ok_or_else(|| TxError::abort("no body"))?;
                let lane_number = match known_lane {
                    Some(number) => number,
                    None => lanes::find_or_add(tx, &rows.lane)?,
                };
                if let Some(notice) = answers {
                    rows.answer(tx, notice)?;
                }
                rows.insert(tx, body, lane_number)?;
                Ok((lane_number, alarm))
            })
            .await;
        match written {
            Ok((number, _alarm)) => {
                if known_lane.is_none() {
                    self.learn_lane(lane, number);
                }
                Ok(Accepted {
                    id,
                    repeated: false,
                })
            }
            Err(WriteError::Aborted(reason)) if reason == NOTICE_DONE => {
                Err(AcceptError::NoticeDone)
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

/// Everything to be written but the numbers that the ledger gives.
struct Rows {
    new: NewMessage,
    now: Timestamp,
    deadline_at: Timestamp,
    options: String,
    lane: crate::names::Lane,
    recipients: Vec<NewRecipient>,
    /// Kind and detail.
    events: Vec<(&'static str, String)>,
    body_hash: Option<String>,
}

impl Rows {
    fn of(mut new: NewMessage, now: Timestamp, terms: crate::schedule::Terms) -> Self {
        new.message_id = new.message_id.map(shorten);
        new.subject = new.subject.map(shorten);
        let recipients = (1..)
            .zip(&new.envelope.recipients)
            .map(|(n, recipient)| NewRecipient::of(n, recipient))
            .collect();
        Self {
            deadline_at: new
                .deadline_at
                .unwrap_or_else(|| now.plus(terms.of(new.message_class).deadline)),
            options: to_json(&EnvelopeOptions::of(&new.envelope)),
            lane: new.lane.clone(),
            recipients,
            events: later_events(&new),
            body_hash: new.idempotency.as_ref().map(|key| hex(&key.body_hash)),
            new,
            now,
        }
    }

    fn insert(&self, tx: &mut Tx<'_>, body: &BodyRef, lane: i64) -> Result<(), TxError> {
        let new = &self.new;
        let waits_for_another = match &new.sequence_key {
            Some(key) => messages::head_of_sequence(tx, &new.application, key)?.is_some(),
            None => false,
        };
        let number = self.insert_message(tx, body, lane)?;
        let hold: Option<HoldReason> = new.hold.as_ref().map(|hold| hold.reason);
        let due_at = (hold.is_none() && !waits_for_another).then_some(self.now);
        for recipient in &self.recipients {
            recipients::insert(tx, number, lane, recipient, hold, due_at)?;
        }
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
        Ok(())
    }

    fn insert_message(
        &self,
        tx: &mut Tx<'_>,
        body: &BodyRef,
        lane: i64,
    ) -> Result<Number, TxError> {
        let new = &self.new;
        let values: [Value<'_>; 15] = [
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
    repairs
        .chain(held)
        .map(|event| (event.kind(), to_json(&event)))
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

impl Queue {
    /// Forgets old idempotency keys; to be called now and then.
    pub async fn forget_idempotency_keys(&self) -> Result<usize, crate::error::QueueError> {
        let before = self.now().minus(IDEMPOTENCY_KEPT);
        self.write(move |tx| idempotency::forget_before(tx, before).map(Ok))
            .await
    }

    /// The message that an application's key stands for.
    pub async fn find_by_key(
        &self,
        application: &crate::names::ApplicationName,
        key: &str,
    ) -> Result<Option<MessageId>, crate::error::QueueError> {
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
