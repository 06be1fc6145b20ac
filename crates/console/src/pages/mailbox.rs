//! `GET /console/mailboxes/{account}`: the folders of one mailbox and the
//! items of one folder.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use super::{Pagination, ROWS, cursor};
use crate::guard::Visitor;
use crate::links::WorldLinks;
use crate::page::{Answered, Layout, render};
use crate::view::{
    AccountState, FolderView, ItemKey, ItemRow, MailboxFilter, MailboxView, QuotaLevel,
};
use crate::world::InWorld;
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
    at: &'a WorldLinks,
    mailbox: &'a MailboxView,
    pagination: Pagination,
}

impl MailboxPage<'_> {
    fn folders(&self) -> Folders<'_> {
        Folders {
            at: self.at,
            mailbox: self.mailbox,
        }
    }

    fn key(&self, row: &ItemRow) -> ItemKey {
        ItemKey {
            account: self.mailbox.account.address.clone(),
            folder: self.mailbox.folder.clone(),
            uid: row.uid,
        }
    }
}

/// The tree of folders, also by itself for pages that hear of a change.
#[derive(Template)]
#[template(path = "folders.html")]
pub(super) struct Folders<'a> {
    pub(super) at: &'a WorldLinks,
    pub(super) mailbox: &'a MailboxView,
}

impl Folders<'_> {
    fn folder_link(&self, folder: &FolderView) -> String {
        let account = &self.mailbox.account.address;
        self.at.mailbox(account, Some(&folder.name), None)
    }

    fn indent(&self, folder: &FolderView) -> usize {
        folder.depth.min(INDENT_MAX)
    }
}

pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    world: InWorld,
    Path(account): Path<String>,
    Query(asked): Query<Asked>,
) -> Answered {
    let filter = MailboxFilter {
        folder: asked.folder.filter(|folder| !folder.is_empty()),
        cursor: cursor(asked.cursor),
        limit: ROWS,
    };
    let came_by_cursor = filter.cursor.is_some();
    // Asked before the list, so that nothing falls between the two.
    let latest = world.source.latest_event();
    let mailbox = world.source.mailbox(account, filter).await?;
    let newest = mailbox.items.items.iter().map(|row| row.uid).max();
    let live = (!came_by_cursor).then(|| {
        let (account, folder) = (&mailbox.account.address, &mailbox.folder);
        let newest = newest.unwrap_or_default();
        world.links.live_mailbox(account, folder, newest, latest)
    });
    let heading = display::plain(&mailbox.account.address);
    Ok(render(
        StatusCode::OK,
        &MailboxPage {
            layout: Layout::within(&console, &visitor, links::MAILBOXES, &heading, &world)
                .live(live),
            pagination: Pagination::new(
                &mailbox.items,
                came_by_cursor,
                ["Newer items", "Older items"],
                |cursor| {
                    world
                        .links
                        .mailbox(&mailbox.account.address, Some(&mailbox.folder), cursor)
                },
            ),
            at: &world.links,
            mailbox: &mailbox,
        },
    ))
}
