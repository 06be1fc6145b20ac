//! Folders that somebody has open, in memory.
//!
//! ```text
//!   change runs in the store's writer ── offer ──▶ pending (in order)
//!   change is on stable storage ─────── confirm ─▶ applied, sessions wake
//! ```
//!
//! A change offers itself as the last thing it does, so that the order of
//! pending changes is the order of the rows. One confirmation vouches for all
//! before it: they were committed earlier or with it. A change that was rolled
//! back left its number to the next, which pushes it out.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use tokio::sync::watch;

use crate::flags::Flags;
use crate::item::{Item, Uid};

/// Changes of flags that a folder remembers, for sessions that follow closely.
const FLAGGED_MAX: usize = 1024;

/// What happened to a folder, once.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Appended(Vec<Item>),
    Flags(Vec<(Uid, Flags)>),
    /// Ascending.
    Expunged(Vec<Uid>),
    /// The folder was deleted.
    Gone,
}

/// The folders that are open, by id. An entry goes with its last user.
#[derive(Debug, Default)]
pub(crate) struct LiveFolders {
    folders: Mutex<HashMap<i64, Weak<LiveFolder>>>,
}

impl LiveFolders {
    /// The folder, as yet unloaded when nobody had it open.
    pub(crate) fn open(self: &Arc<Self>, id: i64) -> Arc<LiveFolder> {
        let mut folders = lock(&self.folders);
        if let Some(folder) = folders.get(&id).and_then(Weak::upgrade) {
            return folder;
        }
        let folder = Arc::new(LiveFolder {
            id,
            all: Arc::clone(self),
            index: Mutex::new(Index::default()),
            changes: watch::Sender::new(0),
            loading: tokio::sync::Mutex::new(()),
        });
        folders.insert(id, Arc::downgrade(&folder));
        folder
    }

    fn find(&self, id: i64) -> Option<Arc<LiveFolder>> {
        lock(&self.folders).get(&id).and_then(Weak::upgrade)
    }

    /// Tells all sessions that their folders are gone, because other rows have
    /// taken the place of theirs. Who opens a folder now opens another.
    pub(crate) fn abandon(&self) {
        let folders = std::mem::take(&mut *lock(&self.folders));
        for folder in folders.values().filter_map(Weak::upgrade) {
            folder.abandon();
        }
    }

    /// What was offered is on stable storage.
    pub(crate) fn confirm(&self, offered: &Offered) {
        for (folder, seq) in &offered.0 {
            if let Some(folder) = self.find(*folder) {
                folder.confirm(*seq);
            }
        }
    }
}

/// The changes that one write offered: folders and numbers.
#[derive(Debug, Default)]
pub(crate) struct Offered(Vec<(i64, u64)>);

impl Offered {
    /// Call it within the write, when nothing in it can fail any more, or
    /// what fails rolls all of it back.
    pub(crate) fn add(&mut self, live: &LiveFolders, folder: i64, seq: u64, change: Change) {
        if let Some(folder) = live.find(folder) {
            folder.offer(seq, change);
            self.0.push((folder.id, seq));
        }
    }
}

/// One folder in memory.
#[derive(Debug)]
pub(crate) struct LiveFolder {
    pub(crate) id: i64,
    all: Arc<LiveFolders>,
    index: Mutex<Index>,
    /// The number of the last change that was applied.
    changes: watch::Sender<u64>,
    pub(crate) loading: tokio::sync::Mutex<()>,
}

/// What is known of the folder: 48 octets an item.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) loaded: bool,
    pub(crate) gone: bool,
    /// Ascending by UID.
    pub(crate) items: Vec<Item>,
    pub(crate) uid_next: u32,
    pub(crate) recent_uid: u32,
    /// The last change, and the last that touched flags or took items away.
    pub(crate) change_seq: u64,
    pub(crate) flags_seq: u64,
    pub(crate) expunge_seq: u64,
    /// Whose flags were changed after `flagged_floor`, by change.
    pub(crate) flagged: VecDeque<(u64, Uid)>,
    pub(crate) flagged_floor: u64,
    /// Offered and not confirmed: as many as there are writes under way.
    pub(crate) pending: VecDeque<(u64, Change)>,
}

impl LiveFolder {
    pub(crate) fn index(&self) -> MutexGuard<'_, Index> {
        lock(&self.index)
    }

    pub(crate) fn subscribe(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    fn offer(&self, seq: u64, change: Change) {
        let mut index = self.index();
        // Numbers at or above this one belong to changes that were rolled back.
        while index.pending.back().is_some_and(|(last, _)| *last >= seq) {
            index.pending.pop_back();
        }
        index.pending.push_back((seq, change));
    }

    /// Changes up to `seq` are on stable storage.
    pub(crate) fn confirm(&self, seq: u64) {
        let mut index = self.index();
        if !index.loaded {
            return;
        }
        index.apply_pending(seq);
        let seq = index.change_seq;
        drop(index);
        self.changes.send_if_modified(|last| {
            let newer = seq > *last;
            *last = (*last).max(seq);
            newer
        });
    }

    fn abandon(&self) {
        let mut index = self.index();
        let seq = index.change_seq + 1;
        index.pending.clear();
        index.apply(seq, Change::Gone);
        drop(index);
        self.changes.send_modify(|last| *last = (*last).max(seq));
    }

    /// Takes what the rows said as of change `loaded.change_seq`.
    pub(crate) fn install(&self, mut loaded: Index) {
        let mut index = self.index();
        loaded.loaded = true;
        loaded.gone = index.gone;
        loaded.flags_seq = loaded.change_seq;
        loaded.expunge_seq = loaded.change_seq;
        loaded.flagged_floor = loaded.change_seq;
        let seq = loaded.change_seq;
        loaded.pending = std::mem::take(&mut index.pending);
        loaded.pending.retain(|(pending, _)| *pending > seq);
        *index = loaded;
        drop(index);
        self.changes.send_replace(seq);
    }
}

impl Drop for LiveFolder {
    fn drop(&mut self) {
        let mut folders = lock(&self.all.folders);
        // Somebody may have opened the folder anew in the meantime.
        if folders
            .get(&self.id)
            .is_some_and(|folder| folder.strong_count() == 0)
        {
            folders.remove(&self.id);
        }
    }
}

impl Index {
    pub(crate) fn has_pending(&self) -> bool {
        !self.pending.is_empty()
    }

    pub(crate) fn item(&self, uid: Uid) -> Option<&Item> {
        self.position(uid).map(|position| &self.items[position])
    }

    /// Those whose flags were changed after this change, ascending by UID. A
    /// session that fell far behind looks at all of them.
    pub(crate) fn flagged_since(&self, change: u64) -> Vec<&Item> {
        if change < self.flagged_floor {
            let changed = |item: &&Item| item.change > change;
            return self.items.iter().filter(changed).collect();
        }
        let start = self.flagged.partition_point(|(seq, _)| *seq <= change);
        let mut uids: Vec<Uid> = self.flagged.range(start..).map(|(_, uid)| *uid).collect();
        uids.sort_unstable();
        uids.dedup();
        uids.into_iter().filter_map(|uid| self.item(uid)).collect()
    }

    fn position(&self, uid: Uid) -> Option<usize> {
        self.items.binary_search_by_key(&uid, |item| item.uid).ok()
    }

    fn apply_pending(&mut self, seq: u64) {
        while let Some((number, change)) = self.pending.pop_front() {
            if number > seq {
                self.pending.push_front((number, change));
                break;
            }
            if number > self.change_seq {
                self.apply(number, change);
            }
        }
    }

    fn apply(&mut self, seq: u64, change: Change) {
        self.change_seq = seq;
        match change {
            Change::Appended(items) => {
                for item in items {
                    self.uid_next = item.uid.0.saturating_add(1);
                    self.items.push(item);
                }
            }
            Change::Flags(changes) => {
                self.flags_seq = seq;
                for (uid, flags) in changes {
                    if let Some(position) = self.position(uid) {
                        let item = &mut self.items[position];
                        item.flags = flags;
                        item.change = seq;
                        self.flagged.push_back((seq, uid));
                    }
                }
                while self.flagged.len() > FLAGGED_MAX
                    && let Some((forgotten, _)) = self.flagged.pop_front()
                {
                    self.flagged_floor = forgotten;
                }
            }
            Change::Expunged(uids) => {
                self.expunge_seq = seq;
                self.items
                    .retain(|item| uids.binary_search(&item.uid).is_err());
            }
            Change::Gone => {
                self.expunge_seq = seq;
                self.gone = true;
                self.items = Vec::new();
            }
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What a panicking holder left behind is still in order: every change
    // under these locks is a few assignments.
    mutex
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner())
}

#[cfg(test)]
mod tests {
    use mailward_mail::Timestamp;
    use mailward_store::BodyRef;

    use super::*;

    fn folder() -> Arc<LiveFolder> {
        let folder = Arc::new(LiveFolders::default()).open(1);
        folder.install(Index {
            change_seq: 10,
            ..Index::default()
        });
        folder
    }

    #[test]
    fn one_confirmation_vouches_for_all_before_it() {
        let folder = folder();
        for seq in 11..=13 {
            folder.offer(seq, Change::Expunged(Vec::new()));
        }
        folder.confirm(12);
        assert_eq!(folder.index().change_seq, 12);
        folder.confirm(11);
        assert_eq!(folder.index().change_seq, 12);
        folder.confirm(13);
        assert_eq!(folder.index().change_seq, 13);
        assert!(!folder.index().has_pending());
    }

    #[test]
    fn a_change_that_was_rolled_back_is_pushed_out() {
        let folder = folder();
        folder.offer(11, Change::Gone);
        folder.offer(12, Change::Gone);
        folder.offer(11, Change::Expunged(Vec::new()));
        folder.confirm(11);
        assert!(!folder.index().gone);
        assert!(!folder.index().has_pending());
    }

    #[test]
    fn the_last_changes_of_flags_are_found_at_once_and_all_of_them_always() {
        let folder = folder();
        let mut index = folder.index();
        let body = BodyRef::in_memory(1, b"");
        let item = |uid| Item {
            uid: Uid(uid),
            flags: Flags::default(),
            internal_date: Timestamp::from_millis(0),
            body,
            change: 11,
        };
        index.apply(11, Change::Appended((1..=5000).map(item).collect()));
        let mut flag = |seq: u64, uids: &[u32]| {
            let changes = uids.iter().map(|uid| (Uid(*uid), Flags::SEEN));
            index.apply(seq, Change::Flags(changes.collect()));
        };
        flag(12, &(1..=600).collect::<Vec<_>>());
        flag(13, &[7, 3, 4999]);
        flag(14, &[3, 6000]);
        flag(15, &(1000..=1500).collect::<Vec<_>>());
        let found = |since: u64| -> Vec<u32> {
            let items = index.flagged_since(since);
            items.into_iter().map(|item| item.uid.0).collect()
        };
        assert_eq!(index.flagged_floor, 12);
        assert!(found(15).is_empty());
        assert_eq!(found(14), (1000..=1500).collect::<Vec<_>>());
        let since_13: Vec<u32> = [3].into_iter().chain(1000..=1500).collect();
        assert_eq!(found(13), since_13);
        let since_12: Vec<u32> = [3, 7]
            .into_iter()
            .chain(1000..=1500)
            .chain([4999])
            .collect();
        assert_eq!(found(12), since_12);
        let since_11: Vec<u32> = (1..=600).chain(1000..=1500).chain([4999]).collect();
        assert_eq!(found(11), since_11);
    }

    #[test]
    fn what_the_rows_had_already_is_not_applied_again() {
        let all = Arc::new(LiveFolders::default());
        let folder = all.open(1);
        folder.offer(11, Change::Gone);
        folder.offer(12, Change::Expunged(Vec::new()));
        folder.install(Index {
            change_seq: 11,
            ..Index::default()
        });
        folder.confirm(12);
        assert!(!folder.index().gone);
        assert_eq!(folder.index().change_seq, 12);
        drop(folder);
        assert!(lock(&all.folders).is_empty());
    }
}
