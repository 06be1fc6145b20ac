//! Assertions: what should have come, and how an application should have
//! behaved. One call takes a list of both, so that a test says in one place
//! what it expects, and hears of all that does not hold.

mod content;
mod text;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Api;
use crate::conduct::{self, CHECKS, TAKEN_BY_ALL};
use crate::control::problem;

/// Assertions of one call.
const ASSERTIONS_MAX: usize = 100;

/// One assertion as it was given.
enum Assertion {
    Message(Box<content::Wish>),
    Conduct(Box<conduct::Wish>),
}

/// 200 when all hold, 417 when one does not: the answer is of one form.
pub(super) async fn assert(State(api): State<Api>, body: Bytes) -> Response {
    let assertions = match read(&body) {
        Ok(assertions) => assertions,
        Err(detail) => return problem(StatusCode::UNPROCESSABLE_ENTITY, &detail),
    };
    let mut results = Vec::new();
    for (place, assertion) in assertions.iter().enumerate() {
        match judge(&api, assertion).await {
            Ok(result) => results.push(result),
            Err(detail) => {
                let detail = format!("assertion {}: {detail}", place + 1);
                return problem(StatusCode::UNPROCESSABLE_ENTITY, &detail);
            }
        }
    }
    let failed: Vec<&Value> = results.iter().filter(|one| one["holds"] == false).collect();
    let says: Vec<&str> = failed
        .iter()
        .filter_map(|one| one["says"].as_str())
        .collect();
    let status = match failed.is_empty() {
        true => StatusCode::OK,
        false => StatusCode::EXPECTATION_FAILED,
    };
    let answer = json!({
        "holds": failed.is_empty(),
        "says": says.join("\n"),
        "results": results,
    });
    (status, Json(answer)).into_response()
}

/// What `conduct` may name.
pub(super) async fn list_conduct() -> Response {
    let all: Vec<Value> = CHECKS
        .iter()
        .map(|check| {
            let clauses: Vec<String> = check.clauses.iter().map(ToString::to_string).collect();
            let takes = [check.takes, &TAKEN_BY_ALL].concat();
            json!({ "id": check.id, "says": check.says, "clauses": clauses, "takes": takes })
        })
        .collect();
    Json(all).into_response()
}

async fn judge(api: &Api, assertion: &Assertion) -> Result<Value, String> {
    match assertion {
        Assertion::Message(wish) => Ok(content::judge(api, wish).await),
        Assertion::Conduct(wish) => {
            let verdict = conduct::judge(wish, &api.events, &api.sessions)?;
            let clauses = CHECKS
                .iter()
                .filter(|check| check.id == wish.conduct)
                .flat_map(|check| check.clauses)
                .map(ToString::to_string)
                .collect::<Vec<_>>();
            let about = match clauses.is_empty() {
                true => wish.conduct.clone(),
                false => format!("{} ({})", wish.conduct, clauses.join(", ")),
            };
            Ok(json!({
                "conduct": wish.conduct,
                "clauses": clauses,
                "holds": verdict.holds,
                "says": format!("{about}: {}", verdict.says),
                "judged": verdict.judged,
                "breaches": verdict.breaches,
            }))
        }
    }
}

/// `{"assertions": [...]}`, or one of them by itself.
fn read(body: &[u8]) -> Result<Vec<Assertion>, String> {
    let mut value: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let list = match value.get_mut("assertions") {
        None => vec![value],
        Some(Value::Array(list)) => std::mem::take(list),
        Some(_) => return Err("assertions is not a list".to_owned()),
    };
    if list.is_empty() || list.len() > ASSERTIONS_MAX {
        return Err(format!("give 1 to {ASSERTIONS_MAX} assertions"));
    }
    let parse = |(place, one): (usize, Value)| {
        parse(one).map_err(|error| format!("assertion {}: {error}", place + 1))
    };
    list.into_iter().enumerate().map(parse).collect()
}

fn parse(value: Value) -> Result<Assertion, String> {
    if value.get("conduct").is_some() {
        let wish = serde_json::from_value(value).map_err(|error| error.to_string())?;
        return Ok(Assertion::Conduct(Box::new(wish)));
    }
    let Some(message) = value.get("message") else {
        return Err("it has neither message nor conduct".to_owned());
    };
    let wish = serde_json::from_value(message.clone()).map_err(|error| error.to_string())?;
    Ok(Assertion::Message(Box::new(wish)))
}
