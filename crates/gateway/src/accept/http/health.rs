//! `/livez`: the process answers. `/readyz`: it would take mail.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Json, Response};
use mailward_store::Health;
use serde::Serialize;

use super::HttpIntake;

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'static str>,
}

pub(super) async fn livez() -> &'static str {
    "ok\n"
}

pub(super) async fn readyz(State(http): State<Arc<HttpIntake>>) -> Response {
    // The reasons may name folders: they go to the log, not to strangers.
    let why = match http.intake.queue.store().health() {
        _ if http.shutdown.has_begun() => Some("stopping"),
        Health::Sound => None,
        Health::Full { .. } => Some("no room in the store"),
        Health::Poisoned { .. } => Some("the store takes no more writes"),
    };
    let status = if why.is_none() {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        Json(Readiness {
            ready: why.is_none(),
            why,
        }),
    )
        .into_response()
}
