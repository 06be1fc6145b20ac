//! Reading a body back, in chunks, checked before the last one is given.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use rusqlite::Connection;

use crate::body::{BodyRef, HEADER_OCTETS, Header};
use crate::disk::{Disk, DiskFile};
use crate::error::{Damage, ReadError};
use crate::folder::Folder;
use crate::rows::{self, Place, Placed};
use crate::shared::Shared;

/// The most [`BodyReader::chunk`] gives at once.
pub(crate) const CHUNK_OCTETS: u64 = 64 * 1024;

/// Gives a body's content in order.
///
/// The last chunk is handed out only if all of the content matches its
/// checksum, so a damaged body can never be passed on whole.
#[derive(Debug)]
pub struct BodyReader {
    shared: Arc<Shared>,
    body: BodyRef,
    /// None before the first chunk, and after a chunk nobody waited for.
    source: Option<Source>,
    /// Octets given so far, and their checksum.
    given: u64,
    crc32c: u32,
    done: bool,
}

impl BodyReader {
    pub(crate) fn new(shared: Arc<Shared>, body: BodyRef) -> Self {
        Self {
            shared,
            body,
            source: None,
            given: 0,
            crc32c: 0,
            done: false,
        }
    }

    /// The size of the whole body.
    pub fn octets(&self) -> u64 {
        self.body.octets()
    }

    /// The next octets, at most 64 KiB; None once all have been given.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ReadError> {
        if self.done {
            return Ok(None);
        }
        if self.given == 0
            && let Some(content) = self.shared.fresh.take(&self.body)
        {
            self.given = content.len() as u64;
            self.done = true;
            return Ok((!content.is_empty()).then_some(content));
        }
        let (source, chunk, crc32c) = match self.source.take() {
            Some(source) => self.read_on(source).await?,
            None => self.open_and_read().await?,
        };
        self.given += chunk.len() as u64;
        self.crc32c = crc32c;
        if self.given == self.body.octets() {
            self.done = true;
            if crc32c != self.body.crc32c() {
                return Err(ReadError::Damaged(
                    source.damage("the content does not match its checksum"),
                ));
            }
        }
        self.source = Some(source);
        Ok((!chunk.is_empty()).then_some(chunk))
    }

    /// All of the body at once, if it is no larger than `octets_max`.
    pub async fn all(mut self, octets_max: u64) -> Result<Bytes, ReadError> {
        let octets = self.body.octets();
        if octets > octets_max {
            return Err(ReadError::TooLarge { octets, octets_max });
        }
        let Some(first) = self.chunk().await? else {
            return Ok(Bytes::new());
        };
        if self.done {
            return Ok(first);
        }
        let mut whole = Vec::with_capacity(usize::try_from(octets).unwrap_or(0));
        whole.extend_from_slice(&first);
        while let Some(chunk) = self.chunk().await? {
            whole.extend_from_slice(&chunk);
        }
        Ok(whole.into())
    }

    async fn open_and_read(&self) -> Result<(Source, Bytes, u32), ReadError> {
        let permit = self.shared.readers.permit().await?;
        let shared = Arc::clone(&self.shared);
        let (body, given, crc32c) = (self.body, self.given, self.crc32c);
        blocking(move || {
            let source = shared.readers.run(&permit, |connection| {
                open(&*shared.disk, &shared.folder, connection, &body)
            })?;
            drop(permit);
            source.read(given, crc32c)
        })
        .await
    }

    async fn read_on(&self, source: Source) -> Result<(Source, Bytes, u32), ReadError> {
        let (given, crc32c) = (self.given, self.crc32c);
        blocking(move || source.read(given, crc32c)).await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ReadError> + Send + 'static,
) -> Result<T, ReadError> {
    // It ends early only when the runtime is being shut down.
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or(Err(ReadError::Closed))
}

/// Looks the body up and opens its file. The view of the rows keeps nothing
/// from being removed, so a file that is gone is looked for in the rows of
/// the next reader: released meanwhile is missing, and moved meanwhile is
/// elsewhere, neither is damaged.
fn open(
    disk: &dyn Disk,
    folder: &Folder,
    connection: &Connection,
    body: &BodyRef,
) -> Result<Source, ReadError> {
    let missing = || ReadError::Missing(body.number());
    let look = || {
        rows::find(connection, body.number()).map_err(|error| ReadError::Disk(error.to_string()))
    };
    let mut placed = look()?;
    loop {
        let Some(here) = placed.filter(|placed| placed.body == *body) else {
            return Err(missing());
        };
        let damage = match Source::open(disk, folder, &here) {
            Ok(source) => return Ok(source),
            Err(damage) => damage,
        };
        // End this view and look again.
        connection
            .execute_batch("COMMIT; BEGIN;")
            .map_err(|error| ReadError::Disk(error.to_string()))?;
        placed = look()?;
        if placed == Some(here) {
            return Err(ReadError::Damaged(damage));
        }
    }
}

/// A body's open file.
#[derive(Debug)]
pub(crate) struct Source {
    file: Arc<dyn DiskFile>,
    placed: Placed,
    folder: Folder,
    /// Where the content begins.
    offset: u64,
}

impl Source {
    /// Opens the file and compares what it says about the body with the rows.
    pub(crate) fn open(disk: &dyn Disk, folder: &Folder, placed: &Placed) -> Result<Self, Damage> {
        let path = placed.path(folder);
        let file = disk.open_read(&path).map_err(|error| {
            let what = if error.kind() == io::ErrorKind::NotFound {
                "the file is missing".to_owned()
            } else {
                format!("the file cannot be opened: {error}")
            };
            Damage::new(folder.dir(), &path, what).record(placed.body.number())
        })?;
        Self::within(Arc::from(file), folder, placed)
    }

    /// The same for a file that is open already.
    pub(crate) fn within(
        file: Arc<dyn DiskFile>,
        folder: &Folder,
        placed: &Placed,
    ) -> Result<Self, Damage> {
        let mut source = Self {
            file,
            placed: *placed,
            folder: folder.clone(),
            offset: 0,
        };
        match placed.place {
            Place::Segment { position, .. } => {
                source.check_header(position)?;
                source.offset = position + HEADER_OCTETS as u64;
            }
            Place::OwnFile => source.check_length()?,
        }
        Ok(source)
    }

    /// Reads all of the content and compares it with its checksum.
    pub(crate) fn check_content(&self, buffer: &mut Vec<u8>) -> Result<(), Damage> {
        let (mut given, mut crc32c) = (0, 0);
        while given < self.placed.body.octets() {
            self.fill(given, buffer)?;
            crc32c = crc32c::crc32c_append(crc32c, buffer);
            given += buffer.len() as u64;
        }
        if crc32c == self.placed.body.crc32c() {
            Ok(())
        } else {
            Err(self.damage("the content does not match its checksum"))
        }
    }

    /// Up to a chunk of content from `given` on, into `buffer`.
    pub(crate) fn fill(&self, given: u64, buffer: &mut Vec<u8>) -> Result<(), Damage> {
        let octets = (self.placed.body.octets() - given).min(CHUNK_OCTETS);
        buffer.resize(usize::try_from(octets).unwrap_or(0), 0);
        self.file
            .read_exact_at(buffer, self.offset + given)
            .map_err(|error| self.read_failed("content", &error))
    }

    pub(crate) fn file(&self) -> Arc<dyn DiskFile> {
        Arc::clone(&self.file)
    }

    fn read(self, given: u64, crc32c: u32) -> Result<(Self, Bytes, u32), ReadError> {
        let mut buffer = Vec::new();
        self.fill(given, &mut buffer).map_err(ReadError::Damaged)?;
        let crc32c = crc32c::crc32c_append(crc32c, &buffer);
        Ok((self, buffer.into(), crc32c))
    }

    fn check_header(&self, position: u64) -> Result<(), Damage> {
        let mut header = [0; HEADER_OCTETS];
        self.file
            .read_exact_at(&mut header, position)
            .map_err(|error| self.read_failed("header", &error))?;
        let header = Header::decode(&header).map_err(|what| self.damage(what))?;
        let expected = &self.placed.body;
        let same = header.number == expected.number()
            && u64::from(header.octets) == expected.octets()
            && header.crc32c == expected.crc32c();
        if same {
            Ok(())
        } else {
            Err(self.damage("the record is another than the rows expect"))
        }
    }

    fn check_length(&self) -> Result<(), Damage> {
        let expected = self.placed.body.octets();
        match self.file.octets() {
            Ok(octets) if octets == expected => Ok(()),
            Ok(octets) => Err(self.damage(&format!(
                "the file has {octets} octets instead of {expected}"
            ))),
            Err(error) => Err(self.read_failed("length", &error)),
        }
    }

    fn read_failed(&self, part: &str, error: &io::Error) -> Damage {
        if error.kind() == io::ErrorKind::UnexpectedEof {
            self.damage("the file ends within the record")
        } else {
            self.damage(&format!("the {part} cannot be read: {error}"))
        }
    }

    fn damage(&self, what: &str) -> Damage {
        let path = self.placed.path(&self.folder);
        let damage = Damage::new(self.folder.dir(), path, what).record(self.placed.body.number());
        match self.placed.place {
            Place::Segment { position, .. } => damage.at(position),
            Place::OwnFile => damage.at(0),
        }
    }
}
