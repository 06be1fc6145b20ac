//! One message with all that is known of it.

use mailward_mail::{Envelope, MessageId, Outcome, Recipient, Timestamp};
use mailward_store::{BodyRef, ReadTx, TxError};

use crate::error::QueueError;
use crate::ledger::attempts::AttemptRow;
use crate::ledger::messages::MessageRow;
use crate::ledger::recipients::{NOT_BEFORE_ITS_TURN, RecipientRow};
use crate::ledger::{attempts, events, lanes, messages, recipients};
use crate::names::{ApplicationName, Lane};
use crate::queue::Queue;
use crate::schedule::MessageClass;
use crate::state::{AttemptId, HoldReason, State, StateWord};
use crate::timeline::TimelineEntry;
use crate::turn::Priority;

/// The latest events and attempts that are shown of one message.
pub(crate) const TIMELINE_SHOWN_MAX: usize = 10_000;
pub(crate) const ATTEMPTS_SHOWN_MAX: usize = 1_000;

/// A message as the ledger has it.
#[derive(Clone, Debug)]
pub struct MessageView {
    pub id: MessageId,
    pub application: ApplicationName,
    /// As chosen at acceptance.
    pub lane: Lane,
    pub received_at: Timestamp,
    pub deadline_at: Timestamp,
    /// When it is scheduled for.
    pub send_at: Option<Timestamp>,
    /// When its deadline was warned of.
    pub warned_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    /// With all recipients.
    pub envelope: Envelope,
    pub message_id: Option<String>,
    pub subject: Option<String>,
    pub size_octets: u64,
    pub message_class: MessageClass,
    pub priority: Priority,
    pub data_class: String,
    pub sequence_key: Option<String>,
    pub wants_callback: bool,
    /// Missing once it was released.
    pub body: Option<BodyRef>,
    pub recipients: Vec<RecipientView>,
    pub attempts: Vec<AttemptView>,
    pub timeline: Vec<TimelineEntry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecipientView {
    /// Counted from 1.
    pub n: u32,
    pub recipient: Recipient,
    pub state: StateWord,
    pub attempts: u32,
    /// Set while it waits to be tried; may be past.
    pub next_attempt_at: Option<Timestamp>,
    pub hold_reason: Option<HoldReason>,
    /// What the service said last, for example `550 5.1.10 …`.
    pub last_reply: Option<String>,
    pub outcome_at: Option<Timestamp>,
}

impl RecipientView {
    pub fn outcome(&self) -> Option<Outcome> {
        match self.state {
            StateWord::Ended(outcome) => Some(outcome),
            _ => None,
        }
    }
}

impl From<RecipientRow> for RecipientView {
    fn from(row: RecipientRow) -> Self {
        Self {
            n: row.n,
            recipient: row.recipient,
            state: row.state.word(),
            attempts: row.attempts,
            next_attempt_at: row.due_at.filter(|due_at| *due_at != NOT_BEFORE_ITS_TURN),
            hold_reason: match row.state {
                State::Hold { reason } => Some(reason),
                _ => None,
            },
            last_reply: row.last_reply,
            outcome_at: row.outcome_at,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct AttemptView {
    pub id: AttemptId,
    pub lane: Lane,
    pub started_at: Timestamp,
    /// Missing while it is under way.
    pub stage_reached: Option<String>,
    pub final_dot_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub reply: Option<String>,
    pub tls: Option<String>,
    pub peer: Option<String>,
}

impl Queue {
    /// Everything about one message; nothing when there is none of that id.
    pub async fn show(&self, id: MessageId) -> Result<Option<MessageView>, QueueError> {
        let view = self
            .read(move |tx| match messages::by_id(tx, id)? {
                Some(message) => view(tx, message).map(Some),
                None => Ok(None),
            })
            .await?;
        Ok(view)
    }
}

pub(crate) fn view(tx: &ReadTx<'_>, message: MessageRow) -> Result<MessageView, TxError> {
    let rows = recipients::of(tx, message.number)?;
    let attempts = attempts::of(tx, message.number, ATTEMPTS_SHOWN_MAX)?
        .into_iter()
        .map(|row| attempt_view(tx, row))
        .collect::<Result<_, _>>()?;
    Ok(MessageView {
        id: message.id,
        application: message.application,
        lane: lanes::get(tx, message.lane)?,
        received_at: message.received_at,
        deadline_at: message.deadline_at,
        send_at: message.not_before,
        warned_at: message.warned_at,
        ended_at: message.ended_at,
        envelope: message.options.envelope(
            message.reverse_path,
            rows.iter().map(|row| row.recipient.clone()).collect(),
        ),
        message_id: message.message_id,
        subject: message.subject,
        size_octets: message.size_octets,
        message_class: message.message_class,
        priority: message.priority,
        data_class: message.data_class,
        sequence_key: message.sequence_key,
        wants_callback: message.wants_callback,
        body: message.body,
        recipients: rows.into_iter().map(RecipientView::from).collect(),
        attempts,
        timeline: events::of(tx, message.number, TIMELINE_SHOWN_MAX)?,
    })
}

fn attempt_view(tx: &ReadTx<'_>, row: AttemptRow) -> Result<AttemptView, TxError> {
    Ok(AttemptView {
        id: row.id,
        lane: lanes::get(tx, row.lane)?,
        started_at: row.started_at,
        stage_reached: Some(row.stage_reached).filter(|stage| !stage.is_empty()),
        final_dot_at: row.final_dot_at,
        ended_at: row.ended_at,
        reply: row.reply,
        tls: row.tls,
        peer: row.peer,
    })
}
