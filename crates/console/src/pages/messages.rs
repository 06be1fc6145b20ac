//! `GET /console/messages`: what applications sent, newest first.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::{Pagination, ROWS, cursor, search};
use crate::guard::Visitor;
use crate::page::{Answered, Layout, render};
use crate::view::{MessageFilter, MessageRow, Status};
use crate::{Console, display, links};

#[derive(Deserialize)]
pub(crate) struct Asked {
    status: Option<String>,
    search: Option<String>,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "messages.html")]
struct MessagesPage<'a> {
    layout: Layout<'a>,
    filter: &'a MessageFilter,
    statuses: [Status; Status::ALL.len()],
    rows: &'a [MessageRow],
    pagination: Pagination,
}

impl MessagesPage<'_> {
    fn is_selected(&self, status: &Status) -> bool {
        self.filter.status == Some(*status)
    }

    fn is_filtered(&self) -> bool {
        self.filter.status.is_some() || self.filter.search.is_some()
    }
}

pub(crate) async fn list(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Query(asked): Query<Asked>,
) -> Answered {
    let filter = MessageFilter {
        status: asked.status.as_deref().and_then(Status::parse),
        search: search(asked.search.as_deref(), MessageFilter::SEARCH_CHARS_MAX),
        cursor: cursor(asked.cursor),
        limit: ROWS,
    };
    let page = console.source.messages(filter.clone()).await?;
    Ok(render(
        StatusCode::OK,
        &MessagesPage {
            layout: Layout::new(&console, Some(&visitor), links::MESSAGES, "Messages"),
            statuses: Status::ALL,
            rows: &page.items,
            pagination: Pagination::new(
                &page,
                filter.cursor.is_some(),
                ["Newer messages", "Older messages"],
                |cursor| links::messages(&filter, cursor),
            ),
            filter: &filter,
        },
    ))
}
