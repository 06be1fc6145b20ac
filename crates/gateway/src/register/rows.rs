//! The register's rows: one for each application, its entry as JSON, because
//! nothing is ever asked of a part of it.

use mailward_mail::Timestamp;
use mailward_queue::ApplicationName;
use mailward_store::{ReadError, Store, TxError, WriteError};

use crate::config::Application;

/// The register's table, for the store that holds the queue's too.
pub const MIGRATION: &str = "\
CREATE TABLE register_applications (
    name TEXT PRIMARY KEY,
    entry TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);
";

/// More applications than this are no register of one gateway.
const APPLICATIONS_MAX: i64 = 10_000;

pub(super) async fn all(store: &Store) -> Result<Vec<Application>, ReadError> {
    store
        .read(|tx| {
            tx.query(
                "SELECT name, entry FROM register_applications ORDER BY name LIMIT ?1",
                &[APPLICATIONS_MAX.into()],
                |row| {
                    let (name, entry): (String, String) = (row.get(0)?, row.get(1)?);
                    serde_json::from_str(&entry).map_err(|error| {
                        TxError::Sql(format!(
                            "the register's entry of {name} cannot be read: {error}"
                        ))
                    })
                },
            )
        })
        .await
}

pub(super) async fn put(
    store: &Store,
    application: Application,
    now: Timestamp,
) -> Result<(), WriteError> {
    let entry = serde_json::to_string(&application)
        .map_err(|error| WriteError::Aborted(error.to_string()))?;
    store
        .write(Vec::new(), move |tx, _| {
            tx.execute(
                "INSERT INTO register_applications (name, entry, changed_at) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (name) DO UPDATE SET entry = excluded.entry, changed_at = excluded.changed_at",
                &[application.name.as_str().into(), entry.into(), now.as_millis().into()],
            )?;
            Ok(())
        })
        .await
}

/// Whether there was one.
pub(super) async fn remove(store: &Store, name: ApplicationName) -> Result<bool, WriteError> {
    store
        .write(Vec::new(), move |tx, _| {
            let removed = tx.execute(
                "DELETE FROM register_applications WHERE name = ?1",
                &[name.as_str().into()],
            )?;
            Ok(removed > 0)
        })
        .await
}
