//! Who ended a pause or closed a breaker. Rows are only ever added.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Tx, TxError};

use crate::ledger::columns::{get_time, time};
use crate::names::Actor;
use crate::pause::Resumption;

pub(crate) fn insert(
    tx: &mut Tx<'_>,
    now: Timestamp,
    what: &str,
    by: &Actor,
    why: &str,
) -> Result<(), TxError> {
    tx.execute(
        "INSERT INTO resumptions (at, what, by, why) VALUES (?1, ?2, ?3, ?4)",
        &[time(now), what.into(), by.as_str().into(), why.into()],
    )?;
    Ok(())
}

pub(crate) const LATEST: &str =
    "SELECT at, what, by, why FROM resumptions ORDER BY number DESC LIMIT ?1";

pub(crate) fn latest(tx: &ReadTx<'_>, limit: usize) -> Result<Vec<Resumption>, TxError> {
    tx.query(LATEST, &[limit.into()], |row| {
        Ok(Resumption {
            at: get_time(row, 0)?,
            what: row.get(1)?,
            by: Actor::from(row.get::<String>(2)?),
            why: row.get(3)?,
        })
    })
}
