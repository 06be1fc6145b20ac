//! Cutting the byte stream into commands and literals.
//!
//! ```text
//!            line ends                accept
//!   Line ───────────────▶ Command   Offered ───▶ Inline ──▶ Line
//!    │  ends in {n}/{n+}                │ stream
//!    ├─────────────────▶ Offered ───────┴──────▶ Streaming ──▶ Line
//!    │ too long                         │ refuse {n+}
//!    └─────────────────▶ Dropping ◀─────┴──────▶ DroppingLiteral
//!                            │ far too long           │
//!                            └────────▶ Ended ◀───────┘
//! ```
//!
//! Sizes are bounded here, so that whatever is too long is dropped and the
//! next command is still found where it starts. Nobody waits for the end of
//! what is far too long: the connection ends (RFC 7888 section 4).

use std::fmt;

use zeroize::Zeroizing;

use super::parse::{TAG_OCTETS_MAX, tag_of};

/// What of a dropped line is kept: enough for `{18446744073709551615+}` and
/// the line end.
const TAIL_OCTETS: usize = 32;

/// What is dropped of one command before the connection ends.
pub const DROPPED_OCTETS_MAX: u64 = 1024 * 1024;

/// The same for a message that is refused though it is on its way: more than
/// any that is taken, so that a client with LITERAL+ hears why.
pub const DROPPED_MESSAGE_OCTETS_MAX: u64 = 256 * 1024 * 1024;

/// One piece of the stream.
#[derive(PartialEq, Eq)]
pub enum Frame {
    /// A whole command, literals after their announcements, without the final
    /// line end.
    Command(Zeroizing<Vec<u8>>),
    /// The command so far, [`Framer::so_far`], ends with the announcement of a
    /// literal. Nothing more is read until it is accepted, streamed or refused.
    Literal(Announced),
    /// A piece of the literal that is streamed.
    Chunk(Vec<u8>),
    /// The streamed literal is complete; the rest of the command follows as a
    /// [`Frame::Command`] of its own.
    ChunksEnd,
    /// A command was too long and has been dropped. A client that waits for a
    /// continuation must be answered, and is by the refusal.
    TooLong { tag: Option<String> },
    /// A command is so long that its end is not awaited. Nothing follows.
    Endless,
}

/// A literal that the client is about to send (`{n}`), or sends without
/// waiting (`{n+}`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announced {
    pub octets: u64,
    pub synchronizing: bool,
}

pub struct Framer {
    command_octets_max: usize,
    state: State,
    /// Bytes that came and were not looked at yet: at most one read's worth.
    input: Zeroizing<Vec<u8>>,
    consumed: usize,
    command: Zeroizing<Vec<u8>>,
    line_start: usize,
}

enum State {
    Line,
    Offered(Announced),
    Inline {
        left: usize,
    },
    Streaming {
        left: u64,
    },
    /// `room` is what may still be dropped.
    Dropping {
        tag: Option<String>,
        tail: Vec<u8>,
        room: u64,
    },
    DroppingLiteral {
        tag: Option<String>,
        left: u64,
        room: u64,
    },
    Endless,
    Ended,
}

impl Framer {
    pub fn new(command_octets_max: usize) -> Self {
        Self {
            command_octets_max,
            state: State::Line,
            input: Zeroizing::default(),
            consumed: 0,
            command: Zeroizing::default(),
            line_start: 0,
        }
    }

    /// Takes bytes from the client. Call [`Framer::next`] until it gives
    /// nothing before the next call: that bounds what is held.
    pub fn receive(&mut self, bytes: &[u8]) {
        if self.consumed == self.input.len() {
            self.input = Zeroizing::default();
            self.consumed = 0;
        }
        self.input.extend_from_slice(bytes);
    }

    /// The command that a [`Frame::Literal`] interrupts.
    pub fn so_far(&self) -> &[u8] {
        &self.command
    }

    /// The tag of the command so far, where it has one.
    pub fn tag(&self) -> Option<String> {
        tag_of(&self.command[..self.command.len().min(TAG_OCTETS_MAX + 1)])
    }

    /// Whether the announced literal fits into a command.
    pub fn fits(&self, announced: Announced) -> bool {
        let room = self.command_octets_max.saturating_sub(self.command.len());
        usize::try_from(announced.octets).is_ok_and(|octets| octets <= room)
    }

    /// Reads the announced literal into the command. Only if it
    /// [`fits`](Framer::fits).
    pub fn accept(&mut self) {
        if let State::Offered(announced) = self.state {
            let left = usize::try_from(announced.octets).unwrap_or(0);
            self.state = State::Inline { left };
        }
    }

    /// Passes the announced literal on in pieces and forgets the command.
    pub fn stream(&mut self) {
        if let State::Offered(announced) = self.state {
            self.command = Zeroizing::default();
            self.line_start = 0;
            self.state = State::Streaming {
                left: announced.octets,
            };
        }
    }

    /// Forgets the command. A literal that comes anyway is dropped with the
    /// rest of it, and [`Frame::TooLong`] follows, or [`Frame::Endless`] if
    /// that is more than `room` octets; one that the client would have waited
    /// for does not come, and nothing follows.
    pub fn refuse(&mut self, room: u64) {
        if let State::Offered(announced) = self.state {
            let tag = self.tag();
            self.command = Zeroizing::default();
            self.line_start = 0;
            self.state = if announced.synchronizing {
                State::Line
            } else {
                dropping(tag, announced.octets, room)
            };
        }
    }

    /// The next piece, or `None` when more bytes are needed or an announced
    /// literal waits for a decision.
    #[expect(clippy::should_implement_trait, reason = "pieces end only for now")]
    pub fn next(&mut self) -> Option<Frame> {
        loop {
            if let State::Streaming { left: 0 } = self.state {
                self.state = State::Line;
                return Some(Frame::ChunksEnd);
            }
            if let State::Endless = self.state {
                self.state = State::Ended;
                return Some(Frame::Endless);
            }
            if matches!(self.state, State::Offered(_)) || self.consumed == self.input.len() {
                return None;
            }
            if let Some(frame) = self.advance() {
                return Some(frame);
            }
        }
    }

    /// Consumes at least one octet of the input, which is not empty.
    fn advance(&mut self) -> Option<Frame> {
        let rest = &self.input[self.consumed..];
        match &mut self.state {
            State::Line => {
                let end = line_end(rest);
                let piece = &rest[..end];
                if self.command.len() + end > self.command_octets_max {
                    let start = [&self.command[..], piece].concat();
                    let start = &start[..start.len().min(TAG_OCTETS_MAX + 1)];
                    self.state = State::Dropping {
                        tag: tag_of(start),
                        tail: Vec::new(),
                        room: DROPPED_OCTETS_MAX,
                    };
                    self.command = Zeroizing::default();
                    self.line_start = 0;
                    // The same piece is looked at again, as a dropped one.
                    return None;
                }
                self.command.extend_from_slice(piece);
                self.consumed += end;
                if self.command.last() == Some(&b'\n') {
                    return self.line_complete();
                }
                None
            }
            State::Inline { left } => {
                let taken = rest.len().min(*left);
                self.command.extend_from_slice(&rest[..taken]);
                self.consumed += taken;
                *left -= taken;
                if *left == 0 {
                    self.line_start = self.command.len();
                    self.state = State::Line;
                }
                None
            }
            State::Streaming { left } => {
                let taken = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                let chunk = rest[..taken].to_vec();
                self.consumed += taken;
                *left -= taken as u64;
                Some(Frame::Chunk(chunk))
            }
            State::Dropping { tag, tail, room } => {
                let end = line_end(rest);
                let Some(left) = room.checked_sub(end as u64) else {
                    self.state = State::Endless;
                    return None;
                };
                *room = left;
                let kept = &rest[end.saturating_sub(TAIL_OCTETS)..end];
                tail.extend_from_slice(kept);
                tail.drain(..tail.len().saturating_sub(TAIL_OCTETS));
                self.consumed += end;
                if tail.last() != Some(&b'\n') {
                    return None;
                }
                let tag = tag.take();
                match announced(tail) {
                    Some(literal) if !literal.synchronizing => {
                        self.state = dropping(tag, literal.octets, left);
                        None
                    }
                    _ => {
                        self.state = State::Line;
                        Some(Frame::TooLong { tag })
                    }
                }
            }
            State::DroppingLiteral { tag, left, room } => {
                let taken = rest.len().min(usize::try_from(*left).unwrap_or(usize::MAX));
                self.consumed += taken;
                *left -= taken as u64;
                if *left == 0 {
                    self.state = State::Dropping {
                        tag: tag.take(),
                        tail: Vec::new(),
                        room: *room,
                    };
                }
                None
            }
            State::Ended => {
                self.consumed = self.input.len();
                None
            }
            State::Offered(_) | State::Endless => None,
        }
    }

    fn line_complete(&mut self) -> Option<Frame> {
        if let Some(announced) = announced(&self.command[self.line_start..]) {
            self.state = State::Offered(announced);
            return Some(Frame::Literal(announced));
        }
        let mut command = std::mem::take(&mut self.command);
        self.line_start = 0;
        command.pop();
        if command.last() == Some(&b'\r') {
            command.pop();
        }
        Some(Frame::Command(command))
    }
}

/// Commands hold passwords, so that only sizes are shown.
impl fmt::Debug for Framer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Framer")
            .field("input_octets", &(self.input.len() - self.consumed))
            .field("command_octets", &self.command.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command(command) => write!(f, "Command({} octets)", command.len()),
            Self::Literal(announced) => write!(f, "Literal({announced:?})"),
            Self::Chunk(chunk) => write!(f, "Chunk({} octets)", chunk.len()),
            Self::ChunksEnd => f.write_str("ChunksEnd"),
            Self::TooLong { tag } => write!(f, "TooLong({tag:?})"),
            Self::Endless => f.write_str("Endless"),
        }
    }
}

/// A literal of `left` octets, where there is room to drop it.
fn dropping(tag: Option<String>, left: u64, room: u64) -> State {
    match room.checked_sub(left) {
        Some(room) => State::DroppingLiteral { tag, left, room },
        None => State::Endless,
    }
}

/// Up to and including the next LF (`quirk_bare_lf`), or all of it.
pub(super) fn line_end(bytes: &[u8]) -> usize {
    memchr::memchr(b'\n', bytes).map_or(bytes.len(), |newline| newline + 1)
}

/// The literal that a line, with its line end, announces: `{n}` or `{n+}`.
pub(super) fn announced(line: &[u8]) -> Option<Announced> {
    let line = line.strip_suffix(b"\n")?;
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let inner = line.strip_suffix(b"}")?;
    let (inner, synchronizing) = match inner.strip_suffix(b"+") {
        Some(inner) => (inner, false),
        None => (inner, true),
    };
    let brace = memchr::memrchr(b'{', inner)?;
    let digits = &inner[brace + 1..];
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    // More than 64 bits would hold is as good as for ever.
    let octets = std::str::from_utf8(digits)
        .ok()?
        .parse()
        .unwrap_or(u64::MAX);
    Some(Announced {
        octets,
        synchronizing,
    })
}
