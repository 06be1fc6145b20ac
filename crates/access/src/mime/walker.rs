//! The structure of a message, as a [`mailward_mail::mime::Walker`] finds it.

use mailward_mail::mime::{Begin, HeaderEnd, Nesting, Visitor, Walker as PartWalker};

use crate::mime::envelope;
use crate::mime::facts::read_fields;
use crate::mime::structure::{Kind, Part, Structure};

/// Takes a message in pieces of any size and gives its structure.
#[derive(Debug)]
pub struct Walker(PartWalker<Builder>);

impl Default for Walker {
    fn default() -> Self {
        Self::new()
    }
}

impl Walker {
    pub fn new() -> Self {
        Self(PartWalker::new(Builder { parts: Vec::new() }))
    }

    pub fn feed(&mut self, octets: &[u8]) {
        self.0.feed(octets);
    }

    pub fn finish(self) -> Structure {
        Structure {
            parts: self.0.finish().parts,
        }
    }
}

#[derive(Debug)]
struct Builder {
    parts: Vec<Part>,
}

impl Visitor for Builder {
    fn begin(&mut self, begin: Begin) {
        if let Some(parent) = begin.parent
            && let Kind::Multipart(parts) = &mut self.parts[parent].kind
        {
            parts.push(begin.place);
        }
        self.parts.push(Part::starting_at(begin.at));
    }

    fn header(&mut self, end: HeaderEnd<'_>) {
        let next_place = self.parts.len();
        let part = &mut self.parts[end.place];
        part.header.end = end.body_start;
        part.body = end.body_start..end.body_start;
        part.content_type = end.part.content_type;
        part.encoding = end.part.encoding;
        part.disposition = end.part.disposition;
        part.kind = match end.nesting {
            Nesting::Leaf => Kind::Leaf,
            Nesting::Multipart => Kind::Multipart(Vec::new()),
            Nesting::Message => Kind::Message(next_place),
        };
        read_fields(part, end.header);
        if end.is_message {
            part.envelope = Some(Box::new(envelope(end.header)));
        }
    }

    fn end(&mut self, place: usize, body_end: u64, lines: u64) {
        let part = &mut self.parts[place];
        part.body.end = body_end.max(part.body.start);
        if !part.body.is_empty() {
            part.lines = lines;
        }
    }
}
