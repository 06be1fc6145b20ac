//! Taking out the records of messages that ended long ago.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Tx, TxError};

use crate::ledger::columns::{get_parsed, time};
use crate::ledger::messages::Number;
use crate::ledger::summary;
use crate::schedule::MessageClass;
use crate::state::StateWord;

/// One statement for each table that has rows of a message, the message's own
/// last. Keys of requests are forgotten by age, before.
pub(crate) const REMOVE: &[&str] = &[
    "DELETE FROM recipients WHERE message = ?1",
    "DELETE FROM list_waits WHERE message = ?1",
    "DELETE FROM attempts WHERE message = ?1",
    "DELETE FROM events WHERE message = ?1",
    "DELETE FROM notices WHERE message = ?1",
    "DELETE FROM messages WHERE number = ?1",
];

/// What still has somebody to tell, or a body, waits.
pub(crate) const ENDED: &str = "SELECT number, message_class FROM messages \
    WHERE ended_at <= ?1 AND body IS NULL ORDER BY ended_at LIMIT ?2";

/// Messages that ended by the moment given, the earliest first.
pub(crate) fn ended(
    tx: &ReadTx<'_>,
    by: Timestamp,
    limit: usize,
) -> Result<Vec<(Number, MessageClass)>, TxError> {
    tx.query(ENDED, &[time(by), limit.into()], |row| {
        Ok((row.get(0)?, get_parsed(row, 1)?))
    })
}

/// The owners of the highest numbers there are, which stay: a number that was
/// given once, to a message, an attempt, an event or a notice, is not to be
/// given again.
pub(crate) fn newest(tx: &ReadTx<'_>) -> Result<Vec<Number>, TxError> {
    let mut owners = Vec::with_capacity(NEWEST.len());
    for statement in NEWEST {
        owners.extend(tx.query_one(statement, &[], |row| row.get::<Number>(0))?);
    }
    Ok(owners)
}

pub(crate) const NEWEST: &[&str] = &[
    "SELECT number FROM messages ORDER BY number DESC LIMIT 1",
    "SELECT message FROM attempts ORDER BY number DESC LIMIT 1",
    "SELECT message FROM events ORDER BY seq DESC LIMIT 1",
    "SELECT message FROM notices ORDER BY number DESC LIMIT 1",
];

/// Removes a message with all that is known of it, and counts it out. Returns
/// how many rows went.
pub(crate) fn remove(
    tx: &mut Tx<'_>,
    number: Number,
    class: MessageClass,
) -> Result<usize, TxError> {
    let states: Vec<(StateWord, i64)> = tx.query(
        "SELECT state, count(*) FROM recipients WHERE message = ?1 GROUP BY state",
        &[number.into()],
        |row| Ok((get_parsed(row, 0)?, row.get(1)?)),
    )?;
    for (state, count) in states {
        summary::add(tx, class, state, -count)?;
    }
    let mut rows = 0;
    for statement in REMOVE {
        rows += tx.execute(statement, &[number.into()])?;
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use mailward_store::{Options, Schema, Store};

    use super::*;
    use crate::ledger::MIGRATIONS;

    /// A table that names messages and is not emptied of them would grow for
    /// ever.
    #[tokio::test]
    async fn every_table_that_names_a_message_is_emptied_of_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let schema = Schema {
            name: "queue",
            migrations: MIGRATIONS,
        };
        let store = Store::open(Options::new(dir.path(), schema)).expect("a store");
        let tables: Vec<String> = store
            .read(|tx| {
                tx.query(
                    "SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) p \
                     ON p.name = 'message' WHERE m.type = 'table'",
                    &[],
                    |row| row.get(0),
                )
            })
            .await
            .expect("tables");
        assert!(tables.len() >= 4, "{tables:?}");
        for table in tables {
            // Keys of requests go by their age, and what is in doubt has not
            // ended.
            let removed = REMOVE
                .iter()
                .any(|statement| statement.contains(&format!("FROM {table} ")));
            let goes_otherwise = ["idempotency", "doubts"].contains(&table.as_str());
            assert!(removed || goes_otherwise, "{table}");
        }
        for statement in REMOVE {
            let explain = format!("EXPLAIN QUERY PLAN {statement}");
            let plan = store
                .read(move |tx| tx.query(&explain, &[1.into()], |row| row.get::<String>(3)))
                .await
                .expect("a plan");
            assert!(
                plan.iter().all(|step| step.starts_with("SEARCH")),
                "{statement}: {plan:?}"
            );
        }
        store.close().await;
    }
}
