//! Messages that came one after the other, up to 65,536 of them, and what a
//! search asks of them.
//!
//! ```text
//!   sequence = first + place
//!     arrivals   read   at   octets     known when a message comes
//!     fields     attachments   inline   known once it was taken apart
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use mailward_mailbox::Arrival;
use serde_json::Value;

use super::bits::{Bits, PLACES};
use super::dictionary::Dictionary;
use super::index::Entry;
use super::letter::{Digest, shown};

#[derive(Debug)]
pub(super) struct Segment {
    /// The sequence of place 0.
    pub(super) first: u64,
    arrivals: Vec<Option<Arc<Arrival>>>,
    /// Milliseconds since 1970, by place.
    pub(super) at: Vec<i64>,
    pub(super) octets: Vec<u64>,
    pub(super) live: Bits,
    pub(super) read: Bits,
    pub(super) tags: HashMap<u16, Vec<String>>,
    pub(super) attachments: Bits,
    pub(super) inline: Bits,
    pub(super) fields: Fields,
}

/// In lower case.
#[derive(Debug, Default)]
pub(super) struct Fields {
    pub(super) from: Dictionary,
    pub(super) to: Dictionary,
    pub(super) cc: Dictionary,
    pub(super) bcc: Dictionary,
    pub(super) reply_to: Dictionary,
    pub(super) subject: Dictionary,
    pub(super) message_id: Dictionary,
    /// The words that stand anywhere, each by itself.
    pub(super) words: Dictionary,
}

impl Segment {
    pub(super) fn new(first: u64) -> Self {
        Self {
            first,
            arrivals: Vec::new(),
            at: Vec::new(),
            octets: Vec::new(),
            live: Bits::default(),
            read: Bits::default(),
            tags: HashMap::new(),
            attachments: Bits::default(),
            inline: Bits::default(),
            fields: Fields::default(),
        }
    }

    /// The place of a sequence that belongs here.
    pub(super) fn place(&self, sequence: u64) -> Option<u16> {
        u16::try_from(sequence.checked_sub(self.first)?).ok()
    }

    /// A message that came after all that are here.
    pub(super) fn push(&mut self, arrival: Arc<Arrival>) {
        let Some(place) = self.place(arrival.sequence) else {
            return;
        };
        let filled = usize::from(place).min(PLACES);
        self.arrivals.resize(filled, None);
        self.at.resize(filled, 0);
        self.octets.resize(filled, 0);
        self.at.push(arrival.at.as_millis());
        self.octets.push(arrival.octets);
        self.arrivals.push(Some(arrival));
        self.live.put(place, true);
    }

    pub(super) fn entry(&self, place: u16) -> Option<Entry> {
        let arrival = self.arrivals.get(usize::from(place))?.clone()?;
        Some(Entry {
            arrival,
            read: self.read.has(place),
            tags: self.tags.get(&place).cloned().unwrap_or_default(),
        })
    }

    /// The first that is there from this sequence on.
    pub(super) fn next_from(&self, sequence: u64) -> Option<Entry> {
        let start = usize::try_from(sequence.saturating_sub(self.first)).ok()?;
        let place = self.live.next_from(start)?;
        self.entry(place)
    }

    /// Gives the tags that it had.
    pub(super) fn remove(&mut self, place: u16) -> Option<Vec<String>> {
        if let Some(arrival) = self.arrivals.get_mut(usize::from(place)) {
            *arrival = None;
        }
        self.live.put(place, false);
        self.tags.remove(&place)
    }

    /// Takes the message at `place` into the dictionaries, each once.
    pub(super) fn learn(&mut self, place: u16, digest: &Digest) {
        let fields = &mut self.fields;
        let lists = [
            (&mut fields.to, &digest.to),
            (&mut fields.cc, &digest.cc),
            (&mut fields.bcc, &digest.bcc),
            (&mut fields.reply_to, &digest.reply_to),
        ];
        let text = |address: &Value| shown(address).to_lowercase();
        fields.from.add(&text(&digest.from), place);
        for (dictionary, addresses) in lists {
            for address in addresses {
                dictionary.add(&text(address), place);
            }
        }
        fields.subject.add(&digest.subject.to_lowercase(), place);
        let message_id = digest.message_id.to_lowercase();
        fields.message_id.add(&message_id, place);
        for word in digest.words.split_whitespace() {
            fields.words.add(word, place);
        }
        self.attachments.put(place, digest.attachments > 0);
        self.inline.put(place, digest.inline > 0);
    }
}
