//! The text of a refusal as an SMTP reply: every line ASCII and no longer than
//! the protocol allows, the number of lines bounded.

use std::fmt::Write as _;

use mailward_mail::{EnhancedCode, Reply};

use crate::rule::Answer;
use crate::verdict::Finding;

/// RFC 5321 section 4.5.3.1.5 allows 512 octets with CRLF.
const LINE_OCTETS_MAX: usize = 510;

/// `550-5.7.999 ` and the like before the text.
const CODES_OCTETS_MAX: usize = 12;

/// More lines than this help nobody; the last then says how many are left out.
const LINES_MAX: usize = 12;

/// One reply for all `findings`, each on lines of its own. Where they would be
/// answered differently, the common code is `550 5.7.1`.
pub(crate) fn refusal<'a>(findings: impl Iterator<Item = &'a Finding> + Clone) -> Reply {
    let mut answers = findings.clone().map(|finding| finding.answer);
    let first = answers.next().unwrap_or(Answer::POLICY);
    let answer = if answers.all(|other| other == first) {
        first
    } else {
        Answer::POLICY
    };
    let mut lines = Vec::new();
    let mut left_out = 0;
    for finding in findings {
        let sentence = wrap(&ascii(&finding.sentence()));
        // One line is kept free for the count.
        if lines.len() + sentence.len() < LINES_MAX && left_out == 0 {
            lines.extend(sentence);
        } else {
            left_out += 1;
        }
    }
    if left_out > 0 {
        lines.push(format!("{left_out} more reasons are not shown."));
    }
    let enhanced = EnhancedCode::new(answer.subject, answer.detail);
    Reply::multiline(answer.code, Some(enhanced), lines)
}

/// Shows what is not printable ASCII as `\u{e4}`: not every client takes UTF-8
/// in a reply.
fn ascii(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            ' '..='~' => shown.push(char),
            _ => {
                let _ = write!(shown, "{}", char.escape_unicode());
            }
        }
    }
    shown
}

/// Cuts at the last space that fits, or where it must.
fn wrap(text: &str) -> Vec<String> {
    const TEXT_OCTETS_MAX: usize = LINE_OCTETS_MAX - CODES_OCTETS_MAX;
    let mut lines = Vec::new();
    let mut rest = text;
    while rest.len() > TEXT_OCTETS_MAX {
        let cut = rest[..TEXT_OCTETS_MAX]
            .rfind(' ')
            .filter(|space| *space > 0)
            .unwrap_or(TEXT_OCTETS_MAX);
        lines.push(rest[..cut].to_owned());
        rest = rest[cut..].trim_start();
    }
    lines.push(rest.to_owned());
    lines
}

/// How much of a found text is shown to a person, in characters.
const SHOWN_MAX: usize = 120;

/// A text from outside, as an explanation may quote it: without control
/// characters, and of bounded length.
pub(crate) fn shown(text: &str) -> String {
    let mut out: String = text
        .chars()
        .take(SHOWN_MAX)
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    if text.chars().nth(SHOWN_MAX).is_some() {
        out.push_str("...");
    }
    out
}

/// `line 4`, `lines 4 and 9`, `lines 4, 9 and 11`.
pub(crate) fn lines(numbers: &[usize]) -> String {
    let texts: Vec<String> = numbers.iter().map(usize::to_string).collect();
    match texts.as_slice() {
        [] => String::new(),
        [one] => format!("line {one}"),
        [most @ .., last] => format!("lines {} and {last}", most.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_text_is_wrapped_at_spaces_or_cut() {
        for text in ["word ".repeat(400), "x".repeat(2000), "short".to_owned()] {
            let wrapped = wrap(&text);
            assert!(wrapped.iter().all(|line| line.len() <= 498));
            let joined: String = wrapped.concat();
            assert_eq!(joined.replace(' ', ""), text.replace(' ', ""));
        }
    }

    #[test]
    fn found_text_is_bounded_and_clean() {
        assert_eq!(shown("a\r\nb"), "a  b");
        assert_eq!(shown(&"ä".repeat(500)).chars().count(), SHOWN_MAX + 3);
        assert_eq!(ascii("Käthe"), "K\\u{e4}the");
        assert_eq!(lines(&[4, 9, 11]), "lines 4, 9 and 11");
        assert_eq!(lines(&[4]), "line 4");
    }
}
