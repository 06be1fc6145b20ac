//! The API through its router, in process.

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http_body_util::BodyExt as _;
use mailward_gateway::config::Limits;
use mailward_mail::MessageId;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{ACCOUNT, API_KEY, OTHER_KEY, TEST_KEY, World};

pub(crate) struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn id(&self) -> MessageId {
        assert_eq!(self.status, StatusCode::ACCEPTED, "{}", self.body);
        self.body["id"]
            .as_str()
            .expect("an id")
            .parse()
            .expect("an id")
    }

    /// The status and the member of the request that is to blame.
    pub(crate) fn blame(&self) -> (u16, &str) {
        assert_eq!(
            self.headers["content-type"], "application/problem+json",
            "{}",
            self.body
        );
        assert_eq!(self.body["status"], self.status.as_u16());
        assert!(
            self.body["type"]
                .as_str()
                .is_some_and(|kind| kind.starts_with("/problems/"))
        );
        (
            self.status.as_u16(),
            self.body["field"].as_str().unwrap_or_default(),
        )
    }
}

/// One request with these header fields.
async fn ask(
    router: &Router,
    method: &str,
    path: &str,
    fields: &[(&str, &str)],
    body: Body,
) -> Answer {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in fields {
        request = request.header(*name, *value);
    }
    let request = request.body(body).expect("a request");
    let response = router.clone().oneshot(request).await.expect("an answer");
    let (parts, body) = response.into_parts();
    let octets = body.collect().await.expect("a body").to_bytes();
    let body = serde_json::from_slice(&octets).unwrap_or(Value::Null);
    Answer {
        status: parts.status,
        headers: parts.headers,
        body,
    }
}

fn bearer(key: &str) -> String {
    format!("Bearer {key}")
}

pub(crate) async fn post(router: &Router, message: &Value) -> Answer {
    let fields = [
        ("authorization", &*bearer(API_KEY)),
        ("content-type", "application/json; charset=utf-8"),
    ];
    ask(
        router,
        "POST",
        "/v1/messages",
        &fields,
        message.to_string().into(),
    )
    .await
}

pub(crate) async fn post_raw(router: &Router, query: &str, message: &str) -> Answer {
    let fields = [
        ("authorization", &*bearer(API_KEY)),
        ("content-type", "message/rfc822"),
    ];
    let path = format!("/v1/messages{query}");
    ask(router, "POST", &path, &fields, message.to_owned().into()).await
}

async fn get(router: &Router, path: &str, key: &str) -> Answer {
    ask(
        router,
        "GET",
        path,
        &[("authorization", &*bearer(key))],
        Body::empty(),
    )
    .await
}

fn letter() -> Value {
    json!({ "to": "ann@northmoor.example", "subject": "Your appointment", "text": "Dear Ann,\n" })
}

/// The sample letter with members replaced or added.
fn with(changes: Value) -> Value {
    let mut letter = letter();
    let members = changes.as_object().expect("an object").clone();
    letter.as_object_mut().expect("an object").extend(members);
    letter
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_become_a_message() {
    let world = World::new().await;
    let router = world.gateway.api().expect("the API");
    let answer = post(&router, &with(json!({
        "to": ["Ann Ärmel <ann@northmoor.example>", { "name": "Bob, B.", "address": "bob@northmoor.example" }],
        "bcc": "eve@northmoor.example",
        "reply_to": "desk@northmoor.example",
        "subject": "Ihr Termin: Größe",
        "html": "<p>Dear Ann</p>",
        "headers": { "X-Ward": "7", "References": "<0@northmoor.example>" },
        "attachments": [{
            "filename": "Brief \u{e4}.pdf",
            "content_type": "application/pdf",
            "content": STANDARD.encode(b"%PDF-1.7 \x00\xff"),
        }],
    }))).await;
    let id = answer.id();
    assert_eq!(answer.headers["location"], format!("/v1/messages/{id}"));
    assert_eq!(answer.body["state"], "accepted");
    let states: Vec<_> = answer.body["recipients"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| {
            (
                one["address"].as_str().expect("text"),
                one["state"].as_str().expect("text"),
            )
        })
        .collect();
    assert_eq!(
        states,
        [
            ("ann@northmoor.example", "incoming"),
            ("bob@northmoor.example", "incoming"),
            ("eve@northmoor.example", "incoming"),
        ]
    );

    let body = world.body(id).await;
    for expected in [
        "From: \"Letters, Clinic (NORTHMOOR TRUST)\" <letters@northmoor.example>\r\n",
        "To: =?UTF-8?B?QW5uIMOEcm1lbA==?= <ann@northmoor.example>, \"Bob, B.\"\r\n <bob@northmoor.example>\r\n",
        "Reply-To: desk@northmoor.example\r\n",
        "X-Ward: 7\r\n",
        "References: <0@northmoor.example>\r\n",
        "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\nDear Ann,\r\n",
        "filename*=UTF-8''Brief%20%C3%A4.pdf\r\n",
        "\r\nJVBERi0xLjcgAP8=\r\n",
    ] {
        assert!(
            body.contains(expected),
            "{expected:?} is missing in\n{body}"
        );
    }
    assert!(body.starts_with("Received: from unknown ([0.0.0.0])\r\n\tby gateway.northmoor.example (Mailward) with HTTP\r\n"));
    assert!(!body.contains("eve@"), "nobody is told of eve");
    let view = world.show(id).await;
    assert_eq!(view.envelope.reverse_path.as_str(), ACCOUNT);
    assert_eq!(view.message_id, Some(format!("<{id}@northmoor.example>")));
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_values_are_refused_where_they_stand() {
    let world = World::new().await;
    let router = world.gateway.api().expect("the API");
    let attached = |filename: &str, content_type: &str, content: &str| json!({ "attachments": [{ "filename": filename, "content_type": content_type, "content": content }] });
    for (changes, field) in [
        (
            json!({ "to": "ann@northmoor.example\r\nBcc: eve@evil.example" }),
            "to[0]",
        ),
        (json!({ "to": ["ann@northmoor.example", "bob"] }), "to[1]"),
        (
            json!({ "to": "ann@northmoor.example, bob@northmoor.example" }),
            "to[0]",
        ),
        (
            json!({ "to": { "name": "A\r\nX: y", "address": "ann@northmoor.example" } }),
            "to[0]",
        ),
        (json!({ "to": [] }), "to"),
        (
            json!({ "subject": "x\r\nBcc: eve@evil.example" }),
            "subject",
        ),
        (json!({ "subject": "x".repeat(901) }), "subject"),
        (json!({ "subject": "x".repeat(40_000) }), "subject"),
        (
            json!({ "headers": { "Bcc": "eve@evil.example" } }),
            "headers.Bcc",
        ),
        (
            json!({ "headers": { "X-Mailward-Data-Class": "OFFICIAL" } }),
            "headers.X-Mailward-Data-Class",
        ),
        (
            json!({ "headers": { "X-A: b\r\nBcc": "x" } }),
            "headers.X-A: bBcc",
        ),
        (json!({ "headers": { "X-A": "b\nBcc: x" } }), "headers.X-A"),
        (
            attached("../../etc/passwd", "text/plain", ""),
            "attachments[0].filename",
        ),
        (
            attached("a\\b.pdf", "text/plain", ""),
            "attachments[0].filename",
        ),
        (
            attached("a\"\r\nX: y", "text/plain", ""),
            "attachments[0].filename",
        ),
        (
            attached("invoice\u{202e}fdp.exe", "text/plain", ""),
            "attachments[0].filename",
        ),
        (attached("", "text/plain", ""), "attachments[0].filename"),
        (
            attached("a.txt", "text/plain\r\nX: y", ""),
            "attachments[0].content_type",
        ),
        (
            attached("a.txt", "multipart/mixed", ""),
            "attachments[0].content_type",
        ),
        (attached("a.txt", "text", ""), "attachments[0].content_type"),
        (
            attached("a.txt", "text/plain", "not base64!"),
            "attachments[0].content",
        ),
        (
            attached("a.txt", "text/plain", "QQ==QQ=="),
            "attachments[0].content",
        ),
        (
            attached("a.txt", "text/plain", "QQ"),
            "attachments[0].content",
        ),
        (json!({ "data_class": "PUBLIC" }), "data_class"),
        (json!({ "message_class": "soon" }), "message_class"),
        (json!({ "colour": "red" }), "colour"),
        (json!({ "text": null }), "text"),
        (json!({ "sequence_key": "" }), "sequence_key"),
    ] {
        let answer = post(&router, &with(changes.clone())).await;
        assert_eq!(answer.blame(), (422, field), "{changes}: {}", answer.body);
    }
    assert_eq!(world.count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_refuse_with_rule_clause_and_remedy() {
    let world = World::new().await;
    let router = world.gateway.api().expect("the API");
    let answer = post(
        &router,
        &with(json!({ "from": "director@northmoor.example" })),
    )
    .await;
    assert_eq!(answer.blame(), (422, "from"));
    assert_eq!(answer.body["rule"], "from-is-account");
    assert_eq!(answer.body["clause"], "GUIDE-10");
    assert!(
        answer.body["remedy"]
            .as_str()
            .is_some_and(|remedy| remedy.contains(ACCOUNT))
    );
    let answer = post(&router, &with(json!({ "data_class": "SECRET" }))).await;
    assert_eq!(answer.body["rule"], "data-class-route", "{}", answer.body);
    let many: Vec<_> = (0..4)
        .map(|number| format!("p{number}@northmoor.example"))
        .collect();
    let answer = post(&router, &with(json!({ "to": many }))).await;
    assert_eq!(
        answer.body["rule"], "recipients-per-message",
        "{}",
        answer.body
    );
    assert_eq!(world.count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn broken_requests_are_told_apart() {
    let world = World::configured(|config| {
        config.limits = Limits {
            message_octets_max: 200_000,
            ..Limits::default()
        };
    })
    .await;
    let router = world.gateway.api().expect("the API");
    let key = bearer(API_KEY);
    let json = [
        ("authorization", key.as_str()),
        ("content-type", "application/json"),
    ];
    let cases = [
        ("POST", "/v1/messages", &json[..], "{\"to\":", 400),
        ("POST", "/v1/messages", &json[..], "[1]", 422),
        ("POST", "/v1/messages?to=x@y.example", &json[..], "{}", 400),
        (
            "POST",
            "/v1/messages",
            &[
                ("authorization", key.as_str()),
                ("content-type", "text/plain"),
            ],
            "x",
            415,
        ),
        ("POST", "/v1/messages", &json[..1], "x", 415),
        ("POST", "/v1/messages", &json[1..], "{}", 401),
        (
            "POST",
            "/v1/messages",
            &[("authorization", "Bearer mw_live_guess"), json[1]],
            "{}",
            401,
        ),
        (
            "POST",
            "/v1/messages",
            &[("authorization", "Basic bGV0dGVyczp4"), json[1]],
            "{}",
            401,
        ),
        ("DELETE", "/v1/messages", &json[..], "", 405),
        ("GET", "/v1/nothing", &json[..], "", 404),
        (
            "GET",
            "/v1/messages/01JD4Q0V8Z5N3T7KX2M9",
            &json[..],
            "",
            404,
        ),
        ("GET", "/v1/messages?limit=0", &json[..], "", 422),
        ("GET", "/v1/messages?cursor=x", &json[..], "", 422),
        ("GET", "/v1/messages?state=lost", &json[..], "", 422),
    ];
    for (method, path, fields, body, status) in cases {
        let answer = ask(&router, method, path, fields, body.into()).await;
        assert_eq!(
            answer.blame().0,
            status,
            "{method} {path} {body}: {}",
            answer.body
        );
        assert_eq!(
            answer.headers.contains_key("www-authenticate"),
            status == 401
        );
    }

    let test_key = bearer(TEST_KEY);
    let fields = [("authorization", test_key.as_str()), json[1]];
    let answer = ask(
        &router,
        "POST",
        "/v1/messages",
        &fields,
        letter().to_string().into(),
    )
    .await;
    assert_eq!(
        answer.blame().0,
        403,
        "a test key must not reach the real service"
    );

    let large = STANDARD.encode(vec![7; 200_000]);
    let attachment = json!({ "filename": "a", "content_type": "text/plain", "content": large });
    let answer = post(&router, &with(json!({ "attachments": [attachment] }))).await;
    assert_eq!(answer.blame().0, 413);
    assert!(
        answer.body["detail"]
            .as_str()
            .is_some_and(|text| text.contains("200000"))
    );
    assert_eq!(answer.body["clause"], "GUIDE-67");
    let message = format!(
        "From: {ACCOUNT}\r\nTo: a@northmoor.example\r\n\r\n{}",
        "x\r\n".repeat(100_000)
    );
    let answer = post_raw(&router, "", &message).await;
    assert_eq!(answer.blame().0, 413);
    assert_eq!(world.count().await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_attachment_passes_through_the_spool() {
    let world = World::new().await;
    let router = world.gateway.api().expect("the API");
    let octets: Vec<u8> = (0..=255).cycle().take(3_000_000).collect();
    let text = "Größe\n".repeat(20_000);
    let message = with(json!({
        "text": text,
        "attachments": [{
            "filename": "scan.tif",
            "content_type": "image/tiff",
            "content": STANDARD.encode(&octets),
        }],
    }));
    let id = post(&router, &message).await.id();
    let body = world.body(id).await;
    let (_, part) = body
        .split_once("filename=\"scan.tif\"")
        .expect("the attachment");
    let (_, content) = part.split_once("\r\n\r\n").expect("its content");
    let (content, _) = content.split_once("\r\n--").expect("its end");
    assert!(content.split("\r\n").all(|line| line.len() <= 76));
    assert_eq!(
        STANDARD
            .decode(content.replace("\r\n", ""))
            .expect("base64"),
        octets
    );
    assert_eq!(body.matches("Gr=C3=B6=C3=9Fe\r\n").count(), 20_000);
    let spool = world.folder.path().join("data/spool");
    assert_eq!(
        std::fs::read_dir(spool).expect("the spool").count(),
        0,
        "nothing is left behind"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_message_is_taken_with_named_repairs_alone() {
    let world = World::new().await;
    let router = world.gateway.api().expect("the API");
    let message = format!(
        "From: {ACCOUNT}\nTo: Ann <ann@northmoor.example>\nBcc: eve@northmoor.example,\n bob@northmoor.example\n\
         Subject: x\nDate: Sat, 21 Nov 2026 09:00:00 +0000\nMessage-ID: <2@northmoor.example>\n\nGrüße"
    );
    let answer = post_raw(&router, "", &message).await;
    let id = answer.id();
    let rules: Vec<_> = answer.body["repairs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["rule"].as_str().expect("text"))
        .collect();
    assert_eq!(rules, ["http-bcc", "http-line-ends"]);
    let expected = format!(
        "From: {ACCOUNT}\r\nTo: Ann <ann@northmoor.example>\r\nSubject: x\r\n\
         Date: Sat, 21 Nov 2026 09:00:00 +0000\r\nMessage-ID: <2@northmoor.example>\r\n\r\nGrüße\r\n"
    );
    assert!(world.body(id).await.ends_with(&format!("\r\n{expected}")));
    let view = world.show(id).await;
    assert_eq!(view.recipients.len(), 3);
    assert_eq!(view.envelope.body, mailward_mail::BodyType::EightBitMime);

    let answer = post_raw(
        &router,
        "?to=zoe%40northmoor.example&message_class=urgent",
        &expected,
    )
    .await;
    let view = world.show(answer.id()).await;
    let to: Vec<_> = view
        .recipients
        .iter()
        .map(|one| one.recipient.forward_path.to_string())
        .collect();
    assert_eq!(to, ["<zoe@northmoor.example>"]);
    assert_eq!(view.message_class.as_str(), "urgent");
    assert_eq!(answer.body["repairs"], json!([]));

    for (query, message, field) in [
        ("", format!("From: {ACCOUNT}\r\n\r\nx\r\n"), "to"),
        ("?to=nobody", expected.clone(), "to"),
        ("?colour=red", expected.clone(), "query"),
        ("", expected.replace("Gr", "\rGr"), "body"),
        ("", expected.replace("Gr", "\0Gr"), "body"),
        ("", expected.replace("Ann <", "Ann <<"), "To"),
    ] {
        let answer = post_raw(&router, query, &message).await;
        assert_eq!(answer.blame(), (422, field), "{}", answer.body);
    }
    assert_eq!(world.count().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_request_twice_is_one_message() {
    let world = World::new().await;
    let router = world.gateway.api().expect("the API");
    let key = bearer(API_KEY);
    let send = async |idempotency: &str, message: Value| {
        let fields = [
            ("authorization", key.as_str()),
            ("content-type", "application/json"),
            ("idempotency-key", idempotency),
        ];
        ask(
            &router,
            "POST",
            "/v1/messages",
            &fields,
            message.to_string().into(),
        )
        .await
    };
    let first = send("letter-17", letter()).await;
    assert!(!first.headers.contains_key("idempotent-replayed"));
    let again = send("letter-17", letter()).await;
    assert_eq!(again.id(), first.id());
    assert_eq!(again.headers["idempotent-replayed"], "true");
    assert_eq!(
        send("letter-17", with(json!({ "text": "other" })))
            .await
            .blame(),
        (409, "Idempotency-Key")
    );
    assert_ne!(send("letter-18", letter()).await.id(), first.id());
    assert_eq!(
        send(&"k".repeat(256), letter()).await.blame(),
        (422, "Idempotency-Key")
    );
    assert_eq!(world.count().await, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_sees_and_changes_its_own_alone() {
    let world = World::new().await;
    let router = world.gateway.api().expect("the API");
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(post(&router, &letter()).await.id());
    }
    let page = get(&router, "/v1/messages?limit=2&state=incoming", API_KEY).await;
    assert_eq!(page.body["messages"].as_array().map(Vec::len), Some(2));
    assert_eq!(page.body["messages"][0]["id"], ids[2].as_str());
    assert_eq!(page.body["messages"][0]["states"], json!({ "incoming": 1 }));
    let next = page.body["next"].as_str().expect("a cursor");
    let page = get(
        &router,
        &format!("/v1/messages?limit=2&state=incoming&cursor={next}"),
        API_KEY,
    )
    .await;
    assert_eq!(page.body["messages"][0]["id"], ids[0].as_str());
    assert_eq!(page.body["next"], Value::Null);

    let path = format!("/v1/messages/{}", ids[0]);
    let message = get(&router, &path, API_KEY).await;
    assert_eq!(
        message.body["recipients"][0]["address"],
        "ann@northmoor.example"
    );
    assert_eq!(message.body["timeline"][0]["kind"], "accepted");
    assert_eq!(get(&router, &path, OTHER_KEY).await.blame().0, 404);
    let other = get(&router, "/v1/messages", OTHER_KEY).await;
    assert_eq!(other.body["messages"], json!([]));

    let act = async |act: &str, key: &str| {
        let fields = [("authorization", &*bearer(key))];
        ask(
            &router,
            "POST",
            &format!("{path}/{act}"),
            &fields,
            Body::empty(),
        )
        .await
    };
    assert_eq!(act("cancel", OTHER_KEY).await.blame().0, 404);
    assert_eq!(
        act("retry", API_KEY).await.blame().0,
        409,
        "it has not been tried"
    );
    assert_eq!(act("cancel", API_KEY).await.body["recipients"], 1);
    assert_eq!(act("cancel", API_KEY).await.blame().0, 409);
    let message = get(&router, &path, API_KEY).await;
    assert_eq!(message.body["recipients"][0]["state"], "cancelled");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_key_has_its_rate() {
    let world = World::configured(|config| {
        config.limits = Limits {
            requests_per_minute_max: 2,
            ..Limits::default()
        };
    })
    .await;
    let router = world.gateway.api().expect("the API");
    for _ in 0..2 {
        assert_eq!(
            get(&router, "/v1/messages", API_KEY).await.status,
            StatusCode::OK
        );
    }
    let answer = get(&router, "/v1/messages", API_KEY).await;
    assert_eq!(answer.blame().0, 429);
    assert_eq!(answer.headers["retry-after"], "30");
    assert_eq!(
        get(&router, "/v1/messages", OTHER_KEY).await.status,
        StatusCode::OK
    );
    world.clock.advance(std::time::Duration::from_secs(30));
    assert_eq!(
        get(&router, "/v1/messages", API_KEY).await.status,
        StatusCode::OK
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_describes_itself_and_its_health() {
    let world = World::new().await;
    let router = world.gateway.api().expect("the API");
    let document = ask(&router, "GET", "/v1/openapi.json", &[], Body::empty())
        .await
        .body;
    assert!(
        document["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1"))
    );
    let submit = &document["paths"]["/v1/messages"]["post"];
    let types: Vec<_> = submit["requestBody"]["content"]
        .as_object()
        .expect("types")
        .keys()
        .collect();
    assert_eq!(types, ["application/json", "message/rfc822"]);
    assert!(document["components"]["schemas"]["Problem"].is_object());
    for path in [
        "/v1/messages/{id}",
        "/v1/messages/{id}/cancel",
        "/v1/messages/{id}/retry",
    ] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    let live = ask(&router, "GET", "/livez", &[], Body::empty()).await;
    assert_eq!(live.status, StatusCode::OK);
    let ready = ask(&router, "GET", "/readyz", &[], Body::empty()).await;
    assert_eq!(
        (ready.status, &ready.body["ready"]),
        (StatusCode::OK, &json!(true))
    );
    world.gateway.tasks.shutdown().begin();
    let ready = ask(&router, "GET", "/readyz", &[], Body::empty()).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);
}
