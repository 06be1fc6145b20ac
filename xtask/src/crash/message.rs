//! The messages: each carries a token of its own, and lines that follow from
//! it, so that whoever gets one can tell whose it is and whether it is whole.
//!
//! ```text
//!   Token: c3-n41
//!   0 of c3-n41: please bring this letter with you
//!   1 of c3-n41: please bring this letter with you
//!   End: c3-n41 2
//! ```

use std::fmt;
use std::str::FromStr;

/// One message of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Token {
    pub(super) client: u16,
    pub(super) number: u32,
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}-n{}", self.client, self.number)
    }
}

impl FromStr for Token {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (client, number) = text
            .strip_prefix('c')
            .and_then(|rest| rest.split_once("-n"))
            .ok_or(())?;
        Ok(Self {
            client: client.parse().map_err(|_| ())?,
            number: number.parse().map_err(|_| ())?,
        })
    }
}

fn line(token: Token, n: u32) -> String {
    format!("{n} of {token}: please bring this letter with you")
}

/// The text, with lines that end in `ending`.
pub(super) fn text(token: Token, lines: u32, ending: &str) -> String {
    let mut text = format!("Token: {token}{ending}");
    for n in 0..lines {
        text.push_str(&line(token, n));
        text.push_str(ending);
    }
    text.push_str(&format!("End: {token} {lines}{ending}"));
    text
}

/// A whole message as DATA carries it, without the final dot.
pub(super) fn letter(token: Token, lines: u32, from: &str, to: &str) -> String {
    format!(
        "From: <{from}>\r\nTo: <{to}>\r\nSubject: Letter {token}\r\n\
         Date: Sat, 21 Nov 2026 09:00:00 +0000\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\
         Message-ID: <{token}@crash.northmoor.example>\r\n\r\n{}",
        text(token, lines, "\r\n")
    )
}

/// What a message says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// Every line is there and as it was handed in.
    Whole(Token),
    /// It bears a token, but its text is not what belongs to it.
    Spoilt(Token),
    /// None of ours: a report of the gateway's own.
    NoToken,
}

/// Reads a message as it arrived; lines may end in CRLF or LF.
pub(super) fn read(message: &[u8]) -> Content {
    let text = String::from_utf8_lossy(message);
    let mut lines = text.lines();
    // The first empty line ends the header section.
    let _ = lines.by_ref().find(|line| line.is_empty());
    let Some(token) = lines
        .next()
        .and_then(|first| first.strip_prefix("Token: "))
        .and_then(|token| token.parse::<Token>().ok())
    else {
        return Content::NoToken;
    };
    for n in 0.. {
        let Some(found) = lines.next() else { break };
        if found == format!("End: {token} {n}") {
            return match lines.next() {
                None => Content::Whole(token),
                Some(_) => Content::Spoilt(token),
            };
        }
        if found != line(token, n) {
            return Content::Spoilt(token);
        }
    }
    Content::Spoilt(token)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: Token = Token {
        client: 3,
        number: 41,
    };

    #[test]
    fn a_message_knows_itself() {
        let whole = letter(TOKEN, 3, "a@northmoor.example", "b@northmoor.example");
        let cut = &whole[..whole.len() - 10];
        let changed = whole.replace("1 of c3", "1 of c4");
        let twice = format!("{whole}End: c3-n41 3\r\n");
        for (text, expected) in [
            (whole.as_str(), Content::Whole(TOKEN)),
            (&whole.replace("\r\n", "\n"), Content::Whole(TOKEN)),
            (cut, Content::Spoilt(TOKEN)),
            (&changed, Content::Spoilt(TOKEN)),
            (&twice, Content::Spoilt(TOKEN)),
            ("Subject: report\r\n\r\nIt failed.\r\n", Content::NoToken),
            ("", Content::NoToken),
        ] {
            assert_eq!(read(text.as_bytes()), expected, "{text}");
        }
    }
}
