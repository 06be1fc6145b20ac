//! All mailboxes of one store.

use std::fmt;
use std::sync::{Arc, Mutex};

use mailward_mail::Clock;
use mailward_store::{
    BodyReader, BodyRef, NewBody, ReadError, ReadTx, Store, Tx, TxError, WriteError,
};

use crate::error::MailboxError;
use crate::folder_rows::{delete_all, insert_folder};
use crate::live::LiveFolders;
use crate::message::MessageWriter;
use crate::name::FolderName;
use crate::rows::{MailboxRow, Stop, next_id};

/// The mailboxes of a store that was opened with [`crate::SCHEMA`]. Cheap to
/// clone; every clone is the same.
#[derive(Clone)]
pub struct Mailboxes {
    store: Store,
    clock: Arc<dyn Clock>,
    live: Arc<LiveFolders>,
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
            store,
            clock,
            live: Arc::default(),
        }
    }

    /// Makes mailboxes, all in one write; those that exist already are left as
    /// they are. Says how many were made.
    pub async fn create(&self, mailboxes: Vec<NewMailbox>) -> Result<usize, MailboxError> {
        let now = self.clock.now();
        self.write(Vec::new(), move |tx, _| {
            let mut made = 0;
            for mailbox in &mailboxes {
                match MailboxRow::find(tx, &mailbox.owner) {
                    Ok(_) => continue,
                    Err(Stop::Refused(_)) => {}
                    Err(stop) => return Err(stop),
                }
                let id = next_id(tx)?;
                tx.execute(
                    "INSERT INTO mailbox (id, owner, quota_octets, octets, items) \
                     VALUES (?1, ?2, ?3, 0, 0)",
                    &[
                        id.into(),
                        (&mailbox.owner).into(),
                        mailbox.quota_octets.into(),
                    ],
                )?;
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
        let live = Arc::clone(&self.live);
        let offered = self
            .write(Vec::new(), move |tx, _| {
                let mailbox = MailboxRow::find(tx, &owner)?;
                let offered = delete_all(tx, &live, mailbox.id)?;
                tx.execute("DELETE FROM mailbox WHERE id = ?1", &[mailbox.id.into()])?;
                Ok(offered)
            })
            .await?;
        self.live.confirm(&offered);
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
            tx.execute(
                "UPDATE mailbox SET quota_octets = ?2 WHERE id = ?1",
                &[mailbox.id.into(), quota_octets.into()],
            )?;
            Ok(())
        })
        .await
    }

    /// Starts a message, to be filed with [`Mailboxes::append_to_many`].
    pub fn new_message(&self) -> MessageWriter {
        MessageWriter::new(self.store.new_body())
    }

    /// An item's octets, from the first, in pieces; the last one vouches for
    /// the checksum of all.
    pub fn read_body(&self, body: &BodyRef) -> Result<BodyReader, MailboxError> {
        self.store.read_body(body).map_err(unreadable)
    }

    pub(crate) fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    pub(crate) fn live(&self) -> &Arc<LiveFolders> {
        &self.live
    }

    /// One change: all of it happens or none. A refusal rolls it back and
    /// comes out as it went in.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        bodies: Vec<NewBody>,
        change: impl FnOnce(&mut Tx<'_>, &[BodyRef]) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, MailboxError> {
        let refused = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&refused);
        let written = self
            .store
            .write(bodies, move |tx, bodies| {
                change(tx, bodies).map_err(|stop| keep(&slot, stop))
            })
            .await;
        written.map_err(|error| taken(&refused).unwrap_or_else(|| refusal(error)))
    }

    pub(crate) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&ReadTx<'_>) -> Result<T, Stop> + Send + 'static,
    ) -> Result<T, MailboxError> {
        let refused = Arc::new(Mutex::new(None));
        let slot = Arc::clone(&refused);
        let read = self
            .store
            .read(move |tx| query(tx).map_err(|stop| keep(&slot, stop)))
            .await;
        read.map_err(|error| taken(&refused).unwrap_or_else(|| unreadable(error)))
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
