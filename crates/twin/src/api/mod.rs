//! The test API: Mailpit's `/api/v1` over the mailboxes of all accounts, as
//! far as the concepts are the same, so that its client libraries work here.
//!
//! ```text
//!   mailboxes ── arrivals ──▶ index ── search ──▶ list, wait
//!        ▲          │           └── letter (a message taken apart)
//!        │          └── segments ── dictionaries (what searches read)
//!        └── send, delete
//! ```
//!
//! A message is one however many mailboxes it went to. Reading and tags are
//! the API's own: what an application sees of its mailbox does not change by
//! being looked at. It shows what came since the start, the last
//! [`mailward_mailbox::ARRIVALS_MAX`] at most, from inboxes, junk, quarantine
//! and what went outside.
//!
//! Beyond Mailpit's are a wait, and assertions on what came and on conduct.
//!
//! On its own port it asks for no credentials, as Mailpit does not: that
//! listens on loopback unless somebody asked for more, and there answers none
//! but those who name a loopback host.

mod assert;
mod bits;
mod chaos;
mod chosen;
mod dictionary;
mod guard;
mod index;
mod letter;
mod messages;
mod query;
mod segment;
mod send;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use mailward_mail::{Clock, Dice};
use serde_json::json;

use crate::accounts::Accounts;
use crate::events::EventLog;
use crate::openapi;
use crate::sessions::Sessions;
use crate::trace::Traces;
pub(crate) use guard::Guard;
pub(crate) use index::Index;

/// A message that is sent over the API, in octets of JSON.
const SEND_OCTETS_MAX: usize = 64 * 1024 * 1024;

/// How long a client may wait in one request.
const WAIT_SECONDS_MAX: u64 = 120;

/// For people who open the port in a browser.
const WELCOME: &str = "This is the test API of a Mailward twin, as Mailpit's.\n\n\
    GET /api/v1/messages      what came\n\
    GET /view/latest.html     the newest message; /view/latest.txt is its text\n\
    GET /api/v1/openapi.json  all calls\n\n\
    Mailboxes, timelines and faults are on the console: console_url of the ready object.\n";

/// What the API works on: one world.
#[derive(Clone, Debug)]
pub(crate) struct Api {
    pub(crate) index: Arc<Index>,
    pub(crate) traces: Traces,
    pub(crate) accounts: Accounts,
    pub(crate) events: EventLog,
    pub(crate) sessions: Sessions,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) dice: Arc<dyn Dice>,
}

/// The API's pages, to stand among others. `authority` is the certificate by
/// which clients trust the twin, as a PEM file has it.
pub(crate) fn pages<S: Clone + Send + Sync + 'static>(api: Api, authority: &str) -> Router<S> {
    let authority = Arc::<str>::from(authority);
    Router::new()
        // As Mailpit's, for whoever watches a container.
        .route("/", get(async || WELCOME))
        .route("/livez", get(async || "ok"))
        .route("/readyz", get(async || "ok"))
        .route("/ca.pem", get(async move || pem(&authority)))
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
        .route("/api/v1/assert", post(assert::assert))
        .route("/api/v1/conduct", get(assert::list_conduct))
        .route("/api/v1/chaos", get(chaos::show).put(chaos::set))
        .route("/api/v1/openapi.json", get(openapi::serve))
        .route("/api/v1/message/{id}", get(messages::show))
        .route("/api/v1/message/{id}/headers", get(messages::headers))
        .route("/api/v1/message/{id}/events", get(messages::events))
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
        .with_state(api)
}

fn pem(authority: &str) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/x-pem-file")];
    (kind, authority.to_owned()).into_response()
}

/// Nothing of what Mailpit can be set to.
async fn web_ui() -> Response {
    Json(json!({
        "Label": "Mailward twin",
        "MessageRelay": {
            "Enabled": false, "SMTPServer": "", "ReturnPath": "", "OverrideFrom": "",
            "AllowedRecipients": "", "BlockedRecipients": "", "RecipientAllowlist": "",
            "PreserveMessageIDs": true,
        },
        "SpamAssassin": false,
        "ChaosEnabled": true,
        "DuplicatesIgnored": false,
        "HideDeleteAllButton": false,
    }))
    .into_response()
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
