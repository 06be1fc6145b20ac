//! `/livez`: the process answers. `/readyz`: it would take mail.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;

use super::HttpIntake;
use crate::observe;

pub(super) async fn livez() -> &'static str {
    "ok\n"
}

pub(super) async fn readyz(State(http): State<Arc<HttpIntake>>) -> Response {
    // The reasons may name folders: they go to the log, not to strangers.
    let intake = &http.intake;
    let stopping = http.shutdown.has_begun();
    observe::answer(observe::readiness(&intake.queue, &intake.observe, stopping).await)
}
