//! A full or failing disk: turned away with the right words, and nothing kept.

use std::sync::Arc;

use axum::body::Body;
use axum::http::{Request, StatusCode};
use mailward_testkit::FaultyDisk;
use tower::ServiceExt as _;

use crate::smtp::{send, signed_in};
use crate::support::{API_KEY, World};

const MESSAGE: &str =
    "From: letters@northmoor.example\r\nTo: a@northmoor.example\r\nSubject: x\r\n\r\nx\r\n";
const TO: [&str; 1] = ["ann@northmoor.example"];

async fn api(world: &World, method: &str, path: &str, body: &str) -> StatusCode {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Bearer {API_KEY}"))
        .header("content-type", "message/rfc822")
        .body(Body::from(body.to_owned()))
        .expect("a request");
    let router = world.gateway.api().expect("the API");
    router.oneshot(request).await.expect("an answer").status()
}

#[tokio::test(flavor = "multi_thread")]
async fn no_room_is_452_and_507_until_there_is() {
    let disk = FaultyDisk::new();
    let world = World::with(|_| {}, Arc::new(disk.clone())).await;
    let mut lines = signed_in(&world).await;
    send(&mut lines, &TO, MESSAGE, "250").await;
    disk.set_full(true);
    let reply = send(&mut lines, &TO, MESSAGE, "452").await;
    assert!(reply.starts_with("452 4.3.1 "), "{reply}");
    let large = format!("{MESSAGE}{}", "0123456789abcdef\r\n".repeat(50_000));
    send(&mut lines, &TO, &large, "452").await;
    assert_eq!(
        api(&world, "POST", "/v1/messages", MESSAGE).await,
        StatusCode::INSUFFICIENT_STORAGE
    );
    assert_eq!(world.count().await, 1, "nothing half-written");
    disk.set_full(false);
    send(&mut lines, &TO, MESSAGE, "250").await;
    assert_eq!(world.count().await, 2);
    assert_eq!(api(&world, "GET", "/readyz", "").await, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_sync_ends_all_consent() {
    let disk = FaultyDisk::new();
    let world = World::with(|_| {}, Arc::new(disk.clone())).await;
    let mut lines = signed_in(&world).await;
    disk.fail_syncs(true);
    send(&mut lines, &TO, MESSAGE, "451").await;
    disk.fail_syncs(false);
    let reply = send(&mut lines, &TO, MESSAGE, "451").await;
    assert!(
        reply.starts_with("451 4.3.0 "),
        "a failed sync is never tried again: {reply}"
    );
    assert_eq!(
        api(&world, "POST", "/v1/messages", MESSAGE).await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        api(&world, "GET", "/readyz", "").await,
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(api(&world, "GET", "/livez", "").await, StatusCode::OK);
}
