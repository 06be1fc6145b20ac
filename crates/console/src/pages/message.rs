//! `GET /console/messages/{id}`: everything known of one message, and what can
//! be done with it.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use mailward_mail::MessageId;
use serde::Deserialize;

use crate::guard::Visitor;
use crate::page::{Answered, Layout, Problem, render, see_other};
use crate::view::{Action, MessageView};
use crate::{Console, display, links};

use super::ACTING;
use super::control::{TEXT_CHARS_MAX, text};

#[derive(Deserialize)]
pub(crate) struct Asked {
    /// The action that led here.
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "message.html")]
struct MessagePage<'a> {
    layout: Layout<'a>,
    message: &'a MessageView,
    done: Option<Action>,
    csrf: &'a str,
    may_act: bool,
}

#[derive(Template)]
#[template(path = "message_confirm.html")]
struct ConfirmPage<'a> {
    layout: Layout<'a>,
    message: &'a MessageView,
    action: Action,
    csrf: &'a str,
    unfinished: usize,
    /// No reason was given.
    is_bare: bool,
}

/// What the forms of the actions send.
#[derive(Deserialize)]
pub(crate) struct Reason {
    #[serde(default)]
    why: String,
}

pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Answered {
    let message = console.source.message(parse(&id)?).await?;
    let heading = heading(&message);
    Ok(render(
        StatusCode::OK,
        &MessagePage {
            layout: Layout::new(&console, Some(&visitor), links::MESSAGES, &heading),
            message: &message,
            done: asked.done.as_deref().and_then(Action::parse),
            csrf: visitor.csrf(),
            may_act: visitor.role >= ACTING,
        },
    ))
}

/// `GET /console/messages/{id}/cancel` and `…/confirm-sent`: asks before doing
/// what cannot be undone. The other actions need no asking and have no page.
pub(crate) async fn confirm(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path((id, action)): Path<(String, String)>,
) -> Answered {
    let id = parse(&id)?;
    let action = match Action::parse(&action) {
        Some(action) if action.is_final() => action,
        Some(_) => return Ok(see_other(&links::message(&id))),
        None => return Err(Problem::NotFound),
    };
    visitor.require(ACTING)?;
    let message = console.source.message(id).await?;
    if !message.actions.contains(&action) {
        return Ok(see_other(&links::message(&id)));
    }
    Ok(confirm_page(&console, &visitor, &message, action, false))
}

fn confirm_page(
    console: &Console,
    visitor: &Visitor,
    message: &MessageView,
    action: Action,
    is_bare: bool,
) -> Response {
    let (status, heading) = (
        if is_bare {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::OK
        },
        match action {
            Action::ConfirmSent => "Was this message sent?",
            _ => "Cancel this message?",
        },
    );
    let unfinished = message.recipients.iter();
    let unfinished = unfinished.filter(|recipient| recipient.status.is_unfinished());
    render(
        status,
        &ConfirmPage {
            layout: Layout::new(console, Some(visitor), links::MESSAGES, heading),
            unfinished: unfinished.count(),
            message,
            action,
            csrf: visitor.csrf(),
            is_bare,
        },
    )
}

/// `POST /console/messages/{id}/{action}`.
pub(crate) async fn act(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path((id, action)): Path<(String, String)>,
    Form(reason): Form<Reason>,
) -> Answered {
    let id = parse(&id)?;
    let action = Action::parse(&action).ok_or(Problem::NotFound)?;
    visitor.require(ACTING)?;
    let why = Some(text(&reason.why)).filter(|why| !why.is_empty());
    if action.is_final() && why.is_none() {
        let message = console.source.message(id).await?;
        return Ok(confirm_page(&console, &visitor, &message, action, true));
    }
    let who = visitor.name.clone();
    console.source.act(id, action, who, why).await?;
    Ok(see_other(&links::message_after(&id, action)))
}

fn parse(id: &str) -> Result<MessageId, Problem> {
    id.parse().map_err(|_| Problem::NotFound)
}

fn heading(message: &MessageView) -> String {
    match message.subject.as_deref().map(str::trim) {
        Some(subject) if !subject.is_empty() => display::plain(subject),
        _ => "Message without a subject".to_owned(),
    }
}
