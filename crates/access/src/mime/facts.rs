//! What else a part's header says of the part.

use mailward_mail::mime::fields;

use crate::mime::structure::Part;

/// The fields that only IMAP shows; of one that is there twice, the first
/// counts.
pub(crate) fn read_fields(part: &mut Part, header: &[u8]) {
    for field in fields(header) {
        match field.name.to_ascii_lowercase().as_slice() {
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
}
