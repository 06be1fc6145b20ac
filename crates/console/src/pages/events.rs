//! `GET /console/events`: what the twin did on every protocol, newest first,
//! and why.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::{Pagination, ROWS, cursor, search};
use crate::guard::Visitor;
use crate::links::WorldLinks;
use crate::page::{Answered, Layout, render};
use crate::view::{ServiceEvent, ServiceEventFilter};
use crate::world::InWorld;
use crate::{Console, display, links};

#[derive(Deserialize)]
pub(crate) struct Asked {
    account: Option<String>,
    protocol: Option<String>,
    refusals: Option<String>,
    cursor: Option<String>,
}

impl Asked {
    pub(super) fn filter(self) -> ServiceEventFilter {
        let chars_max = ServiceEventFilter::ACCOUNT_CHARS_MAX;
        ServiceEventFilter {
            account: search(self.account.as_deref(), chars_max),
            protocol: self.protocol.filter(|protocol| !protocol.is_empty()),
            refusals: self.refusals.is_some_and(|refusals| refusals == "only"),
            cursor: cursor(self.cursor),
            limit: ROWS,
        }
    }
}

#[derive(Template)]
#[template(path = "events.html")]
struct EventsPage<'a> {
    layout: Layout<'a>,
    at: &'a WorldLinks,
    filter: &'a ServiceEventFilter,
    protocols: &'a [String],
    rows: &'a [ServiceEvent],
    pagination: Pagination,
}

impl EventsPage<'_> {
    fn is_selected(&self, protocol: &str) -> bool {
        self.filter.protocol.as_deref() == Some(protocol)
    }

    fn is_filtered(&self) -> bool {
        self.filter.account.is_some() || self.filter.protocol.is_some() || self.filter.refusals
    }
}

pub(crate) async fn list(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    world: InWorld,
    Query(asked): Query<Asked>,
) -> Answered {
    let filter = asked.filter();
    let latest = world.source.latest_event();
    let page = world.source.events(filter.clone()).await?;
    // Older pages stand still.
    let is_first = filter.cursor.is_none();
    let live = is_first.then(|| world.links.live_events(&filter, latest));
    Ok(render(
        StatusCode::OK,
        &EventsPage {
            layout: Layout::within(&console, &visitor, links::EVENTS, "Events", &world).live(live),
            protocols: &page.protocols,
            rows: &page.events.items,
            pagination: Pagination::new(
                &page.events,
                filter.cursor.is_some(),
                ["Newer events", "Older events"],
                |cursor| world.links.events(&filter, cursor),
            ),
            at: &world.links,
            filter: &filter,
        },
    ))
}
