//! What one session has been told of a folder.

use crate::flags::Flags;
use crate::folder::Folder;
use crate::item::Uid;
use crate::live::Index;

/// A session's message sequence numbers: the UIDs it was told of, in order,
/// four octets each. It changes only by [`Folder::updates`], so that numbers
/// never shift behind the client's back (RFC 3501 section 7.4.1).
#[derive(Clone, Debug, Default)]
pub struct View {
    uids: Vec<Uid>,
    uid_next: u32,
    change_seq: u64,
    /// The change up to which expunges were told; they may have to wait.
    expunge_seq: u64,
    /// Some that were told to wait are still to be told.
    expunges_wait: bool,
    /// Changes that this session made itself and answered already, ascending.
    own: Vec<u64>,
    /// Ascending; what this session was the first to be told of.
    recent: Vec<Uid>,
}

/// What a session has to be told, in this order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Updates {
    /// Flags that others changed.
    pub flags: Vec<FlagsUpdate>,
    /// Sequence numbers and UIDs, highest first, so that telling one doesn't
    /// shift the next.
    pub expunged: Vec<(u32, Uid)>,
    /// The number of messages, when some came.
    pub exists: Option<u32>,
    /// The folder was deleted.
    pub gone: bool,
}

/// The flags of a message that changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlagsUpdate {
    pub number: u32,
    pub uid: Uid,
    pub flags: Flags,
    /// The number of the change, see [`Folder::change`].
    pub change: u64,
}

impl View {
    pub(crate) fn new(index: &Index) -> Self {
        Self {
            uids: index.items.iter().map(|item| item.uid).collect(),
            uid_next: index.uid_next,
            change_seq: index.change_seq,
            expunge_seq: index.change_seq,
            expunges_wait: false,
            own: Vec::new(),
            recent: Vec::new(),
        }
    }

    /// How many messages the session knows.
    pub fn count(&self) -> u32 {
        u32::try_from(self.uids.len()).unwrap_or(u32::MAX)
    }

    /// In the order of sequence numbers, the first of which is 1.
    pub fn uids(&self) -> &[Uid] {
        &self.uids
    }

    pub fn uid_next(&self) -> u32 {
        self.uid_next
    }

    /// The change up to which the session was told of everything but expunges
    /// that had to wait.
    pub fn change(&self) -> u64 {
        self.change_seq
    }

    /// The change up to which the session was told of everything, see
    /// [`Folder::change`].
    pub fn settled_change(&self) -> u64 {
        if self.expunges_wait {
            self.expunge_seq.min(self.change_seq)
        } else {
            self.change_seq
        }
    }

    /// Whether expunges are still to be told, so that [`View::settled_change`]
    /// is behind [`View::change`].
    pub fn expunges_wait(&self) -> bool {
        self.expunges_wait
    }

    /// Whether the session was told of this change, or made it and answered it
    /// itself.
    pub fn knows(&self, change: u64) -> bool {
        change <= self.change_seq || self.own.binary_search(&change).is_ok()
    }

    pub fn uid_of(&self, sequence_number: u32) -> Option<Uid> {
        let position = usize::try_from(sequence_number).ok()?.checked_sub(1)?;
        self.uids.get(position).copied()
    }

    pub fn sequence_number_of(&self, uid: Uid) -> Option<u32> {
        let position = self.uids.binary_search(&uid).ok()?;
        u32::try_from(position + 1).ok()
    }

    pub fn is_recent(&self, uid: Uid) -> bool {
        self.recent.binary_search(&uid).is_ok()
    }

    pub fn recent_count(&self) -> u32 {
        u32::try_from(self.recent.len()).unwrap_or(u32::MAX)
    }

    /// The session answered this change of flags itself, see
    /// [`Folder::store_flags`].
    pub fn was_told(&mut self, change: u64) {
        if let Err(place) = self.own.binary_search(&change) {
            self.own.insert(place, change);
        }
    }

    /// Takes the messages from `first_uid` on as recent.
    pub(crate) fn add_recent(&mut self, first_uid: u32) {
        let start = self.uids.partition_point(|uid| uid.0 < first_uid);
        self.recent.extend_from_slice(&self.uids[start..]);
        self.recent.sort_unstable();
        self.recent.dedup();
    }

    pub(crate) fn update(&mut self, index: &Index, tell_expunges: bool) -> Updates {
        let mut updates = Updates {
            gone: index.gone,
            ..Updates::default()
        };
        if index.flags_seq > self.change_seq {
            for item in index.flagged_since(self.change_seq) {
                if self.own.binary_search(&item.change).is_err()
                    && let Some(number) = self.sequence_number_of(item.uid)
                {
                    updates.flags.push(FlagsUpdate {
                        number,
                        uid: item.uid,
                        flags: item.flags,
                        change: item.change,
                    });
                }
            }
        }
        if tell_expunges && index.expunge_seq > self.expunge_seq {
            let mut position = 0;
            let mut items = index.items.iter().map(|item| item.uid).peekable();
            self.uids.retain(|uid| {
                position += 1;
                while items.next_if(|item| item < uid).is_some() {}
                let stays = items.peek() == Some(uid);
                if !stays {
                    updates.expunged.push((position, *uid));
                }
                stays
            });
            updates.expunged.reverse();
            self.recent
                .retain(|uid| self.uids.binary_search(uid).is_ok());
            self.expunge_seq = index.expunge_seq;
        }
        self.expunges_wait = index.expunge_seq > self.expunge_seq;
        if !self.expunges_wait {
            self.expunge_seq = index.change_seq;
        }
        let new = index
            .items
            .partition_point(|item| item.uid.0 < self.uid_next);
        if new < index.items.len() {
            self.uids
                .extend(index.items[new..].iter().map(|item| item.uid));
            updates.exists = Some(self.count());
        }
        self.uid_next = self.uid_next.max(index.uid_next);
        self.change_seq = index.change_seq;
        self.own.clear();
        updates
    }
}

impl Updates {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Folder {
    /// The folder as it is now, for a session that begins.
    pub fn view(&self) -> View {
        View::new(&self.index())
    }

    /// What happened since the view was made or last brought up to date.
    /// Without `tell_expunges` messages that are gone keep their numbers.
    pub fn updates(&self, view: &mut View, tell_expunges: bool) -> Updates {
        view.update(&self.index(), tell_expunges)
    }
}
