//! HTTP both ways: limits, timeouts, orderly ends, and errors that are sorted.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Extension};
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::{get, post};
use bytes::Bytes;
use http_body_util::BodyExt;
use mailward_mail::time::Clock;
use mailward_net::http::client::Options;
use mailward_net::http::{HttpClient, HttpServer, Limits};
use mailward_net::tasks::Drained;
use mailward_net::{StaticResolver, SystemClock, Tasks, TlsFacts};
use mailward_testkit::{Lines, PATIENCE, SimulatedClock, TestTls, ports};
use tokio::sync::Notify;

/// Small enough to be reached.
fn limits() -> Limits {
    Limits {
        connections_max: 2,
        header_octets_max: 8192,
        header_fields_max: 20,
        body_octets_max: 10_000,
        ..Limits::default()
    }
}

/// A server on loopback whose clock stands still.
struct Server {
    address: SocketAddr,
    tls: TestTls,
    tasks: Tasks,
    clock: SimulatedClock,
    /// Lets the handler of `/slow` answer.
    go: Arc<Notify>,
    /// Says that the handler of `/slow` has begun.
    begun: Arc<Notify>,
}

fn serve(secure: bool) -> Server {
    let (listener, address) = ports::listener();
    let tls = TestTls::covering(&["login.northmoor.example"]);
    let clock = SimulatedClock::default();
    let tasks = Tasks::new();
    let (go, begun) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let server = HttpServer {
        listener,
        tls: secure.then(|| tls.http_server()),
        router: router(Arc::clone(&go), Arc::clone(&begun)),
        limits: limits(),
        clock: clock.shared(),
    };
    tasks.spawn("http", server.serve(tasks.shutdown().clone()));
    Server {
        address,
        tls,
        tasks,
        clock,
        go,
        begun,
    }
}

fn router(go: Arc<Notify>, begun: Arc<Notify>) -> Router {
    let flood_begun = Arc::clone(&begun);
    // More than the kernel's buffers take.
    let flood = async move || {
        flood_begun.notify_one();
        vec![0; 64 * 1024 * 1024]
    };
    let slow = async move || {
        begun.notify_one();
        go.notified().await;
        "slow but sure"
    };
    let inside = Arc::new(AtomicUsize::new(0));
    // Stays long enough for others to come in, and says how many are there.
    let crowd = async move || {
        inside.fetch_add(1, Ordering::SeqCst);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        let crowd = inside.load(Ordering::SeqCst);
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        inside.fetch_sub(1, Ordering::SeqCst);
        format!("{crowd}\n")
    };
    Router::new()
        .route("/", get(async || "here"))
        .route("/slow", get(slow))
        .route("/flood", get(flood))
        .route("/crowd", get(crowd))
        .route("/long", get(async || "x".repeat(20_000)))
        .route(
            "/away",
            get(async || Redirect::to("https://elsewhere.example/")),
        )
        .route(
            "/panic",
            get(async || -> &'static str { panic!("as asked") }),
        )
        .route(
            "/who",
            get(
                async |ConnectInfo(peer): ConnectInfo<SocketAddr>,
                       Extension(tls): Extension<TlsFacts>| {
                    format!("{} {} {:?}", peer.ip(), tls.version, tls.server_name)
                },
            ),
        )
        .route(
            "/gather",
            post(async |body: Bytes| body.len().to_string()).layer(DefaultBodyLimit::disable()),
        )
        .route(
            "/stream",
            post(async |body: Body| match body.collect().await {
                Ok(whole) => (StatusCode::OK, whole.to_bytes().len().to_string()),
                Err(error) => (StatusCode::REQUEST_TIMEOUT, error.to_string()),
            }),
        )
}

/// A client that finds `login.northmoor.example` on loopback.
fn client(tls: &TestTls, clock: Arc<dyn Clock>) -> HttpClient {
    let names = StaticResolver::new()
        .with("login.northmoor.example", IpAddr::V4(Ipv4Addr::LOCALHOST))
        .with("wrong.northmoor.example", IpAddr::V4(Ipv4Addr::LOCALHOST));
    let mut options = Options::new(tls.client(), Arc::new(names), clock);
    options.response_octets_max = 10_000;
    HttpClient::new(options).expect("a client")
}

#[tokio::test]
async fn client_and_server_meet_under_tls() {
    let server = serve(true);
    let client = client(&server.tls, Arc::new(SystemClock));
    let base = format!("https://login.northmoor.example:{}", server.address.port());

    let answer = client
        .get(&format!("{base}/who"), &[])
        .await
        .expect("an answer");
    let text = String::from_utf8_lossy(&answer.body).into_owned();
    assert_eq!(text, "127.0.0.1 TLSv1.3 Some(\"login.northmoor.example\")");

    let fields = [("scope", "a b"), ("client_secret", "&=")];
    let answer = client.post_form(&format!("{base}/gather"), &fields).await;
    let encoded = "scope=a+b&client_secret=%26%3D";
    assert_eq!(answer.expect("an answer").body, encoded.len().to_string());

    let headers = [("content-type", "application/json"), ("webhook-id", "1")];
    let body = Bytes::from_static(b"{\"type\":\"outcome\"}");
    let answer = client
        .post_bytes(&format!("{base}/gather"), &headers, body)
        .await;
    assert_eq!(answer.expect("an answer").body, "18");

    let answer = client
        .get(&format!("{base}/away"), &[])
        .await
        .expect("an answer");
    assert_eq!(
        answer.status,
        StatusCode::SEE_OTHER,
        "redirects are for the caller to judge"
    );
}

#[tokio::test]
async fn client_errors_are_sorted() {
    let server = serve(true);
    let client = client(&server.tls, Arc::new(SystemClock));
    let (port, closed) = (server.address.port(), ports::free().port());
    let cases = [
        (
            format!("https://login.northmoor.example:{port}/long"),
            "with more than 10000 octets",
        ),
        (
            format!("https://login.northmoor.example:{closed}/?secret"),
            "login.northmoor.example refused the connection",
        ),
        (
            format!("https://127.0.0.1:{closed}/?secret"),
            "127.0.0.1 refused the connection",
        ),
        (
            "https://missing.example/?secret".to_owned(),
            "there is no host called missing.example",
        ),
        (
            format!("https://wrong.northmoor.example:{port}/?secret"),
            "the certificate of wrong.northmoor.example is not accepted: it belongs to other names",
        ),
        (
            format!("https://login.northmoor.example:{port}/panic?secret"),
            "broke off",
        ),
        (
            format!("http://login.northmoor.example:{port}/?secret"),
            "broke off",
        ),
        (
            "ftp://login.northmoor.example/?secret".to_owned(),
            "ftp is not http or https",
        ),
        ("not a URL".to_owned(), "bad URL"),
    ];
    for (url, expected) in cases {
        let error = client.get(&url, &[]).await.expect_err(expected).to_string();
        assert!(error.contains(expected), "{url}: {error}");
        assert!(!error.contains("secret"), "{error}");
    }
    let bad_header = [("webhook-id", "two\r\nlines")];
    let error = client
        .get("https://login.northmoor.example/", &bad_header)
        .await;
    let error = error.expect_err("header injection").to_string();
    assert!(error.starts_with("the request cannot be sent"), "{error}");
}

#[tokio::test]
async fn client_gives_up_on_its_own_clock() {
    let server = serve(true);
    let clock = SimulatedClock::default();
    let client = client(&server.tls, clock.shared());
    let url = format!(
        "https://login.northmoor.example:{}/slow",
        server.address.port()
    );
    let late = async {
        server.begun.notified().await;
        clock.advance(Duration::from_secs(30));
    };
    let (answer, ()) = tokio::join!(client.get(&url, &[]), late);
    let error = answer.expect_err("nobody answers").to_string();
    assert_eq!(error, "login.northmoor.example did not answer within 30 s");
}

/// The header fields of an answer, up to the empty line.
async fn head(lines: &mut Lines) -> Vec<String> {
    let mut fields = Vec::new();
    loop {
        match lines.line().await {
            empty if empty.is_empty() => return fields,
            field => fields.push(field),
        }
    }
}

/// Sends a head (each line followed by CRLF) and a body; gives the status line.
async fn ask(lines: &mut Lines, head: &str, body: &str) -> String {
    let head = head.replace('\n', "\r\n");
    lines
        .send_bytes(format!("{head}\r\nHost: localhost\r\n\r\n{body}").as_bytes())
        .await;
    lines.expect("HTTP/1.1 ").await
}

#[tokio::test]
async fn requests_have_limits() {
    let server = serve(false);
    let long_field = format!("GET / HTTP/1.1\nX-Long: {}", "x".repeat(9000));
    let many_fields = format!("GET / HTTP/1.1{}", "\nX-Many: x".repeat(30));
    let large = "x".repeat(2_000_000);
    let chunks = format!(
        "{}0\r\n\r\n",
        format!("7d0\r\n{}\r\n", "x".repeat(2000)).repeat(6)
    );
    let announced = format!("POST /gather HTTP/1.1\nContent-Length: {}", large.len());
    let chunked = "POST /gather HTTP/1.1\nTransfer-Encoding: chunked".to_owned();
    let cases = [
        (long_field, "", "431"),
        (many_fields, "", "431"),
        (announced, large.as_str(), "413"),
        (chunked, chunks.as_str(), "413"),
        (
            "POST /gather HTTP/1.1\nContent-Length: 4".to_owned(),
            "mail",
            "200",
        ),
        (
            "POST /gather HTTP/1.1\nContent-Length: four".to_owned(),
            "mail",
            "400",
        ),
        ("NONSENSE".to_owned(), "", "400"),
    ];
    for (head, body, expected) in cases {
        let mut lines = Lines::connect(server.address).await;
        let status = ask(&mut lines, &head, body).await;
        assert_eq!(&status[9..12], expected, "{head:.60}");
    }
}

#[tokio::test]
async fn silent_clients_are_let_go() {
    let server = serve(false);
    // Within a head, before any request, and after one on a kept connection.
    for opening in ["GET / HT", "", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"] {
        let mut lines = Lines::connect(server.address).await;
        lines.send_bytes(opening.as_bytes()).await;
        if opening.ends_with("\r\n\r\n") {
            lines.expect("HTTP/1.1 200").await;
            head(&mut lines).await;
            assert_eq!(lines.octets(4).await, b"here");
        }
        server.clock.until_waiting(1).await;
        server.clock.advance(limits().header_timeout);
        lines.expect_end().await;
    }

    let mut lines = Lines::connect(server.address).await;
    let opening = "POST /stream HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nsome";
    lines.send_bytes(opening.as_bytes()).await;
    server.clock.until_waiting(1).await;
    server.clock.advance(limits().body_part_timeout);
    lines.expect("HTTP/1.1 408").await;
    head(&mut lines).await;
    let text = "the request body stopped arriving";
    assert_eq!(lines.octets(text.len()).await, text.as_bytes());
}

#[tokio::test]
async fn a_silent_handshake_is_let_go() {
    let server = serve(true);
    let mut lines = Lines::connect(server.address).await;
    server.clock.until_waiting(1).await;
    server.clock.advance(limits().handshake_timeout);
    lines.expect_end().await;
}

#[tokio::test]
async fn a_client_that_never_reads_is_let_go() {
    let server = serve(false);
    let mut lines = Lines::connect(server.address).await;
    lines
        .send_bytes(b"GET /flood HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    server.begun.notified().await;
    // The drain would wait for the answer to be read, and the server's clock
    // moves only as far as to try the patience of one write at a time.
    let time_passes = async {
        loop {
            server.clock.advance(limits().write_timeout);
            tokio::task::yield_now().await;
        }
    };
    let deadline = SystemClock.now().plus(PATIENCE);
    tokio::select! {
        drained = server.tasks.drain(&SystemClock, deadline) => assert_eq!(drained, Drained::Clean),
        () = time_passes => {}
    }
}

#[tokio::test]
async fn further_connections_wait_their_turn() {
    let server = serve(false);
    let mut callers = Vec::new();
    for _ in 0..6 {
        let mut lines = Lines::connect(server.address).await;
        lines
            .send_bytes(b"GET /crowd HTTP/1.0\r\nHost: a\r\n\r\n")
            .await;
        callers.push(lines);
    }
    let mut peak = 0;
    for mut lines in callers {
        lines.expect("HTTP/1.").await;
        head(&mut lines).await;
        let crowd: usize = lines.line().await.parse().expect("a number");
        peak = peak.max(crowd);
    }
    assert_eq!(peak, limits().connections_max);
}

#[tokio::test]
async fn shutdown_lets_requests_finish() {
    let server = serve(false);
    let mut busy = Lines::connect(server.address).await;
    busy.send_bytes(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
        .await;
    server.begun.notified().await;
    let mut idle = Lines::connect(server.address).await;

    server.tasks.shutdown().begin();
    idle.expect_end().await;
    server.go.notify_one();
    busy.expect("HTTP/1.1 200").await;
    let headers = head(&mut busy).await;
    assert!(
        headers
            .iter()
            .any(|line| line.eq_ignore_ascii_case("connection: close")),
        "{headers:?}"
    );
    let drained = server
        .tasks
        .drain(&SystemClock, SystemClock.now().plus(PATIENCE))
        .await;
    assert_eq!(drained, Drained::Clean);
    mailward_net::Listener::bind(server.address).expect("the port is free again");
}
