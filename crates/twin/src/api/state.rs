//! All messages that the test API knows, and the figures that every list
//! shows, kept as messages come and go.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;

use mailward_mailbox::{ARRIVALS_MAX, Arrival, Place};

use super::bits::Bits;
use super::index::Entry;
use super::letter::Digest;
use super::segment::Segment;
use crate::deliver::INBOX;

/// Folders in which mail comes in.
const FOLDERS: [&str; 2] = [INBOX, "Junk Email"];

/// Messages whose digests are kept for the next list.
const DIGESTS_MAX: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct State {
    /// By their first sequences, ascending.
    pub(super) segments: VecDeque<Segment>,
    /// The last arrival that was looked at, and the last that was taken apart.
    pub(super) cursor: u64,
    pub(super) learnt: u64,
    pub(super) total: usize,
    pub(super) unread: usize,
    /// With the number of messages that have each.
    pub(super) tags: BTreeMap<String, usize>,
    /// Of messages that were shown of late, in the order in which they were.
    pub(super) digests: HashMap<u64, Arc<Digest>>,
    pub(super) shown: VecDeque<u64>,
}

impl State {
    pub(super) fn take(&mut self, arrival: Arc<Arrival>) {
        let comes_in = |place: &Place| {
            let name = place.folder.to_string();
            FOLDERS.iter().any(|own| own.eq_ignore_ascii_case(&name))
        };
        let coming = arrival
            .places
            .iter()
            .filter(|place| comes_in(place))
            .count();
        if coming == 0 {
            return;
        }
        let arrival = if coming == arrival.places.len() {
            arrival
        } else {
            let mut shown = Arrival::clone(&arrival);
            shown.places.retain(comes_in);
            Arc::new(shown)
        };
        let sequence = arrival.sequence;
        let fits = |segment: &Segment| segment.place(sequence).is_some();
        if !self.segments.back().is_some_and(fits) {
            self.segments.push_back(Segment::new(sequence));
        }
        if let Some(segment) = self.segments.back_mut() {
            segment.push(arrival);
        }
        self.total += 1;
        self.unread += 1;
        if self.total > ARRIVALS_MAX
            && let Some(oldest) = self.next_after(0)
        {
            self.remove(oldest.arrival.sequence);
        }
    }

    /// Remembers what is shown, for the next list.
    pub(super) fn show(&mut self, sequence: u64, digest: Arc<Digest>) {
        if self.digests.insert(sequence, digest).is_none() {
            self.shown.push_back(sequence);
        }
        if self.shown.len() > DIGESTS_MAX
            && let Some(oldest) = self.shown.pop_front()
        {
            self.digests.remove(&oldest);
        }
    }

    /// Of the segment that begins there.
    pub(super) fn segment_at(&self, first: u64) -> Option<usize> {
        self.segments
            .binary_search_by_key(&first, |segment| segment.first)
            .ok()
    }

    /// Of the segment in which this one belongs.
    pub(super) fn segment_of(&self, sequence: u64) -> Option<usize> {
        self.segments
            .partition_point(|segment| segment.first <= sequence)
            .checked_sub(1)
    }

    pub(super) fn entry(&self, sequence: u64) -> Option<Entry> {
        let segment = &self.segments[self.segment_of(sequence)?];
        segment.entry(segment.place(sequence)?)
    }

    /// The first that is there after this sequence.
    pub(super) fn next_after(&self, sequence: u64) -> Option<Entry> {
        let start = self.segment_of(sequence).unwrap_or(0);
        self.segments
            .range(start.min(self.segments.len())..)
            .find_map(|segment| segment.next_from(sequence + 1))
    }

    /// What has changed of a message that is there.
    pub(super) fn put(&mut self, entry: Entry) {
        let sequence = entry.arrival.sequence;
        let Some(index) = self.segment_of(sequence) else {
            return;
        };
        let segment = &mut self.segments[index];
        let Some(place) = segment.place(sequence) else {
            return;
        };
        self.unread += usize::from(segment.read.has(place));
        self.unread -= usize::from(entry.read);
        segment.read.put(place, entry.read);
        let before = if entry.tags.is_empty() {
            segment.tags.remove(&place)
        } else {
            for tag in &entry.tags {
                *self.tags.entry(tag.clone()).or_default() += 1;
            }
            segment.tags.insert(place, entry.tags)
        };
        self.forget_tags(before);
    }

    pub(super) fn remove(&mut self, sequence: u64) {
        self.digests.remove(&sequence);
        let Some(index) = self.segment_of(sequence) else {
            return;
        };
        let segment = &mut self.segments[index];
        let Some(place) = segment.place(sequence).filter(|one| segment.live.has(*one)) else {
            return;
        };
        self.total -= 1;
        self.unread -= usize::from(!segment.read.has(place));
        let tags = segment.remove(place);
        // The last one may still grow.
        if segment.live.is_empty() && index + 1 < self.segments.len() {
            self.segments.remove(index);
        }
        self.forget_tags(tags);
    }

    fn forget_tags(&mut self, tags: Option<Vec<String>>) {
        for tag in tags.unwrap_or_default() {
            if let Some(count) = self.tags.get_mut(&tag) {
                *count -= 1;
                if *count == 0 {
                    self.tags.remove(&tag);
                }
            }
        }
    }

    /// The mailboxes were put back: nothing up to this sequence is there.
    pub(super) fn forget_to(&mut self, sequence: u64) {
        while let Some(oldest) = self.next_after(0)
            && oldest.arrival.sequence <= sequence
        {
            self.remove(oldest.arrival.sequence);
        }
    }
}

/// From segments and places in them, the newest first.
pub(super) fn page<'s>(
    segments: impl Iterator<Item = (&'s Segment, &'s Bits)>,
    start: usize,
    limit: usize,
) -> Vec<Entry> {
    let (mut skip, mut entries) = (start, Vec::new());
    for (segment, places) in segments {
        let count = places.count();
        if skip >= count {
            skip -= count;
            continue;
        }
        let places = places.descending().skip(skip);
        entries.extend(
            places
                .filter_map(|place| segment.entry(place))
                .take(limit - entries.len()),
        );
        skip = 0;
        if entries.len() >= limit {
            break;
        }
    }
    entries
}
