//! The statements about the tree of folders.

use mailward_mail::Timestamp;
use mailward_store::{ReadTx, Tx, TxError};

use crate::error::MailboxError;
use crate::folders::FOLDERS_MAX;
use crate::live::{Change, LiveFolders, Offered};
use crate::mailboxes::NewFolder;
use crate::name::FolderName;
use crate::rows::{FolderRow, Stop, change_usage, next_id, next_uid_validity};

/// A new folder; one that exists is left as it is.
pub(crate) fn insert_folder(
    tx: &mut Tx<'_>,
    mailbox: i64,
    folder: &NewFolder,
    now: Timestamp,
) -> Result<(), Stop> {
    if let Some(parent) = folder.name.parent() {
        ensure(tx, mailbox, &parent, now)?;
    }
    ensure(tx, mailbox, &folder.name, now)?;
    tx.execute(
        "UPDATE mailbox_folder SET permanent = ?3 WHERE mailbox = ?1 AND name = ?2",
        &[
            mailbox.into(),
            folder.name.as_str().into(),
            folder.permanent.into(),
        ],
    )?;
    if folder.subscribed {
        set_subscribed(tx, mailbox, &folder.name, true)?;
    }
    Ok(())
}

/// Deletes all folders of a mailbox, and what is still in them.
pub(crate) fn delete_all(
    tx: &mut Tx<'_>,
    live: &LiveFolders,
    mailbox: i64,
) -> Result<Offered, Stop> {
    let mut offered = Offered::default();
    for folder in all(tx, mailbox)? {
        clear(tx, live, folder, &mut offered)?;
    }
    for statement in [
        "DELETE FROM mailbox_folder WHERE mailbox = ?1",
        "DELETE FROM mailbox_subscription WHERE mailbox = ?1",
    ] {
        tx.execute(statement, &[mailbox.into()])?;
    }
    Ok(offered)
}

/// Takes what came into a folder since it was emptied, and tells sessions that
/// it is gone.
pub(crate) fn clear(
    tx: &mut Tx<'_>,
    live: &LiveFolders,
    mut folder: FolderRow,
    offered: &mut Offered,
) -> Result<FolderRow, Stop> {
    let bodies = tx.query(
        "SELECT body FROM mailbox_item WHERE folder = ?1",
        &[folder.id.into()],
        |row| row.get(0),
    )?;
    for body in &bodies {
        tx.release_body(body)?;
    }
    tx.execute(
        "DELETE FROM mailbox_item WHERE folder = ?1",
        &[folder.id.into()],
    )?;
    let items = i64::try_from(folder.items).unwrap_or(0);
    let octets = i64::try_from(folder.octets).unwrap_or(0);
    change_usage(tx, folder.mailbox, -items, -octets)?;
    (folder.items, folder.unseen, folder.octets) = (0, 0, 0);
    let seq = folder.save(tx)?;
    offered.add(live, folder.id, seq, Change::Gone);
    Ok(folder)
}

/// Makes the folder and those above it, where they are missing.
pub(crate) fn ensure(
    tx: &mut Tx<'_>,
    mailbox: i64,
    name: &FolderName,
    now: Timestamp,
) -> Result<(), Stop> {
    match FolderRow::find(tx, mailbox, name) {
        Ok(_) => return Ok(()),
        Err(Stop::Refused(_)) => {}
        Err(failed) => return Err(failed),
    }
    if let Some(parent) = name.parent() {
        // The recursion ends after LEVELS_MAX levels.
        ensure(tx, mailbox, &parent, now)?;
    }
    let count = tx
        .query_one(
            "SELECT COUNT(*) FROM mailbox_folder WHERE mailbox = ?1",
            &[mailbox.into()],
            |row| row.get::<usize>(0),
        )?
        .unwrap_or(0);
    if count >= FOLDERS_MAX {
        return Err(MailboxError::TooManyFolders { max: FOLDERS_MAX }.into());
    }
    let id = next_id(tx)?;
    let uid_validity = next_uid_validity(tx, now)?;
    tx.execute(
        "INSERT INTO mailbox_folder (id, mailbox, name, permanent, selectable, uid_validity, \
         uid_next, recent_uid, change_seq, items, unseen, octets) \
         VALUES (?1, ?2, ?3, 0, 1, ?4, 1, 1, 0, 0, 0, 0)",
        &[
            id.into(),
            mailbox.into(),
            name.as_str().into(),
            uid_validity.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn all(tx: &ReadTx<'_>, mailbox: i64) -> Result<Vec<FolderRow>, TxError> {
    tx.query(
        "SELECT id, mailbox, name, permanent, selectable, uid_validity, uid_next, recent_uid, \
         change_seq, items, unseen, octets FROM mailbox_folder WHERE mailbox = ?1 ORDER BY name",
        &[mailbox.into()],
        FolderRow::read,
    )
}

pub(crate) fn recent(tx: &ReadTx<'_>, folder: &FolderRow) -> Result<u64, TxError> {
    if folder.recent_uid >= folder.uid_next {
        return Ok(0);
    }
    let count = tx.query_one(
        "SELECT COUNT(*) FROM mailbox_item WHERE folder = ?1 AND uid >= ?2",
        &[folder.id.into(), folder.recent_uid.into()],
        |row| row.get(0),
    )?;
    Ok(count.unwrap_or(0))
}

pub(crate) fn subscriptions(tx: &ReadTx<'_>, mailbox: i64) -> Result<Vec<FolderName>, TxError> {
    tx.query(
        "SELECT name FROM mailbox_subscription WHERE mailbox = ?1 ORDER BY name",
        &[mailbox.into()],
        |row| row.get(0).map(FolderName::from_row),
    )
}

pub(crate) fn set_subscribed(
    tx: &mut Tx<'_>,
    mailbox: i64,
    name: &FolderName,
    subscribed: bool,
) -> Result<(), Stop> {
    tx.execute(
        "DELETE FROM mailbox_subscription WHERE mailbox = ?1 AND name = ?2",
        &[mailbox.into(), name.as_str().into()],
    )?;
    if !subscribed {
        return Ok(());
    }
    let count = subscriptions(tx, mailbox)?.len();
    if count >= FOLDERS_MAX {
        return Err(MailboxError::TooManyFolders { max: FOLDERS_MAX }.into());
    }
    tx.execute(
        "INSERT INTO mailbox_subscription (mailbox, name) VALUES (?1, ?2)",
        &[mailbox.into(), name.as_str().into()],
    )?;
    Ok(())
}
