//! One row for each credential version that the service refused.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Row, Tx, TxError};

use crate::breaker::{BreakerRecord, BreakerState};
use crate::ledger::columns::{get_optional_time, get_time, time};
use crate::names::{AccountName, Actor, Credential};

/// Opens the breaker; one that is open already keeps its first reply.
pub(crate) fn open(
    tx: &mut Tx<'_>,
    credential: &Credential,
    now: Timestamp,
    reply: &str,
) -> Result<(), TxError> {
    tx.execute(
        "INSERT INTO breakers (account, credential, version, opened_at, reply) \
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (account, credential, version) DO UPDATE \
         SET opened_at = excluded.opened_at, reply = excluded.reply, \
         closed_at = NULL, closed_by = NULL WHERE breakers.closed_at IS NOT NULL",
        &[
            credential.account.as_str().into(),
            (&credential.name).into(),
            (&credential.version).into(),
            time(now),
            reply.into(),
        ],
    )?;
    Ok(())
}

/// Whether there was an open one to close.
pub(crate) fn close(
    tx: &mut Tx<'_>,
    credential: &Credential,
    now: Timestamp,
    by: &Actor,
) -> Result<bool, TxError> {
    let changed = tx.execute(
        "UPDATE breakers SET closed_at = ?4, closed_by = ?5 WHERE account = ?1 \
         AND credential = ?2 AND version = ?3 AND closed_at IS NULL",
        &[
            credential.account.as_str().into(),
            (&credential.name).into(),
            (&credential.version).into(),
            time(now),
            by.as_str().into(),
        ],
    )?;
    Ok(changed > 0)
}

fn read(row: &Row<'_>) -> Result<BreakerRecord, TxError> {
    let opened_at = get_time(row, 3)?;
    Ok(BreakerRecord {
        credential: Credential {
            account: AccountName::from(row.get::<String>(0)?),
            name: row.get(1)?,
            version: row.get(2)?,
        },
        state: match get_optional_time(row, 5)? {
            None => BreakerState::Open {
                since: opened_at,
                reply: row.get(4)?,
            },
            Some(_) => BreakerState::Closed,
        },
    })
}

pub(crate) fn get(
    tx: &ReadTx<'_>,
    credential: &Credential,
) -> Result<Option<BreakerRecord>, TxError> {
    tx.query_one(
        "SELECT account, credential, version, opened_at, reply, closed_at FROM breakers \
         WHERE account = ?1 AND credential = ?2 AND version = ?3",
        &[
            credential.account.as_str().into(),
            (&credential.name).into(),
            (&credential.version).into(),
        ],
        read,
    )
}

/// The breakers of one account that are open.
pub(crate) fn open_of(
    tx: &ReadTx<'_>,
    account: &AccountName,
) -> Result<Vec<BreakerRecord>, TxError> {
    tx.query(
        "SELECT account, credential, version, opened_at, reply, closed_at FROM breakers \
         WHERE account = ?1 AND closed_at IS NULL ORDER BY opened_at",
        &[account.as_str().into()],
        read,
    )
}

/// The open breakers of clients whose secret has this version.
pub(crate) fn open_of_client(
    tx: &ReadTx<'_>,
    version: &str,
) -> Result<Vec<BreakerRecord>, TxError> {
    tx.query(
        "SELECT account, credential, version, opened_at, reply, closed_at FROM breakers \
         WHERE credential = ?1 AND version = ?2 AND closed_at IS NULL",
        &[Credential::CLIENT.into(), version.into()],
        read,
    )
}

/// All breakers that are open.
pub(crate) fn all_open(tx: &ReadTx<'_>, limit: usize) -> Result<Vec<BreakerRecord>, TxError> {
    tx.query(
        "SELECT account, credential, version, opened_at, reply, closed_at FROM breakers \
         WHERE closed_at IS NULL ORDER BY opened_at LIMIT ?1",
        &[limit.into()],
        read,
    )
}
