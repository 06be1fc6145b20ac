//! The test API: Mailpit's `/api/v1` over the mailboxes of all accounts, as
//! far as the concepts are the same, so that its client libraries work here.
//!
//! ```text
//!   mailboxes ── arrivals ──▶ index ── search ──▶ list, wait
//!        ▲                      └── letter (a message taken apart)
//!        └── send, delete
//! ```
//!
//! A message is one however many mailboxes it went to. Reading and tags are
//! the API's own: what an application sees of its mailbox does not change by
//! being looked at. It shows what came since the start, the last
//! [`mailward_mailbox::ARRIVALS_MAX`] at most, from inboxes, junk, quarantine
//! and what went outside.
//!
//! It asks for no credentials, as Mailpit does not: it listens on loopback
//! alone, and answers none but those who name a loopback host.

mod index;
mod letter;
mod messages;
mod query;
mod send;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use mailward_mail::{Clock, Dice};
use serde_json::json;

use crate::accounts::Accounts;
use index::Index;
use mailward_mailbox::Mailboxes;

/// A message that is sent over the API, in octets of JSON.
const SEND_OCTETS_MAX: usize = 64 * 1024 * 1024;

/// What the API works on.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    index: Arc<Index>,
    accounts: Accounts,
    clock: Arc<dyn Clock>,
    dice: Arc<dyn Dice>,
}

impl Api {
    pub(crate) fn new(
        mailboxes: Mailboxes,
        accounts: Accounts,
        clock: Arc<dyn Clock>,
        dice: Arc<dyn Dice>,
    ) -> Self {
        Self {
            index: Arc::new(Index::new(mailboxes)),
            accounts,
            clock,
            dice,
        }
    }
}

pub(crate) fn router(api: Api) -> Router {
    Router::new()
        .route("/api/v1/info", get(messages::info))
        .route("/api/v1/webui", get(web_ui))
        .route(
            "/api/v1/messages",
            get(messages::list)
                .put(messages::set_read)
                .delete(messages::delete),
        )
        .route(
            "/api/v1/search",
            get(messages::search).delete(messages::delete_found),
        )
        .route("/api/v1/wait", get(messages::wait))
        .route("/api/v1/message/{id}", get(messages::show))
        .route("/api/v1/message/{id}/headers", get(messages::headers))
        .route("/api/v1/message/{id}/raw", get(messages::raw))
        .route("/api/v1/message/{id}/part/{part}", get(messages::part))
        .route("/api/v1/tags", get(messages::tags).put(messages::set_tags))
        .route(
            "/api/v1/tags/{tag}",
            put(messages::rename_tag).delete(messages::delete_tag),
        )
        .route("/view/{name}", get(messages::view))
        .route(
            "/api/v1/send",
            post(send::send).layer(DefaultBodyLimit::max(SEND_OCTETS_MAX)),
        )
        .layer(middleware::from_fn(only_loopback))
        .with_state(api)
}

/// Nothing of what Mailpit can be set to.
async fn web_ui() -> Response {
    Json(json!({
        "Label": "Mailward twin",
        "MessageRelay": {"Enabled": false, "SMTPServer": "", "ReturnPath": "", "AllowedRecipients": ""},
        "SpamAssassin": false,
        "ChaosEnabled": false,
        "DuplicatesIgnored": false,
    }))
    .into_response()
}

/// A page of some web site must not reach it through a browser on this
/// machine: neither by a name that resolves here nor from its own origin.
async fn only_loopback(request: Request, next: Next) -> Response {
    if is_loopback(request.headers()) {
        return next.run(request).await;
    }
    let text = "this API answers requests to localhost or 127.0.0.1 alone, from pages of the same";
    (StatusCode::FORBIDDEN, text).into_response()
}

fn is_loopback(headers: &HeaderMap) -> bool {
    let named = |name: &str| {
        let host = name.rsplit_once(':').map_or(name, |(host, port)| {
            let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
            if is_port { host } else { name }
        });
        matches!(host, "localhost" | "127.0.0.1" | "[::1]")
    };
    let text = |name| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    let origin = text(header::ORIGIN).is_none_or(|origin| {
        origin
            .split_once("://")
            .is_some_and(|(_, host)| named(host))
    });
    origin && text(header::HOST).is_some_and(named)
}

/// A failure, in Mailpit's form: plain text.
fn failure(status: StatusCode, text: impl Into<String>) -> Response {
    (status, text.into()).into_response()
}

fn not_found() -> Response {
    failure(StatusCode::NOT_FOUND, "404 page not found")
}

fn ok() -> Response {
    "ok".into_response()
}
