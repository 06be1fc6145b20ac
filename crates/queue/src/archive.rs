//! Every message with all that is known of it, for an export of a store that
//! is not running and may be damaged.

use mailward_store::{ReadTx, TxError};

use crate::ledger::messages;
use crate::show::{self, MessageView};

/// A message, or why its rows can't be read.
#[derive(Debug)]
pub struct Archived {
    /// The order of acceptance.
    pub number: i64,
    pub view: Result<MessageView, TxError>,
}

/// Whether the store has a queue's tables.
pub fn is_queue(tx: &ReadTx<'_>) -> Result<bool, TxError> {
    let found: Option<i64> = tx.query_one(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' \
         AND name IN ('messages', 'recipients', 'events')",
        &[],
        |row| row.get(0),
    )?;
    Ok(found == Some(3))
}

/// The next `limit` messages in the order of acceptance, after the one of
/// this number.
pub fn messages_after(
    tx: &ReadTx<'_>,
    number: i64,
    limit: usize,
) -> Result<Vec<Archived>, TxError> {
    let numbers: Vec<i64> = tx.query(
        "SELECT number FROM messages WHERE number > ?1 ORDER BY number LIMIT ?2",
        &[number.into(), limit.into()],
        |row| row.get(0),
    )?;
    let archived = numbers.into_iter().map(|number| Archived {
        number,
        view: messages::by_number(tx, number).and_then(|message| show::view(tx, message)),
    });
    Ok(archived.collect())
}
