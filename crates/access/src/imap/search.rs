//! SEARCH (RFC 3501 section 6.4.4).
//!
//! Strings are looked for without regard to case, in header fields with
//! encoded words decoded, in texts with transfer encoding and charset undone.
//! Attachments are not searched.

use std::cmp::Reverse;
use std::future::Future;
use std::pin::Pin;

use mailward_mailbox::{Flags, Item, MailboxError};
use mailward_wire::imap::write::put;
use mailward_wire::imap::{Charset, Flag, SearchKey};
use tokio::io::AsyncWrite;

use crate::imap::body::{BodyCursor, header};
use crate::imap::host::Host;
use crate::imap::serve::{End, Imap};
use crate::imap::session::{Answer, Selected, Session};
use crate::mime::{TransferDecoder, decode_field, decode_text, fields, sent_day};

/// Octets of a text that are decoded and looked through at a time.
const WINDOW_OCTETS: usize = 64 * 1024;
const MILLIS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

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
            let mut candidate = Candidate {
                imap: self.imap,
                number,
                recent: selected.view.is_recent(*uid),
                item,
                header: None,
            };
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
enum Test {
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
    Field { name: Vec<u8>, needle: String },
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

/// A message that may be found.
struct Candidate<'a, H> {
    imap: &'a Imap<H>,
    number: u32,
    recent: bool,
    item: Item,
    header: Option<Vec<u8>>,
}

type Passing<'a> = Pin<Box<dyn Future<Output = Result<bool, MailboxError>> + Send + 'a>>;

impl<H: Host> Candidate<'_, H> {
    /// As deep as the key, whose depth the parser bounds.
    fn passes<'b>(&'b mut self, test: &'b Test) -> Passing<'b> {
        Box::pin(async move {
            Ok(match test {
                Test::All(tests) => {
                    for test in tests {
                        if !self.passes(test).await? {
                            return Ok(false);
                        }
                    }
                    true
                }
                Test::Any(one, other) => self.passes(one).await? || self.passes(other).await?,
                Test::Not(test) => !self.passes(test).await?,
                Test::Flag(flag) => self.item.flags.contains(*flag),
                Test::Recent => self.recent,
                Test::Never => false,
                Test::Numbers(ranges) => within(ranges, self.number),
                Test::Uids(ranges) => within(ranges, self.item.uid.0),
                Test::Days(from, before) => {
                    let day = self.item.internal_date.as_millis().div_euclid(MILLIS_PER_DAY);
                    (*from..*before).contains(&day)
                }
                Test::Octets(from, before) => (*from..*before).contains(&self.item.octets()),
                Test::SentDays(from, before) => {
                    let dates = self.values(b"Date").await?;
                    let day = dates.first().and_then(|date| sent_day(date));
                    day.is_some_and(|day| (*from..*before).contains(&day.days()))
                }
                Test::Field { name, needle } => {
                    let values = self.values(name).await?;
                    values.iter().any(|value| has(value, needle))
                }
                Test::Body(needle) => self.has_text(needle).await?,
                Test::Text(needle) => {
                    let found = fields(self.header().await?).any(|field| {
                        // Names can be looked for as well.
                        has(field.octets, needle) || has(&field.value(), needle)
                    });
                    found || self.has_text(needle).await?
                }
            })
        })
    }

    async fn header(&mut self) -> Result<&[u8], MailboxError> {
        if self.header.is_none() {
            self.header = Some(header(&self.imap.mailboxes, &self.item.body).await?.1);
        }
        Ok(self.header.as_deref().unwrap_or_default())
    }

    /// The values of all fields of a name.
    async fn values(&mut self, name: &[u8]) -> Result<Vec<Vec<u8>>, MailboxError> {
        let header = self.header().await?;
        Ok(fields(header)
            .filter(|field| field.is(name))
            .map(|field| field.value())
            .collect())
    }

    /// Looks through the parts that hold text.
    async fn has_text(&self, needle: &str) -> Result<bool, MailboxError> {
        let mailboxes = &self.imap.mailboxes;
        let body = &self.item.body;
        let structure = self.imap.structures.of(mailboxes, body).await?;
        for (part, encoding, charset) in structure.texts() {
            let range = part.body.clone();
            let mut cursor = BodyCursor::at(None, mailboxes, body, range.start).await?;
            let mut left = range.end - range.start;
            let mut decoder = TransferDecoder::named(encoding);
            let mut window = Vec::new();
            while left > 0 {
                let Some(piece) = cursor.next(left.min(WINDOW_OCTETS as u64)).await? else {
                    break;
                };
                left -= piece.len() as u64;
                decoder.feed(&piece, &mut window);
                if window.len() >= WINDOW_OCTETS {
                    if contains(&decode_text(&window, charset), needle) {
                        return Ok(true);
                    }
                    // The needle may lie across two windows; a character has
                    // four octets at most.
                    let kept = (needle.len() * 4).min(window.len());
                    window.drain(..window.len() - kept);
                }
            }
            decoder.finish(&mut window);
            if contains(&decode_text(&window, charset), needle) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn within(ranges: &[(u32, u32)], number: u32) -> bool {
    ranges
        .iter()
        .any(|(start, end)| (*start..=*end).contains(&number))
}

fn lower(needle: &[u8]) -> String {
    String::from_utf8_lossy(needle).to_lowercase()
}

/// The needle is in lower case already.
fn contains(text: &str, needle: &str) -> bool {
    needle.is_empty() || text.to_lowercase().contains(needle)
}

/// Looks at a field's value as written and as read.
fn has(value: &[u8], needle: &str) -> bool {
    contains(&String::from_utf8_lossy(value), needle) || contains(&decode_field(value), needle)
}
