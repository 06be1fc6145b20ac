//! The outbox, from the outside: who is to be told, in what words, and what
//! became of it. A notice is handed out, and handed out again later unless it
//! was finished: it is told at least once, and carries an id to tell it by.

use std::time::Duration;

use mailward_mail::{Envelope, MessageId, Outcome, Timestamp};
use mailward_store::{BodyRef, ReadTx, TxError};

use crate::error::QueueError;
use crate::ledger::notices::NoticeRow;
use crate::ledger::{change, events, messages, notices, recipients};
use crate::names::ApplicationName;
use crate::queue::Queue;
use crate::show::RecipientView;
use crate::timeline::TimelineEvent;

/// A notice that was handed out and neither finished nor deferred is handed
/// out again after this: longer than any callback or report takes.
pub const NOTICE_LEASE: Duration = Duration::from_secs(10 * 60);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct NoticeId(pub i64);

/// Who is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum NoticeKind {
    /// The sender, by a delivery status notification (RFC 3464).
    Report,
    /// The application, by its callback.
    Callback,
    /// The sender, by a delivery status notification, that their message still
    /// waits. The outcome of such a notice is the one that it warns of.
    Delay,
    /// The application, by its callback, that its message still waits though
    /// its deadline is near.
    #[serde(rename = "callback_delay")]
    CallbackDelay,
}

impl NoticeKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Report => "report",
            Self::Callback => "callback",
            Self::Delay => "delay",
            Self::CallbackDelay => "callback_delay",
        }
    }
}

impl std::str::FromStr for NoticeKind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        [
            Self::Report,
            Self::Callback,
            Self::Delay,
            Self::CallbackDelay,
        ]
        .into_iter()
        .find(|kind| kind.as_str() == text)
        .ok_or_else(|| format!("{text:?} is no kind of notice"))
    }
}

/// One outcome of one message, for the recipients that reached it together.
#[derive(Clone, Debug)]
pub struct Notice {
    pub id: NoticeId,
    pub kind: NoticeKind,
    pub outcome: Outcome,
    pub recipients: Vec<RecipientView>,
    pub made_at: Timestamp,
    /// Counting this one.
    pub tries: u32,
    pub last_error: Option<String>,
    pub message: MessageId,
    pub application: ApplicationName,
    /// Of the message, with the notice's recipients.
    pub envelope: Envelope,
    pub message_id: Option<String>,
    pub subject: Option<String>,
    pub received_at: Timestamp,
    pub deadline_at: Timestamp,
    /// When the sender wanted it to be delivered (RFC 2852).
    pub deliver_by: Option<Timestamp>,
    /// There as long as a report is open; a callback may come too late for it.
    pub body: Option<BodyRef>,
}

impl Queue {
    /// Hands out notices that are due. Each is then the caller's for
    /// [`NOTICE_LEASE`].
    pub async fn notices_due(
        &self,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<Notice>, QueueError> {
        if self.next_notice_at().await?.is_none_or(|next| next > now) {
            return Ok(Vec::new());
        }
        self.write(move |tx| {
            let due = notices::due(tx, now, limit)?;
            let mut handed_out = Vec::with_capacity(due.len());
            for mut row in due {
                notices::take(tx, row.id, now.plus(NOTICE_LEASE))?;
                row.tries += 1;
                handed_out.push(complete(tx, row)?);
            }
            Ok(Ok(handed_out))
        })
        .await
    }

    /// When the next notice is due; may be past.
    pub async fn next_notice_at(&self) -> Result<Option<Timestamp>, QueueError> {
        Ok(self.read(notices::next_due_at).await?)
    }

    /// The notice has reached its reader. `detail` is for the timeline: the
    /// report's own id, or what the callback answered.
    pub async fn finish_notice(&self, id: NoticeId, detail: &str) -> Result<(), QueueError> {
        let detail = detail.to_owned();
        self.end_notice(id, move |kind| match kind {
            NoticeKind::Report | NoticeKind::Delay => TimelineEvent::NoticeSent {
                notice: id.0,
                detail,
            },
            NoticeKind::Callback | NoticeKind::CallbackDelay => TimelineEvent::CallbackDelivered {
                notice: id.0,
                detail,
            },
        })
        .await
    }

    /// The notice can not be delivered and is given up; an alarm belongs to it.
    pub async fn abandon_notice(&self, id: NoticeId, reason: &str) -> Result<(), QueueError> {
        let detail = reason.to_owned();
        self.end_notice(id, move |_| TimelineEvent::NoticeAbandoned {
            notice: id.0,
            detail,
        })
        .await
    }

    /// Try again at `next_at`.
    pub async fn defer_notice(
        &self,
        id: NoticeId,
        next_at: Timestamp,
        error: &str,
    ) -> Result<(), QueueError> {
        let error = error.to_owned();
        self.write_and_wake(move |tx| {
            let open = notices::defer(tx, id, next_at, &error)?;
            Ok(if open {
                Ok(())
            } else {
                Err(QueueError::NoSuchNotice)
            })
        })
        .await
    }

    async fn end_notice(
        &self,
        id: NoticeId,
        event: impl FnOnce(NoticeKind) -> TimelineEvent + Send + 'static,
    ) -> Result<(), QueueError> {
        let now = self.now();
        self.write(move |tx| {
            let Some(notice) = notices::get(tx, id)?.filter(|row| row.done_at.is_none()) else {
                return Ok(Err(QueueError::NoSuchNotice));
            };
            notices::set_done(tx, id, now)?;
            let event = event(notice.kind);
            for n in notice.recipients {
                events::insert(tx, notice.message, Some(n), now, &event)?;
            }
            let message = messages::by_number(tx, notice.message)?;
            change::release_body(tx, now, &message)?;
            Ok(Ok(()))
        })
        .await
    }
}

fn complete(tx: &ReadTx<'_>, row: NoticeRow) -> Result<Notice, TxError> {
    let message = messages::by_number(tx, row.message)?;
    let mut concerned = Vec::with_capacity(row.recipients.len());
    for n in &row.recipients {
        concerned.extend(recipients::get(tx, row.message, *n)?);
    }
    let deliver_by = message.options.deliver_by.map(|by| by.at);
    let envelope = message.options.envelope(
        message.reverse_path,
        concerned.iter().map(|one| one.recipient.clone()).collect(),
    );
    Ok(Notice {
        id: row.id,
        kind: row.kind,
        outcome: row.outcome,
        recipients: concerned.into_iter().map(RecipientView::from).collect(),
        made_at: row.made_at,
        tries: row.tries,
        last_error: row.last_error,
        message: message.id,
        application: message.application,
        envelope,
        message_id: message.message_id,
        subject: message.subject,
        received_at: message.received_at,
        deadline_at: message.deadline_at,
        deliver_by,
        body: message.body,
    })
}
