//! Opening a folder: take it, look for damage, remove what a crash left.
//!
//! Nothing is changed before everything acknowledged was found in order, so a
//! refused start leaves the evidence as it was.

use std::collections::HashMap;
use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::audit::Audit;
use crate::disk::Disk;
use crate::error::{Damage, OpenError};
use crate::folder::{Folder, Lock};
use crate::options::Options;
use crate::rows;
use crate::schema;
use crate::segment::ActiveSegment;
use crate::wal;

/// A folder that is ready for its writer.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) folder: Folder,
    pub(crate) lock: Lock,
    pub(crate) connection: Connection,
    pub(crate) segment: ActiveSegment,
    pub(crate) live: HashMap<u64, u64>,
    pub(crate) next_body: u64,
}

pub(crate) fn recover(options: &Options) -> Result<Recovered, OpenError> {
    let disk = &*options.disk;
    let folder = Folder::new(&options.dir);
    make_folders(disk, &folder)?;
    let lock = Lock::take(&folder)?;
    // SQLite silently drops what follows a damaged place in its log, so the
    // log is looked at before SQLite does.
    wal::check(&folder).map_err(OpenError::Damaged)?;
    let mut audit = Audit::new(disk, &folder, options.limits.start_check_octets_max)
        .map_err(|error| failed(folder.dir(), error))?;
    refuse_lost_rows(&folder, &audit)?;

    let connection = schema::open_writer(&folder)?;
    let sql = |error: rusqlite::Error| schema::refused(&folder, &error);
    schema::quick_check(&connection, &folder, &options.limits)?;
    if !schema::is_made(&connection).map_err(sql)? {
        if audit.has_content() {
            return Err(rows_lost(&folder, "the database is empty"));
        }
        schema::make(&connection).map_err(sql)?;
        sync_folders(disk, &folder)?;
    }
    check_bodies(&connection, &folder, &mut audit)?;
    let next_body = schema::state(&connection, "next_body").map_err(sql)?;
    remove_leftovers(disk, &folder, &audit)?;
    let segment = open_segment(disk, &folder, &audit)?;
    schema::migrate(&connection, &folder, &options.schema)?;

    let live = audit
        .live
        .iter()
        .map(|(segment, live)| (*segment, live.bodies))
        .collect();
    Ok(Recovered {
        segment,
        live,
        next_body,
        connection,
        lock,
        folder,
    })
}

fn make_folders(disk: &dyn Disk, folder: &Folder) -> Result<(), OpenError> {
    for path in [folder.segments(), folder.bodies()] {
        disk.create_dir(&path)
            .map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

/// The names of a new store, up to the folder it lies in.
fn sync_folders(disk: &dyn Disk, folder: &Folder) -> Result<(), OpenError> {
    let above = folder.dir().parent().map(Path::to_owned);
    // The parent of a bare name is the empty path, which is the folder here.
    let above = above.map(|path| {
        if path == Path::new("") {
            PathBuf::from(".")
        } else {
            path
        }
    });
    for path in [Some(folder.dir().to_owned()), above].into_iter().flatten() {
        disk.sync_dir(&path).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

/// Bodies without rows would all be taken for leftovers.
fn refuse_lost_rows(folder: &Folder, audit: &Audit<'_>) -> Result<(), OpenError> {
    if audit.has_content() && !folder.rows().exists() {
        return Err(rows_lost(folder, "the file is missing"));
    }
    Ok(())
}

fn rows_lost(folder: &Folder, what: &str) -> OpenError {
    OpenError::Damaged(Damage::new(
        folder.dir(),
        folder.rows(),
        format!("{what} although there are bodies"),
    ))
}

fn check_bodies(
    connection: &Connection,
    folder: &Folder,
    audit: &mut Audit<'_>,
) -> Result<(), OpenError> {
    let mut damaged = None;
    rows::each_body(connection, |placed| {
        damaged = audit.body(placed).err();
        damaged.is_none()
    })
    .map_err(|error| schema::refused(folder, &error))?;
    damaged.map_or(Ok(()), |damage| Err(OpenError::Damaged(damage)))
}

/// Files of changes that were never acknowledged, or that were released.
fn remove_leftovers(disk: &dyn Disk, folder: &Folder, audit: &Audit<'_>) -> Result<(), OpenError> {
    let unfinished = audit
        .unfinished
        .iter()
        .map(|name| folder.bodies().join(name));
    let unnamed = audit
        .bodies
        .keys()
        .filter(|number| !audit.live_files.contains(number))
        .map(|number| folder.body(*number));
    let empty = audit
        .segments
        .keys()
        .filter(|number| !audit.live.contains_key(number) && Some(**number) != audit.active())
        .map(|number| folder.segment(*number));
    for path in unfinished.chain(unnamed).chain(empty) {
        tracing::info!(path = %path.display(), "removing what no row names");
        disk.remove(&path).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

/// The newest segment without its tail that no row names: records of a group
/// that was never acknowledged, the last of them perhaps torn.
fn open_segment(
    disk: &dyn Disk,
    folder: &Folder,
    audit: &Audit<'_>,
) -> Result<ActiveSegment, OpenError> {
    let Some(number) = audit.active() else {
        return ActiveSegment::create(disk, folder, 1)
            .map_err(|error| failed(&folder.segment(1), error));
    };
    let end = audit.live.get(&number).map_or(0, |live| live.end);
    let octets = audit.segments.get(&number).copied().unwrap_or_default();
    if octets > end {
        tracing::info!(
            segment = number,
            octets = octets - end,
            "cutting an uncommitted tail"
        );
    }
    ActiveSegment::open(disk, folder, number, end)
        .map_err(|error| failed(&folder.segment(number), error))
}

fn failed(path: &Path, source: io::Error) -> OpenError {
    OpenError::Folder {
        path: path.to_owned(),
        source,
    }
}
