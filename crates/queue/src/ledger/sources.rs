//! Applications have numbers, so that the scheduler's index stays narrow.

use mailward_store::{ReadTx, Tx, TxError};

use crate::names::ApplicationName;

/// What reports are counted as: no application, so that none that is suspended
/// keeps them back.
pub(crate) const REPORTS: &str = "";

pub(crate) fn find(tx: &ReadTx<'_>, name: &ApplicationName) -> Result<Option<i64>, TxError> {
    tx.query_one(
        "SELECT number FROM sources WHERE application = ?1",
        &[name.as_str().into()],
        |row| row.get(0),
    )
}

pub(crate) fn find_or_add(tx: &mut Tx<'_>, name: &ApplicationName) -> Result<i64, TxError> {
    if let Some(number) = find(tx, name)? {
        return Ok(number);
    }
    let added = tx.query_one(
        "INSERT INTO sources (application) VALUES (?1) RETURNING number",
        &[name.as_str().into()],
        |row| row.get(0),
    )?;
    added.ok_or_else(|| TxError::Sql("no number for a new application".to_owned()))
}
