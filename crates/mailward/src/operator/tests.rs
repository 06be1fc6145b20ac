//! The same questions over the socket and straight to the store.

use std::path::Path;
use std::sync::Arc;

use mailward_mail::{Clock, MessageId};
use mailward_net::{SystemClock, Tasks};
use mailward_queue::{Actor, BulkAct, Scope, StateWord};
use mailward_testkit::PATIENCE;
use serde_json::Value;

use super::testing::Fixture;
use super::{Act, ControlRequest, OperatorError, Request, Sources, answer, ask, serve};

fn list(state: Option<StateWord>) -> Request {
    Request::List {
        state,
        application: None,
        account: None,
        route: None,
        class: None,
        text: None,
        cursor: None,
        limit: 50,
    }
}

fn act(act: Act, id: MessageId, recipient: Option<&str>) -> Request {
    Request::Act {
        act,
        id,
        recipient: recipient.map(str::to_owned),
        who: Actor::new("j.doe"),
        why: "the ward asked".to_owned(),
    }
}

/// Every kind of question; none changes anything.
fn questions(fixture: &Fixture) -> Vec<Request> {
    vec![
        list(None),
        list(Some(StateWord::Hold)),
        Request::Show { id: fixture.tried },
        Request::Summary,
    ]
}

async fn answers(dir: &Path, requests: Vec<Request>) -> Vec<Value> {
    let mut answers = Vec::new();
    for request in requests {
        answers.push(ask(dir, request).await.expect("an answer"));
    }
    answers
}

/// A gateway without doctor and register.
fn sources(fixture: &Fixture) -> Sources {
    Sources {
        queue: fixture.queue.clone(),
        sending_limits: fixture.sending_limits(),
        profile: fixture.config().profile,
        doctor: None,
        register: None,
        accounts: Arc::new(Vec::new),
        backup_octets_per_second: 0,
    }
}

#[tokio::test]
async fn socket_and_store_say_the_same() {
    let fixture = Fixture::new().await;
    let mut expected = Vec::new();
    for request in questions(&fixture) {
        let said = answer(&fixture.queue, &fixture.known(), request).await;
        expected.push(said.expect("an answer"));
    }
    assert_eq!(expected[0]["messages"].as_array().map(Vec::len), Some(3));
    assert_eq!(expected[1]["messages"][0]["id"], fixture.held.as_str());

    // While the gateway holds the folder only the socket can answer.
    let (store_dir, up_dir) = (fixture.store_dir(), fixture.dir.path());
    let error = ask(up_dir, list(None))
        .await
        .expect_err("the folder is held");
    assert!(
        error.to_string().contains("in use by another process"),
        "{error}"
    );
    let tasks = Tasks::new();
    serve(&store_dir, sources(&fixture), &tasks).expect("listening");
    for dir in [up_dir, store_dir.as_path()] {
        assert_eq!(answers(dir, questions(&fixture)).await, expected);
    }
    let asked = ask(up_dir, Request::Explain { id: fixture.fresh }).await;
    assert_eq!(
        asked.expect("an answer")["recipients"][0]["waits_for"],
        "turn"
    );
    tasks
        .drain(&SystemClock, SystemClock.now().plus(PATIENCE))
        .await;

    fixture.queue.clone().close().await;
    for dir in [up_dir, store_dir.as_path()] {
        assert_eq!(answers(dir, questions(&fixture)).await, expected);
    }
}

#[tokio::test]
async fn acts_move_what_they_can_and_are_recorded() {
    let fixture = Fixture::new().await;
    let (dir, tried, held, fresh) = (
        fixture.dir.path(),
        fixture.tried,
        fixture.held,
        fixture.fresh,
    );
    fixture.queue.clone().close().await;
    let table = [
        (act(Act::Retry, tried, None), Ok(1)),
        (
            act(Act::Cancel, tried, Some("WARD1@northmoor.example")),
            Err("can not be cancelled"),
        ),
        (act(Act::Cancel, tried, Some("2")), Ok(1)),
        (
            act(Act::Cancel, tried, Some("9")),
            Err("has no recipient 9"),
        ),
        (act(Act::Release, held, None), Ok(1)),
        (act(Act::Release, held, None), Err("can not be released")),
        (
            act(Act::Hold, fresh, Some("ward4@northmoor.example")),
            Ok(1),
        ),
    ];
    for (request, expected) in table {
        let said = ask(dir, request.clone()).await;
        match (said, expected) {
            (Ok(value), Ok(count)) => assert_eq!(value["recipients"], count, "{request:?}"),
            (Err(error), Err(text)) => {
                let is_no = matches!(
                    error,
                    OperatorError::Refused(_) | OperatorError::NotFound(_)
                );
                assert!(is_no && error.to_string().contains(text), "{error:?}");
            }
            (said, expected) => panic!("{request:?}: {said:?}, not {expected:?}"),
        }
    }
    let shown = ask(dir, Request::Show { id: fresh })
        .await
        .expect("an answer");
    let last = shown["timeline"]
        .as_array()
        .and_then(|events| events.last());
    let last = last.expect("an event");
    assert_eq!(
        (&last["kind"], &last["by"], &last["why"]),
        (&"held".into(), &"j.doe".into(), &"the ward asked".into())
    );
}

#[tokio::test]
async fn says_clearly_why_there_is_no_answer() {
    let empty = tempfile::tempdir().expect("a folder");
    let error = ask(empty.path(), Request::Summary)
        .await
        .expect_err("no store");
    assert!(
        error.to_string().contains("holds no store of a gateway"),
        "{error}"
    );
    assert_eq!(
        std::fs::read_dir(empty.path()).expect("readable").count(),
        0
    );

    let fixture = Fixture::new().await;
    let unknown = fixture.queue.new_id();
    let tasks = Tasks::new();
    serve(&fixture.store_dir(), sources(&fixture), &tasks).expect("listening");
    let error = ask(fixture.dir.path(), Request::Show { id: unknown }).await;
    let said = OperatorError::NotFound(format!("there is no message {unknown}"));
    assert_eq!(error, Err(said));
    let cursor = Request::List {
        state: None,
        application: None,
        account: None,
        route: None,
        class: None,
        text: None,
        cursor: Some("nonsense".to_owned()),
        limit: 5,
    };
    let error = ask(fixture.dir.path(), cursor)
        .await
        .expect_err("a bad cursor");
    assert!(matches!(error, OperatorError::Invalid(_)), "{error:?}");
    let question = "{\"ask\":\"sing\"}";
    let store_dir = fixture.store_dir();
    let line = mailward_net::local::call(&store_dir, super::SOCKET, question, &SystemClock).await;
    let line = line.expect("an answer");
    assert!(
        line.starts_with("{\"error\":{\"kind\":\"invalid\""),
        "{line}"
    );
    tasks
        .drain(&SystemClock, SystemClock.now().plus(PATIENCE))
        .await;
}

#[tokio::test]
async fn the_twins_store_is_not_taken_for_a_gateways() {
    let dir = tempfile::tempdir().expect("a folder");
    let schema = mailward_store::Schema {
        name: "twin",
        migrations: &["CREATE TABLE a (b INTEGER);", "CREATE TABLE c (d INTEGER);"],
    };
    let store = mailward_store::Store::open(mailward_store::Options::new(dir.path(), schema));
    store.expect("a store").close().await;
    let error = ask(dir.path(), Request::Summary)
        .await
        .expect_err("no queue");
    assert!(error.to_string().contains("not of a gateway"), "{error}");
}

/// What an operator's act on many says, by its question.
async fn control(dir: &Path, request: ControlRequest) -> Value {
    let asked = ask(dir, Request::Control(request)).await;
    asked.expect("an answer")
}

#[tokio::test]
async fn whole_applications_are_held_moved_and_suspended() {
    let fixture = Fixture::new().await;
    let dir = fixture.dir.path();
    fixture.queue.clone().close().await;
    let on = || Scope::Application("rota".into());
    let begin = |bulk| ControlRequest::Begin {
        bulk,
        on: on(),
        who: Actor::new("j.doe"),
        why: "audit".to_owned(),
    };
    let held = control(dir, begin(BulkAct::Hold)).await;
    assert_eq!(
        (&held["moved"], &held["scope"]),
        (&2.into(), &"application".into())
    );
    assert!(held["ended_at"].is_string(), "{held}");
    assert_eq!(control(dir, begin(BulkAct::Hold)).await["moved"], 0);
    // No gateway runs, so nobody knows the routes.
    let to = "relay".into();
    let moved = control(dir, begin(BulkAct::Reroute { to })).await;
    assert_eq!((&moved["moved"], &moved["refused"]), (&0.into(), &3.into()));
    let refusal = moved["refusal"].as_str().expect("a reason");
    assert!(refusal.contains("only a running gateway"), "{refusal}");

    let (who, why) = (Actor::new("j.doe"), "audit".to_owned());
    // A slip suspends nothing.
    for (on, look) in [
        (Scope::Application("rotas".into()), "register list"),
        (
            Scope::Account("rota@elsewhere.example".into()),
            "accounts list",
        ),
        (Scope::Route("relays".into()), "configuration"),
    ] {
        let (who, why, name) = (who.clone(), why.clone(), on.to_string());
        let request = Request::Control(ControlRequest::Suspend { on, who, why });
        match ask(dir, request).await {
            Err(OperatorError::NotFound(text)) => {
                assert!(text.starts_with(&format!("there is no {name}")), "{text}");
                assert!(text.contains(look), "{text}");
            }
            other => panic!("{name}: {other:?}"),
        }
    }
    for changed in [true, false] {
        let (who, why, on) = (who.clone(), why.clone(), on());
        let said = control(dir, ControlRequest::Suspend { on, who, why }).await;
        assert_eq!(said["changed"], changed);
    }
    let said = control(dir, ControlRequest::Suspensions).await;
    assert_eq!(said["suspended"][0]["name"], "rota");
    assert_eq!(said["suspended"][0]["by"], "j.doe");
    let on = on();
    let said = control(dir, ControlRequest::Resume { on, who, why }).await;
    assert_eq!(
        (&said["suspended"], &said["changed"]),
        (&false.into(), &true.into())
    );
    let said = control(dir, ControlRequest::Acts { limit: 9 }).await;
    let acts = said["acts"].as_array().expect("a list").iter();
    let names: Vec<_> = acts
        .map(|act| act["act"].as_str().expect("a word"))
        .collect();
    assert_eq!(names, ["resume", "suspend", "reroute", "hold", "hold"]);
}
