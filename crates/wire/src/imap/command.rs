//! What a client may say.

use mailward_mail::{Secret, Timestamp};

use super::fetch::FetchItem;
use super::mailbox::MailboxName;
use super::search::{Charset, SearchKey};
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
    Id(Vec<(Vec<u8>, Option<Vec<u8>>)>),
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
    Select(MailboxName),
    Examine(MailboxName),
    Create(MailboxName),
    Delete(MailboxName),
    Rename {
        from: MailboxName,
        to: MailboxName,
    },
    Subscribe(MailboxName),
    Unsubscribe(MailboxName),
    List {
        reference: MailboxName,
        pattern: String,
    },
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
        charset: Charset,
        key: SearchKey,
    },
    Fetch {
        by_uid: bool,
        set: SequenceSet,
        items: Vec<FetchItem>,
    },
    Store {
        by_uid: bool,
        set: SequenceSet,
        mode: StoreMode,
        silent: bool,
        flags: Vec<Flag>,
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
            Self::Fetch { .. } => "FETCH",
            Self::Store { .. } => "STORE",
            Self::Copy { .. } => "COPY",
            Self::Move { .. } => "MOVE",
        }
    }
}

/// The start of an APPEND: everything before the message (section 6.3.11).
#[derive(Clone, Debug)]
pub struct Append {
    pub tag: String,
    pub mailbox: MailboxName,
    pub flags: Vec<Flag>,
    pub internal_date: Option<Timestamp>,
    pub octets: u64,
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
}

impl StatusItem {
    pub const NAMES: [(Self, &'static str); 5] = [
        (Self::Messages, "MESSAGES"),
        (Self::Recent, "RECENT"),
        (Self::UidNext, "UIDNEXT"),
        (Self::UidValidity, "UIDVALIDITY"),
        (Self::Unseen, "UNSEEN"),
    ];

    pub fn name(self) -> &'static str {
        Self::NAMES
            .iter()
            .find(|(item, _)| *item == self)
            .map_or("", |(_, name)| name)
    }
}

/// A SASL mechanism.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mechanism {
    Plain,
    XOAuth2,
    Other(String),
}

impl Mechanism {
    pub fn named(name: &str) -> Self {
        match name.to_ascii_uppercase().as_str() {
            "PLAIN" => Self::Plain,
            "XOAUTH2" => Self::XOAuth2,
            other => Self::Other(other.to_owned()),
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Self::Plain => "PLAIN",
            Self::XOAuth2 => "XOAUTH2",
            Self::Other(name) => name,
        }
    }
}

/// What a client showed at the door.
#[derive(Clone, Debug)]
pub enum Credentials {
    /// LOGIN.
    Login { user: String, password: Secret },
    /// AUTHENTICATE PLAIN (RFC 4616). `authorization` is empty unless the
    /// client wants to act as somebody else.
    Plain {
        authorization: String,
        user: String,
        password: Secret,
    },
    /// AUTHENTICATE XOAUTH2: `user=…^Aauth=Bearer …^A^A`.
    XOAuth2 { user: String, token: Secret },
}

impl Credentials {
    /// Reads the decoded response of a mechanism; `None` when it is malformed
    /// or the mechanism is none of ours.
    pub fn parse(mechanism: &Mechanism, response: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(response).ok()?;
        match mechanism {
            Mechanism::Plain => {
                let mut fields = text.split('\0');
                let (authorization, user, password) =
                    (fields.next()?, fields.next()?, fields.next()?);
                if fields.next().is_some() || user.is_empty() {
                    return None;
                }
                Some(Self::Plain {
                    authorization: authorization.to_owned(),
                    user: user.to_owned(),
                    password: Secret::new(password),
                })
            }
            Mechanism::XOAuth2 => {
                let mut user = None;
                let mut token = None;
                for field in text.split('\u{1}') {
                    match field.split_once('=') {
                        Some(("user", value)) => user = Some(value),
                        Some(("auth", value)) => token = bearer(value),
                        _ => {}
                    }
                }
                Some(Self::XOAuth2 {
                    user: user?.to_owned(),
                    token: Secret::new(token?),
                })
            }
            Mechanism::Other(_) => None,
        }
    }
}

/// The token after `Bearer `, whose scheme may be in any case (RFC 9110
/// section 11.1).
fn bearer(value: &str) -> Option<&str> {
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_mechanism_responses() {
        let plain = Credentials::parse(&Mechanism::Plain, b"\0asha\0pass word").expect("plain");
        assert!(
            matches!(plain, Credentials::Plain { user, password, authorization }
            if user == "asha" && password.matches(b"pass word") && authorization.is_empty())
        );
        let token = b"user=asha@northmoor.example\x01auth=Bearer a.b.c\x01\x01";
        let oauth = Credentials::parse(&Mechanism::XOAuth2, token).expect("xoauth2");
        assert!(matches!(oauth, Credentials::XOAuth2 { user, token }
            if user == "asha@northmoor.example" && token.matches(b"a.b.c")));
    }

    #[test]
    fn refuses_malformed_responses() {
        for (mechanism, response) in [
            (Mechanism::Plain, &b""[..]),
            (Mechanism::Plain, b"asha\0password"),
            (Mechanism::Plain, b"\0\0password"),
            (Mechanism::Plain, b"\0a\0b\0c"),
            (Mechanism::Plain, b"\0\xff\0b"),
            (Mechanism::XOAuth2, b"user=asha"),
            (Mechanism::XOAuth2, b"auth=Bearer a\x01\x01"),
            (Mechanism::XOAuth2, b"user=a\x01auth=Basic b\x01\x01"),
            (Mechanism::named("login"), b"\0a\0b"),
        ] {
            assert!(
                Credentials::parse(&mechanism, response).is_none(),
                "{mechanism:?} {response:?}"
            );
        }
    }
}
