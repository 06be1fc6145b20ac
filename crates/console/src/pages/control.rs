//! `GET /console/control`: what is suspended, what people did, and acts on all
//! that waits of an application, an account or a route.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use serde::Deserialize;

use crate::credentials::Role;
use crate::guard::Visitor;
use crate::page::{Answered, Layout, Problem, render};
use crate::source::SourceError;
use crate::view::{ControlAct, ControlDone, ControlVerb, ControlView, Scope};
use crate::{Console, display, links};

/// What may act.
const ACTING: Role = Role::Operator;

/// The longest reason and name that are taken, in characters.
const TEXT_CHARS_MAX: usize = 300;

#[derive(Template)]
#[template(path = "control.html")]
struct ControlPage<'a> {
    layout: Layout<'a>,
    control: &'a ControlView,
    verbs: [ControlVerb; ControlVerb::ALL.len()],
    done: Option<(&'a ControlAct, &'a ControlDone)>,
    csrf: &'a str,
    may_act: bool,
}

#[derive(Template)]
#[template(path = "control_cancel.html")]
struct CancelPage<'a> {
    layout: Layout<'a>,
    act: &'a ControlAct,
    csrf: &'a str,
}

/// What the form sends.
#[derive(Deserialize)]
pub(crate) struct Asked {
    verb: String,
    /// `application:rota`.
    on: String,
    #[serde(default)]
    to_route: String,
    #[serde(default)]
    why: String,
    /// Set by the page that asks before cancelling.
    #[serde(default)]
    sure: String,
}

pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
) -> Answered {
    page(&console, &visitor, None).await
}

/// `POST /console/control`.
pub(crate) async fn act(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(asked): Form<Asked>,
) -> Answered {
    visitor.require(ACTING)?;
    let act = read(&asked)?;
    if act.verb == ControlVerb::Cancel && asked.sure != "yes" {
        return Ok(render(
            StatusCode::OK,
            &CancelPage {
                layout: Layout::new(
                    &console,
                    Some(&visitor),
                    links::CONTROL,
                    "Cancel all that waits?",
                ),
                act: &act,
                csrf: visitor.csrf(),
            },
        ));
    }
    let done = console
        .source
        .control_act(act.clone(), visitor.name.clone())
        .await?;
    page(&console, &visitor, Some((&act, &done))).await
}

async fn page(
    console: &Console,
    visitor: &Visitor,
    done: Option<(&ControlAct, &ControlDone)>,
) -> Answered {
    let control = console.source.control().await?;
    Ok(render(
        StatusCode::OK,
        &ControlPage {
            layout: Layout::new(console, Some(visitor), links::CONTROL, "Control"),
            control: &control,
            verbs: ControlVerb::ALL,
            done,
            csrf: visitor.csrf(),
            may_act: visitor.role >= ACTING,
        },
    ))
}

fn read(asked: &Asked) -> Result<ControlAct, Problem> {
    let conflict = |text: &str| Problem::from(SourceError::Conflict(text.to_owned()));
    let text = |text: &str| text.trim().chars().take(TEXT_CHARS_MAX).collect::<String>();
    let verb = ControlVerb::parse(&asked.verb).ok_or(Problem::NotFound)?;
    let (scope, name) = asked.on.split_once(':').ok_or_else(|| {
        conflict("Choose an application, an account or a route, and go back to try again.")
    })?;
    let scope = Scope::parse(scope).ok_or(Problem::NotFound)?;
    let to_route = Some(text(&asked.to_route)).filter(|route| !route.is_empty());
    if verb == ControlVerb::Reroute && to_route.is_none() {
        return Err(conflict("Choose the route that the mail is to go by."));
    }
    let why = text(&asked.why);
    if why.is_empty() {
        return Err(conflict("Give a reason: it stands in the timeline."));
    }
    Ok(ControlAct {
        verb,
        scope,
        name: text(name),
        to_route,
        why,
    })
}
