//! Worlds: make, fork, look at, put back, delete.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use axum::{Json, Router};
use mailward_mail::{Clock as _, Timestamp};
use mailward_net::Listener;
use serde::Deserialize;
use serde_json::{Value, json};

use super::query::Query;
use super::{Control, problem, read};
use crate::error::TwinError;
use crate::listen;
use crate::submission::DoorKind;
use crate::world::World;
use crate::worlds::{Source, Wishes, WorldError, WorldName, Worlds};

/// Worlds given in one answer at most.
const WORLDS_PER_ANSWER_MAX: usize = 1000;

pub(super) fn router() -> Router<Control> {
    Router::new()
        .route("/control/v1/worlds", get(list).post(make))
        .route("/control/v1/worlds/{world}", get(show).delete(remove))
        .route("/control/v1/worlds/{world}/fork", post(fork))
        .route("/control/v1/worlds/{world}/reset", post(reset))
        .route("/control/v1/worlds/{world}/restore", post(restore))
        .route(
            "/control/v1/worlds/{world}/snapshots",
            get(list_snapshots).post(snapshot),
        )
        .route(
            "/control/v1/worlds/{world}/snapshots/{snapshot}",
            delete(remove_snapshot),
        )
        .route("/control/v1/worlds/{world}/listeners", post(listen))
}

impl IntoResponse for WorldError {
    fn into_response(self) -> Response {
        let status = match &self {
            Self::Name(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::NoWorld(_) | Self::NoSnapshot(..) => StatusCode::NOT_FOUND,
            Self::Exists(_) | Self::Main | Self::Kept => StatusCode::CONFLICT,
            Self::TooMany { .. } => StatusCode::INSUFFICIENT_STORAGE,
            Self::Twin(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        problem(status, &self.to_string())
    }
}

fn view(world: &World) -> Value {
    json!({
        "name": world.name.as_str(),
        "user_suffix": world.name.suffix(),
        "host": world.name.host(),
        "now": world.clock.now(),
        "accounts": world.accounts.all().len(),
    })
}

#[derive(Deserialize)]
struct After {
    after: Option<String>,
}

/// The default world is not among them.
async fn list(State(control): State<Control>, Query(query): Query<After>) -> Response {
    let after = match query.after.as_deref().map(WorldName::parse).transpose() {
        Ok(after) => after,
        Err(error) => return WorldError::from(error).into_response(),
    };
    let worlds = control.worlds.after(after.as_ref(), WORLDS_PER_ANSWER_MAX);
    let (count, octets) = control.worlds.figures();
    let views: Vec<Value> = worlds.iter().map(view).collect();
    let next = worlds
        .last()
        .filter(|_| worlds.len() == WORLDS_PER_ANSWER_MAX)
        .map(|last| last.name.as_str().to_owned());
    Json(json!({ "worlds": views, "next": next, "count": count, "octets": octets })).into_response()
}

/// A new world. What is absent is as where it comes from.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewWorld {
    name: String,
    /// `seed`, `empty`, or a world; that world's snapshot when one is named.
    from: Option<String>,
    snapshot: Option<String>,
    dice_seed: Option<u64>,
    now: Option<Timestamp>,
    clock_held: Option<bool>,
    as_of: Option<Timestamp>,
    limits: Option<bool>,
}

impl NewWorld {
    fn source(&self) -> Result<Source, WorldError> {
        let snapshot = self.snapshot.as_deref().map(WorldName::parse).transpose()?;
        Ok(match (self.from.as_deref(), snapshot) {
            (None | Some("seed"), None) => Source::Seed,
            (Some("empty"), None) => Source::Empty,
            (Some(world), None) => Source::World(WorldName::parse(world)?),
            (None, Some(snapshot)) => Source::Snapshot(WorldName::main(), snapshot),
            (Some(world), Some(snapshot)) => Source::Snapshot(WorldName::parse(world)?, snapshot),
        })
    }

    fn wishes(&self) -> Wishes {
        Wishes {
            dice_seed: self.dice_seed,
            now: self.now,
            clock_held: self.clock_held,
            as_of: self.as_of,
            rates: self.limits,
        }
    }

    async fn make(&self, worlds: &Worlds) -> Result<World, WorldError> {
        let name = WorldName::parse(&self.name)?;
        worlds.make(name, &self.source()?, &self.wishes()).await
    }
}

async fn make(State(control): State<Control>, body: Bytes) -> Response {
    match read::<NewWorld>(&body) {
        Ok(wish) => made(&wish, &control.worlds).await,
        Err(response) => *response,
    }
}

async fn fork(State(control): State<Control>, Path(world): Path<String>, body: Bytes) -> Response {
    match read::<NewWorld>(&body) {
        Ok(wish) => {
            let wish = NewWorld {
                from: Some(world),
                ..wish
            };
            made(&wish, &control.worlds).await
        }
        Err(response) => *response,
    }
}

async fn made(wish: &NewWorld, worlds: &Worlds) -> Response {
    match wish.make(worlds).await {
        Ok(world) => (StatusCode::CREATED, Json(view(&world))).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn show(State(control): State<Control>, Path(world): Path<String>) -> Response {
    match control.worlds.named(&world) {
        Ok(world) => Json(view(&world)).into_response(),
        Err(error) => error.into_response(),
    }
}

async fn remove(State(control): State<Control>, Path(world): Path<String>) -> Response {
    let done = WorldName::parse(&world).map_err(WorldError::from);
    no_content(done.and_then(|world| control.worlds.delete(&world)))
}

async fn reset(State(control): State<Control>, Path(world): Path<String>) -> Response {
    let done = WorldName::parse(&world).map_err(WorldError::from);
    no_content(done.and_then(|world| control.worlds.restore(&world, None)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Restore {
    snapshot: String,
}

async fn restore(
    State(control): State<Control>,
    Path(world): Path<String>,
    body: Bytes,
) -> Response {
    match read::<Restore>(&body) {
        Ok(wish) => no_content(
            both(&world, &wish.snapshot)
                .and_then(|(world, snapshot)| control.worlds.restore(&world, Some(&snapshot))),
        ),
        Err(response) => *response,
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewSnapshot {
    name: String,
}

async fn snapshot(
    State(control): State<Control>,
    Path(world): Path<String>,
    body: Bytes,
) -> Response {
    let wish: NewSnapshot = match read(&body) {
        Ok(wish) => wish,
        Err(response) => return *response,
    };
    let done = both(&world, &wish.name)
        .and_then(|(world, snapshot)| control.worlds.snapshot(&world, snapshot));
    match done {
        Ok(()) => {
            let made = json!({ "world": world, "name": wish.name });
            (StatusCode::CREATED, Json(made)).into_response()
        }
        Err(error) => error.into_response(),
    }
}

async fn list_snapshots(State(control): State<Control>, Path(world): Path<String>) -> Response {
    let listed = WorldName::parse(&world)
        .map_err(WorldError::from)
        .and_then(|world| control.worlds.snapshots(&world));
    match listed {
        Ok(snapshots) => {
            let names: Vec<&str> = snapshots.iter().map(WorldName::as_str).collect();
            Json(json!({ "snapshots": names })).into_response()
        }
        Err(error) => error.into_response(),
    }
}

async fn remove_snapshot(
    State(control): State<Control>,
    Path((world, snapshot)): Path<(String, String)>,
) -> Response {
    no_content(
        both(&world, &snapshot)
            .and_then(|(world, snapshot)| control.worlds.delete_snapshot(&world, &snapshot)),
    )
}

fn both(world: &str, snapshot: &str) -> Result<(WorldName, WorldName), WorldError> {
    Ok((WorldName::parse(world)?, WorldName::parse(snapshot)?))
}

fn no_content(done: Result<(), WorldError>) -> Response {
    match done {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) => error.into_response(),
    }
}

/// Gives a world ports of its own, for clients that can name no world.
async fn listen(State(control): State<Control>, Path(world): Path<String>) -> Response {
    let worlds = &control.worlds;
    let opened = worlds
        .named(&world)
        .and_then(|world| open(worlds, &world).map_err(WorldError::from));
    match opened {
        Ok(ports) => (StatusCode::CREATED, Json(ports)).into_response(),
        Err(error) => error.into_response(),
    }
}

fn open(worlds: &Worlds, world: &World) -> Result<Value, TwinError> {
    let free = || Listener::bind(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0));
    // All are bound before any is served.
    let (submission, high_sending, relay) = (free()?, free()?, free()?);
    let (imaps, pop3s) = (free()?, free()?);
    let ports = json!({
        "submission": submission.address().to_string(),
        "high_sending": high_sending.address().to_string(),
        "relay": relay.address().to_string(),
        "imaps": imaps.address().to_string(),
        "pop3s": pop3s.address().to_string(),
    });
    listen::submission(worlds, world, submission, DoorKind::Submission);
    listen::submission(worlds, world, high_sending, DoorKind::HighSending);
    listen::relay(worlds, world, relay);
    listen::imaps(worlds, world, imaps);
    listen::pop3s(worlds, world, pop3s);
    Ok(ports)
}
