//! What a client may say.

use mailward_mail::{Secret, Timestamp};

use super::credentials::Mechanism;
use super::extended::{Listing, Opening, Search, SortCriterion};
use super::fetch::FetchItem;
use super::mailbox::MailboxName;
use super::sequence::SequenceSet;

/// A command and the tag that its completion carries.
#[derive(Clone, Debug)]
pub struct Tagged {
    pub tag: String,
    pub command: Command,
}

/// The commands of RFC 3501 section 6 and of the extensions listed in
/// [`super`]. `by_uid` tells the UID forms (section 6.4.8).
#[derive(Clone, Debug)]
pub enum Command {
    Capability,
    Noop,
    Logout,
    Id(Vec<IdField>),
    Login {
        user: String,
        password: Secret,
    },
    Authenticate {
        mechanism: Mechanism,
        /// Base64, or `=` for an empty one (RFC 4959 section 3).
        initial_response: Option<Secret>,
    },
    Enable(Vec<String>),
    Select(Opening),
    Examine(Opening),
    Create(MailboxName),
    Delete(MailboxName),
    Rename {
        from: MailboxName,
        to: MailboxName,
    },
    Subscribe(MailboxName),
    Unsubscribe(MailboxName),
    List(Listing),
    Lsub {
        reference: MailboxName,
        pattern: String,
    },
    Namespace,
    Status {
        mailbox: MailboxName,
        items: Vec<StatusItem>,
    },
    Idle,
    Check,
    Close,
    Unselect,
    /// With a set: UID EXPUNGE (RFC 4315 section 2.1).
    Expunge(Option<SequenceSet>),
    Search {
        by_uid: bool,
        search: Search,
    },
    /// RFC 5256 section 3.
    Sort {
        by_uid: bool,
        criteria: Vec<SortCriterion>,
        search: Search,
    },
    /// By REFERENCES, RFC 5256 section 3.
    Thread {
        by_uid: bool,
        search: Search,
    },
    Fetch {
        by_uid: bool,
        set: SequenceSet,
        items: Vec<FetchItem>,
        /// Only what changed after this (RFC 7162 section 3.1.4.1).
        changed_since: Option<u64>,
        /// Also tell what is gone (section 3.2.6).
        vanished: bool,
    },
    Store {
        by_uid: bool,
        set: SequenceSet,
        mode: StoreMode,
        silent: bool,
        flags: Vec<Flag>,
        /// Only where nothing changed after this (RFC 7162 section 3.1.3).
        unchanged_since: Option<u64>,
    },
    Copy {
        by_uid: bool,
        set: SequenceSet,
        mailbox: MailboxName,
    },
    Move {
        by_uid: bool,
        set: SequenceSet,
        mailbox: MailboxName,
    },
    /// Of a quota root (RFC 9208 section 4.1).
    GetQuota(String),
    GetQuotaRoot(MailboxName),
    /// Not ours to allow; known so that it is refused as what it is.
    SetQuota(String),
}

impl Command {
    /// The command's name in capitals, without `UID`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Capability => "CAPABILITY",
            Self::Noop => "NOOP",
            Self::Logout => "LOGOUT",
            Self::Id(_) => "ID",
            Self::Login { .. } => "LOGIN",
            Self::Authenticate { .. } => "AUTHENTICATE",
            Self::Enable(_) => "ENABLE",
            Self::Select(_) => "SELECT",
            Self::Examine(_) => "EXAMINE",
            Self::Create(_) => "CREATE",
            Self::Delete(_) => "DELETE",
            Self::Rename { .. } => "RENAME",
            Self::Subscribe(_) => "SUBSCRIBE",
            Self::Unsubscribe(_) => "UNSUBSCRIBE",
            Self::List { .. } => "LIST",
            Self::Lsub { .. } => "LSUB",
            Self::Namespace => "NAMESPACE",
            Self::Status { .. } => "STATUS",
            Self::Idle => "IDLE",
            Self::Check => "CHECK",
            Self::Close => "CLOSE",
            Self::Unselect => "UNSELECT",
            Self::Expunge(_) => "EXPUNGE",
            Self::Search { .. } => "SEARCH",
            Self::Sort { .. } => "SORT",
            Self::Thread { .. } => "THREAD",
            Self::Fetch { .. } => "FETCH",
            Self::Store { .. } => "STORE",
            Self::Copy { .. } => "COPY",
            Self::Move { .. } => "MOVE",
            Self::GetQuota(_) => "GETQUOTA",
            Self::GetQuotaRoot(_) => "GETQUOTAROOT",
            Self::SetQuota(_) => "SETQUOTA",
        }
    }
}

/// A field of ID and its value, if it has one (RFC 2971).
pub type IdField = (Vec<u8>, Option<Vec<u8>>);

/// The start of an APPEND: everything before the message (section 6.3.11).
#[derive(Clone, Debug)]
pub struct Append {
    pub tag: String,
    pub mailbox: MailboxName,
    pub flags: Vec<Flag>,
    pub internal_date: Option<Timestamp>,
    pub octets: u64,
    /// The message may hold NUL (`~{n}`, RFC 3516 section 4.4).
    pub binary: bool,
    /// The literal stands in `UTF8 (…)`, RFC 6855 section 4.
    pub utf8: bool,
}

/// A flag as it is written (section 2.3.2).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flag {
    Seen,
    Answered,
    Flagged,
    Deleted,
    Draft,
    Recent,
    /// A keyword, or a system flag that is none of the above, as written.
    Other(String),
}

impl Flag {
    pub const SYSTEM: [(Self, &'static str); 6] = [
        (Self::Seen, "\\Seen"),
        (Self::Answered, "\\Answered"),
        (Self::Flagged, "\\Flagged"),
        (Self::Deleted, "\\Deleted"),
        (Self::Draft, "\\Draft"),
        (Self::Recent, "\\Recent"),
    ];

    pub fn named(name: &str) -> Self {
        Self::SYSTEM
            .into_iter()
            .find(|(_, own)| own.eq_ignore_ascii_case(name))
            .map_or_else(|| Self::Other(name.to_owned()), |(flag, _)| flag)
    }

    pub fn name(&self) -> &str {
        if let Self::Other(name) = self {
            return name;
        }
        Self::SYSTEM
            .iter()
            .find(|(flag, _)| flag == self)
            .map_or("", |(_, name)| name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreMode {
    Replace,
    Add,
    Remove,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusItem {
    Messages,
    Recent,
    UidNext,
    UidValidity,
    Unseen,
    /// RFC 7162 section 3.1.7.
    HighestModSeq,
    /// RFC 8438.
    Size,
    /// RFC 7889.
    AppendLimit,
    /// RFC 9051 section 6.3.11.
    Deleted,
}

impl StatusItem {
    pub const NAMES: [(Self, &'static str); 9] = [
        (Self::Messages, "MESSAGES"),
        (Self::Recent, "RECENT"),
        (Self::UidNext, "UIDNEXT"),
        (Self::UidValidity, "UIDVALIDITY"),
        (Self::Unseen, "UNSEEN"),
        (Self::HighestModSeq, "HIGHESTMODSEQ"),
        (Self::Size, "SIZE"),
        (Self::AppendLimit, "APPENDLIMIT"),
        (Self::Deleted, "DELETED"),
    ];

    /// RFC 3501 does not have it.
    pub(super) fn is_extended(self) -> bool {
        matches!(
            self,
            Self::HighestModSeq | Self::Size | Self::AppendLimit | Self::Deleted
        )
    }

    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(item, _)| *item == self)
            .map_or("", |(_, name)| name)
    }
}
