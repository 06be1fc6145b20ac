//! Lists, single messages, search and waiting.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query as UrlQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::chosen::Chosen;
use super::index::{Entry, Listed};
use super::query::Query;
use super::{Api, WAIT_SECONDS_MAX, failure, letter, not_found, ok};

/// Messages of one list, unless asked otherwise, and at most.
const LIMIT: usize = 50;
const LIMIT_MAX: usize = 1000;
/// Events of one answer.
const EVENTS_MAX: usize = 1000;

/// What stands after `?`; unknown members are passed over, as Mailpit does.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    start: usize,
    limit: Option<usize>,
    query: String,
    /// For `wait`: only what came after it.
    after: u64,
    /// For `wait`: seconds.
    timeout: Option<u64>,
}

impl Asked {
    fn limit(&self) -> usize {
        match self.limit {
            None | Some(0) => LIMIT,
            Some(limit) => limit.min(LIMIT_MAX),
        }
    }
}

pub(super) async fn info(State(api): State<Api>) -> Response {
    let (total, unread) = api.index.counts();
    let tags = api.index.tags();
    let version = concat!("mailward-", env!("CARGO_PKG_VERSION"));
    Json(json!({
        "Version": version,
        "LatestVersion": version,
        "Database": "",
        "DatabaseSize": 0,
        "Messages": total,
        "Unread": unread,
        "Tags": tags,
        "RuntimeStats": {
            "Uptime": 0, "Memory": 0, "MessagesDeleted": 0, "SMTPAccepted": total,
            "SMTPAcceptedSize": 0, "SMTPRejected": 0, "SMTPIgnored": 0,
        },
    }))
    .into_response()
}

pub(super) async fn list(State(api): State<Api>, UrlQuery(asked): UrlQuery<Asked>) -> Response {
    let mut messages = Vec::new();
    for entry in api.index.page(asked.start, asked.limit()) {
        messages.extend(api.index.listed(entry).await);
    }
    let (total, unread) = api.index.counts();
    page(&api, &asked, &messages, [total, unread])
}

pub(super) async fn search(State(api): State<Api>, UrlQuery(asked): UrlQuery<Asked>) -> Response {
    let query = Query::parse(&asked.query);
    if query.is_empty() {
        return failure(StatusCode::BAD_REQUEST, "Error: no search query");
    }
    let found = api.index.search(&query, 0).await;
    let mut messages = Vec::new();
    for entry in api.index.page_of(&found, asked.start, asked.limit()) {
        messages.extend(api.index.listed(entry).await);
    }
    page(&api, &asked, &messages, [found.count, found.unread])
}

/// `counts` are of all that match, and of the unread among them.
fn page(api: &Api, asked: &Asked, messages: &[Listed], counts: [usize; 2]) -> Response {
    let (total, unread) = api.index.counts();
    let messages: Vec<Value> = messages.iter().map(Listed::to_json).collect();
    Json(json!({
        "total": total,
        "unread": unread,
        "count": messages.len(),
        "messages_count": counts[0],
        "messages_unread": counts[1],
        "start": asked.start,
        "tags": all_tags(api),
        "messages": messages,
    }))
    .into_response()
}

/// Answers as soon as a message has come after the cursor `after` that the
/// query finds, or with none when the time is up. The cursor of the answer
/// misses nothing that comes before the next call.
pub(super) async fn wait(State(api): State<Api>, UrlQuery(asked): UrlQuery<Asked>) -> Response {
    let query = Query::parse(&asked.query);
    let seconds = asked.timeout.unwrap_or(WAIT_SECONDS_MAX);
    let patience = Duration::from_secs(seconds.min(WAIT_SECONDS_MAX));
    let mut late = api.clock.wait(patience);
    let mut watch = api.index.watch();
    let mut looked_at = asked.after;
    loop {
        watch.mark_unchanged();
        let cursor = api.index.cursor();
        let found = search_all(&api, &query, looked_at).await;
        looked_at = looked_at.max(cursor);
        let waited = tokio::select! {
            biased;
            () = std::future::ready(()), if !found.is_empty() => false,
            changed = watch.changed() => changed.is_ok(),
            () = &mut late => false,
        };
        if !waited {
            let newest = found.first().map(|listed| listed.entry.arrival.sequence);
            let messages: Vec<Value> = found.iter().map(Listed::to_json).collect();
            let cursor = newest.unwrap_or(looked_at).max(looked_at);
            let answer = json!({"cursor": cursor, "messages": messages});
            return Json(answer).into_response();
        }
    }
}

/// A whole message; it counts as read from then on.
pub(super) async fn show(State(api): State<Api>, Path(id): Path<String>) -> Response {
    let Some(entry) = api.index.find(&id) else {
        return not_found();
    };
    let (Some(listed), Some(octets)) = (
        api.index.listed(entry.clone()).await,
        api.index.octets(&entry).await,
    ) else {
        return not_found();
    };
    api.index.change(&entry, |entry| entry.read = true);
    let mut shown = listed.to_json();
    if let Value::Object(members) = &mut shown {
        for name in ["Created", "Snippet"] {
            members.remove(name);
        }
        members.insert("Read".to_owned(), true.into());
        let mut contents = letter::contents(&octets);
        if contents.get("Date").is_none_or(Value::is_null) {
            let at = entry.arrival.at.to_rfc3339();
            contents.insert("Date".to_owned(), at.into());
        }
        members.extend(contents);
    }
    Json(shown).into_response()
}

pub(super) async fn headers(State(api): State<Api>, Path(id): Path<String>) -> Response {
    match octets(&api, &id).await {
        Some(octets) => Json(letter::header(&octets)).into_response(),
        None => not_found(),
    }
}

/// What became of a message, oldest first. Not Mailpit's.
pub(super) async fn events(State(api): State<Api>, Path(id): Path<String>) -> Response {
    let Some(entry) = api.index.find(&id) else {
        return not_found();
    };
    let message = match api.index.body(&entry).await {
        Some(body) => api.traces.of_body(body),
        None => return not_found(),
    };
    let about = message.map(|one| api.events.about(&[one], 0, EVENTS_MAX));
    Json(about.unwrap_or_default()).into_response()
}

pub(super) async fn raw(State(api): State<Api>, Path(id): Path<String>) -> Response {
    match octets(&api, &id).await {
        Some(octets) => typed("text/plain; charset=utf-8", octets),
        None => not_found(),
    }
}

pub(super) async fn part(
    State(api): State<Api>,
    Path((id, part)): Path<(String, String)>,
) -> Response {
    let octets = octets(&api, &id).await;
    match octets.and_then(|octets| letter::part(&octets, &part)) {
        Some((media_type, contents)) => typed(&media_type, contents),
        None => not_found(),
    }
}

/// `ID.html` or `ID.txt`.
pub(super) async fn view(State(api): State<Api>, Path(name): Path<String>) -> Response {
    let (id, media_type) = match name.rsplit_once('.') {
        Some((id, "html")) => (id, "text/html; charset=utf-8"),
        Some((id, "txt")) => (id, "text/plain; charset=utf-8"),
        _ => return not_found(),
    };
    let octets = octets(&api, id).await;
    let wants_html = media_type.starts_with("text/html");
    match octets.and_then(|octets| letter::body(&octets, wants_html)) {
        Some(text) => typed(media_type, text.into_bytes()),
        None => not_found(),
    }
}

async fn octets(api: &Api, id: &str) -> Option<Vec<u8>> {
    api.index.octets(&api.index.find(id)?).await
}

/// Whatever it holds, a browser must run none of it here.
fn typed(media_type: &str, octets: Vec<u8>) -> Response {
    let fields = [
        (header::CONTENT_TYPE, media_type),
        (
            header::CONTENT_SECURITY_POLICY,
            "sandbox; default-src 'none'",
        ),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (fields, octets).into_response()
}

pub(super) async fn set_read(State(api): State<Api>, chosen: Chosen) -> Response {
    let entries = if chosen.search.is_empty() {
        of_ids(&api, &chosen.ids)
    } else {
        found(&api, &chosen.search).await
    };
    for entry in entries {
        api.index.change(&entry, |entry| entry.read = chosen.read);
    }
    ok()
}

pub(super) async fn delete(State(api): State<Api>, chosen: Chosen) -> Response {
    delete_all(&api, of_ids(&api, &chosen.ids)).await
}

pub(super) async fn delete_found(
    State(api): State<Api>,
    UrlQuery(asked): UrlQuery<Asked>,
) -> Response {
    if Query::parse(&asked.query).is_empty() {
        return failure(StatusCode::BAD_REQUEST, "Error: no search query");
    }
    let entries = found(&api, &asked.query).await;
    delete_all(&api, entries).await
}

async fn delete_all(api: &Api, entries: Vec<Entry>) -> Response {
    for entry in entries {
        if let Err(error) = api.index.delete(&entry).await {
            return failure(StatusCode::INTERNAL_SERVER_ERROR, error.to_string());
        }
    }
    ok()
}

/// All of them when no id is given.
fn of_ids(api: &Api, ids: &[String]) -> Vec<Entry> {
    if ids.is_empty() {
        return api.index.all();
    }
    ids.iter().filter_map(|id| api.index.find(id)).collect()
}

async fn found(api: &Api, query: &str) -> Vec<Entry> {
    let found = api.index.search(&Query::parse(query), 0).await;
    api.index.page_of(&found, 0, usize::MAX)
}

/// Those after `cursor`, the newest first.
async fn search_all(api: &Api, query: &Query, cursor: u64) -> Vec<Listed> {
    let found = api.index.search(query, cursor).await;
    let mut listed = Vec::new();
    for entry in api.index.page_of(&found, 0, usize::MAX) {
        listed.extend(api.index.listed(entry).await);
    }
    listed
}

pub(super) async fn tags(State(api): State<Api>) -> Response {
    Json(all_tags(&api)).into_response()
}

fn all_tags(api: &Api) -> Vec<String> {
    api.index.tags().into_keys().collect()
}

pub(super) async fn set_tags(State(api): State<Api>, chosen: Chosen) -> Response {
    let tags = cleaned(&chosen.tags);
    for entry in chosen.ids.iter().filter_map(|id| api.index.find(id)) {
        api.index
            .change(&entry, |entry| entry.tags.clone_from(&tags));
    }
    ok()
}

pub(super) async fn rename_tag(
    State(api): State<Api>,
    Path(tag): Path<String>,
    chosen: Chosen,
) -> Response {
    match cleaned(&[chosen.name]).first() {
        Some(name) => replace_tag(&api, &tag, Some(name)),
        None => failure(
            StatusCode::BAD_REQUEST,
            "Error: the new name of the tag is missing",
        ),
    }
}

pub(super) async fn delete_tag(State(api): State<Api>, Path(tag): Path<String>) -> Response {
    replace_tag(&api, &tag, None)
}

fn replace_tag(api: &Api, tag: &str, by: Option<&str>) -> Response {
    let is_it = |own: &String| own.eq_ignore_ascii_case(tag);
    for entry in api.index.all() {
        if entry.tags.iter().any(is_it) {
            api.index.change(&entry, |entry| {
                let rest = entry.tags.iter().filter(|own| !is_it(own)).cloned();
                let tags: BTreeSet<String> = rest.chain(by.map(str::to_owned)).collect();
                entry.tags = tags.into_iter().collect();
            });
        }
    }
    ok()
}

/// Tags of one message, and characters of a tag.
const TAGS_MAX: usize = 100;
const TAG_CHARS_MAX: usize = 100;

/// As Mailpit writes tags: letters, digits, `-`, `.`, `_` and spaces.
pub(super) fn cleaned(tags: &[String]) -> Vec<String> {
    let clean = |tag: &String| {
        let is_kept = |char: &char| char.is_ascii_alphanumeric() || "-._ ".contains(*char);
        let kept: String = tag.chars().filter(is_kept).take(TAG_CHARS_MAX).collect();
        kept.trim().to_owned()
    };
    let cleaned: BTreeSet<String> = tags.iter().take(TAGS_MAX).map(clean).collect();
    cleaned.into_iter().filter(|tag| !tag.is_empty()).collect()
}
