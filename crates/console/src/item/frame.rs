//! HTML mail, shown as what it is: a hostile document in a locked room.
//!
//! It is never cleaned and put into a page of ours. It is served by itself,
//! into a frame with an empty `sandbox`, under [`FRAME_POLICY`]: no script, no
//! form, no navigation of the page around it, and nothing loaded from anywhere.
//! The page around it allows frames of its own origin only, and links are no
//! links any more, so nothing in the frame leads anywhere.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Part;

pub(crate) const FRAME_POLICY: &str = "default-src 'none'; img-src data:; \
                                       style-src 'unsafe-inline'; form-action 'none'; \
                                       frame-ancestors 'self'; base-uri 'none'; sandbox";

/// Pictures sent inside the message are put into its HTML up to this size in
/// all; the rest stay attachments.
const PICTURES_OCTETS_MAX: usize = 4 * 1024 * 1024;

/// Elements that act beyond what the policy governs. A browser may look up
/// names and open connections for a `link` ahead of need, for an `a` or `area`
/// that is followed, and for a frame of any kind even where the page itself is
/// then refused; a frame's `srcdoc` may also hide any of these. `meta` may move
/// the frame elsewhere, `base` may change where every address points.
const DISARMED: [&str; 11] = [
    "a",
    "area",
    "base",
    "embed",
    "fencedframe",
    "frame",
    "iframe",
    "link",
    "meta",
    "object",
    "portal",
];

/// The HTML for the frame: disarmed, and with the message's own pictures
/// (RFC 2392 `cid:` addresses) in place.
pub(crate) fn framed(html: &str, parts: &[Part<'_>]) -> String {
    with_pictures(&disarm(html), parts)
}

/// Renames the elements named above to ones that mean nothing. A tag opens at
/// `<` and a name in ASCII letters of either case, which white space, `/` or
/// `>` ends (HTML Living Standard, section 13.2.5.8), so no tag escapes a search
/// for just that; what is renamed in text or comments besides does no harm.
fn disarm(html: &str) -> String {
    let mut disarmed = String::with_capacity(html.len());
    let mut pieces = html.split('<');
    disarmed.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        disarmed.push('<');
        let name_end = piece
            .find([' ', '\t', '\n', '\u{c}', '\r', '/', '>'])
            .unwrap_or(piece.len());
        let name = &piece[..name_end];
        if DISARMED
            .iter()
            .any(|armed| name.eq_ignore_ascii_case(armed))
        {
            disarmed.push_str("x-");
        }
        disarmed.push_str(piece);
    }
    disarmed
}

fn with_pictures(html: &str, parts: &[Part<'_>]) -> String {
    let pictures = pictures(parts);
    let mut left = PICTURES_OCTETS_MAX;
    let mut made = String::with_capacity(html.len());
    let mut pieces = html.split("cid:");
    made.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let end = piece
            .find(|c: char| c.is_whitespace() || "\"'<>()&".contains(c))
            .unwrap_or(piece.len());
        // Counted for every use, before any work: one picture named a thousand
        // times would otherwise fill the memory.
        let fitting = pictures.get(&piece[..end]).and_then(|picture| {
            left = left.checked_sub(picture.octets)?;
            Some(picture.part)
        });
        match fitting {
            Some(part) => {
                let data = STANDARD.encode(part.decoded());
                made.push_str(&format!("data:{};base64,{data}", part.media_type));
                made.push_str(&piece[end..]);
            }
            None => {
                made.push_str("cid:");
                made.push_str(piece);
            }
        }
    }
    made
}

struct Picture<'a> {
    part: &'a Part<'a>,
    /// What a use of it is counted as: its encoded size, which bounds both the
    /// work and the result.
    octets: usize,
}

/// Pictures by their Content-ID; of two with the same the first.
fn pictures<'a>(parts: &'a [Part<'a>]) -> HashMap<&'a str, Picture<'a>> {
    let mut pictures = HashMap::new();
    for part in parts.iter().filter(|part| is_picture(part)) {
        if let Some(id) = &part.content_id {
            let octets = part.encoded_octets();
            pictures
                .entry(id.as_str())
                .or_insert(Picture { part, octets });
        }
    }
    pictures
}

/// Pictures without scripts or references in them.
fn is_picture(part: &Part<'_>) -> bool {
    matches!(
        part.media_type.as_str(),
        "image/png" | "image/jpeg" | "image/gif" | "image/webp"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::item::parts;

    #[test]
    fn disarms_in_any_spelling() {
        for (html, disarmed) in [
            ("<p>Hello</p>", "<p>Hello</p>"),
            (
                "<LINK rel=preconnect href=//evil.example>",
                "<x-LINK rel=preconnect href=//evil.example>",
            ),
            (
                "<link/rel=x><Meta http-equiv=refresh>",
                "<x-link/rel=x><x-Meta http-equiv=refresh>",
            ),
            ("a < b <base href=x> <é", "a < b <x-base href=x> <é"),
            (
                "<A\nhref=x>y</a><area\u{c}href=x>",
                "<x-A\nhref=x>y</a><x-area\u{c}href=x>",
            ),
            (
                "<iframe srcdoc='&lt;link rel=preconnect&gt;'></iframe>",
                "<x-iframe srcdoc='&lt;link rel=preconnect&gt;'></iframe>",
            ),
            ("<article><abbr>", "<article><abbr>"),
            ("<", "<"),
        ] {
            assert_eq!(disarm(html), disarmed);
        }
    }

    #[test]
    fn puts_own_pictures_in_place() {
        let message = b"Content-Type: multipart/related; boundary=b\n\n--b\n\
            Content-Type: image/png\nContent-ID: <logo@northmoor.example>\n\
            Content-Transfer-Encoding: base64\n\nSGVsbG8=\n--b\n\
            Content-Type: image/svg+xml\nContent-ID: <drawing@northmoor.example>\n\n<svg/>\n--b--\n";
        let (found, _) = parts(message);
        for (html, made) in [
            (
                "<img src=\"cid:logo@northmoor.example\">",
                "<img src=\"data:image/png;base64,SGVsbG8=\">",
            ),
            ("<img src='cid:other'>", "<img src='cid:other'>"),
            (
                "<img src=cid:drawing@northmoor.example>",
                "<img src=cid:drawing@northmoor.example>",
            ),
            ("cid:", "cid:"),
        ] {
            assert_eq!(framed(html, &found), made);
        }
    }

    #[test]
    fn one_picture_named_often_does_not_fill_memory() {
        let picture = STANDARD.encode(vec![0; PICTURES_OCTETS_MAX / 4]);
        let message = format!(
            "Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: image/png\n\
             Content-ID: <p>\nContent-Transfer-Encoding: base64\n\n{picture}\n--b--\n"
        );
        let (found, _) = parts(message.as_bytes());
        let made = framed(&"<img src='cid:p'>".repeat(50_000), &found);
        assert!(made.len() < 2 * PICTURES_OCTETS_MAX);
        assert!(made.contains("cid:p") && made.contains("data:image/png"));
    }
}
