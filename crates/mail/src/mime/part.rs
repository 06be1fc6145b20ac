//! What a part's header says of how to read the part.

use crate::mime::parameters::Parameterised;
use crate::mime::{RawField, fields};

/// The fields that say how a part is to be read; of one that is there twice,
/// the first counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartHeader {
    /// `type/subtype` in lower case, always both.
    pub content_type: Parameterised,
    /// The transfer encoding, in lower case.
    pub encoding: Vec<u8>,
    pub disposition: Option<Parameterised>,
}

impl PartHeader {
    /// Reads a header section; `default_type` stands where it names no type.
    pub(super) fn read(header: &[u8], default_type: &[u8]) -> Self {
        let mut part = Self {
            content_type: Parameterised {
                value: default_type.to_vec(),
                parameters: Vec::new(),
            },
            encoding: b"7bit".to_vec(),
            disposition: None,
        };
        let mut seen = Seen::default();
        for field in fields(header) {
            part.take(&field, &mut seen);
        }
        let bare_text = part.content_type.value == b"text/plain";
        if bare_text && part.content_type.get("charset").is_none() {
            // What RFC 2045 section 5.2 says a text without charset is in.
            let charset = (b"charset".to_vec(), b"us-ascii".to_vec());
            part.content_type.parameters.push(charset);
        }
        part
    }

    fn take(&mut self, field: &RawField<'_>, seen: &mut Seen) {
        if field.is(b"content-type") && !seen.content_type {
            let content_type = Parameterised::parse(&field.value());
            seen.content_type = true;
            if is_media_type(&content_type.value) {
                self.content_type = content_type;
            } else {
                self.content_type.value = b"text/plain".to_vec();
            }
        } else if field.is(b"content-transfer-encoding") && !seen.encoding {
            let encoding = Parameterised::parse(&field.value()).value;
            if !encoding.is_empty() {
                self.encoding = encoding;
            }
            seen.encoding = true;
        } else if field.is(b"content-disposition") && self.disposition.is_none() {
            let disposition = Parameterised::parse(&field.value());
            if !disposition.value.is_empty() {
                self.disposition = Some(disposition);
            }
        }
    }

    /// Type and subtype.
    pub fn media_type(&self) -> (&[u8], &[u8]) {
        let value = self.content_type.value.as_slice();
        match value.iter().position(|byte| *byte == b'/') {
            Some(slash) => (&value[..slash], &value[slash + 1..]),
            None => (value, b""),
        }
    }

    /// What it is once nobody can look into it.
    pub(super) fn make_opaque(&mut self) {
        self.content_type.value = b"application/octet-stream".to_vec();
    }
}

#[derive(Default)]
struct Seen {
    content_type: bool,
    encoding: bool,
}

/// `type/subtype`, both tokens.
fn is_media_type(value: &[u8]) -> bool {
    let mut halves = value.split(|byte| *byte == b'/');
    let token = |half: Option<&[u8]>| {
        half.is_some_and(|half| !half.is_empty() && half.iter().all(|byte| byte.is_ascii_graphic()))
    };
    token(halves.next()) && token(halves.next()) && halves.next().is_none()
}
