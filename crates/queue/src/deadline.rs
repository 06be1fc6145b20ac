//! Deadlines: warned of once while there is time left, then kept.
//!
//! ```text
//!   accepted (or scheduled for) ──── 75% ────▶ warned ──── 25% ────▶ expired
//!                  │                event, DSN to whom asked      DSN, callback
//!                  └── the moment of BY=…;N: event, DSN (RFC 2852)
//! ```

use mailward_mail::{MessageId, Outcome, ReversePath, Timestamp};
use mailward_store::{Tx, TxError};

use crate::error::QueueError;
use crate::ledger::change::Change;
use crate::ledger::messages::{MessageRow, Number};
use crate::ledger::recipients::RecipientRow;
use crate::ledger::{events, messages, notices, recipients};
use crate::notice::NoticeKind;
use crate::overdue::BATCH_MAX;
use crate::queue::Queue;
use crate::schedule::{MessageClass, warn_at};
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
            looked.warned += u64::from(speak(tx, &message, &rows, now)?);
        } else {
            looked.expired += expire(tx, message, rows, now)?;
        }
    }
    Ok(looked)
}

/// The first moment after `after` at which something is to be said or done
/// about a deadline; `tell_at` is the sender's own.
pub(crate) fn next_look(
    start: Timestamp,
    deadline: Timestamp,
    tell_at: Option<Timestamp>,
    after: Option<Timestamp>,
) -> Timestamp {
    let moments = [Some(warn_at(start, deadline)), tell_at];
    let ahead = moments.into_iter().flatten();
    let ahead = ahead.filter(|moment| after.is_none_or(|after| *moment > after));
    ahead.min().map_or(deadline, |first| first.min(deadline))
}

/// Tells those who want to hear of delay at the moments that have come. True
/// where it was warned of the deadline.
fn speak(
    tx: &mut Tx<'_>,
    message: &MessageRow,
    rows: &[RecipientRow],
    now: Timestamp,
) -> Result<bool, TxError> {
    let (start, deadline) = (message.start(), message.deadline_at);
    let tell_at = message.options.tell_at();
    // Moments before the one that was waited for have been dealt with.
    let has_come = |moment: Timestamp| message.check_at <= moment && moment <= now;
    let (warns, by) = (
        has_come(warn_at(start, deadline)),
        tell_at.filter(|moment| has_come(*moment)),
    );
    if warns {
        let note = TimelineEvent::DeadlineNear { deadline };
        events::insert(tx, message.number, None, now, &note)?;
        messages::set_warned(tx, message.number, now)?;
    }
    if let Some(by) = by {
        let note = TimelineEvent::DeliverByOver { by };
        events::insert(tx, message.number, None, now, &note)?;
    }
    let next = next_look(start, deadline, tell_at, Some(now));
    messages::check_again(tx, message.number, next)?;
    if warns && message.wants_callback {
        let waiting: Vec<u32> = waiting(rows).map(|row| row.n).collect();
        let (kind, outcome) = (NoticeKind::CallbackDelay, Outcome::Expired);
        notices::insert(tx, message.number, kind, outcome, &waiting, now)?;
    }
    tell_delay(tx, message, rows, by.is_some(), now)?;
    Ok(warns)
}

/// Those that have no end yet.
fn waiting(rows: &[RecipientRow]) -> impl Iterator<Item = &RecipientRow> {
    rows.iter().filter(|row| row.state.outcome().is_none())
}

/// A report of delay to the sender, of the recipients whose NOTIFY asks for
/// it; or of all but those with NEVER.
fn tell_delay(
    tx: &mut Tx<'_>,
    message: &MessageRow,
    rows: &[RecipientRow],
    of_all: bool,
    now: Timestamp,
) -> Result<(), TxError> {
    if message.reverse_path == ReversePath::Null {
        return Ok(());
    }
    let wants = |row: &&RecipientRow| {
        let notify = row.recipient.notify.unwrap_or_default();
        !notify.never && (notify.delay || of_all)
    };
    let told: Vec<u32> = waiting(rows).filter(wants).map(|row| row.n).collect();
    if told.is_empty() {
        return Ok(());
    }
    let outcome = Outcome::Expired;
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
