//! What a page shows of a message: fields of interest, text, whether there is
//! HTML, attachments.

use mail_parser::decoders::html::html_to_text;
use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, Address, HeaderValue};
use mailward_mail::header::{Field, HEADER_OCTETS_MAX, Header};

use super::{HTML_OCTETS_MAX, Part, TEXT_OCTETS_MAX, parts};
use crate::display::{plain, plain_lines};

/// Fields shown above a message, in the order in which they are shown.
const FIELDS: [&str; 9] = [
    "From",
    "Sender",
    "Reply-To",
    "To",
    "Cc",
    "Bcc",
    "Date",
    "Message-ID",
    "In-Reply-To",
];
const ADDRESS_FIELDS: [&str; 6] = ["From", "Sender", "Reply-To", "To", "Cc", "Bcc"];

/// Of a field with more addresses only so many are written out.
const ADDRESSES_MAX: usize = 50;
/// A longer field is cut.
const FIELD_CHARS_MAX: usize = 4000;

#[derive(Debug)]
pub(crate) struct ItemContent {
    pub(crate) subject: Option<String>,
    /// Name and decoded value. A field that stands twice is here twice.
    pub(crate) fields: Vec<(&'static str, String)>,
    /// The header section as it was sent.
    pub(crate) header: String,
    pub(crate) text: Option<TextView>,
    pub(crate) html: HtmlView,
    pub(crate) attachments: Vec<AttachmentView>,
    /// False where parts were left out because there are too many.
    pub(crate) is_complete: bool,
}

#[derive(Debug)]
pub(crate) struct TextView {
    pub(crate) text: String,
    pub(crate) is_whole: bool,
    /// Made from HTML, because there is no text part.
    pub(crate) is_from_html: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum HtmlView {
    None,
    Framed,
    /// Longer than [`HTML_OCTETS_MAX`].
    TooLong,
}

#[derive(Debug)]
pub(crate) struct AttachmentView {
    /// Its place among the parts, which finds it.
    pub(crate) part: usize,
    pub(crate) name: String,
    pub(crate) media_type: String,
    pub(crate) octets: u64,
}

impl ItemContent {
    /// Takes `message`, or its beginning, apart.
    pub(crate) fn of(message: &[u8]) -> Self {
        let (parts, is_complete) = parts(message);
        let head = &message[..message.len().min(HEADER_OCTETS_MAX)];
        let header = Header::parse(head);
        let text = parts.iter().position(Part::is_text);
        let html = parts.iter().position(Part::is_html);
        let attachments = parts
            .iter()
            .enumerate()
            .filter(|(index, _)| Some(*index) != text && Some(*index) != html)
            .map(|(index, part)| AttachmentView::of(index, part))
            .collect();
        let html = html.map(|index| parts[index].text(HTML_OCTETS_MAX));
        let text = match (text, &html) {
            (Some(index), _) => {
                let (text, is_whole) = parts[index].text(TEXT_OCTETS_MAX);
                Some(TextView::new(text, is_whole, false))
            }
            (None, Some((html, is_whole))) => {
                Some(TextView::new(html_to_text(html), *is_whole, true))
            }
            (None, None) => None,
        };
        Self {
            subject: header
                .first("Subject")
                .map(|field| shown(unstructured(field))),
            fields: fields(&header),
            header: plain_lines(&String::from_utf8_lossy(&head[..header.octets])),
            text,
            html: match html {
                None => HtmlView::None,
                Some((_, true)) => HtmlView::Framed,
                Some((_, false)) => HtmlView::TooLong,
            },
            attachments,
            is_complete,
        }
    }
}

impl TextView {
    fn new(text: String, is_whole: bool, is_from_html: bool) -> Self {
        let mut text = plain_lines(&text);
        let fits = text.len() <= TEXT_OCTETS_MAX;
        if !fits {
            text.truncate(text.floor_char_boundary(TEXT_OCTETS_MAX));
        }
        Self {
            text,
            is_whole: is_whole && fits,
            is_from_html,
        }
    }
}

impl AttachmentView {
    fn of(index: usize, part: &Part<'_>) -> Self {
        Self {
            part: index,
            name: file_name(index, part),
            media_type: plain(&part.media_type),
            octets: part.octets() as u64,
        }
    }
}

/// The name an attachment is saved under: the sender's, without what could
/// lead elsewhere or mislead the eye.
pub(crate) fn file_name(index: usize, part: &Part<'_>) -> String {
    const CHARS_MAX: usize = 120;
    let given: String = part
        .file_name
        .as_deref()
        .unwrap_or_default()
        .chars()
        .map(|character| match character {
            '/' | '\\' | ':' | '"' | '<' | '>' | '|' | '?' | '*' => '_',
            _ => character,
        })
        .collect();
    let given =
        plain(given.trim().trim_start_matches('.')).replace(char::REPLACEMENT_CHARACTER, "_");
    // The end of a name tells what it is: the middle goes when it is too long.
    let count = given.chars().count();
    let given: String = if count > CHARS_MAX {
        let start = given.chars().take(CHARS_MAX / 2);
        let end = given.chars().skip(count - CHARS_MAX / 2);
        start.chain("…".chars()).chain(end).collect()
    } else {
        given
    };
    match (given.is_empty(), part.media_type.as_str()) {
        (false, _) => given,
        (true, "message/rfc822") => format!("message-{index}.eml"),
        (true, "text/plain") => format!("text-{index}.txt"),
        (true, _) => format!("part-{index}.bin"),
    }
}

fn fields(header: &Header<'_>) -> Vec<(&'static str, String)> {
    let mut shown_fields = Vec::new();
    for name in FIELDS {
        for field in header.all(name) {
            let value = if ADDRESS_FIELDS.contains(&name) {
                addresses(field)
            } else {
                unstructured(field)
            };
            shown_fields.push((name, shown(value)));
        }
    }
    shown_fields
}

fn shown(value: String) -> String {
    let value = plain(&value);
    if value.chars().count() <= FIELD_CHARS_MAX {
        return value;
    }
    let mut cut: String = value.chars().take(FIELD_CHARS_MAX).collect();
    cut.push('…');
    cut
}

/// A text with its encoded words (RFC 2047) decoded.
fn unstructured(field: &Field<'_>) -> String {
    match MessageStream::new(&terminated(field)).parse_unstructured() {
        HeaderValue::Text(text) => text.into_owned(),
        _ => field.value(),
    }
}

/// Addresses as `Name <address>`, in a row.
fn addresses(field: &Field<'_>) -> String {
    let value = terminated(field);
    let HeaderValue::Address(list) = MessageStream::new(&value).parse_address() else {
        return field.value();
    };
    let mut written = Vec::new();
    let mut left_out = 0;
    let mut write = |address: &Addr<'_>| {
        if written.len() < ADDRESSES_MAX {
            written.push(one_address(address));
        } else {
            left_out += 1;
        }
    };
    match &list {
        Address::List(list) => list.iter().for_each(&mut write),
        Address::Group(groups) => groups
            .iter()
            .flat_map(|group| &group.addresses)
            .for_each(&mut write),
    }
    if written.is_empty() {
        return field.value();
    }
    let mut text = written.join(", ");
    if left_out > 0 {
        text.push_str(&format!(" and {left_out} more"));
    }
    text
}

fn one_address(address: &Addr<'_>) -> String {
    match (address.name(), address.address()) {
        (Some(name), Some(address)) => format!("{name} <{address}>"),
        (None, Some(address)) => address.to_owned(),
        (Some(name), None) => name.to_owned(),
        (None, None) => String::new(),
    }
}

/// The field as the library's readers want it: ended by a line end.
fn terminated(field: &Field<'_>) -> Vec<u8> {
    let mut value = field.raw_value.to_vec();
    value.extend_from_slice(b"\r\n");
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    const LETTER: &str = "From: =?utf-8?Q?Zo=C3=AB_Brennan?= <zoe@northmoor.example>\r\n\
        To: \"Ward 7, East\" <ward7@northmoor.example>,\r\n clinic@northmoor.example\r\n\
        Subject: =?utf-8?B?Q2xpbmlj?= letter\r\n =?iso-8859-1?Q?=E9t=E9?=\r\n\
        From: second@northmoor.example\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n\
        --b\r\nContent-Type: multipart/alternative; boundary=a\r\n\r\n\
        --a\r\n\r\nDear Ada\r\n--a\r\nContent-Type: text/html\r\n\r\n<p>Dear <b>Ada</b></p>\r\n--a--\r\n\
        --b\r\nContent-Type: application/pdf; name=\"../../letter.pdf\"\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nSGVsbG8=\r\n\
        --b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment;\r\n \
        filename=\"gnp\u{202e}.exe\"\r\n\r\nx\r\n--b--\r\n";

    #[test]
    fn shows_a_letter() {
        let content = ItemContent::of(LETTER.as_bytes());
        assert_eq!(content.subject.as_deref(), Some("Clinic letter été"));
        let fields: Vec<(&str, &str)> = content
            .fields
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        assert_eq!(
            fields,
            [
                ("From", "Zoë Brennan <zoe@northmoor.example>"),
                ("From", "second@northmoor.example"),
                (
                    "To",
                    "Ward 7, East <ward7@northmoor.example>, clinic@northmoor.example"
                ),
            ]
        );
        let text = content.text.expect("a text part");
        assert_eq!((text.text.as_str(), text.is_whole), ("Dear Ada", true));
        assert_eq!(content.html, HtmlView::Framed);
        let attachments: Vec<_> = content
            .attachments
            .iter()
            .map(|attachment| (attachment.part, attachment.name.as_str(), attachment.octets))
            .collect();
        assert_eq!(attachments, [(2, "_.._letter.pdf", 5), (3, "gnp_.exe", 1)]);
        assert!(content.header.starts_with("From: =?utf-8?Q?"));
    }

    #[test]
    fn makes_text_where_there_is_only_html() {
        let content =
            ItemContent::of(b"Content-Type: text/html\n\n<p>Dear <b>Ada</b> &amp; co</p>");
        let text = content.text.expect("made from HTML");
        assert_eq!(text.text.trim(), "Dear Ada & co");
        assert!(text.is_from_html);
    }

    #[test]
    fn long_bodies_are_cut_and_long_html_is_not_framed() {
        let html = format!(
            "Content-Type: text/html\n\n{}",
            "<b>x</b>".repeat(HTML_OCTETS_MAX / 4)
        );
        let content = ItemContent::of(html.as_bytes());
        assert_eq!(content.html, HtmlView::TooLong);
        assert!(!content.text.expect("text instead").is_whole);

        let text = format!("Subject: long\n\n{}", "é".repeat(TEXT_OCTETS_MAX));
        let content = ItemContent::of(text.as_bytes()).text.expect("a text");
        assert!(!content.is_whole && content.text.len() <= TEXT_OCTETS_MAX);
    }

    #[test]
    fn whatever_comes_is_shown_somehow() {
        for message in [
            &b""[..],
            b"\n",
            b"\0\xff\xfe",
            b"From:\n\n",
            b"From: <<<>>>,,;;(((\nTo: \xff\nSubject: =?utf-8?B?\xff?=\n\n\xff",
            b"Content-Type: multipart/mixed; boundary=\"\"\n\n--\n\nx\n----\n",
            b"Content-Type: text/html; charset=utf-7\n\n+ADw-script+AD4-",
            b"Content-Type: text/html\n\n<!-- <p &#xffffffff; &\xc3\xa9; &#; <",
        ] {
            let content = ItemContent::of(message);
            assert!(content.is_complete, "{message:?}");
        }
    }
}
