//! What is done to the twin at the console: accounts, rehearsals, worlds; what
//! was said in sessions; and pages that hear what is new.

#[allow(dead_code, reason = "no test here moves the clock")]
#[path = "../src/test_time.rs"]
mod test_time;

mod fake;
mod support;

use std::time::Duration;

use axum::http::StatusCode;
use fake::{Fake, FakeItem, FakeMailbox, HOSTILE};
use mailward_console::Role;
use mailward_console::view::{
    AccountDetail, FaultRow, LineView, ModeRow, Page, ProtocolView, ScenarioRow, SenderView,
    ServiceEvent, SessionRow, SessionView, Speaker, Standing, WorldRow, WorldView,
};
use support::{Browser, now};

const ACCOUNT: &str = "ward7@northmoor.example";

fn event(sequence: u64, kind: &str) -> ServiceEvent {
    ServiceEvent {
        sequence,
        at: now().plus(Duration::from_millis(sequence * 10)),
        protocol: "imap".to_owned(),
        kind: kind.to_owned(),
        account: Some(ACCOUNT.to_owned()),
        session: Some("imap-7".to_owned()),
        message: None,
        message_id: None,
        why: format!("event number {sequence}"),
        is_refusal: kind == "refused",
        behaviour: None,
        clauses: Vec::new(),
    }
}

fn with_account() -> Fake {
    let mailbox = FakeMailbox::new(ACCOUNT, Vec::new());
    Fake {
        detail: Some(AccountDetail {
            account: mailbox.account.clone(),
            protocols: vec![ProtocolView {
                name: "pop".to_owned(),
                label: "POP3".to_owned(),
                is_on: false,
                why_off: Some("Not enabled".to_owned()),
            }],
            password_changed: now(),
            password_expires: now(),
            wrong_passwords: 3,
            wrong_passwords_max: Some(10),
            sender: SenderView {
                recipients_max: 500,
            },
            auto_reply: None,
            reading_after_seconds: None,
            events: vec![event(1, "refused")],
        }),
        mailboxes: vec![mailbox],
        ..Fake::default()
    }
}

/// What was done last, and by whom.
fn acted(browser: &Browser) -> Vec<(String, String)> {
    let acted = browser.source.twin_acted.lock();
    acted.expect("no test panics with it").clone()
}

#[tokio::test]
async fn an_account_is_managed_in_the_name_of_who_is_signed_in() {
    let browser = Browser::signed_in(with_account(), Role::Operator).await;
    let page = browser
        .get("/console/accounts/ward7@northmoor.example")
        .await;
    for text in [
        "POP3",
        "Not enabled",
        "3 in a row; 10 lock",
        "event number 1",
    ] {
        assert!(page.body.contains(text), "{text}\n{}", page.body);
    }
    for (verb, fields, done) in [
        ("lock", vec![], "Lock"),
        ("unlock", vec![], "Unlock"),
        ("disable", vec![], "Disable"),
        ("enable", vec![], "Enable"),
        ("expire", vec![], "Expire"),
        ("force-change", vec![], "ForceChange"),
        ("block", vec![], "Block"),
        ("end-auto-reply", vec![], "EndAutoReply"),
        (
            "protocols",
            vec![("protocol", "pop"), ("protocol", "imap")],
            "Protocols([\"pop\", \"imap\"])",
        ),
        ("protocols", vec![], "Protocols([])"),
        ("convert", vec![("kind", "shared")], "Convert(Shared)"),
        ("quota", vec![("quota_mb", " 12 ")], "Quota(Some(12))"),
        ("quota", vec![("quota_mb", "")], "Quota(None)"),
        (
            "recipients",
            vec![("recipients_max", "20")],
            "Recipients(20)",
        ),
        (
            "reading",
            vec![("after_seconds", "5")],
            "Reading { after_seconds: 5 }",
        ),
    ] {
        let path = format!("/console/accounts/{ACCOUNT}/{verb}");
        let asked = browser.get(&path).await;
        assert_eq!(asked.status, StatusCode::OK, "{verb}");
        assert!(
            acted(&browser)
                .last()
                .is_none_or(|(last, _)| !last.contains(done)),
            "{verb}"
        );
        let answer = browser.post(&path, &fields).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{verb}: {}",
            answer.body
        );
        let expected = (format!("(\"{ACCOUNT}\", {done})"), "ada".to_owned());
        assert_eq!(acted(&browser).last(), Some(&expected));
        let shown = browser.get(answer.header("location")).await;
        assert!(shown.body.contains("role=\"alert\""), "{verb}");
    }
    let path = format!("/console/accounts/{ACCOUNT}/password");
    let set = [("new", "Nine-Lanterns"), ("must_change", "yes")];
    assert_eq!(
        browser.post(&path, &set).await.status,
        StatusCode::SEE_OTHER
    );
    let (what, _) = acted(&browser).pop().expect("an act");
    assert!(what.contains("must_change: true"), "{what}");
    assert!(!what.contains("Nine"), "a password is printed: {what}");
}

#[tokio::test]
async fn what_is_wrong_with_a_form_stands_on_its_page() {
    let browser = Browser::signed_in(with_account(), Role::Operator).await;
    for (verb, fields) in [
        ("quota", vec![("quota_mb", "much")]),
        ("recipients", vec![("recipients_max", "")]),
        ("convert", vec![("kind", "king")]),
        ("password", vec![("new", "")]),
        ("auto-reply", vec![("text", " ")]),
        ("reading", vec![]),
    ] {
        let path = format!("/console/accounts/{ACCOUNT}/{verb}");
        let answer = browser.post(&path, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{verb}");
        assert!(answer.body.contains("There is a problem"), "{verb}");
    }
    assert!(acted(&browser).is_empty());
    let refusing = Fake {
        conflict: Some(format!("It is weak {HOSTILE}")),
        ..with_account()
    };
    let browser = Browser::signed_in(refusing, Role::Operator).await;
    let path = format!("/console/accounts/{ACCOUNT}/password");
    let answer = browser.post(&path, &[("new", "weak")]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("It is weak") && !answer.body.contains("<script>"));
}

#[tokio::test]
async fn only_operators_act_and_only_with_the_token_of_their_session() {
    let paths = [
        format!("/console/accounts/{ACCOUNT}/lock"),
        "/console/rehearsal".to_owned(),
        "/console/worlds".to_owned(),
        "/console/worlds/suite-7".to_owned(),
        "/console/worlds/suite-7/delete".to_owned(),
    ];
    let fields = [("act", "begin"), ("name", "x"), ("from", "seed")];
    let viewer = Browser::signed_in(with_account(), Role::Viewer).await;
    let operator = Browser::signed_in(with_account(), Role::Operator).await;
    for path in &paths {
        let refused = viewer.post(path, &fields).await;
        assert_eq!(refused.status, StatusCode::FORBIDDEN, "{path}");
        let forged = operator.post_bare(path, &fields).await;
        assert_eq!(forged.status, StatusCode::FORBIDDEN, "{path}");
    }
    assert!(acted(&viewer).is_empty() && acted(&operator).is_empty());
    let page = viewer.get("/console/rehearsal").await;
    assert!(!page.body.contains("Begin a rehearsal</button>"));
}

#[tokio::test]
async fn nothing_is_rehearsed_before_a_rehearsal_is_begun() {
    let mut fake = with_account();
    fake.rehearsal.modes = vec![ModeRow {
        name: "outage".to_owned(),
        says: "The service is down.".to_owned(),
        is_on: false,
    }];
    fake.rehearsal.scenarios = vec![ScenarioRow {
        name: "delay".to_owned(),
        title: "Delivery is delayed".to_owned(),
        text: "It is busy.".to_owned(),
        look_for: vec!["It waits.".to_owned()],
        clauses: vec!["GUIDE-101".to_owned()],
        is_hazard: true,
        is_on: false,
    }];
    fake.worlds = vec![world("suite-7")];
    let browser = Browser::signed_in(fake, Role::Operator).await;
    let path = "/console/rehearsal";
    let page = browser.get(path).await;
    assert!(page.body.contains("Delivery is delayed") && !page.body.contains(">Play<"));
    let play = [("act", "play"), ("what", "delay")];
    assert_eq!(browser.post(path, &play).await.status, StatusCode::CONFLICT);
    assert!(acted(&browser).is_empty());

    browser.post(path, &[("act", "begin"), ("what", "")]).await;
    for shown in [path, "/console", "/console/mailboxes", "/console/messages"] {
        let page = browser.get(shown).await;
        assert!(page.body.contains("<strong>Rehearsal.</strong>"), "{shown}");
    }
    let elsewhere = browser.get("/console/rehearsal?world=suite-7").await;
    assert!(!elsewhere.body.contains("<strong>Rehearsal.</strong>"));
    for (act, what, done) in [
        ("play", "delay", "Play(\"delay\")"),
        ("end-scenario", "delay", "EndScenario(\"delay\")"),
        ("switch-on", "outage", "SwitchOn(\"outage\")"),
        ("switch-off", "outage", "SwitchOff(\"outage\")"),
        ("remove-fault", "delay_1", "RemoveFault(\"delay_1\")"),
        ("advance", "3600", "Advance(3600s)"),
        (
            "set-clock",
            "2027-01-05T09:00",
            "SetClock(2027-01-05T09:00:00.000Z)",
        ),
        ("end-clock", "", "EndClock"),
        (
            "choose-day",
            "2027-01-05",
            "ChooseDay(Some(2027-01-05T00:00:00.000Z))",
        ),
        ("end-day", "", "ChooseDay(None)"),
    ] {
        let answer = browser.post(path, &[("act", act), ("what", what)]).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{act}: {}",
            answer.body
        );
        let expected = (done.to_owned(), "ada".to_owned());
        assert_eq!(acted(&browser).last(), Some(&expected));
    }
    for (act, what) in [
        ("advance", "soon"),
        ("set-clock", "noon"),
        ("choose-day", ""),
    ] {
        let answer = browser.post(path, &[("act", act), ("what", what)]).await;
        assert_eq!(answer.status, StatusCode::CONFLICT, "{act}");
    }
    browser.post(path, &[("act", "end"), ("what", "")]).await;
    assert_eq!(
        acted(&browser).last().map(|(what, _)| what.as_str()),
        Some("MakeSound")
    );
    assert!(
        !browser
            .get("/console")
            .await
            .body
            .contains("<strong>Rehearsal.</strong>")
    );
}

#[tokio::test]
async fn every_page_says_how_the_world_stands_apart() {
    let fake = Fake {
        standing: Standing {
            faults: None,
            clock: Some(now()),
            as_of: Some("2027-01-05".to_owned()),
        },
        ..with_account()
    };
    let browser = Browser::signed_in(fake, Role::Viewer).await;
    for path in ["/console", "/console/events", "/console/worlds"] {
        let page = browser.get(path).await;
        for text in [
            "<strong>The clock was moved.</strong>",
            "It behaves as on 2027-01-05",
        ] {
            assert!(page.body.contains(text), "{path}: {text}");
        }
    }
}

fn world(name: &str) -> WorldView {
    WorldView {
        suffix: format!("#{name}"),
        host: format!("{name}.twin.test"),
        snapshots: vec!["clean".to_owned()],
        world: WorldRow {
            name: name.to_owned(),
            is_default: name == "default",
            now: now(),
            as_of: "2022-03-01".to_owned(),
            accounts: 5,
            faults: None,
        },
    }
}

#[tokio::test]
async fn pages_of_a_world_lead_to_pages_of_that_world() {
    let mut fake = with_account();
    fake.worlds = vec![world("default"), world("suite-7")];
    let item = FakeItem::new(7, now(), "Letter", "Subject: Letter\r\n\r\nText\r\n");
    fake.mailboxes = vec![FakeMailbox::new(ACCOUNT, vec![item])];
    fake.events = vec![event(1, "refused")];
    let browser = Browser::signed_in(fake, Role::Operator).await;
    for path in [
        "/console/mailboxes",
        "/console/mailboxes/ward7@northmoor.example",
        "/console/mailboxes/ward7@northmoor.example/items/7?folder=Inbox",
        "/console/accounts/ward7@northmoor.example",
        "/console/accounts/ward7@northmoor.example/lock",
        "/console/events",
        "/console/sessions",
        "/console/rehearsal",
    ] {
        let joint = if path.contains('?') { '&' } else { '?' };
        let page = browser.get(&format!("{path}{joint}world=suite-7")).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        assert!(
            page.body
                .contains("<strong>World <bdi>suite-7</bdi>.</strong>"),
            "{path}"
        );
        // What belongs to a world names it; what does not, does not.
        for link in page.links("href=\"/console/") {
            let of_none = [
                "/console/worlds",
                "/console/messages",
                "/console/control",
                "/console/assets",
            ];
            let is_of_none = of_none.iter().any(|one| link.starts_with(one));
            assert_eq!(
                link.contains("world=suite-7"),
                !is_of_none,
                "{path}: {link}"
            );
        }
        let other = browser.get(&format!("{path}{joint}world=nowhere")).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn worlds_are_led_and_what_takes_away_asks_first() {
    let mut fake = with_account();
    fake.worlds = vec![world("default"), world("suite-7")];
    let browser = Browser::signed_in(fake, Role::Operator).await;
    let list = browser.get("/console/worlds").await;
    for text in [
        "suite-7",
        "2 worlds beside the default one",
        "world=suite-7",
    ] {
        assert!(list.body.contains(text), "{text}");
    }
    let one = "/console/worlds/suite-7";
    for (path, fields, done) in [
        (
            "/console/worlds",
            vec![("name", " new "), ("from", "empty")],
            "Make { name: \"new\", from: Empty }",
        ),
        (
            one,
            vec![("act", "fork"), ("name", "copy")],
            "Make { name: \"copy\", from: World(\"suite-7\") }",
        ),
        (
            one,
            vec![("act", "snapshot"), ("name", "noon")],
            "Keep { world: \"suite-7\", snapshot: \"noon\" }",
        ),
        (
            "/console/worlds/suite-7/reset",
            vec![],
            "Reset { world: \"suite-7\" }",
        ),
        (
            "/console/worlds/suite-7/restore?snapshot=clean",
            vec![],
            "Restore { world: \"suite-7\", snapshot: \"clean\" }",
        ),
        (
            "/console/worlds/suite-7/forget-snapshot?snapshot=clean",
            vec![],
            "ForgetSnapshot { world: \"suite-7\", snapshot: \"clean\" }",
        ),
        (
            "/console/worlds/suite-7/delete",
            vec![],
            "Delete { world: \"suite-7\" }",
        ),
    ] {
        let before = acted(&browser).len();
        assert_eq!(browser.get(path).await.status, StatusCode::OK, "{path}");
        assert_eq!(acted(&browser).len(), before, "{path} is done unasked");
        let answer = browser.post(path, &fields).await;
        assert_eq!(
            answer.status,
            StatusCode::SEE_OTHER,
            "{path}: {}",
            answer.body
        );
        assert_eq!(
            acted(&browser).last(),
            Some(&(done.to_owned(), "ada".to_owned()))
        );
    }
    let nowhere = browser.get("/console/worlds/nowhere").await;
    assert_eq!(nowhere.status, StatusCode::NOT_FOUND);
}

fn session(lines: u64) -> SessionView {
    let line = |number: u64| LineView {
        number,
        at: now().plus(Duration::from_millis(number * 10)),
        speaker: if number.is_multiple_of(2) {
            Speaker::Client
        } else {
            Speaker::Service
        },
        tls: true,
        text: format!("line {number} {HOSTILE}"),
    };
    SessionView {
        session: SessionRow {
            id: "imap-7".to_owned(),
            protocol: "imap".to_owned(),
            peer: "127.0.0.1:40000".to_owned(),
            begun: now(),
            ended: None,
            tls: true,
            lines,
            account: Some(ACCOUNT.to_owned()),
            outcome: "1 refused".to_owned(),
            is_bad: true,
        },
        forgotten: 0,
        lines: Page::only((1..=lines).map(line).collect()),
        events: vec![event(3, "refused"), event(250, "signed_in")],
    }
}

#[tokio::test]
async fn a_session_shows_what_was_said_page_by_page_with_its_events_between() {
    let fake = Fake {
        sessions: vec![session(300)],
        ..with_account()
    };
    let browser = Browser::signed_in(fake, Role::Viewer).await;
    let list = browser.get("/console/sessions").await;
    for text in ["imap-7", "1 refused", "127.0.0.1:40000", "Still open"] {
        assert!(list.body.contains(text), "{text}");
    }
    let first = browser.get("/console/sessions/imap-7").await;
    let place = |page: &support::Answer, id: &str| page.body.find(&format!("id=\"{id}\""));
    assert!(place(&first, "line-200").is_some() && place(&first, "line-201").is_none());
    assert!(place(&first, "line-3") < place(&first, "event-3"));
    assert!(place(&first, "event-3") < place(&first, "line-4"));
    assert!(place(&first, "event-250").is_none());
    assert!(!first.body.contains("<script>"));
    let second = browser.get(&first.link("rel=\"next\"")).await;
    assert!(place(&second, "line-201").is_some() && place(&second, "event-250").is_some());
    assert!(place(&second, "event-3").is_none());
    let none = browser.get("/console/sessions/imap-8").await;
    assert_eq!(none.status, StatusCode::NOT_FOUND);
}

/// The events of a stream: name and data.
fn heard(answer: &support::Answer) -> Vec<(String, String)> {
    let pieces = answer.body.split("\n\n");
    pieces
        .filter_map(|piece| {
            let field = |name: &str| {
                let lines = piece.lines();
                let found = lines.filter_map(|line| line.strip_prefix(name));
                found.collect::<Vec<_>>().join("\n")
            };
            let event = field("event: ");
            (!event.is_empty()).then(|| (event, field("data: ")))
        })
        .collect()
}

#[tokio::test]
async fn an_open_page_hears_what_is_new_and_what_changed() {
    let item = FakeItem::new(9, now(), HOSTILE, "Subject: Letter\r\n\r\nText\r\n");
    let fake = || Fake {
        mailboxes: vec![FakeMailbox::new(
            ACCOUNT,
            vec![FakeItem {
                raw: item.raw.clone(),
                row: item.row.clone(),
                flags: Vec::new(),
            }],
        )],
        sessions: vec![session(3)],
        news: std::sync::Mutex::new([vec![event(8, "refused"), event(9, "fault")], vec![]].into()),
        ..with_account()
    };
    for (path, expected) in [
        (
            "/console/events",
            vec![("new", "id=\"event-8\""), ("new", "id=\"event-9\"")],
        ),
        (
            "/console/events?refusals=only",
            vec![("new", "id=\"event-8\"")],
        ),
        ("/console/events?protocol=pop", vec![]),
        (
            "/console/mailboxes",
            vec![("patch", "id=\"account-ward7@northmoor.example\"")],
        ),
        (
            "/console/sessions",
            vec![("patch", "id=\"session-imap-7\"")],
        ),
        ("/console", vec![]),
        (
            "/console/rehearsal",
            vec![("patch", "id=\"faults\""), ("patch", "id=\"faults\"")],
        ),
    ] {
        let browser = Browser::signed_in(fake(), Role::Viewer).await;
        let page = browser.get(path).await;
        let live = page.body.split("data-live=\"").nth(1).expect("a live page");
        let live = live
            .split('"')
            .next()
            .expect("its address")
            .replace("&#38;", "&");
        let stream = browser.get(&live).await;
        assert_eq!(stream.header("content-type"), "text/event-stream", "{path}");
        let told = heard(&stream);
        let rows: Vec<&(String, String)> = told.iter().filter(|(event, _)| event != "at").collect();
        assert_eq!(rows.len(), expected.len(), "{path}: {}", stream.body);
        for ((event, data), (name, text)) in rows.iter().zip(expected) {
            assert_eq!(event, name, "{path}");
            assert!(data.contains(text), "{path}: {data}");
        }
        assert!(stream.body.contains("id: 9\n"), "{path}: {}", stream.body);
    }
    // Of a mailbox the rows above the newest that the page has.
    let browser = Browser::signed_in(fake(), Role::Viewer).await;
    let path = "/console/live/mailboxes/ward7@northmoor.example?folder=Inbox&uid=8&after=7";
    let told = heard(&browser.get(path).await);
    assert!(told[0].0 == "patch" && told[0].1.contains("id=\"folders\""));
    let (name, data) = &told[1];
    assert!(name == "new" && data.contains("id=\"item-9\""), "{told:?}");
    assert!(!data.contains("<script>"));
    // Of a message what is about it.
    let about = ServiceEvent {
        message: Some(4),
        ..event(9, "fetched")
    };
    let news = std::sync::Mutex::new([vec![event(8, "signed_in"), about]].into());
    let browser = Browser::signed_in(Fake { news, ..fake() }, Role::Viewer).await;
    let told = heard(&browser.get("/console/live/traces?message=4&after=7").await);
    let [(name, data)] = &told[..told.len() - 1] else {
        panic!("{told:?}");
    };
    assert!(name == "new" && data.contains("id=\"event-9\""), "{told:?}");
    // Signed out there is nothing to hear.
    let stranger = browser.another([192, 0, 2, 9]);
    assert_eq!(stranger.get(path).await.status, StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_banner_that_changes_is_told() {
    let fake = Fake {
        rehearsal: mailward_console::view::RehearsalView {
            faults: vec![FaultRow {
                id: "delay_1".to_owned(),
                what: "smtp".to_owned(),
                note: None,
                part_of: None,
                until: None,
                struck: 2,
                times: Some(3),
            }],
            ..with_account().rehearsal
        },
        news: std::sync::Mutex::new([vec![]].into()),
        ..with_account()
    };
    let browser = Browser::signed_in(fake, Role::Operator).await;
    let told = heard(&browser.get("/console/live/rehearsal?after=1").await);
    assert!(
        told.iter().any(|(_, data)| data.contains("2 of 3")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_page_of_a_world_that_was_put_back_is_loaded_again() {
    let fake = Fake {
        news: std::sync::Mutex::new([vec![event(2, "made")], vec![event(3, "refused")]].into()),
        ..with_account()
    };
    let browser = Browser::signed_in(fake, Role::Viewer).await;
    let told = heard(&browser.get("/console/live/events?after=7").await);
    assert_eq!(told, [("again".to_owned(), String::new())]);
}
