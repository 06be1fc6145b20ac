//! Counts for people.

use mailward_mail::{MessageId, Timestamp};
use mailward_store::{ReadTx, TxError};

use crate::ledger::columns::{get_parsed, get_time};
use crate::state::StateWord;

/// Recipients in each state that has any.
pub(crate) fn count(tx: &ReadTx<'_>) -> Result<Vec<(StateWord, u64)>, TxError> {
    tx.query(
        "SELECT state, count(*) FROM recipients GROUP BY state",
        &[],
        |row| Ok((get_parsed(row, 0)?, row.get(1)?)),
    )
}

/// The oldest message that has a recipient without an end.
pub(crate) fn oldest_waiting(tx: &ReadTx<'_>) -> Result<Option<(MessageId, Timestamp)>, TxError> {
    let mut oldest = None;
    for state in StateWord::ALL.into_iter().filter(|state| !state.is_end()) {
        let first = tx.query_one(
            "SELECT message FROM recipients WHERE state = ?1 ORDER BY message LIMIT 1",
            &[state.as_str().into()],
            |row| row.get::<i64>(0),
        )?;
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
