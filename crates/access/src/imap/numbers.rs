//! Which messages a sequence set names.

use mailward_mailbox::{Uid, View};
use mailward_wire::imap::SequenceSet;

/// A message that the client knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Numbered {
    pub(crate) number: u32,
    pub(crate) uid: Uid,
}

/// The messages of a set, ascending. UIDs that name nothing are passed over;
/// numbers beyond the last message are an error, `None`, unless there are no
/// messages at all: `1:*` of an empty folder is nothing.
///
/// `saved` is what `$` names, whether numbers or UIDs are meant.
pub(crate) fn named(
    view: &View,
    set: &SequenceSet,
    by_uid: bool,
    saved: &[Uid],
) -> Option<Vec<Numbered>> {
    let uids = view.uids();
    if set.is_saved() {
        let saved = saved.iter().filter_map(|uid| {
            let number = view.sequence_number_of(*uid)?;
            Some(Numbered { number, uid: *uid })
        });
        return Some(saved.collect());
    }
    let last = if by_uid {
        uids.last().map_or(0, |uid| uid.0)
    } else {
        view.count()
    };
    if !by_uid && last > 0 && set.exceeds(last) {
        return None;
    }
    let mut messages = Vec::new();
    for (start, end) in set.ranges(last) {
        let (from, to) = if by_uid {
            (
                uids.partition_point(|uid| uid.0 < start),
                uids.partition_point(|uid| uid.0 <= end),
            )
        } else {
            let place = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
            (
                place(start).saturating_sub(1).min(uids.len()),
                place(end).min(uids.len()),
            )
        };
        for (place, uid) in uids.iter().enumerate().take(to).skip(from) {
            let number = u32::try_from(place + 1).ok()?;
            messages.push(Numbered { number, uid: *uid });
        }
    }
    Some(messages)
}
