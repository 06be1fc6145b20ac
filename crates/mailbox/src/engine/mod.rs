//! What keeps the rows: a store, or this program's memory.
//!
//! ```text
//!   append, change, transfer, folders, listing ── decide
//!               Rows, RowsMut ── read and write
//!        sql: a store's rows        memory: maps that clones share
//! ```
//!
//! What a mailbox is, is decided once, above; an engine only keeps it.

pub(crate) mod memory;
mod sql;
mod trie;

use mailward_mail::Timestamp;
use mailward_store::{BodyRef, TxError};

use crate::expunged::UidRange;
use crate::flags::Flags;
use crate::item::{Item, Uid};
use crate::listing::ItemSummary;
use crate::name::FolderName;
use crate::rows::{FolderRow, MailboxRow, StoredItem};

/// One consistent view.
pub(crate) trait Rows {
    fn mailbox(&self, owner: &str) -> Result<Option<MailboxRow>, TxError>;
    fn folder(&self, id: i64) -> Result<Option<FolderRow>, TxError>;
    fn folder_named(&self, mailbox: i64, name: &FolderName) -> Result<Option<FolderRow>, TxError>;
    /// By name.
    fn folders(&self, mailbox: i64) -> Result<Vec<FolderRow>, TxError>;
    fn folder_count(&self, mailbox: i64) -> Result<usize, TxError>;
    /// Items that no session has been told of.
    fn recent(&self, folder: &FolderRow) -> Result<u64, TxError>;
    /// By name.
    fn subscriptions(&self, mailbox: i64) -> Result<Vec<FolderName>, TxError>;
    /// By place.
    fn keywords(&self, mailbox: i64) -> Result<Vec<String>, TxError>;
    fn item(&self, folder: i64, uid: Uid) -> Result<Option<StoredItem>, TxError>;
    /// Flags, and the number of the last change.
    fn item_flags(&self, folder: i64, uid: Uid) -> Result<Option<(Flags, u64)>, TxError>;
    /// All of them, ascending; bounded by what a folder may hold.
    fn items(&self, folder: i64) -> Result<Vec<Item>, TxError>;
    /// What went after this change, the oldest first.
    fn gone_since(&self, folder: i64, change: u64) -> Result<Vec<UidRange>, TxError>;
    /// The change with which the last range went before the newest `newest`.
    fn gone_before_last(&self, folder: i64, newest: u64) -> Result<Option<u64>, TxError>;
    fn item_summary(&self, folder: i64, uid: Uid) -> Result<Option<ItemSummary>, TxError>;
    /// Descending from the one before `before` on.
    fn item_summaries(
        &self,
        folder: i64,
        before: Option<Uid>,
        limit: usize,
    ) -> Result<Vec<ItemSummary>, TxError>;
    /// Ascending.
    fn items_by_message_id(
        &self,
        folder: i64,
        message_id: &str,
        limit: usize,
    ) -> Result<Vec<ItemSummary>, TxError>;
}

/// One change.
pub(crate) trait RowsMut: Rows {
    /// A number that was never given before.
    fn next_id(&mut self) -> Result<i64, TxError>;
    /// Ascending, and unlike that of an earlier store in the same place, as the
    /// seconds of the clock are its floor (RFC 3501 section 2.3.1.1).
    fn next_uid_validity(&mut self, now: Timestamp) -> Result<u32, TxError>;
    fn insert_mailbox(
        &mut self,
        id: i64,
        owner: &str,
        quota_octets: Option<u64>,
    ) -> Result<(), TxError>;
    /// In the next place.
    fn add_keyword(&mut self, mailbox: i64, place: usize, name: &str) -> Result<(), TxError>;
    /// Its folders, subscriptions and keywords too; items have gone before.
    fn delete_mailbox(&mut self, id: i64, owner: &str) -> Result<(), TxError>;
    fn set_quota(&mut self, mailbox: i64, quota_octets: Option<u64>) -> Result<(), TxError>;
    /// Adds to a mailbox's usage, or takes from it.
    fn change_usage(&mut self, mailbox: i64, items: i64, octets: i64) -> Result<(), TxError>;
    fn insert_folder(&mut self, folder: &FolderRow) -> Result<(), TxError>;
    fn update_counters(&mut self, folder: &FolderRow) -> Result<(), TxError>;
    /// Its name, and whether it is permanent and selectable.
    fn reshape_folder(&mut self, folder: &FolderRow) -> Result<(), TxError>;
    /// Never back.
    fn set_recent_uid(&mut self, folder: i64, recent_uid: u32) -> Result<(), TxError>;
    fn delete_folder(&mut self, folder: &FolderRow) -> Result<(), TxError>;
    fn subscribe(&mut self, mailbox: i64, name: &FolderName) -> Result<(), TxError>;
    fn unsubscribe(&mut self, mailbox: i64, name: &FolderName) -> Result<(), TxError>;
    fn insert_item(
        &mut self,
        folder: &FolderRow,
        uid: Uid,
        item: &StoredItem,
    ) -> Result<(), TxError>;
    fn set_item_flags(
        &mut self,
        folder: i64,
        uid: Uid,
        flags: Flags,
        change: u64,
    ) -> Result<(), TxError>;
    fn delete_item(&mut self, folder: i64, uid: Uid) -> Result<(), TxError>;
    fn remember_gone(
        &mut self,
        folder: i64,
        change: u64,
        ranges: &[UidRange],
    ) -> Result<(), TxError>;
    /// Forgets what went up to this change; gives the number of ranges.
    fn forget_gone(&mut self, folder: i64, change: u64) -> Result<u64, TxError>;
    /// All items of a folder, their bodies released, and what went before.
    fn clear_items(&mut self, folder: i64) -> Result<(), TxError>;
    /// One more holder of the body, or one fewer: it goes with the last.
    fn retain_body(&mut self, body: &BodyRef) -> Result<(), TxError>;
    fn release_body(&mut self, body: &BodyRef) -> Result<(), TxError>;
}
