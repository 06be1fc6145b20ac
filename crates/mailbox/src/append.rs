//! Filing messages in folders.

use mailward_mail::Timestamp;
use mailward_store::BodyRef;

use crate::arrivals::Place;
use crate::engine::RowsMut;
use crate::error::MailboxError;
use crate::flags::Flags;
use crate::item::Uid;
use crate::live::{Change, Offered};
use crate::mailboxes::Mailboxes;
use crate::message::{NewMessage, Summary};
use crate::name::FolderName;
use crate::rows::{FolderRow, MailboxRow, Stop, StoredItem};

/// Where a message goes.
#[derive(Clone, Debug)]
pub struct Target {
    pub owner: String,
    pub folder: FolderName,
    pub flags: Flags,
    /// File it even when the quota is used up.
    pub beyond_quota: bool,
}

/// What is filed: a message that is new, or the body of an item that is filed
/// already and is then shared.
#[derive(Debug)]
pub enum Content {
    New(NewMessage),
    Existing { body: BodyRef, summary: Summary },
}

/// Where a message went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    pub uid: Uid,
    pub uid_validity: u32,
    /// The number of the body, which all copies share.
    pub body: u64,
}

/// Targets of one write.
pub const TARGETS_MAX: usize = 10_000;

impl Mailboxes {
    /// Files one message in one folder. When this resolves the message is on
    /// stable storage.
    pub async fn append(
        &self,
        target: Target,
        content: Content,
        internal_date: Timestamp,
    ) -> Result<Appended, MailboxError> {
        self.append_to_many(vec![target], content, internal_date)
            .await?
            .pop()
            .unwrap_or(Err(MailboxError::NoFolder))
    }

    /// Files one message in many folders by one write, in which they share its
    /// body. Each target has its own result, in their order: those that are
    /// refused (no such mailbox or folder, over quota) don't hinder the
    /// others. An error of the whole means that nothing was filed.
    pub async fn append_to_many(
        &self,
        targets: Vec<Target>,
        content: Content,
        internal_date: Timestamp,
    ) -> Result<Vec<Result<Appended, MailboxError>>, MailboxError> {
        if targets.len() > TARGETS_MAX {
            return Err(MailboxError::TooManyTargets { max: TARGETS_MAX });
        }
        let live = self.live().clone();
        let (bodies, existing, summary) = match content {
            Content::New(message) => (vec![message.body], None, message.summary),
            Content::Existing { body, summary } => (Vec::new(), Some(body), summary),
        };
        let arrived = summary.clone();
        let wished: Vec<(String, FolderName)> = targets
            .iter()
            .map(|target| (target.owner.clone(), target.folder.clone()))
            .collect();
        let (results, offered, octets) = self
            .write(bodies, move |tx, bodies| {
                // A new body comes with its first holder.
                let mut to_hold = bodies.first().copied();
                let body = existing.or(to_hold).ok_or(MailboxError::NoItem)?;
                let mut item = StoredItem {
                    body,
                    flags: Flags::NONE,
                    internal_date,
                    summary,
                };
                let mut offered = Offered::default();
                let mut results = Vec::with_capacity(targets.len());
                for target in &targets {
                    item.flags = target.flags;
                    match file(tx, target, &item) {
                        Ok((folder, appended, change)) => {
                            if to_hold.take().is_none() {
                                tx.retain_body(&body)?;
                            }
                            offered.add(&live, folder.id, folder.change_seq, change);
                            results.push(Ok(appended));
                        }
                        Err(Stop::Refused(error)) => results.push(Err(error)),
                        Err(failed) => return Err(failed),
                    }
                }
                if let Some(unheld) = to_hold {
                    tx.release_body(&unheld)?;
                }
                Ok((results, offered, body.octets()))
            })
            .await?;
        self.live().confirm(&offered);
        let places = wished.into_iter().zip(&results);
        let places = places.filter_map(|((owner, folder), result)| {
            let uid = result.as_ref().ok()?.uid;
            Some(Place { owner, folder, uid })
        });
        self.arrivals()
            .add(internal_date, octets, arrived, places.collect());
        Ok(results)
    }
}

/// Refuses before anything is written, so that a refusal needs no roll-back.
fn file(
    tx: &mut dyn RowsMut,
    target: &Target,
    item: &StoredItem,
) -> Result<(FolderRow, Appended, Change), Stop> {
    let mailbox = MailboxRow::find(tx, &target.owner)?;
    let mut folder = FolderRow::selectable(tx, mailbox.id, &target.folder)?;
    let octets = item.body.octets();
    if !target.beyond_quota {
        mailbox.make_room(octets)?;
    }
    let added = folder.add(tx, item)?;
    folder.save(tx)?;
    tx.change_usage(mailbox.id, 1, i64::try_from(octets).unwrap_or(i64::MAX))?;
    let appended = Appended {
        uid: added.uid,
        uid_validity: folder.uid_validity,
        body: item.body.number(),
    };
    Ok((folder, appended, Change::Appended(vec![added])))
}
