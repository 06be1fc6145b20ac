//! The steps that several operations on the tree of folders share.

use mailward_mail::Timestamp;

use crate::engine::RowsMut;
use crate::error::MailboxError;
use crate::folders::FOLDERS_MAX;
use crate::live::{Change, LiveFolders, Offered};
use crate::mailboxes::NewFolder;
use crate::name::FolderName;
use crate::rows::{FolderRow, Stop};

/// A new folder; one that exists is left as it is.
pub(crate) fn insert_folder(
    rows: &mut dyn RowsMut,
    mailbox: i64,
    folder: &NewFolder,
    now: Timestamp,
) -> Result<(), Stop> {
    if let Some(parent) = folder.name.parent() {
        ensure(rows, mailbox, &parent, now)?;
    }
    let mut row = ensure(rows, mailbox, &folder.name, now)?;
    row.permanent = folder.permanent;
    rows.reshape_folder(&row)?;
    if folder.subscribed {
        set_subscribed(rows, mailbox, &folder.name, true)?;
    }
    Ok(())
}

/// Takes what is still in the folders of a mailbox.
pub(crate) fn clear_all(
    rows: &mut dyn RowsMut,
    live: &LiveFolders,
    mailbox: i64,
) -> Result<Offered, Stop> {
    let mut offered = Offered::default();
    for folder in rows.folders(mailbox)? {
        clear(rows, live, folder, &mut offered)?;
    }
    Ok(offered)
}

/// Takes what came into a folder since it was emptied, and tells sessions that
/// it is gone.
pub(crate) fn clear(
    rows: &mut dyn RowsMut,
    live: &LiveFolders,
    mut folder: FolderRow,
    offered: &mut Offered,
) -> Result<FolderRow, Stop> {
    rows.clear_items(folder.id)?;
    let items = i64::try_from(folder.items).unwrap_or(0);
    let octets = i64::try_from(folder.octets).unwrap_or(0);
    rows.change_usage(folder.mailbox, -items, -octets)?;
    (folder.items, folder.unseen, folder.octets) = (0, 0, 0);
    (folder.gone_floor, folder.gone_ranges) = (folder.change_seq + 1, 0);
    let seq = folder.save(rows)?;
    offered.add(live, folder.id, seq, Change::Gone);
    Ok(folder)
}

/// Makes the folder and those above it, where they are missing.
pub(crate) fn ensure(
    rows: &mut dyn RowsMut,
    mailbox: i64,
    name: &FolderName,
    now: Timestamp,
) -> Result<FolderRow, Stop> {
    if let Some(folder) = rows.folder_named(mailbox, name)? {
        return Ok(folder);
    }
    if let Some(parent) = name.parent() {
        // The recursion ends after LEVELS_MAX levels.
        ensure(rows, mailbox, &parent, now)?;
    }
    if rows.folder_count(mailbox)? >= FOLDERS_MAX {
        return Err(MailboxError::TooManyFolders { max: FOLDERS_MAX }.into());
    }
    let folder = FolderRow {
        id: rows.next_id()?,
        mailbox,
        name: name.clone(),
        permanent: false,
        selectable: true,
        uid_validity: rows.next_uid_validity(now)?,
        uid_next: 1,
        recent_uid: 1,
        change_seq: 0,
        items: 0,
        unseen: 0,
        octets: 0,
        gone_floor: 0,
        gone_ranges: 0,
    };
    rows.insert_folder(&folder)?;
    Ok(folder)
}

pub(crate) fn set_subscribed(
    rows: &mut dyn RowsMut,
    mailbox: i64,
    name: &FolderName,
    subscribed: bool,
) -> Result<(), Stop> {
    rows.unsubscribe(mailbox, name)?;
    if !subscribed {
        return Ok(());
    }
    if rows.subscriptions(mailbox)?.len() >= FOLDERS_MAX {
        return Err(MailboxError::TooManyFolders { max: FOLDERS_MAX }.into());
    }
    rows.subscribe(mailbox, name)?;
    Ok(())
}
