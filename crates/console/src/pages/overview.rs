//! `GET /console`: how everything stands.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;

use crate::guard::Visitor;
use crate::page::{Answered, Layout, render};
use crate::view::{Overview, Status, StoreHealth, TwinOverview};
use crate::world::InWorld;
use crate::{Console, display, links};

/// The twin's half, which the page loads with and which its stream sends anew.
#[derive(Template)]
#[template(path = "overview_twin.html")]
pub(super) struct TwinPart<'a> {
    pub(super) twin: &'a TwinOverview,
}

#[derive(Template)]
#[template(path = "overview.html")]
struct OverviewPage<'a> {
    layout: Layout<'a>,
    overview: &'a Overview,
    counts: Vec<Count>,
    /// How long the oldest unfinished message has waited.
    oldest_age: Option<String>,
}

impl OverviewPage<'_> {
    fn twin_part(&self) -> Option<TwinPart<'_>> {
        let twin = self.overview.twin.as_ref()?;
        Some(TwinPart { twin })
    }

    fn store_label(&self) -> &'static str {
        match self.overview.store {
            StoreHealth::Sound => "Sound",
            StoreHealth::Full { .. } => "Full",
            StoreHealth::Poisoned { .. } => "Stopped",
        }
    }
}

struct Count {
    status: Status,
    count: u64,
    href: String,
}

pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
) -> Answered {
    let world = overview_world(&console);
    let live = world.map(|world| world.links.live_overview(world.source.latest_event()));
    let overview = console.source.overview().await?;
    let counts = overview
        .gateway
        .iter()
        .flat_map(|gateway| Status::ALL.map(|status| count(status, &gateway.counts)))
        .collect();
    let oldest_age = overview
        .gateway
        .as_ref()
        .and_then(|gateway| gateway.oldest_waiting.as_ref())
        .map(|oldest| display::duration(console.clock.now().since(oldest.accepted)));
    Ok(render(
        StatusCode::OK,
        &OverviewPage {
            layout: Layout::new(&console, Some(&visitor), links::OVERVIEW, "Overview").live(live),
            overview: &overview,
            counts,
            oldest_age,
        },
    ))
}

/// The world whose figures the overview has, where the twin runs.
fn overview_world(console: &Console) -> Option<InWorld> {
    let twin = console.source.halves().twin;
    twin.then(|| InWorld::default_of(console)).flatten()
}

fn count(status: Status, counts: &[(Status, u64)]) -> Count {
    Count {
        status,
        count: counts
            .iter()
            .filter(|(counted, _)| *counted == status)
            .map(|(_, count)| count)
            .sum(),
        href: links::messages_in(status),
    }
}
