//! All mailboxes of one store, or of one world in memory.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use mailward_mail::{Clock, Timestamp};
use mailward_store::{BodyRef, ReadError, Store, TxError, WriteError};

use crate::arrivals::Arrivals;
use crate::body::{BodyReader, BodyWriter, MemoryLimit, NewBody};
use crate::engine::memory::State;
use crate::engine::{Rows, RowsMut};
use crate::error::MailboxError;
use crate::folder_rows::{clear_all, insert_folder};
use crate::live::LiveFolders;
use crate::message::MessageWriter;
use crate::name::FolderName;
use crate::rows::{MailboxRow, Stop};
use crate::watcher::Watcher;

/// The mailboxes of a store that was opened with [`crate::SCHEMA`], or of one
/// world in memory. Cheap to clone; every clone is the same.
#[derive(Clone)]
pub struct Mailboxes {
    engine: Engine,
    clock: Arc<dyn Clock>,
    live: Arc<LiveFolders>,
    /// Where a session went, see [`Mailboxes::for_session`].
    elsewhere: Option<Arc<OnceLock<Self>>>,
    arrivals: Arrivals,
    watcher: Option<Arc<dyn Watcher>>,
}

#[derive(Clone)]
enum Engine {
    Store(Store),
    Memory(Arc<Memory>),
}

struct Memory {
    state: Mutex<State>,
    limit: MemoryLimit,
}

impl Memory {
    fn state(&self) -> MutexGuard<'_, State> {
        // A change that panicked has changed nothing but its own copy.
        self.state
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// All mailboxes in memory as they were at one moment. It costs a few words,
/// and later whatever has changed since.
#[derive(Clone)]
pub struct Image {
    state: State,
    limit: MemoryLimit,
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Image")
    }
}

/// A mailbox to be made. An INBOX is made in any case.
#[derive(Clone, Debug)]
pub struct NewMailbox {
    /// The key by which the mailbox is named from then on, as it is written.
    pub owner: String,
    /// No quota: no limit.
    pub quota_octets: Option<u64>,
    pub folders: Vec<NewFolder>,
}

/// A folder that a mailbox starts with.
#[derive(Clone, Debug)]
pub struct NewFolder {
    pub name: FolderName,
    /// It can't be deleted or renamed.
    pub permanent: bool,
    pub subscribed: bool,
}

/// How full a mailbox is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub items: u64,
    pub octets: u64,
    pub quota_octets: Option<u64>,
}

impl Mailboxes {
    /// Reads nothing yet: mailboxes are looked at when they are asked for. The
    /// clock gives UIDVALIDITY its floor and nothing else.
    pub fn open(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self {
            engine: Engine::Store(store),
            clock,
            live: Arc::default(),
            elsewhere: None,
            arrivals: Arrivals::default(),
            watcher: None,
        }
    }

    /// No mailboxes, in memory: they end with the last clone of this. What is
    /// filed counts against `limit`, which others may share.
    pub fn in_memory(limit: MemoryLimit, clock: Arc<dyn Clock>) -> Self {
        let state = State::default();
        Self::from_image(&Image { state, limit }, clock)
    }

    /// Mailboxes that begin as others were, and go their own way.
    pub fn from_image(image: &Image, clock: Arc<dyn Clock>) -> Self {
        let memory = Memory {
            state: Mutex::new(image.state.clone()),
            limit: image.limit.clone(),
        };
        Self {
            engine: Engine::Memory(Arc::new(memory)),
            clock,
            live: Arc::default(),
            elsewhere: None,
            arrivals: Arrivals::default(),
            watcher: None,
        }
    }

    /// The same, whose clones tell `watcher` what is done to items.
    #[must_use]
    pub fn watched_by(self, watcher: Arc<dyn Watcher>) -> Self {
        Self {
            watcher: Some(watcher),
            ..self
        }
    }

    /// For one session, which learns only at sign-in whose mailboxes it is
    /// for: until [`Mailboxes::go_to`] they are these.
    pub fn for_session(&self) -> Self {
        Self {
            elsewhere: Some(Arc::default()),
            ..self.here().clone()
        }
    }

    /// From now on this, and every clone of it, is `other`. Only those of
    /// [`Mailboxes::for_session`] go, and only once.
    pub fn go_to(&self, other: &Self) {
        if let Some(elsewhere) = &self.elsewhere {
            let _ = elsewhere.set(other.here().clone());
        }
    }

    /// The same for all clones, and another for other mailboxes while both
    /// are there.
    pub fn identity(&self) -> usize {
        Arc::as_ptr(self.live()) as usize
    }

    /// What the clock of these mailboxes shows.
    pub fn now(&self) -> Timestamp {
        self.clock().now()
    }

    fn here(&self) -> &Self {
        let elsewhere = self.elsewhere.as_ref().and_then(|slot| slot.get());
        elsewhere.unwrap_or(self)
    }

    /// All mailboxes as they are now; `None` when they are in a store.
    pub fn image(&self) -> Option<Image> {
        match &self.here().engine {
            Engine::Store(_) => None,
            Engine::Memory(memory) => Some(Image {
                state: memory.state().clone(),
                limit: memory.limit.clone(),
            }),
        }
    }

    /// Puts all mailboxes back to what they were. Sessions hear that their
    /// folders are gone. False when they are in a store: nothing is done.
    pub fn restore(&self, image: &Image) -> bool {
        let Engine::Memory(memory) = &self.here().engine else {
            return false;
        };
        *memory.state() = image.state.clone();
        self.live().abandon();
        self.arrivals().forget();
        true
    }

    /// Makes mailboxes, all in one write; those that exist already are left as
    /// they are. Says how many were made.
    pub async fn create(&self, mailboxes: Vec<NewMailbox>) -> Result<usize, MailboxError> {
        let now = self.clock().now();
        self.write(Vec::new(), move |tx, _| {
            let mut made = 0;
            for mailbox in &mailboxes {
                match MailboxRow::find(tx, &mailbox.owner) {
                    Ok(_) => continue,
                    Err(Stop::Refused(_)) => {}
                    Err(stop) => return Err(stop),
                }
                let id = tx.next_id()?;
                tx.insert_mailbox(id, &mailbox.owner, mailbox.quota_octets)?;
                let inbox = NewFolder {
                    name: FolderName::inbox(),
                    permanent: true,
                    subscribed: true,
                };
                let others = mailbox.folders.iter().filter(|new| !new.name.is_inbox());
                for folder in std::iter::once(&inbox).chain(others) {
                    insert_folder(tx, id, folder, now)?;
                }
                made += 1;
            }
            Ok(made)
        })
        .await
    }

    /// Deletes a mailbox with everything in it.
    pub async fn delete(&self, owner: &str) -> Result<(), MailboxError> {
        for folder in self.folders(owner).await? {
            self.empty_folder(owner, &folder.name).await?;
        }
        let owner = owner.to_owned();
        let live = Arc::clone(self.live());
        let offered = self
            .write(Vec::new(), move |tx, _| {
                let mailbox = MailboxRow::find(tx, &owner)?;
                let offered = clear_all(tx, &live, mailbox.id)?;
                tx.delete_mailbox(mailbox.id, &owner)?;
                Ok(offered)
            })
            .await?;
        self.live().confirm(&offered);
        Ok(())
    }

    pub async fn exists(&self, owner: &str) -> Result<bool, MailboxError> {
        match self.usage(owner).await {
            Ok(_) => Ok(true),
            Err(MailboxError::NoMailbox) => Ok(false),
            Err(error) => Err(error),
        }
    }

    pub async fn usage(&self, owner: &str) -> Result<Usage, MailboxError> {
        let owner = owner.to_owned();
        self.read(move |tx| {
            let mailbox = MailboxRow::find(tx, &owner)?;
            Ok(Usage {
                items: mailbox.items,
                octets: mailbox.octets,
                quota_octets: mailbox.quota_octets,
            })
        })
        .await
    }

    pub async fn set_quota(
        &self,
        owner: &str,
        quota_octets: Option<u64>,
    ) -> Result<(), MailboxError> {
        let owner = owner.to_owned();
        self.write(Vec::new(), move |tx, _| {
            let mailbox = MailboxRow::find(tx, &owner)?;
            tx.set_quota(mailbox.id, quota_octets)?;
            Ok(())
        })
        .await
    }

    /// Starts a message, to be filed with [`Mailboxes::append_to_many`].
    pub fn new_message(&self) -> MessageWriter {
        MessageWriter::new(match &self.here().engine {
            Engine::Store(store) => BodyWriter::Store(store.new_body()),
            Engine::Memory(memory) => BodyWriter::Memory {
                content: Vec::new(),
                limit: memory.limit.clone(),
            },
        })
    }

    /// An item's octets, from the first, in pieces; the last one vouches for
    /// the checksum of all.
    pub fn read_body(&self, body: &BodyRef) -> Result<BodyReader, MailboxError> {
        match &self.here().engine {
            Engine::Store(store) => store
                .read_body(body)
                .map(BodyReader::of_store)
                .map_err(unreadable),
            Engine::Memory(memory) => Ok(BodyReader::of_memory(*body, memory.state().body(body))),
        }
    }

    /// What was filed since the start, in all mailboxes.
    pub fn arrivals(&self) -> &Arrivals {
        &self.here().arrivals
    }

    pub(crate) fn watcher(&self) -> Option<&Arc<dyn Watcher>> {
        self.here().watcher.as_ref()
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.here().clock
    }

    pub(crate) fn live(&self) -> &Arc<LiveFolders> {
        &self.here().live
    }

    /// One change: all of it happens or none. A refusal rolls it back and
    /// comes out as it went in.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        bodies: Vec<NewBody>,
        change: impl FnOnce(&mut dyn RowsMut, &[BodyRef]) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, MailboxError> {
        match &self.here().engine {
            Engine::Store(store) => write_store(store, bodies, change).await,
            Engine::Memory(memory) => write_memory(memory, bodies, change),
        }
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn Rows) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, MailboxError> {
        match &self.here().engine {
            Engine::Store(store) => {
                let refused = Arc::new(Mutex::new(None));
                let slot = Arc::clone(&refused);
                let read = store
                    .read(move |tx| query(&tx).map_err(|stop| keep(&slot, stop)))
                    .await;
                read.map_err(|error| taken(&refused).unwrap_or_else(|| unreadable(error)))
            }
            Engine::Memory(memory) => {
                // A clone, so that a long look hinders no change.
                let state = memory.state().clone();
                query(&state).map_err(stopped)
            }
        }
    }
}

async fn write_store<T: Send + 'static>(
    store: &Store,
    bodies: Vec<NewBody>,
    change: impl FnOnce(&mut dyn RowsMut, &[BodyRef]) -> Result<T, Stop> + Send + 'static,
) -> Result<T, MailboxError> {
    let mut stored = Vec::with_capacity(bodies.len());
    for body in bodies {
        match body {
            NewBody::Store(body) => stored.push(body),
            NewBody::Memory(_) => return Err(elsewhere()),
        }
    }
    let refused = Arc::new(Mutex::new(None));
    let slot = Arc::clone(&refused);
    let written = store
        .write(stored, move |tx, bodies| {
            change(tx, bodies).map_err(|stop| keep(&slot, stop))
        })
        .await;
    written.map_err(|error| taken(&refused).unwrap_or_else(|| refusal(error)))
}

fn write_memory<T>(
    memory: &Memory,
    bodies: Vec<NewBody>,
    change: impl FnOnce(&mut dyn RowsMut, &[BodyRef]) -> Result<T, Stop>,
) -> Result<T, MailboxError> {
    let mut held = Vec::with_capacity(bodies.len());
    for body in bodies {
        match body {
            NewBody::Memory(body) => held.push(body),
            NewBody::Store(_) => return Err(elsewhere()),
        }
    }
    let mut state = memory.state();
    // Made beside what is there, and put in its place when all went well.
    let mut next = state.clone();
    let bodies: Vec<BodyRef> = held.into_iter().map(|body| next.add_body(body)).collect();
    let done = change(&mut next, &bodies).map_err(stopped)?;
    *state = next;
    Ok(done)
}

/// A message begun in one world and filed in another.
fn elsewhere() -> MailboxError {
    MailboxError::Unavailable("the message was begun for other mailboxes".to_owned())
}

fn stopped(stop: Stop) -> MailboxError {
    match stop {
        Stop::Refused(error) => error,
        Stop::Failed(error) => MailboxError::Unavailable(error.to_string()),
    }
}

impl fmt::Debug for Mailboxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailboxes")
    }
}

type Slot = Arc<Mutex<Option<MailboxError>>>;

/// Remembers a refusal beside the store, which only passes texts on.
fn keep(slot: &Slot, stop: Stop) -> TxError {
    match stop {
        Stop::Failed(error) => error,
        Stop::Refused(refused) => {
            let text = refused.to_string();
            *slot.lock().unwrap_or_else(|poisoned| poisoned.into_inner()) = Some(refused);
            TxError::Abort(text)
        }
    }
}

fn taken(slot: &Slot) -> Option<MailboxError> {
    slot.lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
        .take()
}

pub(crate) fn refusal(error: WriteError) -> MailboxError {
    match error {
        WriteError::Full(_) => MailboxError::Full,
        WriteError::TooLarge { octets_max } => MailboxError::TooLarge { octets_max },
        other => MailboxError::Unavailable(other.to_string()),
    }
}

fn unreadable(error: ReadError) -> MailboxError {
    match error {
        ReadError::Missing(_) => MailboxError::NoItem,
        other => MailboxError::Unavailable(other.to_string()),
    }
}
