//! Faults and modes, and what says at a glance that there are any.

use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use mailward_mail::Clock;
use serde_json::{Value, json};

use super::{Control, problem, read};
use crate::faults::magic;
use crate::faults::modes::{ModeSpec, Name};
use crate::faults::{FaultError, FaultSpec, FaultView, Faults};

/// On every answer of this API while anything may be struck.
const HEADER: &str = "x-mailward-twin-faults";

/// Names in that field; more are counted.
const HEADER_NAMES_MAX: usize = 10;

pub(super) fn router() -> Router<Control> {
    Router::new()
        .route(
            "/control/v1/faults",
            get(list).post(add).put(replace).delete(clear),
        )
        .route(
            "/control/v1/faults/{id}",
            get(read_one).put(put_one).delete(remove),
        )
        .route("/control/v1/modes", get(modes))
        .route(
            "/control/v1/modes/{name}",
            get(mode).put(switch_on).delete(switch_off),
        )
        .route("/control/v1/magic-recipients", get(list_magic))
        .route("/control/v1/status", get(status))
}

/// Says on each answer that faults are set, and which.
pub(super) async fn mark(State(control): State<Control>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let names = names(&control.faults.list());
    if !names.is_empty() {
        let more = names.len().saturating_sub(HEADER_NAMES_MAX);
        let mut text = names[..names.len() - more].join(", ");
        if more > 0 {
            text.push_str(&format!(", and {more} more"));
        }
        if let Ok(value) = HeaderValue::try_from(text) {
            response.headers_mut().insert(HEADER, value);
        }
    }
    response
}

/// The modes that are on, then the faults that belong to none.
fn names(views: &[FaultView]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for view in views {
        let name = match view.mode {
            Some(mode) => mode.as_str(),
            None => view.spec.id.as_str(),
        };
        if !names.iter().any(|one| one == name) {
            names.push(name.to_owned());
        }
    }
    names.sort_by_key(|name| Name::parse(name).is_none());
    names
}

/// One fault or many.
fn read_faults(body: &[u8]) -> Result<Vec<FaultSpec>, Box<Response>> {
    let is_list = body.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    Ok(if is_list {
        read::<Vec<FaultSpec>>(body)?
    } else {
        vec![read::<FaultSpec>(body)?]
    })
}

fn wrong(error: &FaultError) -> Response {
    problem(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string())
}

fn set(faults: &Faults, specs: Vec<FaultSpec>) -> Response {
    match faults.set(specs) {
        Ok(views) => (StatusCode::CREATED, Json(views)).into_response(),
        Err(error) => wrong(&error),
    }
}

async fn list(State(control): State<Control>) -> Response {
    Json(control.faults.list()).into_response()
}

async fn add(State(control): State<Control>, body: axum::body::Bytes) -> Response {
    match read_faults(&body) {
        Ok(specs) => set(&control.faults, specs),
        Err(response) => *response,
    }
}

/// These instead of all others; modes stay.
async fn replace(State(control): State<Control>, body: axum::body::Bytes) -> Response {
    let specs = match read_faults(&body) {
        Ok(specs) => specs,
        Err(response) => return *response,
    };
    if let Err(error) = specs.iter().try_for_each(FaultSpec::check) {
        return wrong(&error);
    }
    control.faults.clear();
    set(&control.faults, specs)
}

async fn clear(State(control): State<Control>) -> Response {
    Json(json!({ "removed": control.faults.clear() })).into_response()
}

async fn read_one(State(control): State<Control>, Path(id): Path<String>) -> Response {
    match control.faults.find(&id) {
        Some(view) => Json(view).into_response(),
        None => unknown(&id),
    }
}

async fn put_one(
    State(control): State<Control>,
    Path(id): Path<String>,
    body: axum::body::Bytes,
) -> Response {
    match read::<FaultSpec>(&body) {
        Ok(spec) => set(&control.faults, vec![FaultSpec { id, ..spec }]),
        Err(response) => *response,
    }
}

async fn remove(State(control): State<Control>, Path(id): Path<String>) -> Response {
    if control.faults.remove(&id) {
        StatusCode::NO_CONTENT.into_response()
    } else {
        unknown(&id)
    }
}

fn unknown(id: &str) -> Response {
    let detail = format!("there is no fault {id}; it may be over");
    problem(StatusCode::NOT_FOUND, &detail)
}

async fn modes(State(control): State<Control>) -> Response {
    Json(control.faults.modes()).into_response()
}

fn named(name: &str) -> Result<Name, Box<Response>> {
    Name::parse(name).ok_or_else(|| {
        let known: Vec<&str> = Name::ALL.iter().map(|one| one.as_str()).collect();
        let detail = format!("there is no mode {name}; there are {}", known.join(", "));
        Box::new(problem(StatusCode::NOT_FOUND, &detail))
    })
}

async fn mode(State(control): State<Control>, Path(name): Path<String>) -> Response {
    match named(&name) {
        Ok(name) => view(&control, name),
        Err(response) => *response,
    }
}

fn view(control: &Control, name: Name) -> Response {
    let mut modes = control.faults.modes().into_iter();
    Json(modes.find(|mode| mode.name == name)).into_response()
}

async fn switch_on(
    State(control): State<Control>,
    Path(name): Path<String>,
    body: axum::body::Bytes,
) -> Response {
    let name = match named(&name) {
        Ok(name) => name,
        Err(response) => return *response,
    };
    let spec = match body.is_empty() {
        true => ModeSpec::default(),
        false => match read::<ModeSpec>(&body) {
            Ok(spec) => spec,
            Err(response) => return *response,
        },
    };
    match control.faults.switch_on(name, &spec) {
        Ok(()) => view(&control, name),
        Err(error) => wrong(&error),
    }
}

async fn switch_off(State(control): State<Control>, Path(name): Path<String>) -> Response {
    match named(&name) {
        Ok(name) => {
            control.faults.switch_off(name);
            view(&control, name)
        }
        Err(response) => *response,
    }
}

async fn list_magic() -> Response {
    let all: Vec<Value> = magic::TABLE
        .iter()
        .map(|one| json!({ "name": format!("fault-{}", one.name), "number": one.number, "does": one.does }))
        .collect();
    Json(all).into_response()
}

/// How the twin stands.
async fn status(State(control): State<Control>) -> Response {
    let faults = control.faults.list();
    let modes: Vec<Value> = Name::ALL
        .into_iter()
        .filter(|name| faults.iter().any(|view| view.mode == Some(*name)))
        .map(|name| json!({ "name": name, "says": name.sentence() }))
        .collect();
    Json(json!({
        "now": control.clock.now(),
        "is_sound": faults.is_empty(),
        "modes": modes,
        "faults": names(&faults),
        "accounts": control.accounts.all().len(),
    }))
    .into_response()
}
