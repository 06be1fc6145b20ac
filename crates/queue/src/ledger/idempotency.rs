//! Which requests an application has made before, by its own keys.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Tx, TxError};

use crate::ledger::columns::time;
use crate::ledger::messages::Number;
use crate::names::ApplicationName;

#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) message: Number,
    pub(crate) body_hash: String,
}

pub(crate) fn find(
    tx: &ReadTx<'_>,
    application: &ApplicationName,
    key: &str,
) -> Result<Option<Known>, TxError> {
    tx.query_one(
        "SELECT message, body_hash FROM idempotency WHERE application = ?1 AND key = ?2",
        &[application.as_str().into(), key.into()],
        |row| {
            Ok(Known {
                message: row.get(0)?,
                body_hash: row.get(1)?,
            })
        },
    )
}

/// A key that is there already is a conflict, which undoes the change.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    application: &ApplicationName,
    key: &str,
    body_hash: &str,
    message: Number,
    now: Timestamp,
) -> Result<(), TxError> {
    tx.execute(
        "INSERT INTO idempotency (application, key, body_hash, message, at) \
         VALUES (?1, ?2, ?3, ?4, ?5)",
        &[
            application.as_str().into(),
            key.into(),
            body_hash.into(),
            message.into(),
            time(now),
        ],
    )?;
    Ok(())
}

pub(crate) fn forget_before(tx: &mut Tx<'_>, moment: Timestamp) -> Result<usize, TxError> {
    tx.execute("DELETE FROM idempotency WHERE at < ?1", &[time(moment)])
}
