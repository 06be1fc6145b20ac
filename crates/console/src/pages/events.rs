//! `GET /console/events`: what the twin did on every protocol, newest first,
//! and why.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::{Pagination, ROWS, cursor, search};
use crate::guard::Visitor;
use crate::page::{Answered, Layout, render};
use crate::view::{ServiceEvent, ServiceEventFilter};
use crate::{Console, display, links};

#[derive(Deserialize)]
pub(crate) struct Asked {
    account: Option<String>,
    protocol: Option<String>,
    refusals: Option<String>,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "events.html")]
struct EventsPage<'a> {
    layout: Layout<'a>,
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
    Query(asked): Query<Asked>,
) -> Answered {
    let filter = ServiceEventFilter {
        account: search(
            asked.account.as_deref(),
            ServiceEventFilter::ACCOUNT_CHARS_MAX,
        ),
        protocol: asked.protocol.filter(|protocol| !protocol.is_empty()),
        refusals: asked.refusals.is_some_and(|refusals| refusals == "only"),
        cursor: cursor(asked.cursor),
        limit: ROWS,
    };
    let page = console.source.service_events(filter.clone()).await?;
    Ok(render(
        StatusCode::OK,
        &EventsPage {
            layout: Layout::new(&console, Some(&visitor), links::EVENTS, "Events"),
            protocols: &page.protocols,
            rows: &page.events.items,
            pagination: Pagination::new(
                &page.events,
                filter.cursor.is_some(),
                ["Newer events", "Older events"],
                |cursor| links::events(&filter, cursor),
            ),
            filter: &filter,
        },
    ))
}
