//! Values with parameters: `text/plain; charset="utf-8"` (RFC 2045 section
//! 5.1, RFC 2183). Continued and encoded parameters (RFC 2231) stay as written
//! until one asks for their text.

use crate::mime::{CharsetDecoder, PARAMETERS_MAX, decode_words};

/// A value and its parameters, names in lower case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Parameterised {
    /// In lower case.
    pub value: Vec<u8>,
    pub parameters: Vec<(Vec<u8>, Vec<u8>)>,
}

impl Parameterised {
    /// Reads what can be read of an unfolded field value.
    pub fn parse(field: &[u8]) -> Self {
        let mut scanner = Scanner::new(field);
        let mut result = Self {
            value: scanner.until(b";").to_ascii_lowercase(),
            parameters: Vec::new(),
        };
        while scanner.take(b';') && result.parameters.len() < PARAMETERS_MAX {
            let name = scanner.until(b"=;").to_ascii_lowercase();
            if scanner.take(b'=') {
                let value = scanner.until(b";");
                if !name.is_empty() {
                    result.parameters.push((name, value));
                }
            }
        }
        result
    }

    /// The first parameter of this name, which is in lower case.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        self.parameters
            .iter()
            .find(|(own, _)| own == name.as_bytes())
            .map(|(_, value)| value.as_slice())
    }

    /// The same as text: continued and percent-encoded (RFC 2231), or with
    /// encoded words, which are common though they may not stand there.
    pub fn text(&self, name: &str) -> Option<String> {
        if let Some(value) = self.get(name) {
            return Some(decode_words(&String::from_utf8_lossy(value)));
        }
        let mut octets = Vec::new();
        let mut charset = None;
        for section in 0..PARAMETERS_MAX {
            let plain = self.get(&format!("{name}*{section}"));
            let encoded = self.get(&format!("{name}*{section}*"));
            let whole = (section == 0).then(|| self.get(&format!("{name}*")));
            match (plain, encoded.or(whole.flatten())) {
                (Some(plain), _) => octets.extend_from_slice(plain),
                (None, Some(encoded)) => {
                    let encoded = if section == 0 {
                        let mut parts = encoded.splitn(3, |byte| *byte == b'\'');
                        charset = parts.next();
                        parts.nth(1).unwrap_or(encoded)
                    } else {
                        encoded
                    };
                    percent_decode(encoded, &mut octets);
                }
                (None, None) if section == 0 => return None,
                (None, None) => break,
            }
        }
        let mut decoder = CharsetDecoder::named(charset);
        let mut text = Vec::new();
        decoder.feed(&octets, &mut text);
        decoder.finish(&mut text);
        Some(String::from_utf8_lossy(&text).into_owned())
    }
}

fn percent_decode(encoded: &[u8], out: &mut Vec<u8>) {
    let mut rest = encoded;
    while let Some((byte, after)) = rest.split_first() {
        let digits = after.get(..2).filter(|_| *byte == b'%');
        let octet = digits
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        out.push(octet.unwrap_or(*byte));
        rest = &after[if octet.is_some() { 2 } else { 0 }..];
    }
}

/// Words of a structured field, with comments dropped and quotes taken off.
struct Scanner<'a> {
    rest: &'a [u8],
}

impl<'a> Scanner<'a> {
    fn new(rest: &'a [u8]) -> Self {
        Self { rest }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.rest.first() == Some(&byte);
        if found {
            self.rest = &self.rest[1..];
        }
        found
    }

    /// Everything up to one of `ends`, trimmed; quoted strings may hold them.
    fn until(&mut self, ends: &[u8]) -> Vec<u8> {
        let mut text = Vec::new();
        let mut quoted = false;
        let mut was_quoted = false;
        let mut comments = 0_usize;
        while let Some((byte, rest)) = self.rest.split_first() {
            match byte {
                b'\\' if quoted || comments > 0 => {
                    let Some((next, rest)) = rest.split_first() else {
                        self.rest = rest;
                        break;
                    };
                    if comments == 0 {
                        text.push(*next);
                    }
                    self.rest = rest;
                    continue;
                }
                b'"' if comments == 0 => {
                    quoted = !quoted;
                    if quoted && !was_quoted {
                        text.clear();
                    }
                    was_quoted = true;
                }
                b'(' if !quoted => comments += 1,
                b')' if !quoted && comments > 0 => comments -= 1,
                _ if comments > 0 => {}
                _ if !quoted && ends.contains(byte) => break,
                // What stands beside a quoted string belongs to nothing.
                _ if was_quoted && !quoted => {}
                _ => text.push(*byte),
            }
            self.rest = rest;
        }
        if was_quoted {
            text
        } else {
            text.trim_ascii().to_vec()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(field: &str, value: &str, parameters: &[(&str, &str)]) {
        let parsed = Parameterised::parse(field.as_bytes());
        assert_eq!(String::from_utf8_lossy(&parsed.value), value, "{field}");
        let found: Vec<(String, String)> = parsed
            .parameters
            .iter()
            .map(|(name, value)| {
                let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
                (text(name), text(value))
            })
            .collect();
        let expected: Vec<(String, String)> = parameters
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        assert_eq!(found, expected, "{field}");
    }

    #[test]
    fn gives_the_text_of_parameters() {
        for (field, expected) in [
            ("a; filename=x.csv", Some("x.csv")),
            (
                "a; filename=\"=?utf-8?q?K=C3=A4se?=.txt\"",
                Some("Käse.txt"),
            ),
            ("a; filename*=utf-8''K%C3%A4se%zz", Some("Käse%zz")),
            (
                "a; filename*0*=iso-8859-1'en'K%E4; filename*1=se.; filename*2*=%74xt",
                Some("Käse.txt"),
            ),
            ("a; filename*0=x; filename*1=y", Some("xy")),
            ("a; name=x", None),
        ] {
            let parsed = Parameterised::parse(field.as_bytes());
            assert_eq!(parsed.text("filename").as_deref(), expected, "{field}");
        }
    }

    #[test]
    fn reads_values_and_parameters() {
        check("", "", &[]);
        check("Text/Plain", "text/plain", &[]);
        check(
            "text/plain; Charset=\"UTF-8\" (what else); format = flowed;",
            "text/plain",
            &[("charset", "UTF-8"), ("format", "flowed")],
        );
        check(
            r#"multipart/mixed; boundary="a;b \"c\" (d)""#,
            "multipart/mixed",
            &[("boundary", "a;b \"c\" (d)")],
        );
        check(
            "text/plain; ; =x; y; charset=a",
            "text/plain",
            &[("charset", "a")],
        );
        check(
            "attachment; filename*0*=utf-8''a%20; filename*1=b",
            "attachment",
            &[("filename*0*", "utf-8''a%20"), ("filename*1", "b")],
        );
        check(
            "text/plain; a=\"never closed; b=c",
            "text/plain",
            &[("a", "never closed; b=c")],
        );
        check("(((", "", &[]);
    }
}
