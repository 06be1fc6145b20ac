//! What the holder of an account does by habit: being away, and reading.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::put;
use axum::{Json, Router};
use mailward_mail::Address;
use serde_json::json;

use super::{Control, problem, read};
use crate::deliver::{AutoReply, Reading};
use crate::error::TwinError;

pub(super) fn routes() -> Router<Control> {
    Router::new()
        .route(
            "/control/v1/accounts/{address}/auto-reply",
            put(set_auto_reply).get(show).delete(end_auto_reply),
        )
        .route(
            "/control/v1/accounts/{address}/reading",
            put(set_reading).get(show).delete(end_reading),
        )
}

/// The account of the path.
fn account(control: &Control, address: &str) -> Result<Address, Box<Response>> {
    let found = Address::parse(address)
        .ok()
        .and_then(|address| control.accounts.find(&address));
    match found {
        Some(account) => Ok(account.address.clone()),
        None => Err(Box::new(problem(
            StatusCode::NOT_FOUND,
            &format!("there is no account {address}; GET /control/v1/accounts lists them"),
        ))),
    }
}

async fn show(State(control): State<Control>, Path(address): Path<String>) -> Response {
    match account(&control, &address) {
        Ok(address) => {
            let habit = control.deliveries.habits.of(&address.key());
            Json(json!({
                "auto_reply": habit.as_ref().and_then(|one| one.auto_reply.clone()),
                "reading": habit.as_ref().and_then(|one| one.reading),
            }))
            .into_response()
        }
        Err(response) => *response,
    }
}

async fn set_auto_reply(
    State(control): State<Control>,
    Path(address): Path<String>,
    body: Bytes,
) -> Response {
    match read::<AutoReply>(&body) {
        Ok(wish) => auto_reply(control, address, Some(wish)).await,
        Err(response) => *response,
    }
}

async fn end_auto_reply(State(control): State<Control>, Path(address): Path<String>) -> Response {
    auto_reply(control, address, None).await
}

async fn auto_reply(control: Control, address: String, wish: Option<AutoReply>) -> Response {
    match account(&control, &address) {
        Ok(account) => {
            let set = control.deliveries.habits.set_auto_reply(&account, wish);
            answer(set.await, control, address).await
        }
        Err(response) => *response,
    }
}

async fn set_reading(
    State(control): State<Control>,
    Path(address): Path<String>,
    body: Bytes,
) -> Response {
    match read::<Reading>(&body) {
        Ok(wish) => reading(control, address, Some(wish)).await,
        Err(response) => *response,
    }
}

async fn end_reading(State(control): State<Control>, Path(address): Path<String>) -> Response {
    reading(control, address, None).await
}

async fn reading(control: Control, address: String, wish: Option<Reading>) -> Response {
    match account(&control, &address) {
        Ok(account) => {
            let set = control.deliveries.habits.set_reading(&account, wish);
            answer(set.await, control, address).await
        }
        Err(response) => *response,
    }
}

async fn answer(set: Result<(), TwinError>, control: Control, address: String) -> Response {
    match set {
        Ok(()) => show(State(control), Path(address)).await,
        Err(error) => error.into_response(),
    }
}
