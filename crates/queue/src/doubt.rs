//! Doubt: the final dot was sent and the reply lost. It is settled by evidence,
//! else by the policy of the message's class; never by sending unawares.

use mailward_mail::{MessageId, Timestamp};
use mailward_store::TxError;

use crate::attempt::Doubt;
use crate::error::QueueError;
use crate::ledger::change::{Change, must};
use crate::ledger::recipients::RecipientRow;
use crate::ledger::{messages, recipients};
use crate::names::Actor;
use crate::queue::Queue;
use crate::schedule::{DoubtPolicy, Terms};
use crate::state::{Event, HoldReason, State};
use crate::timeline::TimelineEvent;

impl Queue {
    /// Settles the recipients of a message that are in doubt, or the one named.
    pub async fn resolve_doubt(
        &self,
        message: MessageId,
        n: Option<u32>,
        doubt: Doubt,
        by: &Actor,
    ) -> Result<(), QueueError> {
        let (now, terms, by) = (self.now(), self.terms(), by.clone());
        self.write_and_wake(move |tx| {
            let Some(row) = messages::by_id(tx, message)? else {
                return Ok(Err(QueueError::NoSuchMessage(message)));
            };
            let doubtful = recipients::of(tx, row.number)?
                .into_iter()
                .filter(|one| matches!(one.state, State::InDoubt { .. }))
                .filter(|one| n.is_none_or(|n| n == one.n));
            let mut change = Change::new(tx, now, row);
            for mut recipient in doubtful {
                settle(&mut change, &mut recipient, &doubt, &by, now, terms)?;
            }
            change.finish()?;
            Ok(Ok(()))
        })
        .await
    }
}

/// Moves a recipient that is in doubt on.
pub(crate) fn settle(
    change: &mut Change<'_, '_>,
    row: &mut RecipientRow,
    doubt: &Doubt,
    by: &Actor,
    now: Timestamp,
    terms: Terms,
) -> Result<(), TxError> {
    let retry = |by: &Actor, why: &str| {
        let note = TimelineEvent::Retried {
            by: by.clone(),
            why: why.to_owned(),
        };
        (Event::Retried { at: now }, note)
    };
    let (event, note) = match doubt {
        Doubt::FoundSent { evidence } => {
            let note = TimelineEvent::FoundSent {
                by: by.clone(),
                evidence: evidence.clone(),
            };
            (Event::FoundSent, note)
        }
        Doubt::NotSent { evidence } => retry(by, evidence),
        Doubt::Unresolved | Doubt::Unknowable { .. } => {
            match terms.of(change.message().message_class).in_doubt {
                DoubtPolicy::Retry => retry(
                    by,
                    &with_reason("its class is sent again when in doubt", doubt),
                ),
                DoubtPolicy::Hold => {
                    let reason = HoldReason::InDoubt;
                    let why = "the service may have it: a second copy is a person's decision";
                    let why = with_reason(why, doubt);
                    let note = TimelineEvent::Held {
                        reason,
                        by: by.clone(),
                        why,
                    };
                    (Event::Held { reason }, note)
                }
            }
        }
    };
    must(change.shift(row, event, Some(&note))?)
}

fn with_reason(what: &str, doubt: &Doubt) -> String {
    match doubt {
        Doubt::Unknowable { why } => format!("{what} ({why})"),
        _ => what.to_owned(),
    }
}
