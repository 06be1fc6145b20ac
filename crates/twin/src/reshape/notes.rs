//! What there is to change in a message, noted as its parts are found.

use std::sync::Arc;

use mailward_mail::mime::{Begin, HeaderEnd, Nesting, PartHeader, Visitor, decode_words};

use super::{Banner, Encoding};
use crate::manners::ServiceSpec;
use crate::ndr::clip;

#[derive(Clone, Debug)]
pub(super) enum Note {
    Begin { at: u64 },
    Header(HeaderNote),
    End { place: usize, body_end: u64 },
}

#[derive(Clone, Debug)]
pub(super) struct HeaderNote {
    pub(super) place: usize,
    pub(super) body_start: u64,
    pub(super) act: Act,
}

#[derive(Clone, Debug)]
pub(super) enum Act {
    Keep,
    Remove(String),
    Plain(Encoding, Banner),
    Html(Encoding),
}

/// What there is to change, as the parts are found.
#[derive(Debug)]
pub(super) struct Notes {
    manners: Arc<ServiceSpec>,
    banner: Option<Banner>,
    pub(super) notes: Vec<Note>,
    /// The signed or encrypted part that is open.
    sealed: Option<usize>,
    /// Messages within the message that are open.
    within: Vec<usize>,
    has_plain: bool,
    has_html: bool,
}

impl Notes {
    pub(super) fn new(manners: Arc<ServiceSpec>, banner: Option<Banner>) -> Self {
        Self {
            manners,
            banner,
            notes: Vec::new(),
            sealed: None,
            within: Vec::new(),
            has_plain: false,
            has_html: false,
        }
    }

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
