//! Opening a folder: take it, look for damage, remove what a crash left.
//!
//! Nothing is changed before everything acknowledged was found in order, so a
//! refused start leaves the evidence as it was.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::audit::Audit;
use crate::disk::Disk;
use crate::error::{Damage, OpenError};
use crate::folder::{Folder, Lock};
use crate::identity;
use crate::options::Options;
use crate::rows;
use crate::schema;
use crate::segment::ActiveSegment;
use crate::tally::{self, Segments};
use crate::wal;

/// A folder that is ready for its writer.
#[derive(Debug)]
pub(crate) struct Recovered {
    pub(crate) folder: Folder,
    pub(crate) lock: Lock,
    pub(crate) connection: Connection,
    pub(crate) segment: ActiveSegment,
    pub(crate) live: Segments,
    pub(crate) next_body: u64,
    /// Bodies from this number on were compared with their checksums.
    pub(crate) checked_from: u64,
    /// The database's structure was looked at.
    pub(crate) rows_checked: bool,
}

pub(crate) fn recover(options: &Options) -> Result<Recovered, OpenError> {
    let disk = &*options.disk;
    let folder = Folder::new(&options.dir);
    make_folders(disk, &folder)?;
    let lock = Lock::take(&folder)?;
    identity::check(&folder, Some(&options.schema))?;
    // SQLite silently drops what follows a damaged place in its log, so the
    // log is looked at before SQLite does.
    wal::check(&folder).map_err(OpenError::Damaged)?;
    let mut audit = Audit::new(disk, &folder, options.limits.start_check_octets_max)
        .map_err(|error| failed(folder.dir(), error))?;
    refuse_lost_rows(&folder, &audit)?;

    let connection = schema::open_writer(&folder)?;
    let sql = |error: rusqlite::Error| schema::refused(&folder, &error);
    let rows_checked = schema::quick_check(&connection, &folder, &options.limits)?;
    if !schema::is_made(&connection).map_err(sql)? {
        if audit.has_content() {
            return Err(rows_lost(&folder, "the database is empty"));
        }
        schema::make(&connection, &options.schema).map_err(sql)?;
        sync_folders(disk, &folder)?;
    }
    schema::upgrade(&connection, &options.schema).map_err(sql)?;
    let mut live = tally::all(&connection).map_err(sql)?;
    check_files(&connection, &folder, &mut audit, &live)?;
    let checked_from = check_newest(&connection, &folder, &mut audit)?;
    let next_body = schema::state(&connection, "next_body").map_err(sql)?;
    if is_miscounted(&connection, &audit, &live, checked_from).map_err(sql)? {
        tracing::warn!("the count of live bodies was wrong; they were counted anew");
        tally::fill(&connection).map_err(sql)?;
        live = tally::all(&connection).map_err(sql)?;
    }
    tally::forget_empty(&connection).map_err(sql)?;
    live.retain(|_, live| live.bodies > 0);
    tally::shorten(&connection, &mut live, &audit.segments).map_err(sql)?;
    remove_leftovers(disk, &folder, &audit, &live)?;
    let segment = open_segment(disk, &folder, &audit, &live)?;
    schema::migrate(&connection, &folder, &options.schema)?;
    Ok(Recovered {
        checked_from,
        rows_checked,
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

/// Every file that rows name is there and long enough: the segments by their
/// counts, the few large bodies one by one.
fn check_files(
    connection: &Connection,
    folder: &Folder,
    audit: &mut Audit<'_>,
    live: &Segments,
) -> Result<(), OpenError> {
    let sql = |error: rusqlite::Error| schema::refused(folder, &error);
    for (segment, live) in live.iter().filter(|(_, live)| live.bodies > 0) {
        let octets = audit.segments.get(segment).copied();
        if octets.is_some_and(|octets| octets >= live.ends_at) {
            continue;
        }
        // Looking for the body that shows it reads all rows, this once. There
        // is none where the last records were released.
        let beyond = rows::beyond(connection, *segment, octets).map_err(sql)?;
        if let Some(placed) = beyond {
            audit.check_presence(&placed).map_err(OpenError::Damaged)?;
        }
    }
    let mut damaged = None;
    rows::each_file(connection, |placed| {
        audit.live_files.insert(placed.body.number());
        damaged = audit.check_presence(placed).err();
        damaged.is_none()
    })
    .map_err(sql)?;
    damaged.map_or(Ok(()), |damage| Err(OpenError::Damaged(damage)))
}

/// Compares the newest bodies with their checksums, as many as the budget
/// allows. Returns the number of the oldest that was.
fn check_newest(
    connection: &Connection,
    folder: &Folder,
    audit: &mut Audit<'_>,
) -> Result<u64, OpenError> {
    let mut damaged = None;
    let mut checked_from = u64::MAX;
    let mut all = true;
    rows::each_body(connection, |placed| {
        if !audit.lasts_for(placed) {
            all = false;
            return false;
        }
        damaged = audit.body(placed).err();
        checked_from = placed.body.number();
        damaged.is_none()
    })
    .map_err(|error| schema::refused(folder, &error))?;
    match damaged {
        Some(damage) => Err(OpenError::Damaged(damage)),
        None if all => Ok(0),
        None => Ok(checked_from),
    }
}

/// Whether the counts differ from the rows. All rows are read only where a
/// file is to be removed on the counts' word; where all bodies were looked at
/// anyway it costs nothing.
fn is_miscounted(
    connection: &Connection,
    audit: &Audit<'_>,
    live: &Segments,
    checked_from: u64,
) -> rusqlite::Result<bool> {
    let unused = |number: &u64| live.get(number).is_none_or(|live| live.bodies == 0);
    let differs = |counted: &Segments| {
        let same = live
            .iter()
            .filter(|(_, live)| live.bodies > 0)
            .all(|(segment, live)| {
                counted.get(segment).is_some_and(|one| {
                    one.bodies == live.bodies
                        && one.octets == live.octets
                        && one.ends_at <= live.ends_at
                })
            });
        !same || counted.keys().any(unused)
    };
    if checked_from == 0 {
        return Ok(differs(&audit.live));
    }
    let removes = audit
        .segments
        .iter()
        .any(|(number, octets)| *octets > 0 && unused(number));
    Ok(removes && differs(&tally::count(connection)?))
}

/// Removes what no row names, as a start does, of a folder whose bodies were
/// all counted.
pub(crate) fn clear_up(
    disk: &dyn Disk,
    folder: &Folder,
    audit: &Audit<'_>,
) -> Result<(), OpenError> {
    remove_leftovers(disk, folder, audit, &audit.live)?;
    open_segment(disk, folder, audit, &audit.live).map(drop)
}

/// Files of changes that were never acknowledged, or that were released.
fn remove_leftovers(
    disk: &dyn Disk,
    folder: &Folder,
    audit: &Audit<'_>,
    live: &Segments,
) -> Result<(), OpenError> {
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
        .filter(|number| !live.contains_key(number) && Some(**number) != audit.active())
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
    live: &Segments,
) -> Result<ActiveSegment, OpenError> {
    let Some(number) = audit.active() else {
        return ActiveSegment::create(disk, folder, 1)
            .map_err(|error| failed(&folder.segment(1), error));
    };
    let end = live.get(&number).map_or(0, |live| live.ends_at);
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
