//! What people and applications do to mail that is here already. Each act
//! names who and why, and is refused where the table of moves has it not.

use mailward_mail::{MessageId, Timestamp};
use mailward_store::{ReadTx, Tx, TxError};

use crate::acts::{ActName, ActRecord};
use crate::error::QueueError;
use crate::ledger::change::Change;
use crate::ledger::messages::MessageRow;
use crate::ledger::recipients::RecipientRow;
use crate::ledger::{acts, messages, recipients};
use crate::names::{Actor, RouteName};
use crate::queue::Queue;
use crate::reroute::{self, RerouteJudge};
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
        self.act(ActName::Retry, target.into(), by, why).await
    }

    /// Withdraws what waits. The sender is not told: it is their own wish, or
    /// that of somebody who will tell them.
    pub async fn cancel(
        &self,
        target: impl Into<Target>,
        by: &Actor,
        why: &str,
    ) -> Result<u32, QueueError> {
        self.act(ActName::Cancel, target.into(), by, why).await
    }

    /// Keeps what waits from being tried until it is released.
    pub async fn hold(
        &self,
        target: impl Into<Target>,
        by: &Actor,
        why: &str,
    ) -> Result<u32, QueueError> {
        self.act(ActName::Hold, target.into(), by, why).await
    }

    /// Lets what is held be tried, at once. For what is held in doubt this is
    /// the decision to risk a second copy.
    pub async fn release(
        &self,
        target: impl Into<Target>,
        by: &Actor,
        why: &str,
    ) -> Result<u32, QueueError> {
        self.act(ActName::Release, target.into(), by, why).await
    }

    /// What is in doubt was sent after all: it is relayed, and not sent again.
    pub async fn confirm_sent(
        &self,
        target: impl Into<Target>,
        by: &Actor,
        evidence: &str,
    ) -> Result<u32, QueueError> {
        self.act(ActName::ConfirmSent, target.into(), by, evidence)
            .await
    }

    /// Lets what waits go by another route, as the same account. Refused with
    /// `judge`'s reason where the message may not.
    pub async fn reroute(
        &self,
        target: impl Into<Target>,
        to: &RouteName,
        judge: &RerouteJudge,
        by: &Actor,
        why: &str,
    ) -> Result<u32, QueueError> {
        let to = Some(to.clone());
        self.act_with(ActName::Reroute, target.into(), to, judge, by, why)
            .await
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
                self.refine(target.into(), Event::ReportedDelivered, note)
                    .await
            }
            Reported::Failed => {
                let note = TimelineEvent::Failed {
                    attempt: None,
                    reply: words,
                };
                self.refine(target.into(), Event::ReportedFailed, note)
                    .await
            }
        }
    }

    async fn act(
        &self,
        act: ActName,
        target: Target,
        by: &Actor,
        why: &str,
    ) -> Result<u32, QueueError> {
        self.act_with(act, target, None, &RerouteJudge::none(), by, why)
            .await
    }

    async fn act_with(
        &self,
        act: ActName,
        target: Target,
        to: Option<RouteName>,
        judge: &RerouteJudge,
        by: &Actor,
        why: &str,
    ) -> Result<u32, QueueError> {
        let (now, judge) = (self.now(), judge.clone());
        let mut record = ActRecord::new(act, now, by, why);
        record.scope = "message".to_owned();
        record.name = target.message.to_string();
        record.to_route = to;
        self.write_and_wake(move |tx| {
            let (message, rows) = match find(tx, target)? {
                Ok(found) => found,
                Err(error) => return Ok(Err(error)),
            };
            let mover = Mover {
                act,
                by: &record.by,
                why: &record.why,
                to: record.to_route.as_ref(),
                judge: &judge,
                now,
            };
            let done = act_on(tx, message, rows, &mover)?;
            if done.moved == 0
                && let Some(refusal) = done.refusal
            {
                return Ok(Err(refusal));
            }
            record.moved = u64::from(done.moved);
            record.refused = u64::from(done.refused);
            record.refusal = done.refusal.map(|refusal| refusal.to_string());
            acts::insert_ended(tx, &record)?;
            Ok(Ok(done.moved))
        })
        .await
    }

    /// What a report says is no person's act.
    async fn refine(
        &self,
        target: Target,
        event: Event,
        note: TimelineEvent,
    ) -> Result<u32, QueueError> {
        let now = self.now();
        self.write_and_wake(move |tx| {
            let (message, rows) = match find(tx, target)? {
                Ok(found) => found,
                Err(error) => return Ok(Err(error)),
            };
            let id = message.id;
            let mut change = Change::new(tx, now, message);
            let mut done = Done::default();
            for mut row in rows {
                let moved = change.shift(&mut row, event, Some(&note))?;
                done.count(moved.map_err(|illegal| QueueError::Illegal {
                    message: id,
                    n: row.n,
                    illegal,
                }));
            }
            change.finish()?;
            Ok(match done.refusal {
                Some(refusal) if done.moved == 0 => Err(refusal),
                _ => Ok(done.moved),
            })
        })
        .await
    }
}

/// The message and those recipients of it that are meant.
fn find(
    tx: &ReadTx<'_>,
    target: Target,
) -> Result<Result<(MessageRow, Vec<RecipientRow>), QueueError>, TxError> {
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
    Ok(Ok((row, rows)))
}

/// One act, as it is done to any message.
#[derive(Debug)]
pub(crate) struct Mover<'a> {
    pub(crate) act: ActName,
    pub(crate) by: &'a Actor,
    pub(crate) why: &'a str,
    /// Where to, of a re-route.
    pub(crate) to: Option<&'a RouteName>,
    pub(crate) judge: &'a RerouteJudge,
    pub(crate) now: Timestamp,
}

/// What became of the recipients.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) moved: u32,
    pub(crate) refused: u32,
    /// The first.
    pub(crate) refusal: Option<QueueError>,
}

impl Done {
    pub(crate) fn count(&mut self, moved: Result<(), QueueError>) {
        match moved {
            Ok(()) => self.moved += 1,
            Err(refusal) => {
                self.refused += 1;
                self.refusal.get_or_insert(refusal);
            }
        }
    }
}

/// Moves those of `rows` that the act can move.
pub(crate) fn act_on(
    tx: &mut Tx<'_>,
    message: MessageRow,
    rows: Vec<RecipientRow>,
    mover: &Mover<'_>,
) -> Result<Done, TxError> {
    let (by, why) = (mover.by.clone(), mover.why.to_owned());
    let at = mover.now;
    let (event, note) = match mover.act {
        ActName::Retry => (Event::Retried { at }, TimelineEvent::Retried { by, why }),
        ActName::Cancel => (Event::Cancelled, TimelineEvent::Cancelled { by, why }),
        ActName::Hold => {
            let reason = HoldReason::Person;
            let note = TimelineEvent::Held { reason, by, why };
            (Event::Held { reason }, note)
        }
        ActName::Release => (Event::Released { at }, TimelineEvent::Released { by, why }),
        ActName::ConfirmSent => {
            let evidence = why;
            (Event::FoundSent, TimelineEvent::FoundSent { by, evidence })
        }
        ActName::Reroute => return reroute::move_rows(tx, message, rows, mover),
        // They concern no message.
        ActName::Suspend | ActName::Resume => return Ok(Done::default()),
    };
    let id = message.id;
    let mut change = Change::new(tx, at, message);
    let mut done = Done::default();
    for mut row in rows {
        let moved = change.shift(&mut row, event, Some(&note))?;
        done.count(moved.map_err(|illegal| QueueError::Illegal {
            message: id,
            n: row.n,
            illegal,
        }));
    }
    change.finish()?;
    Ok(done)
}
