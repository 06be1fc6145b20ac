//! The timeline's rows.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Tx, TxError};

use crate::ledger::columns::{get_json, get_time, time, to_json};
use crate::ledger::messages::Number;
use crate::looks::Submission;
use crate::timeline::{TimelineEntry, TimelineEvent};

pub(crate) fn insert(
    tx: &mut Tx<'_>,
    message: Number,
    recipient: Option<u32>,
    at: Timestamp,
    event: &TimelineEvent,
) -> Result<(), TxError> {
    insert_json(tx, message, recipient, at, event.kind(), &to_json(event))
}

/// As [`insert`], with the JSON made beforehand: the writer is one thread and
/// should not do what others can.
pub(crate) fn insert_json(
    tx: &mut Tx<'_>,
    message: Number,
    recipient: Option<u32>,
    at: Timestamp,
    kind: &str,
    detail: &str,
) -> Result<(), TxError> {
    tx.execute(
        "INSERT INTO events (message, recipient, at, kind, detail) VALUES (?1, ?2, ?3, ?4, ?5)",
        &[
            message.into(),
            recipient.into(),
            time(at),
            kind.into(),
            detail.into(),
        ],
    )?;
    Ok(())
}

/// The last `limit` events of a message, in the order they happened.
pub(crate) fn of(
    tx: &ReadTx<'_>,
    message: Number,
    limit: usize,
) -> Result<Vec<TimelineEntry>, TxError> {
    let mut entries = tx.query(
        "SELECT seq, at, recipient, detail FROM events WHERE message = ?1 \
         ORDER BY seq DESC LIMIT ?2",
        &[message.into(), limit.into()],
        |row| {
            Ok(TimelineEntry {
                seq: row.get(0)?,
                at: get_time(row, 1)?,
                recipient: row.get(2)?,
                event: get_json(row, 3)?,
            })
        },
    )?;
    entries.reverse();
    Ok(entries)
}

/// The attempts of a message that came to their final dot, in order.
pub(crate) fn final_dots(tx: &ReadTx<'_>, message: Number) -> Result<Vec<Submission>, TxError> {
    let dots = tx.query(
        "SELECT at, detail FROM events WHERE message = ?1 AND kind = 'final_dot_sent' ORDER BY seq",
        &[message.into()],
        |row| Ok((get_time(row, 0)?, get_json(row, 1)?)),
    )?;
    let dots = dots.into_iter().filter_map(|(dot_at, event)| match event {
        TimelineEvent::FinalDotSent {
            attempt,
            recipients,
        } => Some(Submission {
            attempt,
            dot_at,
            recipients,
        }),
        _ => None,
    });
    Ok(dots.collect())
}

/// The last event of one kind that concerns the recipient.
pub(crate) fn last_of_kind(
    tx: &ReadTx<'_>,
    message: Number,
    recipient: u32,
    kind: &str,
) -> Result<Option<TimelineEvent>, TxError> {
    tx.query_one(
        "SELECT detail FROM events WHERE message = ?1 AND kind = ?3 \
         AND (recipient = ?2 OR recipient IS NULL) ORDER BY seq DESC LIMIT 1",
        &[message.into(), recipient.into(), kind.into()],
        |row| get_json(row, 0),
    )
}
