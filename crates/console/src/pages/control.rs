//! `GET /console/control`: what sends nothing, what people did, and acts on all
//! that waits of an application, an account or a route.
//!
//! ```text
//!   what and do ──POST──▶ the effect, and a reason ──POST, sure──▶ done
//! ```

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::ACTING;
use crate::guard::Visitor;
use crate::page::{Answered, Layout, Problem, render};
use crate::source::SourceError;
use crate::view::{ControlAct, ControlDone, ControlVerb, ControlView, Scope};
use crate::{Console, display, links};

/// The longest reason and name that are taken, in characters.
pub(crate) const TEXT_CHARS_MAX: usize = 300;

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
#[template(path = "control_confirm.html")]
struct ConfirmPage<'a> {
    layout: Layout<'a>,
    act: &'a ControlAct,
    routes: &'a [String],
    /// What is missing, by field.
    missing: Missing,
    csrf: &'a str,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Missing {
    why: bool,
    route: bool,
}

/// What the forms send.
#[derive(Deserialize)]
pub(crate) struct Asked {
    verb: String,
    /// `application:rota`.
    on: String,
    #[serde(default)]
    to_route: String,
    #[serde(default)]
    why: String,
    /// Set by the page that says what will happen.
    #[serde(default)]
    sure: String,
}

pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
) -> Answered {
    let control = console.source.control().await?;
    page(&console, &visitor, &control, None)
}

/// `POST /console/control`.
pub(crate) async fn act(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(asked): Form<Asked>,
) -> Answered {
    visitor.require(ACTING)?;
    let act = read(&asked)?;
    let control = console.source.control().await?;
    if !control.names(act.scope).contains(&act.name) {
        return Err(Problem::NotFound);
    }
    let is_sure = asked.sure == "yes";
    let missing = Missing {
        why: act.why.is_empty(),
        route: act.verb == ControlVerb::Reroute
            && act
                .to_route
                .as_ref()
                .is_none_or(|to| !control.routes.contains(to)),
    };
    if !is_sure || missing != Missing::default() {
        let missing = if is_sure { missing } else { Missing::default() };
        return Ok(confirm(&console, &visitor, &control, &act, missing));
    }
    let done = console
        .source
        .control_act(act.clone(), visitor.name.clone())
        .await?;
    let control = console.source.control().await?;
    page(&console, &visitor, &control, Some((&act, &done)))
}

fn confirm(
    console: &Console,
    visitor: &Visitor,
    control: &ControlView,
    act: &ControlAct,
    missing: Missing,
) -> axum::response::Response {
    let status = if missing == Missing::default() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let heading = act.verb.question(act.scope);
    render(
        status,
        &ConfirmPage {
            layout: Layout::new(console, Some(visitor), links::CONTROL, &heading),
            act,
            routes: &control.routes,
            missing,
            csrf: visitor.csrf(),
        },
    )
}

fn page(
    console: &Console,
    visitor: &Visitor,
    control: &ControlView,
    done: Option<(&ControlAct, &ControlDone)>,
) -> Answered {
    Ok(render(
        StatusCode::OK,
        &ControlPage {
            layout: Layout::new(console, Some(visitor), links::CONTROL, "Control"),
            control,
            verbs: ControlVerb::ALL,
            done,
            csrf: visitor.csrf(),
            may_act: visitor.role >= ACTING,
        },
    ))
}

fn read(asked: &Asked) -> Result<ControlAct, Problem> {
    let verb = ControlVerb::parse(&asked.verb).ok_or(Problem::NotFound)?;
    let (scope, name) = asked.on.split_once(':').ok_or_else(|| {
        let text = "Choose an application, an account or a route, and go back to try again.";
        Problem::from(SourceError::Conflict(text.to_owned()))
    })?;
    Ok(ControlAct {
        verb,
        scope: Scope::parse(scope).ok_or(Problem::NotFound)?,
        name: text(name),
        to_route: Some(text(&asked.to_route)).filter(|route| !route.is_empty()),
        why: text(&asked.why),
    })
}

/// As far as it is taken.
pub(crate) fn text(text: &str) -> String {
    text.trim().chars().take(TEXT_CHARS_MAX).collect()
}
