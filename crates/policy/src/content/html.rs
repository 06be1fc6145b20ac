//! The text of an HTML part, as its octets go by. No renderer: tags go,
//! character references are resolved, style and script are left out.

/// What stands where a block or a cell begins or ends: it parts lines for a
/// reader, and is none of the source.
pub(super) const SOFT_BREAK: u8 = 0x0b;

/// The longest tag name or character reference that is looked at.
const WORD_OCTETS_MAX: usize = 12;

/// Tags within a line: what stands on both sides belongs together.
const INLINE: [&[u8]; 24] = [
    b"a", b"abbr", b"b", b"bdi", b"bdo", b"big", b"cite", b"code", b"data", b"del", b"em", b"font",
    b"i", b"ins", b"kbd", b"mark", b"q", b"s", b"small", b"span", b"strong", b"sub", b"u", b"wbr",
];

#[derive(Debug)]
pub(super) struct Stripper {
    state: State,
    /// The name or reference being read.
    word: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Text,
    Reference,
    /// After `<`: the name, with its slash.
    TagName,
    Tag {
        quote: Option<u8>,
    },
    /// After `<!--`, with the number of hyphens just read.
    Comment {
        hyphens: u8,
    },
    /// Within style or script, until its end tag.
    Hidden,
    /// Within the same, after `<`.
    HiddenTag,
}

impl Stripper {
    pub(super) fn new() -> Self {
        Self {
            state: State::Text,
            word: Vec::new(),
        }
    }

    /// Appends the text of a piece to `out`.
    pub(super) fn feed(&mut self, mut piece: &[u8], out: &mut Vec<u8>) {
        while let Some((byte, rest)) = piece.split_first() {
            match self.state {
                State::Text => {
                    let plain = memchr::memchr2(b'<', b'&', piece).unwrap_or(piece.len());
                    out.extend_from_slice(&piece[..plain]);
                    let Some((found, rest)) = piece[plain..].split_first() else {
                        return;
                    };
                    self.word.clear();
                    self.state = if *found == b'<' {
                        State::TagName
                    } else {
                        State::Reference
                    };
                    piece = rest;
                    continue;
                }
                State::Reference => {
                    if *byte == b';' {
                        push_reference(&self.word, out);
                        self.state = State::Text;
                    } else if byte.is_ascii_alphanumeric() || *byte == b'#' {
                        self.word.push(*byte);
                        if self.word.len() > WORD_OCTETS_MAX {
                            self.give_up_reference(out);
                        }
                    } else {
                        self.give_up_reference(out);
                        continue;
                    }
                }
                State::TagName => {
                    if self.in_tag_name(*byte, out) {
                        continue;
                    }
                }
                State::Tag { quote } => self.in_tag(*byte, quote, out),
                State::Comment { hyphens } => {
                    self.state = match byte {
                        b'>' if hyphens >= 2 => State::Text,
                        b'-' => State::Comment {
                            hyphens: hyphens.saturating_add(1),
                        },
                        _ => State::Comment { hyphens: 0 },
                    };
                }
                State::Hidden => {
                    let plain = memchr::memchr(b'<', piece).unwrap_or(piece.len());
                    // Line ends are kept for the count of lines.
                    keep_line_ends(&piece[..plain], out);
                    self.word.clear();
                    piece = piece.get(plain + 1..).unwrap_or_default();
                    if plain < rest.len() + 1 {
                        self.state = State::HiddenTag;
                    }
                    continue;
                }
                State::HiddenTag => {
                    if *byte == b'<' {
                        self.word.clear();
                    } else if self.word.len() < WORD_OCTETS_MAX && *byte != b'>' {
                        self.word.push(byte.to_ascii_lowercase());
                    }
                    let ended = self.word == b"/style" || self.word == b"/script";
                    if ended {
                        self.state = State::Tag { quote: None };
                    } else if !b"/style".starts_with(&self.word)
                        && !b"/script".starts_with(&self.word)
                    {
                        self.state = State::Hidden;
                    }
                }
            }
            if *byte == b'\n' && self.state != State::Text {
                out.push(b'\n');
            }
            piece = rest;
        }
    }

    pub(super) fn finish(mut self, out: &mut Vec<u8>) {
        if self.state == State::Reference {
            self.give_up_reference(out);
        }
    }

    /// It was an ampersand and nothing more.
    fn give_up_reference(&mut self, out: &mut Vec<u8>) {
        out.push(b'&');
        out.append(&mut self.word);
        self.state = State::Text;
    }

    /// True when the octet is still to be read, in the new state.
    fn in_tag_name(&mut self, byte: u8, out: &mut Vec<u8>) -> bool {
        let starts = self.word.is_empty();
        match byte {
            b'/' | b'!' | b'?' if starts => self.word.push(byte),
            b'-' if self.word.starts_with(b"!") => {
                self.word.push(byte);
                if self.word == b"!--" {
                    self.state = State::Comment { hyphens: 0 };
                }
            }
            _ if byte.is_ascii_alphanumeric() => {
                if self.word.len() < WORD_OCTETS_MAX {
                    self.word.push(byte.to_ascii_lowercase());
                }
            }
            _ if starts => {
                // `a < b` opens no tag.
                out.push(b'<');
                self.state = State::Text;
                return true;
            }
            _ => {
                self.state = State::Tag { quote: None };
                return true;
            }
        }
        false
    }

    fn in_tag(&mut self, byte: u8, quote: Option<u8>, out: &mut Vec<u8>) {
        match (byte, quote) {
            (b'>', None) => {
                self.state = if self.word == b"style" || self.word == b"script" {
                    State::Hidden
                } else {
                    State::Text
                };
                let name = self.word.strip_prefix(b"/").unwrap_or(&self.word);
                if !INLINE.contains(&name) {
                    out.push(SOFT_BREAK);
                }
            }
            (b'"' | b'\'', None) => self.state = State::Tag { quote: Some(byte) },
            (_, Some(open)) if byte == open => self.state = State::Tag { quote: None },
            _ => {}
        }
    }
}

fn keep_line_ends(piece: &[u8], out: &mut Vec<u8>) {
    let count = memchr::memchr_iter(b'\n', piece).count();
    out.resize(out.len() + count, b'\n');
}

/// The characters that part or make up numbers and words; the rest of the
/// named ones are letters and signs that nothing here looks for.
fn push_reference(word: &[u8], out: &mut Vec<u8>) {
    let number = word.strip_prefix(b"#").and_then(|digits| {
        let digits = std::str::from_utf8(digits).ok()?;
        let code = match digits.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => digits.parse().ok()?,
        };
        char::from_u32(code)
    });
    let char = match word {
        b"nbsp" => Some('\u{a0}'),
        b"ensp" | b"emsp" | b"thinsp" => Some(' '),
        b"hyphen" | b"dash" | b"shy" | b"ndash" | b"minus" => Some('-'),
        b"amp" => Some('&'),
        b"lt" => Some('<'),
        b"gt" => Some('>'),
        b"quot" => Some('"'),
        b"apos" => Some('\''),
        b"colon" => Some(':'),
        b"lsqb" | b"lbrack" => Some('['),
        b"rsqb" | b"rbrack" => Some(']'),
        b"sol" => Some('/'),
        b"period" => Some('.'),
        _ => number,
    };
    match char {
        Some(char) => out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        None => {
            out.push(b'&');
            out.extend_from_slice(word);
            out.push(b';');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(html: &str, expected: &str) {
        for size in 1..=html.len() {
            let mut stripper = Stripper::new();
            let mut out = Vec::new();
            for piece in html.as_bytes().chunks(size) {
                stripper.feed(piece, &mut out);
            }
            stripper.finish(&mut out);
            let text = String::from_utf8_lossy(&out).replace('\u{b}', "|");
            assert_eq!(text, expected, "{html} by {size}");
        }
    }

    #[test]
    fn keeps_the_text_and_its_lines() {
        check("plain", "plain");
        check("<p>a <b>b</b>c</p>\n<td>d</td>", "|a bc|\n|d|");
        check("999&nbsp;000&#32;00&#x30;1", "999\u{a0}000 0001");
        check("a & b &x; &never", "a & b &x; &never");
        check("a < b <> c", "a < b <> c");
        check("<a href=\"x>y\nz\">link</a>", "\nlink");
        check("x<!-- - -- no\n -->y", "x\ny");
        check("x<style>\np { a < b }\n</style >y", "x|\n\n|y");
        check("<script>if (a</b) </script>z", "||z");
        check("<script><</script>z", "||z");
        check("<!DOCTYPE html><br/>z", "||z");
    }
}
