//! Finding the parts of a message as its octets go by.
//!
//! ```text
//!   header ── empty line ──▶ leaf body
//!     ▲   └── multipart ───▶ preamble ─ --boundary ─▶ part's header
//!     │                          ▲                        │
//!     └──── message within       └── --boundary-- ────────┘ (epilogue)
//! ```

use crate::mime::part::PartHeader;
use crate::mime::{DEPTH_MAX, HEADER_OCTETS_MAX, PART_HEADERS_OCTETS_MAX, PARTS_MAX};

/// A boundary has at most 70 characters (RFC 2046 section 5.1.1); some
/// programs don't count. Longer ones delimit nothing.
const BOUNDARY_OCTETS_MAX: usize = 250;
/// How much of a body line is looked at: a delimiter with some white space.
const LINE_OCTETS_MAX: usize = BOUNDARY_OCTETS_MAX + 64;

/// Who is told of the parts as they are found. Parts are numbered from 0, the
/// message itself, in the order in which they begin.
pub trait Visitor {
    /// A part begins, with its header.
    fn begin(&mut self, _part: Begin) {}

    /// The header of the part that began last is over.
    fn header(&mut self, _end: HeaderEnd<'_>) {}

    /// Some of the body of a leaf, still encoded; with the line end before the
    /// next delimiter, which belongs to that (RFC 2046 section 5.1.1).
    fn body(&mut self, _place: usize, _octets: &[u8]) {}

    /// A part ended: where its body ended, and how many lines that had.
    fn end(&mut self, _place: usize, _body_end: u64, _lines: u64) {}
}

#[derive(Clone, Copy, Debug)]
pub struct Begin {
    pub place: usize,
    /// The multipart or the message that it lies in.
    pub parent: Option<usize>,
    /// Where its header starts, in octets from the start of the message.
    pub at: u64,
}

#[derive(Debug)]
pub struct HeaderEnd<'a> {
    pub place: usize,
    /// As much of it as is read, see [`HEADER_OCTETS_MAX`]; without its empty line.
    pub header: &'a [u8],
    pub part: PartHeader,
    pub nesting: Nesting,
    /// It says that it holds parts or a message, but is not looked into: too
    /// deep, too many, encoded, or without a boundary. Its type then is
    /// `application/octet-stream`.
    pub unopened: bool,
    /// It is the header of a message: the whole one, or one within.
    pub is_message: bool,
    pub body_start: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nesting {
    Leaf,
    Multipart,
    /// The next part is the message within.
    Message,
}

/// Takes a message in pieces of any size and tells its visitor of the parts.
/// What is told does not depend on where the pieces end, except for how many
/// pieces [`Visitor::body`] gets.
#[derive(Debug)]
pub struct Walker<V> {
    visitor: V,
    /// Parts begun, and where the last one did.
    parts: usize,
    last_start: u64,
    open: Vec<Open>,
    /// Octets taken, and octets before the current line.
    octets: u64,
    line_start: u64,
    /// As much of the current line as matters.
    line: Vec<u8>,
    /// The current line is told to be body and goes to the visitor at once.
    passing: bool,
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
    Header {
        default_type: &'static [u8],
    },
    Body,
    Multipart {
        boundary: Vec<u8>,
        digest: bool,
        closed: bool,
    },
    /// A message whose inner one is open as well.
    Message,
}

impl<V: Visitor> Walker<V> {
    pub fn new(visitor: V) -> Self {
        let mut walker = Self {
            visitor,
            parts: 0,
            last_start: 0,
            open: Vec::new(),
            octets: 0,
            line_start: 0,
            line: Vec::new(),
            passing: false,
            lines: 0,
            last_octets: [0; 2],
            line_end_octets: 0,
            line_was_empty: false,
            header: Vec::new(),
            headers_octets: 0,
        };
        walker.begin_part(0, None, b"text/plain");
        walker
    }

    pub fn feed(&mut self, mut octets: &[u8]) {
        while !octets.is_empty() {
            let skipped = self.take_body_lines(octets);
            octets = &octets[skipped..];
            match memchr::memchr(b'\n', octets) {
                Some(newline) => {
                    self.take(&octets[..=newline]);
                    self.line_ended();
                    octets = &octets[newline + 1..];
                }
                None => {
                    self.take(octets);
                    return;
                }
            }
        }
    }

    pub fn visitor(&self) -> &V {
        &self.visitor
    }

    pub fn visitor_mut(&mut self) -> &mut V {
        &mut self.visitor
    }

    pub fn finish(mut self) -> V {
        if self.octets > self.line_start {
            self.line_ended();
        }
        self.line_end_octets = 0;
        self.line_was_empty = false;
        self.close_down_to(0, self.octets);
        self.visitor
    }

    /// Takes the whole lines at the start of `octets` that can be no
    /// delimiters, all but the last of them, at one go: bodies are most of a
    /// message. Gives how many octets that were.
    fn take_body_lines(&mut self, octets: &[u8]) -> usize {
        let at_line_start = self.octets == self.line_start;
        if !at_line_start || self.in_header() || octets.starts_with(b"--") {
            return 0;
        }
        let lines_end = match memchr::memmem::find(octets, b"\n--") {
            Some(found) => found,
            None => match memchr::memrchr(b'\n', octets) {
                Some(newline) => newline,
                None => return 0,
            },
        };
        let Some(last) = memchr::memrchr(b'\n', &octets[..lines_end]) else {
            return 0;
        };
        let taken = &octets[..=last];
        self.tell_body(taken);
        self.octets += taken.len() as u64;
        self.line_start = self.octets;
        self.lines += memchr::memchr_iter(b'\n', taken).count() as u64;
        taken.len()
    }

    fn take(&mut self, piece: &[u8]) {
        self.octets += piece.len() as u64;
        for octet in &piece[piece.len().saturating_sub(2)..] {
            self.last_octets = [self.last_octets[1], *octet];
        }
        let in_header = self.in_header();
        let wanted = if in_header {
            HEADER_OCTETS_MAX
        } else {
            LINE_OCTETS_MAX
        };
        let room = wanted.saturating_sub(self.line.len());
        self.line.extend_from_slice(&piece[..piece.len().min(room)]);
        if in_header {
            return;
        }
        if self.passing {
            self.tell_body(piece);
        } else if !b"--".starts_with(&self.line[..self.line.len().min(2)]) || piece.len() > room {
            self.passing = true;
            let line = std::mem::take(&mut self.line);
            self.tell_body(&line);
            self.line = line;
            self.tell_body(&piece[piece.len().min(room)..]);
        }
    }

    /// `self.line` is a whole line, or the start of one that is too long to
    /// matter, which then lacks its line end.
    fn line_ended(&mut self) {
        let line = std::mem::take(&mut self.line);
        let content = strip_line_end(&line);
        let whole = self.octets - self.line_start == line.len() as u64;
        if !whole || !self.delimiter(content) {
            if self.in_header() {
                self.header_line(&line, content.is_empty());
            } else if !self.passing {
                self.tell_body(&line);
            }
        }
        self.passing = false;
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

    fn tell_body(&mut self, octets: &[u8]) {
        if let Some(Open {
            place,
            state: State::Body,
            ..
        }) = self.open.last()
            && !octets.is_empty()
        {
            self.visitor.body(*place, octets);
        }
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
                    ..
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
        if !last && self.parts >= PARTS_MAX {
            return false;
        }
        // The line end before a delimiter belongs to the delimiter.
        let end = self.line_start.saturating_sub(self.line_end_octets);
        self.close_down_to(level + 1, end);
        let parent = self.open[level].place;
        let State::Multipart { closed, digest, .. } = &mut self.open[level].state else {
            return true;
        };
        if last {
            *closed = true;
            return true;
        }
        let default: &[u8] = if *digest {
            b"message/rfc822"
        } else {
            b"text/plain"
        };
        self.begin_part(self.octets, Some(parent), default);
        true
    }

    fn header_line(&mut self, line: &[u8], is_empty: bool) {
        if is_empty {
            self.header_ended(self.octets);
        } else if self.headers_octets + line.len() <= PART_HEADERS_OCTETS_MAX
            && self.header.len() + line.len() <= HEADER_OCTETS_MAX
        {
            self.headers_octets += line.len();
            self.header.extend_from_slice(line);
        }
    }

    /// A part whose header starts at `at`.
    fn begin_part(&mut self, at: u64, parent: Option<usize>, default_type: &'static [u8]) {
        let place = self.parts;
        self.parts += 1;
        self.last_start = at;
        self.visitor.begin(Begin { place, parent, at });
        self.header.clear();
        self.open.push(Open {
            place,
            state: State::Header { default_type },
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
        let Some(open) = self.open.last_mut() else {
            return;
        };
        let State::Header { default_type } = open.state else {
            return;
        };
        let mut part = PartHeader::read(&header, default_type);
        let may_nest = depth < DEPTH_MAX && self.parts < PARTS_MAX;
        open.state = next_state(&part, may_nest);
        open.first_line = self.lines + 1;
        let nesting = match open.state {
            State::Multipart { .. } => Nesting::Multipart,
            State::Message => Nesting::Message,
            _ => Nesting::Leaf,
        };
        let unopened = nesting == Nesting::Leaf && claims_to_nest(&part);
        if unopened {
            part.make_opaque();
        }
        let place = open.place;
        self.visitor.header(HeaderEnd {
            place,
            header: &header,
            part,
            nesting,
            unopened,
            is_message,
            body_start: end,
        });
        if nesting == Nesting::Message {
            self.begin_part(end, Some(place), b"text/plain");
        }
    }

    /// Ends all parts from `level` on; their bodies end at `end`.
    fn close_down_to(&mut self, level: usize, end: u64) {
        while self.open.len() > level {
            // A header that never ended is all there is; it may say that a
            // message follows, whose own header has not even begun.
            while self.in_header() {
                self.header_ended(end.max(self.last_start));
            }
            let Some(open) = self.open.pop() else { return };
            // Lines since the first, but for an empty one that only made the
            // delimiter start a line.
            let lines = self.lines.saturating_sub(open.first_line);
            let lines = lines.saturating_sub(u64::from(self.line_was_empty));
            self.visitor.end(open.place, end, lines);
        }
    }

    fn in_header(&self) -> bool {
        let innermost = self.open.last();
        innermost.is_some_and(|open| matches!(open.state, State::Header { .. }))
    }
}

fn claims_to_nest(part: &PartHeader) -> bool {
    match part.media_type() {
        (b"multipart", _) => true,
        (b"message", subtype) => matches!(subtype, b"rfc822" | b"global"),
        _ => false,
    }
}

/// How to read on after the header of `part`.
fn next_state(part: &PartHeader, may_nest: bool) -> State {
    if !may_nest || !claims_to_nest(part) {
        return State::Body;
    }
    let (media_type, subtype) = part.media_type();
    if media_type == b"message" {
        // Only an identity encoding leaves the message readable.
        let readable = matches!(part.encoding.as_slice(), b"7bit" | b"8bit" | b"binary");
        return if readable {
            State::Message
        } else {
            State::Body
        };
    }
    let boundary = part.content_type.get("boundary").unwrap_or_default();
    if !(1..=BOUNDARY_OCTETS_MAX).contains(&boundary.len()) {
        return State::Body;
    }
    State::Multipart {
        boundary: boundary.to_vec(),
        digest: subtype == b"digest",
        closed: false,
    }
}

fn strip_line_end(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}
