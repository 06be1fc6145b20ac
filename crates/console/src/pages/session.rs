//! `GET /console/sessions/{id}`: what was said in one session, with what the
//! twin did about it between the lines.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::{Pagination, cursor};
use crate::guard::Visitor;
use crate::links::WorldLinks;
use crate::page::{Answered, Layout, render};
use crate::view::{LineView, ServiceEvent, SessionView, Speaker};
use crate::world::InWorld;
use crate::{Console, display, links};

/// Lines on one page.
const LINES: usize = 200;

#[derive(Deserialize)]
pub(crate) struct Asked {
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "session.html")]
struct SessionPage<'a> {
    layout: Layout<'a>,
    at: &'a WorldLinks,
    view: &'a SessionView,
    steps: Vec<Step<'a>>,
    pagination: Pagination,
}

/// A line, or an event between two of them.
enum Step<'a> {
    Line(&'a LineView),
    Event(&'a ServiceEvent),
}

pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    world: InWorld,
    Path(id): Path<String>,
    Query(asked): Query<Asked>,
) -> Answered {
    let start = cursor(asked.cursor);
    let came_by_cursor = start.is_some();
    let view = world.source.session(id, start, LINES).await?;
    let heading = format!("Session {}", display::plain(&view.session.id));
    Ok(render(
        StatusCode::OK,
        &SessionPage {
            layout: Layout::within(&console, &visitor, links::SESSIONS, &heading, &world),
            at: &world.links,
            steps: steps(&view),
            pagination: Pagination::new(
                &view.lines,
                came_by_cursor,
                ["Earlier lines", "Later lines"],
                |cursor| world.links.session(&view.session.id, cursor),
            ),
            view: &view,
        },
    ))
}

/// The lines of this page in one order with the events of their time. An event
/// stands before the first line that came after it.
fn steps(view: &SessionView) -> Vec<Step<'_>> {
    let lines = &view.lines.items;
    let is_first = view.lines.previous.is_none();
    let is_last = view.lines.next.is_none();
    let (from, until) = (lines.first(), lines.last());
    let mut events = view
        .events
        .iter()
        .filter(|event| {
            (is_first || from.is_none_or(|line| event.at >= line.at))
                && (is_last || until.is_none_or(|line| event.at < line.at))
        })
        .peekable();
    let mut steps = Vec::with_capacity(lines.len() + view.events.len());
    for line in lines {
        while let Some(event) = events.next_if(|event| event.at < line.at) {
            steps.push(Step::Event(event));
        }
        steps.push(Step::Line(line));
    }
    steps.extend(events.map(Step::Event));
    steps
}
