//! Mailboxes: folders, items, UIDs, flags and quota, over a store or in memory.
//!
//! ```text
//!   owner ── mailbox ── folder ── item ── body (shared, counted)
//!                          │
//!                       Folder: a live view that sessions follow
//! ```
//!
//! Rows are the truth, in a store or in memory, where all of them can be
//! forked and put back at the cost of a few words; a folder that a session has open is held
//! in memory as well, a few tens of octets an item, and forgotten when the
//! last session leaves. Every change takes its place in a folder's order of
//! changes ([`Folder::change`]) inside the store's write, so that what sessions
//! see is what is on stable storage, in the order in which it got there.
//!
//! This crate does not know who owns a mailbox, which protocol reads it, or
//! what its folders are for.

mod append;
mod arrivals;
mod body;
mod change;
mod engine;
mod error;
mod expunged;
mod flags;
mod folder;
mod folder_rows;
mod folders;
mod item;
mod keywords;
mod listing;
mod live;
mod mailboxes;
mod message;
mod name;
mod rows;
mod schema;
mod transfer;
mod view;
mod watcher;

pub use append::{Appended, Content, TARGETS_MAX, Target};
pub use arrivals::{ARRIVALS_MAX, Arrival, Arrivals, Place};
pub use body::{BodyReader, MemoryLimit};
pub use change::{Stored, StoredFlags};
pub use error::MailboxError;
pub use expunged::UidRange;
pub use flags::{FlagChange, Flags, KEYWORDS_MAX};
pub use folder::Folder;
pub use folders::{FOLDERS_MAX, FolderInfo, FolderStatus};
pub use item::{Item, Uid};
pub use keywords::KEYWORD_OCTETS_MAX;
pub use listing::{ItemSummary, LIST_ITEMS_MAX};
pub use mailboxes::{Image, Mailboxes, NewFolder, NewMailbox, Usage};
pub use message::{MessageWriter, NewMessage, Summary};
pub use name::{FolderName, LEVEL_OCTETS_MAX, LEVELS_MAX, NameError};
pub use schema::{GONE_SCHEMA, KEYWORDS_SCHEMA, SCHEMA};
pub use transfer::Copied;
pub use view::{FlagsUpdate, Updates, View};
pub use watcher::{Deed, Watcher, What};
