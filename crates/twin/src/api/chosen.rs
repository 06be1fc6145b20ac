//! The body by which a client chooses messages and says what to do with them.

use axum::Form;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Request};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Api, failure};

/// Members are known in any case, as Go's decoder knows Mailpit's. One that
/// means nothing is refused: what is left may mean all messages.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "lowercase")]
pub(super) struct Chosen {
    pub(super) ids: Vec<String>,
    pub(super) read: bool,
    pub(super) search: String,
    pub(super) tags: Vec<String>,
    pub(super) name: String,
}

const FORM: &[u8] = b"application/x-www-form-urlencoded";

/// JSON, whatever the client calls it: curl says that it is a form. No body is
/// an empty object. Mailpit takes JSON alone; `mailpit-api-client` for Python
/// sends real forms.
impl FromRequest<Api> for Chosen {
    type Rejection = Response;

    async fn from_request(request: Request, api: &Api) -> Result<Self, Response> {
        let (parts, body) = request.into_parts();
        let media_type = parts.headers.get(header::CONTENT_TYPE);
        let is_form = media_type.is_some_and(|value| value.as_bytes().starts_with(FORM));
        let whole = Request::from_parts(parts.clone(), body);
        let body = Bytes::from_request(whole, api)
            .await
            .map_err(IntoResponse::into_response)?;
        if body.is_empty() {
            return Ok(Self::default());
        }
        if !is_form || body.trim_ascii_start().starts_with(b"{") {
            return Self::of_json(&body).map_err(|error| wrong(&error.to_string()));
        }
        let whole = Request::from_parts(parts, Body::from(body));
        match Form::<Vec<(String, String)>>::from_request(whole, api).await {
            Ok(Form(fields)) => Self::of_form(fields).map_err(|error| wrong(&error)),
            Err(error) => Err(wrong(&error.to_string())),
        }
    }
}

impl Chosen {
    fn of_json(body: &[u8]) -> serde_json::Result<Self> {
        let members: Map<String, Value> = serde_json::from_slice(body)?;
        let lower = |(name, value): (String, Value)| (name.to_ascii_lowercase(), value);
        serde_json::from_value(members.into_iter().map(lower).collect())
    }

    fn of_form(fields: Vec<(String, String)>) -> Result<Self, String> {
        let mut chosen = Self::default();
        for (name, value) in fields {
            match name.to_ascii_lowercase().as_str() {
                "ids" => chosen.ids.push(value),
                "read" => chosen.read = value.eq_ignore_ascii_case("true"),
                "search" => chosen.search = value,
                "tags" => chosen.tags.push(value),
                "name" => chosen.name = value,
                _ => return Err(format!("there is no field {name}")),
            }
        }
        Ok(chosen)
    }
}

fn wrong(error: &str) -> Response {
    let text = format!("Error: the body is not what it should be: {error}");
    failure(StatusCode::BAD_REQUEST, text)
}
