//! What people and applications do to mail that is here already. Each act
//! names who and why, and is refused where the table of moves has it not.

use mailward_mail::{MessageId, Timestamp};

use crate::error::QueueError;
use crate::ledger::change::Change;
use crate::ledger::{messages, recipients};
use crate::names::Actor;
use crate::queue::Queue;
use crate::state::{Event, HoldReason};
use crate::timeline::TimelineEvent;

/// A message, or one of its recipients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    pub message: MessageId,
    pub recipient: Option<u32>,
}

impl From<MessageId> for Target {
    fn from(message: MessageId) -> Self {
        Self {
            message,
            recipient: None,
        }
    }
}

/// What a later report says of a recipient that was relayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reported {
    Delivered,
    Failed,
}

/// Each act moves those recipients of its target that it can move, and says
/// how many. If it can move none, the first refusal is the error.
impl Queue {
    /// Tries what is deferred, or in doubt, at once.
    pub async fn retry(
        &self,
        target: impl Into<Target>,
        by: &Actor,
        why: &str,
    ) -> Result<u32, QueueError> {
        let note = TimelineEvent::Retried {
            by: by.clone(),
            why: why.to_owned(),
        };
        self.act(target.into(), note, |now| Event::Retried { at: now })
            .await
    }

    /// Withdraws what waits. The sender is not told: it is their own wish, or
    /// that of somebody who will tell them.
    pub async fn cancel(
        &self,
        target: impl Into<Target>,
        by: &Actor,
        why: &str,
    ) -> Result<u32, QueueError> {
        let note = TimelineEvent::Cancelled {
            by: by.clone(),
            why: why.to_owned(),
        };
        self.act(target.into(), note, |_| Event::Cancelled).await
    }

    /// Keeps what waits from being tried until it is released.
    pub async fn hold(
        &self,
        target: impl Into<Target>,
        by: &Actor,
        why: &str,
    ) -> Result<u32, QueueError> {
        let reason = HoldReason::Person;
        let note = TimelineEvent::Held {
            reason,
            by: by.clone(),
            why: why.to_owned(),
        };
        self.act(target.into(), note, move |_| Event::Held { reason })
            .await
    }

    /// Lets what is held be tried, at once. For what is held in doubt this is
    /// the decision to risk a second copy.
    pub async fn release(
        &self,
        target: impl Into<Target>,
        by: &Actor,
        why: &str,
    ) -> Result<u32, QueueError> {
        let note = TimelineEvent::Released {
            by: by.clone(),
            why: why.to_owned(),
        };
        self.act(target.into(), note, |now| Event::Released { at: now })
            .await
    }

    /// What is in doubt was sent after all: it is relayed, and not sent again.
    pub async fn confirm_sent(
        &self,
        target: impl Into<Target>,
        by: &Actor,
        evidence: &str,
    ) -> Result<u32, QueueError> {
        let note = TimelineEvent::FoundSent {
            by: by.clone(),
            evidence: evidence.to_owned(),
        };
        self.act(target.into(), note, |_| Event::FoundSent).await
    }

    /// A report that came later refines *relayed*. `words` are the report's.
    pub async fn report(
        &self,
        target: impl Into<Target>,
        reported: Reported,
        words: &str,
    ) -> Result<u32, QueueError> {
        let words = words.to_owned();
        match reported {
            Reported::Delivered => {
                let note = TimelineEvent::Delivered { report: words };
                self.act(target.into(), note, |_| Event::ReportedDelivered)
                    .await
            }
            Reported::Failed => {
                let note = TimelineEvent::Failed {
                    attempt: None,
                    reply: words,
                };
                self.act(target.into(), note, |_| Event::ReportedFailed)
                    .await
            }
        }
    }

    async fn act(
        &self,
        target: Target,
        note: TimelineEvent,
        event: impl FnOnce(Timestamp) -> Event + Send + 'static,
    ) -> Result<u32, QueueError> {
        let now = self.now();
        let event = event(now);
        self.write_and_wake(move |tx| {
            let message = target.message;
            let Some(row) = messages::by_id(tx, message)? else {
                return Ok(Err(QueueError::NoSuchMessage(message)));
            };
            let rows = match target.recipient {
                None => recipients::of(tx, row.number)?,
                Some(n) => match recipients::get(tx, row.number, n)? {
                    Some(one) => vec![one],
                    None => return Ok(Err(QueueError::NoSuchRecipient(message, n))),
                },
            };
            let mut change = Change::new(tx, now, row);
            let (mut moved, mut refused) = (0, None);
            for mut recipient in rows {
                match change.shift(&mut recipient, event, Some(&note))? {
                    Ok(()) => moved += 1,
                    Err(illegal) => {
                        let n = recipient.n;
                        refused.get_or_insert(QueueError::Illegal {
                            message,
                            n,
                            illegal,
                        });
                    }
                }
            }
            change.finish()?;
            Ok(match refused {
                Some(refused) if moved == 0 => Err(refused),
                _ => Ok(moved),
            })
        })
        .await
    }
}
