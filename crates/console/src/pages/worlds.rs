//! `GET /console/worlds`: twins beside each other, and what is done to them.

use std::sync::Arc;

use askama::Template;
use axum::Form;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use serde::Deserialize;

use super::{ACTING, Pagination, ROWS, cursor};
use crate::guard::Visitor;
use crate::page::{Answered, Layout, Problem, render, see_other};
use crate::source::SourceError;
use crate::view::{WorldAct, WorldFilter, WorldOrigin, WorldRow, WorldVerb, WorldView, WorldsView};
use crate::{Console, display, links};

/// The longest name that is taken; the twin's own limit is lower.
const NAME_CHARS_MAX: usize = 100;

#[derive(Deserialize)]
pub(crate) struct Asked {
    cursor: Option<String>,
}

/// A name is asked for, of a world or of a snapshot.
struct NameForm<'a> {
    may_act: bool,
    csrf: &'a str,
    /// What stands against what was typed.
    wrong: Option<Wrong>,
}

/// A name that was refused.
struct Wrong {
    typed: String,
    error: String,
}

impl<'a> NameForm<'a> {
    fn new(visitor: &'a Visitor, wrong: Option<Wrong>) -> Self {
        Self {
            may_act: visitor.role >= ACTING,
            csrf: visitor.csrf(),
            wrong,
        }
    }

    fn error(&self) -> Option<&str> {
        self.wrong.as_ref().map(|wrong| wrong.error.as_str())
    }

    fn typed(&self) -> &str {
        self.wrong.as_ref().map_or("", |wrong| wrong.typed.as_str())
    }

    fn status(&self) -> StatusCode {
        match self.wrong {
            None => StatusCode::OK,
            Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }
}

#[derive(Template)]
#[template(path = "worlds.html")]
struct WorldsPage<'a> {
    layout: Layout<'a>,
    view: &'a WorldsView,
    rows: &'a [WorldRow],
    pagination: Pagination,
    form: NameForm<'a>,
}

#[derive(Template)]
#[template(path = "world.html")]
struct WorldPage<'a> {
    layout: Layout<'a>,
    view: &'a WorldView,
    form: NameForm<'a>,
}

#[derive(Template)]
#[template(path = "world_ask.html")]
struct AskPage<'a> {
    layout: Layout<'a>,
    name: &'a str,
    verb: WorldVerb,
    snapshot: Option<&'a str>,
    csrf: &'a str,
}

impl AskPage<'_> {
    fn action(&self) -> String {
        links::world_ask(self.name, self.verb, self.snapshot)
    }
}

/// A new world.
#[derive(Deserialize)]
pub(crate) struct NewWorld {
    name: String,
    /// `seed`, `empty`, or a world after `world:`.
    from: String,
}

/// A new snapshot, or a new world from the one of the page.
#[derive(Deserialize)]
pub(crate) struct Kept {
    act: String,
    name: String,
}

#[derive(Deserialize)]
pub(crate) struct Chosen {
    snapshot: Option<String>,
}

pub(crate) async fn list(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Answered {
    let filter = WorldFilter {
        cursor: cursor(asked.cursor),
        limit: ROWS,
    };
    list_page(&console, &visitor, filter, None).await
}

async fn list_page(
    console: &Console,
    visitor: &Visitor,
    filter: WorldFilter,
    wrong: Option<Wrong>,
) -> Answered {
    let came_by_cursor = filter.cursor.is_some();
    let view = console.source.worlds(filter).await?;
    let form = NameForm::new(visitor, wrong);
    Ok(render(
        form.status(),
        &WorldsPage {
            layout: Layout::new(console, Some(visitor), links::WORLDS, "Worlds"),
            rows: &view.worlds.items,
            pagination: Pagination::new(
                &view.worlds,
                came_by_cursor,
                ["Earlier names", "Later names"],
                links::worlds,
            ),
            view: &view,
            form,
        },
    ))
}

/// `POST /console/worlds`.
pub(crate) async fn make(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Form(wish): Form<NewWorld>,
) -> Answered {
    visitor.require(ACTING)?;
    let name = name(&wish.name);
    let from = match wish.from.as_str() {
        "seed" => WorldOrigin::Seed,
        "empty" => WorldOrigin::Empty,
        _ => return Err(Problem::NotFound),
    };
    let act = WorldAct::Make {
        name: name.clone(),
        from,
    };
    match done(&console, &visitor, act).await? {
        Ok(()) => Ok(see_other(&links::world(&name))),
        Err(error) => {
            let filter = WorldFilter {
                cursor: None,
                limit: ROWS,
            };
            let wrong = Wrong { typed: name, error };
            list_page(&console, &visitor, filter, Some(wrong)).await
        }
    }
}

pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(world): Path<String>,
) -> Answered {
    world_page(&console, &visitor, world, None).await
}

async fn world_page(
    console: &Console,
    visitor: &Visitor,
    world: String,
    wrong: Option<Wrong>,
) -> Answered {
    let view = console.source.world_view(world).await?;
    let heading = format!("World {}", display::plain(&view.world.name));
    let form = NameForm::new(visitor, wrong);
    Ok(render(
        form.status(),
        &WorldPage {
            layout: Layout::new(console, Some(visitor), links::WORLDS, &heading),
            view: &view,
            form,
        },
    ))
}

/// `POST /console/worlds/{world}`: takes nothing away, and is done at once.
pub(crate) async fn keep(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(world): Path<String>,
    Form(wish): Form<Kept>,
) -> Answered {
    visitor.require(ACTING)?;
    let name = name(&wish.name);
    let (act, after) = match wish.act.as_str() {
        "snapshot" => (
            WorldAct::Keep {
                world: world.clone(),
                snapshot: name.clone(),
            },
            world.clone(),
        ),
        "fork" => (
            WorldAct::Make {
                name: name.clone(),
                from: WorldOrigin::World(world.clone()),
            },
            name.clone(),
        ),
        _ => return Err(Problem::NotFound),
    };
    match done(&console, &visitor, act).await? {
        Ok(()) => Ok(see_other(&links::world(&after))),
        Err(error) => {
            let wrong = Wrong { typed: name, error };
            world_page(&console, &visitor, world, Some(wrong)).await
        }
    }
}

/// `GET /console/worlds/{world}/{verb}`.
pub(crate) async fn ask(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path((world, verb)): Path<(String, String)>,
    Query(chosen): Query<Chosen>,
) -> Answered {
    visitor.require(ACTING)?;
    let verb = WorldVerb::parse(&verb).ok_or(Problem::NotFound)?;
    let view = console.source.world_view(world).await?;
    Ok(ask_page(
        &console,
        &visitor,
        &view.world.name,
        verb,
        chosen.snapshot.as_deref(),
    ))
}

fn ask_page(
    console: &Console,
    visitor: &Visitor,
    name: &str,
    verb: WorldVerb,
    snapshot: Option<&str>,
) -> Response {
    render(
        StatusCode::OK,
        &AskPage {
            layout: Layout::new(console, Some(visitor), links::WORLDS, verb.question()),
            name,
            verb,
            snapshot,
            csrf: visitor.csrf(),
        },
    )
}

/// `POST /console/worlds/{world}/{verb}`.
pub(crate) async fn act(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path((world, verb)): Path<(String, String)>,
    Query(chosen): Query<Chosen>,
) -> Answered {
    visitor.require(ACTING)?;
    let verb = WorldVerb::parse(&verb).ok_or(Problem::NotFound)?;
    let snapshot = || chosen.snapshot.clone().ok_or(Problem::NotFound);
    let after = match verb {
        WorldVerb::Delete => links::worlds(None),
        _ => links::world(&world),
    };
    let act = match verb {
        WorldVerb::Reset => WorldAct::Reset { world },
        WorldVerb::Delete => WorldAct::Delete { world },
        WorldVerb::Restore => WorldAct::Restore {
            snapshot: snapshot()?,
            world,
        },
        WorldVerb::ForgetSnapshot => WorldAct::ForgetSnapshot {
            snapshot: snapshot()?,
            world,
        },
    };
    match done(&console, &visitor, act).await? {
        Ok(()) => Ok(see_other(&after)),
        Err(text) => Err(Problem::Conflict(text)),
    }
}

/// What stands against it is given back, to be shown beside the form.
async fn done(
    console: &Console,
    visitor: &Visitor,
    act: WorldAct,
) -> Result<Result<(), String>, Problem> {
    let who = visitor.name.clone();
    match console.source.world_act(act, who).await {
        Ok(()) => Ok(Ok(())),
        Err(SourceError::Conflict(text)) => Ok(Err(text)),
        Err(other) => Err(other.into()),
    }
}

fn name(typed: &str) -> String {
    typed.trim().chars().take(NAME_CHARS_MAX).collect()
}
