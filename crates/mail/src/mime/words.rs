//! Encoded words in header fields (RFC 2047).

use base64::Engine as _;

use crate::mime::CharsetDecoder;

/// An unstructured field value with its encoded words decoded. White space
/// between two of them is none of the text (section 6.2); what is no valid
/// word, or in a charset that we don't know, stays as it is written.
pub fn decode_words(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    let mut rest = value;
    let mut after_encoded = false;
    while let Some(start) = rest.find("=?") {
        let (before, from_start) = rest.split_at(start);
        let between = after_encoded && before.trim().is_empty();
        let found = word_end(from_start)
            .and_then(|end| Some((decode_encoded_word(&from_start[..end])?, end)));
        match found {
            Some((decoded, end)) => {
                if !between {
                    text.push_str(before);
                }
                text.push_str(&decoded);
                rest = &from_start[end..];
                after_encoded = true;
            }
            None => {
                text.push_str(before);
                text.push_str("=?");
                rest = &from_start[2..];
                after_encoded = false;
            }
        }
    }
    text.push_str(rest);
    text
}

/// 75 octets are allowed; some programs don't count.
const WORD_OCTETS_MAX: usize = 2000;

/// Where the encoded word at the start of `text` ends: after the fourth `?`
/// and its `=`. White space ends it before that, and then it is none; but a
/// space within Q encoding, which some programs leave, is let pass.
fn word_end(text: &str) -> Option<usize> {
    let bytes = text.as_bytes();
    let bytes = &bytes[..bytes.len().min(WORD_OCTETS_MAX)];
    let mark = |from: usize| Some(memchr::memchr(b'?', bytes.get(from..)?)? + from);
    let charset = mark(2)?;
    let encoding = mark(charset + 1)?;
    let end = memchr::memmem::find(&bytes[encoding + 1..], b"?=")? + encoding + 1;
    let token = |text: &str| !text.is_empty() && !text.contains([' ', '\t']);
    (token(&text[2..charset]) && token(&text[charset + 1..encoding])).then_some(end + 2)
}

/// Octets of text in one encoded word: 75 characters in all are allowed
/// (RFC 2047 section 2), of which 12 are not text.
const ENCODED_OCTETS_MAX: usize = 45;

/// A display name as a header field writes it: a quoted string, or encoded
/// words where it is not all ASCII. Control characters become spaces.
pub fn encode_phrase(name: &str) -> String {
    let clean: String = name
        .chars()
        .map(|char| if char.is_control() { ' ' } else { char })
        .collect();
    if clean.is_ascii() {
        let escaped = clean.replace('\\', "\\\\").replace('"', "\\\"");
        return format!("\"{escaped}\"");
    }
    let mut words: Vec<String> = Vec::new();
    let mut rest = clean.as_str();
    while !rest.is_empty() {
        let mut end = rest.len().min(ENCODED_OCTETS_MAX);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let encoded = base64::engine::general_purpose::STANDARD.encode(&rest[..end]);
        words.push(format!("=?utf-8?B?{encoded}?="));
        rest = &rest[end..];
    }
    words.join(" ")
}

/// One `encoded-word` in a charset that [`CharsetDecoder`] knows by name.
pub(crate) fn decode_encoded_word(word: &str) -> Option<String> {
    let inner = word.strip_prefix("=?")?.strip_suffix("?=")?;
    let mut parts = inner.splitn(3, '?');
    let (charset, encoding, text) = (parts.next()?, parts.next()?, parts.next()?);
    let octets = match encoding {
        "B" | "b" => base64::engine::general_purpose::STANDARD
            .decode(text)
            .ok()?,
        "Q" | "q" => decode_q(text)?,
        _ => return None,
    };
    // A language may follow the charset (RFC 2231 section 5).
    let charset = charset.split('*').next()?;
    let mut decoder = CharsetDecoder::known(charset.as_bytes())?;
    let mut decoded = Vec::new();
    decoder.feed(&octets, &mut decoded);
    decoder.finish(&mut decoded);
    String::from_utf8(decoded).ok()
}

fn decode_q(text: &str) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        octets.push(match byte {
            b'_' => b' ',
            b'=' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            _ => byte,
        });
    }
    Some(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_phrases() {
        assert_eq!(encode_phrase("A, \"B\" (C)\n"), r#""A, \"B\" (C) ""#);
        let name = "Müller-Lüdenscheidt, Käthe Änne Öde (NORTHMOOR TRUST)";
        let encoded = encode_phrase(name);
        assert!(encoded.split(' ').all(|word| word.len() <= 75) && encoded.is_ascii());
        assert_eq!(decode_words(&encoded), name);
    }

    #[test]
    fn decodes_words_and_keeps_what_is_none() {
        for (value, expected) in [
            ("plain text", "plain text"),
            (
                "=?utf-8?q?K=C3=A4the?= =?iso-8859-1?b?/A==?= x",
                "Käthe\u{fc} x",
            ),
            ("a =?utf-8?q?b?= c", "a b c"),
            ("=?UTF-8*en?Q?two_words?=", "two words"),
            ("=?windows-1252?q?=80_5?=", "€ 5"),
            ("=?utf-16be?b?AFsAcwBd?=", "[s]"),
            ("=?broken?", "=?broken?"),
            ("=?x-none?q?a?= b", "=?x-none?q?a?= b"),
            ("=?utf-8?q?=zz?=", "=?utf-8?q?=zz?="),
            ("=?=?=?", "=?=?=?"),
            ("", ""),
        ] {
            assert_eq!(decode_words(value), expected, "{value}");
        }
    }
}
