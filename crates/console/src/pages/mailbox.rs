//! `GET /console/mailboxes/{account}`: the folders of one mailbox and the
//! items of one folder.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::{Pagination, ROWS, cursor};
use crate::guard::Visitor;
use crate::page::{Answered, Layout, render};
use crate::view::{AccountState, FolderView, ItemKey, ItemRow, MailboxFilter, MailboxView};
use crate::{Console, display, links};

/// Deeper folders are indented no further.
const INDENT_MAX: usize = 6;

#[derive(Deserialize)]
pub(crate) struct Asked {
    folder: Option<String>,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "mailbox.html")]
struct MailboxPage<'a> {
    layout: Layout<'a>,
    mailbox: &'a MailboxView,
    pagination: Pagination,
}

impl MailboxPage<'_> {
    fn folder_link(&self, folder: &FolderView) -> String {
        links::mailbox(&self.mailbox.account.address, Some(&folder.name), None)
    }

    fn item_link(&self, row: &ItemRow) -> String {
        let key = ItemKey {
            account: self.mailbox.account.address.clone(),
            folder: self.mailbox.folder.clone(),
            uid: row.uid,
        };
        links::item(&key, None)
    }

    fn indent(&self, folder: &FolderView) -> usize {
        folder.depth.min(INDENT_MAX)
    }
}

pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    Path(account): Path<String>,
    Query(asked): Query<Asked>,
) -> Answered {
    let filter = MailboxFilter {
        folder: asked.folder.filter(|folder| !folder.is_empty()),
        cursor: cursor(asked.cursor),
        limit: ROWS,
    };
    let came_by_cursor = filter.cursor.is_some();
    let mailbox = console.source.mailbox(account, filter).await?;
    let heading = display::plain(&mailbox.account.address);
    Ok(render(
        StatusCode::OK,
        &MailboxPage {
            layout: Layout::new(&console, Some(&visitor), links::MAILBOXES, &heading),
            pagination: Pagination::new(
                &mailbox.items,
                came_by_cursor,
                ["Newer items", "Older items"],
                |cursor| links::mailbox(&mailbox.account.address, Some(&mailbox.folder), cursor),
            ),
            mailbox: &mailbox,
        },
    ))
}
