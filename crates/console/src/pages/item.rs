//! `GET /console/mailboxes/{account}/items/{uid}`: one message in a mailbox, as
//! text, as HTML in its sandbox, by its header, or as its source.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::StatusCode;
use serde::Deserialize;

use crate::guard::Visitor;
use crate::item::{
    HTML_OCTETS_MAX, HtmlView, ITEM_BEGINNING_OCTETS, ITEM_OCTETS_MAX, ItemContent, ItemFacts,
    SOURCE_OCTETS_MAX, TEXT_OCTETS_MAX, off_thread, open,
};
use crate::links::WorldLinks;
use crate::page::{Answered, Layout, render};
use crate::view::ItemKey;
use crate::world::InWorld;
use crate::{Console, display, links};

#[derive(Deserialize)]
pub(crate) struct Asked {
    folder: String,
    view: Option<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum View {
    Text,
    Html,
    Header,
    Source,
}

impl View {
    const ALL: [Self; 4] = [Self::Text, Self::Html, Self::Header, Self::Source];

    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Html => "html",
            Self::Header => "header",
            Self::Source => "source",
        }
    }

    fn label(self) -> &'static str {
        match self {
            Self::Text => "Text",
            Self::Html => "HTML",
            Self::Header => "Header",
            Self::Source => "Source",
        }
    }
}

struct Tab {
    label: &'static str,
    href: String,
    is_current: bool,
}

#[derive(Template)]
#[template(path = "item.html")]
struct ItemPage<'a> {
    layout: Layout<'a>,
    at: &'a WorldLinks,
    key: &'a ItemKey,
    item: &'a ItemFacts,
    content: &'a ItemContent,
    tabs: Vec<Tab>,
    view: View,
    /// The beginning of the raw message, for that view.
    source: &'a str,
}

impl ItemPage<'_> {
    fn is_source_cut(&self) -> bool {
        self.item.octets > SOURCE_OCTETS_MAX as u64
    }
}

pub(crate) async fn show(
    State(console): State<Arc<Console>>,
    Extension(visitor): Extension<Visitor>,
    world: InWorld,
    Path((account, uid)): Path<(String, u32)>,
    Query(asked): Query<Asked>,
) -> Answered {
    let key = ItemKey {
        account,
        folder: asked.folder,
        uid,
    };
    let opened = open(&console, &*world.source, &key).await?;
    let (facts, content, source) = off_thread(move || {
        let content = ItemContent::of(&opened.bytes);
        let shown = &opened.bytes[..opened.bytes.len().min(SOURCE_OCTETS_MAX)];
        let source = display::plain_lines(&String::from_utf8_lossy(shown));
        (opened.facts, content, source)
    })
    .await?;
    let view = chosen(asked.view.as_deref(), &content);
    let heading = match content.subject.as_deref().map(str::trim) {
        Some(subject) if !subject.is_empty() => subject.to_owned(),
        _ => "Message without a subject".to_owned(),
    };
    Ok(render(
        StatusCode::OK,
        &ItemPage {
            layout: Layout::within(&console, &visitor, links::MAILBOXES, &heading, &world),
            at: &world.links,
            tabs: tabs(&world.links, &key, &content, view),
            key: &key,
            item: &facts,
            content: &content,
            view,
            source: &source,
        },
    ))
}

/// The view asked for where there is such; else text made by the sender, else
/// HTML, else whatever text there is.
fn chosen(asked: Option<&str>, content: &ItemContent) -> View {
    let has_html = content.html != HtmlView::None;
    let asked = View::ALL
        .into_iter()
        .find(|view| Some(view.as_str()) == asked);
    match asked {
        Some(View::Html) if !has_html => View::Text,
        Some(view) => view,
        None => match &content.text {
            Some(text) if text.is_from_html && content.html == HtmlView::Framed => View::Html,
            _ => View::Text,
        },
    }
}

fn tabs(at: &WorldLinks, key: &ItemKey, content: &ItemContent, current: View) -> Vec<Tab> {
    View::ALL
        .into_iter()
        .filter(|view| *view != View::Html || content.html != HtmlView::None)
        .map(|view| Tab {
            label: view.label(),
            href: at.item(key, Some(view.as_str())),
            is_current: view == current,
        })
        .collect()
}
