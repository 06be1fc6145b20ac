//! Flags and expunging.

use crate::engine::RowsMut;
use crate::error::MailboxError;
use crate::flags::{FlagChange, Flags};
use crate::folder::Folder;
use crate::item::{Item, Uid};
use crate::live::{Change, Offered};
use crate::mailboxes::Mailboxes;
use crate::name::FolderName;
use crate::rows::{FolderRow, MailboxRow, Stop};
use crate::watcher::What;

/// Items that one write touches, so that others get their turn.
const BATCH_ITEMS: usize = 1000;

impl Folder {
    /// Changes the flags of items and gives those of each that is still there,
    /// changed or not. With `unchanged_since`, items whose last change is
    /// later than that are left alone and named in [`Stored::modified`]; the
    /// comparison and the change are one. Tell [`crate::View::was_told`] of
    /// the numbers of the changes when the client is told by other means than
    /// [`Folder::updates`].
    pub async fn store_flags(
        &self,
        uids: &[Uid],
        change: FlagChange,
        unchanged_since: Option<u64>,
    ) -> Result<Stored, MailboxError> {
        let before = self.before_change(uids);
        let mut all = Stored::default();
        for batch in uids.chunks(BATCH_ITEMS) {
            let (id, batch) = (self.live.id, batch.to_vec());
            let live = self.mailboxes.live().clone();
            let (stored, offered) = self
                .mailboxes
                .write(Vec::new(), move |tx, _| {
                    let mut folder = FolderRow::by_id(tx, id)?;
                    let (mut stored, changed) =
                        store_batch(tx, &mut folder, &batch, change, unchanged_since)?;
                    let mut offered = Offered::default();
                    if !changed.is_empty() {
                        let number = folder.save(tx)?;
                        offered.add(&live, id, number, Change::Flags(changed));
                        stored.changes.push(number);
                    }
                    Ok((stored, offered))
                })
                .await?;
            self.tell_marked(&before, &stored);
            self.mailboxes.live().confirm(&offered);
            all.items.extend(stored.items);
            all.modified.extend(stored.modified);
            all.changes.extend(stored.changes);
        }
        Ok(all)
    }

    /// Removes those of the items that carry `\Deleted`. Sessions learn of it
    /// by [`Folder::updates`].
    pub async fn expunge(&self, uids: &[Uid]) -> Result<usize, MailboxError> {
        let source = (self.live.id, self.owner(), self.name());
        self.mailboxes
            .remove_items(source, uids, Some(Flags::DELETED))
            .await
    }

    /// The items as they are, for a watcher of what changes; ascending.
    fn before_change(&self, uids: &[Uid]) -> Vec<Item> {
        if self.mailboxes.watcher().is_none() {
            return Vec::new();
        }
        let index = self.index();
        let mut items: Vec<Item> = uids
            .iter()
            .filter_map(|uid| index.item(*uid).copied())
            .collect();
        items.sort_unstable_by_key(|item| item.uid);
        items
    }

    fn tell_marked(&self, before: &[Item], stored: &Stored) {
        let changed = stored
            .items
            .iter()
            .filter(|item| item.change != item.change_before);
        let deeds = changed.filter_map(|item| {
            let place = before.binary_search_by_key(&item.uid, |one| one.uid).ok()?;
            let old = before[place].flags;
            let what = What::Marked {
                added: item.flags.without(old),
                removed: old.without(item.flags),
            };
            Some((item.uid, before[place].body.number(), what))
        });
        self.mailboxes.tell(self.owner(), self.name(), deeds);
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
        let (key, name) = (owner.to_owned(), folder.clone());
        let id = self
            .read(move |tx| {
                let mailbox = MailboxRow::find(tx, &key)?;
                Ok(FolderRow::selectable(tx, mailbox.id, &name)?.id)
            })
            .await?;
        self.remove_items((id, owner, folder), uids, None).await
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
        (folder, owner, name): (i64, &str, &FolderName),
        uids: &[Uid],
        only_with: Option<Flags>,
    ) -> Result<usize, MailboxError> {
        let mut removed = 0;
        for batch in uids.chunks(BATCH_ITEMS) {
            let mut batch = batch.to_vec();
            batch.sort_unstable();
            batch.dedup();
            let live = self.live().clone();
            let (gone, offered) = self
                .write(Vec::new(), move |tx, _| {
                    let mut offered = Offered::default();
                    let mut folder = FolderRow::by_id(tx, folder)?;
                    let gone = remove_batch(tx, &mut folder, &batch, only_with)?;
                    if !gone.is_empty() {
                        let uids: Vec<Uid> = gone.iter().map(|(uid, _)| *uid).collect();
                        let seq = folder.save_without(tx, &uids)?;
                        offered.add(&live, folder.id, seq, Change::Expunged(uids));
                    }
                    Ok((gone, offered))
                })
                .await?;
            let deeds = gone.iter().map(|(uid, body)| (*uid, *body, What::Removed));
            self.tell(owner, name, deeds);
            self.live().confirm(&offered);
            removed += gone.len();
        }
        Ok(removed)
    }
}

/// What a change of flags came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stored {
    /// The items that are there, in the order in which they were named.
    pub items: Vec<StoredFlags>,
    /// Those left alone because they changed later than was allowed.
    pub modified: Vec<Uid>,
    /// The numbers that the change took, see [`Folder::change`].
    pub changes: Vec<u64>,
}

/// An item's flags after a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StoredFlags {
    pub uid: Uid,
    pub flags: Flags,
    /// The number of the item's last change, before this one and after it;
    /// the same when nothing changed.
    pub change_before: u64,
    pub change: u64,
}

/// All items that are there, and the flags of those that changed.
fn store_batch(
    tx: &mut dyn RowsMut,
    folder: &mut FolderRow,
    batch: &[Uid],
    change: FlagChange,
    unchanged_since: Option<u64>,
) -> Result<(Stored, Vec<(Uid, Flags)>), Stop> {
    let mut stored = Stored::default();
    let mut changed = Vec::new();
    for uid in batch {
        let Some((old, change_before)) = tx.item_flags(folder.id, *uid)? else {
            continue;
        };
        if unchanged_since.is_some_and(|since| change_before > since) {
            stored.modified.push(*uid);
            continue;
        }
        let new = change.apply(old);
        let mut item = StoredFlags {
            uid: *uid,
            flags: new,
            change_before,
            change: change_before,
        };
        if new == old {
            stored.items.push(item);
            continue;
        }
        item.change = folder.change_seq + 1;
        stored.items.push(item);
        tx.set_item_flags(folder.id, *uid, new, item.change)?;
        let unseen = |flags: Flags| u64::from(!flags.contains(Flags::SEEN));
        folder.unseen = (folder.unseen + unseen(new)).saturating_sub(unseen(old));
        changed.push((*uid, new));
    }
    Ok((stored, changed))
}

/// Takes items away; gives the UIDs of those that were there, ascending, and
/// the numbers of their bodies.
fn remove_batch(
    tx: &mut dyn RowsMut,
    folder: &mut FolderRow,
    batch: &[Uid],
    only_with: Option<Flags>,
) -> Result<Vec<(Uid, u64)>, Stop> {
    let mut gone = Vec::new();
    let mut octets = 0;
    for uid in batch {
        let Some(item) = tx.item(folder.id, *uid)? else {
            continue;
        };
        if only_with.is_some_and(|flags| !item.flags.contains(flags)) {
            continue;
        }
        folder.remove(tx, *uid, &item)?;
        tx.release_body(&item.body)?;
        octets += i64::try_from(item.body.octets()).unwrap_or(0);
        gone.push((*uid, item.body.number()));
    }
    let count = i64::try_from(gone.len()).unwrap_or(0);
    tx.change_usage(folder.mailbox, -count, -octets)?;
    Ok(gone)
}
