//! What SEARCH may ask for (RFC 3501 section 6.4.4).

use super::command::Flag;
use super::date::Date;
use super::sequence::SequenceSet;

/// Keys within keys.
pub const SEARCH_DEPTH_MAX: usize = 32;

/// The character set of the strings in a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Charset {
    /// None was named: US-ASCII.
    Unnamed,
    Ascii,
    Utf8,
    Other(String),
}

impl Charset {
    pub fn name(&self) -> &str {
        match self {
            Self::Unnamed | Self::Ascii => "US-ASCII",
            Self::Utf8 => "UTF-8",
            Self::Other(name) => name,
        }
    }

    pub fn named(name: &str) -> Self {
        match name.to_ascii_uppercase().as_str() {
            "US-ASCII" | "ASCII" => Self::Ascii,
            "UTF-8" => Self::Utf8,
            other => Self::Other(other.to_owned()),
        }
    }
}

/// One key. Strings are octets in the search's character set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SearchKey {
    All,
    /// All of these, in parentheses or side by side.
    And(Vec<SearchKey>),
    Or(Box<SearchKey>, Box<SearchKey>),
    Not(Box<SearchKey>),
    /// ANSWERED, SEEN, RECENT and so on; KEYWORD for the others.
    Has(Flag),
    /// UNANSWERED, UNSEEN and so on; OLD for `\Recent`.
    HasNot(Flag),
    /// Recent and not seen.
    New,
    Bcc(Vec<u8>),
    Cc(Vec<u8>),
    From(Vec<u8>),
    To(Vec<u8>),
    Subject(Vec<u8>),
    Body(Vec<u8>),
    Text(Vec<u8>),
    Header {
        name: Vec<u8>,
        value: Vec<u8>,
    },
    /// By internal date, without time and zone.
    Before(Date),
    On(Date),
    Since(Date),
    /// By the Date field, without time and zone.
    SentBefore(Date),
    SentOn(Date),
    SentSince(Date),
    Larger(u32),
    Smaller(u32),
    /// Changed at this mod-sequence or later (RFC 7162 section 3.1.5).
    ModSeq(u64),
    Sequence(SequenceSet),
    Uid(SequenceSet),
}
