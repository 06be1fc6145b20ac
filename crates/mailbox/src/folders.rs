//! The tree of folders of a mailbox.

use std::sync::Arc;

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Tx, TxError};

use crate::error::MailboxError;
use crate::live::{Change, LiveFolders, Offered};
use crate::mailboxes::{Mailboxes, NewFolder};
use crate::name::FolderName;
use crate::rows::{FolderRow, MailboxRow, Stop, change_usage, next_id, next_uid_validity};

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
}

impl Mailboxes {
    /// All folders, by name, INBOX first.
    pub async fn folders(&self, owner: &str) -> Result<Vec<FolderInfo>, MailboxError> {
        let owner = owner.to_owned();
        self.read(move |tx| {
            let mailbox = MailboxRow::find(tx, &owner)?;
            let subscribed = subscribed(tx, mailbox.id)?;
            let mut folders = Vec::new();
            for row in all(tx, mailbox.id)? {
                folders.push(FolderInfo {
                    subscribed: subscribed.contains(&row.name),
                    has_children: false,
                    status: FolderStatus {
                        recent: recent(tx, &row)?,
                        items: row.items,
                        unseen: row.unseen,
                        octets: row.octets,
                        uid_next: row.uid_next,
                        uid_validity: row.uid_validity,
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
                recent: recent(tx, &row)?,
                items: row.items,
                unseen: row.unseen,
                octets: row.octets,
                uid_next: row.uid_next,
                uid_validity: row.uid_validity,
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
                Ok(folder) => {
                    tx.execute(
                        "UPDATE mailbox_folder SET selectable = 1 WHERE id = ?1",
                        &[folder.id.into()],
                    )?;
                    return Ok(());
                }
                Err(Stop::Refused(_)) => {}
                Err(failed) => return Err(failed),
            }
            ensure(tx, mailbox.id, &name, now)
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
                let has_children = all(tx, mailbox.id)?
                    .iter()
                    .any(|other| other.name.is_below(&name));
                if has_children && !folder.selectable {
                    return Err(MailboxError::NotSelectable.into());
                }
                let mut offered = Offered::default();
                if has_children {
                    let row = clear(tx, &live, folder, &mut offered)?;
                    tx.execute(
                        "UPDATE mailbox_folder SET selectable = 0 WHERE id = ?1",
                        &[row.id.into()],
                    )?;
                } else {
                    let row = clear(tx, &live, folder, &mut offered)?;
                    tx.execute("DELETE FROM mailbox_folder WHERE id = ?1", &[row.id.into()])?;
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
            for row in all(tx, mailbox.id)? {
                if row.name != from && !row.name.is_below(&from) {
                    continue;
                }
                if row.permanent {
                    return Err(MailboxError::PermanentFolder.into());
                }
                let name = row.name.moved(&from, &to).map_err(MailboxError::from)?;
                tx.execute(
                    "UPDATE mailbox_folder SET name = ?2 WHERE id = ?1",
                    &[row.id.into(), name.as_str().into()],
                )?;
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
            Ok(subscribed(tx, mailbox.id)?)
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

/// A new folder; one that exists is left as it is.
pub(crate) fn insert_folder(
    tx: &mut Tx<'_>,
    mailbox: i64,
    folder: &NewFolder,
    now: Timestamp,
) -> Result<(), Stop> {
    if let Some(parent) = folder.name.parent() {
        ensure(tx, mailbox, &parent, now)?;
    }
    ensure(tx, mailbox, &folder.name, now)?;
    tx.execute(
        "UPDATE mailbox_folder SET permanent = ?3 WHERE mailbox = ?1 AND name = ?2",
        &[
            mailbox.into(),
            folder.name.as_str().into(),
            folder.permanent.into(),
        ],
    )?;
    if folder.subscribed {
        set_subscribed(tx, mailbox, &folder.name, true)?;
    }
    Ok(())
}

/// Deletes all folders of a mailbox, and what is still in them.
pub(crate) fn delete_all(tx: &mut Tx<'_>, live: &LiveFolders, mailbox: i64) -> Result<(), Stop> {
    let mut offered = Offered::default();
    for folder in all(tx, mailbox)? {
        clear(tx, live, folder, &mut offered)?;
    }
    for statement in [
        "DELETE FROM mailbox_folder WHERE mailbox = ?1",
        "DELETE FROM mailbox_subscription WHERE mailbox = ?1",
    ] {
        tx.execute(statement, &[mailbox.into()])?;
    }
    Ok(())
}

/// Takes what came into a folder since it was emptied, and tells sessions that
/// it is gone.
fn clear(
    tx: &mut Tx<'_>,
    live: &LiveFolders,
    mut folder: FolderRow,
    offered: &mut Offered,
) -> Result<FolderRow, Stop> {
    let bodies = tx.query(
        "SELECT body FROM mailbox_item WHERE folder = ?1",
        &[folder.id.into()],
        |row| row.get(0),
    )?;
    for body in &bodies {
        tx.release_body(body)?;
    }
    tx.execute(
        "DELETE FROM mailbox_item WHERE folder = ?1",
        &[folder.id.into()],
    )?;
    let items = i64::try_from(folder.items).unwrap_or(0);
    let octets = i64::try_from(folder.octets).unwrap_or(0);
    change_usage(tx, folder.mailbox, -items, -octets)?;
    (folder.items, folder.unseen, folder.octets) = (0, 0, 0);
    let seq = folder.save(tx)?;
    offered.add(live, folder.id, seq, Change::Gone);
    Ok(folder)
}

/// Makes the folder and those above it, where they are missing.
fn ensure(tx: &mut Tx<'_>, mailbox: i64, name: &FolderName, now: Timestamp) -> Result<(), Stop> {
    match FolderRow::find(tx, mailbox, name) {
        Ok(_) => return Ok(()),
        Err(Stop::Refused(_)) => {}
        Err(failed) => return Err(failed),
    }
    if let Some(parent) = name.parent() {
        // The recursion ends after LEVELS_MAX levels.
        ensure(tx, mailbox, &parent, now)?;
    }
    let count = tx
        .query_one(
            "SELECT COUNT(*) FROM mailbox_folder WHERE mailbox = ?1",
            &[mailbox.into()],
            |row| row.get::<usize>(0),
        )?
        .unwrap_or(0);
    if count >= FOLDERS_MAX {
        return Err(MailboxError::TooManyFolders { max: FOLDERS_MAX }.into());
    }
    let id = next_id(tx)?;
    let uid_validity = next_uid_validity(tx, now)?;
    tx.execute(
        "INSERT INTO mailbox_folder (id, mailbox, name, permanent, selectable, uid_validity, \
         uid_next, recent_uid, change_seq, items, unseen, octets) \
         VALUES (?1, ?2, ?3, 0, 1, ?4, 1, 1, 0, 0, 0, 0)",
        &[
            id.into(),
            mailbox.into(),
            name.as_str().into(),
            uid_validity.into(),
        ],
    )?;
    Ok(())
}

fn all(tx: &ReadTx<'_>, mailbox: i64) -> Result<Vec<FolderRow>, TxError> {
    tx.query(
        "SELECT id, mailbox, name, permanent, selectable, uid_validity, uid_next, recent_uid, \
         change_seq, items, unseen, octets FROM mailbox_folder WHERE mailbox = ?1 ORDER BY name",
        &[mailbox.into()],
        FolderRow::read,
    )
}

fn recent(tx: &ReadTx<'_>, folder: &FolderRow) -> Result<u64, TxError> {
    if folder.recent_uid >= folder.uid_next {
        return Ok(0);
    }
    let count = tx.query_one(
        "SELECT COUNT(*) FROM mailbox_item WHERE folder = ?1 AND uid >= ?2",
        &[folder.id.into(), folder.recent_uid.into()],
        |row| row.get(0),
    )?;
    Ok(count.unwrap_or(0))
}

fn subscribed(tx: &ReadTx<'_>, mailbox: i64) -> Result<Vec<FolderName>, TxError> {
    tx.query(
        "SELECT name FROM mailbox_subscription WHERE mailbox = ?1 ORDER BY name",
        &[mailbox.into()],
        |row| row.get(0).map(FolderName::from_row),
    )
}

fn set_subscribed(
    tx: &mut Tx<'_>,
    mailbox: i64,
    name: &FolderName,
    subscribed: bool,
) -> Result<(), Stop> {
    tx.execute(
        "DELETE FROM mailbox_subscription WHERE mailbox = ?1 AND name = ?2",
        &[mailbox.into(), name.as_str().into()],
    )?;
    if !subscribed {
        return Ok(());
    }
    let count = self::subscribed(tx, mailbox)?.len();
    if count >= FOLDERS_MAX {
        return Err(MailboxError::TooManyFolders { max: FOLDERS_MAX }.into());
    }
    tx.execute(
        "INSERT INTO mailbox_subscription (mailbox, name) VALUES (?1, ?2)",
        &[mailbox.into(), name.as_str().into()],
    )?;
    Ok(())
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
