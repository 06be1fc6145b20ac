//! One open folder.

use std::fmt;
use std::sync::{Arc, MutexGuard};

use tokio::sync::watch;

use crate::error::MailboxError;
use crate::flags::Flags;
use crate::item::{Item, Uid};
use crate::live::{Index, LiveFolder};
use crate::mailboxes::Mailboxes;
use crate::name::FolderName;
use crate::rows::{FolderRow, MailboxRow, Stop};
use crate::view::View;

/// A folder that a session has open. Clones and other sessions share what is
/// in memory.
#[derive(Clone)]
pub struct Folder {
    pub(crate) mailboxes: Mailboxes,
    pub(crate) live: Arc<LiveFolder>,
    owner: String,
    name: FolderName,
    uid_validity: u32,
}

impl Mailboxes {
    /// Opens a folder: its items are read unless somebody has it open already.
    pub async fn folder(&self, owner: &str, name: &FolderName) -> Result<Folder, MailboxError> {
        let (key, wanted) = (owner.to_owned(), name.clone());
        let row = self
            .read(move |tx| {
                let mailbox = MailboxRow::find(tx, &key)?;
                FolderRow::selectable(tx, mailbox.id, &wanted)
            })
            .await?;
        let folder = Folder {
            mailboxes: self.clone(),
            live: self.live().open(row.id),
            owner: owner.to_owned(),
            name: name.clone(),
            uid_validity: row.uid_validity,
        };
        folder.load().await?;
        folder.settle().await?;
        if folder.index().gone {
            return Err(MailboxError::NoFolder);
        }
        Ok(folder)
    }
}

impl Folder {
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The name by which the folder was opened; it may have been renamed.
    pub fn name(&self) -> &FolderName {
        &self.name
    }

    pub fn uid_validity(&self) -> u32 {
        self.uid_validity
    }

    pub fn uid_next(&self) -> u32 {
        self.index().uid_next
    }

    /// The number of the last change to the folder. Changes are numbered
    /// without gaps.
    pub fn change(&self) -> u64 {
        self.index().change_seq
    }

    /// Whether anything was taken away after this change, as far as is known:
    /// what went before the folder was opened counts.
    pub fn expunged_since(&self, change: u64) -> bool {
        self.index().expunge_seq > change
    }

    pub fn item(&self, uid: Uid) -> Option<Item> {
        self.index().item(uid).copied()
    }

    /// The first item that lacks these flags.
    pub fn first_without(&self, flags: Flags) -> Option<Uid> {
        let index = self.index();
        let mut items = index.items.iter();
        items
            .find(|item| !item.flags.contains(flags))
            .map(|item| item.uid)
    }

    /// All items as they are now, ascending by UID.
    pub fn items(&self) -> Vec<Item> {
        self.index().items.clone()
    }

    /// Completes when the folder has changed since the receiver last looked.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.live.subscribe()
    }

    /// Brings in what is on stable storage though whoever wrote it went away
    /// before it could say so.
    pub async fn settle(&self) -> Result<(), MailboxError> {
        if !self.index().has_pending() {
            return Ok(());
        }
        let id = self.live.id;
        let committed = self
            .mailboxes
            .read(move |tx| FolderRow::by_id(tx, id))
            .await;
        match committed {
            Ok(row) => self.live.confirm(row.change_seq),
            // Its last change, Gone, can be the only pending one.
            Err(MailboxError::NoFolder) => self.live.confirm(u64::MAX),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Gives this session, and no later one, the messages that no session was
    /// told of before: they are `\Recent` to it. With `keep` they stay so for
    /// the next one as well (EXAMINE).
    pub async fn claim_recent(&self, view: &mut View, keep: bool) {
        let (first, next) = {
            let mut index = self.index();
            let first = index.recent_uid;
            if !keep {
                index.recent_uid = first.max(view.uid_next());
            }
            (first, view.uid_next())
        };
        view.add_recent(first);
        if keep || first >= next {
            return;
        }
        let id = self.live.id;
        let written = self
            .mailboxes
            .write(Vec::new(), move |tx, _| {
                tx.set_recent_uid(id, next)?;
                Ok(())
            })
            .await;
        if let Err(error) = written {
            // Then they are recent once more after a restart, which section
            // 2.3.2 of RFC 3501 allows; reading goes on while a disk is full.
            tracing::debug!(%error, "recent messages could not be noted");
        }
    }

    pub(crate) fn index(&self) -> MutexGuard<'_, Index> {
        self.live.index()
    }

    async fn load(&self) -> Result<(), MailboxError> {
        let _one_at_a_time = self.live.loading.lock().await;
        if self.index().loaded {
            return Ok(());
        }
        let id = self.live.id;
        let index = self.mailboxes.read(move |tx| {
            let folder = FolderRow::by_id(tx, id)?;
            // As many as FOLDER_ITEMS_MAX: the folder is held in memory.
            let items = tx.items(id)?;
            Ok::<_, Stop>(Index {
                items,
                uid_next: folder.uid_next,
                recent_uid: folder.recent_uid,
                change_seq: folder.change_seq,
                ..Index::default()
            })
        });
        let index = index.await?;
        self.live.install(index);
        Ok(())
    }
}

impl fmt::Debug for Folder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Folder")
            .field("name", &self.name)
            .field("uid_validity", &self.uid_validity)
            .finish_non_exhaustive()
    }
}
