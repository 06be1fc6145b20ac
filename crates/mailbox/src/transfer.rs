//! Copying and moving items between folders of one mailbox.

use crate::error::MailboxError;
use crate::folder::Folder;
use crate::item::{Item, Uid};
use crate::live::{Change, Offered};
use crate::name::FolderName;
use crate::rows::{FolderRow, MailboxRow};
use crate::watcher::What;

/// Where copies went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    pub uid_validity: u32,
    /// The UIDs before and after, in the order of the former.
    pub uids: Vec<(Uid, Uid)>,
}

impl Folder {
    /// Copies items, all or none; those that are gone already are passed over.
    /// Copies share their bodies.
    pub async fn copy(&self, uids: &[Uid], to: &FolderName) -> Result<Copied, MailboxError> {
        self.transfer(uids, to, false).await
    }

    /// As [`Folder::copy`], and takes the originals away in the same write.
    pub async fn move_to(&self, uids: &[Uid], to: &FolderName) -> Result<Copied, MailboxError> {
        self.transfer(uids, to, true).await
    }

    async fn transfer(
        &self,
        uids: &[Uid],
        to: &FolderName,
        take_away: bool,
    ) -> Result<Copied, MailboxError> {
        let (source, owner) = (self.live.id, self.owner().to_owned());
        let target_name = to.clone();
        let mut uids = uids.to_vec();
        uids.sort_unstable();
        uids.dedup();
        let live = self.mailboxes.live().clone();
        let (copied, bodies, offered) = self
            .mailboxes
            .write(Vec::new(), move |tx, _| {
                let mailbox = MailboxRow::find(tx, &owner)?;
                let mut from = FolderRow::by_id(tx, source)?;
                let mut target = FolderRow::selectable(tx, mailbox.id, &target_name)?;
                let mut items = Vec::with_capacity(uids.len());
                for uid in uids {
                    if let Some(item) = tx.item(source, uid)? {
                        items.push((uid, item));
                    }
                }
                let octets: u64 = items.iter().map(|(_, item)| item.body.octets()).sum();
                if !take_away {
                    mailbox.make_room(octets)?;
                }
                let mut added: Vec<Item> = Vec::with_capacity(items.len());
                let mut pairs = Vec::with_capacity(items.len());
                let same = target.id == source;
                for (uid, item) in &items {
                    let new = target.add(tx, item)?;
                    pairs.push((*uid, new.uid));
                    added.push(new);
                    if take_away {
                        // The copy takes over the original's hold on the body.
                        let folder = if same { &mut target } else { &mut from };
                        folder.remove(tx, *uid, item)?;
                    } else {
                        tx.retain_body(&item.body)?;
                    }
                }
                let copied = Copied {
                    uid_validity: target.uid_validity,
                    uids: pairs,
                };
                let bodies: Vec<(Uid, u64)> = items
                    .iter()
                    .map(|(uid, item)| (*uid, item.body.number()))
                    .collect();
                let mut offered = Offered::default();
                if items.is_empty() {
                    return Ok((copied, bodies, offered));
                }
                if take_away {
                    let gone: Vec<Uid> = items.iter().map(|(uid, _)| *uid).collect();
                    if same {
                        // Two changes to one folder: first the copies, then,
                        // under a number of its own, that the originals went.
                        let seq = target.save(tx)?;
                        offered.add(&live, target.id, seq, Change::Appended(added));
                        let seq = target.save_without(tx, &gone)?;
                        offered.add(&live, target.id, seq, Change::Expunged(gone));
                        return Ok((copied, bodies, offered));
                    }
                    let seq = from.save_without(tx, &gone)?;
                    offered.add(&live, from.id, seq, Change::Expunged(gone));
                } else {
                    let count = i64::try_from(items.len()).unwrap_or(0);
                    let octets = i64::try_from(octets).unwrap_or(i64::MAX);
                    tx.change_usage(mailbox.id, count, octets)?;
                }
                let seq = target.save(tx)?;
                offered.add(&live, target.id, seq, Change::Appended(added));
                Ok((copied, bodies, offered))
            })
            .await?;
        let what = match take_away {
            true => What::Moved { to },
            false => What::Copied { to },
        };
        let deeds = bodies.into_iter().map(|(uid, body)| (uid, body, what));
        self.mailboxes.tell(self.owner(), self.name(), deeds);
        self.mailboxes.live().confirm(&offered);
        Ok(copied)
    }
}
