//! SEARCH (RFC 3501 section 6.4.4).
//!
//! Strings are looked for without regard to case, in header fields with
//! encoded words decoded, in texts with transfer encoding and charset undone.
//! Attachments are not searched.

use std::cmp::Reverse;

use mailward_mailbox::{Flags, MailboxError};
use mailward_wire::imap::write::put;
use mailward_wire::imap::{Charset, Flag, SearchKey};
use tokio::io::AsyncWrite;

use crate::imap::candidate::Candidate;
use crate::imap::host::Host;
use crate::imap::serve::End;
use crate::imap::session::{Answer, Selected, Session};

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn search(
        &mut self,
        by_uid: bool,
        charset: &Charset,
        key: SearchKey,
    ) -> Result<Result<Answer, MailboxError>, End> {
        let words = &self.profile.words;
        let (known, offered) = if self.profile.search_utf8 {
            (!matches!(charset, Charset::Other(_)), "US-ASCII UTF-8")
        } else {
            let known = matches!(charset, Charset::Unnamed | Charset::Ascii);
            (known, "US-ASCII")
        };
        if !known {
            let answer = Answer::no(&words.bad_charset);
            return Ok(Ok(answer.with_code(format!("BADCHARSET ({offered})"))));
        }
        let Some(selected) = &self.selected else {
            return Ok(Ok(self.failed()));
        };
        let Some(test) = Test::new(key, selected) else {
            return Ok(Ok(Answer::bad(&words.bad_arguments)));
        };
        put(&mut self.out.buffer, "* SEARCH");
        for (place, uid) in selected.view.uids().iter().enumerate() {
            let Some(item) = selected.folder.item(*uid) else {
                continue;
            };
            let number = u32::try_from(place + 1).unwrap_or(u32::MAX);
            let recent = selected.view.is_recent(*uid);
            let mut candidate = Candidate::new(self.imap, number, recent, item);
            match candidate.passes(&test).await {
                Ok(true) => {
                    let number = if by_uid { uid.0 } else { number };
                    put(&mut self.out.buffer, &format!(" {number}"));
                }
                // Somebody expunged it meanwhile, or it can't be read; neither
                // should keep the others from being found.
                Ok(false) | Err(MailboxError::NoItem) => {}
                Err(error) => tracing::warn!(%error, "a message could not be searched"),
            }
            self.out.breathe().await?;
        }
        put(&mut self.out.buffer, "\r\n");
        Ok(Ok(self.completed()))
    }
}

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
    Field {
        name: Vec<u8>,
        needle: String,
    },
    Body(String),
    Text(String),
}

impl Test {
    /// `None` when a sequence number is beyond the last message.
    fn new(key: SearchKey, selected: &Selected) -> Option<Self> {
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
                    .map(|key| Self::new(key, selected))
                    .collect::<Option<Vec<_>>>()?;
                tests.sort_by_key(|test| Reverse(test.cheapness()));
                Self::All(tests)
            }
            K::Or(one, other) => {
                let mut tests = [Self::new(*one, selected)?, Self::new(*other, selected)?];
                tests.sort_by_key(|test| Reverse(test.cheapness()));
                let [one, other] = tests;
                Self::Any(Box::new(one), Box::new(other))
            }
            K::Not(key) => Self::Not(Box::new(Self::new(*key, selected)?)),
            K::Has(flag) => Self::flag(&flag),
            K::HasNot(flag) => Self::Not(Box::new(Self::flag(&flag))),
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
            K::Sequence(set) => {
                if count > 0 && set.exceeds(count) {
                    return None;
                }
                Self::Numbers(set.ranges(count))
            }
            K::Uid(set) => Self::Uids(set.ranges(last_uid)),
        })
    }

    fn flag(flag: &Flag) -> Self {
        match flag {
            Flag::Recent => Self::Recent,
            flag => Flags::named(flag.name()).map_or(Self::Never, Self::Flag),
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

fn lower(needle: &[u8]) -> String {
    String::from_utf8_lossy(needle).to_lowercase()
}
