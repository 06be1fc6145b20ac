//! A message taken apart, in the shapes of the API.

use aws_lc_rs::digest;
use mail_parser::{Address, Message, MessageParser, MessagePart, MimeHeaders as _, PartType};
use serde_json::{Map, Value, json};

use crate::catch::ENVELOPE_TO;

/// What a list and a search need of a message.
#[derive(Debug)]
pub(super) struct Digest {
    pub(super) from: Value,
    pub(super) to: Vec<Value>,
    pub(super) cc: Vec<Value>,
    pub(super) bcc: Vec<Value>,
    pub(super) reply_to: Vec<Value>,
    pub(super) subject: String,
    pub(super) message_id: String,
    pub(super) attachments: usize,
    pub(super) inline: usize,
    pub(super) snippet: String,
    /// In lower case, for words that stand anywhere: addresses, subject, names
    /// of attachments and the beginning of the text.
    pub(super) words: String,
}

/// Characters of a message's text that a list shows.
const SNIPPET_CHARS: usize = 250;
/// Characters of a message's text that a search looks at.
const SEARCHED_CHARS: usize = 16 * 1024;

impl Digest {
    /// `recipients` are those it was filed for, whoever its header names.
    pub(super) fn of(octets: &[u8], recipients: &[String]) -> Self {
        let parsed = taken_apart(octets);
        let to = addresses(parsed.to());
        let cc = addresses(parsed.cc());
        let mut bcc = addresses(parsed.bcc());
        let caught = parsed.header_raw(ENVELOPE_TO).unwrap_or_default();
        let caught = caught
            .split(',')
            .map(str::trim)
            .filter(|one| !one.is_empty());
        for recipient in recipients.iter().map(String::as_str).chain(caught) {
            let named = |one: &Value| same_address(one, recipient);
            if !to.iter().chain(&cc).chain(&bcc).any(named) {
                bcc.push(json!({"Name": "", "Address": recipient}));
            }
        }
        let text = parsed.body_text(0).unwrap_or_default();
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let (attached, inline): (Vec<_>, Vec<_>) =
            parsed.attachments().partition(|part| !is_inline(part));
        let subject = parsed.subject().unwrap_or_default().to_owned();
        let from = addresses(parsed.from()).into_iter().next();
        let from = from.unwrap_or_else(|| json!({"Name": "", "Address": ""}));
        let mut searched = String::new();
        for one in std::iter::once(&from).chain(&to).chain(&cc).chain(&bcc) {
            searched.push_str(&shown(one));
            searched.push('\n');
        }
        searched.push_str(&subject);
        for part in parsed.attachments() {
            searched.push('\n');
            searched.push_str(part.attachment_name().unwrap_or_default());
        }
        searched.push('\n');
        searched.push_str(beginning(&words, SEARCHED_CHARS));
        Self {
            from,
            to,
            cc,
            bcc,
            reply_to: addresses(parsed.reply_to()),
            subject,
            message_id: parsed.message_id().unwrap_or_default().to_owned(),
            attachments: attached.len(),
            inline: inline.len(),
            snippet: beginning(&words, SNIPPET_CHARS).to_owned(),
            words: searched.to_lowercase(),
        }
    }
}

/// The first characters of a text.
fn beginning(text: &str, chars_max: usize) -> &str {
    if text.len() <= chars_max {
        return text;
    }
    let end = text.char_indices().nth(chars_max);
    &text[..end.map_or(text.len(), |(end, _)| end)]
}

/// A message of some part, if an empty one: the parser has nothing to say of
/// octets without a header field, and its methods ask the first part.
fn taken_apart(octets: &[u8]) -> Message<'_> {
    MessageParser::default()
        .parse(octets)
        .unwrap_or_else(|| Message {
            parts: vec![MessagePart::default()],
            ..Message::default()
        })
}

/// The members of a whole message that no digest has.
pub(super) fn contents(octets: &[u8]) -> Map<String, Value> {
    let parsed = taken_apart(octets);
    let mut members = Map::new();
    let mut files = [Vec::new(), Vec::new()];
    for id in &parsed.attachments {
        if let Some(part) = parsed.part(*id) {
            files[usize::from(is_inline(part))].push(file(*id, part));
        }
    }
    let [attached, inline] = files;
    let date = parsed.date().map(mail_parser::DateTime::to_rfc3339);
    let return_path = parsed.return_path().as_text().unwrap_or_default();
    members.insert("Date".to_owned(), date.into());
    members.insert("ReturnPath".to_owned(), return_path.into());
    let text = parsed.body_text(0).unwrap_or_default();
    members.insert("Text".to_owned(), text.into());
    members.insert("HTML".to_owned(), html(&parsed).unwrap_or_default().into());
    members.insert("Inline".to_owned(), inline.into());
    members.insert("Attachments".to_owned(), attached.into());
    members.insert("ListUnsubscribe".to_owned(), list_unsubscribe(&parsed));
    members
}

/// How to leave a list (RFC 2369, RFC 8058): the fields as they stand, and the
/// addresses between angle brackets, of which there may be one of each kind.
fn list_unsubscribe(parsed: &Message<'_>) -> Value {
    let text = |name: &str| {
        let words = parsed.header_raw(name).unwrap_or_default();
        words.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let field = text("List-Unsubscribe");
    let links = field.split('<').skip(1);
    let links: Vec<&str> = links
        .filter_map(|rest| Some(rest.split_once('>')?.0.trim()))
        .collect();
    let has = |schemes: &[&str]| {
        let of_kind = links.iter().filter(|link| {
            let scheme = link.split(':').next().unwrap_or_default();
            schemes.iter().any(|one| scheme.eq_ignore_ascii_case(one))
        });
        of_kind.count()
    };
    let (mail, web) = (has(&["mailto"]), has(&["http", "https"]));
    let errors = match (field.is_empty(), links.len()) {
        (true, _) => "",
        (false, 0) => "there is no address between angle brackets",
        (false, count) if mail + web < count => "an address is neither mailto nor http",
        _ if mail > 1 || web > 1 => "there are several addresses of one kind",
        _ => "",
    };
    json!({
        "Header": field, "Links": links, "Errors": errors,
        "HeaderPost": text("List-Unsubscribe-Post"),
    })
}

/// Text or HTML of a message, whichever is asked for.
pub(super) fn body(octets: &[u8], wants_html: bool) -> Option<String> {
    let parsed = taken_apart(octets);
    if wants_html {
        html(&parsed)
    } else {
        parsed.body_text(0).map(std::borrow::Cow::into_owned)
    }
}

/// Every field's values by its name.
pub(super) fn header(octets: &[u8]) -> Map<String, Value> {
    let parsed = taken_apart(octets);
    let mut fields: Map<String, Value> = Map::new();
    for (name, value) in parsed.headers_raw() {
        let values = fields
            .entry(canonical(name))
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Value::Array(values) = values {
            values.push(value.trim().into());
        }
    }
    fields
}

/// Media type and decoded octets of a part.
pub(super) fn part(octets: &[u8], id: &str) -> Option<(String, Vec<u8>)> {
    let parsed = taken_apart(octets);
    let part = parsed.part(id.parse().ok()?)?;
    Some((media_type(part), part.contents().to_vec()))
}

/// A file that a message carries.
pub(super) struct File {
    pub(super) name: String,
    pub(super) content_type: String,
    pub(super) octets: Vec<u8>,
}

/// All of them, decoded.
pub(super) fn files(octets: &[u8]) -> Vec<File> {
    let parsed = taken_apart(octets);
    parsed
        .attachments()
        .map(|part| File {
            name: part.attachment_name().unwrap_or_default().to_owned(),
            content_type: media_type(part),
            octets: part.contents().to_vec(),
        })
        .collect()
}

pub(super) fn same_address(one: &Value, address: &str) -> bool {
    one["Address"]
        .as_str()
        .is_some_and(|own| own.eq_ignore_ascii_case(address))
}

/// Name and address in one text.
pub(super) fn shown(one: &Value) -> String {
    let text = |member: &str| one[member].as_str().unwrap_or_default().to_owned();
    format!("{} <{}>", text("Name"), text("Address"))
}

fn html(parsed: &Message<'_>) -> Option<String> {
    let mut parts = parsed.html_body.iter().filter_map(|id| parsed.part(*id));
    parts.find_map(|part| match &part.body {
        PartType::Html(html) => Some(html.to_string()),
        _ => None,
    })
}

fn file(id: u32, part: &MessagePart<'_>) -> Value {
    json!({
        "PartID": id.to_string(),
        "FileName": part.attachment_name().unwrap_or_default(),
        "ContentType": media_type(part),
        "ContentID": part.content_id().unwrap_or_default(),
        "Size": part.contents().len(),
        "Checksums": {
            "SHA1": hex(&digest::SHA1_FOR_LEGACY_USE_ONLY, part.contents()),
            "SHA256": hex(&digest::SHA256, part.contents()),
        },
    })
}

fn hex(algorithm: &'static digest::Algorithm, octets: &[u8]) -> String {
    let sum = digest::digest(algorithm, octets);
    sum.as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn is_inline(part: &MessagePart<'_>) -> bool {
    part.content_disposition()
        .is_some_and(|disposition| disposition.is_inline())
}

fn media_type(part: &MessagePart<'_>) -> String {
    part.content_type().map_or_else(
        || "application/octet-stream".to_owned(),
        |own| format!("{}/{}", own.ctype(), own.subtype().unwrap_or("plain")),
    )
}

fn addresses(field: Option<&Address<'_>>) -> Vec<Value> {
    let one = |addr: &mail_parser::Addr<'_>| {
        json!({
            "Name": addr.name().unwrap_or_default(),
            "Address": addr.address().unwrap_or_default(),
        })
    };
    field.map_or_else(Vec::new, |field| field.iter().map(one).collect())
}

/// `message-id` as `Message-Id`: as Mailpit, and Go with it, writes names.
fn canonical(name: &str) -> String {
    let mut upper = true;
    name.trim()
        .chars()
        .map(|char| {
            let own = if upper {
                char.to_ascii_uppercase()
            } else {
                char.to_ascii_lowercase()
            };
            upper = char == '-';
            own
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_text_is_counted_in_characters() {
        for (text, chars, expected) in [
            ("", 2, ""),
            ("abc", 3, "abc"),
            ("abc", 2, "ab"),
            ("äöü", 2, "äö"),
            ("äöü", 4, "äöü"),
            ("äöü", 0, ""),
        ] {
            assert_eq!(beginning(text, chars), expected, "{text} {chars}");
        }
    }

    #[test]
    fn ways_to_leave_a_list_are_shown_and_judged() {
        for (field, links, error) in [
            ("", &[][..], ""),
            (
                "<mailto:out@lists.example?subject=out>,\r\n <https://lists.example/out>",
                &[
                    "mailto:out@lists.example?subject=out",
                    "https://lists.example/out",
                ],
                "",
            ),
            ("https://lists.example/out", &[], "no address between"),
            ("<ftp://lists.example>", &["ftp://lists.example"], "neither"),
            (
                "<http://a.example> <https://b.example>",
                &["http://a.example", "https://b.example"],
                "several",
            ),
        ] {
            let octets = format!(
                "List-Unsubscribe: {field}\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\n"
            );
            let shown = contents(octets.as_bytes())
                .remove("ListUnsubscribe")
                .expect("a member");
            assert_eq!(shown["Links"], json!(links), "{field}");
            assert_eq!(shown["HeaderPost"], "List-Unsubscribe=One-Click");
            let said = shown["Errors"].as_str().expect("a text");
            assert!(
                said.contains(error) && said.is_empty() == error.is_empty(),
                "{field}: {said}"
            );
        }
    }

    #[test]
    fn what_is_hardly_a_message_is_one_all_the_same() {
        for octets in [
            &b""[..],
            b"\r\n",
            b"\r\n\r\n",
            b"no field at all",
            b"\0\0\0\r\n.\r\n",
            b":\r\n\r\n",
            b"Content-Type: multipart/mixed; boundary=\"\"\r\n\r\n--\r\n",
        ] {
            let digest = Digest::of(octets, &["asha@northmoor.example".to_owned()]);
            assert_eq!(digest.bcc.len(), 1, "{octets:?}");
            assert!(contents(octets).contains_key("Text"), "{octets:?}");
            assert!(files(octets).len() <= 1, "{octets:?}");
            let _ = (header(octets), body(octets, true), body(octets, false));
            assert!(part(octets, "9").is_none(), "{octets:?}");
        }
    }
}
