//! `GET /console/mailboxes`: the twin's accounts.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::{Pagination, ROWS, cursor, search};
use crate::guard::Visitor;
use crate::links::WorldLinks;
use crate::page::{Answered, Layout, render};
use crate::view::{AccountFilter, AccountState, AccountView, MessageFilter, QuotaLevel};
use crate::world::InWorld;
use crate::{Console, display, links};

#[derive(Deserialize)]
pub(crate) struct Asked {
    search: Option<String>,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "accounts.html")]
struct AccountsPage<'a> {
    layout: Layout<'a>,
    at: &'a WorldLinks,
    filter: &'a AccountFilter,
    rows: &'a [AccountView],
    pagination: Pagination,
}

pub(crate) async fn list(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    world: InWorld,
    Query(asked): Query<Asked>,
) -> Answered {
    let filter = AccountFilter {
        search: search(asked.search.as_deref(), MessageFilter::SEARCH_CHARS_MAX),
        cursor: cursor(asked.cursor),
        limit: ROWS,
    };
    let latest = world.source.latest_event();
    let page = world.source.accounts(filter.clone()).await?;
    Ok(render(
        StatusCode::OK,
        &AccountsPage {
            layout: Layout::within(&console, &visitor, links::MAILBOXES, "Mailboxes", &world)
                .live(Some(world.links.live_accounts(latest))),
            rows: &page.items,
            pagination: Pagination::new(
                &page,
                filter.cursor.is_some(),
                ["Earlier addresses", "Later addresses"],
                |cursor| world.links.accounts(filter.search.as_deref(), cursor),
            ),
            at: &world.links,
            filter: &filter,
        },
    ))
}
