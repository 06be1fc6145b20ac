//! What was told once, and hours in which an account used up a limit. Few
//! rows: one for each day that ends a route, and a week's for each account.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Tx, TxError};

use crate::ledger::columns::time;
use crate::names::AccountName;

pub(crate) const IS_TOLD: &str = "SELECT 1 FROM told WHERE what = ?1";

pub(crate) fn is_told(tx: &ReadTx<'_>, what: &str) -> Result<bool, TxError> {
    let found = tx.query_one(IS_TOLD, &[what.into()], |row| row.get::<i64>(0))?;
    Ok(found.is_some())
}

/// False where another was first.
pub(crate) fn tell(tx: &mut Tx<'_>, what: &str, now: Timestamp) -> Result<bool, TxError> {
    let added = tx.execute(
        "INSERT INTO told (what, at) VALUES (?1, ?2) ON CONFLICT (what) DO NOTHING",
        &[what.into(), time(now)],
    )?;
    Ok(added > 0)
}

pub(crate) fn add_hit(
    tx: &mut Tx<'_>,
    account: &AccountName,
    what: &str,
    hour: i64,
) -> Result<(), TxError> {
    tx.execute(
        "INSERT INTO limit_hits (account, what, hour, hits) VALUES (?1, ?2, ?3, 1) \
         ON CONFLICT (account, what, hour) DO UPDATE SET hits = limit_hits.hits + 1",
        &[account.as_str().into(), what.into(), hour.into()],
    )?;
    Ok(())
}

pub(crate) fn forget_hits(
    tx: &mut Tx<'_>,
    account: &AccountName,
    oldest: i64,
) -> Result<(), TxError> {
    tx.execute(
        "DELETE FROM limit_hits WHERE account = ?1 AND hour < ?2",
        &[account.as_str().into(), oldest.into()],
    )?;
    Ok(())
}

pub(crate) const HITS: &str = "SELECT what, hour, hits FROM limit_hits \
    WHERE account = ?1 AND hour >= ?2 ORDER BY what, hour";

/// Limit, hour and hits, by both.
pub(crate) fn hits(
    tx: &ReadTx<'_>,
    account: &AccountName,
    oldest: i64,
) -> Result<Vec<(String, i64, u64)>, TxError> {
    tx.query(HITS, &[account.as_str().into(), oldest.into()], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })
}
