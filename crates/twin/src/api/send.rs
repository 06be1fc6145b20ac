//! A message made from JSON and filed, as if it had come from outside: no
//! sign-in, no rule of the service is applied to it.

use std::collections::BTreeMap;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailward_mail::Address;
use mailward_mailbox::{Content, Flags, FolderName, Target};
use serde::Deserialize;
use serde_json::json;

use super::Api;
use super::messages::cleaned;

use crate::deliver::{OUTSIDE, TWIN_FIELD};
use crate::trace;

/// As many as one message may have anywhere here.
const RECIPIENTS_MAX: usize = 1000;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Wish {
    from: Person,
    #[serde(default)]
    to: Vec<Person>,
    #[serde(default)]
    cc: Vec<Person>,
    #[serde(default)]
    bcc: Vec<String>,
    #[serde(default)]
    reply_to: Vec<Person>,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    text: String,
    #[serde(default, rename = "HTML")]
    html: String,
    #[serde(default)]
    attachments: Vec<File>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Person {
    email: Address,
    #[serde(default)]
    name: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct File {
    /// In base64.
    content: String,
    filename: String,
    #[serde(default)]
    content_type: String,
    #[serde(default, rename = "ContentID")]
    content_id: String,
}

pub(super) async fn send(State(api): State<Api>, body: Bytes) -> Response {
    match file(&api, &body).await {
        Ok(id) => Json(json!({ "ID": id })).into_response(),
        Err(text) => (StatusCode::BAD_REQUEST, Json(json!({ "Error": text }))).into_response(),
    }
}

async fn file(api: &Api, body: &[u8]) -> Result<String, String> {
    let wish: Wish = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let targets = targets(api, &wish)?;
    let message_id = format!("{:016x}{:016x}", api.dice.next_u64(), api.dice.next_u64());
    let message_id = format!("{message_id}@{}", wish.from.email.domain());
    let message = compose(api, &wish, &message_id)?;
    let mailboxes = api.index.mailboxes();
    let mut writer = mailboxes.new_message();
    let written = writer
        .write(message.as_bytes())
        .and_then(|()| writer.finish());
    let message = written.map_err(|error| error.to_string())?;
    let before = api.index.cursor();
    let filed = mailboxes.append_to_many(targets, Content::New(message), api.clock.now());
    let mut body = None;
    for result in filed.await.map_err(|error| error.to_string())? {
        body = Some(result.map_err(|error| error.to_string())?.body);
    }
    let wanted = format!("<{message_id}>");
    trace::within(api.traces.begin(), || {
        body.into_iter().for_each(|body| api.traces.filed(body));
        let why = "filed over the test API, as from outside";
        let from = Some(wish.from.email.as_str());
        api.events
            .accept("test_api", "accepted", from, why, &wanted);
    });
    let mut all = api.index.all().into_iter();
    let entry = all
        .by_ref()
        .take_while(|entry| entry.arrival.sequence > before)
        .find(|entry| entry.arrival.summary.message_id == wanted)
        .ok_or("the message was filed, but is not among those that came")?;
    api.index
        .change(&entry, |entry| entry.tags = cleaned(&wish.tags));
    Ok(entry.id())
}

/// The inbox of each account; one place for all who are outside.
fn targets(api: &Api, wish: &Wish) -> Result<Vec<Target>, String> {
    let mut addresses: Vec<Address> = Vec::new();
    let named = wish.to.iter().chain(&wish.cc).map(|one| one.email.clone());
    addresses.extend(named);
    for text in &wish.bcc {
        addresses.push(Address::parse(text).map_err(|error| format!("Bcc {text}: {error}"))?);
    }
    if addresses.is_empty() {
        return Err("no recipients: name at least one in To, Cc or Bcc".to_owned());
    }
    if addresses.len() > RECIPIENTS_MAX {
        return Err(format!("more than {RECIPIENTS_MAX} recipients"));
    }
    let owner = |address: &Address| match api.accounts.find(address) {
        Some(account) => account.address.key(),
        None => OUTSIDE.to_owned(),
    };
    let mut owners: Vec<String> = addresses.iter().map(owner).collect();
    owners.sort_unstable();
    owners.dedup();
    let target = |owner| Target {
        owner,
        folder: FolderName::inbox(),
        flags: Flags::NONE,
        beyond_quota: false,
    };
    Ok(owners.into_iter().map(target).collect())
}

/// All text in base64 and every name encoded: nothing that was given can end a
/// line or a part.
fn compose(api: &Api, wish: &Wish, message_id: &str) -> Result<String, String> {
    let mut message = String::from(TWIN_FIELD);
    let mut field = |name: &str, value: &str| message.push_str(&format!("{name}: {value}\r\n"));
    field("Date", &api.clock.now().to_rfc5322());
    field("Message-ID", &format!("<{message_id}>"));
    field("From", &person(&wish.from));
    for (name, people) in [
        ("To", &wish.to),
        ("Cc", &wish.cc),
        ("Reply-To", &wish.reply_to),
    ] {
        if !people.is_empty() {
            let people: Vec<String> = people.iter().map(person).collect();
            field(name, &people.join(",\r\n "));
        }
    }
    field("Subject", &encoded(&wish.subject));
    for (name, value) in &wish.headers {
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if name.is_empty() || !name.bytes().all(is_name) {
            return Err(format!("Headers: {name:?} is no name of a field"));
        }
        field(name, &encoded(value));
    }
    field("MIME-Version", "1.0");
    let boundary = format!("=_{:016x}", api.dice.next_u64());
    field("Content-Type", &multipart("mixed", &boundary));
    message.push_str("\r\n");
    let texts = texts(wish);
    if let [_, _] = texts.as_slice() {
        let inner = format!("{boundary}_");
        let head = multipart("alternative", &inner);
        message.push_str(&format!("--{boundary}\r\nContent-Type: {head}\r\n\r\n"));
        for (fields, text) in texts {
            put_part(&mut message, &inner, &fields, text.as_bytes());
        }
        message.push_str(&format!("--{inner}--\r\n"));
    } else {
        for (fields, text) in texts {
            put_part(&mut message, &boundary, &fields, text.as_bytes());
        }
    }
    for file in &wish.attachments {
        let octets = STANDARD
            .decode(&file.content)
            .map_err(|_| format!("Attachments: {} is not in base64", file.filename))?;
        put_part(&mut message, &boundary, &file_fields(file), &octets);
    }
    message.push_str(&format!("--{boundary}--\r\n"));
    Ok(message)
}

fn multipart(subtype: &str, boundary: &str) -> String {
    format!("multipart/{subtype}; boundary=\"{boundary}\"")
}

/// Text, HTML or both; an empty text where there is neither.
fn texts(wish: &Wish) -> Vec<(String, &str)> {
    let fields = |subtype: &str| format!("Content-Type: text/{subtype}; charset=utf-8\r\n");
    let mut texts = Vec::new();
    if wish.html.is_empty() || !wish.text.is_empty() {
        texts.push((fields("plain"), wish.text.as_str()));
    }
    if !wish.html.is_empty() {
        texts.push((fields("html"), wish.html.as_str()));
    }
    texts
}

fn put_part(message: &mut String, boundary: &str, fields: &str, octets: &[u8]) {
    message.push_str(&format!(
        "--{boundary}\r\n{fields}Content-Transfer-Encoding: base64\r\n\r\n"
    ));
    for line in STANDARD.encode(octets).as_bytes().chunks(76) {
        message.push_str(&String::from_utf8_lossy(line));
        message.push_str("\r\n");
    }
}

fn file_fields(file: &File) -> String {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"/-+.".contains(&byte);
    let given = file.content_type.as_str();
    let media_type = match given.contains('/') && given.bytes().all(is_token) {
        true => given,
        false => "application/octet-stream",
    };
    let disposition = if file.content_id.is_empty() {
        "attachment"
    } else {
        "inline"
    };
    let mut fields = format!(
        "Content-Type: {media_type}\r\nContent-Disposition: {disposition}; filename=\"{}\"\r\n",
        encoded(&file.filename.replace(['"', '\\'], "_"))
    );
    let is_id = |char: &char| char.is_ascii_graphic() && !"<>".contains(*char);
    let id: String = file.content_id.chars().filter(is_id).collect();
    if !id.is_empty() {
        fields.push_str(&format!("Content-ID: <{id}>\r\n"));
    }
    fields
}

fn person(person: &Person) -> String {
    let address = person.email.as_str();
    if person.name.is_empty() {
        return format!("<{address}>");
    }
    let plain = |char: char| char.is_ascii_alphanumeric() || char == ' ';
    let name = match person.name.chars().all(plain) {
        true => person.name.clone(),
        false => word(&person.name),
    };
    format!("{name} <{address}>")
}

/// As it is where it is printable ASCII, else an encoded word (RFC 2047).
fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
    if text.bytes().all(is_plain) && !text.contains("=?") {
        return text.to_owned();
    }
    word(text)
}

/// Encoded words of at most 45 octets of text each, folded.
fn word(text: &str) -> String {
    const OCTETS_MAX: usize = 45;
    let mut words = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.floor_char_boundary(OCTETS_MAX));
        words.push(format!("=?utf-8?B?{}?=", STANDARD.encode(now)));
        rest = later;
    }
    words.join("\r\n ")
}
