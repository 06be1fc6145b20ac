//! Flags and expunging.

use crate::error::MailboxError;
use crate::flags::{FlagChange, Flags};
use crate::folder::Folder;
use crate::item::Uid;
use crate::live::{Change, Offered};
use crate::mailboxes::Mailboxes;
use crate::name::FolderName;
use crate::rows::{FolderRow, MailboxRow, Stop, StoredItem, change_usage};
use mailward_store::Tx;

/// Items that one write touches, so that others get their turn.
const BATCH_ITEMS: usize = 1000;

impl Folder {
    /// Changes the flags of items and gives those of each that is still there,
    /// changed or not. Tell [`crate::View::was_told`] of the numbers of the
    /// changes when the client is told by other means than
    /// [`Folder::updates`].
    pub async fn store_flags(
        &self,
        uids: &[Uid],
        change: FlagChange,
    ) -> Result<(Vec<(Uid, Flags)>, Vec<u64>), MailboxError> {
        let mut flags = Vec::with_capacity(uids.len());
        let mut changes = Vec::new();
        for batch in uids.chunks(BATCH_ITEMS) {
            let (id, batch) = (self.live.id, batch.to_vec());
            let live = self.mailboxes.live().clone();
            let (stored, offered, seq) = self
                .mailboxes
                .write(Vec::new(), move |tx, _| {
                    let mut folder = FolderRow::by_id(tx, id)?;
                    let (stored, changed) = store_batch(tx, &mut folder, &batch, change)?;
                    let mut offered = Offered::default();
                    let mut seq = None;
                    if !changed.is_empty() {
                        let number = folder.save(tx)?;
                        offered.add(&live, id, number, Change::Flags(changed));
                        seq = Some(number);
                    }
                    Ok((stored, offered, seq))
                })
                .await?;
            self.mailboxes.live().confirm(&offered);
            flags.extend(stored);
            changes.extend(seq);
        }
        Ok((flags, changes))
    }

    /// Removes those of the items that carry `\Deleted`. Sessions learn of it
    /// by [`Folder::updates`].
    pub async fn expunge(&self, uids: &[Uid]) -> Result<usize, MailboxError> {
        self.mailboxes
            .remove_items(self.live.id, uids, Some(Flags::DELETED))
            .await
    }

    /// The items that carry `\Deleted`.
    pub fn deleted(&self) -> Vec<Uid> {
        self.index()
            .items
            .iter()
            .filter(|item| item.flags.contains(Flags::DELETED))
            .map(|item| item.uid)
            .collect()
    }
}

impl Mailboxes {
    /// Removes items, whatever their flags. Those that are gone already are
    /// passed over; says how many were there.
    pub async fn remove(
        &self,
        owner: &str,
        folder: &FolderName,
        uids: &[Uid],
    ) -> Result<usize, MailboxError> {
        let (owner, name) = (owner.to_owned(), folder.clone());
        let id = self
            .read(move |tx| {
                let mailbox = MailboxRow::find(tx, &owner)?;
                Ok(FolderRow::selectable(tx, mailbox.id, &name)?.id)
            })
            .await?;
        self.remove_items(id, uids, None).await
    }

    /// Removes all items of a folder.
    pub async fn empty_folder(
        &self,
        owner: &str,
        folder: &FolderName,
    ) -> Result<usize, MailboxError> {
        let mut removed = 0;
        loop {
            let batch = match self.list(owner, folder, None, BATCH_ITEMS).await {
                Err(MailboxError::NotSelectable) => return Ok(removed),
                listed => listed?,
            };
            if batch.is_empty() {
                return Ok(removed);
            }
            let mut uids: Vec<Uid> = batch.iter().map(|item| item.uid).collect();
            uids.sort_unstable();
            removed += self.remove(owner, folder, &uids).await?;
        }
    }

    async fn remove_items(
        &self,
        folder: i64,
        uids: &[Uid],
        only_with: Option<Flags>,
    ) -> Result<usize, MailboxError> {
        let mut removed = 0;
        for batch in uids.chunks(BATCH_ITEMS) {
            let mut batch = batch.to_vec();
            batch.sort_unstable();
            batch.dedup();
            let live = self.live().clone();
            let (count, offered) = self
                .write(Vec::new(), move |tx, _| {
                    let mut offered = Offered::default();
                    let mut folder = FolderRow::by_id(tx, folder)?;
                    let gone = remove_batch(tx, &mut folder, &batch, only_with)?;
                    let count = gone.len();
                    if count > 0 {
                        let seq = folder.save(tx)?;
                        offered.add(&live, folder.id, seq, Change::Expunged(gone));
                    }
                    Ok((count, offered))
                })
                .await?;
            self.live().confirm(&offered);
            removed += count;
        }
        Ok(removed)
    }
}

type ItemFlags = Vec<(Uid, Flags)>;

/// The flags of all items that are there, and of those that changed.
fn store_batch(
    tx: &mut Tx<'_>,
    folder: &mut FolderRow,
    batch: &[Uid],
    change: FlagChange,
) -> Result<(ItemFlags, ItemFlags), Stop> {
    let mut stored = Vec::with_capacity(batch.len());
    let mut changed = Vec::new();
    for uid in batch {
        let old = tx.query_one(
            "SELECT flags FROM mailbox_item WHERE folder = ?1 AND uid = ?2",
            &[folder.id.into(), uid.0.into()],
            |row| row.get::<i64>(0),
        )?;
        let Some(old) = old.map(Flags::from_row) else {
            continue;
        };
        let new = change.apply(old);
        stored.push((*uid, new));
        if new == old {
            continue;
        }
        tx.execute(
            "UPDATE mailbox_item SET flags = ?3, change_seq = ?4 WHERE folder = ?1 AND uid = ?2",
            &[
                folder.id.into(),
                uid.0.into(),
                new.to_row().into(),
                (folder.change_seq + 1).into(),
            ],
        )?;
        let unseen = |flags: Flags| u64::from(!flags.contains(Flags::SEEN));
        folder.unseen = (folder.unseen + unseen(new)).saturating_sub(unseen(old));
        changed.push((*uid, new));
    }
    Ok((stored, changed))
}

/// Takes items away; gives the UIDs of those that were there, ascending.
fn remove_batch(
    tx: &mut Tx<'_>,
    folder: &mut FolderRow,
    batch: &[Uid],
    only_with: Option<Flags>,
) -> Result<Vec<Uid>, Stop> {
    let mut gone = Vec::new();
    let mut octets = 0;
    for uid in batch {
        let Some(item) = StoredItem::find(tx, folder.id, *uid)? else {
            continue;
        };
        if only_with.is_some_and(|flags| !item.flags.contains(flags)) {
            continue;
        }
        folder.remove(tx, *uid, &item)?;
        tx.release_body(&item.body)?;
        octets += i64::try_from(item.body.octets()).unwrap_or(0);
        gone.push(*uid);
    }
    let count = i64::try_from(gone.len()).unwrap_or(0);
    change_usage(tx, folder.mailbox, -count, -octets)?;
    Ok(gone)
}
