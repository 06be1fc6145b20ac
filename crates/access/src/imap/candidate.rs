//! One message that a SEARCH looks at, read as far as the keys need.

use std::future::Future;
use std::pin::Pin;

use mailward_mailbox::{Item, MailboxError};

use crate::imap::body::{BodyCursor, header};
use crate::imap::host::Host;
use crate::imap::search_key::Test;
use crate::imap::serve::Imap;
use crate::mime::{TransferDecoder, addresses, decode_field, decode_text, fields, sent_day};

/// Octets of a text that are decoded and looked through at a time.
const WINDOW_OCTETS: usize = 64 * 1024;
const MILLIS_PER_DAY: i64 = 24 * 60 * 60 * 1000;

/// A message that may be found.
pub(crate) struct Candidate<'a, H> {
    imap: &'a Imap<H>,
    number: u32,
    recent: bool,
    item: Item,
    header: Option<Vec<u8>>,
}

type Passing<'a> = Pin<Box<dyn Future<Output = Result<bool, MailboxError>> + Send + 'a>>;

impl<'a, H: Host> Candidate<'a, H> {
    pub(crate) fn new(imap: &'a Imap<H>, number: u32, recent: bool, item: Item) -> Self {
        Self {
            imap,
            number,
            recent,
            item,
            header: None,
        }
    }

    /// As deep as the key, whose depth the parser bounds.
    pub(crate) fn passes<'b>(&'b mut self, test: &'b Test) -> Passing<'b> {
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
                    let day = self
                        .item
                        .internal_date
                        .as_millis()
                        .div_euclid(MILLIS_PER_DAY);
                    (*from..*before).contains(&day)
                }
                Test::Octets(from, before) => (*from..*before).contains(&self.item.octets()),
                Test::Changed(change) => self.item.change >= *change,
                Test::SentDays(from, before) => {
                    let dates = self.values(b"Date").await?;
                    let day = dates.first().and_then(|date| sent_day(date));
                    day.is_some_and(|day| (*from..*before).contains(&day.days()))
                }
                Test::Field { name, needle } => {
                    let values = self.values(name).await?;
                    values
                        .iter()
                        .any(|value| has(value, needle) || has_address(name, value, needle))
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

/// The ranges ascend.
fn within(ranges: &[(u32, u32)], number: u32) -> bool {
    let place = ranges.partition_point(|(_, end)| *end < number);
    ranges.get(place).is_some_and(|(start, _)| *start <= number)
}

/// The needle is in lower case already.
fn contains(text: &str, needle: &str) -> bool {
    needle.is_empty() || text.to_lowercase().contains(needle)
}

/// Looks at the addresses of a field as they are read, without comments and
/// white space.
fn has_address(name: &[u8], value: &[u8], needle: &str) -> bool {
    const ADDRESSES: [&[u8]; 4] = [b"From", b"To", b"Cc", b"Bcc"];
    // Without one of these an address is as it is written.
    if !value.iter().any(|byte| b"( \t".contains(byte))
        || !ADDRESSES.iter().any(|own| own.eq_ignore_ascii_case(name))
    {
        return false;
    }
    addresses(value).into_iter().any(|address| {
        let mut text = address.mailbox.unwrap_or_default();
        text.push(b'@');
        text.extend(address.host.unwrap_or_default());
        contains(&String::from_utf8_lossy(&text), needle)
    })
}

/// Looks at a field's value as written and as read.
fn has(value: &[u8], needle: &str) -> bool {
    contains(&String::from_utf8_lossy(value), needle) || contains(&decode_field(value), needle)
}
