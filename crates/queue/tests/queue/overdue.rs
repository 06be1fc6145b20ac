//! The watchdog: nothing waits for ever, and nothing is forgotten.

use mailward_mail::{Outcome, Timestamp};
use mailward_queue::{
    ATTEMPT_LENGTH_MAX, AttemptEnd, DOUBT_REST_MAX, NewMessage, Overdue, QueueError, Recovered,
    Stage,
};

use crate::fixture::{Fixture, deferred, in_doubt, kinds, person, relayed};

async fn round(fixture: &Fixture) -> Overdue {
    fixture
        .queue
        .expire_overdue(fixture.now())
        .await
        .expect("a round")
}

#[tokio::test]
async fn what_waits_past_its_deadline_expires_and_the_sender_is_told() {
    let fixture = Fixture::new();
    let deadline_at = Some(fixture.now().plus(std::time::Duration::from_secs(600)));
    let new = || NewMessage {
        deadline_at,
        ..fixture.message(&["one", "two", "three"])
    };
    let waiting = fixture.accept(new()).await;
    fixture
        .attempt(waiting, vec![relayed(1), deferred(2), deferred(3)])
        .await;
    let held = fixture.accept(new()).await;
    fixture
        .queue
        .hold(held, &person(), "look")
        .await
        .expect("held");
    let active = fixture.accept(new()).await;
    let attempt = fixture.begin(active).await;
    let later = fixture.accepted(&["four"]).await;

    fixture.pass_minutes(9);
    let warned = Overdue {
        warned: 3,
        ..Overdue::default()
    };
    assert_eq!(round(&fixture).await, warned);
    assert_eq!(round(&fixture).await, Overdue::default(), "once");
    fixture.pass_minutes(1);
    assert_eq!(
        round(&fixture).await,
        Overdue {
            expired: 5,
            ..Overdue::default()
        }
    );
    assert_eq!(
        fixture.states(waiting).await,
        "1:relayed 2:expired 3:expired"
    );
    assert_eq!(fixture.states(held).await, "1:expired 2:expired 3:expired");
    assert_eq!(
        fixture.states(active).await,
        "1:active 2:active 3:active",
        "not now"
    );
    assert_eq!(fixture.states(later).await, "1:incoming");
    let notices = fixture
        .queue
        .notices_due(fixture.now(), 9)
        .await
        .expect("notices");
    let told: Vec<_> = notices
        .iter()
        .map(|one| (one.message, one.outcome, one.recipients.len()))
        .collect();
    assert_eq!(
        told,
        [(waiting, Outcome::Expired, 2), (held, Outcome::Expired, 3)]
    );

    // Once its attempt is over, the last one expires too.
    let end = AttemptEnd::at(Stage::Connect);
    assert!(
        fixture
            .queue
            .finish_attempt(attempt, end, Vec::new())
            .await
            .is_ok()
    );
    assert_eq!(round(&fixture).await.expired, 0, "not looked at again yet");
    fixture.pass_minutes(1);
    assert_eq!(round(&fixture).await.expired, 3);
    assert_eq!(round(&fixture).await, Overdue::default());
}

#[tokio::test]
async fn the_classes_deadline_holds_where_none_is_named() {
    let fixture = Fixture::new();
    let id = fixture.accepted(&["one"]).await;
    let deadline = fixture.show(id).await.deadline_at;
    assert_eq!(deadline.since(fixture.now()).as_secs(), 48 * 3600);
}

#[tokio::test]
async fn many_expire_a_batch_at_a_time() {
    let fixture = Fixture::new();
    let deadline_at = Some(Timestamp::from_millis(0));
    for _ in 0..450 {
        fixture
            .accept(NewMessage {
                deadline_at,
                ..fixture.message(&["one"])
            })
            .await;
    }
    let mut expired = Vec::new();
    loop {
        let overdue = round(&fixture).await;
        expired.push(overdue.expired);
        if !overdue.more {
            break;
        }
    }
    assert_eq!(expired, [200, 200, 50]);
}

#[tokio::test]
async fn a_doubt_does_not_rest_for_ever() {
    let fixture = Fixture::new();
    let id = fixture.accepted(&["one"]).await;
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
        .await;
    assert_eq!(finished.expect("the end").in_doubt, [1]);
    fixture.pass(DOUBT_REST_MAX - std::time::Duration::from_secs(1));
    assert_eq!(round(&fixture).await, Overdue::default());
    fixture.pass(std::time::Duration::from_secs(1));
    assert_eq!(round(&fixture).await.doubts_settled, 1);
    assert_eq!(fixture.states(id).await, "1:hold");
}

#[tokio::test]
async fn an_attempt_that_never_ends_is_taken_away() {
    let fixture = Fixture::new();
    let before = fixture.accepted(&["one"]).await;
    let after = fixture.accepted(&["two"]).await;
    let stuck_before = fixture.begin(before).await;
    let stuck_after = fixture.begin(after).await;
    fixture
        .queue
        .record_final_dot(&stuck_after, Vec::new())
        .await
        .expect("the dot");
    fixture.pass(ATTEMPT_LENGTH_MAX);
    assert_eq!(round(&fixture).await, Overdue::default());
    fixture.pass_minutes(1);
    let lost = Recovered {
        interrupted: 1,
        in_doubt: 1,
        restored: 0,
    };
    assert_eq!(
        round(&fixture).await,
        Overdue {
            lost,
            ..Overdue::default()
        }
    );
    assert_eq!(fixture.states(before).await, "1:deferred");
    assert_eq!(fixture.states(after).await, "1:hold");

    // Should it come back to life, it may not send the dot any more.
    let dot = fixture
        .queue
        .record_final_dot(&stuck_before, Vec::new())
        .await;
    assert!(matches!(dot, Err(QueueError::AttemptEnded)));
    let end = AttemptEnd::at(Stage::FinalDot);
    let finished = fixture
        .queue
        .finish_attempt(stuck_after, end, vec![relayed(1)])
        .await;
    assert!(matches!(finished, Err(QueueError::AttemptEnded)));
    assert!(
        kinds(&fixture.queue, before)
            .await
            .ends_with("attempt_started/1 interrupted/1")
    );
}
