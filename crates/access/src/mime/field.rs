//! Header fields, as IMAP gives them.

use mailward_mail::mime::fields;
use mailward_wire::imap::Envelope;

use crate::mime::address;

/// The fields of these names, or all others, and an empty line: what
/// HEADER.FIELDS and HEADER.FIELDS.NOT give.
pub fn select_fields(header: &[u8], names: &[Vec<u8>], wanted: bool) -> Vec<u8> {
    let mut selected = Vec::new();
    for field in fields(header) {
        if names.iter().any(|name| field.is(name)) == wanted {
            selected.extend_from_slice(field.octets);
            if !field.octets.ends_with(b"\n") {
                selected.extend_from_slice(b"\r\n");
            }
        }
    }
    selected.extend_from_slice(b"\r\n");
    selected
}

/// The ENVELOPE of a header section.
pub fn envelope(header: &[u8]) -> Envelope {
    let mut envelope = Envelope::default();
    for field in fields(header) {
        let text = || Some(field.value());
        let list = || address::parse(&field.value());
        // Of a field that is there twice, the first counts.
        match field.name.to_ascii_lowercase().as_slice() {
            b"date" if envelope.date.is_none() => envelope.date = text(),
            b"subject" if envelope.subject.is_none() => envelope.subject = text(),
            b"from" if envelope.from.is_empty() => envelope.from = list(),
            b"sender" if envelope.sender.is_empty() => envelope.sender = list(),
            b"reply-to" if envelope.reply_to.is_empty() => envelope.reply_to = list(),
            b"to" if envelope.to.is_empty() => envelope.to = list(),
            b"cc" if envelope.cc.is_empty() => envelope.cc = list(),
            b"bcc" if envelope.bcc.is_empty() => envelope.bcc = list(),
            b"in-reply-to" if envelope.in_reply_to.is_none() => envelope.in_reply_to = text(),
            b"message-id" if envelope.message_id.is_none() => envelope.message_id = text(),
            _ => {}
        }
    }
    envelope
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"From: a@b.example\r\nSubject: one\r\n\ttwo\r\nnonsense\r\n\
        X-Odd : 1\r\nsubject: three\r\n\r\nTo: body\r\n";

    #[test]
    fn selects_fields_as_they_were_written() {
        let names = [b"SUBJECT".to_vec(), b"To".to_vec()];
        assert_eq!(
            select_fields(HEADER, &names, true),
            b"Subject: one\r\n\ttwo\r\nsubject: three\r\n\r\n"
        );
        assert_eq!(
            select_fields(HEADER, &names, false),
            b"From: a@b.example\r\nX-Odd : 1\r\n\r\n"
        );
        assert_eq!(select_fields(b"To: x", &names, true), b"To: x\r\n\r\n");
        assert_eq!(select_fields(b"", &names, true), b"\r\n");
    }

    #[test]
    fn makes_envelopes() {
        let envelope = envelope(HEADER);
        assert_eq!(envelope.subject.as_deref(), Some(&b"one\ttwo"[..]));
        assert_eq!(envelope.from.len(), 1);
        assert!(envelope.to.is_empty());
        assert_eq!(envelope.date, None);
    }
}
