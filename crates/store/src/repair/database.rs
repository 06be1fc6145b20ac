//! The database's own structure: what is wrong with it, and a new one from its
//! tables.

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OptionalExtension};

use super::sql;
use crate::copy::{CopyError, at};
use crate::folder::Folder;
use crate::schema::{self, Fault};

/// Faults that are looked at; more of them are found by the check afterwards.
const CHECK: &str = "PRAGMA integrity_check(1000)";

/// What the check complains about, by whether a table is concerned.
pub(super) struct Sorted {
    /// In a table, or in we know not what: nothing says what it was.
    pub(super) in_tables: Vec<Fault>,
    /// In an index, or among the free pages: made anew from the tables.
    pub(super) elsewhere: Vec<Fault>,
}

pub(super) fn faults(connection: &Connection) -> rusqlite::Result<Sorted> {
    let (mut in_tables, mut elsewhere) = (Vec::new(), Vec::new());
    for fault in schema::faults(connection, CHECK)? {
        if is_derivable(connection, &fault)? {
            elsewhere.push(fault);
        } else {
            in_tables.push(fault);
        }
    }
    Ok(Sorted {
        in_tables,
        elsewhere,
    })
}

/// Before the name of an index.
const OF_INDEX: [&str; 5] = [
    " missing from index ",
    " entries in index ",
    " entry in index ",
    " of index ",
    " differ from index ",
];

/// Whether an index or nothing at all is concerned. Texts:
/// `sqlite3BtreeIntegrityCheck` (btree.c) and `PRAGMA integrity_check`
/// (pragma.c) of SQLite.
fn is_derivable(connection: &Connection, fault: &Fault) -> rusqlite::Result<bool> {
    let text = fault.text.as_str();
    for words in OF_INDEX {
        if let Some((_, name)) = text.split_once(words) {
            return is_index(connection, "name = ?1", name);
        }
    }
    if let Some(rest) = text.strip_prefix("Tree ") {
        let root = rest.split(|char: char| !char.is_ascii_digit()).next();
        return is_index(connection, "rootpage = ?1", root.unwrap_or_default());
    }
    if text.starts_with("Freelist: ") || text.contains("never used") {
        return Ok(true);
    }
    match fault.page {
        Some(page) => is_page_of_index(connection, page),
        None => Ok(false),
    }
}

/// Walks all trees to find whose page it is.
fn is_page_of_index(connection: &Connection, page: u64) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare("SELECT name FROM dbstat WHERE pageno = ?1")?;
    let names = statement.query_map([i64::try_from(page).unwrap_or(0)], |row| {
        row.get::<_, String>(0)
    })?;
    let names: Vec<String> = names.collect::<rusqlite::Result<_>>()?;
    for name in &names {
        if !is_index(connection, "name = ?1", name)? {
            return Ok(false);
        }
    }
    Ok(!names.is_empty())
}

fn is_index(connection: &Connection, condition: &str, value: &str) -> rusqlite::Result<bool> {
    connection
        .query_row(
            &format!("SELECT 1 FROM sqlite_schema WHERE type = 'index' AND {condition}"),
            [value],
            |_| Ok(()),
        )
        .optional()
        .map(|found| found.is_some())
}

/// A connection that writes, whose changes are to be undone: nothing of the
/// database or its log is altered.
pub(super) fn open_without_trace(folder: &Folder) -> Result<Connection, CopyError> {
    let connection = Connection::open_with_flags(
        folder.rows(),
        rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE | rusqlite::OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )
    .map_err(sql)?;
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .map_err(sql)?;
    connection
        .execute_batch(
            "PRAGMA busy_timeout = 10000; PRAGMA wal_autocheckpoint = 0; \
             PRAGMA cache_spill = OFF; PRAGMA temp_store = MEMORY;",
        )
        .map_err(sql)?;
    Ok(connection)
}

/// A new database of the same tables and rows, with indexes made anew, in the
/// place of the old one. A kill leaves the old one or the new one.
pub(super) fn rewrite(folder: &Folder) -> Result<(), CopyError> {
    let new = folder.dir().join("rows.sqlite.new");
    if new.exists() {
        std::fs::remove_file(&new).map_err(|error| at(&new, error))?;
    }
    let old = schema::open_writer(folder)?;
    old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, i64>(0)
    })
    .map_err(sql)?;
    old.close().map_err(|(_, error)| sql(error))?;
    let logged = std::fs::metadata(folder.wal()).map_or(0, |facts| facts.len());
    if logged > 0 {
        return Err(CopyError::GivenUp(format!(
            "{} could not be emptied",
            folder.wal().display()
        )));
    }
    let written = fill(folder, &new).and_then(|()| {
        let sync = std::fs::File::open(&new).and_then(|file| file.sync_all());
        sync.map_err(|error| at(&new, error))
    });
    if let Err(error) = written {
        // It is of no use; the next repair would remove it.
        let _ = std::fs::remove_file(&new);
        return Err(error);
    }
    std::fs::rename(&new, folder.rows()).map_err(|error| at(&new, error))?;
    let dir = folder.dir();
    std::fs::File::open(dir)
        .and_then(|file| file.sync_all())
        .map_err(|error| at(dir, error))
}

fn fill(folder: &Folder, new: &std::path::Path) -> Result<(), CopyError> {
    let rows = folder.rows();
    let old = rows
        .to_str()
        .ok_or_else(|| CopyError::Rows("the folder's name is not UTF-8".to_owned()))?;
    let into = Connection::open(new).map_err(sql)?;
    into.execute("ATTACH ?1 AS old", [old]).map_err(sql)?;
    let number = |pragma: &str| -> Result<i64, CopyError> {
        into.query_row(&format!("PRAGMA old.{pragma}"), [], |row| row.get(0))
            .map_err(sql)
    };
    into.execute_batch(&format!(
        "PRAGMA page_size = {}; PRAGMA auto_vacuum = {}; PRAGMA journal_mode = MEMORY; \
         PRAGMA synchronous = OFF; PRAGMA cache_size = -65536; PRAGMA foreign_keys = OFF; \
         PRAGMA application_id = {}; PRAGMA user_version = {}; BEGIN;",
        number("page_size")?,
        number("auto_vacuum")?,
        number("application_id")?,
        number("user_version")?
    ))
    .map_err(sql)?;
    for (name, text) in objects(&into, "type = 'table'")? {
        into.execute_batch(&text).map_err(sql)?;
        copy_table(&into, &name)?;
    }
    for (_, text) in objects(&into, "type <> 'table'")? {
        into.execute_batch(&text).map_err(sql)?;
    }
    into.execute_batch("COMMIT").map_err(sql)?;
    let faults = schema::faults(&into, "PRAGMA main.integrity_check(1)").map_err(sql)?;
    if let Some(fault) = faults.first() {
        return Err(CopyError::NotVerified(fault.text.clone()));
    }
    into.execute_batch("DETACH old").map_err(sql)?;
    into.close().map_err(|(_, error)| sql(error))
}

/// What a person made, with the text that made it.
fn objects(connection: &Connection, kind: &str) -> Result<Vec<(String, String)>, CopyError> {
    let mut statement = connection
        .prepare(&format!(
            "SELECT name, sql FROM old.sqlite_schema WHERE {kind} AND sql IS NOT NULL \
             AND name NOT LIKE 'sqlite_%' ORDER BY rootpage"
        ))
        .map_err(sql)?;
    let rows = statement
        .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))
        .map_err(sql)?;
    rows.collect::<rusqlite::Result<_>>().map_err(sql)
}

/// `NOT INDEXED` reads the table and no index; the condition keeps SQLite from
/// copying pages as they are.
fn copy_table(connection: &Connection, name: &str) -> Result<(), CopyError> {
    let name = name.replace('"', "\"\"");
    let copied = connection
        .execute(
            &format!(
                "INSERT INTO main.\"{name}\" SELECT * FROM old.\"{name}\" NOT INDEXED WHERE 1"
            ),
            [],
        )
        .map_err(sql)?;
    let there: i64 = connection
        .query_row(
            &format!("SELECT count(*) FROM old.\"{name}\" NOT INDEXED WHERE 1"),
            [],
            |row| row.get(0),
        )
        .map_err(sql)?;
    if i64::try_from(copied) == Ok(there) {
        Ok(())
    } else {
        Err(CopyError::NotVerified(format!(
            "{copied} of {there} rows of table {name}"
        )))
    }
}
