//! Opening the database: settings, the store's own tables, the caller's
//! migrations.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension};

use crate::error::{Damage, OpenError};
use crate::folder::Folder;
use crate::identity::{self, ABOUT_TABLE, APPLICATION_ID, FORMAT};
use crate::options::{Limits, Schema};
use crate::readers::STATEMENTS_KEPT;
use crate::rows;
use crate::tally;

/// Named numbers of the store: `next_body`, `schema_steps`.
const STATE_TABLE: &str = "
CREATE TABLE store_state (
    name TEXT NOT NULL PRIMARY KEY,
    value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO store_state VALUES ('next_body', 1), ('schema_steps', 0);
";

/// The one connection that writes. `synchronous = FULL` syncs the log at
/// every commit; checkpoints run elsewhere so that commits do not wait.
pub(crate) fn open_writer(folder: &Folder) -> Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(folder.rows(), flags)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        keep_plans(&connection)?;
        connection.execute_batch(
            "PRAGMA busy_timeout = 10000;
             PRAGMA auto_vacuum = INCREMENTAL;
             PRAGMA journal_mode = WAL;
             PRAGMA synchronous = FULL;
             PRAGMA wal_autocheckpoint = 0;
             PRAGMA journal_size_limit = 67108864;
             PRAGMA cache_size = -16384;
             PRAGMA temp_store = MEMORY;
             PRAGMA foreign_keys = ON;",
        )?;
        Ok(connection)
    };
    open().map_err(|error| refused(folder, &error))
}

/// A statement is planned once, whatever values it is given. Without this
/// SQLite compiles a statement anew at every call where a value could decide
/// whether an index with a condition serves.
pub(crate) fn keep_plans(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
        .map(drop)
}

/// A connection that changes nothing, for checks and rescues.
pub(crate) fn open_read_only(folder: &Folder) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(
        folder.rows(),
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.execute_batch("PRAGMA busy_timeout = 10000;")?;
    Ok(connection)
}

/// True once the store's own tables are there.
pub(crate) fn is_made(connection: &Connection) -> rusqlite::Result<bool> {
    connection
        .query_row(
            "SELECT 1 FROM sqlite_schema WHERE name = 'store_state'",
            [],
            |_| Ok(()),
        )
        .optional()
        .map(|found| found.is_some())
}

/// Makes the store's own tables in an empty database.
pub(crate) fn make(connection: &Connection, schema: &Schema) -> rusqlite::Result<()> {
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(&format!(
        "PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {FORMAT}; \
         {STATE_TABLE} {ABOUT_TABLE} {} {}",
        rows::TABLE,
        tally::TABLES
    ))?;
    identity::set_name(&transaction, schema.name)?;
    transaction.commit()
}

/// Brings the store's own tables up to date; reads every row of a body where
/// they were not counted yet.
pub(crate) fn upgrade(connection: &Connection, schema: &Schema) -> rusqlite::Result<()> {
    let format: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format == FORMAT {
        return Ok(());
    }
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(&format!(
        "PRAGMA user_version = {FORMAT}; {ABOUT_TABLE} {}",
        tally::TABLES
    ))?;
    tally::fill(&transaction)?;
    identity::set_name(&transaction, schema.name)?;
    transaction.commit()
}

/// Lets SQLite look for damage, if the database is within the budget; says
/// whether it did.
pub(crate) fn quick_check(
    connection: &Connection,
    folder: &Folder,
    limits: &Limits,
) -> Result<bool, OpenError> {
    let octets = |pragma: &str| -> rusqlite::Result<i64> {
        connection.pragma_query_value(None, pragma, |row| row.get(0))
    };
    let size = octets("page_count")
        .and_then(|pages| Ok(pages * octets("page_size")?))
        .map_err(|error| refused(folder, &error))?;
    if rows::unsigned(size) > limits.start_check_rows_octets_max {
        return Ok(false);
    }
    match faults(connection, "PRAGMA quick_check(1)") {
        Ok(found) => match found.into_iter().next() {
            Some(fault) => Err(OpenError::Damaged(fault.damage(folder))),
            None => Ok(true),
        },
        Err(error) => Err(refused(folder, &error)),
    }
}

/// What an integrity pragma has to complain about.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) text: String,
    /// The page that it names, from 1 on, and where that begins, in octets.
    pub(crate) page: Option<u64>,
    offset: Option<u64>,
}

impl Fault {
    pub(crate) fn damage(self, folder: &Folder) -> Damage {
        let damage = Damage::new(folder.dir(), folder.rows(), self.text);
        match self.offset {
            Some(offset) => damage.at(offset),
            None => damage,
        }
    }
}

/// Asks an integrity pragma, whose answers may be of several lines.
pub(crate) fn faults(connection: &Connection, pragma: &str) -> rusqlite::Result<Vec<Fault>> {
    let page_octets: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let mut statement = connection.prepare(pragma)?;
    let mut rows = statement.query([])?;
    let mut faults = Vec::new();
    let mut fault = |text: &str| {
        let page = page_of(text);
        faults.push(Fault {
            text: text.to_owned(),
            page,
            offset: page.map(|page| page.saturating_sub(1) * rows::unsigned(page_octets)),
        });
    };
    loop {
        match rows.next() {
            Ok(Some(row)) => {
                let text: String = row.get(0)?;
                text.lines()
                    .filter(|line| *line != "ok" && !line.starts_with("*** in database "))
                    .for_each(&mut fault);
            }
            Ok(None) => return Ok(faults),
            // What was found before it gave up says where.
            Err(error) if faults.is_empty() => return Err(error),
            Err(_) => return Ok(faults),
        }
    }
}

/// `Tree 5 page 9 cell 3: …`, `… on page 9` and `Page 7: never used` name pages.
fn page_of(fault: &str) -> Option<u64> {
    let mut words = fault.split([' ', ':']);
    words.find(|word| word.eq_ignore_ascii_case("page"))?;
    words.next()?.parse().ok()
}

/// The names of all tables, the store's own among them.
pub(crate) fn tables(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut statement = connection.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%' \
         ORDER BY name",
    )?;
    let names = statement.query_map([], |row| row.get(0))?;
    names.collect()
}

/// Applies what the database has not had yet, each step on its own.
pub(crate) fn migrate(
    connection: &Connection,
    folder: &Folder,
    schema: &Schema,
) -> Result<(), OpenError> {
    let applied = state(connection, "schema_steps").map_err(|error| refused(folder, &error))?;
    let applied = usize::try_from(applied).unwrap_or(usize::MAX);
    let known = schema.migrations.len();
    if applied > known {
        return Err(OpenError::Newer {
            dir: folder.dir().to_owned(),
            applied,
            known,
        });
    }
    for (index, script) in schema.migrations.iter().enumerate().skip(applied) {
        let step = index + 1;
        let apply = || -> rusqlite::Result<()> {
            let transaction = connection.unchecked_transaction()?;
            transaction.execute_batch(script)?;
            set_state(&transaction, "schema_steps", step as u64)?;
            transaction.commit()
        };
        apply().map_err(|error| OpenError::Schema {
            dir: folder.dir().to_owned(),
            step,
            reason: error.to_string(),
        })?;
    }
    Ok(())
}

pub(crate) fn state(connection: &Connection, name: &str) -> rusqlite::Result<u64> {
    connection.query_row(
        "SELECT value FROM store_state WHERE name = ?1",
        [name],
        |row| Ok(rows::unsigned(row.get(0)?)),
    )
}

pub(crate) fn set_state(connection: &Connection, name: &str, value: u64) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE store_state SET value = ?2 WHERE name = ?1")?
        .execute((name, rows::signed(value)))?;
    Ok(())
}

/// The database's refusal to open: damage if it says so, else as it is.
pub(crate) fn refused(folder: &Folder, error: &rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            OpenError::Damaged(Damage::new(folder.dir(), folder.rows(), error.to_string()))
        }
        _ => OpenError::Rows {
            path: folder.rows(),
            reason: error.to_string(),
        },
    }
}
