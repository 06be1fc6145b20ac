//! Spacing of messages to a distribution list and an account's recipients of a
//! day: kept at sending, over restarts, and given back where nothing was sent.

use std::collections::HashSet;
use std::time::Duration;

use mailward_mail::{MessageId, Reply, Timestamp};
use mailward_queue::{
    AttemptEnd, Budget, Gates, Lane, LaneLimits, Queue, QueueError, Stage, TimelineEvent, WaitsFor,
};

use crate::fixture::{Fixture, failed, kinds, lane, relayed, ward};

const SPACING_MINUTES: u64 = 30;

fn spaced() -> Fixture {
    Fixture::with_gates(Gates {
        lists: HashSet::from([ward("staff").key(), ward("porters").key()]),
        list_spacing: Some(Duration::from_secs(60 * SPACING_MINUTES)),
        ..Gates::default()
    })
}

fn daily(most: u64) -> Fixture {
    Fixture::with_gates(Gates {
        recipients_per_day_max: Some(most),
        ..Gates::default()
    })
}

/// Sends what is due of a message; the recipients that went.
async fn send(fixture: &Fixture, id: MessageId) -> Vec<u32> {
    let due = fixture.due().await;
    let Some(message) = due.iter().find(|one| one.id == id) else {
        return Vec::new();
    };
    let begun = fixture
        .queue
        .begin_attempt(id, &message.numbers(), &message.lane)
        .await;
    let attempt = match begun {
        Ok(attempt) => attempt,
        Err(QueueError::NotDue(_)) => return Vec::new(),
        Err(other) => panic!("{other}"),
    };
    let numbers = attempt.recipients().to_vec();
    fixture
        .queue
        .record_final_dot(&attempt, Vec::new())
        .await
        .expect("the dot");
    let results = numbers.iter().map(|n| relayed(*n)).collect();
    let _ = fixture
        .queue
        .finish_attempt(attempt, AttemptEnd::at(Stage::FinalDot), results)
        .await
        .expect("the end");
    numbers
}

async fn explained(queue: &Queue, id: MessageId, n: u32) -> (WaitsFor, Option<Timestamp>, String) {
    let all = queue
        .explain(id, |lane| {
            Budget::of_lane(lane, LaneLimits::per_minute(3, 30))
        })
        .await
        .expect("an explanation");
    let one = all.into_iter().find(|one| one.n == n).expect("it");
    (one.waits_for, one.until, one.sentence)
}

#[tokio::test]
async fn a_list_has_half_an_hour_between_messages_whoever_sends() {
    let mut fixture = spaced();
    let first = fixture.accepted(&["staff"]).await;
    let second = fixture.accepted(&["staff"]).await;
    let mut of_another = fixture.message(&["STAFF"]);
    let other_lane = Lane::new("high_sending", "letters@northmoor.example");
    of_another.lane = other_lane.clone();
    let of_another = fixture.accept(of_another).await;
    let elsewhere = fixture.accepted(&["porters", "ada"]).await;

    assert_eq!(send(&fixture, first).await, [1]);
    let began = fixture.now();
    fixture.pass_minutes(1);
    assert_eq!(send(&fixture, second).await, [0; 0]);
    assert_eq!(send(&fixture, elsewhere).await, [1, 2]);
    let begun = fixture
        .queue
        .begin_attempt(of_another, &[1], &other_lane)
        .await;
    assert!(matches!(begun, Err(QueueError::NotDue(_))), "{begun:?}");

    let turn = began.plus(Duration::from_secs(60 * SPACING_MINUTES));
    let next = fixture.queue.next_due_at(&lane()).await.expect("a moment");
    assert_eq!(next, Some(turn));
    for restarted in [false, true] {
        if restarted {
            fixture.kill();
        }
        let (waits_for, until, sentence) = explained(&fixture.queue, second, 1).await;
        assert_eq!((waits_for, until), (WaitsFor::ListSpacing, Some(turn)));
        assert!(
            sentence.contains("staff@northmoor.example") && sentence.contains("list_spacing"),
            "{sentence}"
        );
    }
    fixture.pass_minutes(SPACING_MINUTES - 2);
    assert_eq!(send(&fixture, second).await, [0; 0]);
    fixture.pass_minutes(1);
    assert_eq!(send(&fixture, second).await, [1]);
    assert_eq!(
        kinds(&fixture.queue, second).await,
        "accepted waits/1 attempt_started/1 final_dot_sent/1 relayed/1 body_released"
    );
}

#[tokio::test]
async fn people_do_not_wait_for_a_list_beside_them() {
    let fixture = spaced();
    let first = fixture.accepted(&["staff"]).await;
    let mixed = fixture.accepted(&["ada", "staff", "ben"]).await;
    assert_eq!(send(&fixture, first).await, [1]);
    assert_eq!(send(&fixture, mixed).await, [1, 3]);
    assert_eq!(
        fixture.states(mixed).await,
        "1:relayed 2:incoming 3:relayed"
    );
    fixture.pass_minutes(SPACING_MINUTES);
    assert_eq!(send(&fixture, mixed).await, [2]);
}

#[tokio::test]
async fn an_attempt_that_sent_nothing_gives_its_turn_back() {
    for killed in [false, true] {
        let mut fixture = spaced();
        let first = fixture.accepted(&["staff"]).await;
        let second = fixture.accepted(&["staff"]).await;
        let attempt = fixture.begin(first).await;
        if killed {
            fixture.kill();
            let recovered = fixture.queue.recover().await.expect("recovered");
            assert_eq!(recovered.interrupted, 1);
        } else {
            let _ = fixture
                .queue
                .finish_attempt(attempt, AttemptEnd::at(Stage::Connect), Vec::new())
                .await
                .expect("the end");
        }
        assert_eq!(send(&fixture, second).await, [1], "killed: {killed}");
    }
}

#[tokio::test]
async fn a_refused_list_gives_its_turn_back_and_a_dot_keeps_it() {
    let mut fixture = spaced();
    let first = fixture.accepted(&["staff", "ada"]).await;
    let second = fixture.accepted(&["staff"]).await;
    let third = fixture.accepted(&["staff"]).await;
    let attempt = fixture.begin(first).await;
    fixture
        .queue
        .record_final_dot(&attempt, vec![failed(1)])
        .await
        .expect("the dot");
    let attempt = {
        drop(attempt);
        fixture.begin(second).await
    };
    fixture
        .queue
        .record_final_dot(&attempt, Vec::new())
        .await
        .expect("the dot");
    fixture.kill();
    let recovered = fixture.queue.recover().await.expect("recovered");
    assert_eq!(recovered.in_doubt, 2);
    assert_eq!(send(&fixture, third).await, [0; 0], "the dot took the turn");
}

#[tokio::test]
async fn a_day_holds_so_many_recipients_and_no_more() {
    let mut fixture = daily(5);
    let first = fixture.accepted(&["ada", "ben", "cy"]).await;
    assert_eq!(send(&fixture, first).await, [1, 2, 3]);
    let began = fixture.now();
    fixture.pass_minutes(60);
    let second = fixture.accepted(&["ada", "ben", "cy", "dee"]).await;
    let third = fixture.accepted(&["eve"]).await;
    assert_eq!(send(&fixture, second).await, [1, 2]);
    assert_eq!(send(&fixture, third).await, [0; 0]);
    fixture.kill();
    let (waits_for, until, sentence) = explained(&fixture.queue, second, 4).await;
    let until = until.expect("a moment");
    let day = Duration::from_secs(24 * 3600);
    assert_eq!(waits_for, WaitsFor::RecipientsPerDay);
    assert!(until > began.plus(day) && until <= began.plus(day).plus(Duration::from_secs(300)));
    assert!(sentence.contains("recipients_per_day"), "{sentence}");
    fixture.pass_minutes(23 * 60 - 1);
    assert_eq!(send(&fixture, third).await, [0; 0], "a minute too early");
    fixture.pass_minutes(7);
    assert_eq!(send(&fixture, second).await, [3, 4]);
    assert_eq!(send(&fixture, third).await, [1]);
    let usage = fixture
        .queue
        .usage(&lane().account)
        .await
        .expect("the usage");
    assert_eq!(usage.recipients_last_day, 5);
}

#[tokio::test]
async fn a_day_is_given_back_before_the_dot_alone() {
    let fixture = daily(2);
    let first = fixture.accepted(&["ada", "ben"]).await;
    let second = fixture.accepted(&["cy"]).await;
    let attempt = fixture.begin(first).await;
    let end = AttemptEnd {
        reply: Some(Reply::status(451, 4, 1, "nobody there")),
        ..AttemptEnd::at(Stage::Connect)
    };
    let _ = fixture
        .queue
        .finish_attempt(attempt, end, Vec::new())
        .await
        .expect("the end");
    assert_eq!(send(&fixture, second).await, [1]);
    let third = fixture.accepted(&["dee", "eve"]).await;
    let attempt = fixture.begin(third).await;
    assert_eq!(attempt.recipients(), [1]);
    fixture
        .queue
        .record_final_dot(&attempt, vec![failed(1)])
        .await
        .expect("the dot");
    let fourth = fixture.accepted(&["fay"]).await;
    assert_eq!(
        send(&fixture, fourth).await,
        [1],
        "a refused one counts not"
    );
}

#[tokio::test]
async fn usage_counts_what_waits_and_what_went_over_restarts() {
    let mut fixture = daily(100);
    let account = lane().account;
    let first = fixture.accepted(&["ada", "ben"]).await;
    let usage = fixture.queue.usage(&account).await.expect("the usage");
    assert_eq!(
        (usage.messages_last_minute, usage.recipients_last_day),
        (1, 2)
    );
    let second = fixture.accepted(&["cy"]).await;
    let usage = fixture.queue.usage(&account).await.expect("the usage");
    assert_eq!(
        (usage.messages_last_minute, usage.recipients_last_day),
        (2, 3)
    );
    assert_eq!(send(&fixture, first).await, [1, 2]);
    fixture
        .queue
        .cancel(second, &crate::fixture::person(), "not wanted")
        .await
        .expect("cancelled");
    fixture.kill();
    let usage = fixture.queue.usage(&account).await.expect("the usage");
    assert_eq!(
        (usage.messages_last_minute, usage.recipients_last_day),
        (2, 2)
    );
    fixture.pass_minutes(2);
    let usage = fixture.queue.usage(&account).await.expect("the usage");
    assert_eq!(usage.messages_last_minute, 0);
}

#[tokio::test]
async fn the_first_wait_is_told_once() {
    let fixture = spaced();
    let first = fixture.accepted(&["staff"]).await;
    let waiting = fixture.accepted(&["staff"]).await;
    let between = fixture.accepted(&["staff"]).await;
    assert_eq!(send(&fixture, first).await, [1]);
    assert_eq!(send(&fixture, waiting).await, [0; 0]);
    // Its turn came and went.
    fixture.pass_minutes(2 * SPACING_MINUTES + 2);
    assert_eq!(send(&fixture, between).await, [1]);
    assert_eq!(send(&fixture, waiting).await, [0; 0]);
    let view = fixture.show(waiting).await;
    let waits = view
        .timeline
        .iter()
        .filter(|entry| matches!(entry.event, TimelineEvent::Waits { .. }))
        .count();
    assert_eq!(waits, 1);
}
