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

mod notes;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use mailward_mail::mime::{TransferDecoder, Walker, fields};

use crate::manners::ServiceSpec;
use crate::names::base64_lines;

use notes::{Act, HeaderNote, Note, Notes};

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
            walker: Some(Walker::new(Notes::new(manners, banner))),
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
        let section = self.taken_to(header.body_start);
        // Without an empty line there is no body to write into.
        let is_whole = section == b"\r\n" || section.ends_with(b"\n\r\n");
        if let Act::Remove(name) = &header.act
            && is_whole
        {
            out.extend_from_slice(&notice(&section, name));
            self.mode = Mode::Dropping(header.place);
            if self.removed.len() < REMOVED_MAX {
                self.removed.push(name.clone());
            }
            return;
        }
        out.extend_from_slice(&section);
        match header.act {
            Act::Plain(encoding, banner) if is_whole => {
                let text = format!("{}\r\n\r\n", banner.plain);
                match encoding {
                    Encoding::Plain => out.extend_from_slice(text.as_bytes()),
                    Encoding::Base64 => {
                        let text = base64_lines(whole_triplets(text, 0).as_bytes());
                        out.extend_from_slice(text.as_bytes());
                    }
                }
            }
            Act::Html(encoding) if is_whole => self.mode = Mode::Html(header.place, encoding),
            _ => {}
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
