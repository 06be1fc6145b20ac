//! The answer to an SMTP command: reply code, enhanced status code and text,
//! built together so that they cannot disagree (RFC 5321 section 4.2, RFC 3463).

use std::fmt;

/// An enhanced status code, for example 5.7.1. The class is not stored: it is
/// the first digit of the reply code it stands beside.
#[derive(Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
pub struct EnhancedCode {
    pub subject: u16,
    pub detail: u16,
}

impl EnhancedCode {
    pub const fn new(subject: u16, detail: u16) -> Self {
        Self { subject, detail }
    }
}

impl fmt::Debug for EnhancedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "x.{}.{}", self.subject, self.detail)
    }
}

/// One reply of an SMTP server. `lines` holds at least one line of text,
/// without code, enhanced code or line end.
#[derive(Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Reply {
    code: u16,
    enhanced: Option<EnhancedCode>,
    lines: Vec<String>,
}

impl Reply {
    /// A reply of one line. `code` must be in 200..=599. Control characters in
    /// `text` become spaces: a reply can never carry a second line by accident.
    pub fn new(code: u16, enhanced: Option<EnhancedCode>, text: impl AsRef<str>) -> Self {
        Self::multiline(code, enhanced, [text.as_ref()])
    }

    /// As [`Reply::new`] with a subject and detail, the class following the code:
    /// `Reply::status(550, 7, 1, "…")` is `550 5.7.1 …`.
    pub fn status(code: u16, subject: u16, detail: u16, text: impl AsRef<str>) -> Self {
        Self::new(code, Some(EnhancedCode::new(subject, detail)), text)
    }

    pub fn multiline<T: AsRef<str>>(
        code: u16,
        enhanced: Option<EnhancedCode>,
        lines: impl IntoIterator<Item = T>,
    ) -> Self {
        debug_assert!((200..=599).contains(&code), "reply code {code}");
        let mut lines: Vec<String> = lines
            .into_iter()
            .map(|line| line.as_ref().replace(|c: char| c.is_control(), " "))
            .collect();
        if lines.is_empty() {
            lines.push(String::new());
        }
        Self {
            code,
            enhanced,
            lines,
        }
    }

    pub fn code(&self) -> u16 {
        self.code
    }

    pub fn enhanced(&self) -> Option<EnhancedCode> {
        self.enhanced
    }

    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// All lines joined by spaces.
    pub fn text(&self) -> String {
        self.lines.join(" ")
    }

    /// 2xx or 3xx.
    pub fn is_positive(&self) -> bool {
        self.code < 400
    }

    /// 4xx: the same try may work later.
    pub fn is_transient(&self) -> bool {
        (400..500).contains(&self.code)
    }

    /// 5xx.
    pub fn is_permanent(&self) -> bool {
        self.code >= 500
    }

    /// `5.7.1`, or what RFC 3463 gives for the bare code: `5.0.0`.
    pub fn status_text(&self) -> String {
        let class = self.code / 100;
        match self.enhanced {
            Some(code) => format!("{class}.{}.{}", code.subject, code.detail),
            None => format!("{class}.0.0"),
        }
    }

    /// The wire form, every line with CRLF.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        let class = self.code / 100;
        for (index, line) in self.lines.iter().enumerate() {
            let separator = if index + 1 == self.lines.len() {
                ' '
            } else {
                '-'
            };
            out.extend_from_slice(format!("{}{separator}", self.code).as_bytes());
            if let Some(code) = self.enhanced {
                out.extend_from_slice(
                    format!("{class}.{}.{} ", code.subject, code.detail).as_bytes(),
                );
            }
            out.extend_from_slice(line.as_bytes());
            out.extend_from_slice(b"\r\n");
        }
    }

    /// Builds a reply from what a server sent: `code`, then each line's text,
    /// from which the enhanced code is taken off where all lines carry it and
    /// its class agrees with the code.
    pub fn from_wire(code: u16, lines: Vec<String>) -> Self {
        let class = code / 100;
        let enhanced = lines
            .first()
            .and_then(|line| split_enhanced(line, class))
            .map(|(code, _)| code);
        let lines = match enhanced {
            None => lines,
            Some(expected) => lines
                .iter()
                .map(|line| match split_enhanced(line, class) {
                    Some((code, rest)) if code == expected => rest.to_owned(),
                    _ => line.clone(),
                })
                .collect(),
        };
        Self::multiline(code, enhanced, lines)
    }
}

fn split_enhanced(line: &str, class: u16) -> Option<(EnhancedCode, &str)> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let mut parts = word.split('.');
    let mut number = || {
        parts
            .next()
            .filter(|part| {
                (1..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit())
            })
            .and_then(|part| part.parse::<u16>().ok())
    };
    let (found, subject, detail) = (number()?, number()?, number()?);
    (found == class && parts.next().is_none()).then_some((EnhancedCode::new(subject, detail), rest))
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.enhanced {
            Some(_) => write!(f, "{} {} {}", self.code, self.status_text(), self.text()),
            None => write!(f, "{} {}", self.code, self.text()),
        }
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Reply({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn writes_every_line_with_its_codes() {
        let reply = Reply::multiline(550, Some(EnhancedCode::new(7, 1)), ["one", "two"]);
        let mut wire = Vec::new();
        reply.write_to(&mut wire);
        assert_eq!(wire, b"550-5.7.1 one\r\n550 5.7.1 two\r\n");
    }

    #[test]
    fn no_text_can_add_a_line() {
        let mut wire = Vec::new();
        Reply::new(250, None, "ok\r\n250 forged").write_to(&mut wire);
        assert_eq!(wire, b"250 ok  250 forged\r\n");
    }

    #[test]
    fn reads_what_servers_send() {
        for (code, line, status, text) in [
            (
                550,
                "5.1.10 RESOLVER.ADR.RecipientNotFound; not found",
                "5.1.10",
                "RESOLVER.ADR.RecipientNotFound; not found",
            ),
            (250, "2.0.0", "2.0.0", ""),
            (250, "ok", "2.0.0", "ok"),
            (250, "5.1.1 odd class", "2.0.0", "5.1.1 odd class"),
            (250, "1.2.3.4 an address", "2.0.0", "1.2.3.4 an address"),
        ] {
            let reply = Reply::from_wire(code, vec![line.to_owned()]);
            assert_eq!(
                (reply.status_text().as_str(), reply.text().as_str()),
                (status, text)
            );
        }
    }
}
