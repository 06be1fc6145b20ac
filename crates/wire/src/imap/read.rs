//! Reading the elements that all commands are made of (RFC 3501 section 9).

use super::command::Flag;
use super::extended::Dialect;
use super::mailbox::MailboxName;
use super::sequence::SequenceSet;

/// An element that is not what the grammar wants there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{expected} expected at octet {position}")]
pub struct SyntaxError {
    pub position: usize,
    pub expected: &'static str,
}

pub(super) type Parsed<T> = Result<T, SyntaxError>;

/// A place in a command whose literals follow their announcement.
#[derive(Clone, Debug)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
    pub(super) dialect: Dialect,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self::with(bytes, Dialect::default())
    }

    pub(super) fn with(bytes: &'a [u8], dialect: Dialect) -> Self {
        Self {
            bytes,
            position: 0,
            dialect,
        }
    }

    pub(super) fn rest(&self) -> &'a [u8] {
        &self.bytes[self.position..]
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    pub(super) fn error<T>(&self, expected: &'static str) -> Parsed<T> {
        Err(SyntaxError {
            position: self.position,
            expected,
        })
    }

    /// Takes `byte` if it is next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.position += usize::from(found);
        found
    }

    /// Takes two octets, the second in any case, if they are next.
    pub(super) fn take_both(&mut self, both: &[u8; 2]) -> bool {
        let found = self
            .rest()
            .get(..2)
            .is_some_and(|next| next.eq_ignore_ascii_case(both));
        self.position += 2 * usize::from(found);
        found
    }

    pub(super) fn expect(&mut self, byte: u8, expected: &'static str) -> Parsed<()> {
        if self.take(byte) {
            Ok(())
        } else {
            self.error(expected)
        }
    }

    pub(super) fn space(&mut self) -> Parsed<()> {
        self.expect(b' ', "a space")
    }

    /// The end of the command; white space before it is `quirk_trailing_space`.
    pub(super) fn end(&mut self) -> Parsed<()> {
        while self.take(b' ') {}
        if self.rest().is_empty() {
            Ok(())
        } else {
            self.error("the end of the command")
        }
    }

    pub(super) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest
            .iter()
            .position(|byte| !wanted(*byte))
            .unwrap_or(rest.len());
        self.position += length;
        &rest[..length]
    }

    /// Takes `word`, in any case, if it is next and ends there.
    pub(super) fn keyword(&mut self, word: &str) -> bool {
        let rest = self.rest();
        let found = rest.len() >= word.len()
            && rest[..word.len()].eq_ignore_ascii_case(word.as_bytes())
            && !rest.get(word.len()).copied().is_some_and(is_atom_char);
        if found {
            self.position += word.len();
        }
        found
    }

    pub(super) fn atom(&mut self) -> Parsed<&'a str> {
        let atom = self.take_while(|byte| is_atom_char(byte) && byte.is_ascii());
        if atom.is_empty() {
            return self.error("an atom");
        }
        std::str::from_utf8(atom).or_else(|_| self.error("an atom"))
    }

    /// A number that is not zero-padded beyond what fits in 32 bits.
    pub(super) fn number(&mut self) -> Parsed<u32> {
        self.digits()
    }

    /// A mod-sequence, which has 63 bits (RFC 7162 section 7).
    pub(super) fn number64(&mut self) -> Parsed<u64> {
        self.digits::<i64>().map(i64::unsigned_abs)
    }

    fn digits<T: std::str::FromStr>(&mut self) -> Parsed<T> {
        let start = self.position;
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        std::str::from_utf8(digits)
            .ok()
            .and_then(|text| text.parse().ok())
            .ok_or(SyntaxError {
                position: start,
                expected: "a number",
            })
    }

    pub(super) fn astring(&mut self) -> Parsed<Vec<u8>> {
        match self.peek() {
            Some(b'"' | b'{') => self.string(),
            _ => {
                let atom = self.take_while(|byte| is_atom_char(byte) || byte == b']');
                if atom.is_empty() {
                    return self.error("a string");
                }
                Ok(atom.to_vec())
            }
        }
    }

    /// An astring in UTF-8.
    pub(super) fn text(&mut self) -> Parsed<String> {
        let position = self.position;
        String::from_utf8(self.astring()?).map_err(|_| SyntaxError {
            position,
            expected: "UTF-8",
        })
    }

    pub(super) fn nstring(&mut self) -> Parsed<Option<Vec<u8>>> {
        if self.keyword("NIL") {
            return Ok(None);
        }
        self.string().map(Some)
    }

    pub(super) fn string(&mut self) -> Parsed<Vec<u8>> {
        if self.take(b'{') {
            return self.literal();
        }
        self.expect(b'"', "a string")?;
        let mut text = Vec::new();
        loop {
            match self.peek() {
                None | Some(0 | b'\r' | b'\n') => return self.error("a closing quote"),
                Some(b'"') => {
                    self.position += 1;
                    return Ok(text);
                }
                Some(b'\\') => {
                    self.position += 1;
                    match self.peek() {
                        Some(byte @ (b'"' | b'\\')) => text.push(byte),
                        _ => return self.error("a quoted character"),
                    }
                }
                Some(byte) => text.push(byte),
            }
            self.position += 1;
        }
    }

    /// An nstring from a server, whose literals may hold any octet: messages
    /// with NUL are in mailboxes, whatever the grammar says.
    pub(super) fn octets(&mut self) -> Parsed<Option<Vec<u8>>> {
        if self.keyword("NIL") {
            return Ok(None);
        }
        if self.take(b'{') {
            return self.any_literal().map(|literal| Some(literal.to_vec()));
        }
        self.string().map(Some)
    }

    fn literal(&mut self) -> Parsed<Vec<u8>> {
        let literal = self.any_literal()?;
        if literal.contains(&0) {
            return self.error("a literal without NUL");
        }
        Ok(literal.to_vec())
    }

    /// After the opening brace. The framing has seen to the size.
    fn any_literal(&mut self) -> Parsed<&'a [u8]> {
        let octets = self.number()?;
        self.take(b'+');
        self.expect(b'}', "a closing brace")?;
        self.take(b'\r');
        self.expect(b'\n', "a line end after the literal's size")?;
        let rest = self.rest();
        let octets = usize::try_from(octets).unwrap_or(usize::MAX);
        if rest.len() < octets {
            return self.error("the whole literal");
        }
        self.position += octets;
        Ok(&rest[..octets])
    }

    pub(super) fn mailbox(&mut self) -> Parsed<MailboxName> {
        let position = self.position;
        let wire = self.astring()?;
        self.name(&wire).ok_or(SyntaxError {
            position,
            expected: "a mailbox name in modified UTF-7",
        })
    }

    /// A pattern of LIST: like an astring, with wildcards.
    pub(super) fn list_pattern(&mut self) -> Parsed<String> {
        let position = self.position;
        let wire = match self.peek() {
            Some(b'"' | b'{') => self.string()?,
            _ => self
                .take_while(|byte| is_atom_char(byte) || matches!(byte, b'%' | b'*' | b']'))
                .to_vec(),
        };
        self.name(&wire)
            .map(|name| name.as_str().to_owned())
            .ok_or(SyntaxError {
                position,
                expected: "a mailbox pattern in modified UTF-7",
            })
    }

    fn name(&self, wire: &[u8]) -> Option<MailboxName> {
        if self.dialect.utf8_names {
            return std::str::from_utf8(wire).ok().map(MailboxName::new);
        }
        // What is no modified UTF-7 is the name of no mailbox, and not a
        // command that can't be read.
        MailboxName::from_wire(wire).or_else(|| {
            std::str::from_utf8(wire)
                .ok()
                .map(|_| MailboxName::impossible())
        })
    }

    pub(super) fn sequence_set(&mut self) -> Parsed<SequenceSet> {
        let start = self.position;
        if self.dialect.extended && self.take(b'$') {
            return Ok(SequenceSet::saved());
        }
        let text =
            self.take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'*' | b':' | b','));
        std::str::from_utf8(text)
            .ok()
            .and_then(SequenceSet::parse)
            .ok_or(SyntaxError {
                position: start,
                expected: "a sequence set",
            })
    }

    pub(super) fn flag(&mut self) -> Parsed<Flag> {
        let system = self.take(b'\\');
        let name = self.atom()?;
        Ok(Flag::named(&if system {
            format!("\\{name}")
        } else {
            name.to_owned()
        }))
    }

    /// `(\Seen $MDNSent)`, also empty.
    pub(super) fn flag_list(&mut self) -> Parsed<Vec<Flag>> {
        self.parenthesised(true, Self::flag)
    }

    /// `(a b c)`.
    pub(super) fn parenthesised<T>(
        &mut self,
        may_be_empty: bool,
        mut element: impl FnMut(&mut Self) -> Parsed<T>,
    ) -> Parsed<Vec<T>> {
        self.expect(b'(', "an opening parenthesis")?;
        let mut elements = Vec::new();
        if may_be_empty && self.take(b')') {
            return Ok(elements);
        }
        loop {
            elements.push(element(self)?);
            if self.take(b')') {
                return Ok(elements);
            }
            self.space()?;
        }
    }
}

/// An ATOM-CHAR, or an octet beyond ASCII (`quirk_eight_bit_strings`).
pub(super) fn is_atom_char(byte: u8) -> bool {
    byte > b' '
        && byte != 0x7f
        && !matches!(byte, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}
