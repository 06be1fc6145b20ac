//! One row for each mailbox whose replies taught something.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Row, Tx, TxError};

use crate::budget::LearntRecord;
use crate::learnt::{Learnt, Level};
use crate::ledger::columns::{get_optional_time, optional_time, time};

pub(crate) const GET: &str = "SELECT connections_most, connections_allowed, connections_credit, \
    messages_most, messages_allowed, messages_credit, refusals, low_since, rest_until, reply \
    FROM learnt_limits WHERE mailbox = ?1";

pub(crate) fn get(tx: &ReadTx<'_>, mailbox: &str) -> Result<Option<LearntRecord>, TxError> {
    tx.query_one(GET, &[mailbox.into()], read)
}

fn read(row: &Row<'_>) -> Result<LearntRecord, TxError> {
    let messages = match row.get::<Option<u32>>(3)? {
        None => None,
        Some(most) => Some(Level {
            most,
            allowed: row.get::<Option<u32>>(4)?.unwrap_or(most),
            credit: row.get::<Option<i32>>(5)?.unwrap_or(0),
        }),
    };
    Ok(LearntRecord {
        learnt: Learnt {
            connections: Level {
                most: row.get(0)?,
                allowed: row.get(1)?,
                credit: row.get(2)?,
            },
            messages,
            refusals: row.get(6)?,
        },
        low_since: get_optional_time(row, 7)?,
        rest_until: get_optional_time(row, 8)?,
        reply: row.get(9)?,
    })
}

/// Writes the row; what is as if nothing had been learnt needs none.
pub(crate) fn put(
    tx: &mut Tx<'_>,
    mailbox: &str,
    record: &LearntRecord,
    now: Timestamp,
) -> Result<(), TxError> {
    let learnt = record.learnt;
    if learnt.is_nothing() {
        tx.execute(
            "DELETE FROM learnt_limits WHERE mailbox = ?1",
            &[mailbox.into()],
        )?;
        return Ok(());
    }
    tx.execute(
        "INSERT INTO learnt_limits (mailbox, connections_most, connections_allowed, \
         connections_credit, messages_most, messages_allowed, messages_credit, refusals, \
         low_since, rest_until, reply, changed_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12) \
         ON CONFLICT (mailbox) DO UPDATE SET connections_most = excluded.connections_most, \
         connections_allowed = excluded.connections_allowed, \
         connections_credit = excluded.connections_credit, \
         messages_most = excluded.messages_most, messages_allowed = excluded.messages_allowed, \
         messages_credit = excluded.messages_credit, refusals = excluded.refusals, \
         low_since = excluded.low_since, rest_until = excluded.rest_until, \
         reply = excluded.reply, changed_at = excluded.changed_at",
        &[
            mailbox.into(),
            learnt.connections.most.into(),
            learnt.connections.allowed.into(),
            i64::from(learnt.connections.credit).into(),
            learnt.messages.map(|level| i64::from(level.most)).into(),
            learnt.messages.map(|level| i64::from(level.allowed)).into(),
            learnt.messages.map(|level| i64::from(level.credit)).into(),
            learnt.refusals.into(),
            optional_time(record.low_since),
            optional_time(record.rest_until),
            record.reply.as_str().into(),
            time(now),
        ],
    )?;
    Ok(())
}
