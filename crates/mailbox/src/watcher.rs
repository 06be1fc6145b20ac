//! Who hears what is done to items that lie in folders.

use crate::flags::Flags;
use crate::item::Uid;
use crate::mailboxes::Mailboxes;
use crate::name::FolderName;

/// Hears of deeds once they are done, on the task that did them, before other
/// sessions do. It must not wait.
pub trait Watcher: Send + Sync {
    fn saw(&self, deed: &Deed<'_>);
}

/// What was done to one item.
#[derive(Clone, Copy, Debug)]
pub struct Deed<'a> {
    pub owner: &'a str,
    pub folder: &'a FolderName,
    pub uid: Uid,
    /// The number of its body, which its copies share.
    pub body: u64,
    pub what: What<'a>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What<'a> {
    /// Its text went to a client, or a part of it.
    Read,
    /// It has these flags that it had not, and had these that it has not.
    Marked {
        added: Flags,
        removed: Flags,
    },
    Copied {
        to: &'a FolderName,
    },
    Moved {
        to: &'a FolderName,
    },
    Removed,
}

impl Mailboxes {
    /// Whoever reads an item's text to a client says so here.
    pub fn was_read(&self, owner: &str, folder: &FolderName, uid: Uid, body: u64) {
        self.tell(owner, folder, [(uid, body, What::Read)]);
    }

    pub(crate) fn tell<'a>(
        &self,
        owner: &str,
        folder: &FolderName,
        deeds: impl IntoIterator<Item = (Uid, u64, What<'a>)>,
    ) {
        let Some(watcher) = self.watcher() else {
            return;
        };
        for (uid, body, what) in deeds {
            watcher.saw(&Deed {
                owner,
                folder,
                uid,
                body,
                what,
            });
        }
    }
}
