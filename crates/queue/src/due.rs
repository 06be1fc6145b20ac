//! What the scheduler asks: which lanes have work, what is due, when next.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, TxError};

use crate::error::QueueError;
use crate::ledger::messages::{MessageRow, Number};
use crate::ledger::{due, lanes, messages, recipients, suspensions};
use crate::message::{DueMessage, DueRecipient};
use crate::names::Lane;
use crate::queue::Queue;
use crate::turn::in_order;

/// What a lane has to send.
#[derive(Clone, Debug, Default)]
pub struct LaneLook {
    /// As [`Queue::due_after`] gives it.
    pub due: Vec<DueMessage>,
    /// As [`Queue::next_due_at`] gives it.
    pub next_at: Option<Timestamp>,
}

impl Queue {
    /// As [`Queue::due_after`], for a lane that has sent nothing yet.
    pub async fn due(
        &self,
        lane: &Lane,
        now: Timestamp,
        limit: usize,
    ) -> Result<Vec<DueMessage>, QueueError> {
        self.due_after(lane, now, limit, 0).await
    }

    /// At most `limit` messages with recipients of this lane to be tried now,
    /// in the order in which they are to go: by turn ([`crate::turn`]), then
    /// the longest overdue first. `begun` counts what the lane has begun since
    /// its start, so that each class gets its share. Nothing of what is
    /// suspended.
    pub async fn due_after(
        &self,
        lane: &Lane,
        now: Timestamp,
        limit: usize,
        begun: u64,
    ) -> Result<Vec<DueMessage>, QueueError> {
        Ok(self.look(lane, now, limit, begun).await?.due)
    }

    /// [`Queue::due_after`] and [`Queue::next_due_at`] in one look.
    pub async fn look(
        &self,
        lane: &Lane,
        now: Timestamp,
        limit: usize,
        begun: u64,
    ) -> Result<LaneLook, QueueError> {
        self.heed_clock().await?;
        let (lane, stopped) = (lane.clone(), self.stopped());
        let found = self
            .read(move |tx| {
                let Some(number) = lanes::find(tx, &lane)? else {
                    return Ok(LaneLook::default());
                };
                let suspended = suspensions::now(tx, stopped)?;
                if suspended.of_lane(&lane).is_some() {
                    return Ok(LaneLook::default());
                }
                let candidates = due::candidates(tx, number, &suspended, now, limit)?;
                let due: Vec<DueMessage> = in_order(candidates, begun, limit)
                    .into_iter()
                    .map(|message| due_message(tx, message, number, &lane, now))
                    .filter_map(Result::transpose)
                    .collect::<Result<_, _>>()?;
                let next_at = due::next_at(tx, number, &suspended)?;
                Ok(LaneLook { due, next_at })
            })
            .await?;
        Ok(found)
    }

    /// When the lane's next recipient is to be tried; may be past.
    pub async fn next_due_at(&self, lane: &Lane) -> Result<Option<Timestamp>, QueueError> {
        let (lane, stopped) = (lane.clone(), self.stopped());
        let next = self
            .read(move |tx| {
                let suspended = suspensions::now(tx, stopped)?;
                match lanes::find(tx, &lane)? {
                    Some(number) if suspended.of_lane(&lane).is_none() => {
                        due::next_at(tx, number, &suspended)
                    }
                    _ => Ok(None),
                }
            })
            .await?;
        Ok(next)
    }

    /// Every lane with something to try, now or later, and its next moment;
    /// without those that are suspended.
    pub async fn lanes_with_work(&self) -> Result<Vec<(Lane, Timestamp)>, QueueError> {
        let stopped = self.stopped();
        let work = self
            .read(move |tx| due::lanes_with_work(tx, &suspensions::now(tx, stopped)?))
            .await?;
        Ok(work)
    }
}

fn due_message(
    tx: &ReadTx<'_>,
    number: Number,
    lane_number: i64,
    lane: &Lane,
    now: Timestamp,
) -> Result<Option<DueMessage>, TxError> {
    let message = messages::by_number(tx, number)?;
    let Some(body) = message.body else {
        return Ok(None);
    };
    let recipients: Vec<DueRecipient> = recipients::of(tx, number)?
        .into_iter()
        .filter(|row| row.lane == lane_number && row.due_at.is_some_and(|due_at| due_at <= now))
        .map(|row| DueRecipient {
            n: row.n,
            recipient: row.recipient,
            attempts: row.attempts,
        })
        .collect();
    let MessageRow {
        options,
        reverse_path,
        ..
    } = message;
    let envelope = options.envelope(
        reverse_path,
        recipients.iter().map(|one| one.recipient.clone()).collect(),
    );
    Ok(Some(DueMessage {
        id: message.id,
        application: message.application,
        lane: lane.clone(),
        envelope,
        recipients,
        body,
        message_id: message.message_id,
        message_class: message.message_class,
        data_class: message.data_class,
        received_at: message.received_at,
        deadline_at: message.deadline_at,
    }))
}
