//! One text in UTF-8 as it goes by, looked at in overlapping stretches, so
//! that nothing is missed where two meet and memory stays bounded.
//!
//! ```text
//!   |◀── before ──▶|◀──────── looked at now ────────▶|◀── ahead ──▶|
//!                  from                               to
//! ```

use super::ContentPlace;
use super::found::{Findings, Place};
use super::html::SOFT_BREAK;
use super::identifier::{self, IDENTIFIER_OCTETS_MAX};
use super::label::LABEL_OCTETS_MAX;
use super::marking::{self, MARKING_OCTETS_MAX};

/// Stretches begin and end at the same octets however the text arrives.
const STRETCH_OCTETS: usize = 8192;
/// What is kept of a stretch before the next: labels stand before numbers.
const BEFORE_OCTETS: usize = LABEL_OCTETS_MAX;
/// What is left to the next stretch: its end may be needed.
const AHEAD_OCTETS: usize = 2 * MARKING_OCTETS_MAX;

const _: () = assert!(AHEAD_OCTETS > IDENTIFIER_OCTETS_MAX + MARKING_OCTETS_MAX);
const _: () = assert!(STRETCH_OCTETS > 4 * (BEFORE_OCTETS + AHEAD_OCTETS));

#[derive(Debug)]
pub(super) struct Text {
    place: Place,
    stretch: Vec<u8>,
    /// Where in the stretch what was not looked at begins.
    from: usize,
    /// The number of the line in which the stretch begins.
    line: usize,
}

impl Text {
    pub(super) fn new(place: Place) -> Self {
        Self {
            place,
            stretch: Vec::with_capacity(STRETCH_OCTETS),
            from: 0,
            line: 1,
        }
    }

    pub(super) fn feed(&mut self, mut piece: &[u8], findings: &mut Findings) {
        while !piece.is_empty() {
            let room = STRETCH_OCTETS - self.stretch.len();
            let (now, later) = piece.split_at(piece.len().min(room));
            self.stretch.extend_from_slice(now);
            piece = later;
            if self.stretch.len() == STRETCH_OCTETS {
                self.look(STRETCH_OCTETS - AHEAD_OCTETS, findings);
                self.move_on();
            }
        }
    }

    pub(super) fn finish(mut self, findings: &mut Findings) {
        self.look(self.stretch.len(), findings);
    }

    fn look(&mut self, to: usize, findings: &mut Findings) {
        self.look_for_markings(to, findings);
        if findings.is_full() {
            return;
        }
        // Lines are counted only as far as something is found.
        let mut counted = 0;
        let mut line = self.line;
        identifier::find(&self.stretch, self.from, to, &mut |found| {
            line += line_ends(&self.stretch[counted..found.at]);
            counted = found.at;
            findings.identifier(found, self.place.at_line(line));
            !findings.is_full()
        });
    }

    /// Looks at each line that starts within what is looked at now.
    fn look_for_markings(&self, to: usize, findings: &mut Findings) {
        let text = &self.stretch;
        let mut check = |start: usize| {
            let rest = &text[start..];
            if !marking::may_start(rest) {
                return;
            }
            let reach = rest.len().min(MARKING_OCTETS_MAX + 1);
            let end = match memchr::memchr2(b'\n', SOFT_BREAK, &rest[..reach]) {
                Some(end) => end,
                // Not the end of a line, unless it is that of the text.
                None if reach < rest.len() || reach > MARKING_OCTETS_MAX => return,
                None => reach,
            };
            if let Some(class) = marking::of_line(&rest[..end]) {
                findings.marking(class);
            }
        };
        if self.from == 0 && to > 0 {
            check(0);
        }
        // The line end before the first octet to look at counts.
        let first = self.from.saturating_sub(1);
        for end in memchr::memchr2_iter(b'\n', SOFT_BREAK, &text[first..to]) {
            let start = first + end + 1;
            if start < to {
                check(start);
            }
        }
    }

    /// Keeps of the stretch what the next one needs.
    fn move_on(&mut self) {
        let gone = STRETCH_OCTETS - AHEAD_OCTETS - BEFORE_OCTETS;
        self.line += line_ends(&self.stretch[..gone]);
        self.stretch.drain(..gone);
        self.from = BEFORE_OCTETS;
    }
}

fn line_ends(text: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', text).count()
}

/// Looks through a short text that has no lines: a subject, a file name.
pub(super) fn look_through(text: &str, place: &ContentPlace, findings: &mut Findings) {
    identifier::find(text.as_bytes(), 0, text.len(), &mut |found| {
        findings.identifier(found, place.clone());
        !findings.is_full()
    });
}
