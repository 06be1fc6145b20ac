//! From acceptance to an outcome, with everything that can lie between.

use std::time::Duration;

use mailward_mail::Reply;
use mailward_queue::{
    AttemptEnd, AttemptResult, Budget, Doubt, DoubtPolicy, HoldReason, Lane, LaneLimits,
    QueueError, RecipientResult, Stage, Terms,
};

use crate::fixture::{Fixture, address, deferred, failed, in_doubt, kinds, lane, person, relayed};

fn terms_that_retry() -> Terms {
    let mut terms = Terms::default();
    terms.routine.in_doubt = DoubtPolicy::Retry;
    terms
}

#[tokio::test]
async fn relayed_at_the_first_attempt() {
    let fixture = Fixture::new();
    let id = fixture.accepted(&["seven"]).await;
    assert_eq!(fixture.states(id).await, "1:incoming");
    let attempt = fixture.begin(id).await;
    assert_eq!(fixture.states(id).await, "1:active");
    assert!(fixture.due().await.is_empty());
    fixture.pass(Duration::from_secs(1));
    fixture
        .queue
        .record_final_dot(&attempt, Vec::new())
        .await
        .expect("the dot");
    fixture.pass(Duration::from_secs(1));
    let end = AttemptEnd {
        reply: Some(Reply::status(250, 0, 0, "OK")),
        tls: Some("TLSv1.3".to_owned()),
        peer: Some("smtp.northmoor.example [192.0.2.1]:587".to_owned()),
        ..AttemptEnd::at(Stage::FinalDot)
    };
    let finished = fixture
        .queue
        .finish_attempt(attempt, end, vec![relayed(1)])
        .await
        .expect("end");
    assert!(finished.in_doubt.is_empty());

    let view = fixture.show(id).await;
    assert_eq!(fixture.states(id).await, "1:relayed");
    assert_eq!(view.ended_at, Some(fixture.now()));
    assert_eq!(view.body, None, "nobody needs it any more");
    assert_eq!(
        view.recipients[0].last_reply.as_deref(),
        Some("250 2.0.0 OK, queued")
    );
    assert_eq!(
        kinds(&fixture.queue, id).await,
        "accepted attempt_started/1 final_dot_sent/1 relayed/1 body_released"
    );
    let attempt = &view.attempts[0];
    assert_eq!(attempt.stage_reached.as_deref(), Some("final_dot"));
    assert_eq!(
        attempt
            .final_dot_at
            .expect("recorded")
            .since(attempt.started_at)
            .as_secs(),
        1
    );
    assert_eq!(attempt.ended_at, Some(fixture.now()));
    assert_eq!(
        (attempt.tls.as_deref(), attempt.reply.as_deref()),
        (Some("TLSv1.3"), Some("250 2.0.0 OK"))
    );
}

#[tokio::test]
async fn deferred_until_the_table_says_and_then_relayed() {
    let fixture = Fixture::new();
    let id = fixture.accepted(&["seven"]).await;
    for (attempts, minutes) in [(1, 1.0), (2, 2.0), (3, 5.0)] {
        fixture.attempt(id, vec![deferred(1)]).await;
        let view = fixture.show(id).await;
        let next = view.recipients[0].next_attempt_at.expect("deferred");
        let wait = next.since(fixture.now()).as_secs_f64() / 60.0;
        assert!(
            (0.8 * minutes..=1.2 * minutes).contains(&wait),
            "{wait} after {attempts}"
        );
        assert_eq!(view.recipients[0].attempts, attempts);
        assert!(fixture.due().await.is_empty());
        assert_eq!(
            fixture.queue.next_due_at(&lane()).await.expect("read"),
            Some(next)
        );
        fixture.pass(next.since(fixture.now()));
    }
    fixture.attempt(id, vec![relayed(1)]).await;
    assert_eq!(fixture.states(id).await, "1:relayed");
    assert_eq!(
        fixture.queue.next_due_at(&lane()).await.expect("read"),
        None
    );
}

#[tokio::test]
async fn each_recipient_has_an_end_of_its_own() {
    let fixture = Fixture::new();
    let id = fixture.accepted(&["one", "two", "three", "four"]).await;
    let attempt = fixture.begin(id).await;
    // Refused and deferred at RCPT TO: no part of the message that is sent.
    fixture
        .queue
        .record_final_dot(&attempt, vec![failed(1), deferred(2)])
        .await
        .expect("the dot");
    assert_eq!(
        fixture.states(id).await,
        "1:failed 2:deferred 3:active 4:active"
    );
    let held = AttemptResult::Held {
        reason: HoldReason::Configuration,
        why: "no route".into(),
    };
    let results = vec![relayed(3), RecipientResult { n: 4, result: held }];
    let end = AttemptEnd::at(Stage::FinalDot);
    let finished = fixture
        .queue
        .finish_attempt(attempt, end, results)
        .await
        .expect("the end");
    assert!(finished.in_doubt.is_empty());
    assert_eq!(
        fixture.states(id).await,
        "1:failed 2:deferred 3:relayed 4:hold"
    );
    assert_eq!(
        kinds(&fixture.queue, id).await,
        "accepted attempt_started failed/1 deferred/2 final_dot_sent relayed/3 held/4"
    );
    assert!(
        fixture.show(id).await.body.is_some(),
        "two recipients still wait"
    );

    fixture.pass_minutes(2);
    let due = fixture.due().await;
    assert_eq!(due[0].numbers(), [2]);
    assert_eq!(
        due[0].envelope.recipients[0].forward_path.0,
        address("two@northmoor.example")
    );
    assert_eq!(due[0].recipients[0].attempts, 1);
}

#[tokio::test]
async fn silence_about_a_recipient_is_no_outcome() {
    for (dot, state) in [(false, "1:deferred"), (true, "1:in_doubt")] {
        let fixture = Fixture::new();
        let id = fixture.accepted(&["seven"]).await;
        let attempt = fixture.begin(id).await;
        if dot {
            fixture
                .queue
                .record_final_dot(&attempt, Vec::new())
                .await
                .expect("the dot");
        }
        let end = AttemptEnd::at(if dot { Stage::FinalDot } else { Stage::Connect });
        let finished = fixture
            .queue
            .finish_attempt(attempt, end, Vec::new())
            .await
            .expect("end");
        assert_eq!(finished.in_doubt, if dot { vec![1] } else { vec![] });
        assert_eq!(fixture.states(id).await, state);
    }
}

#[tokio::test]
async fn doubt_is_settled_by_evidence_or_policy() {
    let found = || Doubt::FoundSent {
        evidence: "Sent Items".to_owned(),
    };
    let not_sent = || Doubt::NotSent {
        evidence: "Sent Items".to_owned(),
    };
    let table = [
        (
            Terms::default(),
            found(),
            "1:relayed",
            "found_sent/1 body_released",
        ),
        (Terms::default(), not_sent(), "1:deferred", "retried/1"),
        (Terms::default(), Doubt::Unresolved, "1:hold", "held/1"),
        (
            terms_that_retry(),
            Doubt::Unresolved,
            "1:deferred",
            "retried/1",
        ),
    ];
    for (terms, doubt, state, events) in table {
        let fixture = Fixture::with_terms(terms);
        let id = fixture.accepted(&["seven"]).await;
        let attempt = fixture.begin(id).await;
        fixture
            .queue
            .record_final_dot(&attempt, Vec::new())
            .await
            .expect("the dot");
        let end = AttemptEnd::at(Stage::FinalDot);
        let finished = fixture
            .queue
            .finish_attempt(attempt, end, vec![in_doubt(1)])
            .await
            .expect("the end");
        assert_eq!(finished.in_doubt, [1]);
        assert!(
            fixture.due().await.is_empty(),
            "nothing in doubt is sent again by itself"
        );
        fixture
            .queue
            .resolve_doubt(id, None, doubt.clone(), &person())
            .await
            .expect("settled");
        assert_eq!(fixture.states(id).await, state, "{doubt:?}");
        let kinds = kinds(&fixture.queue, id).await;
        assert!(kinds.ends_with(&format!("in_doubt/1 {events}")), "{kinds}");
    }
}

#[tokio::test]
async fn an_attempt_is_had_by_one_and_ends_once() {
    let fixture = Fixture::new();
    let id = fixture.accepted(&["one", "two"]).await;
    let other_lane = Lane::new("relay", "rota@northmoor.example");
    let begin = |recipients: Vec<u32>, lane: Lane| {
        let queue = fixture.queue.clone();
        async move { queue.begin_attempt(id, &recipients, &lane).await }
    };
    assert!(matches!(
        begin(vec![1], other_lane).await,
        Err(QueueError::NotDue(_))
    ));
    assert!(matches!(
        begin(vec![], lane()).await,
        Err(QueueError::NotDue(_))
    ));
    assert!(matches!(
        begin(vec![3], lane()).await,
        Err(QueueError::NoSuchRecipient(_, 3))
    ));
    let unknown = fixture.queue.new_id();
    let missing = fixture.queue.begin_attempt(unknown, &[1], &lane()).await;
    assert!(matches!(missing, Err(QueueError::NoSuchMessage(id)) if id == unknown));

    let attempt = begin(vec![2], lane()).await.expect("free");
    assert_eq!(attempt.recipients(), [2]);
    let second = begin(vec![1, 2], lane()).await;
    assert!(
        matches!(second, Err(QueueError::NotDue(_))),
        "all or nothing"
    );
    assert_eq!(fixture.states(id).await, "1:incoming 2:active");

    let stray = fixture
        .queue
        .record_final_dot(&attempt, vec![failed(1)])
        .await;
    assert!(matches!(stray, Err(QueueError::NoSuchRecipient(_, 1))));
    fixture
        .queue
        .record_final_dot(&attempt, Vec::new())
        .await
        .expect("the dot");
    let end = AttemptEnd::at(Stage::FinalDot);
    let finished = fixture
        .queue
        .finish_attempt(attempt, end, vec![relayed(2)])
        .await
        .expect("end");
    assert!(finished.in_doubt.is_empty());
    assert_eq!(fixture.states(id).await, "1:incoming 2:relayed");
}

#[tokio::test]
async fn lanes_wait_apart_and_the_longest_overdue_goes_first() {
    let fixture = Fixture::new();
    let early = fixture.accepted(&["one"]).await;
    fixture.pass(Duration::from_secs(1));
    let late = fixture.accepted(&["two"]).await;
    let alerts = Lane::new("submission", "alerts@northmoor.example");
    let mut new = fixture.message(&["three"]);
    new.lane = alerts.clone();
    let other = fixture.accept(new).await;
    let ids =
        |due: Vec<mailward_queue::DueMessage>| due.iter().map(|one| one.id).collect::<Vec<_>>();
    assert_eq!(ids(fixture.due().await), [early, late]);
    let queue = &fixture.queue;
    assert_eq!(
        ids(queue.due(&lane(), fixture.now(), 1).await.expect("due")),
        [early]
    );
    assert_eq!(
        ids(queue.due(&alerts, fixture.now(), 9).await.expect("due")),
        [other]
    );
    let work = queue.lanes_with_work().await.expect("lanes");
    let begin = fixture.show(early).await.received_at;
    assert_eq!(work, [(lane(), begin), (alerts.clone(), fixture.now())]);
    fixture
        .queue
        .cancel(other, &person(), "not needed")
        .await
        .expect("cancelled");
    assert_eq!(
        queue.lanes_with_work().await.expect("lanes"),
        [(lane(), begin)]
    );
}

#[tokio::test]
async fn the_pace_of_a_lane_is_in_the_ledger() {
    let fixture = Fixture::new();
    for stage in [Stage::Connect, Stage::FinalDot, Stage::MailFrom] {
        let id = fixture.accepted(&["seven"]).await;
        let attempt = fixture.begin(id).await;
        fixture.pass(Duration::from_secs(10));
        let results = vec![deferred(1)];
        let end = AttemptEnd::at(stage);
        assert!(
            fixture
                .queue
                .finish_attempt(attempt, end, results)
                .await
                .is_ok()
        );
        fixture
            .queue
            .cancel(id, &person(), "done")
            .await
            .expect("cancelled");
    }
    let reopened = fixture.killed_now();
    let budget = Budget::of_lane(&lane(), LaneLimits::per_minute(3, 2));
    let ends = reopened.recent_attempts(&budget).await.expect("read");
    let now = fixture.now();
    assert_eq!(
        ends,
        [now, now.minus(Duration::from_secs(10))],
        "latest first, no mere connection"
    );
    fixture.pass(Duration::from_secs(55));
    assert_eq!(
        reopened.recent_attempts(&budget).await.expect("read"),
        [now]
    );
}
