//! A set of places within one segment of the index.

/// Places of a segment.
pub(super) const PLACES: usize = 1 << 16;
const WORDS: usize = PLACES / 64;

/// Which of a segment's places are meant: 8 KiB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bits(Box<[u64]>);

impl Default for Bits {
    fn default() -> Self {
        Self(vec![0; WORDS].into_boxed_slice())
    }
}

impl Bits {
    pub(super) fn has(&self, place: u16) -> bool {
        self.0[usize::from(place) / 64] & (1 << (place % 64)) != 0
    }

    pub(super) fn put(&mut self, place: u16, is_in: bool) {
        let word = &mut self.0[usize::from(place) / 64];
        if is_in {
            *word |= 1 << (place % 64);
        } else {
            *word &= !(1 << (place % 64));
        }
    }

    pub(super) fn add_all(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word |= other;
        }
    }

    pub(super) fn keep(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= other;
        }
    }

    pub(super) fn remove_all(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= !other;
        }
    }

    /// Takes away all places before this one.
    pub(super) fn keep_from(&mut self, place: usize) {
        let whole = place / 64;
        for word in self.0.iter_mut().take(whole) {
            *word = 0;
        }
        if let Some(word) = self.0.get_mut(whole) {
            *word &= u64::MAX << (place % 64);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    pub(super) fn count(&self) -> usize {
        self.0.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// How many are in both.
    pub(super) fn count_both(&self, other: &Self) -> usize {
        let both = self.0.iter().zip(&other.0);
        both.map(|(word, other)| (word & other).count_ones() as usize)
            .sum()
    }

    /// The first from this place on.
    pub(super) fn next_from(&self, place: usize) -> Option<u16> {
        let mut mask = u64::MAX << (place % 64);
        for (index, word) in self.0.iter().enumerate().skip(place / 64) {
            let word = word & mask;
            mask = u64::MAX;
            if word != 0 {
                // A place is below 65,536.
                return Some((index * 64) as u16 + word.trailing_zeros() as u16);
            }
        }
        None
    }

    /// From the last to the first.
    pub(super) fn descending(&self) -> impl Iterator<Item = u16> {
        (0..WORDS).rev().flat_map(|index| {
            let mut word = self.0[index];
            std::iter::from_fn(move || {
                let bit = word.checked_ilog2()?;
                word &= !(1 << bit);
                // A place is below 65,536.
                Some((index * 64) as u16 + bit as u16)
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(places: &[u16]) -> Bits {
        let mut bits = Bits::default();
        places.iter().for_each(|place| bits.put(*place, true));
        bits
    }

    #[test]
    fn is_a_set() {
        let mut bits = of(&[0, 63, 64, 700, 65_535]);
        let all: Vec<u16> = bits.descending().collect();
        assert_eq!(all, [65_535, 700, 64, 63, 0]);
        assert_eq!(
            [0, 1, 65, 701].map(|from| bits.next_from(from)),
            [0, 63, 700, 65_535].map(Some)
        );
        assert_eq!(bits.next_from(PLACES), None);
        assert!(bits.has(63) && !bits.has(62));
        assert_eq!(bits.count_both(&of(&[1, 64, 700])), 2);
        bits.remove_all(&of(&[700]));
        bits.keep_from(64);
        assert_eq!(bits, of(&[64, 65_535]));
        bits.add_all(&of(&[3]));
        bits.keep(&of(&[3, 4]));
        bits.put(3, false);
        assert_eq!(bits.count(), 0);
        bits.keep_from(PLACES);
    }
}
