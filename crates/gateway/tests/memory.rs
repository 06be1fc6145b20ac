//! Ten messages of the largest size at once stay within the memory that the
//! whole process may take. Alone in its process, so that nothing else counts.

use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::http::{Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::future::join_all;
use futures_util::stream;
use mailward_gateway::config::{
    Account, Application, Config, IntakeKey, KeyKind, Mechanism, References, Route, Timeouts,
};
use mailward_gateway::register::KeyHash;
use mailward_gateway::{Gateway, GatewayOptions, Secrets};
use mailward_mail::Address;
use mailward_net::{StaticResolver, SystemClock, SystemDice, Tasks};
use mailward_policy::{AccountKind, ApplicationState, MailService, RouteKind};
use mailward_queue::{AccountName, ApplicationName, RouteName};
use tower::ServiceExt as _;

const AT_ONCE: usize = 10;
/// Of a process that also holds the other half.
const RESIDENT_KIB_MAX: u64 = 150 * 1024;

const PIECE_OCTETS: usize = 48 * 1024;

fn config(folder: &std::path::Path) -> Config {
    let mut config = Config::new("gateway.northmoor.example", folder.join("data"));
    let (route, account) = (RouteName::new("submission"), "letters@northmoor.example");
    config.routes.push(Route {
        name: route.clone(),
        kind: RouteKind::Submission,
        server: "smtp.northmoor.example".to_owned(),
        port: 587,
        ca_file: None,
        mechanism: Mechanism::Login,
        fail_over: Default::default(),
        source_address: None,
        connections_max: 3,
        messages_per_minute: Some(30),
        recipients_max: None,
        dcb1596: true,
        service: MailService::Nhsmail,
        on_premise: false,
        twin: false,
        retirements: Vec::new(),
        sent_items: None,
        timeouts: Timeouts::default(),
    });
    config.accounts.push(Account {
        address: Address::parse(account).expect("an address"),
        kind: AccountKind::Application,
        display_name: None,
        route: route.clone(),
        repair_display_name: false,
        secret: None,
        password_changed: None,
    });
    config.applications.push(Application {
        owner: "Outpatients".to_owned(),
        purpose: "Tests".to_owned(),
        references: References {
            application_documentation: Some("DOC-1".to_owned()),
            architecture_documentation: Some("ARC-1".to_owned()),
            architecture_approval: Some("APP-1".to_owned()),
            ..References::default()
        },
        state: ApplicationState::Live,
        api_keys: vec![IntakeKey {
            kind: KeyKind::Live,
            hash: KeyHash::of("key").to_text(),
        }],
        ..Application::draft(
            ApplicationName::new("letters"),
            AccountName::new(account),
            route,
        )
    });
    config
}

/// A body that is made while it is read.
fn body(start: &'static str, piece: Vec<u8>, count: usize, end: &'static str) -> Body {
    let piece = Bytes::from(piece);
    let middle = std::iter::repeat_n(piece, count);
    let pieces = std::iter::once(Bytes::from(start))
        .chain(middle)
        .chain([Bytes::from(end)]);
    Body::from_stream(stream::iter(pieces.map(Ok::<_, std::convert::Infallible>)))
}

/// About 25 MB of attachment, which is about 35 MB as a message.
fn json() -> (&'static str, Body) {
    let start = r#"{"to":"ann@northmoor.example","subject":"x","text":"x","attachments":[{"filename":"scan.tif","content_type":"image/tiff","content":""#;
    let piece = STANDARD.encode(vec![0xA5; PIECE_OCTETS]).into_bytes();
    (
        "application/json",
        body(start, piece, 25_000_000 / PIECE_OCTETS, r#""}]}"#),
    )
}

fn raw() -> (&'static str, Body) {
    let start =
        "From: letters@northmoor.example\r\nTo: ann@northmoor.example\r\nSubject: x\r\n\r\n";
    let piece = b"0123456789abcdef0123456789abcdef0123456789abcdef0123456789\r\n".repeat(800);
    let count = 36_000_000 / piece.len();
    ("message/rfc822", body(start, piece, count, ".\r\n"))
}

fn peak_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("the process's status");
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM:"))
        .expect("its peak");
    line.split_whitespace()
        .nth(1)
        .and_then(|word| word.parse().ok())
        .expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_large_messages_at_once_stay_within_bounds() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut options = GatewayOptions::new(
        config(folder.path()),
        Arc::new(SystemClock),
        Arc::new(SystemDice),
        Arc::new(StaticResolver::new()),
        Tasks::new(),
    );
    options.secrets = Some(Secrets::new(None, None));
    let gateway = Gateway::open(options).await.expect("opened");
    let router = gateway.api().expect("the API");
    for make in [raw, json] {
        let posts = (0..AT_ONCE).map(|_| {
            let (content_type, body) = make();
            let request = Request::post("/v1/messages")
                .header("authorization", "Bearer key")
                .header("content-type", content_type)
                .body(body)
                .expect("a request");
            router.clone().oneshot(request)
        });
        for answer in join_all(posts).await {
            assert_eq!(answer.expect("an answer").status(), StatusCode::ACCEPTED);
        }
    }
    let peak = peak_kib();
    assert!(peak < RESIDENT_KIB_MAX, "the peak was {peak} KiB");
}
