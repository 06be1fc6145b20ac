//! Finding the parts of a message as its octets go by.
//!
//! ```text
//!   header ── empty line ──▶ leaf body
//!     ▲   └── multipart ───▶ preamble ─ --boundary ─▶ part's header
//!     │                          ▲                        │
//!     └──── message within       └── --boundary-- ────────┘ (epilogue)
//! ```

use crate::mime::facts::read_fields;
use crate::mime::parameters::Parameterised;
use crate::mime::structure::{Kind, Part, Structure};
use crate::mime::{DEPTH_MAX, HEADER_OCTETS_MAX, PART_HEADERS_OCTETS_MAX, PARTS_MAX, envelope};

/// A boundary has at most 70 characters (RFC 2046 section 5.1.1); some
/// programs don't count. Longer ones delimit nothing.
const BOUNDARY_OCTETS_MAX: usize = 250;
/// How much of a body line is looked at: a delimiter with some white space.
const LINE_OCTETS_MAX: usize = BOUNDARY_OCTETS_MAX + 64;

/// Takes a message in pieces of any size and gives its structure.
#[derive(Debug)]
pub struct Walker {
    parts: Vec<Part>,
    open: Vec<Open>,
    /// Octets taken, and octets before the current line.
    octets: u64,
    line_start: u64,
    /// As much of the current line as matters.
    line: Vec<u8>,
    lines: u64,
    /// The last two octets taken.
    last_octets: [u8; 2],
    /// Of the line before: octets of its line end, and whether it was empty.
    line_end_octets: u64,
    line_was_empty: bool,
    /// Of the part whose header is being read.
    header: Vec<u8>,
    headers_octets: usize,
}

/// A part that has not ended.
#[derive(Debug)]
struct Open {
    place: usize,
    state: State,
    /// The number of the first line of its body.
    first_line: u64,
}

#[derive(Debug)]
enum State {
    Header,
    Body,
    Multipart {
        boundary: Vec<u8>,
        closed: bool,
    },
    /// A message whose inner one is open as well.
    Message,
}

impl Default for Walker {
    fn default() -> Self {
        Self::new()
    }
}

impl Walker {
    pub fn new() -> Self {
        let mut walker = Self {
            parts: Vec::new(),
            open: Vec::new(),
            octets: 0,
            line_start: 0,
            line: Vec::new(),
            lines: 0,
            last_octets: [0; 2],
            line_end_octets: 0,
            line_was_empty: false,
            header: Vec::new(),
            headers_octets: 0,
        };
        walker.begin_part(0, b"text/plain");
        walker
    }

    pub fn feed(&mut self, mut octets: &[u8]) {
        while let Some(newline) = memchr::memchr(b'\n', octets) {
            self.take(&octets[..=newline]);
            self.line_ended();
            octets = &octets[newline + 1..];
        }
        self.take(octets);
    }

    pub fn finish(mut self) -> Structure {
        if self.octets > self.line_start {
            self.line_ended();
        }
        self.line_end_octets = 0;
        self.line_was_empty = false;
        self.close_down_to(0, self.octets);
        Structure { parts: self.parts }
    }

    fn take(&mut self, piece: &[u8]) {
        self.octets += piece.len() as u64;
        for octet in &piece[piece.len().saturating_sub(2)..] {
            self.last_octets = [self.last_octets[1], *octet];
        }
        let wanted = if self.in_header() {
            HEADER_OCTETS_MAX
        } else {
            LINE_OCTETS_MAX
        };
        let room = wanted.saturating_sub(self.line.len());
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
    }

    /// `self.line` is a whole line, or the start of one that is too long to
    /// matter, which then lacks its line end.
    fn line_ended(&mut self) {
        let line = std::mem::take(&mut self.line);
        let content = strip_line_end(&line);
        let whole = self.octets - self.line_start == line.len() as u64;
        if !whole || !self.delimiter(content) {
            self.content(&line, content.is_empty());
        }
        self.line_end_octets = match self.last_octets {
            [b'\r', b'\n'] => 2,
            [_, b'\n'] => 1,
            _ => 0,
        };
        self.line_was_empty = content.is_empty();
        self.line_start = self.octets;
        self.lines += 1;
        // Keep the allocation for the next line.
        self.line = line;
        self.line.clear();
    }

    /// Acts on a line that delimits a part that is open.
    fn delimiter(&mut self, line: &[u8]) -> bool {
        let Some(rest) = line.strip_prefix(b"--") else {
            return false;
        };
        let rest = rest.trim_ascii_end();
        let found = self
            .open
            .iter()
            .enumerate()
            .rev()
            .find_map(|(level, open)| {
                let State::Multipart {
                    boundary,
                    closed: false,
                } = &open.state
                else {
                    return None;
                };
                match rest.strip_prefix(boundary.as_slice())? {
                    b"" => Some((level, false)),
                    b"--" => Some((level, true)),
                    _ => None,
                }
            });
        let Some((level, last)) = found else {
            return false;
        };
        if !last && self.parts.len() >= PARTS_MAX {
            return false;
        }
        // The line end before a delimiter belongs to the delimiter.
        let end = self.line_start.saturating_sub(self.line_end_octets);
        self.close_down_to(level + 1, end);
        if last {
            if let State::Multipart { closed, .. } = &mut self.open[level].state {
                *closed = true;
            }
            return true;
        }
        let parent = self.open[level].place;
        let digest = self.parts[parent].media_type() == (b"multipart", b"digest");
        let place = self.parts.len();
        if let Kind::Multipart(parts) = &mut self.parts[parent].kind {
            parts.push(place);
        }
        let default: &[u8] = if digest {
            b"message/rfc822"
        } else {
            b"text/plain"
        };
        self.begin_part(self.octets, default);
        true
    }

    fn content(&mut self, line: &[u8], is_empty: bool) {
        if !self.in_header() {
            return;
        }
        if is_empty {
            self.header_ended(self.octets);
        } else if self.headers_octets + line.len() <= PART_HEADERS_OCTETS_MAX
            && self.header.len() + line.len() <= HEADER_OCTETS_MAX
        {
            self.headers_octets += line.len();
            self.header.extend_from_slice(line);
        }
    }

    /// A part whose header starts at `start`.
    fn begin_part(&mut self, start: u64, default_type: &[u8]) {
        let place = self.parts.len();
        self.parts.push(Part {
            header: start..start,
            body: start..start,
            lines: 0,
            kind: Kind::Leaf,
            envelope: None,
            content_type: Parameterised {
                value: default_type.to_vec(),
                parameters: Vec::new(),
            },
            disposition: None,
            id: None,
            description: None,
            encoding: b"7bit".to_vec(),
            md5: None,
            language: Vec::new(),
            location: None,
        });
        self.header.clear();
        self.open.push(Open {
            place,
            state: State::Header,
            first_line: 0,
        });
    }

    /// The innermost part's header ends before `end`, where its body starts.
    fn header_ended(&mut self, end: u64) {
        let header = std::mem::take(&mut self.header);
        let depth = self.open.len();
        let is_message = depth == 1
            || matches!(self.open.get(depth.wrapping_sub(2)),
                Some(outer) if matches!(outer.state, State::Message));
        let first_line = self.lines + 1;
        let next_place = self.parts.len();
        let Some(open) = self.open.last_mut() else {
            return;
        };
        let part = &mut self.parts[open.place];
        part.header.end = end;
        part.body = end..end;
        open.first_line = first_line;
        open.state = State::Body;
        read_fields(part, &header);
        if is_message {
            part.envelope = Some(Box::new(envelope(&header)));
        }
        let may_nest = depth < DEPTH_MAX && next_place < PARTS_MAX;
        let part = &mut self.parts[open.place];
        let (media_type, subtype) = part.media_type();
        if media_type == b"multipart" {
            let boundary = part.content_type.get("boundary").unwrap_or_default();
            if may_nest && (1..=BOUNDARY_OCTETS_MAX).contains(&boundary.len()) {
                open.state = State::Multipart {
                    boundary: boundary.to_vec(),
                    closed: false,
                };
                part.kind = Kind::Multipart(Vec::new());
            } else {
                part.content_type.value = b"application/octet-stream".to_vec();
            }
        } else if media_type == b"message" && matches!(subtype, b"rfc822" | b"global") {
            // Only an identity encoding leaves the message readable.
            let readable = matches!(part.encoding.as_slice(), b"7bit" | b"8bit" | b"binary");
            if may_nest && readable {
                open.state = State::Message;
                part.kind = Kind::Message(next_place);
                self.begin_part(end, b"text/plain");
            } else {
                part.content_type.value = b"application/octet-stream".to_vec();
            }
        }
    }

    /// Ends all parts from `level` on; their bodies end at `end`.
    fn close_down_to(&mut self, level: usize, end: u64) {
        while self.open.len() > level {
            // A header that never ended is all there is; it may say that a
            // message follows, whose own header has not even begun.
            while self.in_header() {
                self.header_ended(end.max(self.start_of_last()));
            }
            let Some(open) = self.open.pop() else { return };
            let part = &mut self.parts[open.place];
            part.body.end = end.max(part.body.start);
            if part.body.is_empty() {
                continue;
            }
            // Lines since the first, but for an empty one that only made the
            // delimiter start a line.
            let lines = self.lines.saturating_sub(open.first_line);
            part.lines = lines.saturating_sub(u64::from(self.line_was_empty));
        }
    }

    fn in_header(&self) -> bool {
        let innermost = self.open.last();
        innermost.is_some_and(|open| matches!(open.state, State::Header))
    }

    fn start_of_last(&self) -> u64 {
        self.parts.last().map_or(0, |part| part.header.start)
    }
}

fn strip_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
