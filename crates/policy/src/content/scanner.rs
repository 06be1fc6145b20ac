//! The content read while the message arrives: one pass, bounded memory.
//!
//! ```text
//!   octets ─▶ Walker ─┬─ header ─▶ subject, names of parts
//!                     ├─ text ───▶ transfer ─▶ charset ─▶ tags ─▶ Text ─▶ findings
//!                     │                                        └▶ Fingerprint
//!                     └─ other ──▶ Fingerprint
//! ```
//!
//! What is read: the subject, the names of parts, every part that is text by
//! its type or its name, and what claims to hold parts but can't be opened.
//! What is not: images, PDF and office documents, archives; comments, style and
//! attributes of HTML; addresses and other header fields.

use mailward_mail::mime::{
    CharsetDecoder, HeaderEnd, Nesting, PARTS_MAX, PartHeader, RawField, TransferDecoder, Visitor,
    Walker, decode_words, fields,
};

use super::fingerprint::Fingerprint;
use super::found::{Findings, Place, shown_name};
use super::html::Stripper;
use super::marking;
use super::text::{Text, look_through};
use super::{ContentFacts, ContentPlace};

/// How much of a body is decoded at a time.
const PIECE_OCTETS: usize = 16 * 1024;
/// How much of a subject is looked at, in octets as written.
const SUBJECT_OCTETS_MAX: usize = 64 * 1024;
/// Makes the service encrypt, wherever it stands in the subject, in any case.
const SECURE_TAG: &str = "[secure]";

/// Takes a whole message, header section and all, in pieces of any size.
/// The facts do not depend on where the pieces end.
#[derive(Debug)]
pub struct Scanner {
    walker: Walker<Reader>,
}

impl Default for Scanner {
    fn default() -> Self {
        Self::new()
    }
}

impl Scanner {
    pub fn new() -> Self {
        Self {
            walker: Walker::new(Reader::default()),
        }
    }

    pub fn feed(&mut self, octets: &[u8]) {
        self.walker.feed(octets);
    }

    /// What is known already of a message that goes on. Once its header section
    /// was fed, `[secure]` is known for good, and identifiers and marking can
    /// only be added to; a fingerprint there is not yet.
    pub fn so_far(&self) -> ContentFacts {
        let reader = self.walker.visitor();
        ContentFacts {
            cut_short: false,
            identifiers: reader.findings.identifiers.clone(),
            secure_tag: reader.secure_tag,
            marking: reader.findings.marking,
            fingerprint: None,
        }
    }

    /// The facts of all that was fed, taken for the whole message.
    pub fn finish(self) -> ContentFacts {
        let reader = self.walker.finish();
        ContentFacts {
            cut_short: reader.parts >= PARTS_MAX,
            identifiers: reader.findings.identifiers,
            secure_tag: reader.secure_tag,
            marking: reader.findings.marking,
            fingerprint: reader.fingerprint.finish(),
        }
    }
}

#[derive(Debug)]
struct Reader {
    parts: usize,
    findings: Findings,
    secure_tag: bool,
    fingerprint: Fingerprint,
    leaf: Option<Leaf>,
    /// Kept for the next piece.
    buffers: Buffers,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            parts: 0,
            findings: Findings::default(),
            secure_tag: false,
            fingerprint: Fingerprint::new(),
            leaf: None,
            buffers: Buffers::default(),
        }
    }
}

/// The part whose body goes by.
#[derive(Debug)]
struct Leaf {
    /// It is none of the message's own text.
    attached: bool,
    text: Option<Decoding>,
}

#[derive(Debug)]
struct Decoding {
    transfer: TransferDecoder,
    charset: CharsetDecoder,
    html: Option<Stripper>,
    text: Text,
}

#[derive(Debug, Default)]
struct Buffers {
    decoded: Vec<u8>,
    utf8: Vec<u8>,
    stripped: Vec<u8>,
}

impl Visitor for Reader {
    fn header(&mut self, end: HeaderEnd<'_>) {
        self.parts += 1;
        let name = name_of(&end.part);
        let shown = match &name {
            Some(name) => shown_name(name),
            None => format!("part {}", end.place + 1),
        };
        if end.is_message {
            for field in fields(end.header).filter(|field| field.is(b"subject")) {
                self.subject(&field, end.place == 0, &shown);
            }
        }
        if let Some(name) = &name {
            let place = ContentPlace::Attachment {
                name: shown.clone(),
                line: 0,
            };
            look_through(name, &place, &mut self.findings);
        }
        if end.nesting == Nesting::Leaf {
            let attached =
                name.is_some() || end.part.media_type().0 != b"text" || is_attached(&end.part);
            let readable = end.unopened || is_text(&end.part, name.as_deref());
            let place = if attached {
                Place::Attachment(shown)
            } else {
                Place::Own
            };
            self.leaf = Some(Leaf {
                attached,
                text: readable.then(|| Decoding::new(&end.part, name.as_deref(), place)),
            });
        }
    }

    fn body(&mut self, _place: usize, octets: &[u8]) {
        let Some(leaf) = &mut self.leaf else { return };
        if leaf.attached {
            self.fingerprint.attachment(octets);
        }
        let Some(decoding) = &mut leaf.text else {
            return;
        };
        let own = (!leaf.attached).then_some(&mut self.fingerprint);
        decoding.feed(octets, &mut self.buffers, own, &mut self.findings);
    }

    fn end(&mut self, _place: usize, _body_end: u64, _lines: u64) {
        if let Some(leaf) = self.leaf.take()
            && let Some(decoding) = leaf.text
        {
            let mut own = (!leaf.attached).then_some(&mut self.fingerprint);
            decoding.finish(&mut self.buffers, own.as_deref_mut(), &mut self.findings);
            if let Some(own) = own {
                own.text_ended();
            }
        }
    }
}

impl Reader {
    fn subject(&mut self, field: &RawField<'_>, is_own: bool, shown: &str) {
        let value = field.value();
        let value = &value[..value.len().min(SUBJECT_OCTETS_MAX)];
        let subject = decode_words(&String::from_utf8_lossy(value));
        let place = if is_own {
            ContentPlace::Subject
        } else {
            ContentPlace::Attachment {
                name: shown.to_owned(),
                line: 0,
            }
        };
        look_through(&subject, &place, &mut self.findings);
        if let Some(class) = marking::of_subject(&subject) {
            self.findings.marking(class);
        }
        self.secure_tag |= is_own && subject.to_ascii_lowercase().contains(SECURE_TAG);
    }
}

impl Decoding {
    fn new(part: &PartHeader, name: Option<&str>, place: Place) -> Self {
        Self {
            transfer: TransferDecoder::named(&part.encoding),
            charset: CharsetDecoder::named(part.content_type.get("charset")),
            html: is_html(part, name).then(Stripper::new),
            text: Text::new(place),
        }
    }

    fn feed(
        &mut self,
        octets: &[u8],
        buffers: &mut Buffers,
        mut own: Option<&mut Fingerprint>,
        findings: &mut Findings,
    ) {
        for piece in octets.chunks(PIECE_OCTETS) {
            buffers.decoded.clear();
            self.transfer.feed(piece, &mut buffers.decoded);
            buffers.utf8.clear();
            self.charset.feed(&buffers.decoded, &mut buffers.utf8);
            self.pass_on(buffers, own.as_deref_mut(), findings);
        }
    }

    /// Looks at what is in `buffers.utf8`.
    fn pass_on(
        &mut self,
        buffers: &mut Buffers,
        own: Option<&mut Fingerprint>,
        findings: &mut Findings,
    ) {
        let text = match &mut self.html {
            Some(html) => {
                buffers.stripped.clear();
                html.feed(&buffers.utf8, &mut buffers.stripped);
                &buffers.stripped
            }
            None => &buffers.utf8,
        };
        self.text.feed(text, findings);
        if let Some(own) = own {
            own.text(text);
        }
    }

    fn finish(
        mut self,
        buffers: &mut Buffers,
        mut own: Option<&mut Fingerprint>,
        findings: &mut Findings,
    ) {
        buffers.decoded.clear();
        std::mem::replace(&mut self.transfer, TransferDecoder::Identity)
            .finish(&mut buffers.decoded);
        buffers.utf8.clear();
        self.charset.feed(&buffers.decoded, &mut buffers.utf8);
        std::mem::replace(&mut self.charset, CharsetDecoder::named(None)).finish(&mut buffers.utf8);
        self.pass_on(buffers, own.as_deref_mut(), findings);
        if let Some(html) = self.html.take() {
            buffers.stripped.clear();
            html.finish(&mut buffers.stripped);
            self.text.feed(&buffers.stripped, findings);
            if let Some(own) = own {
                own.text(&buffers.stripped);
            }
        }
        self.text.finish(findings);
    }
}

/// The file name of a part, by its disposition or else its type.
fn name_of(part: &PartHeader) -> Option<String> {
    let disposition = part.disposition.as_ref();
    disposition
        .and_then(|disposition| disposition.text("filename"))
        .or_else(|| part.content_type.text("name"))
        .filter(|name| !name.is_empty())
}

fn is_attached(part: &PartHeader) -> bool {
    let disposition = part.disposition.as_ref();
    disposition.is_some_and(|disposition| disposition.value == b"attachment")
}

/// Types that are text though they are not called so.
const TEXT_SUBTYPES: [&[u8]; 10] = [
    b"csv",
    b"edi-x12",
    b"edifact",
    b"hl7-v2",
    b"javascript",
    b"json",
    b"ndjson",
    b"x-ndjson",
    b"xml",
    b"yaml",
];

const TEXT_NAMES: [&str; 20] = [
    "asc", "csv", "edi", "eml", "hl7", "htm", "html", "ics", "ini", "json", "log", "md", "ndjson",
    "rtf", "tsv", "txt", "vcf", "xml", "yaml", "yml",
];

fn is_text(part: &PartHeader, name: Option<&str>) -> bool {
    let (media_type, subtype) = part.media_type();
    let suffixed = |suffix: &[u8]| subtype.ends_with(suffix);
    media_type == b"text"
        || (media_type == b"message" && !subtype.starts_with(b"external"))
        || TEXT_SUBTYPES.contains(&subtype)
        || suffixed(b"+xml")
        || suffixed(b"+json")
        || name.is_some_and(|name| has_extension(name, &TEXT_NAMES))
}

fn is_html(part: &PartHeader, name: Option<&str>) -> bool {
    let (_, subtype) = part.media_type();
    matches!(subtype, b"html" | b"xhtml+xml")
        || name.is_some_and(|name| has_extension(name, &["htm", "html"]))
}

fn has_extension(name: &str, extensions: &[&str]) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| {
        extensions
            .iter()
            .any(|known| known.eq_ignore_ascii_case(extension.trim_end()))
    })
}

#[cfg(test)]
mod tests;
