//! `POST /v1/messages`.

use std::io;
use std::sync::Arc;

use aws_lc_rs::digest;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use mailward_mail::{Address, Envelope, ForwardPath, MessageId, Recipient, ReversePath};
use mailward_net::TlsFacts;
use mailward_policy::verdict::Finding;
use mailward_queue::{Idempotency, Repair};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::wishes::Wishes;
use super::super::{Acceptance, Extras, Incoming, Protocol, Received, Submission};
use super::HttpIntake;
use super::auth::peer;
use super::json;
use super::messages::{RecipientOut, recipients_out};
use super::problem::{Problem, ProblemOut};
use super::raw::{self, RawQuery};
use super::request::MessageRequest;
use crate::config::Limits;
use crate::observe::{Door, TraceParent};
use crate::register::Registered;

/// The message is safe.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubmissionOut {
    #[schema(value_type = String, example = "01KAJ5R3V2Z5N3T7KX2M")]
    pub id: MessageId,
    /// `accepted`, or `held` until a person approves it.
    pub state: &'static str,
    pub recipients: Vec<RecipientOut>,
    /// What rules say without refusing.
    #[schema(value_type = Vec<Object>)]
    pub warnings: Vec<Finding>,
    /// What was changed in the message.
    pub repairs: Vec<RepairOut>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RepairOut {
    pub rule: String,
    pub change: String,
}

/// One request, once it is known whose it is.
pub(super) struct Context {
    pub(super) http: Arc<HttpIntake>,
    pub(super) registered: Arc<Registered>,
    pub(super) received: Received,
    pub(super) idempotency_key: Option<String>,
    /// The caller's place in a trace of its own (W3C Trace Context).
    pub(super) parent: Option<TraceParent>,
    /// Over everything that makes two requests the same one.
    pub(super) digest: digest::Context,
}

/// What a door has made of its request: all but the octets are settled.
pub(super) struct Parcel {
    pub(super) incoming: Incoming,
    pub(super) envelope: Envelope,
    pub(super) data_class: Option<mailward_policy::DataClass>,
    pub(super) wishes: Wishes,
    pub(super) repairs: Vec<Repair>,
}

/// Hands over a message: as JSON fields, or whole as message/rfc822.
///
/// Answers 202 once the message is on stable storage. With an
/// `Idempotency-Key` the same request may be made again: it is answered with
/// the same id, and nothing is sent twice.
#[utoipa::path(
    post,
    path = "/v1/messages",
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 characters of the application's choice"),
        RawQuery
    ),
    request_body(content(
        (MessageRequest = "application/json"),
        (String = "message/rfc822")
    )),
    responses(
        (status = 202, description = "Safe; it will be sent, or is held", body = SubmissionOut),
        (status = 400, description = "Unreadable request", body = ProblemOut, content_type = "application/problem+json"),
        (status = 401, description = "No valid key", body = ProblemOut, content_type = "application/problem+json"),
        (status = 403, description = "Not allowed to this application", body = ProblemOut, content_type = "application/problem+json"),
        (status = 409, description = "The Idempotency-Key stands for another request", body = ProblemOut, content_type = "application/problem+json"),
        (status = 413, description = "Too large; the limit is named", body = ProblemOut, content_type = "application/problem+json"),
        (status = 415, description = "Neither JSON nor a message", body = ProblemOut, content_type = "application/problem+json"),
        (status = 422, description = "A value or a rule says no", body = ProblemOut, content_type = "application/problem+json"),
        (status = 429, description = "Too many requests", body = ProblemOut, content_type = "application/problem+json"),
        (status = 503, description = "Not possible now", body = ProblemOut, content_type = "application/problem+json"),
        (status = 507, description = "No room", body = ProblemOut, content_type = "application/problem+json"),
    )
)]
pub(super) async fn submit(
    State(http): State<Arc<HttpIntake>>,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let principal = http.principal(&parts.headers, &parts.extensions)?;
    let registered = principal.registered;
    if !registered.application.direction.sends() {
        return Err(Problem::forbidden(
            "This application is registered to receive only.",
        ));
    }
    let cipher = parts.extensions.get::<TlsFacts>();
    let cipher = cipher.map(|tls| format!("{} with cipher {}", tls.version, tls.cipher));
    let received = Received::new(
        Protocol::Http,
        None,
        peer(&parts.extensions),
        &http.intake.hostname,
        cipher.as_deref(),
    );
    let idempotency_key = idempotency_key(&parts.headers)?;
    let media_type = media_type(&parts.headers);
    let query = parts.uri.query().unwrap_or_default();
    let mut digest = digest::Context::new(&digest::SHA256);
    for part in [media_type.as_str(), "\0", query, "\0"] {
        digest.update(part.as_bytes());
    }
    let mut context = Context {
        http,
        registered,
        received,
        idempotency_key,
        parent: parent(&parts.headers),
        digest,
    };
    let length = announced_length(&parts.headers);
    let parcel = match media_type.as_str() {
        "application/json" => json::take(&mut context, query, length, body).await?,
        "message/rfc822" => raw::take(&mut context, query, length, body).await?,
        other => return Err(Problem::unsupported_type(other)),
    };
    context.deliver(parcel).await
}

impl Context {
    pub(super) fn limits(&self) -> &Limits {
        &self.http.intake.limits
    }

    pub(super) fn submission<'a>(
        &'a self,
        envelope: &'a Envelope,
        data_class: Option<mailward_policy::DataClass>,
    ) -> Submission<'a> {
        Submission {
            registered: &self.registered,
            envelope,
            received: &self.received,
            data_class,
        }
    }

    /// An envelope from the account to these.
    pub(super) fn envelope(&self, recipients: Vec<Address>) -> Envelope {
        let sender = self.registered.account.address.clone();
        Envelope {
            recipients: recipients
                .into_iter()
                .map(|address| Recipient::new(ForwardPath(address)))
                .collect(),
            ..Envelope::new(ReversePath::Address(sender))
        }
    }

    /// Keeps the message and says so.
    async fn deliver(self, parcel: Parcel) -> Result<Response, Problem> {
        let Parcel {
            incoming,
            envelope,
            data_class,
            wishes,
            repairs,
        } = parcel;
        let mut body_hash = [0; 32];
        body_hash.copy_from_slice(self.digest.clone().finish().as_ref());
        let idempotency = self
            .idempotency_key
            .clone()
            .map(|key| Idempotency { key, body_hash });
        let own_repairs = repairs.clone();
        let extras = Extras {
            wishes,
            idempotency,
            repairs,
            parent: self.parent,
        };
        let submission = self.submission(&envelope, data_class);
        let intake = &self.http.intake;
        let id = incoming.id();
        let acceptance =
            incoming
                .finish(intake, &submission, extras)
                .await
                .map_err(|rejection| {
                    self.note(id, &rejection);
                    Problem::from(rejection)
                })?;
        self.answer(acceptance, own_repairs).await
    }

    pub(super) fn note(&self, id: MessageId, rejection: &super::super::Rejection) {
        use super::super::Rejection;
        let intake = &self.http.intake;
        let application = &self.registered.application.name;
        intake
            .observe
            .rejected(Door::Http, id, application, rejection);
        if let Rejection::NotKept(error) = rejection {
            intake.alarm.raise(error);
        }
    }

    async fn answer(
        &self,
        acceptance: Acceptance,
        repairs: Vec<Repair>,
    ) -> Result<Response, Problem> {
        let id = acceptance.id;
        let view = self
            .http
            .intake
            .queue
            .show(id)
            .await?
            .ok_or_else(Problem::not_found)?;
        let recipients = recipients_out(&view.recipients);
        let held = recipients.iter().any(|recipient| recipient.state == "hold");
        let made = acceptance.verdict.repairs.iter().map(|repair| RepairOut {
            rule: repair.rule.to_owned(),
            change: repair.change(),
        });
        let own = repairs.into_iter().map(|one| RepairOut {
            rule: one.rule,
            change: one.change,
        });
        let out = SubmissionOut {
            id,
            state: if held { "held" } else { "accepted" },
            recipients,
            repairs: own.chain(made).collect(),
            warnings: acceptance.verdict.findings,
        };
        let mut response = (StatusCode::ACCEPTED, Json(out)).into_response();
        let headers = response.headers_mut();
        if let Ok(location) = HeaderValue::from_str(&format!("/v1/messages/{id}")) {
            headers.insert(header::LOCATION, location);
        }
        if acceptance.repeated {
            headers.insert("Idempotent-Replayed", HeaderValue::from_static("true"));
        }
        Ok(response)
    }
}

/// Only where there is one alone, as the recommendation asks.
fn parent(headers: &HeaderMap) -> Option<TraceParent> {
    let mut all = headers.get_all("traceparent").iter();
    match (all.next(), all.next()) {
        (Some(one), None) => TraceParent::parse(one.to_str().ok()?),
        _ => None,
    }
}

/// The next piece of the body.
pub(super) async fn next_piece(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    loop {
        match body.frame().await {
            None => return Ok(None),
            Some(Ok(frame)) => {
                if let Ok(data) = frame.into_data() {
                    return Ok(Some(data));
                }
            }
            Some(Err(error)) => return Err(broken_off(&error)),
        }
    }
}

/// The client went away, was too slow, or sent more than the server's wall.
fn broken_off(error: &axum::Error) -> Problem {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<http_body_util::LengthLimitError>() {
            return Problem::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "Too large",
                "The request is larger than any that is taken.",
            );
        }
        let timed_out = error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::TimedOut);
        if timed_out {
            return Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "too-slow",
                "Too slow",
                "The request stopped arriving.",
            );
        }
        cause = error.source();
    }
    Problem::malformed("The request broke off.")
}

/// The essence of Content-Type, lower case.
fn media_type(headers: &HeaderMap) -> String {
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let essence = value
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    essence.trim().to_ascii_lowercase()
}

fn announced_length(headers: &HeaderMap) -> Option<u64> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut all = headers.get_all("Idempotency-Key").iter();
    let Some(value) = all.next() else {
        return Ok(None);
    };
    let key = value
        .to_str()
        .ok()
        .map(str::trim)
        .filter(|key| !key.is_empty());
    match (key, all.next()) {
        (Some(key), None) => Ok(Some(key.to_owned())),
        _ => Err(Problem::invalid(
            "Idempotency-Key",
            "It must be one value of visible ASCII characters.",
        )),
    }
}
