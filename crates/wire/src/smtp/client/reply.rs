//! Replies out of octets (RFC 5321 section 4.2), bounded in every direction.

use mailward_mail::Reply;
use memchr::memchr;

use super::error::Violation;

/// RFC 5321 section 4.5.3.1.5 has 512; Exchange's diagnostics exceed it.
const LINE_OCTETS_MAX: usize = 8192;

/// EHLO has about a dozen.
const LINES_MAX: usize = 100;

/// How much of something else is shown.
const EXCERPT_CHARS_MAX: usize = 100;

#[derive(Debug, Default)]
pub(super) struct ReplyParser {
    /// A line that has not ended yet.
    line: Vec<u8>,
    code: Option<u16>,
    lines: Vec<String>,
}

impl ReplyParser {
    /// The next reply, or nothing once all input is used up.
    pub(super) fn next(&mut self, input: &mut &[u8]) -> Result<Option<Reply>, Violation> {
        while let Some(end) = memchr(b'\n', input) {
            let (piece, rest) = input.split_at(end + 1);
            *input = rest;
            self.gather(piece)?;
            let line = std::mem::take(&mut self.line);
            if let Some(reply) = self.take_line(&line)? {
                return Ok(Some(reply));
            }
        }
        self.gather(input)?;
        *input = &[];
        Ok(None)
    }

    /// Whether a reply has begun and not ended.
    pub(super) fn is_midway(&self) -> bool {
        !self.line.is_empty() || self.code.is_some()
    }

    fn gather(&mut self, piece: &[u8]) -> Result<(), Violation> {
        if self.line.len() + piece.len() > LINE_OCTETS_MAX {
            let octets_max = LINE_OCTETS_MAX;
            return Err(Violation::LineTooLong { octets_max });
        }
        self.line.extend_from_slice(piece);
        Ok(())
    }

    fn take_line(&mut self, line: &[u8]) -> Result<Option<Reply>, Violation> {
        let line = line.strip_suffix(b"\r\n").ok_or(Violation::BareLineEnd)?;
        let text = String::from_utf8_lossy(line);
        let (code, is_last, text) = split(&text).ok_or_else(|| Violation::NotAReply {
            line: text.chars().take(EXCERPT_CHARS_MAX).collect(),
        })?;
        match self.code {
            Some(first) if first != code => {
                let other = code;
                return Err(Violation::CodesDiffer { first, other });
            }
            _ => self.code = Some(code),
        }
        if self.lines.len() >= LINES_MAX {
            let lines_max = LINES_MAX;
            return Err(Violation::TooManyLines { lines_max });
        }
        self.lines.push(text.to_owned());
        if !is_last {
            return Ok(None);
        }
        self.code = None;
        Ok(Some(Reply::from_wire(
            code,
            std::mem::take(&mut self.lines),
        )))
    }
}

/// `250-text`, `250 text` or `250`: code, whether it is the last line, text.
fn split(line: &str) -> Option<(u16, bool, &str)> {
    let (digits, rest) = line.split_at_checked(3)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let code = digits
        .parse()
        .ok()
        .filter(|code| (200..600).contains(code))?;
    match rest.as_bytes().first() {
        None => Some((code, true, "")),
        Some(b' ') => Some((code, true, &rest[1..])),
        Some(b'-') => Some((code, false, &rest[1..])),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The replies in `input`, fed in pieces of `size`, and the violation that
    /// ended it.
    fn replies(input: &[u8], size: usize) -> (Vec<String>, Option<Violation>) {
        let mut parser = ReplyParser::default();
        let mut found = Vec::new();
        for mut piece in input.chunks(size) {
            loop {
                match parser.next(&mut piece) {
                    Ok(Some(reply)) => found.push(format!("{} {:?}", reply.code(), reply.lines())),
                    Ok(None) => break,
                    Err(violation) => return (found, Some(violation)),
                }
            }
        }
        (found, None)
    }

    #[test]
    fn reads_replies_however_they_arrive() {
        let cases: [(&[u8], &[&str], Option<Violation>); 9] = [
            (b"220 hello\r\n", &["220 [\"hello\"]"], None),
            (b"250\r\n354 \r\n", &["250 [\"\"]", "354 [\"\"]"], None),
            (
                b"250-a\r\n250-B 1\r\n250 c\r\n221 x\r\n",
                &["250 [\"a\", \"B 1\", \"c\"]", "221 [\"x\"]"],
                None,
            ),
            (b"250 un", &[], None),
            (b"250 a\n", &[], Some(Violation::BareLineEnd)),
            (
                b"250-a\r\n251 b\r\n",
                &[],
                Some(Violation::CodesDiffer {
                    first: 250,
                    other: 251,
                }),
            ),
            (
                b"hello\r\n",
                &[],
                Some(Violation::NotAReply {
                    line: "hello".to_owned(),
                }),
            ),
            (
                b"2500 x\r\n",
                &[],
                Some(Violation::NotAReply {
                    line: "2500 x".to_owned(),
                }),
            ),
            (
                b"\r\n",
                &[],
                Some(Violation::NotAReply {
                    line: String::new(),
                }),
            ),
        ];
        for (input, expected, violation) in cases {
            for size in 1..=input.len() {
                let (found, ended) = replies(input, size);
                assert_eq!(found, expected, "{input:?} by {size}");
                assert_eq!(ended, violation, "{input:?} by {size}");
            }
        }
    }

    #[test]
    fn is_bounded() {
        let endless = vec![b'x'; LINE_OCTETS_MAX + 1];
        for size in [1, 100, endless.len()] {
            let (_, ended) = replies(&endless, size);
            let octets_max = LINE_OCTETS_MAX;
            assert_eq!(ended, Some(Violation::LineTooLong { octets_max }));
        }
        let (_, ended) = replies(&b"250-x\r\n".repeat(LINES_MAX + 1), 4096);
        let lines_max = LINES_MAX;
        assert_eq!(ended, Some(Violation::TooManyLines { lines_max }));
    }
}
