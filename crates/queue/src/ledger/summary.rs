//! Counts for people and for metrics, kept with each move: reading them costs
//! the same whatever waits.

use mailward_mail::{MessageId, Timestamp};
use mailward_store::{ReadTx, Tx, TxError};

use crate::ledger::columns::{get_parsed, get_time};
use crate::schedule::MessageClass;
use crate::state::StateWord;

/// Recipients in each state that has any, by message class.
pub(crate) fn tallies(tx: &ReadTx<'_>) -> Result<Vec<(MessageClass, StateWord, u64)>, TxError> {
    tx.query(
        "SELECT message_class, state, recipients FROM tallies WHERE recipients > 0",
        &[],
        |row| Ok((get_parsed(row, 0)?, get_parsed(row, 1)?, row.get(2)?)),
    )
}

/// `change` more recipients of that class in that state, or fewer.
pub(crate) fn add(
    tx: &mut Tx<'_>,
    class: MessageClass,
    state: StateWord,
    change: i64,
) -> Result<(), TxError> {
    const ADD: &str = "INSERT INTO tallies (recipients, message_class, state) \
        VALUES (?1, ?2, ?3) ON CONFLICT (message_class, state) \
        DO UPDATE SET recipients = recipients + excluded.recipients";
    tx.add_at_commit(ADD, change, &[class.as_str().into(), state.as_str().into()]);
    Ok(())
}

pub(crate) const FIRST_IN_STATE: &str =
    "SELECT message FROM recipients WHERE state = ?1 ORDER BY message LIMIT 1";

/// The oldest message that has a recipient without an end.
pub(crate) fn oldest_waiting(tx: &ReadTx<'_>) -> Result<Option<(MessageId, Timestamp)>, TxError> {
    let mut oldest = None;
    for state in StateWord::ALL.into_iter().filter(|state| !state.is_end()) {
        let first = tx.query_one(FIRST_IN_STATE, &[state.as_str().into()], |row| {
            row.get::<i64>(0)
        })?;
        oldest = [oldest, first].into_iter().flatten().min();
    }
    let Some(number) = oldest else {
        return Ok(None);
    };
    tx.query_one(
        "SELECT id, received_at FROM messages WHERE number = ?1",
        &[number.into()],
        |row| Ok((get_parsed(row, 0)?, get_time(row, 1)?)),
    )
}
