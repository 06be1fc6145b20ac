//! A copy of a store's rows and live bodies in a new folder: what a backup and
//! a repair have in common.
//!
//! ```text
//! TARGET.part/  rows of one moment ─▶ each body they name, checked while it is
//!               copied ─▶ synced ─▶ manifest ─▶ read again ─▶ renamed to TARGET
//! ```
//!
//! An unfinished copy never has the name it was asked for.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::body::{HEADER_OCTETS, Header};
use crate::disk::Disk;
use crate::error::Damage;
use crate::folder::Folder;
use crate::manifest::MANIFEST;
use crate::read_body::Source;
use crate::rows::{self, Place, Placed};
use crate::tally;

/// Marks a folder that may be removed: nobody has a use for it.
const UNFINISHED: &str = "unfinished-copy";

/// Bodies looked up at a time.
const PAGE_BODIES: usize = 256;

/// Where a new segment of the copy begins.
const SEGMENT_OCTETS_MAX: u64 = 64 * 1024 * 1024;

/// Why there is no copy. Nothing of it remains.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("{}: {source}", .path.display())]
    Folder { path: PathBuf, source: io::Error },
    #[error("{} is not empty; name a new folder", .0.display())]
    NotEmpty(PathBuf),
    #[error("the rows cannot be copied: {0}")]
    Rows(String),
    /// It went on without us, or there is no room for it and us.
    #[error("{0}")]
    GivenUp(String),
    #[error("what was copied does not read back: {0}")]
    NotVerified(String),
    #[error("{} is no finished backup: {what}", .path.display())]
    NoBackup { path: PathBuf, what: String },
    #[error(transparent)]
    Store(#[from] crate::error::OpenError),
}

/// A folder that becomes the copy's once all is there.
pub(crate) struct Target {
    pub(crate) folder: Folder,
    part: PathBuf,
    name: PathBuf,
    done: bool,
}

impl Target {
    pub(crate) fn make(name: &Path) -> Result<Self, CopyError> {
        let is_empty = |path: &Path| fs::read_dir(path).map(|mut entries| entries.next().is_none());
        match is_empty(name) {
            Ok(true) => {}
            Ok(false) => return Err(CopyError::NotEmpty(name.to_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(name, error)),
        }
        let mut part = name.as_os_str().to_owned();
        part.push(".part");
        let part = PathBuf::from(part);
        if part.join(UNFINISHED).exists() {
            fs::remove_dir_all(&part).map_err(|error| at(&part, error))?;
        }
        if part.exists() {
            return Err(CopyError::NotEmpty(part));
        }
        let target = Self {
            folder: Folder::new(&part),
            name: name.to_owned(),
            done: false,
            part,
        };
        for path in [
            target.part.clone(),
            target.folder.segments(),
            target.folder.bodies(),
        ] {
            // Mail is for nobody else on this machine.
            fs::DirBuilder::new()
                .recursive(true)
                .mode(0o700)
                .create(&path)
                .map_err(|error| at(&path, error))?;
        }
        fs::write(target.part.join(UNFINISHED), "").map_err(|error| target.failed(error))?;
        Ok(target)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.part
    }

    pub(crate) fn failed(&self, error: io::Error) -> CopyError {
        at(&self.part, error)
    }

    /// A new file that nobody else may read.
    pub(crate) fn create(&self, path: &Path) -> Result<File, CopyError> {
        fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)
            .map_err(|error| at(path, error))
    }

    /// The copy gets its name. Everything in it is on stable storage.
    pub(crate) fn finish(mut self) -> Result<(), CopyError> {
        let sync = |path: &Path| File::open(path).and_then(|file| file.sync_all());
        fs::remove_file(self.part.join(UNFINISHED)).map_err(|error| self.failed(error))?;
        for path in [
            self.folder.segments(),
            self.folder.bodies(),
            self.part.clone(),
        ] {
            sync(&path).map_err(|error| at(&path, error))?;
        }
        if self.name.exists() {
            fs::remove_dir(&self.name).map_err(|error| at(&self.name, error))?;
        }
        fs::rename(&self.part, &self.name).map_err(|error| at(&self.name, error))?;
        self.done = true;
        let above = match self.name.parent() {
            Some(path) if path != Path::new("") => path.to_owned(),
            _ => PathBuf::from("."),
        };
        sync(&above).map_err(|error| at(&above, error))
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if !self.done
            && let Err(error) = fs::remove_dir_all(&self.part)
        {
            tracing::warn!(path = %self.part.display(), %error, "cannot remove an unfinished copy");
        }
    }
}

pub(crate) fn at(path: &Path, source: io::Error) -> CopyError {
    CopyError::Folder {
        path: path.to_owned(),
        source,
    }
}

/// Everything that the rows already copied to `target` name, from where it
/// lies in `from`. Bodies that are damaged are left out of the rows and
/// returned. `go_on` is asked after each body, with its octets.
pub(crate) struct Bodies<'a> {
    pub(crate) disk: &'a dyn Disk,
    pub(crate) from: &'a Folder,
    pub(crate) target: &'a Target,
    pub(crate) segment: Option<(u64, File, u64)>,
    pub(crate) copied: Copied,
}

/// What was copied, and what could not be.
#[derive(Clone, Debug, Default)]
pub struct Copied {
    pub bodies: u64,
    pub octets: u64,
    /// Bodies that are not as they were written, and so not in the copy.
    pub damages: Vec<Damage>,
}

impl Bodies<'_> {
    pub(crate) fn copy(
        mut self,
        rows_of_copy: &Connection,
        mut go_on: impl FnMut(u64) -> Result<(), CopyError>,
    ) -> Result<Copied, CopyError> {
        let sql = |error: rusqlite::Error| CopyError::Rows(error.to_string());
        let transaction = rows_of_copy.unchecked_transaction().map_err(sql)?;
        let mut above = 0;
        loop {
            let page = rows::page_above(&transaction, above, PAGE_BODIES).map_err(sql)?;
            let Some(last) = page.last() else {
                break;
            };
            above = last.body.number();
            for placed in page {
                let octets = placed.body.octets();
                match self.copy_body(&placed)? {
                    Ok(place) => {
                        rows::set_place(&transaction, placed.body.number(), place).map_err(sql)?;
                        self.copied.bodies += 1;
                        self.copied.octets += octets;
                    }
                    Err(damage) => {
                        rows::forget(&transaction, placed.body.number()).map_err(sql)?;
                        self.copied.damages.push(damage);
                    }
                }
                go_on(octets)?;
            }
        }
        if let Some((_, file, _)) = &self.segment {
            file.sync_all().map_err(|error| self.target.failed(error))?;
        }
        tally::fill(&transaction).map_err(sql)?;
        transaction.commit().map_err(sql)?;
        Ok(self.copied)
    }

    fn copy_body(&mut self, placed: &Placed) -> Result<Result<Place, Damage>, CopyError> {
        let mut buffer = Vec::new();
        let source = Source::open(self.disk, self.from, placed)
            .and_then(|source| source.check_content(&mut buffer).map(|()| source));
        let source = match source {
            Ok(source) => source,
            Err(damage) => return Ok(Err(damage)),
        };
        let number = placed.body.number();
        if placed.place == Place::OwnFile {
            let file = self.target.create(&self.target.folder.body(number))?;
            if let Err(damage) = self.copy_content(&source, placed, &file)? {
                return Ok(Err(damage));
            }
            file.sync_all().map_err(|error| self.target.failed(error))?;
            return Ok(Ok(Place::OwnFile));
        }
        let (segment, file, position) = self.room()?;
        let header = Header {
            number,
            octets: u32::try_from(placed.body.octets()).unwrap_or(u32::MAX),
            crc32c: placed.body.crc32c(),
        };
        (&file)
            .write_all(&header.encode())
            .map_err(|error| self.target.failed(error))?;
        if let Err(damage) = self.copy_content(&source, placed, &file)? {
            // It changed between two looks; its record is cut off again.
            file.set_len(position)
                .map_err(|error| self.target.failed(error))?;
            self.segment = None;
            return Ok(Err(damage));
        }
        let end = position + HEADER_OCTETS as u64 + placed.body.octets();
        self.segment = Some((segment, file, end));
        Ok(Ok(Place::Segment { segment, position }))
    }

    fn copy_content(
        &self,
        source: &Source,
        placed: &Placed,
        mut file: &File,
    ) -> Result<Result<(), Damage>, CopyError> {
        let (mut given, mut buffer) = (0, Vec::new());
        while given < placed.body.octets() {
            if let Err(damage) = source.fill(given, &mut buffer) {
                return Ok(Err(damage));
            }
            file.write_all(&buffer)
                .map_err(|error| self.target.failed(error))?;
            given += buffer.len() as u64;
        }
        Ok(Ok(()))
    }

    /// The segment to write to, and where.
    fn room(&mut self) -> Result<(u64, File, u64), CopyError> {
        let next = match self.segment.take() {
            Some((number, file, end)) if end < SEGMENT_OCTETS_MAX => {
                return Ok((number, file, end));
            }
            Some((number, file, _)) => {
                file.sync_all().map_err(|error| self.target.failed(error))?;
                number + 1
            }
            None => 1 + tally::highest_file(&self.target.folder.segments()),
        };
        let file = self.target.create(&self.target.folder.segment(next))?;
        Ok((next, file, 0))
    }
}

/// Files of a finished copy that its manifest does not list.
pub(crate) fn is_listed(name: &str) -> bool {
    name != MANIFEST && name != UNFINISHED && name != "lock"
}
