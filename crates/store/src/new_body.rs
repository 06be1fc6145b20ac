//! Taking in a new body: small ones in memory, large ones in a file of their
//! own, with flat memory either way.

use std::io::{self, IoSlice};
use std::path::PathBuf;
use std::sync::Arc;

use crate::body::{BodyRef, HEADER_OCTETS, Header};
use crate::disk::DiskFile;
use crate::error::{WriteError, is_full};
use crate::rows::Placed;
use crate::shared::Shared;

/// What a large body gathers before it is written to its file.
const BUFFER_OCTETS: usize = 64 * 1024;

/// Room for a common message without growing.
const FIRST_OCTETS: usize = 8 * 1024;

/// Takes a new body piece by piece.
///
/// Up to `small_body_octets_max` it is held in memory; beyond that it goes to
/// a file through a buffer of 64 KiB. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct BodyWriter {
    shared: Arc<Shared>,
    number: u64,
    octets: u64,
    /// A record, its header still blank; or what the file has not got yet.
    buffer: Vec<u8>,
    file: Option<OwnFile>,
    crc32c: u32,
}

impl BodyWriter {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        let mut buffer = Vec::with_capacity(FIRST_OCTETS);
        buffer.resize(HEADER_OCTETS, 0);
        Self {
            number: shared.take_body_number(),
            shared,
            octets: 0,
            buffer,
            file: None,
            crc32c: 0,
        }
    }

    /// Octets taken so far.
    pub fn octets(&self) -> u64 {
        self.octets
    }

    /// Adds to the body. It writes to the system's cache and syncs nothing,
    /// so it is fit for asynchronous callers. After an error drop the writer.
    pub fn write(&mut self, octets: &[u8]) -> Result<(), WriteError> {
        let total = self.octets.saturating_add(octets.len() as u64);
        if total > self.shared.limits.body_octets_max {
            return Err(WriteError::TooLarge {
                octets_max: self.shared.limits.body_octets_max,
            });
        }
        self.octets = total;
        if self.file.is_none() && total > self.small_octets_max() {
            self.move_to_file()?;
        }
        let Some(file) = &self.file else {
            self.buffer.extend_from_slice(octets);
            return Ok(());
        };
        self.crc32c = crc32c::crc32c_append(self.crc32c, octets);
        if self.buffer.len() + octets.len() <= BUFFER_OCTETS {
            self.buffer.extend_from_slice(octets);
            return Ok(());
        }
        file.append(&[&self.buffer, octets])?;
        self.buffer.clear();
        Ok(())
    }

    /// The whole body has been written. Nothing is durable before
    /// [`crate::Store::write`] has said so.
    pub fn finish(mut self) -> Result<NewBody, WriteError> {
        let Some(file) = self.file.take() else {
            return Ok(self.finish_record());
        };
        file.append(&[&self.buffer])?;
        Ok(NewBody {
            body: BodyRef::new(self.number, self.octets, self.crc32c),
            content: Content::File(file),
        })
    }

    fn finish_record(mut self) -> NewBody {
        let content = &self.buffer[HEADER_OCTETS..];
        let crc32c = crc32c::crc32c(content);
        let header = Header {
            number: self.number,
            octets: u32::try_from(content.len()).expect("a small body is below 4 GiB"),
            crc32c,
        };
        self.buffer[..HEADER_OCTETS].copy_from_slice(&header.encode());
        NewBody {
            body: BodyRef::new(self.number, self.octets, crc32c),
            content: Content::Record(std::mem::take(&mut self.buffer)),
        }
    }

    fn small_octets_max(&self) -> u64 {
        let octets_max = self.shared.limits.small_body_octets_max as u64;
        octets_max.min(u64::from(u32::MAX))
    }

    fn move_to_file(&mut self) -> Result<(), WriteError> {
        self.shared.refuse_if_poisoned()?;
        if let Some(reason) = self.shared.no_room() {
            return Err(self.shared.full(reason));
        }
        let file = OwnFile::create(&self.shared, self.number)?;
        let content = &self.buffer[HEADER_OCTETS..];
        self.crc32c = crc32c::crc32c(content);
        file.append(&[content])?;
        self.file = Some(file);
        // The small body's buffer may have grown well beyond this one.
        self.buffer = Vec::with_capacity(BUFFER_OCTETS);
        Ok(())
    }
}

/// A complete body that waits for the change that names it. Dropped unused,
/// it leaves nothing behind.
#[derive(Debug)]
pub struct NewBody {
    pub(crate) body: BodyRef,
    pub(crate) content: Content,
}

impl NewBody {
    pub fn octets(&self) -> u64 {
        self.body.octets()
    }

    /// A body that is stored already, to lie elsewhere from now on.
    pub(crate) fn moved(from: Placed, record: Vec<u8>) -> Self {
        Self {
            body: from.body,
            content: Content::Moved { record, from },
        }
    }

    /// What it takes in a segment: nothing if it has a file of its own.
    pub(crate) fn record(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Record(record) | Content::Moved { record, .. } => Some(record),
            Content::File(_) => None,
        }
    }

    pub(crate) fn record_octets(&self) -> u64 {
        self.record().map_or(0, |record| record.len() as u64)
    }
}

#[derive(Debug)]
pub(crate) enum Content {
    /// Header and content, as they go to a segment.
    Record(Vec<u8>),
    /// The same of a body that lay at another place before.
    Moved {
        record: Vec<u8>,
        from: Placed,
    },
    File(OwnFile),
}

/// A large body's file, removed again unless it is kept.
#[derive(Debug)]
pub(crate) struct OwnFile {
    shared: Arc<Shared>,
    number: u64,
    path: PathBuf,
    file: Box<dyn DiskFile>,
    kept: bool,
}

impl OwnFile {
    fn create(shared: &Arc<Shared>, number: u64) -> Result<Self, WriteError> {
        let path = shared.folder.unfinished_body(number);
        match shared.disk.create(&path) {
            Ok(file) => Ok(Self {
                shared: Arc::clone(shared),
                number,
                path,
                file,
                kept: false,
            }),
            Err(error) => Err(refused(
                shared,
                &format!("create {}", path.display()),
                &error,
            )),
        }
    }

    fn append(&self, pieces: &[&[u8]]) -> Result<(), WriteError> {
        let mut slices = [IoSlice::new(&[]), IoSlice::new(&[])];
        for (slice, piece) in slices.iter_mut().zip(pieces) {
            *slice = IoSlice::new(piece);
        }
        self.file.append(&mut slices).map_err(|error| {
            refused(
                &self.shared,
                &format!("write {}", self.path.display()),
                &error,
            )
        })
    }

    /// Content, then name on stable storage, so that a row may name it.
    pub(crate) fn settle(&mut self) -> Result<(), WriteError> {
        self.shared.refuse_if_poisoned()?;
        self.file
            .sync_data()
            .map_err(|error| self.sync_failed(&self.path, &error))?;
        let name = self.shared.folder.body(self.number);
        self.shared
            .disk
            .rename(&self.path, &name)
            .map_err(|error| refused(&self.shared, &format!("name {}", name.display()), &error))?;
        self.path = name;
        let folder = self.shared.folder.bodies();
        self.shared
            .disk
            .sync_dir(&folder)
            .map_err(|error| self.sync_failed(&folder, &error))
    }

    /// The file stays: rows name it, or may name it.
    pub(crate) fn keep(&mut self) {
        self.kept = true;
    }

    fn sync_failed(&self, path: &std::path::Path, error: &io::Error) -> WriteError {
        self.shared
            .poison(format!("syncing {} failed: {error}", path.display()))
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = self.shared.disk.remove(&self.path) {
            // The next start removes what no row names.
            tracing::warn!(path = %self.path.display(), %error, "cannot remove an unused body");
        }
    }
}

fn refused(shared: &Shared, what: &str, error: &io::Error) -> WriteError {
    let reason = format!("cannot {what}: {error}");
    if is_full(error) {
        shared.full(reason)
    } else {
        WriteError::Disk(reason)
    }
}
