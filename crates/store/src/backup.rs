//! A backup of a store, running or not, and a store from a backup.
//!
//! **One moment.** No file is removed once the backup begins; then the rows
//! are copied in one view. Bodies never change, so those that the copied rows
//! name are all there, however long it takes to copy them.
//!
//! **A backup is the past.** What was relayed since would be sent again, so the
//! copied rows carry a mark ([`crate::Store::copied_at`]) by which their owner
//! knows to hold what is open before anything is sent.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;
use serde_json::json;

use crate::check::check;
use crate::copy::{Bodies, Copied, CopyError, Target, at};
use crate::disk::SystemDisk;
use crate::folder::{Folder, Lock};
use crate::identity;
use crate::manifest::{self, MANIFEST};
use crate::pins::Pin;
use crate::schema;
use crate::shared::Shared;
use crate::wal;

/// The mark of a copy, in milliseconds since 1970.
pub(crate) const COPIED_AT: &str = "copied_at";

/// A backup that was made and read back.
#[derive(Clone, Debug, Default)]
pub struct Backup {
    pub copied: Copied,
    /// Files, and their octets together.
    pub files: u64,
    pub file_octets: u64,
}

/// Of a store that runs. Blocks; `wait` rests so that the disk is left to
/// others, given what was copied since it last did.
pub(crate) fn of_running(
    shared: &Arc<Shared>,
    to: &Path,
    now_millis: i64,
    mut wait: impl FnMut(u64),
) -> Result<Backup, CopyError> {
    let pin = Pin::new(shared);
    let go_on = |octets: u64| {
        wait(octets);
        if !pin.holds() {
            return Err(CopyError::GivenUp(
                "too much was released meanwhile; try again at a quieter time".to_owned(),
            ));
        }
        if shared.is_closed() {
            return Err(CopyError::GivenUp("the store was closed".to_owned()));
        }
        if shared.is_full() {
            return Err(CopyError::GivenUp(
                "the store has no room to spare while it is copied".to_owned(),
            ));
        }
        Ok(())
    };
    make(&shared.folder, to, now_millis, go_on)
}

/// Of a store that stands still; it is locked meanwhile.
pub fn backup(dir: &Path, to: &Path, now_millis: i64) -> Result<Backup, CopyError> {
    let folder = Folder::new(dir);
    let _lock = Lock::take_to_read(&folder, "a backup")?;
    identity::check(&folder, None)?;
    wal::check(&folder).map_err(crate::error::OpenError::Damaged)?;
    make(&folder, to, now_millis, |_| Ok(()))
}

fn make(
    folder: &Folder,
    to: &Path,
    now_millis: i64,
    mut go_on: impl FnMut(u64) -> Result<(), CopyError>,
) -> Result<Backup, CopyError> {
    let target = Target::make(to)?;
    let copy = copy_rows(folder, &target)?;
    go_on(0)?;
    let sql = |error: rusqlite::Error| CopyError::Rows(error.to_string());
    identity::set_about(&copy, COPIED_AT, &now_millis.to_string()).map_err(|_| {
        CopyError::GivenUp("the store is of an older version; start it once before".to_owned())
    })?;
    let bodies = Bodies {
        disk: &SystemDisk,
        from: folder,
        target: &target,
        segment: None,
        copied: Copied::default(),
    };
    let copied = bodies.copy(&copy, &mut go_on)?;
    let name = identity::name(&copy).map_err(sql)?;
    copy.close().map_err(|(_, error)| sql(error))?;
    sync(&target.folder.rows())?;

    let listed = manifest::list(target.path())?;
    let more = json!({
        "schema": name,
        "copied_at_millis": now_millis,
        "bodies": copied.bodies,
        "body_octets": copied.octets,
        "damaged": copied.damages.iter().map(crate::error::Damage::summary).collect::<Vec<_>>(),
    });
    let path = target.path().join(MANIFEST);
    fs::write(&path, manifest::text(&listed, &more)).map_err(|error| at(&path, error))?;
    sync(&path)?;
    go_on(0)?;

    // Read again from the beginning: the database's structure, every body
    // against its checksum, every file against the manifest.
    let report = check(target.path())?;
    if let Some(damage) = report.damages.first() {
        return Err(CopyError::NotVerified(damage.summary()));
    }
    let listed = manifest::verify(target.path())?;
    let _ = fs::remove_file(target.path().join("lock"));
    target.finish()?;
    Ok(Backup {
        copied,
        files: listed.len() as u64,
        file_octets: listed.iter().map(manifest::Listed::octets).sum(),
    })
}

/// The rows of one moment, as a database of its own that is only written here.
pub(crate) fn copy_rows(folder: &Folder, target: &Target) -> Result<Connection, CopyError> {
    let sql = |error: rusqlite::Error| CopyError::Rows(error.to_string());
    let rows = target.folder.rows();
    let path = rows
        .to_str()
        .ok_or_else(|| CopyError::Rows("the folder's name is not UTF-8".to_owned()))?;
    let source = schema::open_read_only(folder).map_err(sql)?;
    source.execute("VACUUM INTO ?1", [path]).map_err(sql)?;
    drop(source);
    open_copy(&rows).map_err(sql)
}

/// Nobody else sees it, and it is synced as a whole.
pub(crate) fn open_copy(rows: &Path) -> rusqlite::Result<Connection> {
    let copy = Connection::open(rows)?;
    copy.execute_batch(
        "PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = -16384;",
    )?;
    Ok(copy)
}

pub(crate) fn sync(path: &Path) -> Result<(), CopyError> {
    fs::File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(|error| at(path, error))
}

/// A store from a backup, in a new folder. The backup is compared with its
/// manifest before, the store read from beginning to end after.
pub fn restore(from: &Path, to: &Path) -> Result<Backup, CopyError> {
    let listed = manifest::verify(from)?;
    let target = Target::make(to)?;
    for file in &listed {
        let (source, copy) = (from.join(&file.name), target.path().join(&file.name));
        fs::copy(&source, &copy).map_err(|error| at(&copy, error))?;
        sync(&copy)?;
    }
    let report = check(target.path())?;
    if let Some(damage) = report.damages.first() {
        return Err(CopyError::NotVerified(damage.summary()));
    }
    target.finish()?;
    Ok(Backup {
        copied: Copied {
            bodies: report.bodies,
            octets: report.octets,
            damages: Vec::new(),
        },
        files: listed.len() as u64,
        file_octets: listed.iter().map(manifest::Listed::octets).sum(),
    })
}
