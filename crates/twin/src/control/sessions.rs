//! Sessions and what was said in them.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;

use super::query::Query;
use super::{Control, problem};

/// Sessions given in one answer at most.
const SESSIONS_PER_ANSWER_MAX: usize = 1000;

pub(super) fn router() -> Router<Control> {
    Router::new()
        .route("/control/v1/sessions", get(list).delete(forget))
        .route("/control/v1/sessions/{id}", get(transcript))
}

#[derive(Deserialize)]
struct After {
    #[serde(default)]
    after: u64,
}

async fn list(State(control): State<Control>, Query(query): Query<After>) -> Response {
    Json(control.sessions.list(query.after, SESSIONS_PER_ANSWER_MAX)).into_response()
}

async fn forget(State(control): State<Control>) -> Response {
    control.sessions.forget();
    StatusCode::NO_CONTENT.into_response()
}

#[derive(Deserialize)]
struct Form {
    /// `text` for people; JSON without it.
    #[serde(default)]
    format: Option<String>,
}

async fn transcript(
    State(control): State<Control>,
    Path(id): Path<String>,
    Query(form): Query<Form>,
) -> Response {
    let Some(transcript) = control.sessions.transcript(&id) else {
        let detail = format!("there is no session {id}; the oldest are forgotten");
        return problem(StatusCode::NOT_FOUND, &detail);
    };
    match form.format.as_deref() {
        None | Some("json") => Json(transcript).into_response(),
        Some("text") => {
            let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
            (kind, transcript.to_text()).into_response()
        }
        Some(other) => {
            let detail = format!("format {other} is none; write json or text");
            problem(StatusCode::UNPROCESSABLE_ENTITY, &detail)
        }
    }
}
