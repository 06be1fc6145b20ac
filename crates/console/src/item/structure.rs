//! The parts of a MIME message (RFC 2046), found without copying or decoding,
//! with limits on how many and how deep.
//!
//! The structure is found here rather than by the parsing library, which
//! builds nested messages inside one another without a limit; from it come the
//! decoders and the reading of header fields, which need none. A message inside
//! a message (message/rfc822) is not opened: it is an attachment.

use std::ops::Range;

use mail_parser::{HeaderName, MessageParser, MimeHeaders};
use mailward_mail::header::{HEADER_OCTETS_MAX, Header};
use memchr::memmem;

use super::part::{Encoding, Part};

/// Parts beyond this number are not looked at.
pub(crate) const PARTS_MAX: usize = 500;
/// A multipart nested deeper is taken for one part. Each level is searched for
/// its own boundaries, so this also bounds the work.
pub(crate) const DEPTH_MAX: usize = 10;

/// A longer MIME field is taken for absent: reading its parameters takes time
/// with the square of their number.
const FIELD_OCTETS_MAX: usize = 8 * 1024;
const FIELDS: [&str; 4] = [
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Disposition",
    "Content-ID",
];

/// The leaves of `message` in their order, and whether that is all of them.
pub(crate) fn parts(message: &[u8]) -> (Vec<Part<'_>>, bool) {
    let mut walk = Walk {
        parts: Vec::new(),
        is_complete: true,
    };
    walk.entity(message, 0, "text/plain");
    (walk.parts, walk.is_complete)
}

struct Walk<'a> {
    parts: Vec<Part<'a>>,
    is_complete: bool,
}

impl<'a> Walk<'a> {
    fn entity(&mut self, entity: &'a [u8], depth: usize, default_type: &str) {
        if self.parts.len() >= PARTS_MAX {
            self.is_complete = false;
            return;
        }
        let header_end = header_end(entity);
        let (header, body) = entity.split_at(header_end);
        let (part, boundary) = describe(header, body, default_type);
        match boundary {
            Some(boundary) if depth < DEPTH_MAX => {
                let inner_default = if part.media_type == "multipart/digest" {
                    "message/rfc822"
                } else {
                    "text/plain"
                };
                for range in between_boundaries(body, &boundary) {
                    self.entity(&body[range], depth + 1, inner_default);
                    if !self.is_complete {
                        return;
                    }
                }
            }
            _ => self.parts.push(part),
        }
    }
}

/// Where the body starts: after the first empty line. Without one, all of it
/// is header.
fn header_end(entity: &[u8]) -> usize {
    let mut line_start = 0;
    for newline in memchr::memchr_iter(b'\n', entity) {
        if matches!(&entity[line_start..newline], [] | [b'\r']) {
            return newline + 1;
        }
        line_start = newline + 1;
    }
    entity.len()
}

/// Reads the MIME fields; the boundary is there only for a multipart.
fn describe<'a>(header: &[u8], body: &'a [u8], default_type: &str) -> (Part<'a>, Option<String>) {
    let mut part = Part {
        media_type: default_type.to_owned(),
        charset: None,
        file_name: None,
        content_id: None,
        is_attachment: false,
        encoding: Encoding::Identity,
        body,
    };
    let fields = mime_fields(header);
    let Some(parsed) = MessageParser::new()
        .with_mime_headers()
        .parse_headers(&fields)
    else {
        return (part, None);
    };
    let mut boundary = None;
    if let Some(content_type) = MimeHeaders::content_type(&parsed) {
        let subtype = content_type.subtype().unwrap_or("plain");
        part.media_type = format!("{}/{subtype}", content_type.ctype()).to_ascii_lowercase();
        part.charset = content_type.attribute("charset").map(str::to_owned);
        if part.media_type.starts_with("multipart/") {
            boundary = content_type
                .attribute("boundary")
                .filter(|boundary| !boundary.is_empty())
                .map(str::to_owned);
        }
    }
    part.file_name = parsed.attachment_name().map(str::to_owned);
    part.content_id = parsed.content_id().map(str::to_owned);
    part.is_attachment = parsed
        .content_disposition()
        .is_some_and(|disposition| disposition.is_attachment());
    part.encoding = match parsed
        .header(HeaderName::ContentTransferEncoding)
        .and_then(|value| value.as_text())
    {
        Some(name) if name.trim().eq_ignore_ascii_case("base64") => Encoding::Base64,
        Some(name) if name.trim().eq_ignore_ascii_case("quoted-printable") => {
            Encoding::QuotedPrintable
        }
        _ => Encoding::Identity,
    };
    (part, boundary)
}

/// The MIME fields alone, the first of each name.
fn mime_fields(header: &[u8]) -> Vec<u8> {
    let header = Header::parse(&header[..header.len().min(HEADER_OCTETS_MAX)]);
    let mut fields = Vec::new();
    for name in FIELDS {
        if let Some(field) = header.first(name)
            && field.raw_value.len() <= FIELD_OCTETS_MAX
        {
            fields.extend_from_slice(name.as_bytes());
            fields.push(b':');
            fields.extend_from_slice(field.raw_value);
            fields.extend_from_slice(b"\r\n");
        }
    }
    fields.extend_from_slice(b"\r\n");
    fields
}

/// The bodies between the delimiter lines of RFC 2046 section 5.1.1, without
/// the line end before each delimiter, which belongs to it.
fn between_boundaries(body: &[u8], boundary: &str) -> Vec<Range<usize>> {
    let delimiter = format!("--{boundary}");
    let mut ranges = Vec::new();
    let mut start = None;
    for found in memmem::find_iter(body, delimiter.as_bytes()) {
        // Asked first, so that the search for the line's end below covers each
        // line once, however often the delimiter stands in it.
        if found != 0 && body[found - 1] != b'\n' {
            continue;
        }
        let after = found + delimiter.len();
        let line_end = memchr::memchr(b'\n', &body[after..]).map_or(body.len(), |at| after + at);
        let rest = body[after..line_end].trim_ascii_end();
        let is_last = rest == b"--";
        if !(rest.is_empty() || is_last) {
            continue;
        }
        if let Some(start) = start {
            ranges.push(start..before_line_end(body, found).max(start));
        }
        if is_last || ranges.len() >= PARTS_MAX {
            return ranges;
        }
        start = Some((line_end + 1).min(body.len()));
    }
    // The closing delimiter is missing: the last part goes on to the end.
    if let Some(start) = start {
        ranges.push(start..body.len());
    }
    ranges
}

fn before_line_end(body: &[u8], at: usize) -> usize {
    let before = &body[..at];
    let before = before.strip_suffix(b"\n").unwrap_or(before);
    before.strip_suffix(b"\r").unwrap_or(before).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Media types of the leaves, and the text of the first.
    #[track_caller]
    fn check(message: &str, media_types: &[&str], first: &str) {
        for message in [message.to_owned(), message.replace('\n', "\r\n")] {
            let (parts, is_complete) = parts(message.as_bytes());
            let found: Vec<&str> = parts.iter().map(|part| part.media_type.as_str()).collect();
            assert_eq!(found, media_types);
            let text = parts[0].text(1000).0.replace("\r\n", "\n");
            assert_eq!(text, first);
            assert!(is_complete);
        }
    }

    #[test]
    fn finds_the_parts() {
        check("Subject: plain\n\nHello\n", &["text/plain"], "Hello\n");
        check("Subject: no body\n", &["text/plain"], "");
        check("", &["text/plain"], "");
        check(
            "Content-Type: multipart/mixed; boundary=b\n\npreamble\n--b\n\nOne\n--b\n\
             Content-Type: TEXT/HTML\n\n<p>\n--b--\nepilogue\n--b\n\nnot a part\n",
            &["text/plain", "text/html"],
            "One",
        );
        check(
            "Content-Type: multipart/mixed; boundary=\"b\"\n\n--b\n\nno end",
            &["text/plain"],
            "no end",
        );
        check(
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\
             Content-Type: multipart/alternative; boundary=bb\n\n--bb\n\nInner --b\n--bx\n--bb\n\
             Content-Type: text/html\n\nx\n--bb--\n--b\nContent-Type: message/rfc822\n\n\
             Content-Type: multipart/mixed; boundary=c\n\n--c\n\nhidden\n--c--\n--b--\n",
            &["text/plain", "text/html", "message/rfc822"],
            "Inner --b\n--bx",
        );
        check(
            "Content-Type: multipart/digest; boundary=b\n\n--b\n\nFrom: a\n\nx\n--b--\n",
            &["message/rfc822"],
            "From: a\n\nx",
        );
        check(
            "Content-Type: multipart/mixed\n\nno boundary\n",
            &["multipart/mixed"],
            "no boundary\n",
        );
    }

    #[test]
    fn limits_number_and_depth() {
        let mut many = "Content-Type: multipart/mixed; boundary=b\n\n".to_owned();
        many.push_str(&"--b\n\nx\n".repeat(3 * PARTS_MAX));
        let (found, _) = parts(many.as_bytes());
        assert!(found.len() <= PARTS_MAX);

        let mut deep = String::new();
        for level in 0..100_000 {
            deep.push_str(&format!(
                "Content-Type: multipart/mixed; boundary=b{level}\n\n--b{level}\n"
            ));
        }
        let (found, _) = parts(deep.as_bytes());
        assert_eq!(found.len(), 1);

        let one_line = "--b".repeat(5_000_000);
        let message = format!("Content-Type: multipart/mixed; boundary=b\n\n--b\n\n{one_line}");
        assert_eq!(parts(message.as_bytes()).0.len(), 1);

        let nested = "Content-Type: message/rfc822\n\n".repeat(100_000);
        assert_eq!(parts(nested.as_bytes()).0.len(), 1);
    }
}
