//! Text in the charsets that applications write, as UTF-8, as the octets go by.
//!
//! UTF-8 and US-ASCII pass as they are, ISO-8859-1 and Windows-1252 are mapped
//! (the second is a superset of what is ever meant by the first, WHATWG
//! Encoding section 9), UTF-16 is read by its byte order mark, else as its
//! name says, else little-endian. Charsets that are none of these but agree
//! with ASCII pass unchanged: what is looked for in them is mostly ASCII.

/// A decoder for one text.
#[derive(Clone, Debug)]
pub struct CharsetDecoder {
    charset: Charset,
    /// The first octets, until the byte order mark is told.
    start: Vec<u8>,
    started: bool,
    /// Of UTF-16: half a unit, and half a pair of surrogates.
    half_unit: Option<u8>,
    high_surrogate: Option<u16>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Charset {
    /// Passed on as it is.
    Ascii,
    Windows1252,
    Utf16 {
        big_endian: bool,
    },
}

/// The longest byte order mark.
const MARK_OCTETS_MAX: usize = 3;

impl CharsetDecoder {
    /// For the charset of this name; what we don't know passes unchanged.
    pub fn named(charset: Option<&[u8]>) -> Self {
        charset
            .and_then(Self::known)
            .unwrap_or_else(|| Self::new(Charset::Ascii))
    }

    /// For the charset of this name, if we know it.
    pub fn known(charset: &[u8]) -> Option<Self> {
        let name = charset.trim_ascii().to_ascii_lowercase();
        let charset = match name.as_slice() {
            b"utf-8" | b"utf8" | b"us-ascii" | b"ascii" => Charset::Ascii,
            b"iso-8859-1" | b"latin1" | b"iso8859-1" | b"windows-1252" | b"cp1252"
            | b"iso-8859-15" => Charset::Windows1252,
            b"utf-16" | b"utf16" | b"utf-16le" | b"unicode" | b"ucs-2" => {
                Charset::Utf16 { big_endian: false }
            }
            b"utf-16be" => Charset::Utf16 { big_endian: true },
            _ => return None,
        };
        Some(Self::new(charset))
    }

    fn new(charset: Charset) -> Self {
        Self {
            charset,
            start: Vec::new(),
            started: false,
            half_unit: None,
            high_surrogate: None,
        }
    }

    /// Decodes a piece to the end of `out`.
    pub fn feed(&mut self, mut piece: &[u8], out: &mut Vec<u8>) {
        if !self.started {
            let wanted = (MARK_OCTETS_MAX - self.start.len()).min(piece.len());
            self.start.extend_from_slice(&piece[..wanted]);
            piece = &piece[wanted..];
            if self.start.len() < MARK_OCTETS_MAX {
                return;
            }
            self.begin(out);
        }
        self.decode(piece, out);
    }

    /// What was still waiting for more.
    pub fn finish(mut self, out: &mut Vec<u8>) {
        if !self.started {
            self.begin(out);
        }
        if self.half_unit.is_some() || self.high_surrogate.is_some() {
            push(char::REPLACEMENT_CHARACTER, out);
        }
    }

    /// A byte order mark says more than a name does.
    fn begin(&mut self, out: &mut Vec<u8>) {
        self.started = true;
        let start = std::mem::take(&mut self.start);
        let mark = match start.as_slice() {
            [0xef, 0xbb, 0xbf, ..] => {
                self.charset = Charset::Ascii;
                3
            }
            [0xff, 0xfe, ..] => {
                self.charset = Charset::Utf16 { big_endian: false };
                2
            }
            [0xfe, 0xff, ..] => {
                self.charset = Charset::Utf16 { big_endian: true };
                2
            }
            _ => 0,
        };
        self.decode(&start[mark..], out);
    }

    fn decode(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        match self.charset {
            Charset::Ascii => out.extend_from_slice(piece),
            Charset::Windows1252 => {
                for byte in piece {
                    match byte {
                        0..0x80 => out.push(*byte),
                        0x80..0xa0 => push(WINDOWS_1252[usize::from(byte - 0x80)], out),
                        _ => push(char::from(*byte), out),
                    }
                }
            }
            Charset::Utf16 { big_endian } => {
                for byte in piece {
                    let Some(first) = self.half_unit.take() else {
                        self.half_unit = Some(*byte);
                        continue;
                    };
                    let pair = [first, *byte];
                    self.take_unit(
                        if big_endian {
                            u16::from_be_bytes(pair)
                        } else {
                            u16::from_le_bytes(pair)
                        },
                        out,
                    );
                }
            }
        }
    }

    fn take_unit(&mut self, unit: u16, out: &mut Vec<u8>) {
        let units = self.high_surrogate.take().into_iter().chain([unit]);
        for decoded in char::decode_utf16(units) {
            match decoded {
                Ok(char) => push(char, out),
                // The first half of a pair waits for its second.
                Err(_) if (0xd800..0xdc00).contains(&unit) && self.high_surrogate.is_none() => {
                    self.high_surrogate = Some(unit);
                }
                Err(_) => push(char::REPLACEMENT_CHARACTER, out),
            }
        }
    }
}

fn push(char: char, out: &mut Vec<u8>) {
    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
}

/// 0x80 to 0x9f; five are not assigned.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(charset: &str, octets: &[u8], expected: &str) {
        for size in 1..=octets.len().max(1) {
            let mut decoder = CharsetDecoder::named(Some(charset.as_bytes()));
            let mut out = Vec::new();
            for piece in octets.chunks(size) {
                decoder.feed(piece, &mut out);
            }
            decoder.finish(&mut out);
            assert_eq!(
                String::from_utf8_lossy(&out),
                expected,
                "{charset} by {size}"
            );
        }
    }

    #[test]
    fn decodes_wherever_pieces_end() {
        check("UTF-8", "Käthe".as_bytes(), "Käthe");
        check("utf-8", b"\xef\xbb\xbfa", "a");
        check("x-unknown", b"abc", "abc");
        check("ISO-8859-1", b"K\xe4the", "Käthe");
        check("windows-1252", b"\x80 5\xa0", "€ 5\u{a0}");
        check("utf-16le", b"a\0b\0", "ab");
        check("utf-16be", b"\0a\0b", "ab");
        check("utf-16", b"\xfe\xff\0a", "a");
        check("us-ascii", b"\xff\xfea\0", "a");
        check("utf-16be", b"\xd8\x3d\xde\x00!", "😀\u{fffd}");
        check("utf-16be", b"\xd8\x3d\0a", "\u{fffd}a");
        check("utf-16be", b"\xde\x00\xd8\x3d", "\u{fffd}\u{fffd}");
        check("utf-16le", b"", "");
    }
}
