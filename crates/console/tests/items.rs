//! Mailboxes and their items: folders, the sandbox, what is saved.

#[allow(dead_code, reason = "no test here moves the clock")]
#[path = "../src/test_time.rs"]
mod test_time;

mod fake;
mod support;

use axum::http::StatusCode;
use fake::{Fake, FakeFolder, FakeItem, FakeMailbox};
use mailward_console::Role;
use support::{Browser, now};

const ITEM: &str = "/console/mailboxes/ward7@northmoor.example/items/7";

fn mailbox_with(raw: &[u8]) -> Fake {
    let item = FakeItem::new(7, now(), "Letter", raw.to_vec());
    Fake {
        mailboxes: vec![FakeMailbox::new("ward7@northmoor.example", vec![item])],
        ..Fake::default()
    }
}

#[tokio::test]
async fn html_is_served_in_its_sandbox_only() {
    let raw = b"Subject: x\r\nContent-Type: text/html\r\n\r\n<script>alert('mark')</script><LINK rel=preconnect>";
    let browser = Browser::signed_in(mailbox_with(raw), Role::Viewer).await;

    for view in [
        "",
        "&view=html",
        "&view=text",
        "&view=source",
        "&view=header",
    ] {
        let page = browser.get(&format!("{ITEM}?folder=Inbox{view}")).await;
        assert!(!page.body.contains("<script"), "{view}");
        let is_html = view.is_empty() || view == "&view=html";
        assert_eq!(
            page.body
                .contains("<iframe class=\"mailward-frame\" sandbox=\"\" src="),
            is_html
        );
    }
    let frame = browser.get(&format!("{ITEM}/html?folder=Inbox")).await;
    assert_eq!(frame.status, StatusCode::OK);
    assert!(
        frame.body.contains("<script>alert('mark')"),
        "as it was sent"
    );
    assert!(frame.body.contains("<x-LINK rel=preconnect>"));
    let policy = frame.header("content-security-policy");
    assert_eq!(
        policy,
        "default-src 'none'; img-src data:; style-src 'unsafe-inline'; form-action 'none'; \
         frame-ancestors 'self'; base-uri 'none'; sandbox"
    );
    assert_eq!(frame.header("x-content-type-options"), "nosniff");

    let alone = browser
        .get_with(
            &format!("{ITEM}/html?folder=Inbox"),
            "sec-fetch-dest",
            "document",
        )
        .await;
    assert_eq!(
        alone.status,
        StatusCode::SEE_OTHER,
        "not in a window of its own"
    );
    let framed = browser
        .get_with(
            &format!("{ITEM}/html?folder=Inbox"),
            "sec-fetch-dest",
            "iframe",
        )
        .await;
    assert_eq!(framed.status, StatusCode::OK);
}

#[tokio::test]
async fn long_html_falls_back_to_text() {
    let mut raw = b"Subject: x\r\nContent-Type: text/html\r\n\r\n".to_vec();
    raw.extend("<p>word</p>".repeat(200_000).into_bytes());
    let browser = Browser::signed_in(mailbox_with(&raw), Role::Viewer).await;
    let page = browser.get(&format!("{ITEM}?folder=Inbox")).await;
    assert!(!page.body.contains("<iframe") && page.body.contains("longer than 1.0 MB"));
    assert!(page.body.contains("word"));
    let frame = browser.get(&format!("{ITEM}/html?folder=Inbox")).await;
    assert_eq!(frame.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_is_saved_is_never_opened() {
    let raw = b"Subject: x\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nHello\r\n\
        --b\r\nContent-Type: text/html\r\n\
        Content-Disposition: attachment; filename*=utf-8''%E2%80%AEbad%22%0d%0aX-Bad%3A%20\xc3\xa9.html\r\n\
        Content-Transfer-Encoding: base64\r\n\r\nPHNjcmlwdD4=\r\n--b--\r\n";
    let browser = Browser::signed_in(mailbox_with(raw), Role::Viewer).await;
    for (path, body) in [
        (
            format!("{ITEM}/attachments/1?folder=Inbox"),
            &b"<script>"[..],
        ),
        (format!("{ITEM}/download?folder=Inbox"), raw),
    ] {
        let saved = browser.get(&path).await;
        assert_eq!(saved.status, StatusCode::OK, "{path}");
        assert_eq!(saved.bytes, body, "{path}");
        assert_eq!(saved.header("content-type"), "application/octet-stream");
        assert_eq!(saved.header("x-content-type-options"), "nosniff");
        assert_eq!(
            saved.header("content-security-policy"),
            "default-src 'none'; sandbox"
        );
        let disposition = saved.header("content-disposition");
        assert!(
            disposition.starts_with("attachment; filename=\""),
            "{disposition}"
        );
        assert!(
            !disposition.contains("%0D") && !disposition.contains("%E2%80%AE"),
            "{disposition}"
        );
        assert!(!saved.headers.contains_key("x-bad"));
    }
    for path in [
        "attachments/9?folder=Inbox",
        "attachments/1?folder=Elsewhere",
    ] {
        let none = browser.get(&format!("{ITEM}/{path}")).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn a_very_large_item_shows_its_beginning() {
    let mut raw = b"Subject: large\r\n\r\n".to_vec();
    raw.resize(41 * 1024 * 1024, b'x');
    let browser = Browser::signed_in(mailbox_with(&raw), Role::Viewer).await;
    let page = browser.get(&format!("{ITEM}?folder=Inbox")).await;
    assert!(page.body.contains("Only the beginning is shown") && page.body.contains("large</bdi>"));
    let saved = browser.get(&format!("{ITEM}/download?folder=Inbox")).await;
    assert_eq!(saved.bytes.len(), raw.len());
}

#[tokio::test]
async fn folders_may_have_any_name() {
    let mut fake = mailbox_with(b"Subject: x\r\n\r\nHello");
    for name in ["..", "a/b", "Ünread & more?", "50%"] {
        fake.mailboxes[0].folders.push(FakeFolder {
            name: name.to_owned(),
            label: name.to_owned(),
            depth: 9,
            items: vec![FakeItem::new(
                1,
                now(),
                "Inside",
                "Subject: x\r\n\r\nInside it",
            )],
        });
    }
    let browser = Browser::signed_in(fake, Role::Viewer).await;
    let page = browser
        .get("/console/mailboxes/ward7@northmoor.example")
        .await;
    for link in page.links("mailward-folders__link").into_iter().skip(1) {
        let folder = browser.get(&link).await;
        assert!(folder.body.contains("aria-current=\"true\""), "{link}");
        let item = folder.links_of_cells().pop().expect("its item");
        assert!(
            browser.get(&item).await.body.contains("Inside it"),
            "{item}"
        );
    }
}
