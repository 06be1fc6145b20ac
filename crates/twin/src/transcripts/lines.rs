//! Lines out of octets that come in pieces.

/// As much of a line as is kept; the rest is counted.
const LINE_OCTETS_KEPT: usize = 512;

/// Gathers one line at a time.
#[derive(Debug, Default)]
pub(super) struct Lines {
    kept: Vec<u8>,
    /// Of the line so far, kept or not.
    octets: usize,
    /// The line before ended in a CR, whose LF may follow.
    after_cr: bool,
}

impl Lines {
    /// Takes from the front of `input` up to the end of a line, and gives that
    /// line once it is whole. Ends are CR, LF or both, so that nothing hides
    /// behind an odd one; an empty line is given only for LF.
    pub(super) fn next(&mut self, input: &mut &[u8]) -> Option<Line> {
        let end = memchr::memchr2(b'\r', b'\n', input);
        let part = &input[..end.unwrap_or(input.len())];
        self.octets += part.len();
        let room = LINE_OCTETS_KEPT.saturating_sub(self.kept.len());
        self.kept.extend_from_slice(&part[..part.len().min(room)]);
        let Some(end) = end else {
            *input = &[];
            return None;
        };
        let is_lf = input[end] == b'\n';
        *input = &input[end + 1..];
        let is_empty = self.octets == 0;
        let is_second_half = is_lf && is_empty && self.after_cr;
        self.after_cr = !is_lf && !is_empty;
        if is_second_half || (is_empty && !is_lf) {
            return None;
        }
        Some(self.take())
    }

    /// Takes the LF that belongs to the CR of the last line, before octets are
    /// counted that follow it.
    pub(super) fn finish_end(&mut self, input: &mut &[u8]) {
        if std::mem::take(&mut self.after_cr)
            && let Some(rest) = input.strip_prefix(b"\n")
        {
            *input = rest;
        }
    }

    /// What has come of a line that will not be finished.
    pub(super) fn rest(&mut self) -> Option<Line> {
        (self.octets > 0).then(|| self.take())
    }

    fn take(&mut self) -> Line {
        Line {
            kept: std::mem::take(&mut self.kept),
            octets: std::mem::take(&mut self.octets),
        }
    }
}

/// One line without its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    kept: Vec<u8>,
    /// As it came.
    pub(super) octets: usize,
}

impl Line {
    /// What is kept of it, printable.
    pub(super) fn text(&self) -> String {
        let text = String::from_utf8_lossy(&self.kept);
        let is_plain = |octet: &u8| octet.is_ascii() && !octet.is_ascii_control();
        if self.kept.iter().all(is_plain) {
            return text.into_owned();
        }
        text.chars()
            .map(|char| if char.is_control() { '?' } else { char })
            .collect()
    }

    pub(super) fn is(&self, octets: &[u8]) -> bool {
        self.kept == octets
    }

    /// The line, and how much of it is missing.
    pub(super) fn shown(&self) -> String {
        match self.octets - self.kept.len() {
            0 => self.text(),
            missing => format!("{} [+{missing} octets]", self.text()),
        }
    }

    /// Instead of a line that nobody may read.
    pub(super) fn hidden(&self) -> String {
        format!("*** [{} octets]", self.octets)
    }

    /// The nth word in upper case.
    pub(super) fn word(&self, nth: usize) -> String {
        let text = self.text();
        let mut words = text.split_ascii_whitespace();
        words.nth(nth).unwrap_or_default().to_ascii_uppercase()
    }
}

/// Octets that are counted and not read.
#[derive(Debug, Default)]
pub(super) struct Skipped(u64);

impl Skipped {
    pub(super) fn begin(&mut self, octets: u64) {
        self.0 = octets;
    }

    pub(super) fn is_over(&self) -> bool {
        self.0 == 0
    }

    pub(super) fn take(&mut self, input: &mut &[u8]) {
        let most = usize::try_from(self.0)
            .unwrap_or(usize::MAX)
            .min(input.len());
        *input = &input[most..];
        self.0 -= most as u64;
    }
}
