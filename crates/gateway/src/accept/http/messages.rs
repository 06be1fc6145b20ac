//! What became of messages, and what may still be done about them.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, Request, State};
use axum::http::Uri;
use mailward_mail::{MessageId, Timestamp};
use mailward_queue::{
    Actor, Filter, ListItem, MessageView, PAGE_MAX, RecipientView, StateWord, TimelineEntry,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::HttpIntake;
use super::problem::{Problem, ProblemOut};
use crate::register::Principal;

const PAGE_DEFAULT: usize = 50;

/// One page, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessagePage {
    pub messages: Vec<MessageSummary>,
    /// Give it as `cursor` to have the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct MessageSummary {
    #[schema(value_type = String)]
    pub id: MessageId,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// When it is scheduled for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub send_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    pub deadline_at: Timestamp,
    pub message_class: String,
    pub priority: i8,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    pub subject: Option<String>,
    pub message_id: Option<String>,
    pub size_octets: u64,
    /// How many recipients are in which state.
    #[schema(value_type = Object)]
    pub states: std::collections::BTreeMap<&'static str, u64>,
}

/// One message with all that is known of it.
#[derive(Debug, Serialize, ToSchema)]
pub struct MessageOut {
    #[schema(value_type = String)]
    pub id: MessageId,
    pub application: String,
    pub route: String,
    pub account: String,
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// Who still waits then is expired.
    #[schema(value_type = String, format = DateTime)]
    pub deadline_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    pub subject: Option<String>,
    pub message_id: Option<String>,
    pub size_octets: u64,
    pub message_class: String,
    pub priority: i8,
    /// When it is scheduled for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub send_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sequence_key: Option<String>,
    pub data_class: String,
    pub recipients: Vec<RecipientOut>,
    pub attempts: Vec<AttemptOut>,
    #[schema(value_type = Vec<Object>)]
    pub timeline: Vec<TimelineEntry>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct RecipientOut {
    /// Counted from 1.
    pub n: u32,
    pub address: String,
    /// `incoming`, `active`, `deferred`, `hold`, `in_doubt`, or how it ended:
    /// `relayed`, `delivered`, `failed`, `expired`, `cancelled`.
    pub state: &'static str,
    pub attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_attempt_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hold_reason: Option<&'static str>,
    /// What the service said last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_reply: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub outcome_at: Option<Timestamp>,
}

#[derive(Debug, Serialize, ToSchema)]
pub struct AttemptOut {
    pub id: i64,
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage_reached: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tls: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub peer: Option<String>,
}

/// How many recipients an act has moved.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct ActOut {
    #[schema(value_type = String)]
    pub id: MessageId,
    pub recipients: u32,
}

#[derive(Debug, Default, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "for the description of the API")]
pub(super) struct ListQuery {
    /// At least one recipient is in this state.
    state: Option<String>,
    /// Found in sender, subject, Message-ID or a recipient.
    text: Option<String>,
    /// Received then or later (RFC 3339, or a date).
    since: Option<String>,
    /// `next` of the page before.
    cursor: Option<String>,
    /// 1 to 500; 50 if absent.
    limit: Option<usize>,
}

/// The application's messages, newest first.
#[utoipa::path(
    get,
    path = "/v1/messages",
    params(ListQuery),
    responses(
        (status = 200, body = MessagePage),
        (status = 401, body = ProblemOut, content_type = "application/problem+json"),
        (status = 422, body = ProblemOut, content_type = "application/problem+json"),
    )
)]
pub(super) async fn list(
    State(http): State<Arc<HttpIntake>>,
    request: Request,
) -> Result<Json<MessagePage>, Problem> {
    let principal = http.principal(request.headers(), request.extensions())?;
    let (mut filter, cursor, limit) = list_query(request.uri())?;
    filter.application = Some(principal.registered.application.name.clone());
    let cursor = cursor.map(|text| text.parse()).transpose()?;
    let page = http.intake.queue.list(&filter, cursor, limit).await?;
    Ok(Json(MessagePage {
        messages: page.items.into_iter().map(MessageSummary::from).collect(),
        next: page.next.map(|cursor| cursor.to_string()),
    }))
}

/// One message: recipients, attempts, timeline.
#[utoipa::path(
    get,
    path = "/v1/messages/{id}",
    params(("id" = String, Path, description = "As a submission answered it")),
    responses(
        (status = 200, body = MessageOut),
        (status = 401, body = ProblemOut, content_type = "application/problem+json"),
        (status = 404, body = ProblemOut, content_type = "application/problem+json"),
    )
)]
pub(super) async fn show(
    State(http): State<Arc<HttpIntake>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<MessageOut>, Problem> {
    let principal = http.principal(request.headers(), request.extensions())?;
    Ok(Json(http.own_message(&principal, &id).await?.into()))
}

/// Withdraws what has not been sent.
#[utoipa::path(
    post,
    path = "/v1/messages/{id}/cancel",
    params(("id" = String, Path, description = "As a submission answered it")),
    responses(
        (status = 200, body = ActOut),
        (status = 404, body = ProblemOut, content_type = "application/problem+json"),
        (status = 409, description = "Nothing of it can be withdrawn any more", body = ProblemOut, content_type = "application/problem+json"),
    )
)]
pub(super) async fn cancel(
    State(http): State<Arc<HttpIntake>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<ActOut>, Problem> {
    let principal = http.principal(request.headers(), request.extensions())?;
    let id = http.own_message(&principal, &id).await?.id;
    let recipients = http
        .intake
        .queue
        .cancel(id, &actor(&principal), BY_API)
        .await?;
    Ok(Json(ActOut { id, recipients }))
}

/// Tries at once what was deferred. What may have been sent already, or waits
/// for a person's approval, is not the application's to retry.
#[utoipa::path(
    post,
    path = "/v1/messages/{id}/retry",
    params(("id" = String, Path, description = "As a submission answered it")),
    responses(
        (status = 200, body = ActOut),
        (status = 404, body = ProblemOut, content_type = "application/problem+json"),
        (status = 409, description = "Nothing of it waits", body = ProblemOut, content_type = "application/problem+json"),
    )
)]
pub(super) async fn retry(
    State(http): State<Arc<HttpIntake>>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Json<ActOut>, Problem> {
    let principal = http.principal(request.headers(), request.extensions())?;
    let view = http.own_message(&principal, &id).await?;
    let in_doubt = view
        .recipients
        .iter()
        .any(|one| one.state == StateWord::InDoubt);
    if in_doubt {
        return Err(Problem::new(
            axum::http::StatusCode::CONFLICT,
            "not-in-this-state",
            "Not possible in this state",
            "A recipient may have the message already: a person must decide.",
        ));
    }
    let recipients = http
        .intake
        .queue
        .retry(view.id, &actor(&principal), BY_API)
        .await?;
    Ok(Json(ActOut {
        id: view.id,
        recipients,
    }))
}

const BY_API: &str = "asked for over the API";

impl HttpIntake {
    /// Somebody else's message is not told apart from none.
    async fn own_message(&self, principal: &Principal, id: &str) -> Result<MessageView, Problem> {
        let id: MessageId = id.parse().map_err(|_| Problem::not_found())?;
        let view = self.intake.queue.show(id).await?;
        view.filter(|view| view.application == principal.registered.application.name)
            .ok_or_else(Problem::not_found)
    }
}

fn actor(principal: &Principal) -> Actor {
    Actor::new(principal.registered.application.name.as_str())
}

fn list_query(uri: &Uri) -> Result<(Filter, Option<String>, usize), Problem> {
    let Query(pairs) = Query::<Vec<(String, String)>>::try_from_uri(uri)
        .map_err(|_| Problem::malformed("The query cannot be read.").field("query"))?;
    let (mut filter, mut cursor, mut limit) = (Filter::default(), None, PAGE_DEFAULT);
    for (name, value) in pairs {
        match name.as_str() {
            "state" => {
                let state = value.parse();
                filter.state =
                    Some(state.map_err(|error| Problem::invalid("state", format!("{error}.")))?);
            }
            "text" => filter.text = Some(value),
            "since" => {
                let since = Timestamp::parse(&value);
                filter.since =
                    Some(since.map_err(|error| Problem::invalid("since", format!("{error}.")))?);
            }
            "cursor" => cursor = Some(value),
            "limit" => {
                limit = value
                    .parse()
                    .ok()
                    .filter(|limit| (1..=PAGE_MAX).contains(limit))
                    .ok_or_else(|| {
                        Problem::invalid("limit", format!("It is a number from 1 to {PAGE_MAX}."))
                    })?;
            }
            _ => {
                return Err(Problem::invalid(
                    "query",
                    format!("There is no query parameter {name:?}."),
                )
                .remedy("The parameters are state, text, since, cursor and limit."));
            }
        }
    }
    Ok((filter, cursor, limit))
}

pub(super) fn recipients_out(recipients: &[RecipientView]) -> Vec<RecipientOut> {
    recipients
        .iter()
        .map(|one| RecipientOut {
            n: one.n,
            address: one.recipient.forward_path.address().to_string(),
            state: one.state.as_str(),
            attempts: one.attempts,
            next_attempt_at: one.next_attempt_at,
            hold_reason: one.hold_reason.map(|reason| reason.as_str()),
            last_reply: one.last_reply.clone(),
            outcome_at: one.outcome_at,
        })
        .collect()
}

impl From<ListItem> for MessageSummary {
    fn from(item: ListItem) -> Self {
        Self {
            id: item.id,
            received_at: item.received_at,
            send_at: item.send_at,
            deadline_at: item.deadline_at,
            message_class: item.message_class.as_str().to_owned(),
            priority: item.priority.get(),
            ended_at: item.ended_at,
            subject: item.subject,
            message_id: item.message_id,
            size_octets: item.size_octets,
            states: item
                .states
                .into_iter()
                .map(|(state, count)| (state.as_str(), count))
                .collect(),
        }
    }
}

impl From<MessageView> for MessageOut {
    fn from(view: MessageView) -> Self {
        let attempts = view.attempts.into_iter().map(|attempt| AttemptOut {
            id: attempt.id.0,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            stage_reached: attempt.stage_reached,
            reply: attempt.reply,
            tls: attempt.tls,
            peer: attempt.peer,
        });
        Self {
            id: view.id,
            application: view.application.as_str().to_owned(),
            route: view.lane.route.as_str().to_owned(),
            account: view.lane.account.as_str().to_owned(),
            received_at: view.received_at,
            deadline_at: view.deadline_at,
            ended_at: view.ended_at,
            subject: view.subject,
            message_id: view.message_id,
            size_octets: view.size_octets,
            message_class: view.message_class.as_str().to_owned(),
            priority: view.priority.get(),
            send_at: view.send_at,
            sequence_key: view.sequence_key,
            data_class: view.data_class,
            recipients: recipients_out(&view.recipients),
            attempts: attempts.collect(),
            timeline: view.timeline,
        }
    }
}
