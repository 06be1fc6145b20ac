//! How the service treats its senders: its settings, blocks and limits of
//! single accounts, registrations at the relay, and the list of behaviours.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{Control, problem, read};
use crate::behaviour::BEHAVIOURS;
use crate::error::TwinError;
use crate::manners::ServiceSpec;
use crate::seed::RelayRegistrationSpec;
use crate::senders::SenderSpec;

pub(super) fn router() -> Router<Control> {
    Router::new()
        .route("/control/v1/service", get(read_service).put(set_service))
        .route("/control/v1/senders", put(set_sender))
        .route("/control/v1/relay-registrations", post(register))
        .route("/control/v1/behaviours", get(list_behaviours))
}

async fn read_service(State(control): State<Control>) -> Response {
    Json(&*control.manners.now()).into_response()
}

/// The whole settings: what is absent goes back to its default.
async fn set_service(State(control): State<Control>, body: axum::body::Bytes) -> Response {
    match read::<ServiceSpec>(&body) {
        Ok(spec) => match control.manners.set(spec).await {
            Ok(()) => read_service(State(control)).await,
            Err(error @ TwinError::Seed(_)) => {
                problem(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string())
            }
            Err(error) => error.into_response(),
        },
        Err(response) => *response,
    }
}

async fn set_sender(State(control): State<Control>, body: axum::body::Bytes) -> Response {
    let spec: SenderSpec = match read(&body) {
        Ok(spec) => spec,
        Err(response) => return *response,
    };
    if control.accounts.find(&spec.address).is_none() {
        let detail = format!("there is no account {}", spec.address);
        return problem(StatusCode::NOT_FOUND, &detail);
    }
    let address = spec.address.clone();
    match control.deliveries.senders.set(spec).await {
        Ok(sender) => Json(json!({
            "address": address,
            "recipients_max": sender.recipients_max(),
            "blocked": sender.blocked,
        }))
        .into_response(),
        Err(error @ TwinError::Seed(_)) => {
            problem(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string())
        }
        Err(error) => error.into_response(),
    }
}

async fn register(State(control): State<Control>, body: axum::body::Bytes) -> Response {
    match read::<RelayRegistrationSpec>(&body) {
        Ok(registration) => match control.admissions.register(registration.clone()).await {
            Ok(()) => (StatusCode::CREATED, Json(registration)).into_response(),
            Err(error) => error.into_response(),
        },
        Err(response) => *response,
    }
}

async fn list_behaviours() -> Response {
    let all: Vec<Value> = BEHAVIOURS
        .iter()
        .map(|one| {
            let clauses: Vec<String> = one.clauses.iter().map(ToString::to_string).collect();
            json!({
                "id": one.id,
                "clauses": clauses,
                "punishes": one.punishes,
                "words": one.words,
                "standing": one.standing.as_str(),
            })
        })
        .collect();
    Json(all).into_response()
}
