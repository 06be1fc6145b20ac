//! What sorting and threading need of messages, out of their headers, for all
//! sessions.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use mail_parser::MessageParser;
use mailward_mailbox::{MailboxError, Mailboxes};
use mailward_store::BodyRef;

use crate::imap::body::header;
use crate::imap::subject::BaseSubject;
use crate::mime::{addresses, decode_field, fields};

/// Octets of facts that are kept; an ordinary message has a few hundred.
const FACTS_OCTETS_MAX: usize = 16 * 1024 * 1024;
/// References of one message that are looked at: the last ones.
const REFERENCES_MAX: usize = 100;
/// Of one message id, and of an address.
const WORD_OCTETS_MAX: usize = 256;

/// The facts of one message. Its header is read for them, never its body.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    /// The Date field in milliseconds since 1970, if it can be read.
    pub(crate) sent: Option<i64>,
    pub(crate) subject: BaseSubject,
    /// The mailboxes, without domains, of the first addresses (RFC 5256
    /// section 3), in capitals.
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) cc: String,
    /// Without angle brackets.
    pub(crate) message_id: Option<Vec<u8>>,
    /// The parent last (section 3, REFERENCES, step 1).
    pub(crate) references: Vec<Vec<u8>>,
}

#[derive(Debug, Default)]
pub(crate) struct AllFacts(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    by_body: HashMap<BodyRef, Arc<Facts>>,
    /// The oldest first.
    order: VecDeque<BodyRef>,
    octets: usize,
}

impl AllFacts {
    pub(crate) async fn of(
        &self,
        mailboxes: &Mailboxes,
        body: &BodyRef,
    ) -> Result<Arc<Facts>, MailboxError> {
        let known = self.lock().by_body.get(body).map(Arc::clone);
        if let Some(facts) = known {
            return Ok(facts);
        }
        let (_, header) = header(mailboxes, body).await?;
        let facts = Arc::new(Facts::read(&header));
        self.lock().keep(*body, &facts);
        Ok(facts)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.0
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Kept {
    fn keep(&mut self, body: BodyRef, facts: &Arc<Facts>) {
        if self.by_body.insert(body, Arc::clone(facts)).is_some() {
            return;
        }
        self.order.push_back(body);
        self.octets += facts.octets();
        while self.octets > FACTS_OCTETS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            if let Some(facts) = self.by_body.remove(&oldest) {
                self.octets -= facts.octets();
            }
        }
    }
}

impl Facts {
    pub(crate) fn read(header: &[u8]) -> Self {
        let value = |name: &[u8]| {
            fields(header)
                .find(|field| field.is(name))
                .map(|field| field.value())
        };
        let text = |name: &[u8]| value(name).map(|value| decode_field(&value));
        let mailbox = |name: &[u8]| {
            let list = value(name).map(|value| addresses(&value));
            let first = list.and_then(|list| list.into_iter().next());
            let local = first.and_then(|address| address.mailbox);
            cut(&local.unwrap_or_default())
        };
        let mut references = value(b"References")
            .map(|value| message_ids(&value))
            .unwrap_or_default();
        if references.is_empty() {
            let parents = value(b"In-Reply-To").map(|value| message_ids(&value));
            references = parents.unwrap_or_default();
            references.truncate(1);
        }
        let surplus = references.len().saturating_sub(REFERENCES_MAX);
        references.drain(..surplus);
        Self {
            sent: value(b"Date").and_then(|value| sent(&value)),
            subject: BaseSubject::of(&text(b"Subject").unwrap_or_default()),
            from: mailbox(b"From"),
            to: mailbox(b"To"),
            cc: mailbox(b"Cc"),
            message_id: value(b"Message-ID")
                .and_then(|value| message_ids(&value).into_iter().next()),
            references,
        }
    }

    /// About what it takes in memory.
    fn octets(&self) -> usize {
        let words: usize = self.references.iter().map(|id| id.len() + 24).sum();
        let texts = [&self.subject.base, &self.from, &self.to, &self.cc];
        let texts: usize = texts.iter().map(|text| text.len()).sum();
        200 + words + texts + self.message_id.as_ref().map_or(0, Vec::len)
    }
}

/// Capitals of what is kept of a word.
fn cut(word: &[u8]) -> String {
    let word = &word[..word.len().min(WORD_OCTETS_MAX)];
    String::from_utf8_lossy(word).to_uppercase()
}

/// Message ids in angle brackets, without the brackets and quotes; words
/// between them are passed over.
fn message_ids(value: &[u8]) -> Vec<Vec<u8>> {
    let mut ids = Vec::new();
    let mut rest = value;
    while let Some(start) = memchr::memchr(b'<', rest) {
        rest = &rest[start + 1..];
        let Some(end) = memchr::memchr(b'>', rest) else {
            break;
        };
        let id: Vec<u8> = rest[..end]
            .iter()
            .copied()
            .filter(|byte| !byte.is_ascii_whitespace() && *byte != b'"')
            .collect();
        if !id.is_empty() && id.len() <= WORD_OCTETS_MAX && id.contains(&b'@') {
            ids.push(id);
        }
        rest = &rest[end + 1..];
    }
    ids
}

fn sent(value: &[u8]) -> Option<i64> {
    let mut field = b"Date: ".to_vec();
    field.extend(value.iter().map(|byte| match byte {
        b'\r' | b'\n' => b' ',
        other => *other,
    }));
    field.extend_from_slice(b"\r\n\r\n");
    let message = MessageParser::new().parse_headers(&field)?;
    let date = message.date().filter(|date| date.is_valid())?;
    date.to_timestamp().checked_mul(1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_threads_need() {
        let facts = Facts::read(
            b"Date: Tue, 1 Mar 2022 10:00:00 +0100\r\nFrom: Asha <asha@northmoor.example>\r\n\
              To: b@x.example, a@x.example\r\nSubject: Re: =?utf-8?q?K=C3=A4the?=\r\n\
              Message-ID: <3@x.example>\r\nReferences: <1@x.example> junk\r\n <2 @x.example>\r\n\r\n",
        );
        assert_eq!(facts.sent, Some(1_646_125_200_000));
        assert_eq!(facts.subject.base, "KÄTHE");
        assert_eq!(
            [facts.from.as_str(), &facts.to, &facts.cc],
            ["ASHA", "B", ""]
        );
        assert_eq!(facts.message_id.as_deref(), Some(&b"3@x.example"[..]));
        assert_eq!(
            facts.references,
            [b"1@x.example".to_vec(), b"2@x.example".to_vec()]
        );
        let facts = Facts::read(b"In-Reply-To: <a@x> <b@x>\r\nDate: soon\r\n\r\n");
        assert_eq!(facts.references, [b"a@x".to_vec()]);
        assert_eq!(facts.sent, None);
    }

    #[test]
    fn keeps_no_more_than_it_may() {
        let mut kept = Kept::default();
        let long = Arc::new(Facts {
            from: "x".repeat(FACTS_OCTETS_MAX / 2),
            ..Facts::default()
        });
        for number in 0..3 {
            let body = BodyRef::parse(&format!("{number}-1-00000000"));
            kept.keep(body.expect("a reference"), &long);
        }
        assert_eq!(kept.by_body.len(), 1);
    }
}
