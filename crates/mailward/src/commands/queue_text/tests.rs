//! The texts as a whole, from `golden/`.

use serde::de::DeserializeOwned;

use super::*;
use crate::operator::testing::Fixture;
use crate::operator::{Request, answer};

fn request(application: Option<&str>, limit: u32) -> Request {
    Request::List {
        state: None,
        application: application.map(Into::into),
        account: None,
        route: None,
        class: None,
        text: None,
        cursor: None,
        limit,
    }
}

/// The text for a question, with the fixture's ids by name.
async fn text<T: DeserializeOwned>(
    fixture: &Fixture,
    request: Request,
    text: fn(T) -> String,
) -> String {
    let said = answer(&fixture.queue, &fixture.known(), request).await;
    let shape = serde_json::from_value(said.expect("an answer")).expect("its shape");
    let ids = [
        (fixture.tried, "TRIED---------------"),
        (fixture.held, "HELD----------------"),
        (fixture.fresh, "FRESH---------------"),
    ];
    ids.iter().fold(text(shape), |said, (id, name)| {
        said.replace(id.as_str(), name)
    })
}

#[tokio::test]
async fn lists_read_well() {
    let fixture = Fixture::new().await;
    let all = text(&fixture, request(None, 50), list).await;
    assert_eq!(all, include_str!("golden/list.txt"));
    let first = text(&fixture, request(None, 1), list).await;
    assert!(first.ends_with("\nmore: --cursor m3\n"), "{first}");
    let none = text(&fixture, request(Some("nobody"), 50), list).await;
    assert_eq!(none, "no messages\n");
}

#[tokio::test]
async fn a_message_reads_well() {
    let fixture = Fixture::new().await;
    let shown = text(&fixture, Request::Show { id: fixture.tried }, message).await;
    assert_eq!(shown, include_str!("golden/show.txt"));
    let held = text(&fixture, Request::Show { id: fixture.held }, message).await;
    assert!(held.contains("hold (approval)"), "{held}");
}

#[tokio::test]
async fn explanations_and_summary_read_well() {
    let fixture = Fixture::new().await;
    let request = Request::Explain { id: fixture.tried };
    let explanation = text(&fixture, request, explained).await;
    assert_eq!(explanation, include_str!("golden/explain.txt"));
    let counts = text(&fixture, Request::Summary, summary).await;
    assert_eq!(counts, include_str!("golden/summary.txt"));
}
