//! The encodings of MIME, for what we write ourselves: quoted-printable and
//! base64 (RFC 2045), encoded words (RFC 2047), parameters (RFC 2231).

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailward_mail::header::Mailbox;

/// RFC 2045 section 6: a line has 76 characters at most.
const LINE_CHARACTERS_MAX: usize = 76;
/// What makes one line of base64.
const LINE_OCTETS: usize = 57;
/// Octets of UTF-8 in one encoded word of 75 characters.
const WORD_OCTETS_MAX: usize = 42;

/// Base64 in lines, from octets that come in pieces.
#[derive(Debug, Default)]
pub(super) struct Base64Lines {
    carried: Vec<u8>,
}

impl Base64Lines {
    pub(super) fn push(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        self.carried.extend_from_slice(octets);
        let whole = self.carried.len() / LINE_OCTETS * LINE_OCTETS;
        for line in self.carried[..whole].chunks(LINE_OCTETS) {
            write_line(line, out);
        }
        self.carried.drain(..whole);
    }

    pub(super) fn finish(self, out: &mut Vec<u8>) {
        if !self.carried.is_empty() {
            write_line(&self.carried, out);
        }
    }
}

fn write_line(octets: &[u8], out: &mut Vec<u8>) {
    let mut line = [0; LINE_CHARACTERS_MAX];
    // The line is as long as its octets can become.
    let length = STANDARD.encode_slice(octets, &mut line).unwrap_or(0);
    out.extend_from_slice(&line[..length]);
    out.extend_from_slice(b"\r\n");
}

/// Text of any kind as quoted-printable; every line end becomes CRLF.
pub(super) fn quoted_printable(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() + text.len() / 8 + 2);
    for line in lines(text) {
        quote_line(line, &mut out);
        out.extend_from_slice(b"\r\n");
    }
    out
}

/// Lines that end in CRLF, LF or CR, without their ends. A text that ends in
/// a line end has no empty line after it.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let Some(end) = text.find(['\r', '\n']) else {
            rest = None;
            return (!text.is_empty()).then_some(text);
        };
        let after = if text[end..].starts_with("\r\n") {
            end + 2
        } else {
            end + 1
        };
        rest = Some(&text[after..]);
        Some(&text[..end])
    })
}

fn quote_line(line: &str, out: &mut Vec<u8>) {
    let mut column = 0;
    let octets = line.as_bytes();
    for (at, &octet) in octets.iter().enumerate() {
        let last = at + 1 == octets.len();
        let plain = match octet {
            b'=' => false,
            b' ' | b'\t' => !last,
            _ => octet.is_ascii_graphic(),
        };
        let width = if plain { 1 } else { 3 };
        // The last column is kept for the soft line end.
        if column + width > LINE_CHARACTERS_MAX - 1 {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        if plain {
            out.push(octet);
        } else {
            out.extend_from_slice(format!("={octet:02X}").as_bytes());
        }
        column += width;
    }
}

/// A header field with text in it; long values are folded.
pub(super) fn text_field(name: &str, value: &str) -> String {
    let encoded =
        if value.bytes().all(|byte| (b' '..=b'~').contains(&byte)) && !value.contains("=?") {
            value.to_owned()
        } else {
            encoded_words(value)
        };
    fold(name, encoded.split(' '))
}

/// A header field with mailboxes in it.
pub(super) fn mailbox_field(name: &str, mailboxes: &[Mailbox]) -> String {
    let count = mailboxes.len();
    let words = mailboxes.iter().enumerate().flat_map(|(index, mailbox)| {
        let comma = if index + 1 < count { "," } else { "" };
        let text = format!("{}{comma}", show_mailbox(mailbox));
        text.split(' ').map(str::to_owned).collect::<Vec<_>>()
    });
    fold(name, words)
}

fn show_mailbox(mailbox: &Mailbox) -> String {
    let address = &mailbox.address;
    match mailbox.display_name.as_deref().map(str::trim) {
        None | Some("") => address.to_string(),
        Some(name) if name.is_ascii() && !name.contains("=?") => {
            let quoted = name.replace('\\', "\\\\").replace('"', "\\\"");
            format!("\"{quoted}\" <{address}>")
        }
        Some(name) => format!("{} <{address}>", encoded_words(name)),
    }
}

/// Base64 words in UTF-8, each whole characters, with a space between.
fn encoded_words(text: &str) -> String {
    let mut words = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, after) = rest.split_at(rest.floor_char_boundary(WORD_OCTETS_MAX));
        rest = after;
        if !words.is_empty() {
            words.push(' ');
        }
        let _ = write!(words, "=?UTF-8?B?{}?=", STANDARD.encode(word));
    }
    words
}

/// Joins words by spaces, and by CRLF and a space where the line would be too
/// long. Never makes a line of nothing but white space.
fn fold<T: AsRef<str>>(name: &str, words: impl Iterator<Item = T>) -> String {
    let mut field = format!("{name}:");
    let mut column = field.len();
    let mut line_has_word = true;
    for word in words {
        let word = word.as_ref();
        if column + 1 + word.len() > LINE_CHARACTERS_MAX && line_has_word && !word.is_empty() {
            field.push_str("\r\n");
            column = 0;
            line_has_word = false;
        }
        field.push(' ');
        field.push_str(word);
        column += 1 + word.len();
        line_has_word |= !word.is_empty();
    }
    field.push_str("\r\n");
    field
}

/// `; name="value"`, and beside it `; name*=UTF-8''…` where ASCII does not do.
pub(super) fn parameter(name: &str, value: &str) -> String {
    let plain: String = value
        .chars()
        .map(|char| match char {
            '"' | '\\' => '_',
            ' '..='~' => char,
            _ => '_',
        })
        .collect();
    let mut text = format!(";\r\n\t{name}=\"{plain}\"");
    if plain != value {
        let mut line = format!(";\r\n\t{name}*=UTF-8''");
        for byte in value.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                line.push(char::from(byte));
            } else {
                let _ = write!(line, "%{byte:02X}");
            }
        }
        text.push_str(&line);
    }
    text
}

#[cfg(test)]
mod tests {
    use mailward_mail::Address;
    use mailward_mail::header::parse_address_list;

    use super::*;

    #[test]
    fn quoted_printable_of_the_hard_cases() {
        for (text, expected) in [
            ("", ""),
            ("plain", "plain\r\n"),
            ("a\nb\r\nc\rd", "a\r\nb\r\nc\r\nd\r\n"),
            ("a\n\nb\n", "a\r\n\r\nb\r\n"),
            ("1+1=2", "1+1=3D2\r\n"),
            ("end \nend\t", "end=20\r\nend=09\r\n"),
            ("Käthe\0", "K=C3=A4the=00\r\n"),
        ] {
            assert_eq!(
                String::from_utf8(quoted_printable(text)).expect("ASCII"),
                expected,
                "{text:?}"
            );
        }
        let long = quoted_printable(&"x".repeat(200));
        assert!(
            long.split(|byte| *byte == b'\n')
                .all(|line| line.len() <= 77)
        );
        let again: Vec<u8> = String::from_utf8(long)
            .expect("ASCII")
            .replace("=\r\n", "")
            .into();
        assert_eq!(again, [vec![b'x'; 200], b"\r\n".to_vec()].concat());
    }

    #[test]
    fn base64_comes_in_lines_whatever_the_pieces() {
        let octets: Vec<u8> = (0..=255).cycle().take(1000).collect();
        for piece in [1, 56, 57, 58, 1000] {
            let mut lines = Base64Lines::default();
            let mut out = Vec::new();
            for part in octets.chunks(piece) {
                lines.push(part, &mut out);
            }
            lines.finish(&mut out);
            let text = String::from_utf8(out).expect("ASCII");
            assert!(text.lines().all(|line| line.len() <= 76) && text.ends_with("\r\n"));
            assert_eq!(
                STANDARD.decode(text.replace("\r\n", "")).expect("base64"),
                octets
            );
        }
    }

    #[test]
    fn mailboxes_read_back_as_they_were() {
        let mailboxes: Vec<Mailbox> = [
            (Some("O'Brien, \"Ann\" \\ (WARD)"), "ann@northmoor.example"),
            (
                Some("Käthe Müller, Innere Medizin und Endokrinologie, drittes Obergeschoß"),
                "k@northmoor.example",
            ),
            (Some("=?UTF-8?B?eA==?="), "x@northmoor.example"),
            (None, "bob@northmoor.example"),
        ]
        .into_iter()
        .map(|(name, address)| Mailbox {
            display_name: name.map(str::to_owned),
            address: Address::parse(address).expect("an address"),
        })
        .collect();
        let field = mailbox_field("To", &mailboxes);
        assert!(
            field
                .split("\r\n")
                .all(|line| line.len() <= 160 && line.is_ascii()),
            "{field}"
        );
        let value = field
            .strip_prefix("To:")
            .expect("the name")
            .replace("\r\n", "");
        assert_eq!(parse_address_list(&value).expect("reads back"), mailboxes);
    }

    #[test]
    fn long_subjects_fold_and_start_no_field() {
        for subject in [
            "word ".repeat(60).trim_end().to_owned(),
            "ä".repeat(300),
            String::new(),
            "  a   b ".to_owned(),
        ] {
            let field = text_field("Subject", &subject);
            let lines: Vec<&str> = field
                .strip_suffix("\r\n")
                .expect("an end")
                .split("\r\n")
                .collect();
            assert!(
                lines
                    .iter()
                    .skip(1)
                    .all(|line| line.starts_with(' ') && !line.trim().is_empty()),
                "{field:?}"
            );
            assert!(lines.iter().all(|line| line.len() <= 90), "{field:?}");
        }
    }

    #[test]
    fn file_names_in_both_forms() {
        assert_eq!(
            parameter("filename", "a b.pdf"),
            ";\r\n\tfilename=\"a b.pdf\""
        );
        assert_eq!(
            parameter("filename", "Brief \"ä\".pdf"),
            ";\r\n\tfilename=\"Brief ___.pdf\";\r\n\tfilename*=UTF-8''Brief%20%22%C3%A4%22.pdf"
        );
    }
}
