//! The control API: what a test or a Local Administrator does to the twin.
//! Every call carries the token of the ready object as a bearer.

mod accounts;
mod conduct;
mod faults;
mod habits;
mod query;
mod scenarios;
mod sessions;
mod stream;
mod worlds;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mailward_mail::{Clock, Dice, Secret, Timestamp};
use mailward_net::metrics::CONTENT_TYPE;
use mailward_net::{ShiftedClock, Shutdown};
use serde::Deserialize;
use serde_json::json;

use crate::accounts::Accounts;
use crate::asof::BehaviourDay;
use crate::deliver::Deliveries;
use crate::error::TwinError;
use crate::events::EventLog;
use crate::faults::Faults;
use crate::figures;
use crate::manners::Manners;
use crate::oauth::{AppRegistration, Registrations};
use crate::relay::Admissions;
use crate::seed::DistributionListSpec;
use crate::sessions::Sessions;
use crate::worlds::Worlds;

use query::Query;

/// What the control API acts upon.
#[derive(Clone, Debug)]
pub(crate) struct Control {
    pub(crate) token: Secret,
    pub(crate) worlds: Worlds,
    pub(crate) accounts: Accounts,
    pub(crate) deliveries: Deliveries,
    pub(crate) registrations: Registrations,
    pub(crate) events: EventLog,
    pub(crate) clock: Arc<ShiftedClock>,
    pub(crate) day: BehaviourDay,
    pub(crate) dice: Arc<dyn Dice>,
    pub(crate) manners: Manners,
    pub(crate) admissions: Admissions,
    pub(crate) faults: Faults,
    pub(crate) sessions: Sessions,
    pub(crate) shutdown: Shutdown,
}

/// Events given in one answer at most.
const EVENTS_PER_ANSWER_MAX: usize = 1000;

/// `more` are pages that ask for the same token.
pub(crate) fn router(control: Control, more: Router<Control>) -> Router {
    more.merge(accounts::routes())
        .route("/control/v1/distribution-lists", post(put_list))
        .route("/control/v1/applications", post(register_application))
        .merge(conduct::router())
        .merge(worlds::router())
        .merge(faults::router())
        .merge(scenarios::router())
        .merge(sessions::router())
        .merge(stream::router())
        .route("/control/v1/clock", get(read_clock).put(set_clock))
        .route("/control/v1/clock/advance", post(advance_clock))
        .route("/control/v1/events", get(list_events))
        .route_layer(middleware::from_fn_with_state(
            control.clone(),
            require_token,
        ))
        .route_layer(middleware::from_fn_with_state(
            control.clone(),
            faults::mark,
        ))
        // For monitoring, which has no token.
        .route("/metrics", get(metrics))
        .with_state(control)
}

async fn metrics(State(control): State<Control>) -> Response {
    let text = figures::text(&control.events, &control.accounts);
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response()
}

async fn require_token(State(control): State<Control>, request: Request, next: Next) -> Response {
    let given = request
        .headers()
        .get(header::AUTHORIZATION)
        .and_then(|value| value.to_str().ok())
        .and_then(token_of);
    match given {
        Some(token) if control.token.matches(&token) => next.run(request).await,
        _ => problem(
            StatusCode::UNAUTHORIZED,
            "the control token is missing or wrong: send Authorization: Bearer TOKEN, \
             where TOKEN is control.token of the ready object, or MAILWARD_CONTROL_TOKEN",
        ),
    }
}

/// The token as a bearer, or as a password, since clients of Mailpit know Basic
/// alone.
fn token_of(authorization: &str) -> Option<Vec<u8>> {
    if let Some(token) = authorization.strip_prefix("Bearer ") {
        return Some(token.as_bytes().to_vec());
    }
    let mut credentials = STANDARD
        .decode(authorization.strip_prefix("Basic ")?)
        .ok()?;
    let colon = credentials.iter().position(|octet| *octet == b':')?;
    Some(credentials.split_off(colon + 1))
}

/// `application/problem+json` (RFC 9457).
pub(crate) fn problem(status: StatusCode, detail: &str) -> Response {
    let body = json!({
        "type": "about:blank",
        "title": status.canonical_reason().unwrap_or_default(),
        "status": status.as_u16(),
        "detail": detail,
    });
    (
        status,
        [(header::CONTENT_TYPE, "application/problem+json")],
        body.to_string(),
    )
        .into_response()
}

impl IntoResponse for TwinError {
    fn into_response(self) -> Response {
        problem(StatusCode::INTERNAL_SERVER_ERROR, &self.to_string())
    }
}

/// A body that must be JSON of one shape; what is wrong is said with its place.
fn read<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, Box<Response>> {
    serde_json::from_slice(body).map_err(|error| {
        Box::new(problem(
            StatusCode::UNPROCESSABLE_ENTITY,
            &error.to_string(),
        ))
    })
}

async fn put_list(State(control): State<Control>, body: axum::body::Bytes) -> Response {
    let spec: DistributionListSpec = match read(&body) {
        Ok(spec) => spec,
        Err(response) => return *response,
    };
    match control.accounts.put_lists(vec![spec.clone()]).await {
        Ok(()) => (StatusCode::CREATED, Json(spec)).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn register_application(State(control): State<Control>, body: axum::body::Bytes) -> Response {
    let registration: AppRegistration = match read(&body) {
        Ok(registration) => registration,
        Err(response) => return *response,
    };
    let client_id = registration.client_id.clone();
    match control.registrations.register(registration).await {
        Ok(()) => (StatusCode::CREATED, Json(json!({ "client_id": client_id }))).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn read_clock(State(control): State<Control>) -> Response {
    let (now, as_of) = (control.clock.now(), control.day.chosen().to_date());
    let due = control.deliveries.due.count();
    Json(json!({ "now": now, "as_of": as_of, "due": due })).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetClock {
    now: Timestamp,
    /// The day of the behaviour; without one the clock takes it along over
    /// each date.
    #[serde(default)]
    as_of: Option<Timestamp>,
}

async fn set_clock(State(control): State<Control>, body: axum::body::Bytes) -> Response {
    match read::<SetClock>(&body) {
        Ok(wish) => {
            control.clock.set(wish.now);
            if let Some(day) = wish.as_of {
                control.day.choose(day);
            }
            control.events.add(
                "control",
                "clock_set",
                None,
                format!("the clock shows {}", wish.now),
                None,
            );
            read_clock(State(control)).await
        }
        Err(response) => *response,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AdvanceClock {
    seconds: u64,
}

async fn advance_clock(State(control): State<Control>, body: axum::body::Bytes) -> Response {
    match read::<AdvanceClock>(&body) {
        Ok(wish) => {
            control.clock.advance(Duration::from_secs(wish.seconds));
            read_clock(State(control)).await
        }
        Err(response) => *response,
    }
}

#[derive(Deserialize)]
struct Wanted {
    #[serde(default)]
    after: u64,
    /// A message's number, or its Message-ID.
    #[serde(default)]
    message: Option<String>,
}

async fn list_events(State(control): State<Control>, Query(query): Query<Wanted>) -> Response {
    if let Some(message) = &query.message {
        let messages = control.events.messages(message);
        let about = (control.events).about(&messages, query.after, EVENTS_PER_ANSWER_MAX);
        return Json(about).into_response();
    }
    Json(control.events.after(query.after, EVENTS_PER_ANSWER_MAX)).into_response()
}
