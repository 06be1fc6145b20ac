//! Where the pages get what they show. The program implements [`Source`] over
//! gateway and twin; the console knows neither.

use std::fmt;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream, Stream, StreamExt};
use mailward_mail::{MessageId, Timestamp};

use crate::view::{
    Action, ControlAct, ControlDone, ControlView, MessageFilter, MessageRow, MessageView, Overview,
    Page, TwinOverview, WorldAct, WorldFilter, WorldView, WorldsView,
};
use crate::world::World;

/// A boxed answer, so that a source can be a trait object. An implementation
/// writes `Box::pin(async move { … })`.
pub type Answer<'a, T> = BoxFuture<'a, Result<T, SourceError>>;

/// All the console asks and does.
///
/// Only the methods of the halves named by [`Source::halves`] are called:
/// those about messages for the gateway, those about worlds for the twin.
pub trait Source: Send + Sync + 'static {
    fn halves(&self) -> Halves;

    fn overview(&self) -> Answer<'_, Overview>;

    /// The twin's half of it alone.
    fn twin_overview(&self) -> Answer<'_, Option<TwinOverview>>;

    fn messages(&self, filter: MessageFilter) -> Answer<'_, Page<MessageRow>>;

    fn message(&self, id: MessageId) -> Answer<'_, MessageView>;

    /// Does `action` in the name of `who`, the signed-in user, and records it
    /// in the timeline. [`SourceError::Conflict`] when the message has moved on.
    fn act(
        &self,
        id: MessageId,
        action: Action,
        who: String,
        why: Option<String>,
    ) -> Answer<'_, ()>;

    /// What is suspended and what people did, with the names there are.
    fn control(&self) -> Answer<'_, ControlView>;

    /// Does `act` in the name of `who`, and writes it down.
    fn control_act(&self, act: ControlAct, who: String) -> Answer<'_, ControlDone>;

    /// The world of this name; the default one without.
    fn world(&self, name: Option<&str>) -> Result<Box<dyn World>, SourceError>;

    fn worlds(&self, filter: WorldFilter) -> Answer<'_, WorldsView>;

    fn world_view(&self, name: String) -> Answer<'_, WorldView>;

    /// Does `act` in the name of `who`, and writes it down.
    fn world_act(&self, act: WorldAct, who: String) -> Answer<'_, ()>;
}

/// Which halves of Mailward run here; pages of an absent half do not exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Halves {
    pub gateway: bool,
    pub twin: bool,
}

/// An item as it lies in its folder.
#[derive(Debug)]
pub struct Item {
    pub received: Timestamp,
    pub octets: u64,
    /// IMAP flags as they are spelt: `\Seen`, `$Forwarded`.
    pub flags: Vec<String>,
    /// The number by which what became of it is found, while it is remembered.
    pub message: Option<u64>,
    pub content: Content,
}

/// The bytes of an item, piece by piece; nothing is read before it is wanted.
pub struct Content(BoxStream<'static, Result<Bytes, SourceError>>);

impl Content {
    /// From what has a `chunk` method: `Content::new(stream::try_unfold(reader, …))`.
    pub fn new(chunks: impl Stream<Item = Result<Bytes, SourceError>> + Send + 'static) -> Self {
        Self(chunks.boxed())
    }

    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self(stream::once(async move { Ok(bytes) }).boxed())
    }

    pub(crate) fn into_stream(self) -> BoxStream<'static, Result<Bytes, SourceError>> {
        self.0
    }

    /// The first `octets_max` octets, or all if there are fewer.
    pub(crate) async fn read(mut self, octets_max: usize) -> Result<Vec<u8>, SourceError> {
        let mut read = Vec::new();
        while let Some(chunk) = self.0.next().await {
            let chunk = chunk?;
            let room = octets_max - read.len();
            read.extend_from_slice(&chunk[..chunk.len().min(room)]);
            if read.len() == octets_max {
                break;
            }
        }
        Ok(read)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Content(…)")
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// No such message, account, folder or item.
    #[error("not found")]
    NotFound,
    /// It cannot be done as things stand. The sentence is shown.
    #[error("{0}")]
    Conflict(String),
    /// Cannot answer now. The sentence is shown.
    #[error("{0}")]
    Unavailable(String),
    /// Our fault. The text goes to the log and is not shown.
    #[error("{0}")]
    Internal(String),
}
