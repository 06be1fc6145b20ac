//! The tree of folders of a mailbox.

use std::sync::Arc;

use crate::error::MailboxError;
use crate::folder_rows::{clear, ensure, set_subscribed};
use crate::live::Offered;
use crate::mailboxes::Mailboxes;
use crate::name::FolderName;
use crate::rows::{FolderRow, MailboxRow, Stop};

/// Folders of one mailbox.
pub const FOLDERS_MAX: usize = 5000;

/// A folder as a list shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FolderInfo {
    pub name: FolderName,
    pub permanent: bool,
    /// It can hold items; a deleted folder with others below it can't.
    pub selectable: bool,
    pub subscribed: bool,
    pub has_children: bool,
    pub status: FolderStatus,
}

/// A folder's figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderStatus {
    pub items: u64,
    pub unseen: u64,
    /// Items that no session has been told of.
    pub recent: u64,
    pub octets: u64,
    pub uid_next: u32,
    pub uid_validity: u32,
    /// The number of the last change, see [`crate::Folder::change`].
    pub change: u64,
}

impl Mailboxes {
    /// All folders, by name, INBOX first.
    pub async fn folders(&self, owner: &str) -> Result<Vec<FolderInfo>, MailboxError> {
        let owner = owner.to_owned();
        self.read(move |tx| {
            let mailbox = MailboxRow::find(tx, &owner)?;
            let subscribed = tx.subscriptions(mailbox.id)?;
            let mut folders = Vec::new();
            for row in tx.folders(mailbox.id)? {
                folders.push(FolderInfo {
                    subscribed: subscribed.contains(&row.name),
                    has_children: false,
                    status: FolderStatus {
                        recent: tx.recent(&row)?,
                        items: row.items,
                        unseen: row.unseen,
                        octets: row.octets,
                        uid_next: row.uid_next,
                        uid_validity: row.uid_validity,
                        change: row.change_seq,
                    },
                    permanent: row.permanent,
                    selectable: row.selectable,
                    name: row.name,
                });
            }
            mark_parents(&mut folders);
            folders.sort_by_key(|folder| (!folder.name.is_inbox(), folder.name.clone()));
            Ok(folders)
        })
        .await
    }

    pub async fn status(
        &self,
        owner: &str,
        name: &FolderName,
    ) -> Result<FolderStatus, MailboxError> {
        let (owner, name) = (owner.to_owned(), name.clone());
        self.read(move |tx| {
            let mailbox = MailboxRow::find(tx, &owner)?;
            let row = FolderRow::selectable(tx, mailbox.id, &name)?;
            Ok(FolderStatus {
                recent: tx.recent(&row)?,
                items: row.items,
                unseen: row.unseen,
                octets: row.octets,
                uid_next: row.uid_next,
                uid_validity: row.uid_validity,
                change: row.change_seq,
            })
        })
        .await
    }

    /// Makes a folder and those above it that are missing.
    pub async fn create_folder(&self, owner: &str, name: &FolderName) -> Result<(), MailboxError> {
        let (owner, name, now) = (owner.to_owned(), name.clone(), self.clock().now());
        self.write(Vec::new(), move |tx, _| {
            let mailbox = MailboxRow::find(tx, &owner)?;
            match FolderRow::find(tx, mailbox.id, &name) {
                Ok(folder) if folder.selectable => return Err(MailboxError::FolderExists.into()),
                Ok(mut folder) => {
                    folder.selectable = true;
                    tx.reshape_folder(&folder)?;
                    return Ok(());
                }
                Err(Stop::Refused(_)) => {}
                Err(failed) => return Err(failed),
            }
            ensure(tx, mailbox.id, &name, now)?;
            Ok(())
        })
        .await
    }

    /// Deletes a folder with its items. While there are folders below it, its
    /// name stays and holds nothing (RFC 3501 section 6.3.4).
    pub async fn delete_folder(&self, owner: &str, name: &FolderName) -> Result<(), MailboxError> {
        self.folder_may_go(owner, name).await?;
        self.empty_folder(owner, name).await?;
        let (owner, name) = (owner.to_owned(), name.clone());
        let live = Arc::clone(self.live());
        let offered = self
            .write(Vec::new(), move |tx, _| {
                let mailbox = MailboxRow::find(tx, &owner)?;
                let folder = FolderRow::find(tx, mailbox.id, &name)?;
                let has_children = tx
                    .folders(mailbox.id)?
                    .iter()
                    .any(|other| other.name.is_below(&name));
                if has_children && !folder.selectable {
                    return Err(MailboxError::NotSelectable.into());
                }
                let mut offered = Offered::default();
                let mut row = clear(tx, &live, folder, &mut offered)?;
                if has_children {
                    row.selectable = false;
                    tx.reshape_folder(&row)?;
                } else {
                    tx.delete_folder(&row)?;
                }
                Ok(offered)
            })
            .await?;
        self.live().confirm(&offered);
        Ok(())
    }

    /// Renames a folder and those below it. Renaming INBOX moves its items to
    /// a new folder and leaves it empty (section 6.3.5).
    pub async fn rename_folder(
        &self,
        owner: &str,
        from: &FolderName,
        to: &FolderName,
    ) -> Result<(), MailboxError> {
        if from.is_inbox() {
            self.create_folder(owner, to).await?;
            let inbox = self.folder(owner, from).await?;
            let uids: Vec<_> = inbox.items().iter().map(|item| item.uid).collect();
            inbox.move_to(&uids, to).await?;
            return Ok(());
        }
        if to == from || to.is_below(from) {
            return Err(MailboxError::FolderExists);
        }
        let (owner, from, to) = (owner.to_owned(), from.clone(), to.clone());
        let now = self.clock().now();
        self.write(Vec::new(), move |tx, _| {
            let mailbox = MailboxRow::find(tx, &owner)?;
            let folder = FolderRow::find(tx, mailbox.id, &from)?;
            if folder.permanent {
                return Err(MailboxError::PermanentFolder.into());
            }
            match FolderRow::find(tx, mailbox.id, &to) {
                Ok(_) => return Err(MailboxError::FolderExists.into()),
                Err(Stop::Refused(_)) => {}
                Err(failed) => return Err(failed),
            }
            if let Some(parent) = to.parent() {
                ensure(tx, mailbox.id, &parent, now)?;
            }
            for mut row in tx.folders(mailbox.id)? {
                if row.name != from && !row.name.is_below(&from) {
                    continue;
                }
                if row.permanent {
                    return Err(MailboxError::PermanentFolder.into());
                }
                row.name = row.name.moved(&from, &to).map_err(MailboxError::from)?;
                tx.reshape_folder(&row)?;
            }
            Ok(())
        })
        .await
    }

    /// Subscribes to a name, which need not exist (section 6.3.6), or no
    /// longer.
    pub async fn subscribe(
        &self,
        owner: &str,
        name: &FolderName,
        subscribed: bool,
    ) -> Result<(), MailboxError> {
        let (owner, name) = (owner.to_owned(), name.clone());
        self.write(Vec::new(), move |tx, _| {
            let mailbox = MailboxRow::find(tx, &owner)?;
            set_subscribed(tx, mailbox.id, &name, subscribed)
        })
        .await
    }

    /// The names that are subscribed to, in order.
    pub async fn subscriptions(&self, owner: &str) -> Result<Vec<FolderName>, MailboxError> {
        let owner = owner.to_owned();
        self.read(move |tx| {
            let mailbox = MailboxRow::find(tx, &owner)?;
            Ok(tx.subscriptions(mailbox.id)?)
        })
        .await
    }

    async fn folder_may_go(&self, owner: &str, name: &FolderName) -> Result<(), MailboxError> {
        let (owner, name) = (owner.to_owned(), name.clone());
        self.read(move |tx| {
            let mailbox = MailboxRow::find(tx, &owner)?;
            if FolderRow::find(tx, mailbox.id, &name)?.permanent {
                return Err(MailboxError::PermanentFolder.into());
            }
            Ok(())
        })
        .await
    }
}

/// A folder has children when another's name starts with its own.
fn mark_parents(folders: &mut [FolderInfo]) {
    let parents: std::collections::HashSet<FolderName> = folders
        .iter()
        .filter_map(|folder| folder.name.parent())
        .collect();
    for folder in folders {
        folder.has_children = parents.contains(&folder.name);
    }
}
