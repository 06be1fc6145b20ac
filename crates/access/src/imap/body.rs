//! Octets of a message, in pieces from the store.

use std::ops::Range;

use bytes::Bytes;
use mailward_mailbox::{BodyReader, MailboxError, Mailboxes};
use mailward_store::{BodyRef, ReadError};

use crate::mime::HEADER_OCTETS_MAX;

/// A place in a body. Clients fetch large messages in consecutive pieces; the
/// cursor lets each begin where the last one ended.
pub(crate) struct BodyCursor {
    body: BodyRef,
    reader: BodyReader,
    /// Of the first octet of `rest`.
    position: u64,
    rest: Bytes,
}

impl BodyCursor {
    /// A cursor at `start`: this one, moved on, or a new one.
    pub(crate) async fn at(
        held: Option<Self>,
        mailboxes: &Mailboxes,
        body: &BodyRef,
        start: u64,
    ) -> Result<Self, MailboxError> {
        let mut cursor = match held {
            Some(cursor) if cursor.body == *body && cursor.position <= start => cursor,
            _ => Self {
                body: *body,
                reader: mailboxes.read_body(body)?,
                position: 0,
                rest: Bytes::new(),
            },
        };
        while cursor.position < start {
            let wanted = start - cursor.position;
            if cursor.next(wanted).await?.is_none() {
                break;
            }
        }
        Ok(cursor)
    }

    /// The next octets, at most `wanted`; `None` at the end.
    pub(crate) async fn next(&mut self, wanted: u64) -> Result<Option<Bytes>, MailboxError> {
        if self.rest.is_empty() {
            match self.reader.chunk().await.map_err(unreadable)? {
                Some(chunk) => self.rest = chunk,
                None => return Ok(None),
            }
        }
        let wanted = usize::try_from(wanted).unwrap_or(usize::MAX);
        let piece = self.rest.split_to(self.rest.len().min(wanted));
        self.position += piece.len() as u64;
        Ok(Some(piece))
    }
}

/// The header section with its empty line. `None` when it is longer than
/// [`HEADER_OCTETS_MAX`], up to which it is then in the second value.
pub(crate) async fn header(
    mailboxes: &Mailboxes,
    body: &BodyRef,
) -> Result<(Option<u64>, Vec<u8>), MailboxError> {
    let mut reader = mailboxes.read_body(body)?;
    let mut header = Vec::new();
    loop {
        let Some(chunk) = reader.chunk().await.map_err(unreadable)? else {
            return Ok((Some(header.len() as u64), header));
        };
        // The empty line may lie across two pieces.
        let seen = header.len().saturating_sub(3);
        let room = HEADER_OCTETS_MAX - header.len();
        header.extend_from_slice(&chunk[..chunk.len().min(room)]);
        if let Some(end) = header_end(&header, seen) {
            header.truncate(end);
            return Ok((Some(end as u64), header));
        }
        if header.len() == HEADER_OCTETS_MAX {
            return Ok((None, header));
        }
    }
}

/// The octets up to and including the first empty line, looking from `seen`.
fn header_end(octets: &[u8], seen: usize) -> Option<usize> {
    if octets.starts_with(b"\r\n") {
        return Some(2);
    }
    if octets.starts_with(b"\n") {
        return Some(1);
    }
    memchr::memchr_iter(b'\n', &octets[seen..]).find_map(|newline| {
        let rest = &octets[seen + newline + 1..];
        let empty: usize = if rest.starts_with(b"\n") {
            1
        } else if rest.starts_with(b"\r\n") {
            2
        } else {
            return None;
        };
        Some(seen + newline + 1 + empty)
    })
}

/// The octets of `range` that a partial fetch asks for, and where it starts.
pub(crate) fn narrow(
    range: Range<u64>,
    partial: Option<mailward_wire::imap::Partial>,
) -> Range<u64> {
    let Some(partial) = partial else { return range };
    let start = range
        .start
        .saturating_add(partial.start.into())
        .min(range.end);
    let end = start.saturating_add(partial.count.into()).min(range.end);
    start..end
}

pub(crate) fn unreadable(error: ReadError) -> MailboxError {
    match error {
        ReadError::Missing(_) => MailboxError::NoItem,
        other => MailboxError::Unavailable(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailward_wire::imap::Partial;

    #[test]
    fn finds_the_end_of_the_header() {
        for (octets, seen, end) in [
            ("\r\nbody", 0, Some(2)),
            ("A: b\r\n\r\nbody", 0, Some(8)),
            ("A: b\n\nbody", 0, Some(6)),
            ("A: b\r\n\r\nbody", 3, Some(8)),
            ("A: b\r\nC: d\r\n", 0, None),
            ("", 0, None),
        ] {
            assert_eq!(header_end(octets.as_bytes(), seen), end, "{octets:?}");
        }
    }

    #[test]
    fn narrows_to_what_there_is() {
        let partial = |start, count| Some(Partial { start, count });
        assert_eq!(narrow(10..20, None), 10..20);
        assert_eq!(narrow(10..20, partial(3, 4)), 13..17);
        assert_eq!(narrow(10..20, partial(8, 100)), 18..20);
        assert_eq!(narrow(10..20, partial(u32::MAX, u32::MAX)), 20..20);
    }
}
