//! The pages behind sign-in, one file each.

pub(crate) mod account;
pub(crate) mod account_act;
pub(crate) mod accounts;
pub(crate) mod control;
pub(crate) mod events;
pub(crate) mod item;
pub(crate) mod item_files;
pub(crate) mod live;
pub(crate) mod mailbox;
pub(crate) mod message;
pub(crate) mod messages;
pub(crate) mod overview;
pub(crate) mod rehearsal;
pub(crate) mod session;
pub(crate) mod sessions;
pub(crate) mod trace;
pub(crate) mod worlds;

use crate::credentials::Role;
use crate::page::Problem;
use crate::view::Cursor;

/// Rows on one page of a list.
pub(crate) const ROWS: usize = 50;

/// What may act on messages, accounts, faults and worlds.
const ACTING: Role = Role::Operator;

/// Whatever under `/console` has no page.
pub(crate) async fn not_found() -> Problem {
    Problem::NotFound
}

/// A search as it may be looked for: `None` when nothing was typed.
fn search(typed: Option<&str>, chars_max: usize) -> Option<String> {
    let search: String = typed?.trim().chars().take(chars_max).collect();
    (!search.is_empty()).then_some(search)
}

fn cursor(text: Option<String>) -> Option<Cursor> {
    text.filter(|text| !text.is_empty() && text.len() <= Cursor::OCTETS_MAX)
        .map(Cursor::new)
}

/// The links below a list.
struct Pagination {
    /// Back: to the page before, or to the first where the way back is unknown.
    previous: Option<String>,
    previous_label: &'static str,
    next: Option<String>,
    next_label: &'static str,
}

impl Pagination {
    /// `link` makes the address of the page at a cursor; `came_by_cursor` says
    /// that this is not the first page.
    fn new<T>(
        page: &crate::view::Page<T>,
        came_by_cursor: bool,
        labels: [&'static str; 2],
        link: impl Fn(Option<&Cursor>) -> String,
    ) -> Self {
        let (previous, previous_label) = match (&page.previous, came_by_cursor) {
            (Some(cursor), _) => (Some(link(Some(cursor))), labels[0]),
            (None, true) => (Some(link(None)), "First page"),
            (None, false) => (None, labels[0]),
        };
        Self {
            previous,
            previous_label,
            next: page.next.as_ref().map(|cursor| link(Some(cursor))),
            next_label: labels[1],
        }
    }

    fn is_needed(&self) -> bool {
        self.previous.is_some() || self.next.is_some()
    }
}
