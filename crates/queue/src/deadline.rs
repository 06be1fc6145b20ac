//! Deadlines: warned of once while there is time left, then kept.
//!
//! ```text
//!   accepted (or scheduled for) ──── 75% ────▶ warned ──── 25% ────▶ expired
//!                                   event, DSN to whom asked      DSN, callback
//! ```

use mailward_mail::{MessageId, ReversePath, Timestamp};
use mailward_store::{Tx, TxError};

use crate::error::QueueError;
use crate::ledger::change::Change;
use crate::ledger::messages::{MessageRow, Number};
use crate::ledger::recipients::RecipientRow;
use crate::ledger::{events, messages, notices, recipients};
use crate::notice::NoticeKind;
use crate::overdue::BATCH_MAX;
use crate::queue::Queue;
use crate::schedule::MessageClass;
use crate::state::Event;
use crate::timeline::TimelineEvent;

/// What is being tried, or in doubt, when its deadline passes is looked at
/// again after this.
const LOOK_AGAIN: std::time::Duration = std::time::Duration::from_secs(60);

/// Messages near their deadline are counted up to this.
pub const NEAR_COUNTED_MAX: usize = 10_000;

/// Open messages of one class that were warned of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearDeadline {
    /// At most [`NEAR_COUNTED_MAX`].
    pub messages: usize,
    /// The one whose deadline is the nearest.
    pub first: MessageId,
    pub deadline: Timestamp,
}

/// The message of a class that has been open for the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OldestOpen {
    pub id: MessageId,
    pub received_at: Timestamp,
    /// When it is scheduled for, where it is.
    pub not_before: Option<Timestamp>,
}

impl Queue {
    /// The messages of a class that still wait though most of their time is
    /// over; nothing where there are none.
    pub async fn near_deadline(
        &self,
        class: MessageClass,
    ) -> Result<Option<NearDeadline>, QueueError> {
        let near = self
            .read(move |tx| {
                let near = messages::near_deadline(tx, class, NEAR_COUNTED_MAX)?;
                let Some(first) = near.first() else {
                    return Ok(None);
                };
                let first = messages::by_number(tx, *first)?;
                Ok(Some(NearDeadline {
                    messages: near.len(),
                    first: first.id,
                    deadline: first.deadline_at,
                }))
            })
            .await?;
        Ok(near)
    }

    /// The open message of a class that was accepted first. One look into an
    /// index.
    pub async fn oldest_open(&self, class: MessageClass) -> Result<Option<OldestOpen>, QueueError> {
        let oldest = self
            .read(move |tx| {
                let first = messages::open_of_class(tx, class, 0, Number::MAX, 1)?;
                let Some((number, _)) = first.into_iter().next() else {
                    return Ok(None);
                };
                let message = messages::by_number(tx, number)?;
                Ok(Some(OldestOpen {
                    id: message.id,
                    received_at: message.received_at,
                    not_before: message.not_before,
                }))
            })
            .await?;
        Ok(oldest)
    }
}

/// What a round did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Looked {
    pub(crate) warned: u64,
    pub(crate) expired: u64,
    pub(crate) more: bool,
}

/// Looks at the deadlines whose time has come.
pub(crate) fn look(tx: &mut Tx<'_>, now: Timestamp) -> Result<Looked, TxError> {
    let due = messages::to_check(tx, now, BATCH_MAX)?;
    let mut looked = Looked {
        more: due.len() == BATCH_MAX,
        ..Looked::default()
    };
    for number in due {
        let message = messages::by_number(tx, number)?;
        let rows = recipients::of(tx, number)?;
        if now < message.deadline_at {
            warn(tx, &message, &rows, now)?;
            looked.warned += 1;
        } else {
            looked.expired += expire(tx, message, rows, now)?;
        }
    }
    Ok(looked)
}

/// Tells the sender, where they want to hear of delay.
fn warn(
    tx: &mut Tx<'_>,
    message: &MessageRow,
    rows: &[RecipientRow],
    now: Timestamp,
) -> Result<(), TxError> {
    let note = TimelineEvent::DeadlineNear {
        deadline: message.deadline_at,
    };
    events::insert(tx, message.number, None, now, &note)?;
    messages::set_warned(tx, message.number, now)?;
    if message.reverse_path == ReversePath::Null {
        return Ok(());
    }
    let wants = |row: &&RecipientRow| {
        let notify = row.recipient.notify.unwrap_or_default();
        !notify.never && (notify.delay || message.options.tells_delay)
    };
    let waiting = rows.iter().filter(|row| row.state.outcome().is_none());
    let told: Vec<u32> = waiting.filter(wants).map(|row| row.n).collect();
    if told.is_empty() {
        return Ok(());
    }
    let outcome = mailward_mail::Outcome::Expired;
    notices::insert(tx, message.number, NoticeKind::Delay, outcome, &told, now)
}

/// Ends what waits past its message's deadline. What is being tried, or in
/// doubt, is left until that is settled.
fn expire(
    tx: &mut Tx<'_>,
    message: MessageRow,
    rows: Vec<RecipientRow>,
    now: Timestamp,
) -> Result<u64, TxError> {
    let number = message.number;
    let note = TimelineEvent::Expired {
        deadline: message.deadline_at,
    };
    let mut expired = 0;
    let mut change = Change::new(tx, now, message);
    for mut row in rows {
        if change.shift(&mut row, Event::Expired, Some(&note))?.is_ok() {
            expired += 1;
        }
    }
    change.finish()?;
    if recipients::has_open(tx, number)? {
        messages::check_again(tx, number, now.plus(LOOK_AGAIN))?;
    }
    Ok(expired)
}
