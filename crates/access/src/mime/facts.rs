//! What a part's header says of the part.

use crate::mime::fields;
use crate::mime::parameters;
use crate::mime::structure::Part;

/// The MIME fields of a part; of one that is there twice, the first counts.
pub(crate) fn read_fields(part: &mut Part, header: &[u8]) {
    let mut typed = false;
    let mut encoded = false;
    for field in fields(header) {
        match field.name.to_ascii_lowercase().as_slice() {
            b"content-type" if !typed => {
                let content_type = parameters::parse(&field.value());
                typed = true;
                if is_media_type(&content_type.value) {
                    part.content_type = content_type;
                } else {
                    part.content_type.value = b"text/plain".to_vec();
                }
            }
            b"content-transfer-encoding" if !encoded => {
                let encoding = parameters::parse(&field.value()).value;
                if !encoding.is_empty() {
                    part.encoding = encoding;
                }
                encoded = true;
            }
            b"content-disposition" if part.disposition.is_none() => {
                let disposition = parameters::parse(&field.value());
                if !disposition.value.is_empty() {
                    part.disposition = Some(disposition);
                }
            }
            b"content-id" if part.id.is_none() => part.id = Some(field.value()),
            b"content-description" if part.description.is_none() => {
                part.description = Some(field.value());
            }
            b"content-md5" if part.md5.is_none() => part.md5 = Some(field.value()),
            b"content-location" if part.location.is_none() => part.location = Some(field.value()),
            b"content-language" if part.language.is_empty() => {
                part.language = field
                    .value()
                    .split(|byte| *byte == b',')
                    .map(|language| language.trim_ascii().to_vec())
                    .filter(|language| !language.is_empty())
                    .collect();
            }
            _ => {}
        }
    }
    let bare_text = part.content_type.value == b"text/plain";
    if bare_text && part.content_type.get("charset").is_none() {
        // What RFC 2045 section 5.2 says a text without charset is in.
        let charset = (b"charset".to_vec(), b"us-ascii".to_vec());
        part.content_type.parameters.push(charset);
    }
}

/// `type/subtype`, both tokens.
fn is_media_type(value: &[u8]) -> bool {
    let mut halves = value.split(|byte| *byte == b'/');
    let token = |half: Option<&[u8]>| {
        half.is_some_and(|half| !half.is_empty() && half.iter().all(|byte| byte.is_ascii_graphic()))
    };
    token(halves.next()) && token(halves.next()) && halves.next().is_none()
}
