//! What the twin's pages say of its accounts and of what it did.

#[allow(dead_code, reason = "no test here moves the clock")]
#[path = "../src/test_time.rs"]
mod test_time;

mod fake;
mod support;

use std::time::Duration;

use axum::http::StatusCode;
use fake::{Fake, FakeMailbox, HOSTILE};
use mailward_console::view::{AccountState, BehaviourView, ClauseView, QuotaLevel, ServiceEvent};
use mailward_console::{Halves, Role};
use support::{Browser, now};

const ACCOUNT: &str = "ward7@northmoor.example";

fn event(sequence: u64, protocol: &str, kind: &str, account: &str) -> ServiceEvent {
    ServiceEvent {
        sequence,
        at: now(),
        protocol: protocol.to_owned(),
        kind: kind.to_owned(),
        account: Some(account.to_owned()),
        session: Some("imap-7".to_owned()),
        message: None,
        message_id: None,
        why: format!("event number {sequence}"),
        is_refusal: kind == "refused",
        behaviour: None,
        clauses: Vec::new(),
    }
}

fn refusal(sequence: u64) -> ServiceEvent {
    ServiceEvent {
        behaviour: Some(BehaviourView {
            id: "wrong-passwords".to_owned(),
            punishes: "ten wrong passwords running".to_owned(),
            words: "535 5.7.139 Authentication unsuccessful".to_owned(),
            standing: "inferred".to_owned(),
            remedy: Some("Put the password right.".to_owned()),
        }),
        clauses: vec![ClauseView {
            id: "GUIDE-37".to_owned(),
            text: Some("Ten wrong passwords lock the account.".to_owned()),
        }],
        ..event(sequence, "high_sending", "refused", ACCOUNT)
    }
}

fn source() -> Fake {
    Fake {
        events: vec![
            event(3, "imap", "signed_in", "asha@northmoor.example"),
            refusal(2),
            event(1, "submission", "accepted", ACCOUNT),
        ],
        ..Fake::default()
    }
}

#[tokio::test]
async fn every_refusal_says_why() {
    let browser = Browser::signed_in(source(), Role::Viewer).await;
    let page = browser.get("/console/events").await;
    assert_eq!(page.status, StatusCode::OK);
    for text in [
        "IMAP",
        "Signed in",
        "High sending",
        "Why?",
        "ten wrong passwords running",
        "wrong-passwords, inferred",
        "<code>535 5.7.139 Authentication unsuccessful</code>",
        "Inferred: the likeliest",
        "What to do: Put the password right.",
        "href=\"/console/sessions/imap-7\"",
        "<strong>GUIDE-37</strong>: Ten wrong passwords lock the account.",
        "event number 1",
    ] {
        assert!(page.body.contains(text), "{text}\n{}", page.body);
    }
    assert_eq!(page.body.matches("<details").count(), 1);
}

#[tokio::test]
async fn what_became_of_a_message_is_one_page() {
    let of_message = |mut event: ServiceEvent| {
        event.message = Some(7);
        event
    };
    let mut accepted = of_message(event(1, "submission", "accepted", ACCOUNT));
    accepted.message_id = Some(format!("<{HOSTILE}>"));
    let source = Fake {
        events: vec![
            of_message(event(4, "imap", "fetched", ACCOUNT)),
            event(3, "imap", "signed_in", ACCOUNT),
            of_message(event(2, "submission", "delivered", ACCOUNT)),
            accepted,
        ],
        ..Fake::default()
    };
    let browser = Browser::signed_in(source, Role::Viewer).await;
    let events = browser.get("/console/events").await.body;
    assert_eq!(events.matches("/console/traces?message=7\"").count(), 3);
    let page = browser.get("/console/traces?message=7").await;
    let places = [1, 2, 4].map(|number| page.body.find(&format!("event number {number}")));
    assert!(places.is_sorted() && places[0].is_some(), "{}", page.body);
    for (text, is_there) in [
        ("event number 3", false),
        (HOSTILE, false),
        ("as message 7", true),
        (
            "data-live=\"/console/live/traces?message=7&#38;after=7\"",
            true,
        ),
    ] {
        assert_eq!(page.body.contains(text), is_there, "{text}\n{}", page.body);
    }
    for (query, text) in [
        ("", "leads to all of it"),
        ("?message=8", "Nothing is remembered"),
        ("?message=%3Cx%3E", "Nothing is remembered"),
    ] {
        let page = browser.get(&format!("/console/traces{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        assert!(page.body.contains(text), "{query}\n{}", page.body);
    }
}

#[tokio::test]
async fn events_are_found_by_account_protocol_and_refusal() {
    let browser = Browser::signed_in(source(), Role::Viewer).await;
    for (query, shown) in [
        ("", vec![1, 2, 3]),
        ("?account=ward7", vec![1, 2]),
        ("?protocol=imap", vec![3]),
        ("?refusals=only", vec![2]),
        ("?account=&protocol=&refusals=", vec![1, 2, 3]),
        ("?account=ward7&protocol=imap", vec![]),
    ] {
        let page = browser.get(&format!("/console/events{query}")).await;
        assert_eq!(page.status, StatusCode::OK, "{query}");
        for number in 1..=3 {
            let text = format!("event number {number}");
            assert_eq!(
                page.body.contains(&text),
                shown.contains(&number),
                "{query}: {number}"
            );
        }
        let none = page.body.contains("No event matches");
        assert_eq!(none, shown.is_empty(), "{query}");
    }
}

#[tokio::test]
async fn an_account_shows_its_state_and_how_full_it_is() {
    for (state, octets, throttled, shown, not_shown) in [
        (
            AccountState::Active,
            20,
            false,
            vec![">Active<", "20%"],
            vec!["Over quota", "Throttled"],
        ),
        (
            AccountState::Locked,
            20,
            false,
            vec![">Locked<"],
            vec![">Active<"],
        ),
        (
            AccountState::Active,
            120,
            false,
            vec!["Over quota: cannot send or receive", "120%"],
            vec![">Active<"],
        ),
        (
            AccountState::Active,
            99,
            true,
            vec!["Throttled", "until", "Over quota: cannot send<"],
            vec![">Active<", "or receive"],
        ),
        (
            AccountState::Disabled,
            100,
            true,
            vec![">Disabled<", "Over quota", "Throttled"],
            vec![],
        ),
    ] {
        let mut mailbox = FakeMailbox::new(ACCOUNT, Vec::new());
        mailbox.account.state = state;
        mailbox.account.octets = octets;
        mailbox.account.quota_octets = Some(100);
        mailbox.account.quota = match octets {
            ..90 => QuotaLevel::Room,
            90..99 => QuotaLevel::Warning,
            99 => QuotaLevel::ProhibitSend,
            _ => QuotaLevel::ProhibitSendReceive,
        };
        mailbox.account.throttled_until = throttled.then(|| now().plus(Duration::from_secs(40)));
        let fake = Fake {
            mailboxes: vec![mailbox],
            ..Fake::default()
        };
        let browser = Browser::signed_in(fake, Role::Viewer).await;
        for path in [
            "/console/mailboxes",
            "/console/mailboxes/ward7@northmoor.example",
        ] {
            let page = browser.get(path).await;
            for text in &shown {
                assert!(
                    page.body.contains(text),
                    "{path} {state:?} {octets}: {text}"
                );
            }
            for text in &not_shown {
                assert!(
                    !page.body.contains(text),
                    "{path} {state:?} {octets}: {text}"
                );
            }
        }
    }
}

#[tokio::test]
async fn what_clients_wrote_is_escaped() {
    let fake = Fake {
        events: vec![ServiceEvent {
            why: HOSTILE.to_owned(),
            ..event(1, "imap", "refused", HOSTILE)
        }],
        ..Fake::default()
    };
    let browser = Browser::signed_in(fake, Role::Viewer).await;
    let page = browser.get("/console/events").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(!page.body.contains("<script>alert"), "{}", page.body);
    assert!(!page.body.contains("<img src=x"), "{}", page.body);
}

#[tokio::test]
async fn a_gateway_alone_has_no_events_page() {
    let fake = Fake {
        halves: Halves {
            gateway: true,
            twin: false,
        },
        ..Fake::default()
    };
    let browser = Browser::signed_in(fake, Role::Viewer).await;
    let page = browser.get("/console/events").await;
    assert_eq!(page.status, StatusCode::NOT_FOUND);
}
