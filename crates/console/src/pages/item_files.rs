//! What hangs on an item's page: its HTML for the frame, the whole message and
//! its attachments to save.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::item::View;
use crate::item::{
    FRAME_POLICY, HTML_OCTETS_MAX, Part, file_name, framed, off_thread, open, parts,
};
use crate::page::{Answered, Problem, see_other};
use crate::view::ItemKey;
use crate::world::InWorld;
use crate::{Console, links};

#[derive(Deserialize)]
pub(crate) struct InFolder {
    folder: String,
}

/// `GET …/html`: the HTML alone, for the frame on the item's page.
pub(crate) async fn frame(
    State(console): State<Arc<Console>>,
    world: InWorld,
    Path((account, uid)): Path<(String, u32)>,
    Query(InFolder { folder }): Query<InFolder>,
    headers: HeaderMap,
) -> Answered {
    let key = ItemKey {
        account,
        folder,
        uid,
    };
    // Opened in a window of its own the document could follow links; browsers
    // that say so are sent to the page with the frame.
    let destination = headers.get("sec-fetch-dest").map(HeaderValue::as_bytes);
    if destination.is_some_and(|destination| destination != b"iframe") {
        return Ok(see_other(
            &world.links.item(&key, Some(View::Html.as_str())),
        ));
    }
    let opened = open(&console, &*world.source, &key).await?;
    let html = off_thread(move || {
        let (parts, _) = parts(&opened.bytes);
        let part = parts.iter().find(|part| part.is_html())?;
        let (html, is_whole) = part.text(HTML_OCTETS_MAX);
        is_whole.then(|| framed(&html, &parts))
    })
    .await?
    .ok_or(Problem::NotFound)?;
    Ok((
        [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            ),
            (
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(FRAME_POLICY),
            ),
        ],
        html,
    )
        .into_response())
}

/// `GET …/download`: the message as it lies there, to the last octet.
pub(crate) async fn download(
    world: InWorld,
    Path((account, uid)): Path<(String, u32)>,
    Query(InFolder { folder }): Query<InFolder>,
) -> Answered {
    let key = ItemKey {
        account,
        folder,
        uid,
    };
    let item = world.source.item(key).await?;
    let body = Body::from_stream(item.content.into_stream());
    Ok(saved(&format!("message-{uid}.eml"), body))
}

/// `GET …/attachments/{part}`.
pub(crate) async fn attachment(
    State(console): State<Arc<Console>>,
    world: InWorld,
    Path((account, uid, number)): Path<(String, u32, usize)>,
    Query(InFolder { folder }): Query<InFolder>,
) -> Answered {
    let key = ItemKey {
        account,
        folder,
        uid,
    };
    let opened = open(&console, &*world.source, &key).await?;
    let (name, bytes) = off_thread(move || {
        // Of a message read in part, an attachment may lack its end.
        let (parts, _) = opened.facts.is_whole.then(|| parts(&opened.bytes))?;
        let part: &Part<'_> = parts.get(number)?;
        Some((file_name(number, part), part.decoded().into_owned()))
    })
    .await?
    .ok_or(Problem::NotFound)?;
    Ok(saved(&name, Body::from(bytes)))
}

/// Something to save, never to open here: whatever it is, browsers are told
/// that it is just bytes.
fn saved(name: &str, body: Body) -> Response {
    let ascii: String = name
        .chars()
        .map(|character| match character {
            '"' | '\\' => '_',
            ' '..='~' => character,
            _ => '_',
        })
        .collect();
    // RFC 6266 section 4.1: the plain name first, for those who know no other.
    let disposition = format!(
        "attachment; filename=\"{ascii}\"; filename*=UTF-8''{}",
        links::encode(name).replace('@', "%40")
    );
    let disposition =
        HeaderValue::from_str(&disposition).unwrap_or(HeaderValue::from_static("attachment"));
    (
        [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("application/octet-stream"),
            ),
            (header::CONTENT_DISPOSITION, disposition),
            (
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static("default-src 'none'; sandbox"),
            ),
        ],
        body,
    )
        .into_response()
}
