//! xtext, the encoding of ENVID and ORCPT (RFC 3461 section 4): printable
//! ASCII, in which `+` and two upper-case hexadecimal digits stand for one
//! octet.

/// Whether `text` is well-formed xtext.
pub fn is_xtext(text: &str) -> bool {
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let sound = match byte {
            b'+' => bytes.next().is_some_and(is_hex) && bytes.next().is_some_and(is_hex),
            b'=' => false,
            _ => (b'!'..=b'~').contains(&byte),
        };
        if !sound {
            return false;
        }
    }
    true
}

fn is_hex(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'A'..=b'F')
}

pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'!'..=b'~' if byte != b'+' && byte != b'=' => encoded.push(char::from(byte)),
            _ => encoded.push_str(&format!("+{byte:02X}")),
        }
    }
    encoded
}

/// The text behind `xtext`, or nothing when it is malformed or not UTF-8.
pub fn decode(xtext: &str) -> Option<String> {
    if !is_xtext(xtext) {
        return None;
    }
    let mut decoded = Vec::with_capacity(xtext.len());
    let mut bytes = xtext.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => 16 * hex_value(bytes.next()?) + hex_value(bytes.next()?),
            _ => byte,
        });
    }
    String::from_utf8(decoded).ok()
}

fn hex_value(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => digit - b'A' + 10,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        for (text, xtext) in [
            ("", ""),
            ("QQ314159", "QQ314159"),
            ("a+b=c d", "a+2Bb+3Dc+20d"),
            ("käthe@clinic.example", "k+C3+A4the@clinic.example"),
        ] {
            assert_eq!(encode(text), xtext);
            assert_eq!(decode(xtext).as_deref(), Some(text));
        }
    }

    #[test]
    fn refuses_what_is_malformed() {
        for xtext in ["+", "+4", "+4g", "+4a", "a=b", "a b", "ä", "+FF"] {
            assert_eq!(decode(xtext), None, "{xtext:?}");
        }
    }
}
