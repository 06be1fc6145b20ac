//! Lanes have numbers, so that the scheduler's index stays narrow.

use mailward_store::{ReadTx, Row, Tx, TxError};

use crate::names::{AccountName, Lane, RouteName};

pub(crate) fn find(tx: &ReadTx<'_>, lane: &Lane) -> Result<Option<i64>, TxError> {
    tx.query_one(
        "SELECT number FROM lanes WHERE route = ?1 AND account = ?2",
        &[lane.route.as_str().into(), lane.account.as_str().into()],
        |row| row.get(0),
    )
}

pub(crate) fn find_or_add(tx: &mut Tx<'_>, lane: &Lane) -> Result<i64, TxError> {
    if let Some(number) = find(tx, lane)? {
        return Ok(number);
    }
    let added = tx.query_one(
        "INSERT INTO lanes (route, account) VALUES (?1, ?2) RETURNING number",
        &[lane.route.as_str().into(), lane.account.as_str().into()],
        |row| row.get(0),
    )?;
    added.ok_or_else(|| TxError::Sql("no number for a new lane".to_owned()))
}

pub(crate) fn get(tx: &ReadTx<'_>, number: i64) -> Result<Lane, TxError> {
    tx.query_one(
        "SELECT route, account FROM lanes WHERE number = ?1",
        &[number.into()],
        |row| read(row, 0),
    )?
    .ok_or_else(|| TxError::Sql(format!("there is no lane {number}")))
}

/// Every lane ever used, with its number.
pub(crate) fn all(tx: &ReadTx<'_>) -> Result<Vec<(i64, Lane)>, TxError> {
    tx.query("SELECT number, route, account FROM lanes", &[], |row| {
        Ok((row.get(0)?, read(row, 1)?))
    })
}

/// Every lane ever used, with its recipients that wait. One row for each
/// account on each route.
pub(crate) fn waiting(tx: &ReadTx<'_>) -> Result<Vec<(Lane, u64)>, TxError> {
    tx.query("SELECT route, account, waiting FROM lanes", &[], |row| {
        Ok((read(row, 0)?, row.get::<i64>(2)?.max(0).cast_unsigned()))
    })
}

/// An account's lanes: one for each route that it ever used. There are few
/// lanes in all.
pub(crate) fn of_account(
    tx: &ReadTx<'_>,
    account: &AccountName,
) -> Result<Vec<(i64, RouteName)>, TxError> {
    tx.query(
        "SELECT number, route FROM lanes WHERE account = ?1 ORDER BY number",
        &[account.as_str().into()],
        |row| Ok((row.get(0)?, row.get::<String>(1)?.into())),
    )
}

/// Route and account, from two columns side by side.
pub(crate) fn read(row: &Row<'_>, index: usize) -> Result<Lane, TxError> {
    Ok(Lane::new(
        row.get::<String>(index)?,
        row.get::<String>(index + 1)?,
    ))
}
