//! What the listener of `[metrics]` answers: `/metrics`, `/livez`, `/readyz`.
//!
//! A listener of its own: applications reach the API, monitoring reaches this,
//! and a fire-wall can tell them apart.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::get;
use mailward_net::metrics::CONTENT_TYPE;
use tokio::sync::Mutex;

use super::{Readiness, gather, readiness};
use crate::gateway::Gateway;

struct Watched {
    gateway: Gateway,
    /// One scrape at a time: the store has few readers, and mail needs them.
    one: Mutex<()>,
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}

/// The pages for monitoring.
pub fn endpoint(gateway: &Gateway) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .with_state(Arc::new(Watched {
            gateway: gateway.clone(),
            one: Mutex::new(()),
        }))
}

async fn metrics(State(watched): State<Arc<Watched>>) -> Response {
    let _one = watched.one.lock().await;
    let mut text = gather::gather(&watched.gateway).await;
    if let Some(more) = watched.gateway.observe.0.more.get() {
        text.push_str(&(more.0)());
    }
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
}

async fn readyz(State(watched): State<Arc<Watched>>) -> Response {
    let gateway = &watched.gateway;
    let stopping = gateway.tasks.shutdown().has_begun();
    answer(readiness(&gateway.queue, &gateway.observe, stopping).await)
}

/// 200 or 503, with the reasons.
pub(crate) fn answer(readiness: Readiness) -> Response {
    let status = if readiness.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(readiness)).into_response()
}
