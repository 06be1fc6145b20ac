//! Header fields, as they were written.

use mailward_wire::imap::Envelope;

use crate::mime::address;

/// One field: its name, and all of its octets with folding and line ends.
#[derive(Clone, Copy, Debug)]
pub struct RawField<'a> {
    pub name: &'a [u8],
    pub octets: &'a [u8],
}

impl RawField<'_> {
    pub fn is(&self, name: &[u8]) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// What follows the colon, on one line: folding removed, trimmed.
    pub fn value(&self) -> Vec<u8> {
        let colon = memchr::memchr(b':', self.octets).map_or(0, |colon| colon + 1);
        let mut value = self.octets[colon..].to_vec();
        value.retain(|byte| !matches!(byte, b'\r' | b'\n'));
        value.trim_ascii().to_vec()
    }
}

/// The fields of a header section, which may be followed by anything after an
/// empty line. Lines that belong to no field are passed over.
pub fn fields(header: &[u8]) -> impl Iterator<Item = RawField<'_>> {
    let mut rest = header;
    std::iter::from_fn(move || {
        loop {
            if rest.is_empty() || is_empty_line(rest) {
                return None;
            }
            let mut end = line_end(rest);
            while matches!(rest.get(end), Some(b' ' | b'\t')) {
                end += line_end(&rest[end..]);
            }
            let (octets, after) = rest.split_at(end);
            rest = after;
            if let Some(colon) = memchr::memchr(b':', octets) {
                let name = octets[..colon].trim_ascii_end();
                if !name.is_empty() && name.iter().all(|byte| (33..=126).contains(byte)) {
                    return Some(RawField { name, octets });
                }
            }
        }
    })
}

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

fn line_end(octets: &[u8]) -> usize {
    memchr::memchr(b'\n', octets).map_or(octets.len(), |newline| newline + 1)
}

fn is_empty_line(octets: &[u8]) -> bool {
    octets.starts_with(b"\n") || octets.starts_with(b"\r\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &[u8] = b"From: a@b.example\r\nSubject: one\r\n\ttwo\r\nnonsense\r\n\
        X-Odd : 1\r\nsubject: three\r\n\r\nTo: body\r\n";

    #[test]
    fn finds_fields_and_their_folding() {
        let found: Vec<_> = fields(HEADER)
            .map(|field| (field.name.to_vec(), field.value()))
            .collect();
        let expected: [(&[u8], &[u8]); 4] = [
            (b"From", b"a@b.example"),
            (b"Subject", b"one\ttwo"),
            (b"X-Odd", b"1"),
            (b"subject", b"three"),
        ];
        assert_eq!(
            found,
            expected.map(|(name, value)| (name.to_vec(), value.to_vec()))
        );
    }

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
