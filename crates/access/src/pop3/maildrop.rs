//! The maildrop of one session: the inbox as it was at sign-in.

use std::any::Any;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use mailward_mailbox::{FlagChange, Flags, Folder, FolderName, Item, MailboxError, Mailboxes, Uid};

/// Which maildrops some session has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Locks(Arc<Mutex<HashSet<Key>>>);

/// Which mailboxes, and whose of them.
type Key = (usize, String);

/// A maildrop that is one session's alone until this is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    locks: Locks,
    key: Key,
}

impl Locks {
    pub(crate) fn take(&self, mailboxes: &Mailboxes, owner: &str) -> Option<Lock> {
        let key = (mailboxes.identity(), owner.to_owned());
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.insert(key.clone()).then(|| Lock {
            locks: self.clone(),
            key,
        })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let mut held = self.locks.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.remove(&self.key);
    }
}

/// Messages are numbered from 1, in the order of their UIDs.
pub(crate) struct Maildrop {
    lock: Lock,
    folder: Folder,
    items: Vec<Entry>,
    /// The host's, dropped with the session.
    _permit: Box<dyn Any + Send + Sync>,
}

/// One message of the maildrop: 56 octets.
struct Entry {
    item: Item,
    deleted: bool,
    retrieved: bool,
}

/// Why a number names no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoMessage {
    /// There is none of that number.
    None,
    /// It was deleted in this session.
    Deleted,
}

impl Maildrop {
    pub(crate) async fn open(
        mailboxes: &Mailboxes,
        lock: Lock,
        permit: Box<dyn Any + Send + Sync>,
    ) -> Result<Self, MailboxError> {
        let folder = mailboxes.folder(&lock.key.1, &FolderName::inbox()).await?;
        let entry = |item| Entry {
            item,
            deleted: false,
            retrieved: false,
        };
        Ok(Self {
            items: folder.items().into_iter().map(entry).collect(),
            lock,
            folder,
            _permit: permit,
        })
    }

    pub(crate) fn owner(&self) -> &str {
        &self.lock.key.1
    }

    /// How many messages there are and how many octets they have, without
    /// those that were deleted.
    pub(crate) fn stat(&self) -> (usize, u64) {
        self.listed_from(0)
            .fold((0, 0), |(count, octets), (_, item)| {
                (count + 1, octets + item.octets())
            })
    }

    /// Numbers and items after number `after`, without those that were deleted.
    pub(crate) fn listed_from(&self, after: usize) -> impl Iterator<Item = (usize, &Item)> {
        let numbered = (after + 1..).zip(self.items.iter().skip(after));
        numbered
            .filter(|(_, entry)| !entry.deleted)
            .map(|(number, entry)| (number, &entry.item))
    }

    pub(crate) fn get(&self, number: u32) -> Result<&Item, NoMessage> {
        let place = usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_sub(1));
        match place.and_then(|place| self.items.get(place)) {
            None => Err(NoMessage::None),
            Some(entry) if entry.deleted => Err(NoMessage::Deleted),
            Some(entry) => Ok(&entry.item),
        }
    }

    /// The unique id: UIDVALIDITY and UID, which no other message of the inbox
    /// ever has (RFC 1939 section 7).
    pub(crate) fn unique_id(&self, uid: Uid) -> String {
        format!("{:08x}{:08x}", self.folder.uid_validity(), uid.0)
    }

    pub(crate) fn delete(&mut self, number: u32) -> Result<(), NoMessage> {
        self.get(number)?;
        self.entry(number, |entry| entry.deleted = true);
        Ok(())
    }

    pub(crate) fn reset(&mut self) {
        for entry in &mut self.items {
            entry.deleted = false;
        }
    }

    pub(crate) fn was_retrieved(&mut self, number: u32) {
        self.entry(number, |entry| entry.retrieved = true);
    }

    /// For who watches the mailboxes.
    pub(crate) fn tell_read(&self, mailboxes: &Mailboxes, item: &Item) {
        let (owner, folder) = (self.owner(), self.folder.name());
        mailboxes.was_read(owner, folder, item.uid, item.body.number());
    }

    /// Takes away what was deleted.
    pub(crate) async fn update(&mut self, mailboxes: &Mailboxes) -> Result<(), MailboxError> {
        let uids: Vec<Uid> = self.uids(|entry| entry.deleted);
        if !uids.is_empty() {
            // What others took away meanwhile is gone as well.
            mailboxes
                .remove(&self.lock.key.1, self.folder.name(), &uids)
                .await?;
            self.items.retain(|entry| !entry.deleted);
        }
        Ok(())
    }

    /// Marks what was retrieved as seen.
    pub(crate) async fn mark_seen(&self) -> Result<(), MailboxError> {
        let unseen = |entry: &Entry| entry.retrieved && !entry.item.flags.contains(Flags::SEEN);
        let uids = self.uids(unseen);
        if !uids.is_empty() {
            let change = FlagChange::Add(Flags::SEEN);
            self.folder.store_flags(&uids, change, None).await?;
        }
        Ok(())
    }

    fn uids(&self, wanted: impl Fn(&Entry) -> bool) -> Vec<Uid> {
        let wanted = self.items.iter().filter(|entry| wanted(entry));
        wanted.map(|entry| entry.item.uid).collect()
    }

    fn entry(&mut self, number: u32, change: impl FnOnce(&mut Entry)) {
        let place = usize::try_from(number)
            .unwrap_or(usize::MAX)
            .wrapping_sub(1);
        if let Some(entry) = self.items.get_mut(place) {
            change(entry);
        }
    }
}
