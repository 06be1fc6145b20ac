//! Sequence sets: `1:3,7,9:*` (RFC 3501 section 9).

use std::fmt;
use std::num::NonZeroU32;

/// One end of a range.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    Number(NonZeroU32),
    /// `*`, the highest number in use.
    Last,
}

impl Bound {
    fn resolve(self, last: u32) -> u32 {
        match self {
            Self::Number(number) => number.get(),
            Self::Last => last,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::Last => f.write_str("*"),
        }
    }
}

/// Message sequence numbers or UIDs, as written: ranges in any order, ends in
/// any order. How many there can be is bounded by the length of a command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SequenceSet(pub Vec<(Bound, Bound)>);

impl SequenceSet {
    /// `$`: what the last search saved (RFC 5182 section 2.1). It has no
    /// ranges of its own.
    pub fn saved() -> Self {
        Self(Vec::new())
    }

    pub fn is_saved(&self) -> bool {
        self.0.is_empty()
    }

    pub fn parse(text: &str) -> Option<Self> {
        text.split(',')
            .map(|range| match range.split_once(':') {
                Some((start, end)) => Some((bound(start)?, bound(end)?)),
                None => bound(range).map(|only| (only, only)),
            })
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }

    /// Ascending ranges without overlap; `last` is what `*` stands for, and
    /// `5:*` holds it even when it is below 5 (section 6.4.8).
    pub fn ranges(&self, last: u32) -> Vec<(u32, u32)> {
        let mut ranges: Vec<(u32, u32)> = self
            .0
            .iter()
            .map(|(start, end)| {
                let (start, end) = (start.resolve(last), end.resolve(last));
                (start.min(end), start.max(end))
            })
            .collect();
        ranges.sort_unstable();
        let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
        for (start, end) in ranges {
            match merged.last_mut() {
                Some(previous) if start <= previous.1.saturating_add(1) => {
                    previous.1 = previous.1.max(end);
                }
                _ => merged.push((start, end)),
            }
        }
        merged
    }

    /// True when a number above `last` is named, so that it can name nothing.
    pub fn exceeds(&self, last: u32) -> bool {
        self.ranges(last).iter().any(|(_, end)| *end > last)
    }
}

fn bound(text: &str) -> Option<Bound> {
    if text == "*" {
        return Some(Bound::Last);
    }
    // `parse` alone would take a leading plus sign.
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().map(Bound::Number)
}

impl fmt::Display for SequenceSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_saved() {
            return f.write_str("$");
        }
        for (index, (start, end)) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str(",")?;
            }
            start.fmt(f)?;
            if start != end {
                write!(f, ":{end}")?;
            }
        }
        Ok(())
    }
}

/// Writes ascending numbers as compactly as a set allows: `1:3,7`.
pub fn compact(numbers: impl IntoIterator<Item = u32>) -> String {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for number in numbers {
        match ranges.last_mut() {
            Some(range) if range.1.checked_add(1) == Some(number) => range.1 = number,
            _ => ranges.push((number, number)),
        }
    }
    let texts: Vec<String> = ranges
        .into_iter()
        .map(|(start, end)| {
            if start == end {
                start.to_string()
            } else {
                format!("{start}:{end}")
            }
        })
        .collect();
    texts.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_resolves() {
        for (text, last, expected) in [
            ("1", 9, &[(1, 1)][..]),
            ("1:3,2:5", 9, &[(1, 5)]),
            ("5:2,9", 9, &[(2, 5), (9, 9)]),
            ("1:2,3:4", 9, &[(1, 4)]),
            ("*", 9, &[(9, 9)]),
            ("12:*", 9, &[(9, 12)]),
            ("*:4,1", 9, &[(1, 1), (4, 9)]),
            ("1:4294967295", 9, &[(1, u32::MAX)]),
        ] {
            let set = SequenceSet::parse(text).expect(text);
            assert_eq!(set.ranges(last), expected, "{text}");
            assert_eq!(SequenceSet::parse(&set.to_string()), Some(set));
        }
    }

    #[test]
    fn refuses_what_is_no_set() {
        for text in [
            "",
            "0",
            "1,",
            ":",
            "1:",
            "a",
            "+1",
            "1 2",
            "4294967296",
            "1:2:3",
        ] {
            assert_eq!(SequenceSet::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn writes_compactly() {
        assert_eq!(compact([1, 2, 3, 7, 9, 10]), "1:3,7,9:10");
        assert_eq!(compact([]), "");
    }
}
