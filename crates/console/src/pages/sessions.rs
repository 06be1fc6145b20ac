//! `GET /console/sessions`: who was connected, by every protocol, and what came
//! of it.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::{Pagination, ROWS, cursor, search};
use crate::guard::Visitor;
use crate::links::WorldLinks;
use crate::page::{Answered, Layout, render};
use crate::view::{ServiceEventFilter, SessionFilter, SessionRow};
use crate::world::InWorld;
use crate::{Console, display, links};

#[derive(Deserialize)]
pub(crate) struct Asked {
    account: Option<String>,
    protocol: Option<String>,
    cursor: Option<String>,
}

impl Asked {
    pub(super) fn filter(self) -> SessionFilter {
        let chars_max = ServiceEventFilter::ACCOUNT_CHARS_MAX;
        SessionFilter {
            account: search(self.account.as_deref(), chars_max),
            protocol: self.protocol.filter(|protocol| !protocol.is_empty()),
            cursor: cursor(self.cursor),
            limit: ROWS,
        }
    }
}

#[derive(Template)]
#[template(path = "sessions.html")]
struct SessionsPage<'a> {
    layout: Layout<'a>,
    at: &'a WorldLinks,
    filter: &'a SessionFilter,
    protocols: &'a [String],
    rows: &'a [SessionRow],
    pagination: Pagination,
}

impl SessionsPage<'_> {
    fn is_selected(&self, protocol: &str) -> bool {
        self.filter.protocol.as_deref() == Some(protocol)
    }

    fn is_filtered(&self) -> bool {
        self.filter.account.is_some() || self.filter.protocol.is_some()
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
    let page = world.source.sessions(filter.clone()).await?;
    // Older pages stand still.
    let is_first = filter.cursor.is_none();
    let live = is_first.then(|| world.links.live_sessions(&filter, latest));
    let layout = Layout::within(&console, &visitor, links::SESSIONS, "Sessions", &world);
    Ok(render(
        StatusCode::OK,
        &SessionsPage {
            layout: layout.live(live),
            at: &world.links,
            protocols: &page.protocols,
            rows: &page.sessions.items,
            pagination: Pagination::new(
                &page.sessions,
                filter.cursor.is_some(),
                ["Newer sessions", "Older sessions"],
                |cursor| world.links.sessions(&filter, cursor),
            ),
            filter: &filter,
        },
    ))
}
