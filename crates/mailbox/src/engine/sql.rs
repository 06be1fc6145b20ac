//! The rows of a store.

use std::ops::Deref;

use mailward_mail::Timestamp;
use mailward_store::{BodyRef, ReadTx, Row, Tx, TxError, Value};

use super::{Rows, RowsMut};
use crate::expunged::UidRange;
use crate::flags::Flags;
use crate::item::{Item, Uid};
use crate::listing::ItemSummary;
use crate::message::Summary;
use crate::name::FolderName;
use crate::rows::{FolderRow, MailboxRow, StoredItem};

impl<'a, T: Deref<Target = ReadTx<'a>>> Rows for T {
    fn mailbox(&self, owner: &str) -> Result<Option<MailboxRow>, TxError> {
        self.query_one(
            "SELECT id, quota_octets, octets, items FROM mailbox WHERE owner = ?1",
            &[owner.into()],
            |row| {
                Ok(MailboxRow {
                    id: row.get(0)?,
                    quota_octets: row.get(1)?,
                    octets: row.get(2)?,
                    items: row.get(3)?,
                })
            },
        )
    }

    fn folder(&self, id: i64) -> Result<Option<FolderRow>, TxError> {
        self.query_one(
            "SELECT id, mailbox, name, permanent, selectable, uid_validity, uid_next, recent_uid, \
             change_seq, items, unseen, octets, gone_floor, gone_ranges FROM mailbox_folder WHERE id = ?1",
            &[id.into()],
            folder,
        )
    }

    fn folder_named(&self, mailbox: i64, name: &FolderName) -> Result<Option<FolderRow>, TxError> {
        self.query_one(
            "SELECT id, mailbox, name, permanent, selectable, uid_validity, uid_next, recent_uid, \
             change_seq, items, unseen, octets, gone_floor, gone_ranges FROM mailbox_folder WHERE mailbox = ?1 AND name = ?2",
            &[mailbox.into(), name.as_str().into()],
            folder,
        )
    }

    fn folders(&self, mailbox: i64) -> Result<Vec<FolderRow>, TxError> {
        self.query(
            "SELECT id, mailbox, name, permanent, selectable, uid_validity, uid_next, recent_uid, \
             change_seq, items, unseen, octets, gone_floor, gone_ranges FROM mailbox_folder WHERE mailbox = ?1 ORDER BY name",
            &[mailbox.into()],
            folder,
        )
    }

    fn folder_count(&self, mailbox: i64) -> Result<usize, TxError> {
        let count = self.query_one(
            "SELECT COUNT(*) FROM mailbox_folder WHERE mailbox = ?1",
            &[mailbox.into()],
            |row| row.get::<usize>(0),
        )?;
        Ok(count.unwrap_or(0))
    }

    fn recent(&self, folder: &FolderRow) -> Result<u64, TxError> {
        if folder.recent_uid >= folder.uid_next {
            return Ok(0);
        }
        let count = self.query_one(
            "SELECT COUNT(*) FROM mailbox_item WHERE folder = ?1 AND uid >= ?2",
            &[folder.id.into(), folder.recent_uid.into()],
            |row| row.get(0),
        )?;
        Ok(count.unwrap_or(0))
    }

    fn subscriptions(&self, mailbox: i64) -> Result<Vec<FolderName>, TxError> {
        self.query(
            "SELECT name FROM mailbox_subscription WHERE mailbox = ?1 ORDER BY name",
            &[mailbox.into()],
            |row| row.get(0).map(FolderName::from_row),
        )
    }

    fn keywords(&self, mailbox: i64) -> Result<Vec<String>, TxError> {
        self.query(
            "SELECT name FROM mailbox_keyword WHERE mailbox = ?1 ORDER BY place",
            &[mailbox.into()],
            |row| row.get(0),
        )
    }

    fn item(&self, folder: i64, uid: Uid) -> Result<Option<StoredItem>, TxError> {
        let item = self.item_summary(folder, uid)?;
        Ok(item.map(|item| StoredItem {
            body: item.body,
            flags: item.flags,
            internal_date: item.internal_date,
            summary: item.summary,
        }))
    }

    fn item_flags(&self, folder: i64, uid: Uid) -> Result<Option<(Flags, u64)>, TxError> {
        self.query_one(
            "SELECT flags, change_seq FROM mailbox_item WHERE folder = ?1 AND uid = ?2",
            &[folder.into(), uid.0.into()],
            |row| Ok((Flags::from_row(row.get(0)?), row.get(1)?)),
        )
    }

    fn items(&self, folder: i64) -> Result<Vec<Item>, TxError> {
        self.query(
            "SELECT uid, flags, internal_date, body, change_seq FROM mailbox_item \
             WHERE folder = ?1 ORDER BY uid",
            &[folder.into()],
            |row| {
                Ok(Item {
                    uid: Uid(row.get(0)?),
                    flags: Flags::from_row(row.get(1)?),
                    internal_date: Timestamp::from_millis(row.get(2)?),
                    body: row.get(3)?,
                    change: row.get(4)?,
                })
            },
        )
    }

    fn gone_since(&self, folder: i64, change: u64) -> Result<Vec<UidRange>, TxError> {
        self.query(
            "SELECT first_uid, last_uid FROM mailbox_gone \
             WHERE folder = ?1 AND change_seq > ?2 ORDER BY change_seq, first_uid",
            &[folder.into(), change.into()],
            |row| Ok((Uid(row.get(0)?), Uid(row.get(1)?))),
        )
    }

    fn gone_before_last(&self, folder: i64, newest: u64) -> Result<Option<u64>, TxError> {
        self.query_one(
            "SELECT change_seq FROM mailbox_gone WHERE folder = ?1 \
             ORDER BY change_seq DESC, first_uid DESC LIMIT 1 OFFSET ?2",
            &[folder.into(), newest.into()],
            |row| row.get(0),
        )
    }

    fn item_summary(&self, folder: i64, uid: Uid) -> Result<Option<ItemSummary>, TxError> {
        self.query_one(
            "SELECT uid, flags, internal_date, body, message_id, from_field, subject \
             FROM mailbox_item WHERE folder = ?1 AND uid = ?2",
            &[folder.into(), uid.0.into()],
            summary,
        )
    }

    fn item_summaries(
        &self,
        folder: i64,
        before: Option<Uid>,
        limit: usize,
    ) -> Result<Vec<ItemSummary>, TxError> {
        let before: i64 = before.map_or(i64::MAX, |uid| uid.0.into());
        self.query(
            "SELECT uid, flags, internal_date, body, message_id, from_field, subject \
             FROM mailbox_item WHERE folder = ?1 AND uid < ?2 ORDER BY uid DESC LIMIT ?3",
            &[folder.into(), before.into(), limit.into()],
            summary,
        )
    }

    fn items_by_message_id(
        &self,
        folder: i64,
        message_id: &str,
        limit: usize,
    ) -> Result<Vec<ItemSummary>, TxError> {
        self.query(
            "SELECT uid, flags, internal_date, body, message_id, from_field, subject \
             FROM mailbox_item WHERE message_id = ?1 AND folder = ?2 ORDER BY uid LIMIT ?3",
            &[message_id.into(), folder.into(), limit.into()],
            summary,
        )
    }
}

impl RowsMut for Tx<'_> {
    fn next_id(&mut self) -> Result<i64, TxError> {
        counter(self, "id", 1)
    }

    fn next_uid_validity(&mut self, now: Timestamp) -> Result<u32, TxError> {
        let value = counter(self, "uid_validity", now.as_millis() / 1000)?;
        u32::try_from(value).map_err(|_| TxError::abort("UIDVALIDITY has run out"))
    }

    fn insert_mailbox(
        &mut self,
        id: i64,
        owner: &str,
        quota_octets: Option<u64>,
    ) -> Result<(), TxError> {
        self.execute(
            "INSERT INTO mailbox (id, owner, quota_octets, octets, items) \
             VALUES (?1, ?2, ?3, 0, 0)",
            &[id.into(), owner.into(), quota_octets.into()],
        )
        .map(drop)
    }

    fn add_keyword(&mut self, mailbox: i64, place: usize, name: &str) -> Result<(), TxError> {
        self.execute(
            "INSERT INTO mailbox_keyword (mailbox, place, name) VALUES (?1, ?2, ?3)",
            &[mailbox.into(), place.into(), name.into()],
        )
        .map(drop)
    }

    fn delete_mailbox(&mut self, id: i64, _owner: &str) -> Result<(), TxError> {
        for statement in [
            "DELETE FROM mailbox_folder WHERE mailbox = ?1",
            "DELETE FROM mailbox_subscription WHERE mailbox = ?1",
            "DELETE FROM mailbox_keyword WHERE mailbox = ?1",
            "DELETE FROM mailbox WHERE id = ?1",
        ] {
            self.execute(statement, &[id.into()])?;
        }
        Ok(())
    }

    fn set_quota(&mut self, mailbox: i64, quota_octets: Option<u64>) -> Result<(), TxError> {
        self.execute(
            "UPDATE mailbox SET quota_octets = ?2 WHERE id = ?1",
            &[mailbox.into(), quota_octets.into()],
        )
        .map(drop)
    }

    fn change_usage(&mut self, mailbox: i64, items: i64, octets: i64) -> Result<(), TxError> {
        self.execute(
            "UPDATE mailbox SET items = items + ?2, octets = octets + ?3 WHERE id = ?1",
            &[mailbox.into(), items.into(), octets.into()],
        )
        .map(drop)
    }

    fn insert_folder(&mut self, folder: &FolderRow) -> Result<(), TxError> {
        self.execute(
            "INSERT INTO mailbox_folder (id, mailbox, name, permanent, selectable, uid_validity, \
             uid_next, recent_uid, change_seq, items, unseen, octets, gone_floor, gone_ranges) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)",
            &[
                folder.id.into(),
                folder.mailbox.into(),
                folder.name.as_str().into(),
                folder.permanent.into(),
                folder.selectable.into(),
                folder.uid_validity.into(),
                folder.uid_next.into(),
                folder.recent_uid.into(),
                folder.change_seq.into(),
                folder.items.into(),
                folder.unseen.into(),
                folder.octets.into(),
                folder.gone_floor.into(),
                folder.gone_ranges.into(),
            ],
        )
        .map(drop)
    }

    fn update_counters(&mut self, folder: &FolderRow) -> Result<(), TxError> {
        self.execute(
            "UPDATE mailbox_folder SET uid_next = ?2, change_seq = ?3, items = ?4, unseen = ?5, \
             octets = ?6, gone_floor = ?7, gone_ranges = ?8 WHERE id = ?1",
            &[
                folder.id.into(),
                folder.uid_next.into(),
                folder.change_seq.into(),
                folder.items.into(),
                folder.unseen.into(),
                folder.octets.into(),
                folder.gone_floor.into(),
                folder.gone_ranges.into(),
            ],
        )
        .map(drop)
    }

    fn reshape_folder(&mut self, folder: &FolderRow) -> Result<(), TxError> {
        self.execute(
            "UPDATE mailbox_folder SET name = ?2, permanent = ?3, selectable = ?4 WHERE id = ?1",
            &[
                folder.id.into(),
                folder.name.as_str().into(),
                folder.permanent.into(),
                folder.selectable.into(),
            ],
        )
        .map(drop)
    }

    fn set_recent_uid(&mut self, folder: i64, recent_uid: u32) -> Result<(), TxError> {
        self.execute(
            "UPDATE mailbox_folder SET recent_uid = ?2 WHERE id = ?1 AND recent_uid < ?2",
            &[folder.into(), recent_uid.into()],
        )
        .map(drop)
    }

    fn delete_folder(&mut self, folder: &FolderRow) -> Result<(), TxError> {
        self.execute(
            "DELETE FROM mailbox_folder WHERE id = ?1",
            &[folder.id.into()],
        )
        .map(drop)
    }

    fn subscribe(&mut self, mailbox: i64, name: &FolderName) -> Result<(), TxError> {
        self.execute(
            "INSERT INTO mailbox_subscription (mailbox, name) VALUES (?1, ?2)",
            &[mailbox.into(), name.as_str().into()],
        )
        .map(drop)
    }

    fn unsubscribe(&mut self, mailbox: i64, name: &FolderName) -> Result<(), TxError> {
        self.execute(
            "DELETE FROM mailbox_subscription WHERE mailbox = ?1 AND name = ?2",
            &[mailbox.into(), name.as_str().into()],
        )
        .map(drop)
    }

    fn insert_item(
        &mut self,
        folder: &FolderRow,
        uid: Uid,
        item: &StoredItem,
    ) -> Result<(), TxError> {
        self.execute(
            "INSERT INTO mailbox_item (folder, uid, body, octets, flags, internal_date, \
             change_seq, message_id, from_field, subject) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            &[
                folder.id.into(),
                uid.0.into(),
                item.body.into(),
                item.body.octets().into(),
                item.flags.to_row().into(),
                item.internal_date.as_millis().into(),
                (folder.change_seq + 1).into(),
                (&item.summary.message_id).into(),
                (&item.summary.from).into(),
                (&item.summary.subject).into(),
            ],
        )
        .map(drop)
    }

    fn set_item_flags(
        &mut self,
        folder: i64,
        uid: Uid,
        flags: Flags,
        change: u64,
    ) -> Result<(), TxError> {
        self.execute(
            "UPDATE mailbox_item SET flags = ?3, change_seq = ?4 WHERE folder = ?1 AND uid = ?2",
            &[
                folder.into(),
                uid.0.into(),
                flags.to_row().into(),
                change.into(),
            ],
        )
        .map(drop)
    }

    fn delete_item(&mut self, folder: i64, uid: Uid) -> Result<(), TxError> {
        self.execute(
            "DELETE FROM mailbox_item WHERE folder = ?1 AND uid = ?2",
            &[folder.into(), uid.0.into()],
        )
        .map(drop)
    }

    fn remember_gone(
        &mut self,
        folder: i64,
        change: u64,
        ranges: &[UidRange],
    ) -> Result<(), TxError> {
        for (first, last) in ranges {
            self.execute(
                "INSERT INTO mailbox_gone (folder, change_seq, first_uid, last_uid) \
                 VALUES (?1, ?2, ?3, ?4)",
                &[folder.into(), change.into(), first.0.into(), last.0.into()],
            )?;
        }
        Ok(())
    }

    fn forget_gone(&mut self, folder: i64, change: u64) -> Result<u64, TxError> {
        let forgotten = self.execute(
            "DELETE FROM mailbox_gone WHERE folder = ?1 AND change_seq <= ?2",
            &[folder.into(), change.into()],
        )?;
        Ok(forgotten as u64)
    }

    fn clear_items(&mut self, folder: i64) -> Result<(), TxError> {
        self.forget_gone(folder, i64::MAX as u64)?;
        let bodies = self.query(
            "SELECT body FROM mailbox_item WHERE folder = ?1",
            &[folder.into()],
            |row| row.get(0),
        )?;
        for body in &bodies {
            Tx::release_body(self, body)?;
        }
        self.execute(
            "DELETE FROM mailbox_item WHERE folder = ?1",
            &[folder.into()],
        )
        .map(drop)
    }

    fn retain_body(&mut self, body: &BodyRef) -> Result<(), TxError> {
        Tx::retain_body(self, body)
    }

    fn release_body(&mut self, body: &BodyRef) -> Result<(), TxError> {
        Tx::release_body(self, body)
    }
}

fn folder(row: &Row<'_>) -> Result<FolderRow, TxError> {
    Ok(FolderRow {
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
        gone_floor: row.get(12)?,
        gone_ranges: row.get(13)?,
    })
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
