//! Cutting the byte stream into responses, literals included.
//!
//! ```text
//!   line ── ends in {n} ──▶ n octets ──▶ line …
//!     └── ends otherwise ─▶ a whole response
//! ```
//!
//! Only data can hold literals. A line of text (`* OK …`, `A1 NO …`, `+ …`)
//! that happens to end in `{3}` is a line of text.

use super::super::frame::{announced, line_end};
use super::error::Violation;

/// The longest response that is taken, literals included. Far above what the
/// header fields of a message or the folders of a mailbox need.
pub const RESPONSE_OCTETS_MAX: usize = 1024 * 1024;

/// Collects one response at a time.
#[derive(Debug, Default)]
pub struct Framer {
    response: Vec<u8>,
    line_start: usize,
    literal_left: usize,
}

impl Framer {
    /// Takes octets from the front of `input` until a response is whole.
    /// `None` when more are needed.
    pub fn next(&mut self, input: &mut &[u8]) -> Result<Option<Vec<u8>>, Violation> {
        while !input.is_empty() {
            if self.literal_left > 0 {
                let taken = self.literal_left.min(input.len());
                self.response.extend_from_slice(&input[..taken]);
                *input = &input[taken..];
                self.literal_left -= taken;
                self.line_start = self.response.len();
                continue;
            }
            let end = line_end(input);
            if self.response.len() + end > RESPONSE_OCTETS_MAX {
                return Err(Violation::ResponseTooLong);
            }
            self.response.extend_from_slice(&input[..end]);
            *input = &input[end..];
            if self.response.last() != Some(&b'\n') {
                continue;
            }
            match self.literal() {
                Some(octets) if octets > (RESPONSE_OCTETS_MAX - self.response.len()) as u64 => {
                    return Err(Violation::ResponseTooLong);
                }
                Some(octets) => {
                    self.literal_left = usize::try_from(octets).unwrap_or(RESPONSE_OCTETS_MAX);
                    self.line_start = self.response.len();
                }
                None => {
                    let mut response = std::mem::take(&mut self.response);
                    self.line_start = 0;
                    response.pop();
                    if response.last() == Some(&b'\r') {
                        response.pop();
                    }
                    return Ok(Some(response));
                }
            }
        }
        Ok(None)
    }

    /// The literal that the line which has just ended announces.
    fn literal(&self) -> Option<u64> {
        let start = self.response.strip_prefix(b"* ")?;
        let word = start
            .split(|byte| matches!(byte, b' ' | b'\r' | b'\n'))
            .next()?;
        let is_text = [&b"OK"[..], b"NO", b"BAD", b"BYE", b"PREAUTH"]
            .iter()
            .any(|name| word.eq_ignore_ascii_case(name));
        if is_text {
            return None;
        }
        announced(&self.response[self.line_start..]).map(|literal| literal.octets)
    }
}
