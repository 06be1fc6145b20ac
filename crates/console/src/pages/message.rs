//! `GET /console/messages/{id}`: everything known of one message, and what can
//! be done with it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use mailward_mail::MessageId;
use serde::Deserialize;

use crate::credentials::Role;
use crate::guard::Visitor;
use crate::page::{Answered, Layout, Problem, render, see_other};
use crate::view::{Action, MessageView};
use crate::{Console, display, links};

/// What may act on messages.
const ACTING: Role = Role::Operator;

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
#[template(path = "cancel.html")]
struct CancelPage<'a> {
    layout: Layout<'a>,
    message: &'a MessageView,
    csrf: &'a str,
    unfinished: usize,
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

/// `GET /console/messages/{id}/cancel`: asks before doing what cannot be
/// undone. The other actions need no asking and have no page.
pub(crate) async fn confirm(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path((id, action)): Path<(String, String)>,
) -> Answered {
    let id = parse(&id)?;
    match Action::parse(&action) {
        Some(Action::Cancel) => {}
        Some(_) => return Ok(see_other(&links::message(&id))),
        None => return Err(Problem::NotFound),
    }
    visitor.require(ACTING)?;
    let message = console.source.message(id).await?;
    if !message.actions.contains(&Action::Cancel) {
        return Ok(see_other(&links::message(&id)));
    }
    Ok(render(
        StatusCode::OK,
        &CancelPage {
            layout: Layout::new(
                &console,
                Some(&visitor),
                links::MESSAGES,
                "Cancel this message?",
            ),
            unfinished: message
                .recipients
                .iter()
                .filter(|recipient| recipient.status.is_unfinished())
                .count(),
            message: &message,
            csrf: visitor.csrf(),
        },
    ))
}

/// `POST /console/messages/{id}/{action}`.
pub(crate) async fn act(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path((id, action)): Path<(String, String)>,
) -> Answered {
    let id = parse(&id)?;
    let action = Action::parse(&action).ok_or(Problem::NotFound)?;
    visitor.require(ACTING)?;
    console.source.act(id, action, visitor.name.clone()).await?;
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
