//! Faults on what the service answers over HTTPS, and the transcripts of it.
//! The control API, the console and the figures are never touched.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use mailward_mail::Clock;

use super::{ActionSpec, Faults, Line, Protocol, Situation};
use crate::sessions::{self, Sessions};
use crate::transcripts::Direction;

/// What the layer needs.
#[derive(Clone, Debug)]
pub(crate) struct HttpFaults {
    pub(crate) faults: Faults,
    /// Of the listener, by which everybody comes.
    pub(crate) callers: Sessions,
    pub(crate) sessions: Sessions,
    pub(crate) clock: Arc<dyn Clock>,
}

/// What belongs to the test, not to the service.
const OURS: &[&str] = &["/control/", "/console", "/metrics", "/api/"];

/// Fields whose values are shown.
const FIELDS: &[header::HeaderName] = &[
    header::CONTENT_TYPE,
    header::CONTENT_LENGTH,
    header::USER_AGENT,
    header::RETRY_AFTER,
    header::LOCATION,
];

/// Fields that are shown without their values.
const SECRETS: &[header::HeaderName] = &[header::AUTHORIZATION, header::COOKIE, header::SET_COOKIE];

pub(crate) async fn layer(
    State(seams): State<HttpFaults>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.uri().path().to_owned();
    if OURS.iter().any(|ours| path.starts_with(ours)) {
        return next.run(request).await;
    }
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map(|peer| peer.0);
    let line = peer.and_then(|peer| seams.callers.of_http(peer));
    let Some(line) = line.map(|line| seams.sessions.beside(&line)) else {
        return next.run(request).await;
    };
    let recording = line.recording().clone();
    let query = if request.uri().query().is_some() {
        "?***"
    } else {
        ""
    };
    let method = request.method().clone();
    recording.write(
        Direction::Client,
        format!("{method} {path}{query} HTTP/1.1"),
    );
    for text in fields(request.headers()) {
        recording.write(Direction::Client, text);
    }
    let session = Some(line.clone());
    let response = sessions::during(session, async move {
        match seams.strike(&line, method.as_str(), &path).await {
            Some(response) => response,
            None => next.run(request).await,
        }
    })
    .await;
    recording.write(Direction::Server, format!("HTTP/1.1 {}", response.status()));
    for text in fields(response.headers()) {
        recording.write(Direction::Server, text);
    }
    response
}

impl HttpFaults {
    async fn strike(&self, line: &Line, method: &str, path: &str) -> Option<Response> {
        let mut strike = self.faults.strike(&Situation {
            method: Some(method),
            path: Some(path),
            ..Situation::of(Protocol::Http, "request")
        })?;
        let delay = std::mem::take(&mut strike.delay);
        if !delay.is_zero() {
            self.clock.wait(delay).await;
        }
        match line.suffer(strike) {
            Some(ActionSpec::Status {
                code,
                retry_after,
                detail,
            }) => Some(refusal(code, retry_after, detail.as_deref())),
            // Into a line that is cut: nobody hears it.
            _ if line.is_cut() => Some(StatusCode::SERVICE_UNAVAILABLE.into_response()),
            _ => None,
        }
    }
}

fn refusal(code: u16, retry_after: Option<u64>, detail: Option<&str>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let body = serde_json::json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": code,
        "detail": detail.unwrap_or("The service is not available at the moment."),
    });
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    let mut response = (status, kind, body.to_string()).into_response();
    if let Some(seconds) = retry_after {
        let value = HeaderValue::from(seconds);
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// The fields of a head that are no secret, and the names of those that are.
fn fields(headers: &HeaderMap) -> Vec<String> {
    let shown = FIELDS.iter().filter_map(|name| {
        let value = headers.get(name)?.to_str().ok()?;
        Some(format!("{name}: {value}"))
    });
    let hidden = SECRETS.iter().filter(|name| headers.contains_key(*name));
    shown
        .chain(hidden.map(|name| format!("{name}: ***")))
        .collect()
}
