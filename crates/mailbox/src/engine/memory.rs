//! Rows in memory: every map shares its structure with its clones, so that a
//! clone of everything costs a few words, and a change copies only what it
//! touches.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash as _, Hasher as _};
use std::ops::ControlFlow;
use std::sync::Arc;

use mailward_mail::Timestamp;
use mailward_store::{BodyRef, TxError};

use super::trie::Trie;
use super::{Rows, RowsMut};
use crate::body::MemoryBody;
use crate::expunged::UidRange;
use crate::flags::Flags;
use crate::item::{Item, Uid};
use crate::listing::ItemSummary;
use crate::message::Summary;
use crate::name::FolderName;
use crate::rows::{FolderRow, MailboxRow, StoredItem};

/// All mailboxes of one world at one moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    last_id: i64,
    last_uid_validity: u32,
    last_body: u64,
    owners: Arc<BTreeMap<Arc<str>, i64>>,
    mailboxes: Trie<Mailbox>,
    folders: Trie<Arc<Folder>>,
    /// With the number of their holders.
    bodies: Trie<(Arc<MemoryBody>, u32)>,
}

#[derive(Clone, Debug)]
struct Mailbox {
    row: MailboxRow,
    folders: Arc<BTreeMap<FolderName, i64>>,
    subscriptions: Arc<BTreeSet<FolderName>>,
    keywords: Arc<Vec<String>>,
}

#[derive(Clone, Debug)]
struct Folder {
    row: FolderRow,
    /// Items that no session has been told of.
    recent: u64,
    items: Trie<Kept>,
    /// UIDs by a hash of the Message-ID.
    message_ids: Trie<Vec<u32>>,
    /// What went, by the change with which it did.
    gone: Trie<Arc<[UidRange]>>,
}

/// An item, without its UID.
#[derive(Clone, Debug)]
struct Kept {
    body: BodyRef,
    internal_date: Timestamp,
    change: u64,
    flags: Flags,
    summary: Arc<Summary>,
}

impl Kept {
    fn item(&self, uid: u64) -> Item {
        Item {
            uid: uid_of(uid),
            flags: self.flags,
            internal_date: self.internal_date,
            body: self.body,
            change: self.change,
        }
    }

    fn summary(&self, uid: u64) -> ItemSummary {
        ItemSummary {
            uid: uid_of(uid),
            flags: self.flags,
            internal_date: self.internal_date,
            body: self.body,
            summary: Summary::clone(&self.summary),
        }
    }
}

/// Keys of items are UIDs and fit.
fn uid_of(key: u64) -> Uid {
    Uid(u32::try_from(key).unwrap_or(u32::MAX))
}

fn key(id: i64) -> u64 {
    u64::try_from(id).unwrap_or(0)
}

/// Thirty bits, the same in every run. Nobody gains by collisions: they cost
/// a comparison each.
fn hash(message_id: &str) -> u64 {
    // Its keys are fixed, unlike those of a HashMap.
    #[allow(
        deprecated,
        reason = "the one hash of the standard library whose value is the same in every run"
    )]
    let mut hasher = std::hash::SipHasher::new();
    message_id.hash(&mut hasher);
    hasher.finish() >> 34
}

impl State {
    /// A body with its first holder.
    pub(crate) fn add_body(&mut self, body: MemoryBody) -> BodyRef {
        self.last_body += 1;
        let name = BodyRef::in_memory(self.last_body, &body.content);
        self.bodies.insert(name.number(), (Arc::new(body), 1));
        name
    }

    pub(crate) fn body(&self, body: &BodyRef) -> Option<&Arc<MemoryBody>> {
        self.bodies.get(body.number()).map(|(body, _)| body)
    }

    fn find(&self, folder: i64) -> Option<&Folder> {
        self.folders.get(key(folder)).map(|folder| &**folder)
    }

    fn find_mut(&mut self, folder: i64) -> Result<&mut Folder, TxError> {
        self.folders
            .get_mut(key(folder))
            .map(Arc::make_mut)
            .ok_or_else(|| TxError::abort("the folder is not in memory"))
    }

    fn mailbox_mut(&mut self, id: i64) -> Result<&mut Mailbox, TxError> {
        self.mailboxes
            .get_mut(key(id))
            .ok_or_else(|| TxError::abort("the mailbox is not in memory"))
    }
}

impl Rows for State {
    fn mailbox(&self, owner: &str) -> Result<Option<MailboxRow>, TxError> {
        let id = self.owners.get(owner);
        let mailbox = id.and_then(|id| self.mailboxes.get(key(*id)));
        Ok(mailbox.map(|mailbox| mailbox.row.clone()))
    }

    fn folder(&self, id: i64) -> Result<Option<FolderRow>, TxError> {
        Ok(self.find(id).map(|folder| folder.row.clone()))
    }

    fn folder_named(&self, mailbox: i64, name: &FolderName) -> Result<Option<FolderRow>, TxError> {
        let mailbox = self.mailboxes.get(key(mailbox));
        let id = mailbox.and_then(|mailbox| mailbox.folders.get(name));
        id.map_or(Ok(None), |id| self.folder(*id))
    }

    fn folders(&self, mailbox: i64) -> Result<Vec<FolderRow>, TxError> {
        let ids = self.mailboxes.get(key(mailbox)).into_iter();
        let ids = ids.flat_map(|mailbox| mailbox.folders.values());
        Ok(ids
            .filter_map(|id| self.find(*id))
            .map(|folder| folder.row.clone())
            .collect())
    }

    fn folder_count(&self, mailbox: i64) -> Result<usize, TxError> {
        let mailbox = self.mailboxes.get(key(mailbox));
        Ok(mailbox.map_or(0, |mailbox| mailbox.folders.len()))
    }

    fn recent(&self, folder: &FolderRow) -> Result<u64, TxError> {
        Ok(self.find(folder.id).map_or(0, |folder| folder.recent))
    }

    fn subscriptions(&self, mailbox: i64) -> Result<Vec<FolderName>, TxError> {
        let mailbox = self.mailboxes.get(key(mailbox)).into_iter();
        Ok(mailbox
            .flat_map(|mailbox| mailbox.subscriptions.iter().cloned())
            .collect())
    }

    fn keywords(&self, mailbox: i64) -> Result<Vec<String>, TxError> {
        let mailbox = self.mailboxes.get(key(mailbox));
        Ok(mailbox.map_or_else(Vec::new, |mailbox| mailbox.keywords.to_vec()))
    }

    fn item(&self, folder: i64, uid: Uid) -> Result<Option<StoredItem>, TxError> {
        let item = self.item_summary(folder, uid)?;
        Ok(item.map(|item| StoredItem {
            body: item.body,
            flags: item.flags,
            internal_date: item.internal_date,
            summary: item.summary,
        }))
    }

    fn item_flags(&self, folder: i64, uid: Uid) -> Result<Option<(Flags, u64)>, TxError> {
        let item = self
            .find(folder)
            .and_then(|one| one.items.get(uid.0.into()));
        Ok(item.map(|item| (item.flags, item.change)))
    }

    fn items(&self, folder: i64) -> Result<Vec<Item>, TxError> {
        let Some(folder) = self.find(folder) else {
            return Ok(Vec::new());
        };
        let mut items = Vec::with_capacity(folder.items.len());
        folder.items.ascend(0, |uid, kept| {
            items.push(kept.item(uid));
            ControlFlow::Continue(())
        });
        Ok(items)
    }

    fn gone_since(&self, folder: i64, change: u64) -> Result<Vec<UidRange>, TxError> {
        let mut gone = Vec::new();
        if let Some(folder) = self.find(folder) {
            folder.gone.ascend(change.saturating_add(1), |_, ranges| {
                gone.extend_from_slice(ranges);
                ControlFlow::Continue(())
            });
        }
        Ok(gone)
    }

    fn gone_before_last(&self, folder: i64, newest: u64) -> Result<Option<u64>, TxError> {
        let (mut counted, mut found) = (0, None);
        if let Some(folder) = self.find(folder) {
            folder.gone.descend(u64::MAX, |change, ranges| {
                counted += ranges.len() as u64;
                if counted <= newest {
                    return ControlFlow::Continue(());
                }
                found = Some(change);
                ControlFlow::Break(())
            });
        }
        Ok(found)
    }

    fn item_summary(&self, folder: i64, uid: Uid) -> Result<Option<ItemSummary>, TxError> {
        let item = self
            .find(folder)
            .and_then(|one| one.items.get(uid.0.into()));
        Ok(item.map(|item| item.summary(uid.0.into())))
    }

    fn item_summaries(
        &self,
        folder: i64,
        before: Option<Uid>,
        limit: usize,
    ) -> Result<Vec<ItemSummary>, TxError> {
        let mut items = Vec::new();
        let before = before.map_or(u64::MAX, |uid| uid.0.into());
        if let Some(folder) = self.find(folder).filter(|_| limit > 0) {
            folder.items.descend(before, |uid, kept| {
                items.push(kept.summary(uid));
                if items.len() < limit {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                }
            });
        }
        Ok(items)
    }

    fn items_by_message_id(
        &self,
        folder: i64,
        message_id: &str,
        limit: usize,
    ) -> Result<Vec<ItemSummary>, TxError> {
        let Some(folder) = self.find(folder) else {
            return Ok(Vec::new());
        };
        let uids = folder
            .message_ids
            .get(hash(message_id))
            .into_iter()
            .flatten();
        Ok(uids
            .filter_map(|uid| {
                let kept = folder.items.get((*uid).into())?;
                (kept.summary.message_id == message_id).then(|| kept.summary((*uid).into()))
            })
            .take(limit)
            .collect())
    }
}

impl RowsMut for State {
    fn next_id(&mut self) -> Result<i64, TxError> {
        self.last_id += 1;
        Ok(self.last_id)
    }

    fn next_uid_validity(&mut self, now: Timestamp) -> Result<u32, TxError> {
        let ran_out = || TxError::abort("UIDVALIDITY has run out");
        let floor = u32::try_from((now.as_millis() / 1000).max(1)).map_err(|_| ran_out())?;
        let next = self.last_uid_validity.checked_add(1).ok_or_else(ran_out)?;
        self.last_uid_validity = next.max(floor);
        Ok(self.last_uid_validity)
    }

    fn insert_mailbox(
        &mut self,
        id: i64,
        owner: &str,
        quota_octets: Option<u64>,
    ) -> Result<(), TxError> {
        Arc::make_mut(&mut self.owners).insert(owner.into(), id);
        self.mailboxes.insert(
            key(id),
            Mailbox {
                row: MailboxRow {
                    id,
                    quota_octets,
                    octets: 0,
                    items: 0,
                },
                folders: Arc::default(),
                subscriptions: Arc::default(),
                keywords: Arc::default(),
            },
        );
        Ok(())
    }

    fn add_keyword(&mut self, mailbox: i64, _place: usize, name: &str) -> Result<(), TxError> {
        let mailbox = self.mailbox_mut(mailbox)?;
        Arc::make_mut(&mut mailbox.keywords).push(name.to_owned());
        Ok(())
    }

    fn delete_mailbox(&mut self, id: i64, owner: &str) -> Result<(), TxError> {
        Arc::make_mut(&mut self.owners).remove(owner);
        if let Some(mailbox) = self.mailboxes.remove(key(id)) {
            for folder in mailbox.folders.values() {
                self.folders.remove(key(*folder));
            }
        }
        Ok(())
    }

    fn set_quota(&mut self, mailbox: i64, quota_octets: Option<u64>) -> Result<(), TxError> {
        self.mailbox_mut(mailbox)?.row.quota_octets = quota_octets;
        Ok(())
    }

    fn change_usage(&mut self, mailbox: i64, items: i64, octets: i64) -> Result<(), TxError> {
        let row = &mut self.mailbox_mut(mailbox)?.row;
        row.items = row.items.saturating_add_signed(items);
        row.octets = row.octets.saturating_add_signed(octets);
        Ok(())
    }

    fn insert_folder(&mut self, folder: &FolderRow) -> Result<(), TxError> {
        let mailbox = self.mailbox_mut(folder.mailbox)?;
        Arc::make_mut(&mut mailbox.folders).insert(folder.name.clone(), folder.id);
        let folder = Folder {
            row: folder.clone(),
            recent: 0,
            items: Trie::default(),
            message_ids: Trie::default(),
            gone: Trie::default(),
        };
        self.folders.insert(key(folder.row.id), Arc::new(folder));
        Ok(())
    }

    fn update_counters(&mut self, folder: &FolderRow) -> Result<(), TxError> {
        let row = &mut self.find_mut(folder.id)?.row;
        row.uid_next = folder.uid_next;
        row.change_seq = folder.change_seq;
        row.items = folder.items;
        row.unseen = folder.unseen;
        row.octets = folder.octets;
        row.gone_floor = folder.gone_floor;
        row.gone_ranges = folder.gone_ranges;
        Ok(())
    }

    fn reshape_folder(&mut self, folder: &FolderRow) -> Result<(), TxError> {
        let row = &mut self.find_mut(folder.id)?.row;
        row.permanent = folder.permanent;
        row.selectable = folder.selectable;
        let before = std::mem::replace(&mut row.name, folder.name.clone());
        if before != folder.name {
            let folders = &mut self.mailbox_mut(folder.mailbox)?.folders;
            let folders = Arc::make_mut(folders);
            // Another may have taken the name in the same change.
            if folders.get(&before) == Some(&folder.id) {
                folders.remove(&before);
            }
            folders.insert(folder.name.clone(), folder.id);
        }
        Ok(())
    }

    fn set_recent_uid(&mut self, folder: i64, recent_uid: u32) -> Result<(), TxError> {
        let folder = self.find_mut(folder)?;
        if folder.row.recent_uid < recent_uid {
            folder.row.recent_uid = recent_uid;
            let mut recent = 0;
            folder.items.ascend(recent_uid.into(), |_, _| {
                recent += 1;
                ControlFlow::Continue(())
            });
            folder.recent = recent;
        }
        Ok(())
    }

    fn delete_folder(&mut self, folder: &FolderRow) -> Result<(), TxError> {
        self.folders.remove(key(folder.id));
        let mailbox = self.mailbox_mut(folder.mailbox)?;
        Arc::make_mut(&mut mailbox.folders).remove(&folder.name);
        Ok(())
    }

    fn subscribe(&mut self, mailbox: i64, name: &FolderName) -> Result<(), TxError> {
        let mailbox = self.mailbox_mut(mailbox)?;
        Arc::make_mut(&mut mailbox.subscriptions).insert(name.clone());
        Ok(())
    }

    fn unsubscribe(&mut self, mailbox: i64, name: &FolderName) -> Result<(), TxError> {
        let mailbox = self.mailbox_mut(mailbox)?;
        if mailbox.subscriptions.contains(name) {
            Arc::make_mut(&mut mailbox.subscriptions).remove(name);
        }
        Ok(())
    }

    fn insert_item(
        &mut self,
        folder: &FolderRow,
        uid: Uid,
        item: &StoredItem,
    ) -> Result<(), TxError> {
        let change = folder.change_seq + 1;
        let folder = self.find_mut(folder.id)?;
        let kept = Kept {
            body: item.body,
            internal_date: item.internal_date,
            change,
            flags: item.flags,
            summary: Arc::new(item.summary.clone()),
        };
        if !kept.summary.message_id.is_empty() {
            let hash = hash(&kept.summary.message_id);
            match folder.message_ids.get_mut(hash) {
                Some(uids) => uids.push(uid.0),
                None => {
                    folder.message_ids.insert(hash, vec![uid.0]);
                }
            }
        }
        folder.items.insert(uid.0.into(), kept);
        folder.recent += u64::from(uid.0 >= folder.row.recent_uid);
        Ok(())
    }

    fn set_item_flags(
        &mut self,
        folder: i64,
        uid: Uid,
        flags: Flags,
        change: u64,
    ) -> Result<(), TxError> {
        if let Some(item) = self.find_mut(folder)?.items.get_mut(uid.0.into()) {
            item.flags = flags;
            item.change = change;
        }
        Ok(())
    }

    fn delete_item(&mut self, folder: i64, uid: Uid) -> Result<(), TxError> {
        let folder = self.find_mut(folder)?;
        let Some(item) = folder.items.remove(uid.0.into()) else {
            return Ok(());
        };
        let hash = hash(&item.summary.message_id);
        if let Some(uids) = folder.message_ids.get_mut(hash) {
            uids.retain(|one| *one != uid.0);
            if uids.is_empty() {
                folder.message_ids.remove(hash);
            }
        }
        let was_recent = uid.0 >= folder.row.recent_uid;
        folder.recent = folder.recent.saturating_sub(was_recent.into());
        Ok(())
    }

    fn remember_gone(
        &mut self,
        folder: i64,
        change: u64,
        ranges: &[UidRange],
    ) -> Result<(), TxError> {
        self.find_mut(folder)?.gone.insert(change, ranges.into());
        Ok(())
    }

    fn forget_gone(&mut self, folder: i64, change: u64) -> Result<u64, TxError> {
        let gone = &mut self.find_mut(folder)?.gone;
        let mut old = Vec::new();
        gone.ascend(0, |key, _| {
            if key > change {
                return ControlFlow::Break(());
            }
            old.push(key);
            ControlFlow::Continue(())
        });
        let ranges = old.into_iter().filter_map(|key| gone.remove(key));
        Ok(ranges.map(|ranges| ranges.len() as u64).sum())
    }

    fn clear_items(&mut self, folder: i64) -> Result<(), TxError> {
        let folder = self.find_mut(folder)?;
        folder.recent = 0;
        folder.gone = Trie::default();
        folder.message_ids = Trie::default();
        let mut bodies = Vec::with_capacity(folder.items.len());
        std::mem::take(&mut folder.items).ascend(0, |_, item| {
            bodies.push(item.body);
            ControlFlow::Continue(())
        });
        for body in &bodies {
            self.release_body(body)?;
        }
        Ok(())
    }

    fn retain_body(&mut self, body: &BodyRef) -> Result<(), TxError> {
        match self.bodies.get_mut(body.number()) {
            Some((_, holders)) => *holders += 1,
            None => return Err(TxError::abort("there is no such body")),
        }
        Ok(())
    }

    fn release_body(&mut self, body: &BodyRef) -> Result<(), TxError> {
        match self.bodies.get_mut(body.number()) {
            Some((_, holders)) if *holders > 1 => *holders -= 1,
            Some(_) => {
                self.bodies.remove(body.number());
            }
            None => return Err(TxError::abort("there is no such body")),
        }
        Ok(())
    }
}
