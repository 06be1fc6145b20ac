//! The parts of a message, and how IMAP names them.

use std::ops::Range;

use mailward_mail::mime::Parameterised;
use mailward_wire::imap::structure::{Content, Extension};
use mailward_wire::imap::{BodyStructure, Disposition, Envelope};

/// All parts of one message; the first is the message itself.
#[derive(Clone, Debug)]
pub struct Structure {
    pub(crate) parts: Vec<Part>,
}

/// One part: a header section and a body, as ranges of the message's octets.
#[derive(Clone, Debug)]
pub struct Part {
    /// With the empty line that ends it.
    pub header: Range<u64>,
    pub body: Range<u64>,
    /// Lines of the body; a last one without line end counts.
    pub lines: u64,
    pub kind: Kind,
    /// Of a message: the root, or what a message part holds.
    pub(crate) envelope: Option<Box<Envelope>>,
    pub(crate) content_type: Parameterised,
    pub(crate) disposition: Option<Parameterised>,
    pub(crate) id: Option<Vec<u8>>,
    pub(crate) description: Option<Vec<u8>>,
    pub(crate) encoding: Vec<u8>,
    pub(crate) md5: Option<Vec<u8>>,
    pub(crate) language: Vec<Vec<u8>>,
    pub(crate) location: Option<Vec<u8>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    Leaf,
    /// The parts, as places in the structure.
    Multipart(Vec<usize>),
    /// The message within, as a place in the structure.
    Message(usize),
}

/// What a part specifier of a section names.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    pub part: &'a Part,
    /// The message within, when the part is one, or the root.
    pub message: Option<&'a Part>,
}

impl Part {
    /// It holds no other parts.
    pub(crate) fn is_leaf(&self) -> bool {
        matches!(self.kind, Kind::Leaf)
    }
}

impl Structure {
    /// The part that `path` names (RFC 3501 section 6.4.5), the message itself
    /// for an empty one. `None` when there is no such part.
    pub fn locate(&self, path: &[u32]) -> Option<Located<'_>> {
        let mut place = 0;
        // A message is not yet a part: its content is its part 1.
        let mut is_message = true;
        for number in path {
            let index = usize::try_from(*number).ok()?.checked_sub(1)?;
            if !is_message && let Kind::Message(within) = self.parts[place].kind {
                place = within;
                is_message = true;
            }
            match &self.parts[place].kind {
                Kind::Multipart(parts) => place = *parts.get(index)?,
                _ if is_message && index == 0 => {}
                _ => return None,
            }
            is_message = false;
        }
        let part = &self.parts[place];
        let message = match part.kind {
            _ if is_message => Some(part),
            Kind::Message(within) => self.parts.get(within),
            _ => None,
        };
        Some(Located { part, message })
    }

    /// Parts that hold text, in order: their bodies, encodings and charsets.
    pub fn texts(&self) -> impl Iterator<Item = (&Part, &[u8], Option<&[u8]>)> {
        self.parts
            .iter()
            .filter(|part| part.kind == Kind::Leaf && part.is_text())
            .map(|part| {
                (
                    part,
                    part.encoding.as_slice(),
                    part.content_type.get("charset"),
                )
            })
    }

    pub fn body_structure(&self) -> BodyStructure {
        self.describe(0)
    }

    /// The recursion is as deep as the parts, at most [`mailward_mail::mime::DEPTH_MAX`].
    fn describe(&self, place: usize) -> BodyStructure {
        let part = &self.parts[place];
        let extension = part.extension();
        let (media_type, subtype) = part.media_type();
        let parameters = part.content_type.parameters.clone();
        let content = match &part.kind {
            Kind::Multipart(places) => {
                let mut parts: Vec<BodyStructure> =
                    places.iter().map(|place| self.describe(*place)).collect();
                if parts.is_empty() {
                    // The grammar wants at least one.
                    parts.push(empty_text());
                }
                return BodyStructure::Multipart {
                    parts,
                    subtype: subtype.to_vec(),
                    parameters,
                    extension,
                };
            }
            Kind::Message(within) => Content::Message {
                envelope: self.parts[*within].envelope.clone().unwrap_or_default(),
                structure: Box::new(self.describe(*within)),
                lines: part.lines,
            },
            Kind::Leaf if part.is_text() => Content::Text { lines: part.lines },
            Kind::Leaf => Content::Basic,
        };
        BodyStructure::Single {
            media_type: media_type.to_vec(),
            subtype: subtype.to_vec(),
            parameters,
            id: part.id.clone(),
            description: part.description.clone(),
            encoding: part.encoding.clone(),
            octets: part.body.end - part.body.start,
            content,
            md5: part.md5.clone(),
            extension,
        }
    }
}

impl Part {
    /// One whose header starts there and is not yet read.
    pub(crate) fn starting_at(start: u64) -> Self {
        Self {
            header: start..start,
            body: start..start,
            lines: 0,
            kind: Kind::Leaf,
            envelope: None,
            content_type: Parameterised::default(),
            disposition: None,
            id: None,
            description: None,
            encoding: Vec::new(),
            md5: None,
            language: Vec::new(),
            location: None,
        }
    }

    fn is_text(&self) -> bool {
        self.media_type().0 == b"text"
    }

    /// Type and subtype; the walker sees to it that there are both.
    pub(crate) fn media_type(&self) -> (&[u8], &[u8]) {
        let value = self.content_type.value.as_slice();
        match value.iter().position(|byte| *byte == b'/') {
            Some(slash) => (&value[..slash], &value[slash + 1..]),
            None => (value, b""),
        }
    }

    fn extension(&self) -> Extension {
        Extension {
            disposition: self.disposition.as_ref().map(|disposition| Disposition {
                kind: disposition.value.clone(),
                parameters: disposition.parameters.clone(),
            }),
            language: self.language.clone(),
            location: self.location.clone(),
        }
    }
}

fn empty_text() -> BodyStructure {
    BodyStructure::Single {
        media_type: b"text".to_vec(),
        subtype: b"plain".to_vec(),
        parameters: vec![(b"charset".to_vec(), b"us-ascii".to_vec())],
        id: None,
        description: None,
        encoding: b"7bit".to_vec(),
        octets: 0,
        content: Content::Text { lines: 0 },
        md5: None,
        extension: Extension::default(),
    }
}
