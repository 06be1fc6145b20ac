//! Dots put in: the body as DATA wants it (RFC 5321 section 4.5.2).

use memchr::memchr2;

use super::error::BodyError;

/// Doubles the dots at the beginnings of lines, and lets no bare CR or LF
/// pass.
#[derive(Debug)]
pub(super) struct DotStuffer {
    place: Place,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    LineStart,
    InLine,
    Cr,
}

impl DotStuffer {
    pub(super) fn new() -> Self {
        Self {
            place: Place::LineStart,
        }
    }

    /// Appends `octets` to `out` as they go over the wire.
    pub(super) fn write(&mut self, octets: &[u8], out: &mut Vec<u8>) -> Result<(), BodyError> {
        let (mut from, mut at) = (0, 0);
        while at < octets.len() {
            match self.place {
                Place::LineStart => {
                    if octets[at] == b'.' {
                        out.extend_from_slice(&octets[from..at]);
                        out.push(b'.');
                        from = at;
                    }
                    self.place = Place::InLine;
                }
                Place::InLine => match memchr2(b'\r', b'\n', &octets[at..]) {
                    None => at = octets.len(),
                    Some(hit) if octets[at + hit] == b'\r' => {
                        at += hit + 1;
                        self.place = Place::Cr;
                    }
                    Some(_) => return Err(BodyError::BareLineEnd),
                },
                Place::Cr if octets[at] == b'\n' => {
                    at += 1;
                    self.place = Place::LineStart;
                }
                Place::Cr => return Err(BodyError::BareLineEnd),
            }
        }
        out.extend_from_slice(&octets[from..]);
        Ok(())
    }

    /// Appends the final dot. A body whose last line has no end gets one.
    pub(super) fn finish(self, out: &mut Vec<u8>) -> Result<(), BodyError> {
        match self.place {
            Place::LineStart => out.extend_from_slice(b".\r\n"),
            Place::InLine => out.extend_from_slice(b"\r\n.\r\n"),
            Place::Cr => return Err(BodyError::BareLineEnd),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stuffed(body: &[u8], size: usize) -> Result<Vec<u8>, BodyError> {
        let mut stuffer = DotStuffer::new();
        let mut out = Vec::new();
        for piece in body.chunks(size.max(1)) {
            stuffer.write(piece, &mut out)?;
        }
        stuffer.finish(&mut out)?;
        Ok(out)
    }

    #[test]
    fn doubles_dots_however_the_body_is_cut() {
        let cases: [(&[u8], &[u8]); 8] = [
            (b"", b".\r\n"),
            (b"a\r\n", b"a\r\n.\r\n"),
            (b"a", b"a\r\n.\r\n"),
            (b".\r\n", b"..\r\n.\r\n"),
            (b"..a\r\n.b\r\n", b"...a\r\n..b\r\n.\r\n"),
            (b"a.b\r\nc.\r\n", b"a.b\r\nc.\r\n.\r\n"),
            (b"\r\n\r\n.\r\n\r\n", b"\r\n\r\n..\r\n\r\n.\r\n"),
            (b"a\r\n.", b"a\r\n..\r\n.\r\n"),
        ];
        for (body, expected) in cases {
            for size in 1..=body.len().max(1) {
                let found = stuffed(body, size).expect("a sound body");
                assert_eq!(found, expected, "{body:?} by {size}");
            }
        }
    }

    #[test]
    fn lets_no_bare_line_end_pass() {
        for body in [&b"a\nb\r\n"[..], b"a\rb\r\n", b"\n.\r\n", b"a\r", b"\r\r\n"] {
            for size in 1..=body.len() {
                assert_eq!(stuffed(body, size), Err(BodyError::BareLineEnd));
            }
        }
    }
}
