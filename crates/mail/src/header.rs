//! The header section of a message: fields, unfolding, and the address lists
//! that the rules read (RFC 5322 sections 2.2 and 3.4).
//!
//! Deliberately strict and small: a rule must see the same From that a later
//! reader of the message sees, so a field that could be read in two ways is an
//! error with a place, never a guess. Bodies and MIME are not read here.

use crate::address::{Address, AddressError, is_atext};
use crate::mime::decode_encoded_word;

/// The whole header section may be no longer than this (Exchange's receive
/// connector default, 256 KB).
pub const HEADER_OCTETS_MAX: usize = 256 * 1024;

/// One header field: `name`, then everything after the colon, folding and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    pub name: &'a str,
    pub raw_value: &'a [u8],
    /// The number of its first line, counted from 1.
    pub line: usize,
}

impl Field<'_> {
    pub fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// The value on one line: folding removed, outer white space trimmed,
    /// octets that are no UTF-8 shown as replacement characters.
    pub fn value(&self) -> String {
        let text = String::from_utf8_lossy(self.raw_value);
        text.replace("\r\n", "")
            .replace(['\r', '\n'], "")
            .trim()
            .to_owned()
    }
}

/// The parsed header section of one message.
#[derive(Clone, Debug)]
pub struct Header<'a> {
    pub fields: Vec<Field<'a>>,
    /// Octets up to and including the empty line, or the whole message when
    /// there is none: then the message has no body.
    pub octets: usize,
    /// Lines that are neither a field nor a continuation, with their numbers.
    pub stray_lines: Vec<usize>,
}

impl<'a> Header<'a> {
    /// Reads the header section at the start of `message`. Lines may end in
    /// CRLF or in LF; the first empty line ends the section. Reading stops, as
    /// mail readers do, at a line that can be no field, which is then counted
    /// in [`Header::stray_lines`].
    pub fn parse(message: &'a [u8]) -> Self {
        let mut fields: Vec<Field<'a>> = Vec::new();
        let mut stray_lines = Vec::new();
        let mut start = 0;
        let mut number = 0;
        while start < message.len() {
            let end = memchr::memchr(b'\n', &message[start..])
                .map_or(message.len(), |newline| start + newline + 1);
            let line = trim_line_end(&message[start..end]);
            number += 1;
            if line.is_empty() {
                return Self {
                    fields,
                    octets: end,
                    stray_lines,
                };
            }
            if line[0] == b' ' || line[0] == b'\t' {
                match fields.last_mut() {
                    // Continuation: the field's slice grows to take it in.
                    Some(field) => {
                        let begin = field.raw_value.as_ptr().addr() - message.as_ptr().addr();
                        field.raw_value = trim_line_end(&message[begin..end]);
                    }
                    None => stray_lines.push(number),
                }
            } else if let Some((name, value)) = split_field(line) {
                fields.push(Field {
                    name,
                    raw_value: value,
                    line: number,
                });
            } else {
                stray_lines.push(number);
            }
            start = end;
        }
        Self {
            fields,
            octets: message.len(),
            stray_lines,
        }
    }

    /// The octets of `message` before its body, found without parsing; `None`
    /// while `prefix` holds no empty line yet.
    pub fn end_of(prefix: &[u8]) -> Option<usize> {
        if prefix.starts_with(b"\r\n") {
            return Some(2);
        }
        memchr::memmem::find(prefix, b"\r\n\r\n").map(|found| found + 4)
    }

    pub fn all<'s>(&'s self, name: &'s str) -> impl Iterator<Item = &'s Field<'a>> + 's {
        self.fields.iter().filter(move |field| field.is(name))
    }

    pub fn first(&self, name: &str) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.is(name))
    }

    pub fn count(&self, name: &str) -> usize {
        self.all(name).count()
    }
}

fn trim_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Splits `Name: value`. White space before the colon (obsolete syntax) is
/// refused: readers differ on whether it is the field it looks like.
fn split_field(line: &[u8]) -> Option<(&str, &[u8])> {
    let colon = memchr::memchr(b':', line)?;
    let name = &line[..colon];
    if name.is_empty() || !name.iter().all(|byte| (33..=126).contains(byte)) {
        return None;
    }
    Some((std::str::from_utf8(name).ok()?, &line[colon + 1..]))
}

/// One mailbox of an address list: an optional display name and an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// With quotes and RFC 2047 encoding taken off.
    pub display_name: Option<String>,
    pub address: Address,
}

/// Why an address list can't be read, and the octet where reading stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {position}: {problem}")]
pub struct AddressListError {
    pub position: usize,
    pub problem: AddressListProblem,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressListProblem {
    #[error("the quoted string is not closed")]
    UnclosedQuote,
    #[error("the comment is not closed")]
    UnclosedComment,
    #[error("the angle bracket is not closed")]
    UnclosedAngle,
    #[error("an address was expected here")]
    NoAddress,
    #[error("this character does not belong here")]
    Unexpected,
    #[error("comments are nested too deeply")]
    CommentDepth,
    #[error("{0}")]
    Address(#[from] AddressError),
}

/// Comments deeper than this are refused, not followed.
const COMMENT_DEPTH_MAX: usize = 16;

/// Reads an `address-list` of RFC 5322 section 3.4 from an unfolded value.
/// Groups give their members. An empty list is no error.
pub fn parse_address_list(value: &str) -> Result<Vec<Mailbox>, AddressListError> {
    let mut reader = ListReader {
        text: value,
        position: 0,
    };
    reader.list()
}

struct ListReader<'a> {
    text: &'a str,
    position: usize,
}

impl ListReader<'_> {
    fn list(&mut self) -> Result<Vec<Mailbox>, AddressListError> {
        let mut mailboxes = Vec::new();
        let mut within_group = false;
        loop {
            self.skip_white()?;
            match self.peek() {
                None if within_group => return Err(self.problem(AddressListProblem::Unexpected)),
                None => return Ok(mailboxes),
                Some(',') => {
                    self.advance();
                }
                Some(';') if within_group => {
                    self.advance();
                    within_group = false;
                }
                Some(_) => match self.entry()? {
                    Entry::Mailbox(mailbox) => {
                        mailboxes.push(mailbox);
                        self.skip_white()?;
                        if !matches!(self.peek(), None | Some(',' | ';')) {
                            return Err(self.problem(AddressListProblem::Unexpected));
                        }
                    }
                    Entry::GroupStart if within_group => {
                        return Err(self.problem(AddressListProblem::Unexpected));
                    }
                    Entry::GroupStart => within_group = true,
                },
            }
        }
    }

    /// A phrase or local part, then what tells which of the two it was.
    fn entry(&mut self) -> Result<Entry, AddressListError> {
        let mut words: Vec<Word> = Vec::new();
        let start = self.position;
        loop {
            let spaced = self.skip_white()?;
            match self.peek() {
                Some('<') => {
                    self.advance();
                    let address = self.angle_address()?;
                    let display_name = (!words.is_empty()).then(|| join_phrase(&words));
                    return Ok(Entry::Mailbox(Mailbox {
                        display_name,
                        address,
                    }));
                }
                Some(':') => {
                    self.advance();
                    return Ok(Entry::GroupStart);
                }
                Some('@') => {
                    self.advance();
                    let local: String = words.iter().map(|word| word.raw.as_str()).collect();
                    let address = self.finish_address(&local, start)?;
                    return Ok(Entry::Mailbox(Mailbox {
                        display_name: None,
                        address,
                    }));
                }
                Some('"') => {
                    let word = self.quoted_string()?;
                    words.push(Word { spaced, ..word });
                }
                Some(char) if is_atext(char) || char == '.' => {
                    let raw = self.take_while(|char| is_atext(char) || char == '.');
                    words.push(Word {
                        text: raw.clone(),
                        raw,
                        quoted: false,
                        spaced,
                    });
                }
                None | Some(',' | ';') => return Err(self.problem(AddressListProblem::NoAddress)),
                Some(_) => return Err(self.problem(AddressListProblem::Unexpected)),
            }
        }
    }

    fn angle_address(&mut self) -> Result<Address, AddressListError> {
        self.skip_white()?;
        let start = self.position;
        let local = if self.peek() == Some('"') {
            self.quoted_string()?.raw
        } else {
            self.take_while(|char| is_atext(char) || char == '.')
        };
        self.skip_white()?;
        if self.peek() != Some('@') {
            return Err(self.problem(AddressListProblem::NoAddress));
        }
        self.advance();
        let address = self.finish_address(&local, start)?;
        self.skip_white()?;
        if self.peek() != Some('>') {
            return Err(self.problem(AddressListProblem::UnclosedAngle));
        }
        self.advance();
        Ok(address)
    }

    /// The domain after the @, and with it the address.
    fn finish_address(&mut self, local: &str, start: usize) -> Result<Address, AddressListError> {
        self.skip_white()?;
        let domain = if self.peek() == Some('[') {
            let mut literal = self.take_while(|char| char != ']');
            literal.extend(self.advance());
            literal
        } else {
            self.take_while(|char| is_atext(char) || char == '.')
        };
        Address::parse(&format!("{local}@{domain}")).map_err(|error| AddressListError {
            position: start,
            problem: AddressListProblem::Address(error),
        })
    }

    fn quoted_string(&mut self) -> Result<Word, AddressListError> {
        let start = self.position;
        self.advance();
        let mut text = String::new();
        loop {
            match self.advance() {
                Some('"') => break,
                Some('\\') => text.extend(self.advance()),
                Some(char) => text.push(char),
                None => return Err(self.problem(AddressListProblem::UnclosedQuote)),
            }
        }
        let raw = self.text[start..self.position].to_owned();
        Ok(Word {
            raw,
            text,
            quoted: true,
            spaced: false,
        })
    }

    /// Skips white space and comments; true if there was any.
    fn skip_white(&mut self) -> Result<bool, AddressListError> {
        let start = self.position;
        loop {
            match self.peek() {
                Some(' ' | '\t') => {
                    self.advance();
                }
                Some('(') => self.skip_comment()?,
                _ => return Ok(self.position > start),
            }
        }
    }

    fn skip_comment(&mut self) -> Result<(), AddressListError> {
        let mut depth = 0;
        loop {
            match self.advance() {
                Some('(') => depth += 1,
                Some(')') => depth -= 1,
                Some('\\') => {
                    self.advance();
                }
                Some(_) => {}
                None => return Err(self.problem(AddressListProblem::UnclosedComment)),
            }
            if depth == 0 {
                return Ok(());
            }
            if depth > COMMENT_DEPTH_MAX {
                return Err(self.problem(AddressListProblem::CommentDepth));
            }
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> String {
        let rest = &self.text[self.position..];
        let end = rest.find(|char| !wanted(char)).unwrap_or(rest.len());
        self.position += end;
        rest[..end].to_owned()
    }

    fn peek(&self) -> Option<char> {
        self.text[self.position..].chars().next()
    }

    fn advance(&mut self) -> Option<char> {
        let char = self.peek()?;
        self.position += char.len_utf8();
        Some(char)
    }

    fn problem(&self, problem: AddressListProblem) -> AddressListError {
        AddressListError {
            position: self.position,
            problem,
        }
    }
}

enum Entry {
    Mailbox(Mailbox),
    GroupStart,
}

struct Word {
    raw: String,
    text: String,
    quoted: bool,
    spaced: bool,
}

fn join_phrase(words: &[Word]) -> String {
    let mut phrase = String::new();
    let mut after_encoded = false;
    for (index, word) in words.iter().enumerate() {
        let decoded = (!word.quoted)
            .then(|| decode_encoded_word(&word.text))
            .flatten();
        // White space between two encoded words is not part of the text
        // (RFC 2047 section 6.2).
        if index > 0 && word.spaced && !(after_encoded && decoded.is_some()) {
            phrase.push(' ');
        }
        after_encoded = decoded.is_some();
        phrase.push_str(decoded.as_deref().unwrap_or(&word.text));
    }
    phrase
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_fields_folding_and_the_body_boundary() {
        let message =
            b"From: a@b.example\r\nSubject: one\r\n two\r\nbroken line\r\n\r\nbody: no\r\n";
        let header = Header::parse(message);
        assert_eq!(header.fields.len(), 2);
        assert_eq!(header.fields[1].value(), "one two");
        assert_eq!(header.fields[1].line, 2);
        assert_eq!(header.stray_lines, [4]);
        assert_eq!(&message[header.octets..], b"body: no\r\n");
        assert_eq!(header.octets, Header::end_of(message).expect("an end"));
    }

    #[test]
    fn a_message_without_empty_line_is_all_header() {
        assert_eq!(Header::parse(b"From: a@b\r\n").octets, 11);
        assert_eq!(Header::parse(b"").octets, 0);
        assert_eq!(Header::parse(b"\r\nbody").octets, 2);
        assert_eq!(Header::end_of(b"From: a@b\r\n"), None);
    }

    #[test]
    fn white_space_before_the_colon_is_no_field() {
        let header = Header::parse(b"From : a@b.example\r\n\r\n");
        assert!(header.fields.is_empty());
        assert_eq!(header.stray_lines, [1]);
    }

    #[track_caller]
    fn check(value: &str, expected: &[(Option<&str>, &str)]) {
        let list = parse_address_list(value).expect(value);
        let found: Vec<_> = list
            .iter()
            .map(|mailbox| (mailbox.display_name.as_deref(), mailbox.address.as_str()))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn reads_address_lists() {
        check("", &[]);
        check("a@b.example", &[(None, "a@b.example")]);
        check("<a@b.example>", &[(None, "a@b.example")]);
        check(
            "\"Patel, Asha (EXAMPLE TRUST)\" <asha@b.example>, c@d.example",
            &[
                (Some("Patel, Asha (EXAMPLE TRUST)"), "asha@b.example"),
                (None, "c@d.example"),
            ],
        );
        check(
            "Fred (his nick\\)) Bloggs <f@b.example> (work)",
            &[(Some("Fred Bloggs"), "f@b.example")],
        );
        check(
            "Ward A. Desk <w@b.example>",
            &[(Some("Ward A. Desk"), "w@b.example")],
        );
        check(
            "Team: a@b.example, C <c@d.example>;",
            &[(None, "a@b.example"), (Some("C"), "c@d.example")],
        );
        check("undisclosed-recipients:;", &[]);
        check(
            "=?utf-8?q?K=C3=A4the?= =?UTF-8?B?IE0u?= <k@b.example>",
            &[(Some("Käthe M."), "k@b.example")],
        );
        check("\"odd one\"@b.example", &[(None, "\"odd one\"@b.example")]);
        check("x@[192.0.2.1]", &[(None, "x@[192.0.2.1]")]);
    }

    #[test]
    fn says_where_an_address_list_breaks() {
        for (value, position) in [
            ("\"never closed <a@b>", 19),
            ("a@b.example c@d.example", 12),
            ("Name only", 9),
            ("<a@b.example", 12),
            ("A <not-an-address>", 17),
            ("(open", 5),
        ] {
            let error = parse_address_list(value).expect_err(value);
            assert_eq!(error.position, position, "{value}: {error}");
        }
        assert!(parse_address_list(&"(".repeat(100_000)).is_err());
    }
}
