//! `GET /console/live/…`: what changes on a page that is open, as server-sent
//! events (the EventSource part of the HTML standard).
//!
//! ```text
//!   event: new      data: <tr id="event-17">…      goes on top of the list
//!   event: patch    data: <tr id="account-…">…     takes the place of its like
//!   event: gone     data: item-17                  is there no longer
//!   event: again                                   the page is of another time
//!   id: 17                                         where to go on from
//! ```
//!
//! Rows are those of the pages themselves; nothing else is fetched again. A
//! stream ends after a while, so that the browser comes back and the guard
//! sees whether its session still stands.

mod shows;

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Extension, Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{Router, get};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::OwnedSemaphorePermit;

use super::{ACTING, events, sessions, trace};
use crate::Console;
use crate::guard::Visitor;
use crate::page::Strip;
use crate::world::InWorld;
use shows::{Shows, html};

/// Pages that hear what is new, at once.
pub(crate) const LISTENERS_MAX: usize = 64;

/// Answers of the source, with news or without, before a stream ends: some
/// minutes of quiet.
const ROUNDS_MAX: usize = 40;

/// How long a browser waits before it comes back, in milliseconds.
const RETRY_MILLIS: u64 = 3000;

pub(crate) fn routes() -> Router<Arc<Console>> {
    Router::new()
        .route("/console/live/events", get(hear_events))
        .route("/console/live/traces", get(hear_trace))
        .route("/console/live/accounts", get(hear_accounts))
        .route("/console/live/mailboxes/{account}", get(hear_mailbox))
        .route("/console/live/sessions", get(hear_sessions))
        .route("/console/live/overview", get(hear_overview))
        .route("/console/live/rehearsal", get(hear_rehearsal))
}

#[derive(Deserialize)]
struct From {
    /// The event before the first one.
    #[serde(default)]
    after: u64,
}

#[derive(Deserialize)]
struct Folder {
    folder: String,
    /// The newest item on the page.
    uid: u32,
}

async fn hear_events(
    State(console): State<Arc<Console>>,
    world: InWorld,
    headers: HeaderMap,
    Query(from): Query<From>,
    Query(asked): Query<events::Asked>,
) -> Response {
    let shows = Shows::Events(asked.filter());
    Listener::answer(console, world, &headers, &from, shows)
}

async fn hear_trace(
    State(console): State<Arc<Console>>,
    world: InWorld,
    headers: HeaderMap,
    Query(from): Query<From>,
    Query(asked): Query<trace::Asked>,
) -> Response {
    let shows = Shows::Trace(asked.number());
    Listener::answer(console, world, &headers, &from, shows)
}

async fn hear_accounts(
    State(console): State<Arc<Console>>,
    world: InWorld,
    headers: HeaderMap,
    Query(from): Query<From>,
) -> Response {
    Listener::answer(console, world, &headers, &from, Shows::Accounts)
}

async fn hear_mailbox(
    State(console): State<Arc<Console>>,
    world: InWorld,
    headers: HeaderMap,
    Path(account): Path<String>,
    Query(from): Query<From>,
    Query(Folder { folder, uid }): Query<Folder>,
) -> Response {
    let shows = Shows::mailbox(account, folder, uid);
    Listener::answer(console, world, &headers, &from, shows)
}

async fn hear_sessions(
    State(console): State<Arc<Console>>,
    world: InWorld,
    headers: HeaderMap,
    Query(from): Query<From>,
    Query(asked): Query<sessions::Asked>,
) -> Response {
    let shows = Shows::sessions(asked.filter());
    Listener::answer(console, world, &headers, &from, shows)
}

async fn hear_overview(
    State(console): State<Arc<Console>>,
    world: InWorld,
    headers: HeaderMap,
    Query(from): Query<From>,
) -> Response {
    let shows = Shows::Overview(String::new());
    Listener::answer(console, world, &headers, &from, shows)
}

async fn hear_rehearsal(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    world: InWorld,
    headers: HeaderMap,
    Query(from): Query<From>,
) -> Response {
    let rehearsal = console.rehearsals.of(world.links.world());
    let shows = Shows::Faults {
        is_open: visitor.role >= ACTING && rehearsal.is_some(),
        csrf: visitor.csrf().to_owned(),
    };
    Listener::answer(console, world, &headers, &from, shows)
}

/// One page that is open somewhere.
struct Listener {
    console: Arc<Console>,
    world: InWorld,
    shows: Shows,
    cursor: u64,
    rounds: usize,
    /// As it was sent last.
    strip: String,
    _place: OwnedSemaphorePermit,
}

impl Listener {
    fn answer(
        console: Arc<Console>,
        world: InWorld,
        headers: &HeaderMap,
        from: &From,
        shows: Shows,
    ) -> Response {
        let Ok(place) = console.listeners.clone().try_acquire_owned() else {
            return StatusCode::SERVICE_UNAVAILABLE.into_response();
        };
        // What the browser sends after a break counts before the address.
        let last = headers
            .get("last-event-id")
            .and_then(|value| value.to_str().ok()?.parse().ok());
        let listener = Self {
            strip: html(&Strip::new(&console, &world)),
            console,
            world,
            shows,
            cursor: last.unwrap_or(from.after),
            rounds: 0,
            _place: place,
        };
        let pieces = stream::unfold(listener, |mut listener| async move {
            let piece = listener.next().await?;
            Some((Ok::<_, Infallible>(piece), listener))
        });
        let kind = [
            (header::CONTENT_TYPE, "text/event-stream"),
            (header::CACHE_CONTROL, "no-store"),
        ];
        (kind, Body::from_stream(pieces)).into_response()
    }

    /// The next piece of text; none once the stream is to end.
    async fn next(&mut self) -> Option<String> {
        if self.rounds == 0 {
            self.rounds = 1;
            let begun = self.shows.begin(&self.console, &self.world);
            begun.await.ok()?;
            return Some(format!("retry: {RETRY_MILLIS}\n\n"));
        }
        if self.rounds > ROUNDS_MAX {
            return None;
        }
        self.rounds += 1;
        let heard = self.world.source.hear(self.cursor).await.ok()?;
        let mut text = String::new();
        if heard
            .first()
            .is_some_and(|event| event.sequence <= self.cursor)
        {
            // The world was put back: the whole page is of another time.
            self.rounds = ROUNDS_MAX + 1;
            tell(&mut text, "again", "");
            return Some(text);
        }
        self.tell_strip(&mut text);
        let latest = self.world.source.latest_event();
        let told = self
            .shows
            .tell(&self.console, &self.world, &heard, &mut text)
            .await;
        if let Err(error) = told {
            tracing::debug!(%error, "a page could not be kept up to date");
            return None;
        }
        if let Some(last) = heard.last() {
            self.cursor = if self.shows.is_summary() {
                latest.max(last.sequence)
            } else {
                last.sequence
            };
            text.push_str(&format!("id: {}\nevent: at\ndata:\n\n", self.cursor));
        } else {
            // So that nobody takes us for dead.
            text.push_str(": quiet\n\n");
        }
        Some(text)
    }

    /// Banners change by themselves too: a fault is over, a clock runs.
    fn tell_strip(&mut self, text: &mut String) {
        let strip = html(&Strip::new(&self.console, &self.world));
        if strip != self.strip {
            tell(text, "patch", &strip);
            self.strip = strip;
        }
    }
}

/// One event of the stream: its data line by line.
fn tell(text: &mut String, event: &str, data: &str) {
    text.push_str("event: ");
    text.push_str(event);
    for line in data.trim().split(['\n', '\r']) {
        text.push_str("\ndata: ");
        text.push_str(line);
    }
    text.push_str("\n\n");
}
