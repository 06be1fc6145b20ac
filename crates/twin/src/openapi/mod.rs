//! The description of the HTTP APIs in OpenAPI 3.1: the test API and the
//! control API of one world.
//!
//! `table.rs` has one row for each operation; a test holds it against what the
//! router serves. `schemas.json` has the shapes.

mod table;
#[cfg(test)]
mod tests;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};

use table::{Answer, Body, Parameter};
pub(crate) use table::{OPERATIONS, Operation};

const SCHEMAS: &str = include_str!("schemas.json");

const ABOUT: &str = "The twin of NHSmail: the mail that came into a world, and what a test does to that world. \
    `/api/v1` has the shapes of Mailpit's API, with a wait and assertions beside; `/control/v1` is the Local Administrator's and the test's own. \
    A world is named by a path before all others, by the header X-Mailward-World or as a host.";

pub(crate) async fn serve() -> Response {
    match document() {
        Ok(document) => Json(document).into_response(),
        // The tests read the same text.
        Err(error) => {
            tracing::error!(%error, "the schemas of the description can't be read");
            axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

pub(crate) fn document() -> Result<Value, serde_json::Error> {
    let mut schemas: Value = serde_json::from_str(SCHEMAS)?;
    let parameters = schemas["parameters"].take();
    let mut paths: Map<String, Value> = Map::new();
    for operation in OPERATIONS {
        let path = paths
            .entry(operation.path)
            .or_insert_with(|| json!({ "parameters": path_parameters(operation.path) }));
        path[operation.method] = operation.to_json();
    }
    Ok(json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Mailward twin",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [
            { "url": "/", "description": "the default world, or the one that the header names" },
            { "url": "/world/{world}", "description": "a named world",
              "variables": { "world": { "default": "default" } } },
        ],
        "tags": TAGS.map(|(name, description)| json!({ "name": name, "description": description })),
        "paths": paths,
        "components": {
            "schemas": schemas["schemas"].take(),
            "parameters": parameters,
            "securitySchemes": {
                "bearer": { "type": "http", "scheme": "bearer",
                    "description": "the control token of the ready object" },
                "basic": { "type": "http", "scheme": "basic",
                    "description": "the same token as the password, for clients that know no bearer" },
            },
        },
    }))
}

const TAGS: [(&str, &str); 8] = [
    ("mail", "what came, as Mailpit shows it"),
    (
        "assertions",
        "what should have come, and how an application should behave",
    ),
    ("worlds", "twins beside each other"),
    ("accounts", "what a Local Administrator does"),
    ("service", "how the service behaves"),
    ("clock", "time, and the day of the behaviour"),
    ("faults", "what goes wrong"),
    ("record", "events, sessions and transcripts"),
];

impl Operation {
    /// By its path: the part of the API that it belongs to.
    fn tag(&self) -> &'static str {
        let has = |part: &str| self.path.contains(part);
        match self.path {
            _ if has("/assert") || has("/conduct") => "assertions",
            _ if has("/api/") || has("/view/") => "mail",
            _ if has("/worlds") => "worlds",
            _ if has("/accounts") || has("/distribution-lists") || has("/applications") => {
                "accounts"
            }
            _ if has("/clock") => "clock",
            _ if has("/faults") || has("/modes") || has("/magic") || has("/status") => "faults",
            _ if has("/events") || has("/sessions") || has("/metrics") => "record",
            _ => "service",
        }
    }

    fn is_control(&self) -> bool {
        self.path.starts_with("/control/")
    }

    fn to_json(self) -> Value {
        let mut parameters: Vec<Value> = self.query.iter().map(|one| one.to_json()).collect();
        parameters.push(json!({ "$ref": "#/components/parameters/World" }));
        let mut responses = Map::new();
        for (status, answer) in self.answers {
            responses.insert(status.to_string(), answer.to_json(*status));
        }
        responses.insert("default".to_owned(), self.failure());
        let mut operation = json!({
            "operationId": self.id,
            "tags": [self.tag()],
            "summary": self.summary,
            "parameters": parameters,
            "responses": responses,
            "security": self.security(),
        });
        if let Some(body) = self.body {
            operation["requestBody"] = body.to_json();
        }
        operation
    }

    fn failure(&self) -> Value {
        match self.is_control() {
            true => json!({
                "description": "refused, with the reason",
                "content": { "application/problem+json": {
                    "schema": { "$ref": "#/components/schemas/Problem" } } },
            }),
            false => json!({
                "description": "refused, with the reason",
                "content": { "text/plain": { "schema": { "type": "string" } } },
            }),
        }
    }

    /// The port of the test API asks for nothing outside the control API.
    fn security(&self) -> Value {
        match self.is_control() {
            true => json!([{ "bearer": [] }, { "basic": [] }]),
            false => json!([{}, { "bearer": [] }, { "basic": [] }]),
        }
    }
}

impl Parameter {
    fn to_json(self) -> Value {
        json!({
            "name": self.name,
            "in": "query",
            "required": false,
            "description": self.says,
            "schema": { "type": self.kind },
        })
    }
}

impl Body {
    fn to_json(self) -> Value {
        let schema = match self {
            Self::One(name) | Self::Optional(name) => reference(name),
            Self::OneOrMany(name) => json!({ "anyOf": [
                reference(name),
                { "type": "array", "items": reference(name) },
            ] }),
        };
        json!({
            "required": !matches!(self, Self::Optional(_)),
            "content": { "application/json": { "schema": schema } },
        })
    }
}

impl Answer {
    fn to_json(self, status: u16) -> Value {
        let description = match status {
            201 => "made",
            204 => "done",
            417 => "an assertion does not hold",
            _ => "as asked",
        };
        let content = match self {
            Self::Nothing => return json!({ "description": description }),
            Self::Json(name) => json!({ "application/json": { "schema": reference(name) } }),
            Self::List(name) => json!({ "application/json": {
                "schema": { "type": "array", "items": reference(name) } } }),
            Self::Any => json!({ "application/json": { "schema": {} } }),
            Self::Text(kind) => {
                let mut content = Map::new();
                content.insert(kind.to_owned(), json!({ "schema": { "type": "string" } }));
                Value::Object(content)
            }
            Self::Octets => json!({ "*/*": { "schema": {} } }),
        };
        json!({ "description": description, "content": content })
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

/// Those between braces.
fn path_parameters(path: &str) -> Vec<Value> {
    let names = path.split('{').skip(1);
    let names = names.filter_map(|rest| rest.split('}').next());
    names
        .map(|name| {
            json!({
                "name": name, "in": "path", "required": true, "schema": { "type": "string" },
            })
        })
        .collect()
}
