//! One row for each lane whose mail goes by another route for now.

use mailward_store::{ReadTx, Row, Tx, TxError};

use crate::divert::{Cause, Diversion};
use crate::ledger::columns::{get_optional_time, get_time, optional_time, time, unreadable};
use crate::names::Lane;

/// More are not read.
const READ_MAX: usize = 10_000;

pub(crate) fn put(tx: &mut Tx<'_>, one: &Diversion) -> Result<(), TxError> {
    tx.execute(
        "INSERT INTO diversions (route, account, to_route, cause, since, why, good_since) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (route, account) DO UPDATE SET \
         to_route = excluded.to_route, cause = excluded.cause, since = excluded.since, \
         why = excluded.why, good_since = excluded.good_since",
        &[
            one.from.route.as_str().into(),
            one.from.account.as_str().into(),
            one.to.as_str().into(),
            one.cause.as_str().into(),
            time(one.since),
            (&one.why).into(),
            optional_time(one.good_since),
        ],
    )?;
    Ok(())
}

pub(crate) fn remove(tx: &mut Tx<'_>, lane: &Lane) -> Result<(), TxError> {
    tx.execute(
        "DELETE FROM diversions WHERE route = ?1 AND account = ?2",
        &[lane.route.as_str().into(), lane.account.as_str().into()],
    )?;
    Ok(())
}

/// All, by route and account.
pub(crate) fn all(tx: &ReadTx<'_>) -> Result<Vec<Diversion>, TxError> {
    tx.query(
        "SELECT route, account, to_route, cause, since, why, good_since FROM diversions \
         ORDER BY route, account LIMIT ?1",
        &[READ_MAX.into()],
        read,
    )
}

fn read(row: &Row<'_>) -> Result<Diversion, TxError> {
    let cause: String = row.get(3)?;
    Ok(Diversion {
        from: Lane::new(row.get::<String>(0)?, row.get::<String>(1)?),
        to: row.get::<String>(2)?.into(),
        cause: Cause::parse(&cause)
            .ok_or_else(|| unreadable(3, format!("{cause:?} is no cause of a diversion")))?,
        since: get_time(row, 4)?,
        why: row.get(5)?,
        good_since: get_optional_time(row, 6)?,
    })
}
