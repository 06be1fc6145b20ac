//! A queue from a backup: what it has open may have been sent since, so it is
//! held for a person, all of it, before anything is sent.

use mailward_mail::Timestamp;
use mailward_store::{Tx, TxError};

use crate::error::QueueError;
use crate::ledger::change::{Change, must};
use crate::ledger::{messages, recipients};
use crate::names::Actor;
use crate::queue::Queue;
use crate::schedule::Terms;
use crate::state::{Event, HoldReason, StateWord};
use crate::timeline::TimelineEvent;

/// Recipients in each state that are held in one write: at the start, when
/// nobody else writes.
const BATCH_MAX: usize = 2_000;

impl Queue {
    /// Holds everything that waits, if the store is a copy of which this was
    /// not yet done; says how many recipients. Killed between, it goes on at
    /// the next start. Deadlines begin anew: time has passed that nobody had.
    pub(crate) async fn hold_restored(&self) -> Result<u64, QueueError> {
        let Some(copied_at) = self.store().copied_at().await? else {
            return Ok(0);
        };
        let (now, terms) = (self.now(), self.terms());
        let why = format!(
            "restored from the backup of {}",
            Timestamp::from_millis(copied_at)
        );
        let mut held = 0;
        loop {
            let why = why.clone();
            let some = self
                .write(move |tx| {
                    let some = hold_some(tx, now, terms, &why)?;
                    if some == 0 {
                        tx.forget_copy()?;
                    }
                    Ok(Ok(some))
                })
                .await?;
            held += some;
            if some == 0 {
                return Ok(held);
            }
        }
    }
}

fn hold_some(tx: &mut Tx<'_>, now: Timestamp, terms: Terms, why: &str) -> Result<u64, TxError> {
    let reason = HoldReason::Restored;
    let note = TimelineEvent::Held {
        reason,
        by: Actor::new("restore"),
        why: why.to_owned(),
    };
    let mut held = 0;
    for state in [StateWord::Incoming, StateWord::Deferred] {
        let waiting = recipients::in_state(tx, state, BATCH_MAX)?;
        // They come by message: one change, and one look at it, for each.
        for of_message in waiting.chunk_by(|one, next| one.0 == next.0) {
            let number = of_message[0].0;
            let message = messages::by_number(tx, number)?;
            let deadline = now.plus(terms.of(message.message_class).deadline);
            if message.deadline_at < deadline {
                messages::set_deadline(tx, number, deadline)?;
            }
            let mut change = Change::new(tx, now, message);
            for (number, n) in of_message {
                let Some(mut row) = recipients::get(change.tx(), *number, *n)? else {
                    continue;
                };
                must(change.shift(&mut row, Event::Held { reason }, Some(&note))?)?;
                held += 1;
            }
            change.finish()?;
        }
    }
    Ok(held)
}
