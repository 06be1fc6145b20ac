//! What went from a folder, and when: for clients that come back and ask
//! (RFC 7162 section 3.2.5.1).
//!
//! ```text
//!   change   3     7     8     12
//!   gone    1:4    9    5:6   7,20    one range of UIDs each, the oldest
//!           ▲                         dropped when there are too many
//!           floor: what went up to here is no longer told apart
//! ```

use mailward_store::TxError;

use crate::engine::RowsMut;
use crate::error::MailboxError;
use crate::folder::Folder;
use crate::item::Uid;
use crate::rows::{FolderRow, Stop};

/// Ranges that a folder remembers at most; then the older half is dropped, so
/// that dropping costs each expunge no more than its own ranges.
pub(crate) const GONE_RANGES_MAX: u64 = 20_000;
/// How many are left then.
pub(crate) const GONE_RANGES_KEPT: u64 = GONE_RANGES_MAX / 2;

/// UIDs next to each other: the first and the last.
pub type UidRange = (Uid, Uid);

impl Folder {
    /// What was taken away after this change, in the order in which it went;
    /// `None` when that is too long ago to be known. It is read from the rows,
    /// which may be ahead of a session's view.
    pub async fn gone_since(&self, change: u64) -> Result<Option<Vec<UidRange>>, MailboxError> {
        let id = self.live.id;
        self.mailboxes
            .read(move |tx| {
                let folder = FolderRow::by_id(tx, id)?;
                if change < folder.gone_floor {
                    return Ok(None);
                }
                Ok::<_, Stop>(Some(tx.gone_since(id, change)?))
            })
            .await
    }
}

impl FolderRow {
    /// As [`FolderRow::save`], and remembers that these UIDs, ascending, went
    /// with the change.
    pub(crate) fn save_without(
        &mut self,
        rows: &mut dyn RowsMut,
        gone: &[Uid],
    ) -> Result<u64, TxError> {
        let (change, ranges) = (self.change_seq + 1, ranges(gone));
        let count = ranges.len() as u64;
        if count > GONE_RANGES_KEPT {
            let forgotten = rows.forget_gone(self.id, change)?;
            self.gone_ranges = self.gone_ranges.saturating_sub(forgotten);
            self.gone_floor = change;
        } else {
            rows.remember_gone(self.id, change, &ranges)?;
            self.gone_ranges += count;
        }
        if self.gone_ranges > GONE_RANGES_MAX
            && let Some(floor) = rows.gone_before_last(self.id, GONE_RANGES_KEPT)?
        {
            let forgotten = rows.forget_gone(self.id, floor)?;
            self.gone_ranges = self.gone_ranges.saturating_sub(forgotten);
            self.gone_floor = floor;
        }
        self.save(rows)
    }
}

/// UIDs that ascend, as ranges.
fn ranges(uids: &[Uid]) -> Vec<UidRange> {
    let mut ranges: Vec<UidRange> = Vec::new();
    for uid in uids {
        match ranges.last_mut() {
            Some((_, last)) if last.0.checked_add(1) == Some(uid.0) => *last = *uid,
            _ => ranges.push((*uid, *uid)),
        }
    }
    ranges
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_share_a_range() {
        for (uids, expected) in [
            (&[][..], &[][..]),
            (&[7], &[(7, 7)]),
            (&[1, 2, 3, 5, 9, 10], &[(1, 3), (5, 5), (9, 10)]),
            (&[u32::MAX], &[(u32::MAX, u32::MAX)]),
        ] {
            let uids: Vec<Uid> = uids.iter().map(|uid| Uid(*uid)).collect();
            let expected: Vec<UidRange> =
                expected.iter().map(|(a, b)| (Uid(*a), Uid(*b))).collect();
            assert_eq!(ranges(&uids), expected);
        }
    }
}
