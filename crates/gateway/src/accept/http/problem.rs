//! Every error of the API, as RFC 9457 has it: `application/problem+json`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mailward_policy::Verdict;
use mailward_policy::verdict::Finding;
use mailward_queue::{AcceptError, QueueError};
use mailward_store::{ReadError, WriteError};
use serde::Serialize;
use utoipa::ToSchema;

use super::super::Rejection;
use crate::register::Denied;

/// How long to wait before trying again when nothing better is known.
const RETRY_AFTER_SECONDS: u64 = 30;

/// An error on its way to the client. Boxed, since every handler may fail.
#[derive(Debug)]
pub struct Problem(Box<ProblemOut>);

/// What went wrong and what to do about it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemOut {
    /// Names the kind of problem; the same for all of its kind.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    pub detail: String,
    /// Where in the request: `to[2]`, `attachments[0].filename`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The rule that was broken, as `mailward explain` knows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The clause that the rule rests on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clause: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
    /// Every broken rule, where rules refuse.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    pub findings: Vec<Finding>,
    #[serde(skip)]
    retry_after_seconds: Option<u64>,
}

impl Problem {
    pub(super) fn new(
        status: StatusCode,
        kind: &str,
        title: &str,
        detail: impl Into<String>,
    ) -> Self {
        Self(Box::new(ProblemOut {
            kind: format!("/problems/{kind}"),
            title: title.to_owned(),
            status: status.as_u16(),
            detail: detail.into(),
            field: None,
            rule: None,
            clause: None,
            remedy: None,
            findings: Vec::new(),
            retry_after_seconds: None,
        }))
    }

    /// The same without a place in the request.
    pub(super) fn anywhere(mut self) -> Self {
        self.0.field = None;
        self
    }

    pub(super) fn field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.0.remedy = Some(remedy.into());
        self
    }

    fn retry_after(mut self, seconds: u64) -> Self {
        self.0.retry_after_seconds = Some(seconds.max(1));
        self
    }

    /// 422: a value that cannot be taken, and where it stands.
    pub(super) fn invalid(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid",
            "A value cannot be taken",
            detail,
        )
        .field(field)
    }

    /// 400: the request itself is broken.
    pub(super) fn malformed(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "malformed",
            "The request cannot be read",
            detail,
        )
    }

    pub(super) fn not_found() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not-found",
            "There is nothing here",
            "There is nothing of this name that you may see.",
        )
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method-not-allowed",
            "This method is not offered here",
            "The Allow field lists the methods that are.",
        )
    }

    /// 413: `what` is the limit's name.
    pub(super) fn too_large(what: &str, octets_max: u64) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too-large",
            "Too large",
            format!("{what} may have {octets_max} octets at most."),
        )
    }

    pub(super) fn unsupported_type(found: &str) -> Self {
        let found: String = found
            .chars()
            .filter(|char| !char.is_control())
            .take(100)
            .collect();
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported-type",
            "This content type is not taken here",
            format!("The Content-Type is {found:?}."),
        )
        .field("Content-Type")
        .remedy("Send application/json with the fields of a message, or message/rfc822 with the message itself.")
    }

    pub(super) fn too_many_requests(seconds: u64) -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "too-many-requests",
            "Too many requests",
            format!(
                "This application may go on in {seconds} seconds (limit requests_per_minute_max)."
            ),
        )
        .retry_after(seconds)
    }

    /// 503: our own trouble, which may pass.
    pub(super) fn unavailable(detail: impl Into<String>) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "Not possible now",
            detail,
        )
        .retry_after(RETRY_AFTER_SECONDS)
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    pub(super) fn unauthorised() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorised",
            "No valid API key",
            "The request carries no API key that is valid here.",
        )
        .remedy("Send Authorization: Bearer with a key of your application.")
    }

    fn refused(verdict: Verdict) -> Self {
        let Some(first) = verdict.refusing().next().cloned() else {
            return Self::unavailable("The message was refused without a reason.");
        };
        let status = match first.rule {
            "message-size" => StatusCode::PAYLOAD_TOO_LARGE,
            "application-registered" => StatusCode::FORBIDDEN,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        };
        let mut problem = Self::new(status, "refused", first.title, first.explanation.clone());
        problem.0.field = first.field.map(str::to_owned);
        problem.0.rule = Some(first.rule.to_owned());
        problem.0.clause = Some(first.basis());
        problem.0.remedy = Some(first.remedy);
        problem.0.findings = verdict.findings;
        problem
    }
}

impl From<Denied> for Problem {
    fn from(denied: Denied) -> Self {
        match denied {
            Denied::Refused => Self::unauthorised(),
            Denied::TooOften { retry_after } => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "too-many-refusals",
                "Too many refused sign-ins",
                "Too many requests from this address carried no valid key.",
            )
            .retry_after(retry_after.as_secs()),
            Denied::Busy => Self::unavailable("Too many sign-ins are being checked."),
            Denied::WrongKind(kind) => Self::forbidden(format!(
                "A {} key may not be used with this application's route.",
                kind.as_str()
            ))
            .remedy("Use a live key."),
        }
    }
}

impl From<Rejection> for Problem {
    fn from(rejection: Rejection) -> Self {
        match rejection {
            Rejection::Refused(verdict) => Self::refused(*verdict),
            Rejection::TooLarge { octets_max } => {
                let mut problem = Self::too_large("A message", octets_max).remedy(
                    "Send less: about 25 MB of attachments fit, since they are sent encoded.",
                );
                problem.0.clause = Some("GUIDE-67".to_owned());
                problem
            }
            Rejection::NotKept(error) => error.into(),
        }
    }
}

impl From<AcceptError> for Problem {
    fn from(error: AcceptError) -> Self {
        let conflict = |detail: String| {
            Self::new(
                StatusCode::CONFLICT,
                "idempotency-conflict",
                "This Idempotency-Key was used before",
                detail,
            )
            .field("Idempotency-Key")
            .remedy("Use a new key for a new message.")
        };
        match error {
            AcceptError::Conflict { earlier } => conflict(format!(
                "It stands for another request, which became message {earlier}."
            )),
            AcceptError::KeyLength { max } => Self::invalid(
                "Idempotency-Key",
                format!("A key has 1 to {max} characters."),
            ),
            AcceptError::Recipients { max } => {
                Self::invalid("to", format!("A message has 1 to {max} recipients."))
            }
            AcceptError::NoticeDone | AcceptError::SameText => {
                Self::unavailable("The message could not be kept.")
            }
            AcceptError::Store(error) => error.into(),
        }
    }
}

impl From<WriteError> for Problem {
    fn from(error: WriteError) -> Self {
        match error {
            WriteError::Full(_) => Self::new(
                StatusCode::INSUFFICIENT_STORAGE,
                "no-room",
                "No room for more mail",
                "Nothing of the message was kept; try again later.",
            )
            .retry_after(RETRY_AFTER_SECONDS),
            WriteError::TooLarge { octets_max } => Self::too_large("A message", octets_max),
            _ => Self::unavailable(
                "Mail cannot be kept safely now; nothing of the message was kept.",
            ),
        }
    }
}

impl From<QueueError> for Problem {
    fn from(error: QueueError) -> Self {
        match error {
            QueueError::NoSuchMessage(_) | QueueError::NoSuchRecipient(..) => Self::not_found(),
            QueueError::Illegal { .. } => Self::new(
                StatusCode::CONFLICT,
                "not-in-this-state",
                "Not possible in this state",
                error.to_string(),
            ),
            QueueError::BadCursor => {
                Self::invalid("cursor", "This is no cursor that a list gave out.")
            }
            QueueError::Write(error) => error.into(),
            QueueError::Read(ReadError::Closed) => Self::unavailable("The gateway is stopping."),
            other => {
                tracing::error!(error = %other, "the queue could not be asked");
                Self::unavailable("The queue cannot be read now.")
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retry_after = self.0.retry_after_seconds;
        let mut response = (status, Json(self.0)).into_response();
        let headers = response.headers_mut();
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        if let Some(seconds) = retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"mailward\""),
            );
        }
        response
    }
}
