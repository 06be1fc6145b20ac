//! Command lines out of octets. Limits live here, so that a bad line is
//! dropped without losing one's place.
//!
//! A line ends in CRLF. One that holds a bare LF is answered at that LF, so
//! that a client that never sends CRLF hears why nothing works, and the rest
//! of the line up to CRLF is dropped: it must not pass for a command of its
//! own.

use std::borrow::Cow;

use memchr::memchr;
use zeroize::Zeroize as _;

/// Holds what has arrived of a line that has not ended yet.
#[derive(Debug, Default)]
pub(super) struct Framer {
    line: Vec<u8>,
    dropping: Option<Dropping>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dropping {
    /// To be answered at its end.
    TooLong { octets_max: usize },
    /// Answered already.
    AfterBareLf,
}

/// What the framer found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Frame<'i> {
    /// A line without its CRLF, with neither CR, LF nor NUL in it.
    Line(Cow<'i, [u8]>),
    TooLong {
        octets_max: usize,
    },
    BareLineEnd,
    Nul,
}

impl Framer {
    /// The next line, or nothing once all input is used up. `octets_max` gives
    /// the limit (with CRLF) for a line that begins with the octets passed.
    pub(super) fn next<'i>(
        &mut self,
        input: &mut &'i [u8],
        octets_max: impl Fn(&[u8]) -> usize,
    ) -> Option<Frame<'i>> {
        loop {
            let Some(end) = memchr(b'\n', input) else {
                self.gather(input, octets_max);
                *input = &[];
                return None;
            };
            let (piece, rest) = input.split_at(end + 1);
            *input = rest;
            if let Some(frame) = self.end_line(piece, &octets_max) {
                return Some(frame);
            }
        }
    }

    /// Forgets a line begun, wiping it: it may be part of a password.
    pub(super) fn clear(&mut self) {
        self.line.zeroize();
        *self = Self::default();
    }

    fn gather(&mut self, piece: &[u8], octets_max: impl Fn(&[u8]) -> usize) {
        match self.dropping {
            // Of a line that is dropped only a CR at the end matters.
            Some(_) => self.keep_last(piece),
            None => {
                self.line.extend_from_slice(piece);
                let octets_max = octets_max(&self.line);
                // A CR at the limit may yet be followed by its LF.
                if self.line.len() >= octets_max {
                    self.dropping = Some(Dropping::TooLong { octets_max });
                    self.keep_last(&[]);
                }
            }
        }
    }

    fn keep_last(&mut self, piece: &[u8]) {
        if let Some(last) = piece.last().or(self.line.last()).copied() {
            self.line.zeroize();
            self.line = vec![last];
        }
    }

    /// Handles a piece that ends in LF.
    fn end_line<'i>(
        &mut self,
        piece: &'i [u8],
        octets_max: impl Fn(&[u8]) -> usize,
    ) -> Option<Frame<'i>> {
        let line: Cow<'i, [u8]> = if self.line.is_empty() {
            Cow::Borrowed(piece)
        } else {
            self.line.extend_from_slice(piece);
            Cow::Owned(std::mem::take(&mut self.line))
        };
        let Some(content) = line.strip_suffix(b"\r\n") else {
            self.dropping = Some(Dropping::AfterBareLf);
            return Some(Frame::BareLineEnd);
        };
        match self.dropping.take() {
            Some(Dropping::AfterBareLf) => return None,
            Some(Dropping::TooLong { octets_max }) => return Some(Frame::TooLong { octets_max }),
            None => {}
        }
        let octets_max = octets_max(content);
        if line.len() > octets_max {
            return Some(Frame::TooLong { octets_max });
        }
        if memchr(b'\r', content).is_some() {
            return Some(Frame::BareLineEnd);
        }
        if memchr(0, content).is_some() {
            return Some(Frame::Nul);
        }
        let length = content.len();
        Some(Frame::Line(match line {
            Cow::Borrowed(whole) => Cow::Borrowed(&whole[..length]),
            Cow::Owned(mut whole) => {
                whole.truncate(length);
                Cow::Owned(whole)
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 12;

    /// All frames of `input`, fed in pieces of `size` octets.
    fn frames(input: &[u8], size: usize) -> Vec<String> {
        let mut framer = Framer::default();
        let mut found = Vec::new();
        for mut piece in input.chunks(size) {
            while let Some(frame) = framer.next(&mut piece, |_| MAX) {
                found.push(match frame {
                    Frame::Line(line) => String::from_utf8_lossy(&line).into_owned(),
                    Frame::TooLong { octets_max } => format!("!long {octets_max}"),
                    Frame::BareLineEnd => "!bare".to_owned(),
                    Frame::Nul => "!nul".to_owned(),
                });
            }
        }
        found
    }

    #[test]
    fn frames_the_same_however_it_arrives() {
        let cases: [(&[u8], &[&str]); 12] = [
            (b"NOOP\r\nQUIT\r\n", &["NOOP", "QUIT"]),
            (b"\r\n", &[""]),
            (b"0123456789\r\n", &["0123456789"]),
            (b"01234567890\r\nNOOP\r\n", &["!long 12", "NOOP"]),
            (
                b"0123456789012345678901234\r\nNOOP\r\n",
                &["!long 12", "NOOP"],
            ),
            (b"NOOP\nRSET\r\nQUIT\r\n", &["!bare", "QUIT"]),
            (b"A\nB\nC\r\nQUIT\r\n", &["!bare", "!bare", "QUIT"]),
            (b"A\rB\r\nQUIT\r\n", &["!bare", "QUIT"]),
            (b"A\r\r\nQUIT\r\n", &["!bare", "QUIT"]),
            (b"A\0B\r\nQUIT\r\n", &["!nul", "QUIT"]),
            (b"01234567890123456\nB\r\nQUIT\r\n", &["!bare", "QUIT"]),
            (b"unfinished\r", &[]),
        ];
        for (input, expected) in cases {
            for size in 1..=input.len() {
                assert_eq!(frames(input, size), expected, "{input:?} by {size}");
            }
        }
    }

    #[test]
    fn holds_no_more_than_the_limit() {
        let mut framer = Framer::default();
        for _ in 0..1000 {
            let mut input: &[u8] = &[b'x'; 100];
            assert_eq!(framer.next(&mut input, |_| MAX), None);
            assert!(framer.line.len() <= 1, "an endless line is dropped");
        }
    }
}
