//! Address lists as ENVELOPE shows them (RFC 3501 section 7.4.2): what can be
//! told of any list, in order, and never an error.

use mailward_wire::imap::EnvelopeAddress;

use crate::mime::ADDRESSES_MAX;

/// Reads an unfolded field value. Encoded words stay encoded.
pub(crate) fn parse(field: &[u8]) -> Vec<EnvelopeAddress> {
    let mut reader = Reader {
        rest: field,
        addresses: Vec::new(),
        words: Words::default(),
        in_group: false,
    };
    reader.read();
    reader.addresses
}

/// The words seen since the last address ended.
#[derive(Default)]
struct Words {
    /// With single spaces between, quotes taken off.
    phrase: Vec<u8>,
    /// Without spaces, for an address that stands alone.
    local: Vec<u8>,
    /// After an @.
    domain: Option<Vec<u8>>,
    /// A comment, by which old mail names people.
    comment: Vec<u8>,
    spaced: bool,
}

struct Reader<'a> {
    rest: &'a [u8],
    addresses: Vec<EnvelopeAddress>,
    words: Words,
    in_group: bool,
}

impl Reader<'_> {
    fn read(&mut self) {
        while let Some((byte, rest)) = self.rest.split_first() {
            if self.addresses.len() >= ADDRESSES_MAX {
                return;
            }
            match byte {
                b' ' | b'\t' => {
                    self.words.spaced = true;
                    self.rest = rest;
                }
                b'"' => {
                    let quoted = self.delimited(b'"', b'"');
                    self.word(&quoted, true);
                }
                b'(' => self.words.comment = self.delimited(b'(', b')'),
                b'[' => {
                    let mut literal = vec![b'['];
                    literal.extend(self.delimited(b'[', b']'));
                    literal.push(b']');
                    self.word(&literal, false);
                }
                b'<' => {
                    let inner = self.delimited(b'<', b'>');
                    self.angle(&inner);
                }
                b'@' => {
                    self.words.domain = Some(Vec::new());
                    self.rest = rest;
                }
                b':' if !self.in_group && self.words.domain.is_none() => {
                    let words = std::mem::take(&mut self.words);
                    self.addresses.push(EnvelopeAddress {
                        mailbox: Some(words.phrase),
                        ..EnvelopeAddress::default()
                    });
                    self.in_group = true;
                    self.rest = rest;
                }
                b',' | b';' => {
                    self.finish();
                    if *byte == b';' && std::mem::take(&mut self.in_group) {
                        self.addresses.push(EnvelopeAddress::default());
                    }
                    self.rest = rest;
                }
                _ => {
                    let end = self
                        .rest
                        .iter()
                        .position(|byte| b" \t\"([<@:,;".contains(byte))
                        .unwrap_or(self.rest.len())
                        .max(1);
                    let atom = self.rest[..end].to_vec();
                    self.rest = &self.rest[end..];
                    self.word(&atom, false);
                }
            }
        }
        self.finish();
        if self.in_group {
            self.addresses.push(EnvelopeAddress::default());
        }
    }

    fn word(&mut self, word: &[u8], quoted: bool) {
        let words = &mut self.words;
        if let Some(domain) = &mut words.domain {
            domain.extend_from_slice(word);
            return;
        }
        if words.spaced && !words.phrase.is_empty() {
            words.phrase.push(b' ');
        }
        words.spaced = false;
        words.phrase.extend_from_slice(word);
        if quoted && word.iter().any(|byte| b" \"\\@<>(),:;".contains(byte)) {
            words.local.push(b'"');
            words.local.extend_from_slice(word);
            words.local.push(b'"');
        } else {
            words.local.extend_from_slice(word);
        }
    }

    /// `<local@domain>` after an optional phrase, perhaps with an obsolete
    /// route (RFC 5322 section 4.4).
    fn angle(&mut self, inner: &[u8]) {
        let inner = without_comments(inner);
        let inner = inner.trim_ascii();
        let (route, inner) = match inner.iter().position(|byte| *byte == b':') {
            Some(colon) if inner.starts_with(b"@") => {
                (Some(inner[..colon].to_vec()), &inner[colon + 1..])
            }
            _ => (None, inner),
        };
        let words = std::mem::take(&mut self.words);
        let name = if words.phrase.is_empty() {
            words.comment
        } else {
            words.phrase
        };
        let at = inner.iter().rposition(|byte| *byte == b'@');
        let (mailbox, host) = match at {
            Some(at) => (&inner[..at], Some(inner[at + 1..].to_vec())),
            None => (inner, None),
        };
        self.push(name, mailbox.to_vec(), host);
        if let Some(address) = self.addresses.last_mut() {
            address.route = route;
        }
    }

    /// An address without angle brackets, or nothing.
    fn finish(&mut self) {
        let words = std::mem::take(&mut self.words);
        if !words.local.is_empty() || words.domain.is_some() {
            self.push(words.comment, words.local, words.domain);
        }
    }

    fn push(&mut self, name: Vec<u8>, mailbox: Vec<u8>, host: Option<Vec<u8>>) {
        // Without a host it would read as the start of a group.
        let host = host.unwrap_or_default();
        self.addresses.push(EnvelopeAddress {
            name: (!name.is_empty()).then_some(name),
            mailbox: Some(mailbox),
            host: Some(host),
            route: None,
        });
        // An address that follows without a comma starts anew.
        self.words = Words::default();
    }

    /// What stands between two delimiters, nested ones of comments included;
    /// everything when the second is missing.
    fn delimited(&mut self, open: u8, close: u8) -> Vec<u8> {
        let mut text = Vec::new();
        let mut depth = 0_usize;
        let mut position = 0;
        while let Some(byte) = self.rest.get(position).copied() {
            position += 1;
            if byte == b'\\' && open != b'<' {
                text.extend(self.rest.get(position));
                position += 1;
            } else if byte == close && (open == close || depth == 1) && position > 1 {
                break;
            } else if byte == open && (open == b'(' || depth == 0) {
                depth += 1;
                if depth > 1 {
                    text.push(byte);
                }
            } else {
                if byte == close {
                    depth -= 1;
                }
                text.push(byte);
            }
        }
        self.rest = &self.rest[position.min(self.rest.len())..];
        text
    }
}

/// What stands between angle brackets, without comments and the white space
/// around them.
fn without_comments(inner: &[u8]) -> Vec<u8> {
    if !inner.contains(&b'(') {
        return inner.to_vec();
    }
    let (mut kept, mut depth, mut quoted) = (Vec::new(), 0_usize, false);
    for byte in inner {
        match byte {
            b'"' if depth == 0 => quoted = !quoted,
            b'(' if !quoted => {
                depth += 1;
                continue;
            }
            b')' if !quoted => {
                depth = depth.saturating_sub(1);
                continue;
            }
            _ => {}
        }
        if depth == 0 && (quoted || !byte.is_ascii_whitespace()) {
            kept.push(*byte);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(field: &str, expected: &[(&str, &str, &str)]) {
        let text = |octets: Option<Vec<u8>>| {
            octets.map_or("NIL".to_owned(), |octets| {
                String::from_utf8_lossy(&octets).into_owned()
            })
        };
        let found: Vec<(String, String, String)> = parse(field.as_bytes())
            .into_iter()
            .map(|address| {
                (
                    text(address.name),
                    text(address.mailbox),
                    text(address.host),
                )
            })
            .collect();
        let expected: Vec<(String, String, String)> = expected
            .iter()
            .map(|(name, mailbox, host)| {
                (
                    (*name).to_owned(),
                    (*mailbox).to_owned(),
                    (*host).to_owned(),
                )
            })
            .collect();
        assert_eq!(found, expected, "{field}");
    }

    #[test]
    fn reads_lists() {
        check("", &[]);
        check("a@b.example", &[("NIL", "a", "b.example")]);
        check(
            "Asha Patel <asha@b.example>",
            &[("Asha Patel", "asha", "b.example")],
        );
        check(
            r#""Patel, \"A\"" <asha@b.example>, ben@b.example (Ben)"#,
            &[
                (r#"Patel, "A""#, "asha", "b.example"),
                ("Ben", "ben", "b.example"),
            ],
        );
        check(
            "=?utf-8?q?K=C3=A4the?= <k@b.example>",
            &[("=?utf-8?q?K=C3=A4the?=", "k", "b.example")],
        );
        check(
            "<@r.example,@s.example:a@b.example>",
            &[("NIL", "a", "b.example")],
        );
        check("a@[192.0.2.1]", &[("NIL", "a", "[192.0.2.1]")]);
        check(
            "\"odd one\"@b.example",
            &[("NIL", "\"odd one\"", "b.example")],
        );
    }

    #[test]
    fn reads_groups() {
        check(
            "undisclosed-recipients:;",
            &[
                ("NIL", "undisclosed-recipients", "NIL"),
                ("NIL", "NIL", "NIL"),
            ],
        );
        check(
            "Ward Team: a@b.example, C <c@d.example>; e@f.example",
            &[
                ("NIL", "Ward Team", "NIL"),
                ("NIL", "a", "b.example"),
                ("C", "c", "d.example"),
                ("NIL", "NIL", "NIL"),
                ("NIL", "e", "f.example"),
            ],
        );
    }

    #[test]
    fn makes_the_best_of_broken_lists() {
        check("asha", &[("NIL", "asha", "")]);
        check(",,;,", &[]);
        check("\"never closed", &[("NIL", "\"never closed\"", "")]);
        check("A <asha@b.example", &[("A", "asha", "b.example")]);
        check("(((((", &[]);
        check("<>", &[("NIL", "", "")]);
        let many = "a@b.example, ".repeat(ADDRESSES_MAX + 5);
        assert_eq!(parse(many.as_bytes()).len(), ADDRESSES_MAX);
    }
}
