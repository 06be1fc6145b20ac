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

/// Where the encoded word at the start of `text` ends: after the fourth `?`
/// and its `=`. White space ends it before that, and then it is none; but a
/// space within Q encoding, which some programs leave, is let pass.
fn word_end(text: &str) -> Option<usize> {
    let charset = text[2..].find('?')? + 2;
    let encoding = text[charset + 1..].find('?')? + charset + 1;
    let end = text[encoding + 1..].find("?=")? + encoding + 1;
    let token = |text: &str| !text.is_empty() && !text.contains([' ', '\t']);
    (token(&text[2..charset]) && token(&text[charset + 1..encoding])).then_some(end + 2)
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
