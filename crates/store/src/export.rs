//! Rescuing what is readable from a store that is not running.
//!
//! ```text
//! TARGET/rows/TABLE.jsonl              one JSON object a row; blobs as {"hex": "..."}
//! TARGET/bodies/N.body                 each body the rows name and the tables' owner
//!                                      has not written by itself
//! TARGET/unnamed/SEGMENT-OCTET-N.body  only if rows are damaged: intact bodies that
//!                                      no readable row names, released ones among them
//! ```

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::ValueRef;
use serde_json::{Map, Value as Json, json};

use crate::audit::Audit;
use crate::body::BodyRef;
use crate::check::{audit, rows_damage};
use crate::disk::SystemDisk;
use crate::error::{Damage, OpenError, TxError};
use crate::folder::{Folder, Lock};
use crate::identity;
use crate::read_body::Source;
use crate::rows::{self, Placed};
use crate::schema;
use crate::segment;
use crate::tx::ReadTx;
use crate::wal;

/// Failures a result lists; what could be read is exported all the same.
const FAILURES_LISTED_MAX: usize = 1000;

/// What an export wrote, and what it could not read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exported {
    pub rows: u64,
    /// What the owner of the tables wrote by itself, see [`export_with`].
    pub messages: u64,
    pub bodies: u64,
    /// Bodies whose rows could not be read.
    pub unnamed: u64,
    /// The first thousand failures, each a sentence with its place.
    pub failures: Vec<String>,
}

impl Exported {
    fn failed(&mut self, failure: String) {
        if self.failures.len() < FAILURES_LISTED_MAX {
            self.failures.push(failure);
        }
    }
}

/// Writes every readable row and body of `dir` into `target`, a new or empty
/// folder. Refused while a process has the store open.
pub fn export(dir: &Path, target: &Path) -> Result<Exported, OpenError> {
    export_with(dir, target, |_| Ok(Rescued::default()))
}

/// What the owner of the tables wrote by itself.
#[derive(Clone, Debug, Default)]
pub struct Rescued {
    pub messages: u64,
    /// Numbers of the bodies that need no second copy.
    pub bodies: HashSet<u64>,
    failures: Vec<String>,
}

impl Rescued {
    /// Something that could not be read, with its place.
    pub fn fail(&mut self, failure: String) {
        if self.failures.len() < FAILURES_LISTED_MAX {
            self.failures.push(failure);
        }
    }
}

/// The readable part of a store, for its owner.
#[derive(Debug)]
pub struct Rescue<'a> {
    connection: &'a Connection,
    folder: &'a Folder,
}

impl Rescue<'_> {
    pub fn read<T>(
        &self,
        query: impl FnOnce(&ReadTx<'_>) -> Result<T, TxError>,
    ) -> Result<T, TxError> {
        query(&ReadTx::new(self.connection))
    }

    /// The body, compared with its checksum; else what is wrong with it.
    pub fn whole(&self, body: &BodyRef) -> Result<Whole, String> {
        let placed =
            rows::find(self.connection, body.number()).map_err(|error| error.to_string())?;
        let placed = placed
            .filter(|placed| placed.body == *body)
            .ok_or_else(|| format!("there is no body {}", body.number()))?;
        whole(self.folder, &placed).map_err(|damage| damage.summary())
    }
}

/// A body that was read once and found as it was written.
#[derive(Debug)]
pub struct Whole {
    source: Source,
    octets: u64,
}

impl Whole {
    pub fn copy_to(&self, into: &mut dyn Write) -> io::Result<()> {
        let (mut given, mut buffer) = (0, Vec::new());
        while given < self.octets {
            self.source
                .fill(given, &mut buffer)
                .map_err(|damage| io::Error::other(damage.summary()))?;
            into.write_all(&buffer)?;
            given += buffer.len() as u64;
        }
        Ok(())
    }
}

fn whole(folder: &Folder, placed: &Placed) -> Result<Whole, Damage> {
    let source = Source::open(&SystemDisk, folder, placed)?;
    source.check_content(&mut Vec::new())?;
    Ok(Whole {
        source,
        octets: placed.body.octets(),
    })
}

/// As [`export`]; `first` writes what it makes of the rows and bodies itself,
/// within `target`.
pub fn export_with(
    dir: &Path,
    target: &Path,
    first: impl FnOnce(&Rescue<'_>) -> io::Result<Rescued>,
) -> Result<Exported, OpenError> {
    let folder = Folder::new(dir);
    let _lock = Lock::take_to_read(&folder, "an export")?;
    identity::check_readable(&folder)?;
    let audit = audit(&folder)?;
    let into = Target::make(target)?;
    let mut exported = Exported::default();
    let mut rows_whole = true;
    if let Err(damage) = wal::check(&folder) {
        exported.failed(damage.summary());
        rows_whole = false;
    }
    let mut named = HashSet::new();
    match schema::open_read_only(&folder) {
        Ok(connection) => {
            rows_whole &= export_rows(&connection, &folder, &into, &mut exported)?;
            let rescue = Rescue {
                connection: &connection,
                folder: &folder,
            };
            let rescued = first(&rescue).map_err(|error| into.refused(error))?;
            exported.messages = rescued.messages;
            exported.bodies += rescued.bodies.len() as u64;
            exported.failures.extend(rescued.failures);
            named = rescued.bodies;
            rows_whole &= export_bodies(&connection, &folder, &into, &mut named, &mut exported)?;
        }
        Err(error) => {
            exported.failed(rows_damage(&folder, &error).summary());
            rows_whole = false;
        }
    }
    if !rows_whole {
        export_unnamed(&folder, &audit, &into, &named, &mut exported)?;
    }
    Ok(exported)
}

/// The folder exported to. Unlike reading, writing must not fail.
struct Target {
    dir: PathBuf,
}

impl Target {
    fn make(dir: &Path) -> Result<Self, OpenError> {
        let target = Self {
            dir: dir.to_owned(),
        };
        let make = || -> io::Result<()> {
            let mut private = fs::DirBuilder::new();
            // Mail is for nobody else on this machine.
            private.recursive(true).mode(0o700).create(dir)?;
            if fs::read_dir(dir)?.next().is_some() {
                return Err(io::ErrorKind::DirectoryNotEmpty.into());
            }
            for part in ["rows", "bodies"] {
                private.create(dir.join(part))?;
            }
            Ok(())
        };
        make().map_err(|source| target.refused(source))?;
        Ok(target)
    }

    fn create(&self, name: &str) -> Result<BufWriter<File>, OpenError> {
        let mut private = fs::OpenOptions::new();
        private.write(true).create_new(true).mode(0o600);
        private
            .open(self.dir.join(name))
            .map(BufWriter::new)
            .map_err(|source| self.refused(source))
    }

    fn refused(&self, source: io::Error) -> OpenError {
        OpenError::Folder {
            path: self.dir.clone(),
            source,
        }
    }
}

/// False if some rows could not be read.
fn export_rows(
    connection: &Connection,
    folder: &Folder,
    into: &Target,
    exported: &mut Exported,
) -> Result<bool, OpenError> {
    let tables = match schema::tables(connection) {
        Ok(tables) => tables,
        Err(error) => {
            exported.failed(rows_damage(folder, &error).summary());
            return Ok(false);
        }
    };
    let mut whole = true;
    for table in tables {
        let mut file = into.create(&format!("rows/{table}.jsonl"))?;
        let outcome = each_row(connection, &table, |row| {
            exported.rows += 1;
            writeln!(file, "{row}")
        });
        match outcome {
            Ok(written) => written
                .and_then(|()| file.flush())
                .map_err(|error| into.refused(error))?,
            Err(error) => {
                file.flush().map_err(|error| into.refused(error))?;
                exported.failed(format!("table {table}: {error}"));
                whole = false;
            }
        }
    }
    Ok(whole)
}

/// Outer errors come from reading, inner ones from writing.
fn each_row(
    connection: &Connection,
    table: &str,
    mut write: impl FnMut(Json) -> io::Result<()>,
) -> rusqlite::Result<io::Result<()>> {
    let quoted = table.replace('"', "\"\"");
    let mut statement = connection.prepare(&format!("SELECT * FROM \"{quoted}\""))?;
    let names: Vec<String> = statement.column_names().map(str::to_owned).collect();
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let mut object = Map::new();
        for (index, name) in names.iter().enumerate() {
            object.insert(name.clone(), to_json(row.get_ref(index)?));
        }
        if let Err(error) = write(Json::Object(object)) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

fn to_json(column: ValueRef<'_>) -> Json {
    match column {
        ValueRef::Null => Json::Null,
        ValueRef::Integer(number) => number.into(),
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into(),
        ValueRef::Blob(octets) => {
            let hex: String = octets.iter().map(|octet| format!("{octet:02x}")).collect();
            json!({ "hex": hex })
        }
    }
}

/// False if not all rows that name bodies could be read.
fn export_bodies(
    connection: &Connection,
    folder: &Folder,
    into: &Target,
    named: &mut HashSet<u64>,
    exported: &mut Exported,
) -> Result<bool, OpenError> {
    let mut stopped = None;
    let outcome = rows::each_body(connection, |placed| {
        if !named.insert(placed.body.number()) {
            return true;
        }
        stopped = export_body(folder, into, placed, exported).err();
        stopped.is_none()
    });
    if let Some(error) = stopped {
        return Err(error);
    }
    Ok(match outcome {
        Ok(()) => true,
        Err(error) => {
            exported.failed(rows_damage(folder, &error).summary());
            false
        }
    })
}

fn export_body(
    folder: &Folder,
    into: &Target,
    placed: &Placed,
    exported: &mut Exported,
) -> Result<(), OpenError> {
    let whole = match whole(folder, placed) {
        Ok(whole) => whole,
        Err(damage) => {
            exported.failed(damage.summary());
            return Ok(());
        }
    };
    let mut file = into.create(&format!("bodies/{}.body", placed.body.number()))?;
    whole
        .copy_to(&mut file)
        .and_then(|()| file.flush())
        .map_err(|error| into.refused(error))?;
    exported.bodies += 1;
    Ok(())
}

/// Intact bodies that no readable row names. Reads a whole segment at once.
fn export_unnamed(
    folder: &Folder,
    audit: &Audit<'_>,
    into: &Target,
    named: &HashSet<u64>,
    exported: &mut Exported,
) -> Result<(), OpenError> {
    let unnamed = into.dir.join("unnamed");
    fs::create_dir(&unnamed).map_err(|error| into.refused(error))?;
    let mut segments: Vec<u64> = audit.segments.keys().copied().collect();
    segments.sort_unstable();
    for number in segments {
        let path = folder.segment(number);
        let segment = match fs::read(&path) {
            Ok(segment) => segment,
            Err(error) => {
                exported.failed(format!("{}: {error}", path.display()));
                continue;
            }
        };
        for found in segment::scan(&segment).filter(|found| !named.contains(&found.number)) {
            let name = format!("{number:08}-{}-{}.body", found.position, found.number);
            fs::write(unnamed.join(name), found.content).map_err(|error| into.refused(error))?;
            exported.unnamed += 1;
        }
    }
    for number in audit.bodies.keys().filter(|number| !named.contains(number)) {
        // Its checksum is in the rows that are lost, so it is taken as it is.
        match fs::copy(folder.body(*number), unnamed.join(format!("{number}.body"))) {
            Ok(_) => exported.unnamed += 1,
            Err(error) => exported.failed(format!("body {number}: {error}")),
        }
    }
    Ok(())
}
