//! The keys of SEARCH, made ready to try.

use std::cmp::Reverse;

use mailward_mailbox::{Flags, Uid};
use mailward_wire::imap::{Flag, SearchKey};

use crate::imap::session::Selected;

/// Says which flag of an item a name means; `None` for one that no item has.
type Kept<'a> = &'a dyn Fn(&Flag) -> Option<Flags>;

/// A key made ready: strings in lower case, sets resolved, and in every
/// conjunction the cheap ones first.
pub(crate) enum Test {
    All(Vec<Test>),
    Any(Box<Test>, Box<Test>),
    Not(Box<Test>),
    Flag(Flags),
    Recent,
    /// A flag that no message has.
    Never,
    Numbers(Vec<(u32, u32)>),
    Uids(Vec<(u32, u32)>),
    /// Days since 1970, from and before.
    Days(i64, i64),
    SentDays(i64, i64),
    Octets(u64, u64),
    /// Changed at this number or later.
    Changed(u64),
    Field {
        name: Vec<u8>,
        needle: String,
    },
    Body(String),
    Text(String),
}

impl Test {
    /// `None` when a sequence number is beyond the last message.
    pub(crate) fn new(
        key: SearchKey,
        selected: &Selected,
        saved: &[Uid],
        kept: Kept<'_>,
    ) -> Option<Self> {
        use SearchKey as K;
        let count = selected.view.count();
        let last_uid = selected.view.uids().last().map_or(0, |uid| uid.0);
        let field = |name: &str, needle: &[u8]| Self::Field {
            name: name.as_bytes().to_vec(),
            needle: lower(needle),
        };
        Some(match key {
            K::All => Self::All(Vec::new()),
            K::And(keys) => {
                let mut tests = keys
                    .into_iter()
                    .map(|key| Self::new(key, selected, saved, kept))
                    .collect::<Option<Vec<_>>>()?;
                tests.sort_by_key(|test| Reverse(test.cheapness()));
                Self::All(tests)
            }
            K::Or(one, other) => {
                let mut tests = [
                    Self::new(*one, selected, saved, kept)?,
                    Self::new(*other, selected, saved, kept)?,
                ];
                tests.sort_by_key(|test| Reverse(test.cheapness()));
                let [one, other] = tests;
                Self::Any(Box::new(one), Box::new(other))
            }
            K::Not(key) => Self::Not(Box::new(Self::new(*key, selected, saved, kept)?)),
            K::Has(flag) => Self::flag(&flag, kept),
            K::HasNot(flag) => Self::Not(Box::new(Self::flag(&flag, kept))),
            K::New => Self::All(vec![
                Self::Recent,
                Self::Not(Box::new(Self::Flag(Flags::SEEN))),
            ]),
            K::Bcc(needle) => field("Bcc", &needle),
            K::Cc(needle) => field("Cc", &needle),
            K::From(needle) => field("From", &needle),
            K::To(needle) => field("To", &needle),
            K::Subject(needle) => field("Subject", &needle),
            K::Header { name, value } => Self::Field {
                needle: lower(&value),
                name,
            },
            K::Body(needle) => Self::Body(lower(&needle)),
            K::Text(needle) => Self::Text(lower(&needle)),
            K::Before(date) => Self::Days(i64::MIN, date.days()),
            K::On(date) => Self::Days(date.days(), date.days() + 1),
            K::Since(date) => Self::Days(date.days(), i64::MAX),
            K::SentBefore(date) => Self::SentDays(i64::MIN, date.days()),
            K::SentOn(date) => Self::SentDays(date.days(), date.days() + 1),
            K::SentSince(date) => Self::SentDays(date.days(), i64::MAX),
            K::Larger(octets) => Self::Octets(u64::from(octets) + 1, u64::MAX),
            K::Smaller(octets) => Self::Octets(0, u64::from(octets)),
            // A mod-sequence is one more than its change.
            K::ModSeq(modseq) => Self::Changed(modseq.saturating_sub(1)),
            K::Sequence(set) | K::Uid(set) if set.is_saved() => Self::Uids(ranges(saved)),
            // Numbers beyond the last message name nothing.
            K::Sequence(set) => Self::Numbers(set.ranges(count)),
            K::Uid(set) => Self::Uids(set.ranges(last_uid)),
        })
    }

    fn flag(flag: &Flag, kept: Kept<'_>) -> Self {
        match flag {
            Flag::Recent => Self::Recent,
            flag => kept(flag).map_or(Self::Never, Self::Flag),
        }
    }

    /// From what the item's row says, its header, or all of it.
    fn cheapness(&self) -> u8 {
        match self {
            Self::Body(_) | Self::Text(_) => 0,
            Self::Field { .. } | Self::SentDays(..) => 1,
            Self::All(tests) => tests.iter().map(Self::cheapness).min().unwrap_or(2),
            Self::Any(one, other) => one.cheapness().min(other.cheapness()),
            Self::Not(test) => test.cheapness(),
            _ => 2,
        }
    }
}

fn ranges(uids: &[Uid]) -> Vec<(u32, u32)> {
    let mut ranges: Vec<(u32, u32)> = Vec::new();
    for uid in uids {
        match ranges.last_mut() {
            Some(last) if last.1.checked_add(1) == Some(uid.0) => last.1 = uid.0,
            _ => ranges.push((uid.0, uid.0)),
        }
    }
    ranges
}

/// A sequence number beyond the last message is among the keys.
pub(crate) fn exceeds(key: &SearchKey, count: u32) -> bool {
    match key {
        SearchKey::Sequence(set) => count > 0 && set.exceeds(count),
        SearchKey::And(keys) => keys.iter().any(|key| exceeds(key, count)),
        SearchKey::Or(one, other) => exceeds(one, count) || exceeds(other, count),
        SearchKey::Not(key) => exceeds(key, count),
        _ => false,
    }
}

/// MODSEQ is among the keys.
pub(crate) fn asks_modseq(key: &SearchKey) -> bool {
    match key {
        SearchKey::ModSeq(_) => true,
        SearchKey::And(keys) => keys.iter().any(asks_modseq),
        SearchKey::Or(one, other) => asks_modseq(one) || asks_modseq(other),
        SearchKey::Not(key) => asks_modseq(key),
        _ => false,
    }
}

fn lower(needle: &[u8]) -> String {
    String::from_utf8_lossy(needle).to_lowercase()
}
