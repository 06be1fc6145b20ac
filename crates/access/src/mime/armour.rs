//! Binary parts put into base64 as a message comes in, by APPEND (RFC 3516
//! section 4.4) or with BODY=BINARYMIME (RFC 3030), so that all of it can be
//! given as text afterwards, by IMAP and POP3 alike.
//!
//! ```text
//!   octets ─▶ window ─▶ as they are ─────────────▶ message that is kept
//!               │  └──▶ leaf "binary" ─▶ base64 ──▶
//!               └─▶ Walker: where headers and bodies begin and end
//! ```
//!
//! Every leaf whose transfer encoding is `binary` is encoded, whether it holds
//! a NUL or not: that is known when its header has gone out already.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailward_mail::mime::{Begin, HEADER_OCTETS_MAX, HeaderEnd, Nesting, Visitor, Walker, fields};

/// Octets that one line of base64 holds (RFC 2045 section 6.8).
const LINE_OCTETS: usize = 57;
/// A line end that may yet turn out to be the delimiter's.
const LINE_END_OCTETS: u64 = 2;

/// A NUL outside of all binary parts, where nothing can encode it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StrayNul;

/// Takes a message in pieces of any size, and gives what is to be kept of it.
/// Holds one header section at most, see [`HEADER_OCTETS_MAX`].
#[derive(Debug)]
pub struct Armour {
    walker: Walker<Marks>,
    /// What has come and not gone out, from octet `start` of the message on.
    window: Vec<u8>,
    start: u64,
    mode: Mode,
    stray_nul: bool,
}

#[derive(Debug)]
enum Mode {
    AsItIs,
    /// A header that may have to be written otherwise.
    Header,
    Encoding {
        body_start: u64,
        /// Less than a line, to be encoded with what follows.
        rest: Vec<u8>,
        lines: u64,
    },
}

impl Default for Armour {
    fn default() -> Self {
        Self {
            walker: Walker::new(Marks::default()),
            window: Vec::new(),
            start: 0,
            mode: Mode::AsItIs,
            stray_nul: false,
        }
    }
}

impl Armour {
    /// Appends to `out` what is settled.
    pub fn feed(&mut self, octets: &[u8], out: &mut Vec<u8>) {
        self.window.extend_from_slice(octets);
        self.walker.feed(octets);
        let marks = std::mem::take(&mut self.walker.visitor_mut().marks);
        self.follow(marks, out);
        match &self.mode {
            Mode::Header if self.window.len() <= HEADER_OCTETS_MAX => {}
            Mode::Encoding { body_start, .. } => {
                let told = self.walker.visitor().body_octets;
                let settled = body_start + told.saturating_sub(LINE_END_OCTETS);
                self.go_to(settled, out);
            }
            Mode::AsItIs | Mode::Header => {
                self.mode = Mode::AsItIs;
                self.go_to(u64::MAX, out);
            }
        }
    }

    /// Appends the rest.
    pub fn finish(mut self, out: &mut Vec<u8>) -> Result<(), StrayNul> {
        let walker = std::mem::replace(&mut self.walker, Walker::new(Marks::default()));
        self.follow(walker.finish().marks, out);
        self.mode = Mode::AsItIs;
        self.go_to(u64::MAX, out);
        if self.stray_nul {
            return Err(StrayNul);
        }
        Ok(())
    }

    fn follow(&mut self, marks: Vec<Mark>, out: &mut Vec<u8>) {
        for mark in marks {
            match mark {
                Mark::Header { at } => {
                    self.go_to(at, out);
                    self.mode = Mode::Header;
                }
                Mark::Body { at, binary } => {
                    let rewritten = binary && matches!(self.mode, Mode::Header);
                    if rewritten {
                        let header = self.take(at);
                        self.stray_nul |= header.contains(&0);
                        put_header(&header, out);
                        self.mode = Mode::Encoding {
                            body_start: at,
                            rest: Vec::new(),
                            lines: 0,
                        };
                    } else {
                        self.mode = Mode::AsItIs;
                        self.go_to(at, out);
                    }
                }
                Mark::End { at } => {
                    self.go_to(at, out);
                    if let Mode::Encoding { rest, lines, .. } = &mut self.mode {
                        if !rest.is_empty() {
                            put_line(rest, lines, out);
                        }
                        self.mode = Mode::AsItIs;
                    }
                }
            }
        }
    }

    /// Lets the octets before `at` out, as the mode has it.
    fn go_to(&mut self, at: u64, out: &mut Vec<u8>) {
        let octets = self.take(at);
        match &mut self.mode {
            Mode::AsItIs | Mode::Header => {
                self.stray_nul |= memchr::memchr(0, &octets).is_some();
                out.extend_from_slice(&octets);
            }
            Mode::Encoding { rest, lines, .. } => {
                rest.extend_from_slice(&octets);
                let whole = rest.len() - rest.len() % LINE_OCTETS;
                for line in rest[..whole].chunks(LINE_OCTETS) {
                    put_line(line, lines, out);
                }
                rest.drain(..whole);
            }
        }
    }

    fn take(&mut self, at: u64) -> Vec<u8> {
        let octets = usize::try_from(at.saturating_sub(self.start)).unwrap_or(usize::MAX);
        let octets = octets.min(self.window.len());
        let left = self.window.split_off(octets);
        self.start += octets as u64;
        std::mem::replace(&mut self.window, left)
    }
}

/// Line ends stand between lines: what follows the part brings its own.
fn put_line(octets: &[u8], lines: &mut u64, out: &mut Vec<u8>) {
    if *lines > 0 {
        out.extend_from_slice(b"\r\n");
    }
    *lines += 1;
    out.extend_from_slice(STANDARD.encode(octets).as_bytes());
}

/// The header with base64 as its transfer encoding.
fn put_header(header: &[u8], out: &mut Vec<u8>) {
    const FIELD: &[u8] = b"Content-Transfer-Encoding";
    let mut rest = header;
    for field in fields(header) {
        if field.is(FIELD) {
            // Both point into the header.
            let before = field.octets.as_ptr().addr() - rest.as_ptr().addr();
            out.extend_from_slice(&rest[..before]);
            rest = &rest[before + field.octets.len()..];
            out.extend_from_slice(FIELD);
            out.extend_from_slice(b": base64\r\n");
        }
    }
    out.extend_from_slice(rest);
}

/// Where things begin and end, in octets from the start of the message.
#[derive(Debug)]
enum Mark {
    Header { at: u64 },
    Body { at: u64, binary: bool },
    End { at: u64 },
}

#[derive(Debug, Default)]
struct Marks {
    marks: Vec<Mark>,
    /// Of the leaf that is being read: told, its last line end included.
    body_octets: u64,
}

impl Visitor for Marks {
    fn begin(&mut self, begin: Begin) {
        self.marks.push(Mark::Header { at: begin.at });
    }

    fn header(&mut self, end: HeaderEnd<'_>) {
        self.body_octets = 0;
        self.marks.push(Mark::Body {
            at: end.body_start,
            binary: end.nesting == Nesting::Leaf && end.part.encoding == b"binary",
        });
    }

    fn body(&mut self, _place: usize, octets: &[u8]) {
        self.body_octets += octets.len() as u64;
    }

    fn end(&mut self, _place: usize, body_end: u64, _lines: u64) {
        self.marks.push(Mark::End { at: body_end });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same however the message is cut.
    fn armoured(message: &[u8]) -> Result<String, StrayNul> {
        let cut = |octets: usize| {
            let (mut armour, mut out) = (Armour::default(), Vec::new());
            for piece in message.chunks(octets) {
                armour.feed(piece, &mut out);
            }
            armour.finish(&mut out)?;
            Ok(String::from_utf8(out).expect("text"))
        };
        let whole = cut(message.len().max(1));
        for octets in [1, 2, 3, 7, 64] {
            assert_eq!(cut(octets), whole, "in pieces of {octets}");
        }
        whole
    }

    #[test]
    fn binary_leaves_are_encoded_and_nothing_else() {
        for (message, kept) in [
            (&b"Subject: text\r\n\r\nbody\r\n"[..], None),
            (b"no header", None),
            (b"", None),
            (
                b"Subject: one\r\ncontent-transfer-encoding:\r\n binary\r\nX: y\r\n\r\n\0\x01\xff\r\n",
                Some("Subject: one\r\nContent-Transfer-Encoding: base64\r\nX: y\r\n\r\nAAH/DQo="),
            ),
            (
                b"Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n\
                  before\r\n--b\r\n\r\n8 bit\r\n--b\r\nContent-Transfer-Encoding: binary\r\n\r\n\
                  a\0b\r\n\r\n--b\r\nContent-Transfer-Encoding: BINARY\r\n\r\n\r\n--b--\r\nafter\r\n",
                Some(
                    "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: binary\r\n\r\n\
                     before\r\n--b\r\n\r\n8 bit\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n\
                     YQBiDQo=\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n\r\n--b--\r\nafter\r\n",
                ),
            ),
        ] {
            let as_it_was = std::str::from_utf8(message);
            let expected = kept.or(as_it_was.ok()).expect("one of them");
            assert_eq!(armoured(message).as_deref(), Ok(expected));
        }
    }

    #[test]
    fn a_nul_that_nothing_encodes_is_told() {
        for message in [
            &b"Subject: a\0b\r\n\r\n"[..],
            b"Subject: text\r\n\r\na\0b",
            b"A: \0\r\nContent-Transfer-Encoding: binary\r\n\r\nx",
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n\0\r\n--b--\r\n",
        ] {
            assert_eq!(armoured(message), Err(StrayNul));
        }
    }

    #[test]
    fn what_is_decoded_again_is_what_came() {
        let body: Vec<u8> = (0..=255u8).cycle().take(100_000).collect();
        let head = b"Content-Transfer-Encoding: binary\r\n\r\n";
        let message = [&head[..], &body].concat();
        let (mut armour, mut out) = (Armour::default(), Vec::new());
        for piece in message.chunks(1000) {
            armour.feed(piece, &mut out);
            assert!(armour.window.len() < 2000, "nothing gathers");
        }
        armour.finish(&mut out).expect("no stray NUL");
        let text = String::from_utf8(out).expect("text");
        let (_, encoded) = text.split_once("\r\n\r\n").expect("a body");
        assert!(encoded.lines().all(|line| line.len() <= 76));
        let encoded = encoded.replace("\r\n", "");
        assert_eq!(STANDARD.decode(encoded).expect("base64"), body);
    }
}
