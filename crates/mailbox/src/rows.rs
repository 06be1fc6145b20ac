//! The statements that several operations share.

use mailward_mail::Timestamp;
use mailward_store::{BodyRef, ReadTx, Row, Tx, TxError, Value};

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
    pub(crate) fn find(tx: &ReadTx<'_>, owner: &str) -> Result<Self, Stop> {
        tx.query_one(
            "SELECT id, quota_octets, octets, items FROM mailbox WHERE owner = ?1",
            &[owner.into()],
            |row| {
                Ok(Self {
                    id: row.get(0)?,
                    quota_octets: row.get(1)?,
                    octets: row.get(2)?,
                    items: row.get(3)?,
                })
            },
        )?
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
}

impl FolderRow {
    pub(crate) fn read(row: &Row<'_>) -> Result<Self, TxError> {
        Ok(Self {
            id: row.get(0)?,
            mailbox: row.get(1)?,
            name: FolderName::from_row(row.get(2)?),
            permanent: row.get(3)?,
            selectable: row.get(4)?,
            uid_validity: row.get(5)?,
            uid_next: row.get(6)?,
            recent_uid: row.get(7)?,
            change_seq: row.get(8)?,
            items: row.get(9)?,
            unseen: row.get(10)?,
            octets: row.get(11)?,
        })
    }

    pub(crate) fn find(tx: &ReadTx<'_>, mailbox: i64, name: &FolderName) -> Result<Self, Stop> {
        tx.query_one(
            "SELECT id, mailbox, name, permanent, selectable, uid_validity, uid_next, recent_uid, \
             change_seq, items, unseen, octets FROM mailbox_folder WHERE mailbox = ?1 AND name = ?2",
            &[mailbox.into(), name.as_str().into()],
            Self::read,
        )?
        .ok_or(Stop::Refused(MailboxError::NoFolder))
    }

    /// As [`FolderRow::find`], for folders that can hold items.
    pub(crate) fn selectable(
        tx: &ReadTx<'_>,
        mailbox: i64,
        name: &FolderName,
    ) -> Result<Self, Stop> {
        let folder = Self::find(tx, mailbox, name)?;
        if folder.selectable {
            Ok(folder)
        } else {
            Err(MailboxError::NotSelectable.into())
        }
    }

    pub(crate) fn by_id(tx: &ReadTx<'_>, id: i64) -> Result<Self, Stop> {
        tx.query_one(
            "SELECT id, mailbox, name, permanent, selectable, uid_validity, uid_next, recent_uid, \
             change_seq, items, unseen, octets FROM mailbox_folder WHERE id = ?1",
            &[id.into()],
            Self::read,
        )?
        .ok_or(Stop::Refused(MailboxError::NoFolder))
    }

    /// Writes back the counters, and takes the folder's next change number.
    pub(crate) fn save(&mut self, tx: &mut Tx<'_>) -> Result<u64, TxError> {
        self.change_seq += 1;
        tx.execute(
            "UPDATE mailbox_folder SET uid_next = ?2, change_seq = ?3, items = ?4, unseen = ?5, \
             octets = ?6 WHERE id = ?1",
            &[
                self.id.into(),
                self.uid_next.into(),
                self.change_seq.into(),
                self.items.into(),
                self.unseen.into(),
                self.octets.into(),
            ],
        )?;
        Ok(self.change_seq)
    }

    /// Puts an item into the folder, whose counters [`FolderRow::save`] is
    /// still to write. The caller has seen to the holders of the body.
    pub(crate) fn add(
        &mut self,
        tx: &mut Tx<'_>,
        item: &StoredItem,
        flags: Flags,
    ) -> Result<Item, Stop> {
        if self.items >= FOLDER_ITEMS_MAX || self.uid_next == u32::MAX {
            return Err(MailboxError::TooManyItems {
                max: FOLDER_ITEMS_MAX,
            }
            .into());
        }
        let uid = self.uid_next;
        tx.execute(
            "INSERT INTO mailbox_item (folder, uid, body, octets, flags, internal_date, \
             change_seq, message_id, from_field, subject) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            &[
                self.id.into(),
                uid.into(),
                item.body.into(),
                item.body.octets().into(),
                flags.to_row().into(),
                item.internal_date.as_millis().into(),
                (self.change_seq + 1).into(),
                (&item.summary.message_id).into(),
                (&item.summary.from).into(),
                (&item.summary.subject).into(),
            ],
        )?;
        self.uid_next += 1;
        self.items += 1;
        self.unseen += u64::from(!flags.contains(Flags::SEEN));
        self.octets += item.body.octets();
        Ok(Item {
            uid: Uid(uid),
            flags,
            internal_date: item.internal_date,
            body: item.body,
            change: self.change_seq + 1,
        })
    }

    /// Takes an item out of the folder, as [`FolderRow::add`] puts it in.
    pub(crate) fn remove(
        &mut self,
        tx: &mut Tx<'_>,
        uid: Uid,
        item: &StoredItem,
    ) -> Result<(), TxError> {
        tx.execute(
            "DELETE FROM mailbox_item WHERE folder = ?1 AND uid = ?2",
            &[self.id.into(), uid.0.into()],
        )?;
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

impl StoredItem {
    pub(crate) fn find(tx: &ReadTx<'_>, folder: i64, uid: Uid) -> Result<Option<Self>, TxError> {
        tx.query_one(
            "SELECT body, flags, internal_date, message_id, from_field, subject \
             FROM mailbox_item WHERE folder = ?1 AND uid = ?2",
            &[folder.into(), uid.0.into()],
            |row| {
                Ok(Self {
                    body: row.get(0)?,
                    flags: Flags::from_row(row.get(1)?),
                    internal_date: Timestamp::from_millis(row.get(2)?),
                    summary: Summary {
                        message_id: row.get(3)?,
                        from: row.get(4)?,
                        subject: row.get(5)?,
                    },
                })
            },
        )
    }
}

/// Adds to a mailbox's usage, or takes from it.
pub(crate) fn change_usage(
    tx: &mut Tx<'_>,
    mailbox: i64,
    items: i64,
    octets: i64,
) -> Result<(), TxError> {
    tx.execute(
        "UPDATE mailbox SET items = items + ?2, octets = octets + ?3 WHERE id = ?1",
        &[mailbox.into(), items.into(), octets.into()],
    )?;
    Ok(())
}

/// A number that was never given before in this store.
pub(crate) fn next_id(tx: &mut Tx<'_>) -> Result<i64, TxError> {
    counter(tx, "id", 1)
}

/// Ascending, and unlike that of an earlier store in the same place, as the
/// seconds of the clock are its floor (RFC 3501 section 2.3.1.1).
pub(crate) fn next_uid_validity(tx: &mut Tx<'_>, now: Timestamp) -> Result<u32, TxError> {
    let value = counter(tx, "uid_validity", now.as_millis() / 1000)?;
    u32::try_from(value).map_err(|_| TxError::abort("UIDVALIDITY has run out"))
}

fn counter(tx: &mut Tx<'_>, name: &'static str, floor: i64) -> Result<i64, TxError> {
    let values: [Value<'_>; 2] = [name.into(), floor.into()];
    let next = tx.query_one(
        "UPDATE mailbox_counter SET value = CASE WHEN value < ?2 THEN ?2 ELSE value + 1 END \
         WHERE name = ?1 RETURNING value",
        &values,
        |row| row.get(0),
    )?;
    if let Some(value) = next {
        return Ok(value);
    }
    tx.execute(
        "INSERT INTO mailbox_counter (name, value) VALUES (?1, ?2)",
        &values,
    )?;
    Ok(floor)
}
