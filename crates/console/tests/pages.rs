//! Every page, asked for in-process as a browser would.

#[allow(dead_code, reason = "no test here moves the clock")]
#[path = "../src/test_time.rs"]
mod test_time;

mod fake;
mod support;

use std::time::Duration;

use axum::http::{StatusCode, header};
use fake::{Fake, FakeItem, FakeMailbox, HOSTILE, message, recipient};
use mailward_console::view::{
    AlarmView, AttemptView, BreakerView, Cursor, Decision, DivertedView, EndingView, EventView,
    FindingView, LimitView, OldestView, PausedView, RouteView, SpaceView, Standing, Status,
    StoreHealth, TlsView, VerdictView, WaitView,
};
use mailward_console::{Halves, Role};
use support::{Browser, id, now, three_messages};

const ACCOUNT: &str = "ward7@northmoor.example";

fn mailbox_with(raw: &[u8]) -> Fake {
    let item = FakeItem::new(7, now(), "Letter", raw.to_vec());
    Fake {
        mailboxes: vec![FakeMailbox::new(ACCOUNT, vec![item])],
        ..Fake::default()
    }
}

const ITEM: &str = "/console/mailboxes/ward7@northmoor.example/items/7";

#[tokio::test]
async fn a_notice_stands_on_every_page_of_those_who_signed_in() {
    let fake = Fake {
        standing: Standing {
            faults: Some("The service is <down> (outage).".to_owned()),
            ..Standing::default()
        },
        ..three_messages()
    };
    let browser = Browser::signed_in(fake, Role::Viewer).await;
    for path in ["/console", "/console/messages", "/console/mailboxes"] {
        let body = browser.get(path).await.body;
        assert!(
            body.contains(
                "<strong>Faults are set.</strong> The service is &#60;down&#62; (outage)."
            ),
            "{path}: {body}"
        );
    }
    let sound = Browser::signed_in(three_messages(), Role::Viewer).await;
    assert!(!sound.get("/console").await.body.contains("Faults are set"));
}

#[tokio::test]
async fn lists_what_the_filter_and_the_search_leave() {
    let browser = Browser::signed_in(three_messages(), Role::Viewer).await;
    for (query, shown, not_shown) in [
        (
            "",
            vec!["Clinic letter", "Rota", "Laboratory alert"],
            vec![],
        ),
        (
            "?status=failed",
            vec!["Laboratory alert"],
            vec!["Clinic letter", ">Rota<"],
        ),
        (
            "?status=held",
            vec!["No message matches"],
            vec!["Clinic letter"],
        ),
        ("?status=nonsense", vec!["Clinic letter"], vec![]),
        (
            "?search=%20Rota%20",
            vec!["Rota", "value=\"Rota\""],
            vec!["Clinic letter"],
        ),
        (
            "?search=&status=",
            vec!["Clinic letter"],
            vec!["No message matches"],
        ),
        (
            "?search=Rota&status=failed",
            vec!["No message matches"],
            vec![],
        ),
    ] {
        let page = browser.get(&format!("/console/messages{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        for text in shown {
            assert!(page.body.contains(text), "{query} shows {text}");
        }
        for text in not_shown {
            assert!(!page.body.contains(text), "{query} does not show {text}");
        }
    }
}

#[tokio::test]
async fn pages_lead_on_and_back_and_keep_the_filter() {
    let mut fake = Fake::default();
    for number in 0..120 {
        fake.messages
            .push(message(id(number), now(), &format!("Letter <{number}>")));
    }
    let browser = Browser::signed_in(fake, Role::Viewer).await;
    let mut path = "/console/messages?status=deferred&search=Letter%20%3C".to_owned();
    for (first, is_last) in [(0, false), (50, false), (100, true)] {
        let page = browser.get(&path).await;
        assert!(
            page.body.contains(&format!("Letter &#60;{first}&#62;")),
            "{path}"
        );
        assert_eq!(page.body.contains("rel=\"next\""), !is_last);
        assert_eq!(page.body.contains("rel=\"prev\""), first > 0);
        if !is_last {
            path = page.link("rel=\"next\"");
            assert!(
                path.contains("status=deferred&search=Letter%20%3C"),
                "{path}"
            );
        }
    }
    let long = "9".repeat(Cursor::OCTETS_MAX + 1);
    let page = browser
        .get(&format!("/console/messages?cursor={long}"))
        .await;
    assert!(
        page.body.contains("Letter &#60;0&#62;"),
        "starts at the first page"
    );
}

#[tokio::test]
async fn shows_all_that_is_known_of_a_message() {
    let mut made = message(id(1), now(), "Clinic letter");
    made.route = Some(RouteView {
        name: "submission".to_owned(),
        reason: "no exception asks for another".to_owned(),
    });
    made.waits = Some(WaitView {
        reason: "The lane pauses".to_owned(),
        limit: Some("30 messages a minute".to_owned()),
        until: Some(now().plus(Duration::from_secs(60))),
    });
    made.verdict = Some(VerdictView {
        decision: Decision::Hold,
        findings: vec![FindingView {
            decision: Decision::Hold,
            rule: "recipients-per-message".to_owned(),
            clauses: vec!["GUIDE-44".to_owned()],
            finding: "512 recipients".to_owned(),
            remedy: "Send in parts".to_owned(),
        }],
    });
    made.recipients[0].last_reply = Some("432 4.3.2 sender thread limit exceeded".to_owned());
    made.recipients_left_out = 1_299;
    made.attempts = vec![AttemptView {
        started: now(),
        ended: Some(now().plus(Duration::from_millis(412))),
        route: "submission".to_owned(),
        remote: "192.0.2.25 port 587".to_owned(),
        tls: Some(TlsView {
            version: "TLS 1.3".to_owned(),
            cipher: "TLS13_AES_256_GCM_SHA384".to_owned(),
            verified_name: "smtp.northmoor.example".to_owned(),
        }),
        recipients: 1,
        result: "put off".to_owned(),
        reply: None,
    }];
    made.timeline = vec![EventView {
        at: now(),
        title: "Retried by hand".to_owned(),
        detail: None,
        recipient: None,
        who: Some("grace".to_owned()),
    }];
    let fake = Fake {
        messages: vec![made],
        ..Fake::default()
    };
    let browser = Browser::signed_in(fake, Role::Operator).await;
    let page = browser.get(&format!("/console/messages/{}", id(1))).await;
    for text in [
        "Deferred",
        "SMTP with STARTTLS",
        "no exception asks for another",
        "The lane pauses",
        "30 messages a minute",
        "recipients-per-message",
        "GUIDE-44",
        "Send in parts",
        "432 4.3.2 sender thread limit exceeded",
        "1,300 recipients, 1 of them shown",
        "TLS13_AES_256_GCM_SHA384",
        "took 412 ms",
        "Retried by hand",
        "grace",
        "Retry now",
    ] {
        assert!(page.body.contains(text), "{text}");
    }
}

#[tokio::test]
async fn no_text_from_outside_becomes_markup() {
    let hostile = || HOSTILE.to_owned();
    let mut made = message(id(1), now(), HOSTILE);
    made.from = Some(hostile());
    made.message_id = Some(hostile());
    made.reverse_path = hostile();
    made.application = hostile();
    made.intake = hostile();
    made.data_class = Some(hostile());
    made.account = Some(hostile());
    made.route = Some(RouteView {
        name: hostile(),
        reason: hostile(),
    });
    made.waits = Some(WaitView {
        reason: hostile(),
        limit: Some(hostile()),
        until: None,
    });
    made.verdict = Some(VerdictView {
        decision: Decision::Refuse,
        findings: vec![FindingView {
            decision: Decision::Refuse,
            rule: hostile(),
            clauses: vec![hostile()],
            finding: hostile(),
            remedy: hostile(),
        }],
    });
    made.recipients = vec![recipient(HOSTILE, Status::Failed)];
    made.recipients[0].last_reply = Some(hostile());
    made.attempts = vec![AttemptView {
        started: now(),
        ended: None,
        route: hostile(),
        remote: hostile(),
        tls: Some(TlsView {
            version: hostile(),
            cipher: hostile(),
            verified_name: hostile(),
        }),
        recipients: 1,
        result: hostile(),
        reply: Some(hostile()),
    }];
    made.timeline = vec![EventView {
        at: now(),
        title: hostile(),
        detail: Some(hostile()),
        recipient: Some(hostile()),
        who: Some(hostile()),
    }];
    let raw = format!("From: {HOSTILE}\r\nSubject: {HOSTILE}\r\n\r\n{HOSTILE}");
    let mut item = FakeItem::new(7, now(), HOSTILE, raw);
    item.row.from = Some(hostile());
    item.row.to = Some(hostile());
    item.flags = vec![hostile()];
    let mut mailbox = FakeMailbox::new(HOSTILE, vec![item]);
    mailbox.account.display_name = Some(hostile());
    mailbox.folders[0].name = hostile();
    mailbox.folders[0].label = hostile();
    let mut fake = Fake {
        messages: vec![made],
        mailboxes: vec![mailbox],
        ..Fake::default()
    }
    .with_counts(now());
    fake.overview.store = StoreHealth::Full { detail: hostile() };
    fake.overview.alarms = vec![AlarmView {
        since: now(),
        title: hostile(),
        detail: hostile(),
        message: None,
    }];
    fake.overview
        .gateway
        .as_mut()
        .expect("made above")
        .breakers_open = vec![BreakerView {
        account: hostile(),
        opened: now(),
        reply: hostile(),
        waiting: 1,
    }];
    fake.conflict = Some(hostile());

    let browser = Browser::signed_in(fake, Role::Operator).await;
    let name = support::encoded(HOSTILE);
    let message_path = format!("/console/messages/{}", id(1));
    let item_path = format!("/console/mailboxes/{name}/items/7?folder={name}");
    let mut pages = Vec::new();
    for path in [
        "/console".to_owned(),
        format!("/console?x={name}"),
        "/console/messages".to_owned(),
        format!("/console/messages?search={name}&status={name}&cursor={name}"),
        message_path.clone(),
        format!("{message_path}?done={name}"),
        format!("{message_path}/cancel"),
        "/console/mailboxes".to_owned(),
        format!("/console/mailboxes?search={name}"),
        format!("/console/mailboxes/{name}?folder={name}"),
        item_path.clone(),
        format!("{item_path}&view=header"),
        format!("{item_path}&view=source"),
        format!("/console/{name}"),
        format!("/console/messages/{name}"),
    ] {
        pages.push((path.clone(), browser.get(&path).await));
    }
    pages.push((
        "conflict".to_owned(),
        browser.post(&format!("{message_path}/hold"), &[]).await,
    ));
    let stranger = Browser::new(Fake::default());
    let path = format!("/console/sign-in?next={name}");
    pages.push((path.clone(), stranger.get(&path).await));
    let again = stranger.sign_in(HOSTILE, HOSTILE, HOSTILE).await;
    assert!(
        again.body.contains("&#60;script&#62;"),
        "the name typed is shown again"
    );
    pages.push(("sign-in again".to_owned(), again));

    for (path, page) in pages {
        assert!(page.body.contains("<h1"), "{path} is a page");
        // The one script is ours, by its address.
        for markup in ["<script>", "<img", "onerror=alert(1)>", "'><", "\u{202e}"] {
            assert!(!page.body.contains(markup), "{path} contains {markup}");
        }
    }
}

#[tokio::test]
async fn every_page_is_one_document_for_everybody() {
    let mut fake = three_messages().with_counts(now());
    fake.mailboxes = mailbox_with(b"Subject: Letter\r\n\r\nHello").mailboxes;
    let browser = Browser::signed_in(fake, Role::Operator).await;
    let message_path = format!("/console/messages/{}", id(1));
    for path in [
        "/console",
        "/console/messages",
        &message_path,
        &format!("{message_path}/cancel"),
        "/console/control",
        "/console/mailboxes",
        "/console/mailboxes/ward7@northmoor.example",
        "/console/events",
        "/console/sessions",
        "/console/rehearsal",
        "/console/worlds",
        &format!("{ITEM}?folder=Inbox"),
        "/console/nothing-here",
    ] {
        let page = browser.get(path).await;
        for (text, count) in [
            ("<h1", 1),
            ("<html class=\"nhsuk-template\" lang=\"en-GB\">", 1),
            ("<main ", 1),
            ("<title>", 1),
            ("href=\"#maincontent\"", 1),
            ("id=\"maincontent\"", 1),
            ("Sign out", 1),
            ("Development twin", 1),
            (" style=", 0),
            ("<style", 0),
            (" onclick", 0),
            ("<script>", 0),
        ] {
            assert_eq!(page.body.matches(text).count(), count, "{path}: {text}");
        }
        assert_eq!(
            page.body.matches("<script").count(),
            page.body
                .matches("<script src=\"/console/assets/live-")
                .count(),
            "{path}"
        );
        let tables = page.body.matches("<table").count();
        assert_eq!(page.body.matches("<caption").count(), tables, "{path}");
        assert_eq!(
            page.body.matches("<th ").count(),
            page.body.matches("<th scope=\"col\"").count(),
            "{path}"
        );
        for field in page.body.split("<input").skip(1) {
            let field = &field[..field.find('>').expect("a whole tag")];
            let labelled = field
                .split("id=\"")
                .nth(1)
                .and_then(|rest| rest.split('"').next())
                .is_some_and(|id| {
                    page.body
                        .contains(&format!("<label class=\"nhsuk-label\" for=\"{id}\""))
                });
            assert!(
                labelled || field.contains("type=\"hidden\""),
                "{path}: {field}"
            );
        }
    }
}

#[tokio::test]
async fn every_answer_carries_its_headers() {
    let browser = Browser::signed_in(mailbox_with(b"Subject: x\r\n\r\nHello"), Role::Viewer).await;
    let stranger = Browser::new(Fake::default());
    for (browser, path) in [
        (&browser, "/console".to_owned()),
        (&browser, format!("{ITEM}?folder=Inbox")),
        (&browser, "/console/nothing-here".to_owned()),
        (&stranger, "/console".to_owned()),
        (&stranger, "/console/sign-in".to_owned()),
    ] {
        let page = browser.get(&path).await;
        for (name, value) in [
            (
                "content-security-policy",
                "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                 img-src 'self' data:; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
            ),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
        ] {
            assert_eq!(page.header(name), value, "{path}");
        }
    }
}

#[tokio::test]
async fn the_stylesheet_may_be_kept_for_good() {
    let browser = Browser::new(Fake::default());
    let page = browser.get("/console/sign-in").await;
    let path = page.link("rel=\"stylesheet\"");
    let style = browser.get(&path).await;
    assert_eq!(style.status, StatusCode::OK);
    assert_eq!(style.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(
        style.header("cache-control"),
        "public, max-age=31536000, immutable"
    );
    assert!(style.body.contains(".nhsuk-button"));
    let other = browser
        .get("/console/assets/console-0000000000000000.css")
        .await;
    assert_eq!(other.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_overview_says_what_keeps_mail_waiting() {
    let mut fake = three_messages().with_counts(now());
    let gateway = fake.overview.gateway.as_mut().expect("a gateway");
    gateway.space = Some(SpaceView {
        free: 5 * 1024 * 1024 * 1024,
        floor: 64 * 1024 * 1024,
    });
    gateway.paused = vec![PausedView {
        account: "clinic@northmoor.example".to_owned(),
        route: "nhsmail".to_owned(),
    }];
    gateway.oldest_by_class = vec![(
        "urgent".to_owned(),
        OldestView {
            id: id(1),
            accepted: now(),
            status: Status::Deferred,
        },
    )];
    gateway.limits = vec![LimitView {
        account: ACCOUNT.to_owned(),
        routes: "nhsmail, nhsmail-login".to_owned(),
        limit: "Messages per minute".to_owned(),
        most: Some(30),
        used: 28,
        left: Some(2),
        free_at: None,
        learnt: None,
    }];
    let browser = Browser::signed_in(fake, Role::Viewer).await;
    let page = browser.get("/console").await;
    for part in [
        "5.0 GB free; new mail is refused below 64.0 MB",
        "<bdi>clinic@northmoor.example</bdi> by nhsmail",
        "urgent: <a href=",
        "nhsmail, nhsmail-login</td>",
        "28 of 30",
        "A message counts once for each of its recipients.",
    ] {
        assert!(page.body.contains(part), "no {part:?} in {}", page.body);
    }
}

#[tokio::test]
async fn routes_that_were_left_and_that_end_are_named() {
    let mut fake = Fake::default().with_counts(now());
    let gateway = fake.overview.gateway.as_mut().expect("a gateway");
    gateway.diverted = vec![DivertedView {
        account: ACCOUNT.to_owned(),
        from: "nhsmail".to_owned(),
        to: "relay".to_owned(),
        since: now(),
        why: "nhsmail could not be used".to_owned(),
    }];
    gateway.endings = [40, -2]
        .map(|days_left| EndingView {
            route: "nhsmail".to_owned(),
            days_left,
            date: "2026-12-31".to_owned(),
            what: "passwords end".to_owned(),
        })
        .to_vec();
    let browser = Browser::signed_in(fake, Role::Viewer).await;
    let page = browser.get("/console").await;
    for part in [
        "<bdi>ward7@northmoor.example</bdi> by relay instead of nhsmail, since",
        "nhsmail in 40 days, on 2026-12-31: passwords end",
        "nhsmail, since 2026-12-31: passwords end",
    ] {
        assert!(page.body.contains(part), "no {part:?} in {}", page.body);
    }
}

#[tokio::test]
async fn pages_of_an_absent_half_do_not_exist() {
    let gateway = "/console/messages";
    let twin = "/console/mailboxes";
    for (halves, present, absent) in [
        (
            Halves {
                gateway: true,
                twin: false,
            },
            gateway,
            twin,
        ),
        (
            Halves {
                gateway: false,
                twin: true,
            },
            twin,
            gateway,
        ),
    ] {
        let fake = Fake {
            halves,
            ..Fake::default()
        };
        let browser = Browser::signed_in(fake.with_counts(now()), Role::Viewer).await;
        let overview = browser.get("/console").await;
        assert!(overview.body.contains(&format!("href=\"{present}\"")));
        assert!(!overview.body.contains(absent));
        assert_eq!(browser.get(present).await.status, StatusCode::OK);
        assert_eq!(browser.get(absent).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn what_cannot_be_answered_still_has_a_page() {
    let mut fake = three_messages();
    fake.conflict = Some("It has been relayed meanwhile.".to_owned());
    let browser = Browser::signed_in(fake, Role::Operator).await;
    for (path, status) in [
        ("/console/nothing-here", StatusCode::NOT_FOUND),
        ("/console/messages/not-an-id", StatusCode::NOT_FOUND),
        (
            &format!("/console/messages/{}", id(99)),
            StatusCode::NOT_FOUND,
        ),
        (
            &format!("/console/messages/{}/explode", id(1)),
            StatusCode::NOT_FOUND,
        ),
        (
            "/console/mailboxes/nobody@northmoor.example",
            StatusCode::NOT_FOUND,
        ),
        (
            "/console/mailboxes/x/items/notanumber?folder=x",
            StatusCode::BAD_REQUEST,
        ),
        ("/console/mailboxes/x/items/7", StatusCode::BAD_REQUEST),
        (
            "/console/messages?status=a&status=b",
            StatusCode::BAD_REQUEST,
        ),
        ("/console/mailboxes/%FF", StatusCode::BAD_REQUEST),
        ("/console/sign-out", StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, status, "{path}");
        assert!(
            page.body.contains("<h1 ") && page.body.contains("Sign out"),
            "{path}"
        );
    }
    let page = browser
        .post(&format!("/console/messages/{}/retry", id(1)), &[])
        .await;
    assert_eq!(page.status, StatusCode::CONFLICT);
    assert!(page.body.contains("It has been relayed meanwhile."));
    let odd = browser.get("/console/").await;
    assert_eq!(
        (odd.status, odd.header(header::LOCATION.as_str())),
        (StatusCode::PERMANENT_REDIRECT, "/console")
    );
}
