//! What rows hold, and the steps that several operations share.

use mailward_mail::Timestamp;
use mailward_store::{BodyRef, TxError};

use crate::engine::{Rows, RowsMut};
use crate::error::MailboxError;
use crate::flags::Flags;
use crate::item::{Item, Uid};
use crate::message::Summary;
use crate::name::FolderName;

/// Items of one folder, as Exchange has it.
pub(crate) const FOLDER_ITEMS_MAX: u64 = 1_000_000;

/// Why a change stops: refused by us, with nothing done, or failed.
#[derive(Debug)]
pub(crate) enum Stop {
    Refused(MailboxError),
    Failed(TxError),
}

impl From<MailboxError> for Stop {
    fn from(error: MailboxError) -> Self {
        Self::Refused(error)
    }
}

impl From<TxError> for Stop {
    fn from(error: TxError) -> Self {
        Self::Failed(error)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct MailboxRow {
    pub(crate) id: i64,
    pub(crate) quota_octets: Option<u64>,
    pub(crate) octets: u64,
    pub(crate) items: u64,
}

impl MailboxRow {
    pub(crate) fn find(rows: &dyn Rows, owner: &str) -> Result<Self, Stop> {
        rows.mailbox(owner)?
            .ok_or(Stop::Refused(MailboxError::NoMailbox))
    }

    /// Refuses what would go over the quota.
    pub(crate) fn make_room(&self, octets: u64) -> Result<(), MailboxError> {
        match self.quota_octets {
            Some(quota_octets) if self.octets.saturating_add(octets) > quota_octets => {
                Err(MailboxError::OverQuota { quota_octets })
            }
            _ => Ok(()),
        }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct FolderRow {
    pub(crate) id: i64,
    pub(crate) mailbox: i64,
    pub(crate) name: FolderName,
    pub(crate) permanent: bool,
    pub(crate) selectable: bool,
    pub(crate) uid_validity: u32,
    pub(crate) uid_next: u32,
    pub(crate) recent_uid: u32,
    pub(crate) change_seq: u64,
    pub(crate) items: u64,
    pub(crate) unseen: u64,
    pub(crate) octets: u64,
    /// What went with changes after this one is remembered, as so many ranges
    /// of UIDs.
    pub(crate) gone_floor: u64,
    pub(crate) gone_ranges: u64,
}

impl FolderRow {
    pub(crate) fn find(rows: &dyn Rows, mailbox: i64, name: &FolderName) -> Result<Self, Stop> {
        rows.folder_named(mailbox, name)?
            .ok_or(Stop::Refused(MailboxError::NoFolder))
    }

    /// As [`FolderRow::find`], for folders that can hold items.
    pub(crate) fn selectable(
        rows: &dyn Rows,
        mailbox: i64,
        name: &FolderName,
    ) -> Result<Self, Stop> {
        let folder = Self::find(rows, mailbox, name)?;
        if folder.selectable {
            Ok(folder)
        } else {
            Err(MailboxError::NotSelectable.into())
        }
    }

    pub(crate) fn by_id(rows: &dyn Rows, id: i64) -> Result<Self, Stop> {
        rows.folder(id)?
            .ok_or(Stop::Refused(MailboxError::NoFolder))
    }

    /// Writes back the counters, and takes the folder's next change number.
    pub(crate) fn save(&mut self, rows: &mut dyn RowsMut) -> Result<u64, TxError> {
        self.change_seq += 1;
        rows.update_counters(self)?;
        Ok(self.change_seq)
    }

    /// Puts an item into the folder, whose counters [`FolderRow::save`] is
    /// still to write. The caller has seen to the holders of the body.
    pub(crate) fn add(&mut self, rows: &mut dyn RowsMut, item: &StoredItem) -> Result<Item, Stop> {
        if self.items >= FOLDER_ITEMS_MAX || self.uid_next == u32::MAX {
            return Err(MailboxError::TooManyItems {
                max: FOLDER_ITEMS_MAX,
            }
            .into());
        }
        let uid = Uid(self.uid_next);
        rows.insert_item(self, uid, item)?;
        self.uid_next += 1;
        self.items += 1;
        self.unseen += u64::from(!item.flags.contains(Flags::SEEN));
        self.octets += item.body.octets();
        Ok(Item {
            uid,
            flags: item.flags,
            internal_date: item.internal_date,
            body: item.body,
            change: self.change_seq + 1,
        })
    }

    /// Takes an item out of the folder, as [`FolderRow::add`] puts it in.
    pub(crate) fn remove(
        &mut self,
        rows: &mut dyn RowsMut,
        uid: Uid,
        item: &StoredItem,
    ) -> Result<(), TxError> {
        rows.delete_item(self.id, uid)?;
        self.items = self.items.saturating_sub(1);
        let unseen = !item.flags.contains(Flags::SEEN);
        self.unseen = self.unseen.saturating_sub(u64::from(unseen));
        self.octets = self.octets.saturating_sub(item.body.octets());
        Ok(())
    }
}

/// An item's row, apart from its place.
#[derive(Clone, Debug)]
pub(crate) struct StoredItem {
    pub(crate) body: BodyRef,
    pub(crate) flags: Flags,
    pub(crate) internal_date: Timestamp,
    pub(crate) summary: Summary,
}
