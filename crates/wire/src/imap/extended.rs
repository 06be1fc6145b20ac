//! What the extensions add to commands: parameters of SELECT (RFC 7162),
//! options of LIST (RFC 5258, 5819, 6154), of SEARCH (RFC 4731, 5182), SORT
//! and THREAD (RFC 5256).

use super::command::StatusItem;
use super::mailbox::MailboxName;
use super::search::{Charset, SearchKey};
use super::sequence::SequenceSet;

/// Which of the extensions a conversation has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dialect {
    /// Those of this file, and what else is named in [`super`] as extended.
    /// Without it they are unknown words.
    pub extended: bool,
    /// Mailbox names are plain UTF-8 (RFC 6855 section 3, RFC 9051 section
    /// 5.1), not modified UTF-7.
    pub utf8_names: bool,
}

impl Dialect {
    /// Everything that can be read, names in modified UTF-7.
    pub const FULL: Self = Self {
        extended: true,
        utf8_names: false,
    };
}

/// The arguments of SELECT and EXAMINE.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    pub mailbox: MailboxName,
    pub condstore: bool,
    pub resync: Option<Resync>,
}

impl Opening {
    pub fn plain(mailbox: MailboxName) -> Self {
        Self {
            mailbox,
            condstore: false,
            resync: None,
        }
    }
}

/// What a client knows of a folder (RFC 7162 section 3.2.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resync {
    pub uid_validity: u32,
    pub modseq: u64,
    pub known_uids: Option<SequenceSet>,
    /// Sequence numbers and the UIDs that they had.
    pub matched: Option<(SequenceSet, SequenceSet)>,
}

/// The arguments of LIST.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    pub reference: MailboxName,
    pub patterns: Vec<String>,
    /// Something stands in it that RFC 3501 does not know, so that an empty
    /// pattern is no question for the separator.
    pub extended: bool,
    pub select: ListSelection,
    pub returns: ListReturns,
}

impl Listing {
    pub fn plain(reference: MailboxName, pattern: impl Into<String>) -> Self {
        Self {
            reference,
            patterns: vec![pattern.into()],
            ..Self::default()
        }
    }
}

/// Which names are wanted (RFC 5258 section 3.1, RFC 6154 section 3).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListSelection {
    pub subscribed: bool,
    pub remote: bool,
    pub recursive_match: bool,
    pub special_use: bool,
}

/// What is to be told of them (RFC 5258 section 3.2, RFC 5819, RFC 6154).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListReturns {
    pub subscribed: bool,
    pub children: bool,
    pub special_use: bool,
    pub status: Vec<StatusItem>,
}

/// What SEARCH returns in an ESEARCH response (RFC 4731 section 3.1, RFC 5182
/// section 2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SearchReturns {
    pub min: bool,
    pub max: bool,
    pub all: bool,
    pub count: bool,
    pub save: bool,
}

/// The arguments of SEARCH, and the end of those of SORT and THREAD.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Search {
    pub charset: Charset,
    pub key: SearchKey,
    /// Given: the answer is ESEARCH.
    pub returns: Option<SearchReturns>,
}

impl Search {
    pub fn plain(key: SearchKey) -> Self {
        Self {
            charset: Charset::Unnamed,
            key,
            returns: None,
        }
    }
}

/// One criterion of SORT (RFC 5256 section 3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortCriterion {
    pub reverse: bool,
    pub key: SortKey,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKey {
    Arrival,
    Cc,
    Date,
    From,
    Size,
    Subject,
    To,
}

impl SortKey {
    pub const NAMES: [(Self, &'static str); 7] = [
        (Self::Arrival, "ARRIVAL"),
        (Self::Cc, "CC"),
        (Self::Date, "DATE"),
        (Self::From, "FROM"),
        (Self::Size, "SIZE"),
        (Self::Subject, "SUBJECT"),
        (Self::To, "TO"),
    ];
}

/// Criteria of one SORT; each key once and each again is more than enough.
pub const SORT_CRITERIA_MAX: usize = 16;
/// Patterns of one LIST.
pub const LIST_PATTERNS_MAX: usize = 64;
