//! The octets of messages, in a store or in memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use mailward_store::{BodyRef, ReadError};

use crate::error::MailboxError;
use crate::mailboxes::refusal;

/// The most [`BodyReader::chunk`] gives at once of a body in memory.
const CHUNK_OCTETS: usize = 64 * 1024;

/// Octets of one body in memory: as a store has it unless told otherwise.
const BODY_OCTETS_MAX: u64 = 256 * 1024 * 1024;

/// How many octets of bodies may be held in memory, by all that share this.
/// Clones are the same.
#[derive(Clone, Debug)]
pub struct MemoryLimit(Arc<Octets>);

#[derive(Debug)]
struct Octets {
    max: u64,
    held: AtomicU64,
}

impl MemoryLimit {
    pub fn new(octets_max: u64) -> Self {
        Self(Arc::new(Octets {
            max: octets_max,
            held: AtomicU64::new(0),
        }))
    }

    /// Octets of bodies, each counted once however many share it.
    pub fn held(&self) -> u64 {
        self.0.held.load(Ordering::Relaxed)
    }

    fn take(&self, octets: u64) -> Result<(), MailboxError> {
        let before = self.0.held.fetch_add(octets, Ordering::Relaxed);
        if before.saturating_add(octets) > self.0.max {
            self.give_back(octets);
            return Err(MailboxError::Full);
        }
        Ok(())
    }

    fn give_back(&self, octets: u64) {
        self.0.held.fetch_sub(octets, Ordering::Relaxed);
    }
}

/// A body in memory; counted until the last world that holds it lets go.
#[derive(Debug)]
pub(crate) struct MemoryBody {
    pub(crate) content: Bytes,
    limit: MemoryLimit,
}

impl Drop for MemoryBody {
    fn drop(&mut self) {
        self.limit.give_back(self.content.len() as u64);
    }
}

#[derive(Debug)]
pub(crate) enum BodyWriter {
    Store(mailward_store::BodyWriter),
    Memory {
        content: Vec<u8>,
        limit: MemoryLimit,
    },
}

impl BodyWriter {
    pub(crate) fn write(&mut self, octets: &[u8]) -> Result<(), MailboxError> {
        match self {
            Self::Store(writer) => writer.write(octets).map_err(refusal),
            Self::Memory { content, .. } => {
                if (content.len() + octets.len()) as u64 > BODY_OCTETS_MAX {
                    return Err(MailboxError::TooLarge {
                        octets_max: BODY_OCTETS_MAX,
                    });
                }
                content.extend_from_slice(octets);
                Ok(())
            }
        }
    }

    pub(crate) fn octets(&self) -> u64 {
        match self {
            Self::Store(writer) => writer.octets(),
            Self::Memory { content, .. } => content.len() as u64,
        }
    }

    pub(crate) fn finish(self) -> Result<NewBody, MailboxError> {
        match self {
            Self::Store(writer) => writer.finish().map(NewBody::Store).map_err(refusal),
            Self::Memory { mut content, limit } => {
                limit.take(content.len() as u64)?;
                content.shrink_to_fit();
                let content = Bytes::from(content);
                Ok(NewBody::Memory(MemoryBody { content, limit }))
            }
        }
    }
}

#[derive(Debug)]
pub(crate) enum NewBody {
    Store(mailward_store::NewBody),
    Memory(MemoryBody),
}

impl NewBody {
    pub(crate) fn octets(&self) -> u64 {
        match self {
            Self::Store(body) => body.octets(),
            Self::Memory(body) => body.content.len() as u64,
        }
    }
}

/// Gives a body's octets in order.
#[derive(Debug)]
pub struct BodyReader(Source);

#[derive(Debug)]
enum Source {
    Store(mailward_store::BodyReader),
    Memory {
        body: BodyRef,
        /// `None` when there is no such body.
        rest: Option<Bytes>,
    },
}

impl BodyReader {
    pub(crate) fn of_store(reader: mailward_store::BodyReader) -> Self {
        Self(Source::Store(reader))
    }

    pub(crate) fn of_memory(body: BodyRef, content: Option<&Arc<MemoryBody>>) -> Self {
        let rest = content.map(|body| body.content.clone());
        Self(Source::Memory { body, rest })
    }

    /// The size of the whole body.
    pub fn octets(&self) -> u64 {
        match &self.0 {
            Source::Store(reader) => reader.octets(),
            Source::Memory { body, .. } => body.octets(),
        }
    }

    /// The next octets, at most 64 KiB; None once all have been given. The
    /// last of a store's come only if all match their checksum.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ReadError> {
        match &mut self.0 {
            Source::Store(reader) => reader.chunk().await,
            Source::Memory { body, rest } => {
                let rest = rest.as_mut().ok_or(ReadError::Missing(body.number()))?;
                let chunk = rest.split_to(rest.len().min(CHUNK_OCTETS));
                Ok((!chunk.is_empty()).then_some(chunk))
            }
        }
    }

    /// All of the body at once, if it is no larger than `octets_max`.
    pub async fn all(self, octets_max: u64) -> Result<Bytes, ReadError> {
        match self.0 {
            Source::Store(reader) => reader.all(octets_max).await,
            Source::Memory { body, rest } => {
                let rest = rest.ok_or(ReadError::Missing(body.number()))?;
                let octets = rest.len() as u64;
                if octets > octets_max {
                    return Err(ReadError::TooLarge { octets, octets_max });
                }
                Ok(rest)
            }
        }
    }
}
