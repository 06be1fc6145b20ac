//! A message on its way into folders.

use mailward_mail::header::Header;

use crate::body::{BodyWriter, NewBody};
use crate::error::MailboxError;

/// How much of a message's start is looked at for its summary.
const SUMMARY_OCTETS_MAX: usize = 64 * 1024;
/// What is kept of one field, in octets.
const SUMMARY_FIELD_OCTETS_MAX: usize = 512;

/// Takes a message in pieces; large ones go to disk as they come.
#[derive(Debug)]
pub struct MessageWriter {
    body: BodyWriter,
    start: Vec<u8>,
}

impl MessageWriter {
    pub(crate) fn new(body: BodyWriter) -> Self {
        Self {
            body,
            start: Vec::new(),
        }
    }

    pub fn write(&mut self, octets: &[u8]) -> Result<(), MailboxError> {
        let room = SUMMARY_OCTETS_MAX - self.start.len();
        self.start
            .extend_from_slice(&octets[..octets.len().min(room)]);
        self.body.write(octets)
    }

    pub fn octets(&self) -> u64 {
        self.body.octets()
    }

    pub fn finish(self) -> Result<NewMessage, MailboxError> {
        Ok(NewMessage {
            summary: Summary::of(&self.start),
            body: self.body.finish()?,
        })
    }
}

/// A complete message that is in no folder yet. Dropped, it leaves nothing.
#[derive(Debug)]
pub struct NewMessage {
    pub(crate) body: NewBody,
    pub(crate) summary: Summary,
}

impl NewMessage {
    /// A message that was written to the store by other means; `start` is as
    /// much of it as holds the header.
    pub fn from_body(body: mailward_store::NewBody, start: &[u8]) -> Self {
        Self {
            summary: Summary::of(&start[..start.len().min(SUMMARY_OCTETS_MAX)]),
            body: NewBody::Store(body),
        }
    }

    pub fn octets(&self) -> u64 {
        self.body.octets()
    }

    pub fn summary(&self) -> &Summary {
        &self.summary
    }
}

/// A few fields, for lists and for finding a message again: unfolded, as they
/// were written (encoded words stay encoded), cut to a bounded length, and
/// empty when absent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub message_id: String,
    pub from: String,
    pub subject: String,
}

impl Summary {
    pub fn of(start: &[u8]) -> Self {
        let header = Header::parse(start);
        let field = |name| {
            let mut value = header
                .first(name)
                .map(|field| field.value())
                .unwrap_or_default();
            // The database keeps no NUL in text.
            value.retain(|char| char != '\0');
            value.truncate(value.floor_char_boundary(SUMMARY_FIELD_OCTETS_MAX));
            value
        };
        Self {
            message_id: field("Message-ID"),
            from: field("From"),
            subject: field("Subject"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summarises_the_header() {
        let summary = Summary::of(
            b"from: Asha <asha@northmoor.example>\r\nSubject: one\r\n two\0\r\n\
              Message-ID: <1@northmoor.example>\r\n\r\nSubject: body\r\n",
        );
        assert_eq!(summary.from, "Asha <asha@northmoor.example>");
        assert_eq!(summary.subject, "one two");
        assert_eq!(summary.message_id, "<1@northmoor.example>");
        assert_eq!(Summary::of(b"\r\nbody"), Summary::default());
        let long = format!("Subject: {}\r\n\r\n", "ü".repeat(400));
        assert_eq!(Summary::of(long.as_bytes()).subject.len(), 512);
    }
}
