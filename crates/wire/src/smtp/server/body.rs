//! A message out of octets: takes off the dots of DATA, finds its end, and
//! checks lines, in one pass and without copying.
//!
//! Only CRLF.CRLF ends DATA (RFC 5321 section 4.1.1.4). Bare CR, bare LF and
//! NUL make the message unfit; it is then read to its true end, so that
//! nothing in it can pass for a command.
//!
//! ```text
//!               ┌──────── any ────────┐
//!               ▼                     │ other
//!   LineStart ─ "." ─▶ Dot ─ CR ─▶ DotCr ─ LF ─▶ End
//!     │   ▲
//!   other └── LF ── Cr ◀── CR ─┐
//!     └──────────▶ InLine ─────┘
//! ```

use memchr::memchr3;

/// Reads one body, from DATA or from the chunks of BDAT.
#[derive(Debug)]
pub(super) struct BodyReader {
    form: Form,
    place: Place,
    line_octets: u64,
    octets: u64,
    limits: BodyLimits,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// DATA: dots are stuffed, and one on its own ends the body.
    Stuffed,
    /// BDAT with text: lines are checked, dots are dots.
    Text,
    /// BDAT with BODY=BINARYMIME: any octet goes.
    Binary,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct BodyLimits {
    pub(super) octets_max: u64,
    pub(super) line_octets_max: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    LineStart,
    InLine,
    Cr,
    Dot,
    DotCr,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'i> {
    Octets(&'i [u8]),
    Unfit(Defect),
    /// The end of a [`Form::Stuffed`] body.
    End,
}

/// Why a message cannot be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Defect {
    BareLineEnd,
    Nul,
    LineTooLong,
    TooLarge,
}

impl BodyReader {
    pub(super) fn new(form: Form, limits: BodyLimits) -> Self {
        Self {
            form,
            place: Place::LineStart,
            line_octets: 0,
            octets: 0,
            limits,
        }
    }

    /// Octets of the message so far.
    pub(super) fn octets(&self) -> u64 {
        self.octets
    }

    /// The next piece, or nothing once all input is used up.
    pub(super) fn next<'i>(&mut self, input: &mut &'i [u8]) -> Option<Piece<'i>> {
        let octets = *input;
        if octets.is_empty() {
            return None;
        }
        let scanned = match self.form {
            Form::Binary => Scanned::upto(octets.len()),
            Form::Stuffed | Form::Text => self.scan(octets),
        };
        let (_, rest) = octets.split_at(scanned.used);
        *input = rest;
        if let Some(piece) = scanned.found {
            return Some(piece);
        }
        let piece = &octets[scanned.from..scanned.upto];
        self.octets += piece.len() as u64;
        if self.octets > self.limits.octets_max {
            return Some(Piece::Unfit(Defect::TooLarge));
        }
        // A dot alone, or half of an end, gives nothing to hand on yet.
        if piece.is_empty() {
            return self.next(input);
        }
        Some(Piece::Octets(piece))
    }

    /// Whether the last chunk leaves the text whole: not on a CR without LF.
    pub(super) fn finish(&self) -> Result<(), Defect> {
        if self.place == Place::Cr {
            Err(Defect::BareLineEnd)
        } else {
            Ok(())
        }
    }

    /// Goes through `octets` up to the first thing of note.
    fn scan<'i>(&mut self, octets: &'i [u8]) -> Scanned<'i> {
        let (mut from, mut at) = (0, 0);
        while let Some(octet) = octets.get(at).copied() {
            match self.place {
                Place::LineStart if octet == b'.' && self.form == Form::Stuffed => {
                    self.place = Place::Dot;
                    if at > from {
                        return Scanned {
                            from,
                            upto: at,
                            used: at + 1,
                            found: None,
                        };
                    }
                    at += 1;
                    from = at;
                }
                Place::LineStart | Place::InLine => {
                    match self.line(&octets[at..]) {
                        Ok(length) => at += length,
                        Err((length, defect)) => {
                            return Scanned::found(at + length, Piece::Unfit(defect));
                        }
                    };
                }
                Place::Cr if octet == b'\n' => {
                    at += 1;
                    self.place = Place::LineStart;
                    let counted = self.count_line(1);
                    self.line_octets = 0;
                    if let Err((_, defect)) = counted {
                        return Scanned::found(at, Piece::Unfit(defect));
                    }
                }
                // The octet is looked at again, in its line.
                Place::Cr => {
                    self.place = Place::InLine;
                    return Scanned::found(at, Piece::Unfit(Defect::BareLineEnd));
                }
                Place::Dot if octet == b'\r' => {
                    at += 1;
                    from = at;
                    self.place = Place::DotCr;
                }
                Place::Dot => self.place = Place::InLine,
                Place::DotCr if octet == b'\n' => return Scanned::found(at + 1, Piece::End),
                Place::DotCr => {
                    self.place = Place::InLine;
                    return Scanned::found(at, Piece::Unfit(Defect::BareLineEnd));
                }
            }
        }
        Scanned {
            from,
            upto: at,
            used: at,
            found: None,
        }
    }

    /// Goes to the end of a line, or of the octets. Gives how many that took.
    fn line(&mut self, octets: &[u8]) -> Result<usize, (usize, Defect)> {
        self.place = Place::InLine;
        let Some(hit) = memchr3(b'\r', b'\n', 0, octets) else {
            return self.count_line(octets.len());
        };
        match octets[hit] {
            b'\r' if octets.get(hit + 1) == Some(&b'\n') => {
                let counted = self.count_line(hit + 2);
                self.line_octets = 0;
                self.place = Place::LineStart;
                counted
            }
            b'\r' => {
                self.place = Place::Cr;
                self.count_line(hit + 1)
            }
            b'\n' => Err((hit + 1, Defect::BareLineEnd)),
            _ => Err((hit + 1, Defect::Nul)),
        }
    }

    fn count_line(&mut self, length: usize) -> Result<usize, (usize, Defect)> {
        self.line_octets += length as u64;
        if self.line_octets > self.limits.line_octets_max {
            Err((length, Defect::LineTooLong))
        } else {
            Ok(length)
        }
    }
}

/// What one pass found: `from..upto` are octets of the message, `used` is how
/// far the input was read.
struct Scanned<'i> {
    from: usize,
    upto: usize,
    used: usize,
    found: Option<Piece<'i>>,
}

impl<'i> Scanned<'i> {
    fn upto(upto: usize) -> Self {
        Self {
            from: 0,
            upto,
            used: upto,
            found: None,
        }
    }

    fn found(used: usize, piece: Piece<'i>) -> Self {
        Self {
            from: 0,
            upto: 0,
            used,
            found: Some(piece),
        }
    }
}
