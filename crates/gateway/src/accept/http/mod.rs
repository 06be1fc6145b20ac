//! The HTTP door: `/v1/messages` and the description of itself.
//!
//! ```text
//!   POST /v1/messages ─┬─ application/json ─▶ json: cutter, letter, compose ─┐
//!                      └─ message/rfc822  ─▶ raw: envelope, line ends ──────┴─▶ Incoming
//!   GET  /v1/messages, /v1/messages/{id}       what became of them
//!   POST /v1/messages/{id}/cancel, …/retry     change what waits
//! ```
//!
//! An application sees its own messages alone. Every error is a [`Problem`].
//! Bodies are never whole in memory: long strings of JSON go to a spool, and
//! messages to the store, as they arrive.

mod auth;
mod compose;
mod cutter;
mod health;
mod json;
mod letter;
mod limits;
mod messages;
mod problem;
mod rate;
mod raw;
mod request;
mod submit;
mod wishes;

use std::path::PathBuf;
use std::sync::Arc;

use axum::Router;
use axum::response::Json;
use axum::routing::{any, get};
use mailward_net::{Shutdown, http};
use tokio::sync::Semaphore;
use utoipa::OpenApi;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::Intake;
pub use messages::{AttemptOut, MessageOut, MessagePage, MessageSummary, RecipientOut};
pub use problem::{Problem, ProblemOut};
use rate::Rate;
pub use request::{AttachmentRequest, MessageRequest};
pub use submit::SubmissionOut;

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct HttpIntake {
    intake: Arc<Intake>,
    /// Long strings of JSON wait here.
    spool: PathBuf,
    shutdown: Shutdown,
    rate: Rate,
    /// Permits for composing large messages.
    large: Semaphore,
}

/// The document that describes this API (OpenAPI 3.1).
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Mailward",
        description = "Hands mail to the gateway and says what became of it. \
                       Errors are application/problem+json with rule, clause and remedy.",
        version = "1"
    ),
    modifiers(&BearerKey),
    security(("api_key" = []))
)]
struct Description;

struct BearerKey;

impl utoipa::Modify for BearerKey {
    fn modify(&self, openapi: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some("An API key of the application: mw_live_…"))
            .build();
        let components = openapi.components.get_or_insert_default();
        components.add_security_scheme("api_key", SecurityScheme::Http(scheme));
    }
}

impl HttpIntake {
    pub(crate) fn new(intake: Arc<Intake>, spool: PathBuf, shutdown: Shutdown) -> Self {
        Self {
            rate: Rate::new(intake.limits.requests_per_minute_max),
            large: Semaphore::new(intake.limits.json_large_at_once_max),
            intake,
            spool,
            shutdown,
        }
    }

    pub(crate) fn router(self) -> Router {
        let (router, description) = OpenApiRouter::with_openapi(Description::openapi())
            .routes(routes!(submit::submit, messages::list))
            .routes(routes!(messages::show))
            .routes(routes!(messages::cancel))
            .routes(routes!(messages::retry))
            .routes(routes!(limits::show))
            .split_for_parts();
        router
            .route("/v1/openapi.json", get(|| async move { Json(description) }))
            .route("/livez", get(health::livez))
            .route("/readyz", get(health::readyz))
            .route("/v1", any(async || Problem::not_found()))
            .route("/v1/{*rest}", any(async || Problem::not_found()))
            .method_not_allowed_fallback(async || Problem::method_not_allowed())
            .with_state(Arc::new(self))
    }
}

/// The HTTP server's own walls; the handlers' limits lie within them and
/// answer with a [`Problem`].
pub(crate) fn limits(intake: &Intake) -> http::Limits {
    let octets_max = json::json_octets_max(&intake.limits).saturating_mul(2);
    http::Limits {
        connections_max: intake.limits.http_connections_max,
        body_octets_max: usize::try_from(octets_max).unwrap_or(usize::MAX),
        ..http::Limits::default()
    }
}
