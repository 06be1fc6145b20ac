//! Small state that outlives a restart: one row of JSON for each key of a
//! kind, behind the maps in memory that every look-up reads.

use mailward_store::{Row, TxError, Value};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::TwinError;
use crate::shelf::Shelf;

/// What a row is about. The words are in the database and never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The service's settings, one row.
    Service,
    /// By the address that may use the relay.
    RelayRegistration,
    /// By client id.
    Application,
    /// By account: the day of the last use of each protocol.
    LastUse,
    /// By number: what is done later.
    Due,
    /// By account: what its holder does by habit.
    Habit,
    /// One row: the key that signs tokens.
    SigningKey,
    /// By account and sender: the period of absence in which the sender was told.
    Told,
}

impl Kind {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::RelayRegistration => "relay_registration",
            Self::Application => "application",
            Self::LastUse => "last_use",
            Self::Due => "due",
            Self::Habit => "habit",
            Self::SigningKey => "signing_key",
            Self::Told => "told",
        }
    }
}

/// Clones share the rows.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    shelf: Shelf,
}

impl Kept {
    pub(crate) fn new(shelf: Shelf) -> Self {
        Self { shelf }
    }

    /// Every row of a kind, by its key.
    pub(crate) async fn all<T: DeserializeOwned>(
        &self,
        kind: Kind,
    ) -> Result<Vec<(String, T)>, TwinError> {
        let rows = self
            .shelf
            .read(move |tx| {
                tx.query(
                    "SELECT name, value FROM twin_kept WHERE kind = ?1 ORDER BY name",
                    &[Value::from(kind.as_str())],
                    read_row,
                )
            })
            .await?;
        rows.into_iter()
            .map(|(name, value)| match serde_json::from_str(&value) {
                Ok(value) => Ok((name, value)),
                Err(error) => Err(TwinError::Seed(format!(
                    "what is kept of {} {name} cannot be read: {error}; start with another folder",
                    kind.as_str()
                ))),
            })
            .collect()
    }

    /// Returns once it is on stable storage.
    pub(crate) async fn put<T: Serialize>(
        &self,
        kind: Kind,
        name: &str,
        value: &T,
    ) -> Result<(), TwinError> {
        let value = serde_json::to_string(value)
            .map_err(|error| TwinError::Seed(format!("{} {name}: {error}", kind.as_str())))?;
        let name = name.to_owned();
        self.shelf
            .write(Vec::new(), move |tx, _| {
                tx.execute(
                    "INSERT INTO twin_kept (kind, name, value) VALUES (?1, ?2, ?3) ON CONFLICT (kind, name) DO UPDATE SET value = excluded.value",
                    &[
                        Value::from(kind.as_str()),
                        Value::from(name),
                        Value::from(value),
                    ],
                )?;
                Ok(())
            })
            .await?;
        Ok(())
    }

    pub(crate) async fn remove(&self, kind: Kind, name: &str) -> Result<(), TwinError> {
        let name = name.to_owned();
        self.shelf
            .write(Vec::new(), move |tx, _| {
                let key = [Value::from(kind.as_str()), Value::from(name)];
                tx.execute("DELETE FROM twin_kept WHERE kind = ?1 AND name = ?2", &key)?;
                Ok(())
            })
            .await?;
        Ok(())
    }
}

fn read_row(row: &Row<'_>) -> Result<(String, String), TxError> {
    Ok((row.get(0)?, row.get(1)?))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use mailward_store::{Limits, Options, Store, SystemDisk};

    use super::*;
    use crate::schema::SCHEMA;

    pub(crate) fn in_folder(folder: &Path) -> Kept {
        let store = Store::open(Options {
            dir: folder.join("twin"),
            schema: SCHEMA,
            limits: Limits::default(),
            disk: Arc::new(SystemDisk),
        });
        Kept::new(Shelf::of(store.expect("a store")))
    }

    #[tokio::test]
    async fn what_was_put_last_is_there_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        let kept = in_folder(folder.path());
        for value in [1_u32, 2] {
            kept.put(Kind::LastUse, "a", &value).await.expect("kept");
        }
        kept.put(Kind::Service, "a", &3_u32).await.expect("kept");
        kept.shelf.close().await;
        let kept = in_folder(folder.path());
        let rows: Vec<(String, u32)> = kept.all(Kind::LastUse).await.expect("rows");
        assert_eq!(rows, [("a".to_owned(), 2)]);
    }
}
