//! The register's rows: one for each application, its entry as JSON, because
//! nothing is ever asked of a part of it; one for what commands said of it;
//! and a history that only grows.

use std::collections::HashMap;

use mailward_mail::Timestamp;
use mailward_queue::{Actor, ApplicationName, Scope, Suspension};
use mailward_store::{ReadError, Store, Tx, TxError, WriteError};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::life::{Act, Event, Standing};
use crate::config::Application;

/// The register's first table, for the store that holds the queue's too.
pub const MIGRATION: &str = "\
CREATE TABLE register_applications (
    name TEXT PRIMARY KEY,
    entry TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);
";

/// What commands say of applications, wherever these stand, and what the
/// gateway was last configured with.
pub const MIGRATION_LIFE: &str = "\
CREATE TABLE register_standings (
    name TEXT PRIMARY KEY,
    standing TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);
CREATE TABLE register_events (
    name TEXT NOT NULL,
    n BIGINT NOT NULL,
    at BIGINT NOT NULL,
    act TEXT NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (name, n)
);
CREATE TABLE register_configuration (
    id BIGINT PRIMARY KEY,
    entry TEXT NOT NULL,
    changed_at BIGINT NOT NULL
);
";

/// More applications than this are no register of one gateway.
pub(super) const APPLICATIONS_MAX: i64 = 10_000;

/// Suspensions that are looked through for the latest of each entry.
const SUSPENSIONS_MAX: i64 = 4 * APPLICATIONS_MAX;

/// Events of one entry that are shown.
const HISTORY_MAX: i64 = 1_000;

/// The one row of the configuration.
const CONFIGURATION: i64 = 1;

/// Everything that was kept.
#[derive(Debug, Default)]
pub(super) struct Kept {
    pub(super) applications: Vec<Application>,
    pub(super) standings: HashMap<ApplicationName, Standing>,
    /// The last suspension or retirement of each that ever was.
    pub(super) suspensions: HashMap<ApplicationName, Suspension>,
}

/// What one act changes.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) name: ApplicationName,
    /// The entry anew, where that changes.
    pub(super) entry: Option<Application>,
    pub(super) standing: Option<Standing>,
    pub(super) event: Event,
}

pub(super) async fn all(store: &Store) -> Result<Kept, ReadError> {
    store
        .read(|tx| {
            let applications = tx.query(
                "SELECT name, entry FROM register_applications ORDER BY name LIMIT ?1",
                &[APPLICATIONS_MAX.into()],
                |row| {
                    let (name, entry): (String, String) = (row.get(0)?, row.get(1)?);
                    parsed(&name, &entry)
                },
            )?;
            let standings = tx.query(
                "SELECT name, standing FROM register_standings ORDER BY name LIMIT ?1",
                &[(2 * APPLICATIONS_MAX).into()],
                |row| {
                    let (name, standing): (String, String) = (row.get(0)?, row.get(1)?);
                    let standing = parsed(&name, &standing)?;
                    Ok((ApplicationName::new(name), standing))
                },
            )?;
            let suspensions = tx.query(
                "SELECT name, at, who, why FROM register_events WHERE act IN (?1, ?2) \
                 ORDER BY n DESC LIMIT ?3",
                &[
                    Act::Suspend.as_str().into(),
                    Act::Retire.as_str().into(),
                    SUSPENSIONS_MAX.into(),
                ],
                |row| {
                    let name = ApplicationName::new(row.get::<String>(0)?);
                    let one = Suspension {
                        scope: Scope::Application(name.clone()),
                        since: Timestamp::from_millis(row.get(1)?),
                        by: Actor::from(row.get::<String>(2)?),
                        why: row.get(3)?,
                    };
                    Ok((name, one))
                },
            )?;
            Ok(Kept {
                applications,
                standings: standings.into_iter().collect(),
                // The last of the list stays: the latest one of each.
                suspensions: suspensions.into_iter().rev().collect(),
            })
        })
        .await
}

/// Writes all or none, each with its event.
pub(super) async fn write(store: &Store, changes: Vec<Change>) -> Result<(), WriteError> {
    let mut written = Vec::with_capacity(changes.len());
    for change in changes {
        let entry = change.entry.as_ref().map(text).transpose()?;
        let standing = change.standing.as_ref().map(text).transpose()?;
        written.push((change.name, entry, standing, change.event));
    }
    store
        .write(Vec::new(), move |tx, _| {
            for (name, entry, standing, event) in written {
                one(tx, &name, entry, standing, event)?;
            }
            Ok(())
        })
        .await
}

fn one(
    tx: &mut Tx<'_>,
    name: &ApplicationName,
    entry: Option<String>,
    standing: Option<String>,
    event: Event,
) -> Result<(), TxError> {
    let at = event.at.as_millis();
    if let Some(entry) = entry {
        tx.execute(
            "INSERT INTO register_applications (name, entry, changed_at) VALUES (?1, ?2, ?3) \
             ON CONFLICT (name) DO UPDATE SET entry = excluded.entry, changed_at = excluded.changed_at",
            &[name.as_str().into(), entry.into(), at.into()],
        )?;
    }
    if let Some(standing) = standing {
        tx.execute(
            "INSERT INTO register_standings (name, standing, changed_at) VALUES (?1, ?2, ?3) \
             ON CONFLICT (name) DO UPDATE SET standing = excluded.standing, changed_at = excluded.changed_at",
            &[name.as_str().into(), standing.into(), at.into()],
        )?;
    }
    tx.execute(
        "INSERT INTO register_events (name, n, at, act, who, why, detail) VALUES \
         (?1, (SELECT COALESCE(MAX(n), 0) + 1 FROM register_events WHERE name = ?1), ?2, ?3, ?4, ?5, ?6)",
        &[
            name.as_str().into(),
            at.into(),
            event.act.as_str().into(),
            event.who.into(),
            event.why.into(),
            event.detail.into(),
        ],
    )?;
    Ok(())
}

/// The latest events of an entry, oldest first.
pub(super) async fn history(
    store: &Store,
    name: &ApplicationName,
) -> Result<Vec<Event>, ReadError> {
    let name = name.clone();
    let mut events = store
        .read(move |tx| {
            tx.query(
                "SELECT at, act, who, why, detail FROM register_events WHERE name = ?1 \
                 ORDER BY n DESC LIMIT ?2",
                &[name.as_str().into(), HISTORY_MAX.into()],
                |row| {
                    let word: String = row.get(1)?;
                    let act = Act::ALL.into_iter().find(|act| act.as_str() == word);
                    Ok(Event {
                        at: Timestamp::from_millis(row.get(0)?),
                        act: act.ok_or_else(|| {
                            TxError::Sql(format!("the register's history names an act {word:?}"))
                        })?,
                        who: row.get(2)?,
                        why: row.get(3)?,
                        detail: row.get(4)?,
                    })
                },
            )
        })
        .await?;
    events.reverse();
    Ok(events)
}

/// What the gateway was last configured with, if it ever was.
pub(super) async fn configuration(store: &Store) -> Result<Option<String>, ReadError> {
    store
        .read(|tx| {
            tx.query_one(
                "SELECT entry FROM register_configuration WHERE id = ?1",
                &[CONFIGURATION.into()],
                |row| row.get(0),
            )
        })
        .await
}

pub(super) async fn keep_configuration(
    store: &Store,
    entry: String,
    now: Timestamp,
) -> Result<(), WriteError> {
    store
        .write(Vec::new(), move |tx, _| {
            tx.execute(
                "INSERT INTO register_configuration (id, entry, changed_at) VALUES (?1, ?2, ?3) \
                 ON CONFLICT (id) DO UPDATE SET entry = excluded.entry, changed_at = excluded.changed_at",
                &[CONFIGURATION.into(), entry.into(), now.as_millis().into()],
            )?;
            Ok(())
        })
        .await
}

fn parsed<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, TxError> {
    serde_json::from_str(text).map_err(|error| {
        TxError::Sql(format!(
            "the register's entry of {name} cannot be read: {error}"
        ))
    })
}

fn text(value: &impl Serialize) -> Result<String, WriteError> {
    serde_json::to_string(value).map_err(|error| WriteError::Aborted(error.to_string()))
}
