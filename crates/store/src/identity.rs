//! Whose database a file is: ours or another program's, of which version, and
//! the store of what. Looked at before anything is changed.

use rusqlite::{Connection, OptionalExtension};

use crate::error::OpenError;
use crate::folder::Folder;
use crate::options::Schema;
use crate::schema;

/// "MWst" as `application_id`, so that `file` and people can tell.
pub(crate) const APPLICATION_ID: i64 = 0x4d57_7374;

/// The store's own tables, as `user_version`. 0 had no `store_about` and no
/// `store_segment`.
pub(crate) const FORMAT: i64 = 1;

/// Words about the store: `schema`, the name of the caller's tables.
pub(crate) const ABOUT_TABLE: &str = "
CREATE TABLE store_about (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
";

const SCHEMA_NAME: &str = "schema";

/// Refuses what is not a store, not of this schema, or newer than this
/// program. Changes nothing. A database that is not there, or empty, passes.
pub(crate) fn check(folder: &Folder, schema: Option<&Schema>) -> Result<(), OpenError> {
    match std::fs::metadata(folder.rows()) {
        Ok(facts) if facts.is_file() => {}
        Ok(_) => return Err(foreign(folder, "it is not a file")),
        Err(_) => return Ok(()),
    }
    let look = |connection: &Connection| -> rusqlite::Result<_> {
        let number = |pragma| connection.pragma_query_value(None, pragma, |row| row.get(0));
        let objects: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        let (application, format): (i64, i64) =
            (number("application_id")?, number("user_version")?);
        Ok((objects, application, format))
    };
    let connection =
        schema::open_read_only(folder).map_err(|error| schema::refused(folder, &error))?;
    let (objects, application, format) =
        look(&connection).map_err(|error| schema::refused(folder, &error))?;
    if objects == 0 {
        return Ok(());
    }
    if application != APPLICATION_ID {
        return Err(foreign(folder, "it is another program's SQLite database"));
    }
    if format > FORMAT {
        return Err(OpenError::NewerFormat {
            dir: folder.dir().to_owned(),
            found: format,
            known: FORMAT,
        });
    }
    match schema {
        Some(schema) => check_name(&connection, folder, schema, format),
        None => Ok(()),
    }
}

/// The same for checks and rescues, which are for damaged stores too.
pub(crate) fn check_readable(folder: &Folder) -> Result<(), OpenError> {
    match check(folder, None) {
        Err(OpenError::Damaged(_) | OpenError::Rows { .. }) => Ok(()),
        other => other,
    }
}

fn check_name(
    connection: &Connection,
    folder: &Folder,
    schema: &Schema,
    format: i64,
) -> Result<(), OpenError> {
    let sql = |error: rusqlite::Error| schema::refused(folder, &error);
    let found = match format {
        // Before stores had names the first of its tables has to tell.
        0 => {
            let table = first_table(schema);
            let steps = schema::state(connection, "schema_steps").map_err(sql)?;
            let known = match table {
                Some(table) if steps > 0 => has_table(connection, table).map_err(sql)?,
                _ => true,
            };
            if known {
                return Ok(());
            }
            "different program".to_owned()
        }
        _ => match name(connection).map_err(sql)? {
            Some(name) if name == schema.name => return Ok(()),
            Some(name) => name,
            None => "nameless program".to_owned(),
        },
    };
    Err(OpenError::OtherStore {
        dir: folder.dir().to_owned(),
        found,
        expected: schema.name.to_owned(),
    })
}

/// The name in the database, if it has one.
pub(crate) fn name(connection: &Connection) -> rusqlite::Result<Option<String>> {
    about(connection, SCHEMA_NAME)
}

pub(crate) fn set_name(connection: &Connection, name: &str) -> rusqlite::Result<()> {
    set_about(connection, SCHEMA_NAME, name)
}

pub(crate) fn about(connection: &Connection, name: &str) -> rusqlite::Result<Option<String>> {
    connection
        .query_row(
            "SELECT value FROM store_about WHERE name = ?1",
            [name],
            |row| row.get(0),
        )
        .optional()
}

pub(crate) fn set_about(connection: &Connection, name: &str, value: &str) -> rusqlite::Result<()> {
    connection.execute(
        "INSERT INTO store_about VALUES (?1, ?2) \
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )?;
    Ok(())
}

/// The first table that the first script makes.
fn first_table(schema: &Schema) -> Option<&'static str> {
    let script = schema.migrations.first()?;
    let rest = &script[script.find("CREATE TABLE ")? + "CREATE TABLE ".len()..];
    rest.split(|char: char| char.is_whitespace() || char == '(')
        .next()
}

fn has_table(connection: &Connection, table: &str) -> rusqlite::Result<bool> {
    connection
        .query_row(
            "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1",
            [table],
            |_| Ok(()),
        )
        .optional()
        .map(|found| found.is_some())
}

fn foreign(folder: &Folder, what: &str) -> OpenError {
    OpenError::Foreign {
        path: folder.rows(),
        what: what.to_owned(),
    }
}
