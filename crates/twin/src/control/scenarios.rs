//! Scenarios: ready-made faults, played and ended by name.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use serde_json::{Value, json};

use super::{Control, problem};
use crate::faults::{Scenario, scenarios};

pub(super) fn router() -> Router<Control> {
    Router::new()
        .route("/control/v1/scenarios", get(list))
        .route("/control/v1/scenarios/{name}", put(play).delete(end))
}

async fn list(State(control): State<Control>) -> Response {
    let set = control.faults.list();
    let all: Vec<Value> = scenarios::all()
        .iter()
        .map(|one| {
            let on = set.iter().any(|view| one.is_part(&view.spec.id));
            json!({ "on": on, "scenario": one })
        })
        .collect();
    Json(all).into_response()
}

async fn play(State(control): State<Control>, Path(name): Path<String>) -> Response {
    let Some(scenario) = scenarios::find(&name) else {
        return unknown(&name);
    };
    match control.faults.play(scenario) {
        Ok(faults) => Json(faults).into_response(),
        Err(error) => problem(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string()),
    }
}

async fn end(State(control): State<Control>, Path(name): Path<String>) -> Response {
    match scenarios::find(&name) {
        Some(scenario) => {
            control.faults.end(scenario);
            StatusCode::NO_CONTENT.into_response()
        }
        None => unknown(&name),
    }
}

fn unknown(name: &str) -> Response {
    let known: Vec<&str> = scenarios::all()
        .iter()
        .map(|one: &Scenario| one.name)
        .collect();
    let detail = format!(
        "there is no scenario {name}; there are {}",
        known.join(", ")
    );
    problem(StatusCode::NOT_FOUND, &detail)
}
