//! Distinct texts of one kind, each with the places of the messages that have
//! it, so that a search reads each text once however many messages share it.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash as _, Hasher};

use memchr::memmem::Finder;

use super::bits::Bits;

/// Stands after each text; in none.
const END: char = '\0';

/// A list of places takes more room than a set of them beyond this many.
const LISTED_MAX: usize = 2048;

#[derive(Debug, Default)]
pub(super) struct Dictionary {
    /// All texts, one after the other.
    texts: String,
    /// Where each begins.
    starts: Vec<usize>,
    places: Vec<Places>,
    /// By the text's hash. One that shares it with another is entered again
    /// each time, which costs room and nothing else.
    by_hash: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
}

/// The hash of what is a hash already.
#[derive(Debug, Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = self.0.rotate_left(8) ^ u64::from(*octet);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// Ascending.
#[derive(Debug)]
enum Places {
    One(u16),
    Listed(Vec<u16>),
    Set(Bits),
}

impl Dictionary {
    /// The message at this place, the last so far, has this text.
    pub(super) fn add(&mut self, text: &str, place: u16) {
        let cleaned;
        let text = if text.contains(END) {
            cleaned = text.replace(END, " ");
            &cleaned
        } else {
            text
        };
        let mut hasher = DefaultHasher::new();
        text.hash(&mut hasher);
        let hash = hasher.finish();
        if let Some(known) = self.by_hash.get(&hash) {
            let number = *known as usize;
            if self.text(number) == text {
                self.places[number].add(place);
                return;
            }
        }
        // A segment has no more texts than octets in all its messages.
        let Ok(number) = u32::try_from(self.starts.len()) else {
            return;
        };
        self.by_hash.insert(hash, number);
        self.starts.push(self.texts.len());
        self.texts.push_str(text);
        self.texts.push(END);
        self.places.push(Places::One(place));
    }

    /// Adds the places of every text that contains `part`.
    pub(super) fn find(&self, part: &str, found: &mut Bits) {
        if part.contains(END) {
            return;
        }
        let finder = Finder::new(part);
        let mut from = 0;
        while let Some(offset) = finder.find(&self.texts.as_bytes()[from..]) {
            let number = self.number_at(from + offset);
            self.places[number].add_to(found);
            from = self.end(number);
        }
    }

    fn number_at(&self, octet: usize) -> usize {
        self.starts
            .partition_point(|start| *start <= octet)
            .saturating_sub(1)
    }

    fn end(&self, number: usize) -> usize {
        let next = self.starts.get(number + 1);
        next.copied().unwrap_or(self.texts.len())
    }

    fn text(&self, number: usize) -> &str {
        &self.texts[self.starts[number]..self.end(number) - END.len_utf8()]
    }
}

impl Places {
    fn add(&mut self, place: u16) {
        match self {
            Self::One(one) if *one == place => {}
            Self::One(one) => *self = Self::Listed(vec![*one, place]),
            Self::Listed(list) if list.last() == Some(&place) => {}
            Self::Listed(list) if list.len() < LISTED_MAX => list.push(place),
            Self::Listed(list) => {
                let mut set = Bits::default();
                for one in list.iter().chain([&place]) {
                    set.put(*one, true);
                }
                *self = Self::Set(set);
            }
            Self::Set(set) => set.put(place, true),
        }
    }

    fn add_to(&self, found: &mut Bits) {
        match self {
            Self::One(place) => found.put(*place, true),
            Self::Listed(list) => list.iter().for_each(|place| found.put(*place, true)),
            Self::Set(set) => found.add_all(set),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_every_place_of_every_text_with_a_part() {
        let mut dictionary = Dictionary::default();
        for place in 0..5000_u16 {
            dictionary.add("all have it", place);
            dictionary.add(&format!("number {place}."), place);
            if place % 3 == 0 {
                dictionary.add("a\0third", place);
                dictionary.add("a\0third", place);
            }
        }
        let count = |part: &str| {
            let mut found = Bits::default();
            dictionary.find(part, &mut found);
            found.count()
        };
        for (part, expected) in [
            ("have", 5000),
            ("number 4711.", 1),
            ("471", 10 + 5),
            ("a third", 1667),
            ("none", 0),
        ] {
            assert_eq!(count(part), expected, "{part}");
        }
    }
}
