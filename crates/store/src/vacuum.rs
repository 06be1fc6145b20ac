//! Giving free pages of the database back. The database is made with
//! `auto_vacuum = INCREMENTAL`, and always was.

use rusqlite::Connection;

/// Free pages the database may hold before some are given back: what comes
/// next takes them without growing the file.
pub(crate) const FREE_PAGES_KEPT: i64 = 4096;

/// Moves up to `pages_max` pages from the end of the file into free ones and
/// shortens it, if there are more free ones than are kept.
pub(crate) fn give_back(connection: &Connection, pages_max: i64) -> rusqlite::Result<()> {
    let free: i64 = connection.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    let pages = pages_max.min(free - FREE_PAGES_KEPT);
    if pages <= 0 {
        return Ok(());
    }
    let mut statement = connection.prepare(&format!("PRAGMA incremental_vacuum({pages})"))?;
    let mut rows = statement.query([])?;
    while rows.next()?.is_some() {}
    Ok(())
}
