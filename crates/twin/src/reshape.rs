//! What the service changes in a message as it streams by: a banner above its
//! text, and blocked attachments taken out.
//!
//! ```text
//!   octets ─▶ Walker ─▶ notes (part begins, header over, part ends)
//!      └────▶ waiting ─▶ kept, dropped, or changed at the places noted
//! ```
//!
//! Held are one part's header, and of HTML as much as is searched for its
//! body. Signed and encrypted parts pass untouched; what has no structure
//! passes as it came.

use std::sync::Arc;

use mailward_mail::mime::{
    Begin, HeaderEnd, Nesting, PartHeader, TransferDecoder, Visitor, Walker, decode_words, fields,
};

use crate::manners::ServiceSpec;
use crate::names::base64_lines;
use crate::ndr::clip;

/// A longer header of a part passes, and the part with it.
const HEADER_OCTETS_MAX: usize = 512 * 1024;
/// So much of an HTML part is searched for `<body>`; without it the banner
/// stands above everything.
const HTML_OCTETS_MAX: usize = 64 * 1024;
/// What is kept of a part that is dropped: its end may lie before the
/// delimiter that tells of it.
const TAIL_OCTETS: usize = 4096;
/// Names of removed files that are remembered for the event log.
const REMOVED_MAX: usize = 100;

/// A warning, in ASCII without an equals sign, so that it stands in any text
/// of any transfer encoding; lines of 76 characters at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Banner {
    pub(crate) plain: &'static str,
    pub(crate) html: &'static str,
}

/// Changes one message.
#[derive(Debug)]
pub(crate) struct Reshaper {
    /// Until the end.
    walker: Option<Walker<Notes>>,
    banner: Option<Banner>,
    /// Notes that have been followed.
    followed: usize,
    /// Octets that have not gone out, and where they begin in the message.
    waiting: Vec<u8>,
    at: u64,
    mode: Mode,
    removed: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Passing,
    /// A part's header is on its way.
    Header,
    Dropping(usize),
    /// The start of an HTML part, of which the banner goes into the body.
    Html(usize, Encoding),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Plain,
    Base64,
}

impl Reshaper {
    pub(crate) fn new(manners: Arc<ServiceSpec>, banner: Option<Banner>) -> Self {
        Self {
            walker: Some(Walker::new(Notes {
                manners,
                banner,
                notes: Vec::new(),
                sealed: None,
                within: Vec::new(),
                has_plain: false,
                has_html: false,
            })),
            banner,
            followed: 0,
            waiting: Vec::new(),
            at: 0,
            mode: Mode::Passing,
            removed: Vec::new(),
        }
    }

    /// What the next octets of the message become.
    pub(crate) fn feed(&mut self, octets: &[u8]) -> Vec<u8> {
        self.waiting.extend_from_slice(octets);
        let mut out = Vec::with_capacity(octets.len());
        let notes = self.walker.as_mut().and_then(|walker| {
            walker.feed(octets);
            walker.visitor().notes.get(self.followed..)
        });
        let notes = notes.map(<[Note]>::to_vec).unwrap_or_default();
        self.follow(notes, &mut out);
        self.flush(&mut out);
        out
    }

    /// What the end of the message becomes, and the names of removed files.
    pub(crate) fn finish(mut self) -> (Vec<u8>, Vec<String>) {
        let mut notes = match self.walker.take() {
            Some(walker) => walker.finish().notes,
            None => Vec::new(),
        };
        let rest = notes.split_off(self.followed.min(notes.len()));
        let mut out = Vec::new();
        self.follow(rest, &mut out);
        if !matches!(self.mode, Mode::Dropping(_)) {
            out.append(&mut self.waiting);
        }
        (out, self.removed)
    }

    fn follow(&mut self, notes: Vec<Note>, out: &mut Vec<u8>) {
        self.followed += notes.len();
        for note in notes {
            match (note, self.mode) {
                (Note::Begin { at }, Mode::Passing) => {
                    self.pass_to(at, out);
                    self.mode = Mode::Header;
                }
                (Note::Header(header), Mode::Header) => self.take_header(header, out),
                (Note::End { place, body_end }, Mode::Dropping(dropped)) if place == dropped => {
                    self.drop_to(body_end);
                    self.mode = Mode::Passing;
                }
                (Note::End { place, body_end }, Mode::Html(html, encoding)) if place == html => {
                    self.put_html(body_end, encoding, true, out);
                }
                _ => {}
            }
        }
    }

    fn take_header(&mut self, header: HeaderNote, out: &mut Vec<u8>) {
        self.mode = Mode::Passing;
        match header.act {
            Act::Keep => {}
            Act::Remove(name) => {
                let section = self.taken_to(header.body_start);
                out.extend_from_slice(&notice(&section, &name));
                self.mode = Mode::Dropping(header.place);
                if self.removed.len() < REMOVED_MAX {
                    self.removed.push(name);
                }
            }
            Act::Plain(encoding, banner) => {
                self.pass_to(header.body_start, out);
                match encoding {
                    Encoding::Plain => {
                        out.extend_from_slice(format!("{}\r\n\r\n", banner.plain).as_bytes());
                    }
                    Encoding::Base64 => {
                        let text = whole_triplets(format!("{}\r\n\r\n", banner.plain), 0);
                        out.extend_from_slice(base64_lines(text.as_bytes()).as_bytes());
                    }
                }
            }
            Act::Html(encoding) => {
                self.pass_to(header.body_start, out);
                self.mode = Mode::Html(header.place, encoding);
            }
        }
    }

    /// Lets go of what need not wait.
    fn flush(&mut self, out: &mut Vec<u8>) {
        let end = self.at + self.waiting.len() as u64;
        match self.mode {
            Mode::Passing => self.pass_to(end, out),
            Mode::Header if self.waiting.len() > HEADER_OCTETS_MAX => {
                self.pass_to(end, out);
                self.mode = Mode::Passing;
            }
            Mode::Dropping(_) => self.drop_to(end.saturating_sub(TAIL_OCTETS as u64)),
            Mode::Html(_, encoding) if self.waiting.len() > HTML_OCTETS_MAX => {
                self.put_html(end, encoding, false, out);
            }
            Mode::Header | Mode::Html(..) => {}
        }
    }

    /// The banner in an HTML part, of which `to` is the end, or the end of
    /// what is searched.
    fn put_html(&mut self, to: u64, encoding: Encoding, whole: bool, out: &mut Vec<u8>) {
        self.mode = Mode::Passing;
        let Some(banner) = self.banner else {
            return;
        };
        let mut start = self.taken_to(to);
        match encoding {
            Encoding::Plain => {
                let (before, after) = start.split_at(body_start(&start));
                out.extend_from_slice(before);
                out.extend_from_slice(format!("\r\n{}\r\n", banner.html).as_bytes());
                out.extend_from_slice(after);
            }
            Encoding::Base64 => {
                let rest = if whole {
                    Vec::new()
                } else {
                    start.split_off(whole_quartets(&start))
                };
                let mut decoder = TransferDecoder::named(b"base64");
                let mut text = Vec::new();
                decoder.feed(&start, &mut text);
                decoder.finish(&mut text);
                let place = body_start(&text);
                let banner = whole_triplets(format!("\r\n{}\r\n", banner.html), text.len());
                text.splice(place..place, banner.into_bytes());
                out.extend_from_slice(base64_lines(&text).as_bytes());
                out.extend_from_slice(&rest);
            }
        }
    }

    fn pass_to(&mut self, to: u64, out: &mut Vec<u8>) {
        out.append(&mut self.taken_to(to));
    }

    fn drop_to(&mut self, to: u64) {
        self.taken_to(to);
    }

    /// Takes what waits before this place of the message.
    fn taken_to(&mut self, to: u64) -> Vec<u8> {
        let count = usize::try_from(to.saturating_sub(self.at)).unwrap_or(usize::MAX);
        let count = count.min(self.waiting.len());
        self.at += count as u64;
        self.waiting.drain(..count).collect()
    }
}

/// What stands in the place of a removed part: of its header all that does not
/// describe its content, and a sentence (NHSmail, Email Warning Messages).
fn notice(section: &[u8], name: &str) -> Vec<u8> {
    let mut part = Vec::new();
    for field in fields(section) {
        let described = field.name.get(..8);
        if !described.is_some_and(|start| start.eq_ignore_ascii_case(b"content-")) {
            part.extend_from_slice(field.octets);
        }
    }
    part.extend_from_slice(
        format!(
            "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\
             NHSmail detected and removed a file named {name}.\r\n"
        )
        .as_bytes(),
    );
    part
}

/// After `<body …>`, or the very start.
fn body_start(html: &[u8]) -> usize {
    let tag = b"<body";
    let found = html
        .windows(tag.len())
        .position(|window| window.eq_ignore_ascii_case(tag));
    found
        .and_then(|start| Some(start + memchr::memchr(b'>', &html[start..])? + 1))
        .unwrap_or(0)
}

/// Spaces after the text, so that with `others` octets it fills base64 groups.
fn whole_triplets(mut text: String, others: usize) -> String {
    while !(text.len() + others).is_multiple_of(3) {
        text.push(' ');
    }
    text
}

/// How many octets of base64 hold only whole groups of four characters.
fn whole_quartets(encoded: &[u8]) -> usize {
    let is_sextet = |byte: &u8| byte.is_ascii_alphanumeric() || b"+/".contains(byte);
    let count = encoded.iter().filter(|byte| is_sextet(byte)).count();
    let mut left = count % 4;
    let mut end = encoded.len();
    while left > 0 && end > 0 {
        end -= 1;
        left -= usize::from(is_sextet(&encoded[end]));
    }
    end
}

#[derive(Clone, Debug)]
enum Note {
    Begin { at: u64 },
    Header(HeaderNote),
    End { place: usize, body_end: u64 },
}

#[derive(Clone, Debug)]
struct HeaderNote {
    place: usize,
    body_start: u64,
    act: Act,
}

#[derive(Clone, Debug)]
enum Act {
    Keep,
    Remove(String),
    Plain(Encoding, Banner),
    Html(Encoding),
}

/// What there is to change, as the parts are found.
#[derive(Debug)]
struct Notes {
    manners: Arc<ServiceSpec>,
    banner: Option<Banner>,
    notes: Vec<Note>,
    /// The signed or encrypted part that is open.
    sealed: Option<usize>,
    /// Messages within the message that are open.
    within: Vec<usize>,
    has_plain: bool,
    has_html: bool,
}

impl Notes {
    fn act(&mut self, end: &HeaderEnd<'_>) -> Act {
        if self.sealed.is_some() {
            return Act::Keep;
        }
        if is_sealed(&end.part) {
            self.sealed = Some(end.place);
            return Act::Keep;
        }
        if end.nesting == Nesting::Message {
            self.within.push(end.place);
        }
        if end.nesting != Nesting::Leaf {
            return Act::Keep;
        }
        if let Some(name) = file_name(&end.part)
            && self.manners.mail.blocks(&name)
        {
            return Act::Remove(clip(&name));
        }
        self.banner(&end.part).unwrap_or(Act::Keep)
    }

    fn banner(&mut self, part: &PartHeader) -> Option<Act> {
        let banner = self.banner?;
        let disposition = part.disposition.as_ref();
        let attached = disposition.is_some_and(|one| one.value == b"attachment");
        let charset = part.content_type.get("charset").unwrap_or_default();
        // Text in which ASCII is not what it is elsewhere.
        let wide = charset.get(..5).is_some_and(|start| {
            start.eq_ignore_ascii_case(b"utf-1") || start.eq_ignore_ascii_case(b"utf-3")
        });
        if attached || wide || !self.within.is_empty() {
            return None;
        }
        let encoding = match part.encoding.as_slice() {
            b"base64" => Encoding::Base64,
            b"7bit" | b"8bit" | b"binary" | b"quoted-printable" => Encoding::Plain,
            _ => return None,
        };
        match part.media_type() {
            (b"text", b"plain") if !self.has_plain => {
                self.has_plain = true;
                Some(Act::Plain(encoding, banner))
            }
            (b"text", b"html") if !self.has_html => {
                self.has_html = true;
                Some(Act::Html(encoding))
            }
            _ => None,
        }
    }
}

impl Visitor for Notes {
    fn begin(&mut self, part: Begin) {
        self.notes.push(Note::Begin { at: part.at });
    }

    fn header(&mut self, end: HeaderEnd<'_>) {
        let act = self.act(&end);
        self.notes.push(Note::Header(HeaderNote {
            place: end.place,
            body_start: end.body_start,
            act,
        }));
    }

    fn end(&mut self, place: usize, body_end: u64, _lines: u64) {
        if self.sealed == Some(place) {
            self.sealed = None;
        }
        self.within.retain(|open| *open != place);
        self.notes.push(Note::End { place, body_end });
    }
}

/// A change would break what it protects.
fn is_sealed(part: &PartHeader) -> bool {
    matches!(
        part.media_type(),
        (b"multipart", b"signed" | b"encrypted")
            | (b"application", b"pkcs7-mime" | b"x-pkcs7-mime")
    )
}

fn file_name(part: &PartHeader) -> Option<String> {
    let disposition = part.disposition.as_ref();
    let name = disposition
        .and_then(|one| one.text("filename"))
        .or_else(|| part.content_type.text("name"))?;
    Some(decode_words(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    const BANNER: Banner = Banner {
        plain: "Warning: from outside.",
        html: "<p>Warning: from outside.</p>",
    };

    /// In pieces of several sizes it becomes the same.
    #[track_caller]
    fn check(banner: Option<Banner>, message: &str, expected: &str, removed: &[&str]) {
        let message = message.replace('\n', "\r\n");
        let expected = expected.replace('\n', "\r\n");
        for size in [1, 2, 7, 64, message.len()] {
            let mut reshaper = Reshaper::new(Arc::default(), banner);
            let mut out = Vec::new();
            for piece in message.as_bytes().chunks(size) {
                out.append(&mut reshaper.feed(piece));
            }
            let (mut end, names) = reshaper.finish();
            out.append(&mut end);
            assert_eq!(String::from_utf8_lossy(&out), expected, "by {size}");
            assert_eq!(names, removed, "by {size}");
        }
    }

    #[test]
    fn mail_without_offence_passes_as_it_came() {
        for message in [
            "",
            "Subject: a\n",
            "Subject: a\n\nText\n",
            "Content-Type: multipart/mixed; boundary=b\n\nnever a part\n",
            "Content-Type: multipart/mixed; boundary=b\n\n--b\n\nText\n--b\nContent-Type: application/pdf; name=a.pdf\n\n%PDF\n--b--\nend\n",
            "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: x",
        ] {
            check(None, message, message, &[]);
        }
        let signed = "Content-Type: multipart/signed; boundary=b\n\n--b\nContent-Type: application/x; name=a.exe\n\nMZ\n--b\n\nText\n--b--\n";
        check(Some(BANNER), signed, signed, &[]);
    }

    #[test]
    fn a_banner_stands_above_the_text_in_each_encoding() {
        check(
            Some(BANNER),
            "Subject: a\n\nText\n",
            "Subject: a\n\nWarning: from outside.\n\nText\n",
            &[],
        );
        check(
            Some(BANNER),
            "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nVGV4dA==\n--b\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<html><BODY class=3D\"a\">Text</body></html>\n--b--\n",
            "Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\nV2FybmluZzogZnJvbSBvdXRzaWRlLg0KDQog\nVGV4dA==\n--b\nContent-Type: text/html\nContent-Transfer-Encoding: quoted-printable\n\n<html><BODY class=3D\"a\">\n<p>Warning: from outside.</p>\nText</body></html>\n--b--\n",
            &[],
        );
        // Text in UTF-16, attached text and messages within are left alone.
        for message in [
            "Content-Type: text/plain; charset=utf-16\n\nText\n",
            "Content-Type: text/plain\nContent-Disposition: attachment\n\nText\n",
            "Content-Type: message/rfc822\n\nSubject: b\n\nText\n",
        ] {
            check(Some(BANNER), message, message, &[]);
        }
    }

    #[test]
    fn a_banner_goes_into_html_in_base64() {
        let html = "<!DOCTYPE html><html><body>K\u{e4}the</body></html>";
        let message = format!(
            "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
            base64_lines(html.as_bytes())
        );
        let mut reshaper = Reshaper::new(Arc::default(), Some(BANNER));
        let mut out = reshaper.feed(message.as_bytes());
        out.append(&mut reshaper.finish().0);
        let start = mailward_mail::header::Header::end_of(&out).expect("a header");
        let mut decoder = TransferDecoder::named(b"base64");
        let mut text = Vec::new();
        decoder.feed(&out[start..], &mut text);
        decoder.finish(&mut text);
        let text = String::from_utf8(text).expect("UTF-8");
        let (before, after) = text.split_once(BANNER.html).expect("the banner");
        assert!(
            before.ends_with("<body>\r\n") && after.contains("K\u{e4}the"),
            "{text}"
        );
    }

    /// The window ends within the text: what follows is still whole groups.
    #[test]
    fn long_html_in_base64_stays_whole() {
        let html = format!("<body>{}</body>", "0123456789".repeat(20_000));
        let message = format!(
            "Content-Type: text/html\r\nContent-Transfer-Encoding: base64\r\n\r\n{}",
            base64_lines(html.as_bytes())
        );
        let mut reshaper = Reshaper::new(Arc::default(), Some(BANNER));
        let mut out = Vec::new();
        for piece in message.as_bytes().chunks(1000) {
            out.append(&mut reshaper.feed(piece));
        }
        out.append(&mut reshaper.finish().0);
        let start = mailward_mail::header::Header::end_of(&out).expect("a header");
        let mut decoder = TransferDecoder::named(b"base64");
        let mut text = Vec::new();
        decoder.feed(&out[start..], &mut text);
        decoder.finish(&mut text);
        let text = String::from_utf8(text).expect("UTF-8");
        let (before, after) = text.split_once(BANNER.html).expect("the banner");
        assert_eq!(before, "<body>\r\n");
        assert_eq!(after.trim_start(), &html["<body>".len()..]);
    }

    #[test]
    fn a_blocked_attachment_gives_way_to_a_notice() {
        check(
            None,
            "Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nText\n--b\nContent-Type: application/x-msdownload\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=\"set up.EXE\"\n\nTVqQAAMAAAAEAAAA\nTVqQAAMAAAAEAAAA\n--b\nContent-Type: application/pdf; name=a.pdf\n\n%PDF\n--b--\n",
            "Subject: a\nContent-Type: multipart/mixed; boundary=b\n\n--b\n\nText\n--b\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nNHSmail detected and removed a file named set up.EXE.\n\n--b\nContent-Type: application/pdf; name=a.pdf\n\n%PDF\n--b--\n",
            &["set up.EXE"],
        );
        // The message itself is the file.
        check(
            None,
            "Subject: a\nContent-Type: application/x; name=a.docm\n\nPK\nPK\n",
            "Subject: a\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\nNHSmail detected and removed a file named a.docm.\n",
            &["a.docm"],
        );
    }
}
