//! Reverse-path and forward-path as MAIL and RCPT write them (RFC 5321
//! section 4.1.2).

use super::super::server::Quirks;

/// A path and what follows it on the line.
pub(super) struct Path<'a> {
    /// Without brackets and source route; empty for `<>`.
    pub(super) mailbox: &'a str,
    pub(super) rest: &'a str,
}

/// Reads `KEYWORD:<path>` off the front of `argument`. Nothing when it does
/// not have that form.
pub(super) fn split<'a>(argument: &'a str, keyword: &str, quirks: &Quirks) -> Option<Path<'a>> {
    let head = argument.get(..keyword.len())?;
    let mut tail = argument.get(keyword.len()..)?.strip_prefix(':')?;
    if !head.eq_ignore_ascii_case(keyword) {
        return None;
    }
    if quirks.space_before_path {
        tail = tail.trim_start_matches(' ');
    }
    let inside = tail.strip_prefix('<')?;
    let end = closing_bracket(inside)?;
    let rest = &inside[end + 1..];
    if !rest.is_empty() && !rest.starts_with(' ') {
        return None;
    }
    Some(Path {
        mailbox: without_source_route(&inside[..end]),
        rest,
    })
}

/// The `>` that ends the path: not one inside a quoted local part.
fn closing_bracket(inside: &str) -> Option<usize> {
    let (mut quoted, mut escaped) = (false, false);
    for (index, byte) in inside.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return Some(index),
            _ => {}
        }
    }
    None
}

/// `@a.example,@b.example:c@d.example` means `c@d.example`: source routes are
/// taken and ignored (RFC 5321 appendix C).
fn without_source_route(path: &str) -> &str {
    match path.split_once(':') {
        Some((route, mailbox)) if path.starts_with('@') && !route.contains('"') => mailbox,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_mailbox_and_the_rest() {
        for (argument, mailbox, rest) in [
            ("FROM:<>", "", ""),
            ("from:<a@b.example>", "a@b.example", ""),
            ("FROM:<a@b.example> SIZE=1", "a@b.example", " SIZE=1"),
            ("FROM: <a@b.example>", "a@b.example", ""),
            ("FROM:<\"a>b\"@c.example>", "\"a>b\"@c.example", ""),
            (
                "FROM:<\"a\\\">\"@c.example> X",
                "\"a\\\">\"@c.example",
                " X",
            ),
            (
                "FROM:<@x.example,@y.example:a@b.example>",
                "a@b.example",
                "",
            ),
            ("FROM:<ä@b.example>", "ä@b.example", ""),
        ] {
            let path = split(argument, "FROM", &Quirks::default()).expect(argument);
            assert_eq!((path.mailbox, path.rest), (mailbox, rest), "{argument:?}");
        }
    }

    #[test]
    fn refuses_other_forms() {
        for argument in [
            "",
            "FROM",
            "FROM:",
            "FROM:a@b.example",
            "FROM <a@b.example>",
            "FROM :<a@b.example>",
            "TO:<a@b.example>",
            "FROM:<a@b.example",
            "FROM:<a@b.example>SIZE=1",
            "FROM:<\"a@b.example>",
            "ÄÖÜ",
        ] {
            assert!(
                split(argument, "FROM", &Quirks::default()).is_none(),
                "{argument:?}"
            );
        }
        assert!(split("FROM: <a@b.example>", "FROM", &Quirks::NONE).is_none());
    }
}
