//! Lines out of bytes, with a bound.

use zeroize::{Zeroize as _, Zeroizing};

/// A line without its end.
#[derive(Debug)]
pub enum Line {
    /// It may hold a password, and is wiped when dropped.
    Text(Zeroizing<Vec<u8>>),
    /// More octets than a line may have; they are gone up to its end.
    TooLong,
}

/// Gathers lines. Holds at most one line beyond what is passed in at once.
#[derive(Debug)]
pub struct Lines {
    octets_max: usize,
    buffer: Zeroizing<Vec<u8>>,
    /// Octets of `buffer` in which there is no line end.
    searched: usize,
    /// The rest of a line that was too long is on its way.
    dropping: bool,
}

impl Lines {
    /// `octets_max` counts a line without its end.
    pub fn new(octets_max: usize) -> Self {
        Self {
            octets_max,
            buffer: Zeroizing::new(Vec::new()),
            searched: 0,
            dropping: false,
        }
    }

    pub fn receive(&mut self, bytes: &[u8]) {
        // A reallocation must not leave a password behind.
        if self.buffer.capacity() - self.buffer.len() < bytes.len() {
            let mut larger = Vec::with_capacity((self.buffer.len() + bytes.len()) * 2);
            larger.extend_from_slice(&self.buffer);
            self.buffer = Zeroizing::new(larger);
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next line, when it is complete or known to be too long.
    pub fn next_line(&mut self) -> Option<Line> {
        loop {
            let newline = memchr::memchr(b'\n', &self.buffer[self.searched..]);
            let Some(end) = newline.map(|place| self.searched + place) else {
                // The CR of a line that is just short enough does not count.
                if self.buffer.len() > self.octets_max + 1 {
                    self.forget(self.buffer.len());
                    if !std::mem::replace(&mut self.dropping, true) {
                        return Some(Line::TooLong);
                    }
                }
                self.searched = self.buffer.len();
                return None;
            };
            if std::mem::take(&mut self.dropping) {
                self.forget(end + 1);
                continue;
            }
            let line = &self.buffer[..end];
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.len() > self.octets_max {
                self.forget(end + 1);
                return Some(Line::TooLong);
            }
            let line = Zeroizing::new(line.to_vec());
            self.forget(end + 1);
            return Some(Line::Text(line));
        }
    }

    fn forget(&mut self, octets: usize) {
        let rest = self.buffer.len() - octets;
        self.buffer.copy_within(octets.., 0);
        self.buffer[rest..].zeroize();
        self.buffer.truncate(rest);
        self.searched = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(octets_max: usize, pieces: &[&str]) -> Vec<String> {
        let mut lines = Lines::new(octets_max);
        let mut read = Vec::new();
        for piece in pieces {
            lines.receive(piece.as_bytes());
            while let Some(line) = lines.next_line() {
                read.push(match line {
                    Line::Text(text) => String::from_utf8_lossy(&text).into_owned(),
                    Line::TooLong => "(too long)".to_owned(),
                });
            }
        }
        read
    }

    #[test]
    fn cuts_lines_wherever_the_pieces_end() {
        for (octets_max, pieces, expected) in [
            (9, &["STAT\r\nLIST\r\n"][..], &["STAT", "LIST"][..]),
            (9, &["ST", "AT\r", "\nLI"], &["STAT"]),
            (9, &["STAT\n\r\n\n"], &["STAT", "", ""]),
            (9, &["123456789\r\n"], &["123456789"]),
            (9, &["123456789", "\r", "\n"], &["123456789"]),
            (9, &["1234567890\r\nNOOP\r\n"], &["(too long)", "NOOP"]),
            (
                9,
                &["1234567890", "1", "2\r\nNOOP\n"],
                &["(too long)", "NOOP"],
            ),
            (9, &["12345678901234", "567890"], &["(too long)"]),
            (9, &["a\rb\r\r\n"], &["a\rb\r"]),
        ] {
            assert_eq!(read(octets_max, pieces), expected, "{pieces:?}");
        }
    }

    #[test]
    fn keeps_no_more_than_a_line() {
        let mut lines = Lines::new(100);
        for _ in 0..1000 {
            lines.receive(&[b'x'; 100]);
            while lines.next_line().is_some() {}
            assert!(lines.buffer.len() <= 101);
        }
        lines.receive(b"\r\nNOOP\r\n");
        assert!(matches!(lines.next_line(), Some(Line::Text(text)) if *text == b"NOOP"));
    }
}
