//! The event log as it grows: server-sent events (the EventSource part of the
//! HTML standard).
//!
//! ```text
//!   id: 17
//!   event: refused
//!   data: {"sequence":17,"at":"…","protocol":"submission",…}
//! ```
//!
//! A reader that falls behind the log is told how many events it missed, and
//! one whose world was put back, after which event it goes on.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures_util::stream;
use mailward_mail::Clock as _;
use mailward_net::Shutdown;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, watch};

use super::query::Query;
use super::{Control, problem};
use crate::events::{Event, EventLog, READERS_MAX};

/// Events that leave in one piece.
const EVENTS_PER_PIECE_MAX: usize = 100;

/// A line without meaning after so long, so that nobody takes us for dead.
const QUIET: Duration = Duration::from_secs(15);

pub(super) fn router() -> Router<Control> {
    Router::new().route("/control/v1/events/stream", get(events))
}

#[derive(Deserialize)]
struct From {
    /// The event before the first one; only new ones without it.
    #[serde(default)]
    after: Option<u64>,
}

async fn events(
    State(control): State<Control>,
    headers: HeaderMap,
    Query(from): Query<From>,
) -> Response {
    let Ok(place) = control.events.readers().try_acquire_owned() else {
        let detail = format!("{READERS_MAX} read the events already; end one of them");
        return problem(StatusCode::SERVICE_UNAVAILABLE, &detail);
    };
    // What the browser sends after a break counts before the address.
    let last = headers
        .get("last-event-id")
        .and_then(|value| value.to_str().ok());
    let news = control.events.news();
    let cursor = match last.map(str::parse) {
        Some(Ok(sequence)) => sequence,
        Some(Err(_)) => {
            let detail = "Last-Event-ID is no number of an event";
            return problem(StatusCode::UNPROCESSABLE_ENTITY, detail);
        }
        None => from.after.unwrap_or(*news.borrow()),
    };
    let reader = Reader {
        turn: control.events.turn(),
        events: control.events.clone(),
        news,
        cursor,
        shutdown: control.shutdown.clone(),
        clock: Arc::clone(&control.clock),
        _place: place,
    };
    let pieces = stream::unfold(reader, |mut reader| async move {
        let piece = reader.next().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), reader))
    });
    let kind = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (kind, Body::from_stream(pieces)).into_response()
}

struct Reader {
    events: EventLog,
    news: watch::Receiver<u64>,
    cursor: u64,
    /// Of the log, see [`EventLog::turn`].
    turn: u64,
    shutdown: Shutdown,
    clock: Arc<mailward_net::ShiftedClock>,
    _place: OwnedSemaphorePermit,
}

impl Reader {
    /// The next piece of text; none once the twin stops.
    async fn next(&mut self) -> Option<String> {
        loop {
            let latest = *self.news.borrow_and_update();
            let turn = self.events.turn();
            if std::mem::replace(&mut self.turn, turn) != turn {
                self.cursor = self.cursor.min(latest);
                let back = self.cursor;
                return Some(format!(
                    "event: put_back\ndata: {{\"sequence\":{back}}}\n\n"
                ));
            }
            let events = self.events.after(self.cursor, EVENTS_PER_PIECE_MAX);
            if let (Some(first), Some(last)) = (events.first(), events.last()) {
                let missed = first.sequence.saturating_sub(self.cursor + 1);
                self.cursor = last.sequence;
                return Some(piece(missed, &events));
            }
            tokio::select! {
                changed = self.news.changed() => changed.ok()?,
                () = self.shutdown.begun() => return None,
                () = self.clock.wait(QUIET) => return Some(": quiet\n\n".to_owned()),
            }
        }
    }
}

fn piece(missed: u64, events: &[Event]) -> String {
    let mut text = String::new();
    if missed > 0 {
        text.push_str(&format!("event: missed\ndata: {{\"events\":{missed}}}\n\n"));
    }
    for event in events {
        let data = serde_json::to_string(event).unwrap_or_default();
        let (sequence, kind) = (event.sequence, event.kind);
        text.push_str(&format!("id: {sequence}\nevent: {kind}\ndata: {data}\n\n"));
    }
    text
}
