//! `GET /console/traces`: all that became of one message at the twin, oldest
//! first, found by its number or by its Message-ID.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::search;
use crate::guard::Visitor;
use crate::links::WorldLinks;
use crate::page::{Answered, Layout, render};
use crate::view::ServiceEvent;
use crate::world::InWorld;
use crate::{Console, display, links};

/// A Message-ID is no longer than this.
const NAMED_CHARS_MAX: usize = 1000;

#[derive(Deserialize)]
pub(crate) struct Asked {
    message: Option<String>,
}

impl Asked {
    /// What was asked for: a number or a Message-ID.
    fn named(&self) -> Option<String> {
        search(self.message.as_deref(), NAMED_CHARS_MAX)
    }

    /// The number that was asked for.
    pub(super) fn number(&self) -> Option<u64> {
        self.message.as_deref()?.parse().ok()
    }
}

#[derive(Template)]
#[template(path = "trace.html")]
struct TracePage<'a> {
    layout: Layout<'a>,
    at: &'a WorldLinks,
    named: Option<&'a str>,
    rows: &'a [ServiceEvent],
}

impl TracePage<'_> {
    /// Each time that the message was taken: once, unless it was sent again.
    fn accepted(&self) -> impl Iterator<Item = &ServiceEvent> {
        let rows = self.rows.iter();
        rows.filter(|row| row.message_id.is_some() || row.kind == "accepted")
    }

    fn message_id(&self) -> Option<&str> {
        self.rows.iter().find_map(|row| row.message_id.as_deref())
    }
}

pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    world: InWorld,
    Query(asked): Query<Asked>,
) -> Answered {
    let latest = world.source.latest_event();
    let named = asked.named();
    let rows = match &named {
        Some(named) => world.source.trace(named.clone()).await?,
        None => Vec::new(),
    };
    let heading = "What became of a message";
    let mut numbers: Vec<u64> = rows.iter().filter_map(|row| row.message).collect();
    numbers.dedup();
    let live = match numbers.as_slice() {
        [number] => Some(world.links.live_trace(*number, latest)),
        _ => None,
    };
    let layout = Layout::within(&console, &visitor, links::EVENTS, heading, &world).live(live);
    Ok(render(
        StatusCode::OK,
        &TracePage {
            layout,
            at: &world.links,
            named: named.as_deref(),
            rows: &rows,
        },
    ))
}
