//! A message as the lines of a multi-line response (RFC 1939 section 3).

/// Dot-stuffs octets as they come, and for TOP stops after some lines of the
/// body. Every octet passes unchanged but that a dot goes before a dot at the
/// start of a line, and CRLF after a last line that has none.
///
/// A line starts after LF, with or without CR before it, so that no client
/// that takes LF for a line end sees the response end early.
#[derive(Debug)]
pub struct Stuffer {
    /// Lines of the body still wanted; `None` for all.
    body_lines_left: Option<u32>,
    in_body: bool,
    /// Octets of the present line, without its end.
    line_octets: u64,
    last: u8,
    ended: bool,
}

impl Stuffer {
    /// All of a message.
    pub fn whole() -> Self {
        Self::new(None)
    }

    /// The header section, the empty line and `lines` of the body (TOP).
    pub fn top(lines: u32) -> Self {
        Self::new(Some(lines))
    }

    fn new(body_lines_left: Option<u32>) -> Self {
        Self {
            body_lines_left,
            in_body: false,
            line_octets: 0,
            last: b'\n',
            ended: false,
        }
    }

    /// Appends what `octets` become to `out`, twice as many octets at most.
    pub fn feed(&mut self, mut octets: &[u8], out: &mut Vec<u8>) {
        while !octets.is_empty() && !self.ended {
            let newline = memchr::memchr(b'\n', octets);
            let (line, rest) = octets.split_at(newline.map_or(octets.len(), |place| place + 1));
            if self.line_octets == 0 && self.last == b'\n' {
                if self.in_body && self.body_lines_left == Some(0) {
                    self.ended = true;
                    return;
                }
                if line.first() == Some(&b'.') {
                    out.push(b'.');
                }
            }
            out.extend_from_slice(line);
            self.line_octets += line.len() as u64;
            if newline.is_some() {
                self.line_ends(line);
            }
            self.last = line.last().copied().unwrap_or(self.last);
            octets = rest;
        }
    }

    /// The end of the response: the message's last line end, if it lacks one,
    /// and the line with the dot.
    pub fn finish(self, out: &mut Vec<u8>) {
        if self.line_octets > 0 {
            out.extend_from_slice(if self.last == b'\r' { b"\n" } else { b"\r\n" });
        }
        out.extend_from_slice(b".\r\n");
    }

    /// Whether nothing more of the message is wanted.
    pub fn has_enough(&self) -> bool {
        self.ended || (self.in_body && self.body_lines_left == Some(0) && self.line_octets == 0)
    }

    /// `line` is the last piece of a line, with its LF.
    fn line_ends(&mut self, line: &[u8]) {
        let empty = match self.line_octets {
            1 => true,
            2 => line == b"\r\n" || (line == b"\n" && self.last == b'\r'),
            _ => false,
        };
        if self.in_body {
            if let Some(left) = &mut self.body_lines_left {
                *left = left.saturating_sub(1);
            }
        } else if empty {
            self.in_body = true;
        }
        self.line_octets = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The response, the same however the message is cut.
    fn stuff(message: &str, top: Option<u32>) -> String {
        let mut results = Vec::new();
        for size in [1, 2, 3, 1000] {
            let mut stuffer = top.map_or_else(Stuffer::whole, Stuffer::top);
            let mut out = Vec::new();
            for piece in message.as_bytes().chunks(size) {
                stuffer.feed(piece, &mut out);
            }
            stuffer.finish(&mut out);
            results.push(String::from_utf8(out).expect("text"));
        }
        let first = results.remove(0);
        assert!(results.iter().all(|one| *one == first), "{results:?}");
        first
    }

    #[test]
    fn dots_and_ends() {
        for (message, expected) in [
            ("", ".\r\n"),
            ("A: b\r\n\r\nc\r\n", "A: b\r\n\r\nc\r\n.\r\n"),
            ("A: b\r\n\r\nc", "A: b\r\n\r\nc\r\n.\r\n"),
            ("A: b\r\n\r\nc\r", "A: b\r\n\r\nc\r\n.\r\n"),
            (
                "A: b\r\n\r\n.\r\n..\r\na.b\r\n",
                "A: b\r\n\r\n..\r\n...\r\na.b\r\n.\r\n",
            ),
            (".\r\n", "..\r\n.\r\n"),
            ("a\n.\nb", "a\n..\nb\r\n.\r\n"),
            ("a\r.\r\n", "a\r.\r\n.\r\n"),
        ] {
            assert_eq!(stuff(message, None), expected, "{message:?}");
        }
    }

    #[test]
    fn the_top_of_a_message() {
        let message = "A: b\r\nC: d\r\n\r\n1\r\n.2\r\n\r\n4";
        for (lines, expected) in [
            (0, "A: b\r\nC: d\r\n\r\n.\r\n"),
            (1, "A: b\r\nC: d\r\n\r\n1\r\n.\r\n"),
            (2, "A: b\r\nC: d\r\n\r\n1\r\n..2\r\n.\r\n"),
            (9, "A: b\r\nC: d\r\n\r\n1\r\n..2\r\n\r\n4\r\n.\r\n"),
            (u32::MAX, "A: b\r\nC: d\r\n\r\n1\r\n..2\r\n\r\n4\r\n.\r\n"),
        ] {
            assert_eq!(stuff(message, Some(lines)), expected, "{lines}");
        }
        assert_eq!(stuff("A: b\r\n", Some(0)), "A: b\r\n.\r\n");
        assert_eq!(stuff("\r\nbody\r\n", Some(0)), "\r\n.\r\n");
        assert_eq!(stuff("A: b\n\n1\n2\n", Some(1)), "A: b\n\n1\n.\r\n");
    }

    #[test]
    fn says_when_it_has_enough() {
        let mut stuffer = Stuffer::top(1);
        let mut out = Vec::new();
        for (piece, enough) in [
            ("A: b\r\n", false),
            ("\r\n", false),
            ("1\r\n", true),
            ("2", true),
        ] {
            stuffer.feed(piece.as_bytes(), &mut out);
            assert_eq!(stuffer.has_enough(), enough, "{piece:?}");
        }
        assert!(!Stuffer::whole().has_enough());
    }
}
