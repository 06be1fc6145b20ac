//! Responses as bytes (RFC 3501 section 7).

use super::encode::put_section;
use super::fetch::Section;
use super::mailbox;

/// Longer strings are sent as literals: a quoted string has to stay on one
/// line that clients read into buffers.
const QUOTED_OCTETS_MAX: usize = 1024;

/// The three answers that end a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    Ok,
    No,
    Bad,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::No => "NO",
            Self::Bad => "BAD",
        }
    }
}

/// `tag OK [code] text`. Text is never empty on the wire, and never more than
/// one line.
pub fn put_status(out: &mut Vec<u8>, tag: &str, status: Status, code: Option<&str>, text: &str) {
    put(out, tag);
    put(out, " ");
    put(out, status.name());
    put(out, " ");
    if let Some(code) = code {
        put(out, "[");
        put(out, code);
        put(out, "] ");
    }
    let line_end = text.find(['\r', '\n']).unwrap_or(text.len());
    let text = &text[..line_end];
    put(out, if text.is_empty() { "." } else { text });
    put(out, "\r\n");
}

/// `+ text`; the space stays even when there is no text (section 7.5).
pub fn put_continuation(out: &mut Vec<u8>, text: &str) {
    put(out, "+ ");
    put(out, text);
    put(out, "\r\n");
}

pub fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// `NIL` or a string.
pub fn put_nstring(out: &mut Vec<u8>, string: Option<&[u8]>) {
    match string {
        Some(string) => put_string(out, string),
        None => put(out, "NIL"),
    }
}

/// A quoted string where that can be, else a literal.
pub fn put_string(out: &mut Vec<u8>, string: &[u8]) {
    if string.len() <= QUOTED_OCTETS_MAX && quotable(string) {
        put_quoted(out, string);
    } else {
        put_literal(out, string);
    }
}

pub(super) fn quotable(string: &[u8]) -> bool {
    string
        .iter()
        .all(|byte| matches!(byte, b'\t' | b' '..=b'~'))
}

/// The caller knows that the string is [`quotable`].
pub(super) fn put_quoted(out: &mut Vec<u8>, string: &[u8]) {
    out.push(b'"');
    for byte in string {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out.push(b'"');
}

pub(super) fn put_literal(out: &mut Vec<u8>, string: &[u8]) {
    put(out, &format!("{{{}}}\r\n", string.len()));
    out.extend_from_slice(string);
}

/// A mailbox name for a client that reads plain UTF-8 (RFC 6855 section 3).
pub fn put_mailbox_utf8(out: &mut Vec<u8>, name: &str) {
    if name.is_ascii() && !name.contains('&') {
        return put_mailbox(out, name);
    }
    // A folder name has no control characters.
    put_quoted(out, name.as_bytes());
}

/// A mailbox name: an atom where that can be, else quoted.
pub fn put_mailbox(out: &mut Vec<u8>, name: &str) {
    let wire = mailbox::encode(name);
    let atom = !wire.is_empty()
        && wire
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"/&-_.+,:#$@!'=".contains(&byte));
    if atom && !wire.eq_ignore_ascii_case("NIL") {
        put(out, &wire);
    } else {
        put_string(out, wire.as_bytes());
    }
}

/// `BODY[HEADER]<0>` before the string of a section that was fetched.
pub fn put_section_name(out: &mut Vec<u8>, section: &Section, start: Option<u32>) {
    put(out, "BODY[");
    put_section(out, section);
    put(out, "]");
    if let Some(start) = start {
        put(out, &format!("<{start}>"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imap::fetch::SectionText;

    #[track_caller]
    fn check(write: impl FnOnce(&mut Vec<u8>), expected: &str) {
        let mut out = Vec::new();
        write(&mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }

    #[test]
    fn writes_strings() {
        for (string, expected) in [
            ("", "\"\""),
            ("plain", "\"plain\""),
            ("a \"b\" \\ c", r#""a \"b\" \\ c""#),
            ("two\r\nlines", "{10}\r\ntwo\r\nlines"),
            ("Käthe", "{6}\r\nKäthe"),
            ("nul\0", "{4}\r\nnul\0"),
        ] {
            check(|out| put_string(out, string.as_bytes()), expected);
        }
        check(|out| put_nstring(out, None), "NIL");
    }

    #[test]
    fn writes_status_lines() {
        check(
            |out| {
                put_status(
                    out,
                    "a1",
                    Status::Ok,
                    Some("READ-WRITE"),
                    "SELECT completed.",
                )
            },
            "a1 OK [READ-WRITE] SELECT completed.\r\n",
        );
        check(
            |out| put_status(out, "*", Status::Bad, None, "one\r\na2 OK two"),
            "* BAD one\r\n",
        );
        check(
            |out| put_status(out, "a", Status::No, None, ""),
            "a NO .\r\n",
        );
        check(|out| put_continuation(out, ""), "+ \r\n");
    }

    #[test]
    fn writes_names() {
        check(|out| put_mailbox(out, "INBOX"), "INBOX");
        check(|out| put_mailbox(out, "Sent Items"), "\"Sent Items\"");
        check(|out| put_mailbox(out, "Entwürfe"), "Entw&APw-rfe");
        check(|out| put_mailbox(out, "nil"), "\"nil\"");
        check(|out| put_mailbox_utf8(out, "Entwürfe"), "\"Entwürfe\"");
        check(|out| put_mailbox_utf8(out, "R&D"), "\"R&D\"");
        check(|out| put_mailbox_utf8(out, "INBOX"), "INBOX");
        let section = Section {
            part: vec![1, 2],
            text: Some(SectionText::HeaderFields(vec![
                b"From".to_vec(),
                b"To".to_vec(),
            ])),
        };
        check(
            |out| put_section_name(out, &section, Some(7)),
            "BODY[1.2.HEADER.FIELDS (From To)]<7>",
        );
    }
}
