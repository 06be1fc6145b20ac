//! Text for people out of octets: encoded words and charsets, for searching.

use mail_parser::MessageParser;
use mail_parser::decoders::charsets::map::charset_decoder;
use mailward_wire::imap::Date;

/// An unstructured field value with its encoded words decoded (RFC 2047).
pub fn decode_field(value: &[u8]) -> String {
    // A field of its own, so that whatever is in the value is only ever text.
    let mut field = b"Subject: ".to_vec();
    field.extend(value.iter().map(|byte| match byte {
        b'\r' | b'\n' => b' ',
        other => *other,
    }));
    field.extend_from_slice(b"\r\n\r\n");
    MessageParser::new()
        .parse_headers(&field)
        .and_then(|message| message.subject().map(str::to_owned))
        .unwrap_or_else(|| String::from_utf8_lossy(value).into_owned())
}

/// Octets in a charset as text; in an unknown one as if in UTF-8.
pub fn decode_text(octets: &[u8], charset: Option<&[u8]>) -> String {
    let decoder = charset.and_then(charset_decoder);
    match (std::str::from_utf8(octets), decoder) {
        (Ok(text), None) => text.to_owned(),
        (_, Some(decode)) => decode(octets),
        (Err(_), None) => String::from_utf8_lossy(octets).into_owned(),
    }
}

/// The day of a Date field, as written, whatever its time and zone (RFC 3501
/// section 6.4.4). `None` when there is no readable date.
pub fn sent_day(value: &[u8]) -> Option<Date> {
    let text = String::from_utf8_lossy(value);
    let mut words = text
        .split([' ', '\t', ','])
        .filter(|word| !word.is_empty())
        .peekable();
    // The name of the day, which says nothing new, may come first.
    words.next_if(|word| word.starts_with(|char: char| char.is_ascii_alphabetic()));
    let (day, month, year) = (words.next()?, words.next()?, words.next()?);
    let year: u16 = match (year.len(), year.parse::<u16>().ok()?) {
        // Obsolete years, RFC 5322 section 4.3.
        (2, year) if year < 50 => 2000 + year,
        (2 | 3, year) => 1900 + year,
        (_, year) => year,
    };
    let month = month.get(..3)?;
    Date::parse(&format!("{day}-{month}-{year:04}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_encoded_words() {
        for (value, expected) in [
            ("plain text", "plain text"),
            ("=?utf-8?q?K=C3=A4the?= =?iso-8859-1?b?/A==?= x", "Kätheü x"),
            ("=?broken?", "=?broken?"),
            ("two\r\n lines", "two  lines"),
        ] {
            let decoded = decode_field(value.as_bytes());
            assert_eq!(
                decoded.split_whitespace().collect::<Vec<_>>(),
                expected.split_whitespace().collect::<Vec<_>>(),
                "{value}"
            );
        }
    }

    #[test]
    fn decodes_charsets() {
        assert_eq!(decode_text(b"K\xe4the", Some(b"ISO-8859-1")), "Käthe");
        assert_eq!(decode_text("Käthe".as_bytes(), None), "Käthe");
        assert_eq!(decode_text(b"a\xffb", Some(b"x-unknown")), "a\u{fffd}b");
    }

    #[test]
    fn reads_sent_days() {
        let day = |text: &str| sent_day(text.as_bytes()).map(|date| date.to_string());
        assert_eq!(
            day("Sat, 21 Nov 2026 23:30:00 -0800").as_deref(),
            Some("21-Nov-2026")
        );
        assert_eq!(day("21 Nov 26 09:30 GMT").as_deref(), Some("21-Nov-2026"));
        assert_eq!(
            day("Wed,  9 March 2011 11:19").as_deref(),
            Some("9-Mar-2011")
        );
        assert_eq!(day("1 Jan 99").as_deref(), Some("1-Jan-1999"));
        assert_eq!(day("31 Feb 2026 00:00:00 +0000"), None);
        assert_eq!(day("1 \u{e4}\u{e4} 2026"), None);
        assert_eq!(day("yesterday"), None);
        assert_eq!(day(""), None);
    }
}
