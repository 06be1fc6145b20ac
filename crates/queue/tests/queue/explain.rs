//! `explain` names what a message waits for, which limit, and until when.

use std::time::Duration;

use mailward_mail::MessageId;
use mailward_queue::{
    AttemptEnd, Budget, Credential, Explanation, Lane, LaneLimits, NewMessage, QueueError, Stage,
    WaitsFor,
};

use crate::fixture::{Fixture, ROTA, deferred, in_doubt, person, relayed};

const NHSMAIL: LaneLimits = LaneLimits::per_minute(3, 30);

async fn explain(fixture: &Fixture, id: MessageId, limits: LaneLimits) -> Vec<Explanation> {
    fixture
        .queue
        .explain(id, move |lane| Budget::of_lane(lane, limits))
        .await
        .expect("explained")
}

/// Checks what is said of the first recipient.
async fn check(
    fixture: &Fixture,
    id: MessageId,
    limits: LaneLimits,
    waits_for: WaitsFor,
    until: Option<Duration>,
    sentence: &str,
) {
    let one = explain(fixture, id, limits).await.remove(0);
    assert_eq!(
        (one.waits_for, one.sentence.as_str()),
        (waits_for, sentence)
    );
    assert_eq!(
        one.until,
        until.map(|wait| fixture.now().plus(wait)),
        "{sentence}"
    );
}

#[tokio::test]
async fn the_turn_and_the_predecessor() {
    let fixture = Fixture::new();
    let first = fixture.accepted(&["one", "two"]).await;
    let in_order = || NewMessage {
        sequence_key: Some("p7".to_owned()),
        ..fixture.message(&["three"])
    };
    let head = fixture.accept(in_order()).await;
    let next = fixture.accept(in_order()).await;
    let lane = format!("submission as {ROTA}");
    let deadline = fixture.show(first).await.deadline_at;
    let text = format!("It is due and the next to go out by {lane}. It expires at {deadline}.");
    check(&fixture, first, NHSMAIL, WaitsFor::Turn, None, &text).await;
    let text = format!(
        "It is due, with 2 recipients before it in {lane}. Its class is routine: urgent goes \
         first, bulk last. It expires at {deadline}."
    );
    check(&fixture, head, NHSMAIL, WaitsFor::Turn, None, &text).await;
    let text = format!(
        "Its sequence \"p7\" goes out in order, and {head} has not ended (incoming): settle or \
         cancel that one first. This one expires at {deadline}."
    );
    let left = Some(deadline.since(fixture.now()));
    check(&fixture, next, NHSMAIL, WaitsFor::Predecessor, left, &text).await;
    let unknown = fixture.queue.new_id();
    let budget = |lane: &Lane| Budget::of_lane(lane, NHSMAIL);
    let missing = fixture.queue.explain(unknown, budget).await;
    assert!(matches!(missing, Err(QueueError::NoSuchMessage(_))));
}

#[tokio::test]
async fn the_mailboxs_limits() {
    let fixture = Fixture::new();
    let limits = LaneLimits::per_minute(1, 2);
    let lane = format!("submission as {ROTA}");
    let waiting = fixture.accepted(&["waits"]).await;
    for n in 0..2 {
        let id = fixture.accepted(&["one"]).await;
        fixture.pass(Duration::from_secs(n * 10));
        let attempt = fixture.begin(id).await;
        if n == 0 {
            let text = format!(
                "The mailbox {ROTA} may have 1 connections at one time, by all of its routes \
                 together, and all are in use."
            );
            check(&fixture, waiting, limits, WaitsFor::Connection, None, &text).await;
        }
        let end = AttemptEnd::at(Stage::FinalDot);
        let finished = fixture
            .queue
            .finish_attempt(attempt, end, vec![relayed(1)])
            .await;
        assert!(finished.is_ok());
    }
    let until = fixture.now().plus(Duration::from_secs(50));
    let text = format!(
        "The mailbox {ROTA} has sent the 2 messages it may send in 60 seconds, by all of its \
         routes together: there is room again at {until}."
    );
    check(
        &fixture,
        waiting,
        limits,
        WaitsFor::Pace,
        Some(Duration::from_secs(50)),
        &text,
    )
    .await;
    fixture.pass(Duration::from_secs(50));
    let deadline = fixture.show(waiting).await.deadline_at;
    let text = format!("It is due and the next to go out by {lane}. It expires at {deadline}.");
    check(&fixture, waiting, limits, WaitsFor::Turn, None, &text).await;

    let credential = Credential {
        account: ROTA.into(),
        name: "password".to_owned(),
        version: "1".to_owned(),
    };
    let refused = mailward_mail::Reply::status(535, 7, 3, "Authentication unsuccessful");
    fixture
        .queue
        .breaker_open(&credential, &refused)
        .await
        .expect("opened");
    let now = fixture.now();
    let text = format!(
        "The service refused the credential of {ROTA} at {now} (535 5.7.3 Authentication \
         unsuccessful). Nothing is tried until there is a new one or a person closes the breaker."
    );
    check(&fixture, waiting, limits, WaitsFor::Credential, None, &text).await;
}

#[tokio::test]
async fn each_state_in_a_sentence() {
    let fixture = Fixture::new();
    let id = fixture.accepted(&["one"]).await;
    let deadline = fixture.show(id).await.deadline_at;

    fixture.attempt(id, vec![deferred(1)]).await;
    let next = fixture.show(id).await.recipients[0]
        .next_attempt_at
        .expect("deferred");
    let text = format!(
        "The attempt did not succeed (432 4.3.2 Concurrent connections limit exceeded.): the next \
         is due at {next}. It expires at {deadline}."
    );
    let wait = next.since(fixture.now());
    check(&fixture, id, NHSMAIL, WaitsFor::BackOff, Some(wait), &text).await;

    fixture
        .queue
        .hold(id, &person(), "wrong ward?")
        .await
        .expect("held");
    let text = format!(
        "A person holds it (j.doe: wrong ward?): release it or cancel it. It expires at {deadline}."
    );
    let left = deadline.since(fixture.now());
    check(&fixture, id, NHSMAIL, WaitsFor::Person, Some(left), &text).await;

    fixture
        .queue
        .release(id, &person(), "right")
        .await
        .expect("released");
    let attempt = fixture.begin(id).await;
    let text = format!("An attempt is under way since {}.", fixture.now());
    check(&fixture, id, NHSMAIL, WaitsFor::Attempt, None, &text).await;

    fixture
        .queue
        .record_final_dot(&attempt, Vec::new())
        .await
        .expect("the dot");
    let end = AttemptEnd::at(Stage::FinalDot);
    let finished = fixture
        .queue
        .finish_attempt(attempt, end, vec![in_doubt(1)])
        .await;
    assert_eq!(finished.expect("the end").in_doubt, [1]);
    let rest = mailward_queue::DOUBT_REST_MAX;
    let text = format!(
        "The reply to the final dot was lost: the service may have it. Nobody can look for it: its \
         class decides by {}.",
        fixture.now().plus(rest)
    );
    check(&fixture, id, NHSMAIL, WaitsFor::Evidence, Some(rest), &text).await;

    let settled = mailward_queue::Doubt::Unresolved;
    fixture
        .queue
        .resolve_doubt(id, None, settled, &"delivery".into())
        .await
        .expect("held");
    let text = format!(
        "It may have been sent already (delivery: the service may have it: a second copy is a \
         person's decision): confirm that it was sent, release it to send again, or cancel it. It \
         expires at {deadline}."
    );
    check(&fixture, id, NHSMAIL, WaitsFor::Person, Some(left), &text).await;

    fixture
        .queue
        .cancel(id, &person(), "no")
        .await
        .expect("cancelled");
    let text = format!(
        "It ended as cancelled at {} (last reply: 432 4.3.2 Concurrent connections limit exceeded.).",
        fixture.now()
    );
    check(&fixture, id, NHSMAIL, WaitsFor::Nothing, None, &text).await;
}
