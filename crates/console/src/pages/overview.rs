//! `GET /console`: how everything stands.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, State};
use axum::http::StatusCode;

use crate::guard::Visitor;
use crate::page::{Answered, Layout, render};
use crate::view::{Overview, Status, StoreHealth};
use crate::{Console, display, links};

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
            layout: Layout::new(&console, Some(&visitor), links::OVERVIEW, "Overview"),
            overview: &overview,
            counts,
            oldest_age,
        },
    ))
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
