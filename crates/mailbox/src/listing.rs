//! Items as lists show them, straight from the rows: for people and tests, who
//! have no session.

use mailward_mail::Timestamp;
use mailward_store::{BodyRef, ReadTx, Row, TxError};

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
        let before = before.map_or(i64::MAX, |uid| uid.0.into());
        self.read(move |tx| {
            let folder = find(tx, &owner, &folder)?;
            Ok(tx.query(
                "SELECT uid, flags, internal_date, body, message_id, from_field, subject \
                 FROM mailbox_item WHERE folder = ?1 AND uid < ?2 ORDER BY uid DESC LIMIT ?3",
                &[
                    folder.id.into(),
                    before.into(),
                    limit.min(LIST_ITEMS_MAX).into(),
                ],
                summary,
            )?)
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
            Ok(tx.query_one(
                "SELECT uid, flags, internal_date, body, message_id, from_field, subject \
                 FROM mailbox_item WHERE folder = ?1 AND uid = ?2",
                &[folder.id.into(), uid.0.into()],
                summary,
            )?)
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
            Ok(tx.query(
                "SELECT uid, flags, internal_date, body, message_id, from_field, subject \
                 FROM mailbox_item WHERE message_id = ?1 AND folder = ?2 ORDER BY uid LIMIT ?3",
                &[message_id.into(), folder.id.into(), LIST_ITEMS_MAX.into()],
                summary,
            )?)
        })
        .await
    }
}

fn find(tx: &ReadTx<'_>, owner: &str, name: &FolderName) -> Result<FolderRow, Stop> {
    let mailbox = MailboxRow::find(tx, owner)?;
    FolderRow::selectable(tx, mailbox.id, name)
}

fn summary(row: &Row<'_>) -> Result<ItemSummary, TxError> {
    Ok(ItemSummary {
        uid: Uid(row.get(0)?),
        flags: Flags::from_row(row.get(1)?),
        internal_date: Timestamp::from_millis(row.get(2)?),
        body: row.get(3)?,
        summary: Summary {
            message_id: row.get(4)?,
            from: row.get(5)?,
            subject: row.get(6)?,
        },
    })
}
