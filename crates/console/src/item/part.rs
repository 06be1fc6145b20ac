//! One part of a MIME message, and what it decodes to (RFC 2045).

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;

/// A leaf of the message's structure.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    /// `text/plain`, in lower case.
    pub(crate) media_type: String,
    pub(super) charset: Option<String>,
    pub(crate) file_name: Option<String>,
    /// Content-ID without its angle brackets.
    pub(crate) content_id: Option<String>,
    pub(crate) is_attachment: bool,
    pub(super) encoding: Encoding,
    pub(super) body: &'a [u8],
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Identity,
    Base64,
    QuotedPrintable,
}

impl Part<'_> {
    /// The octets it stands for. Broken base 64 or quoted-printable stays as
    /// it was sent.
    pub(crate) fn decoded(&self) -> Cow<'_, [u8]> {
        decode(self.encoding, self.body)
    }

    /// As text in its character set, and whether that is all of it: decoding
    /// stops after about `octets_max`.
    pub(crate) fn text(&self, octets_max: usize) -> (String, bool) {
        let (body, is_whole) = self.beginning(octets_max);
        let decoded = decode(self.encoding, body);
        let charset = self.charset.as_deref().unwrap_or("utf-8");
        let decoder =
            charset_decoder(charset.as_bytes()).filter(|_| !charset.eq_ignore_ascii_case("utf-8"));
        let mut text = match decoder {
            Some(decoder) => decoder(&decoded),
            None => String::from_utf8_lossy(&decoded).into_owned(),
        };
        if text.len() > octets_max {
            text.truncate(text.floor_char_boundary(octets_max));
            return (text, false);
        }
        (text, is_whole)
    }

    /// About how many octets it stands for, without decoding.
    pub(crate) fn octets(&self) -> usize {
        match self.encoding {
            Encoding::Base64 => {
                let digits = self
                    .body
                    .iter()
                    .filter(|byte| !byte.is_ascii_whitespace() && **byte != b'=')
                    .count();
                digits * 3 / 4
            }
            Encoding::QuotedPrintable | Encoding::Identity => self.body.len(),
        }
    }

    /// How many octets it takes in the message.
    pub(crate) fn encoded_octets(&self) -> usize {
        self.body.len()
    }

    pub(crate) fn is_text(&self) -> bool {
        self.media_type == "text/plain" && !self.is_attachment
    }

    pub(crate) fn is_html(&self) -> bool {
        self.media_type == "text/html" && !self.is_attachment
    }

    /// As much of the encoded body as may decode to `octets_max`, cut after a
    /// whole line where there is one.
    fn beginning(&self, octets_max: usize) -> (&[u8], bool) {
        // Quoted-printable takes three octets for one, base 64 fewer.
        let encoded_max = match self.encoding {
            Encoding::Identity => octets_max,
            Encoding::Base64 | Encoding::QuotedPrintable => octets_max.saturating_mul(3),
        };
        if self.body.len() <= encoded_max {
            return (self.body, true);
        }
        let head = &self.body[..encoded_max];
        let cut = memchr::memrchr(b'\n', head).map_or(encoded_max, |at| at + 1);
        (&head[..cut], false)
    }
}

fn decode(encoding: Encoding, body: &[u8]) -> Cow<'_, [u8]> {
    let decoded = match encoding {
        Encoding::Identity => None,
        Encoding::Base64 => base64_decode(body),
        Encoding::QuotedPrintable => quoted_printable_decode(body),
    };
    decoded.map_or(Cow::Borrowed(body), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use crate::item::parts;

    #[test]
    fn reads_what_is_encoded() {
        for (fields, body, text) in [
            ("Content-Transfer-Encoding: base64", "SGVs\nbG8=", "Hello"),
            ("Content-Transfer-Encoding: BASE64", "SGVsbG8", "Hello"),
            ("Content-Transfer-Encoding: base64", "%%%", "%%%"),
            (
                "Content-Transfer-Encoding: quoted-printable",
                "=C3=A9t=\nude",
                "étude",
            ),
            (
                "Content-Type: text/plain; charset=iso-8859-1",
                "caf\u{e9}",
                "cafÃ©",
            ),
            (
                "Content-Type: text/plain; charset=windows-1252\nContent-Transfer-Encoding: quoted-printable",
                "=80",
                "€",
            ),
            ("Content-Type: text/plain; charset=no-such", "é", "é"),
        ] {
            let message = format!("{fields}\n\n{body}");
            let (parts, _) = parts(message.as_bytes());
            assert_eq!(parts[0].text(1000), (text.to_owned(), true), "{fields}");
        }
    }

    #[test]
    fn cuts_long_texts_at_a_character() {
        let message = format!("Subject: long\n\n{}", "é".repeat(100));
        let (found, _) = parts(message.as_bytes());
        assert_eq!(
            found[0].text(33).0.chars().filter(|c| *c == 'é').count(),
            16
        );
        assert!(!found[0].text(33).1);
        assert!(found[0].text(200).1);
    }

    #[test]
    fn estimates_sizes() {
        let message = "Content-Transfer-Encoding: base64\n\nSGVs\nbG8=\n";
        assert_eq!(parts(message.as_bytes()).0[0].octets(), 5);
    }
}
