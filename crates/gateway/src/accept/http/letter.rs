//! The sense of a JSON submission: every value that ends up in a header field
//! is known to be harmless there before a message is made of it.

use std::ops::Range;

use mailward_mail::Address;
use mailward_mail::header::{Mailbox, parse_address_list};

use super::cutter::Skeleton;
use super::problem::Problem;
use super::request::{AttachmentRequest, MessageRequest, People, Person};
use crate::config::{Account, Limits};

const SUBJECT_CHARACTERS_MAX: usize = 900;
const NAME_CHARACTERS_MAX: usize = 200;
const FILENAME_OCTETS_MAX: usize = 255;
const FIELD_VALUE_CHARACTERS_MAX: usize = 900;

/// Fields that an application may add beside those of the request. All others
/// are made here, or could change who a message seems to come from.
const EXTRA_FIELDS: [&str; 8] = [
    "In-Reply-To",
    "References",
    "Auto-Submitted",
    "Importance",
    "Priority",
    "Precedence",
    "Keywords",
    "Comments",
];
const EXTRA_PREFIXES: [&str; 2] = ["X-", "List-"];
/// Ours to set.
const RESERVED_PREFIX: &str = "X-Mailward-";

/// A message in its parts, fit to be written.
#[derive(Debug)]
pub(super) struct Letter {
    pub(super) from: Mailbox,
    pub(super) to: Vec<Mailbox>,
    pub(super) cc: Vec<Mailbox>,
    pub(super) bcc: Vec<Mailbox>,
    pub(super) reply_to: Vec<Mailbox>,
    pub(super) subject: String,
    pub(super) headers: Vec<(String, String)>,
    pub(super) text: Option<Content>,
    pub(super) html: Option<Content>,
    pub(super) attachments: Vec<Attachment>,
}

#[derive(Debug)]
pub(super) struct Attachment {
    pub(super) filename: String,
    pub(super) content_type: String,
    /// In base64, as it came.
    pub(super) content: Content,
}

/// A string of the request.
#[derive(Clone, Debug)]
pub(super) enum Content {
    Here(String),
    Spooled(Range<u64>),
}

impl Content {
    pub(super) fn octets(&self) -> u64 {
        match self {
            Self::Here(text) => text.len() as u64,
            Self::Spooled(range) => range.end - range.start,
        }
    }
}

impl Letter {
    pub(super) fn new(
        request: MessageRequest,
        skeleton: &Skeleton,
        account: &Account,
        limits: &Limits,
    ) -> Result<Self, Problem> {
        let reader = Reader { skeleton, limits };
        let letter = Self {
            from: match &request.from {
                Some(person) => reader.person(person, "from")?,
                None => Mailbox {
                    display_name: account.display_name.clone(),
                    address: account.address.clone(),
                },
            },
            to: reader.people(&request.to, "to")?,
            cc: reader.people(&request.cc, "cc")?,
            bcc: reader.people(&request.bcc, "bcc")?,
            reply_to: reader.people(&request.reply_to, "reply_to")?,
            subject: reader.line(&request.subject, SUBJECT_CHARACTERS_MAX, "subject")?,
            headers: reader.headers(&request)?,
            text: request.text.map(|text| reader.content(text)),
            html: request.html.map(|html| reader.content(html)),
            attachments: reader.attachments(request.attachments)?,
        };
        letter.whole(limits)?;
        Ok(letter)
    }

    fn whole(&self, limits: &Limits) -> Result<(), Problem> {
        if self.to.is_empty() && self.cc.is_empty() && self.bcc.is_empty() {
            return Err(Problem::invalid("to", "The message has no recipient."));
        }
        if self.text.is_none() && self.html.is_none() && self.attachments.is_empty() {
            return Err(Problem::invalid("text", "The message has no content.")
                .remedy("Give text, html or attachments."));
        }
        let texts = [&self.text, &self.html].into_iter().flatten();
        if texts.map(Content::octets).sum::<u64>() > limits.text_octets_max as u64 {
            let octets_max = limits.text_octets_max as u64;
            return Err(Problem::too_large("Text and HTML together", octets_max)
                .field("text")
                .remedy("Send long texts as attachments (limit text_octets_max)."));
        }
        Ok(())
    }

    /// Everybody who gets it, each once, in the order of the fields.
    pub(super) fn recipients(&self) -> Vec<Address> {
        let mut seen = std::collections::HashSet::new();
        let mailboxes = self.to.iter().chain(&self.cc).chain(&self.bcc);
        mailboxes
            .map(|mailbox| mailbox.address.clone())
            .filter(|address| seen.insert(address.key()))
            .collect()
    }

    /// Whether an address in the header goes beyond ASCII.
    pub(super) fn needs_utf8(&self) -> bool {
        let lists = [&self.to, &self.cc, &self.bcc, &self.reply_to];
        !self.from.address.is_ascii()
            || lists
                .into_iter()
                .flatten()
                .any(|mailbox| !mailbox.address.is_ascii())
    }
}

struct Reader<'a> {
    skeleton: &'a Skeleton,
    limits: &'a Limits,
}

impl Reader<'_> {
    fn people(&self, people: &People, field: &str) -> Result<Vec<Mailbox>, Problem> {
        let people = people.0.iter().enumerate();
        people
            .map(|(index, person)| self.person(person, &format!("{field}[{index}]")))
            .collect()
    }

    fn person(&self, person: &Person, field: &str) -> Result<Mailbox, Problem> {
        let mailbox = match person {
            Person::Text(text) => one_mailbox(text, field)?,
            Person::Parts { name, address } => Mailbox {
                display_name: name.clone(),
                address: Address::parse(address).map_err(|error| {
                    Problem::invalid(field, format!("This is no address: {error}."))
                })?,
            },
        };
        if let Some(name) = &mailbox.display_name {
            self.line(name, NAME_CHARACTERS_MAX, field)?;
        }
        Ok(mailbox)
    }

    /// Text for one header field: no control character, no line end.
    fn line(&self, text: &str, characters_max: usize, field: &str) -> Result<String, Problem> {
        if self.skeleton.cut(text).is_some() || text.chars().count() > characters_max {
            return Err(Problem::invalid(
                field,
                format!("It may have {characters_max} characters at most."),
            ));
        }
        match text.chars().find(|char| char.is_control()) {
            Some(char) => Err(Problem::invalid(
                field,
                format!("It has the control character U+{:04X}.", u32::from(char)),
            )
            .remedy("Write it on one line, without control characters.")),
            None => Ok(text.trim().to_owned()),
        }
    }

    fn headers(&self, request: &MessageRequest) -> Result<Vec<(String, String)>, Problem> {
        if request.headers.len() > self.limits.headers_max {
            let max = self.limits.headers_max;
            return Err(Problem::invalid(
                "headers",
                format!("There may be {max} fields at most."),
            ));
        }
        let mut fields = Vec::new();
        for (name, value) in &request.headers {
            let shown: String = name
                .chars()
                .filter(|char| !char.is_control())
                .take(60)
                .collect();
            let field = format!("headers.{shown}");
            if !may_be_added(name) {
                return Err(Problem::invalid(field, "This header field may not be set.").remedy(
                    "Use X- fields, In-Reply-To, References, Auto-Submitted, Importance or List- fields; \
                     other fields are set by the members of the request.",
                ));
            }
            let value = self.line(value, FIELD_VALUE_CHARACTERS_MAX, &field)?;
            if fields
                .iter()
                .any(|(known, _): &(String, String)| known.eq_ignore_ascii_case(name))
            {
                return Err(Problem::invalid(field, "This header field stands twice."));
            }
            fields.push((name.clone(), value));
        }
        Ok(fields)
    }

    fn attachments(&self, requests: Vec<AttachmentRequest>) -> Result<Vec<Attachment>, Problem> {
        if requests.len() > self.limits.attachments_max {
            let max = self.limits.attachments_max;
            let detail = format!("There may be {max} attachments at most (limit attachments_max).");
            return Err(Problem::invalid("attachments", detail));
        }
        let requests = requests.into_iter().enumerate();
        requests
            .map(|(index, request)| {
                let field = |name: &str| format!("attachments[{index}].{name}");
                Ok(Attachment {
                    filename: self.filename(&request.filename, &field("filename"))?,
                    content_type: content_type(&request.content_type, &field("content_type"))?,
                    content: self.content(request.content),
                })
            })
            .collect()
    }

    /// A name, never a path, and nothing that shows otherwise than it is.
    fn filename(&self, name: &str, field: &str) -> Result<String, Problem> {
        let name = self.line(name, FILENAME_OCTETS_MAX, field)?;
        let problem = if name.is_empty() || name == "." || name == ".." {
            "It names no file."
        } else if name.len() > FILENAME_OCTETS_MAX {
            "It is longer than 255 octets."
        } else if name.contains(['/', '\\']) {
            "It is a path."
        } else if name.chars().any(is_direction_mark) {
            "It has a character that changes the direction of writing, which can hide its ending."
        } else {
            return Ok(name);
        };
        Err(Problem::invalid(field, problem).remedy("Give the name alone, such as \"letter.pdf\"."))
    }

    fn content(&self, text: String) -> Content {
        match self.skeleton.cut(&text) {
            Some(range) => Content::Spooled(range),
            None => Content::Here(text),
        }
    }
}

fn one_mailbox(text: &str, field: &str) -> Result<Mailbox, Problem> {
    if text.chars().any(char::is_control) {
        return Err(Problem::invalid(field, "It has a control character.")
            .remedy("Write one address on one line."));
    }
    let mut mailboxes = parse_address_list(text)
        .map_err(|error| Problem::invalid(field, format!("This is no address: {error}.")))?;
    match (mailboxes.pop(), mailboxes.is_empty()) {
        (Some(mailbox), true) => Ok(mailbox),
        (None, _) => Err(Problem::invalid(field, "This is no address.")),
        (Some(_), false) => Err(Problem::invalid(field, "These are several addresses.")
            .remedy("Give each as a member of the list.")),
    }
}

fn may_be_added(name: &str) -> bool {
    let token = !name.is_empty()
        && name.len() <= 60
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let starts = |prefix: &str| {
        name.len() > prefix.len()
            && name.as_bytes()[..prefix.len()].eq_ignore_ascii_case(prefix.as_bytes())
    };
    token
        && !starts(RESERVED_PREFIX)
        && (EXTRA_FIELDS
            .iter()
            .any(|known| known.eq_ignore_ascii_case(name))
            || EXTRA_PREFIXES.iter().any(|prefix| starts(prefix)))
}

/// `type/subtype` and simple parameters (RFC 2045 section 5.1).
fn content_type(text: &str, field: &str) -> Result<String, Problem> {
    let invalid =
        |detail: &str| Problem::invalid(field, detail).remedy("Write it as \"application/pdf\".");
    let mut pieces = text.split(';').map(str::trim);
    let essence = pieces.next().unwrap_or_default();
    let (kind, subtype) = essence.split_once('/').unwrap_or((essence, ""));
    let parameters_sound = pieces.all(|parameter| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            let bare = value
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .unwrap_or(value);
            is_token(name) && is_token(bare)
        })
    });
    if text.len() > 255 || !is_token(kind) || !is_token(subtype) || !parameters_sound {
        return Err(invalid("This is no content type."));
    }
    // These may not be sent in base64 (RFC 2045 section 6.4).
    if kind.eq_ignore_ascii_case("multipart") || kind.eq_ignore_ascii_case("message") {
        return Err(invalid("Composite types cannot be attached.")
            .remedy("Send a message with such parts whole, as message/rfc822."));
    }
    Ok(text.to_owned())
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?=".contains(&byte))
}

/// The bidirectional controls of Unicode's annex 9.
fn is_direction_mark(char: char) -> bool {
    matches!(char, '\u{061C}' | '\u{200E}' | '\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}
