//! Items as lists show them, straight from the rows: for people and tests, who
//! have no session.

use mailward_mail::Timestamp;
use mailward_store::BodyRef;

use crate::engine::Rows;
use crate::error::MailboxError;
use crate::flags::Flags;
use crate::item::Uid;
use crate::mailboxes::Mailboxes;
use crate::message::Summary;
use crate::name::FolderName;
use crate::rows::{FolderRow, MailboxRow, Stop};

/// Items of one list.
pub const LIST_ITEMS_MAX: usize = 1000;

#[derive(Clone, Debug)]
pub struct ItemSummary {
    pub uid: Uid,
    pub flags: Flags,
    pub internal_date: Timestamp,
    pub body: BodyRef,
    pub summary: Summary,
}

impl ItemSummary {
    pub fn octets(&self) -> u64 {
        self.body.octets()
    }
}

impl Mailboxes {
    /// The newest items first, from the one before `before` on: pass the last
    /// UID of one page for the next. At most [`LIST_ITEMS_MAX`].
    pub async fn list(
        &self,
        owner: &str,
        folder: &FolderName,
        before: Option<Uid>,
        limit: usize,
    ) -> Result<Vec<ItemSummary>, MailboxError> {
        let (owner, folder) = (owner.to_owned(), folder.clone());
        self.read(move |tx| {
            let folder = find(tx, &owner, &folder)?;
            Ok(tx.item_summaries(folder.id, before, limit.min(LIST_ITEMS_MAX))?)
        })
        .await
    }

    pub async fn item(
        &self,
        owner: &str,
        folder: &FolderName,
        uid: Uid,
    ) -> Result<Option<ItemSummary>, MailboxError> {
        let (owner, folder) = (owner.to_owned(), folder.clone());
        self.read(move |tx| {
            let folder = find(tx, &owner, &folder)?;
            Ok(tx.item_summary(folder.id, uid)?)
        })
        .await
    }

    /// The items of a folder with this Message-ID, angle brackets and all, by
    /// way of an index.
    pub async fn find_by_message_id(
        &self,
        owner: &str,
        folder: &FolderName,
        message_id: &str,
    ) -> Result<Vec<ItemSummary>, MailboxError> {
        let (owner, folder) = (owner.to_owned(), folder.clone());
        let message_id = message_id.trim().to_owned();
        self.read(move |tx| {
            let folder = find(tx, &owner, &folder)?;
            Ok(tx.items_by_message_id(folder.id, &message_id, LIST_ITEMS_MAX)?)
        })
        .await
    }
}

fn find(rows: &dyn Rows, owner: &str, name: &FolderName) -> Result<FolderRow, Stop> {
    let mailbox = MailboxRow::find(rows, owner)?;
    FolderRow::selectable(rows, mailbox.id, name)
}
