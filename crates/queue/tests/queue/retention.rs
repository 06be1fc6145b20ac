//! Records leave once they are old enough, and the counts stay right.

use std::time::Duration;

use mailward_mail::Outcome;
use mailward_queue::{Idempotency, KEPT_LEAST, StateWord};

use crate::fixture::{Fixture, deferred, failed, person, relayed};

const YEAR: Duration = Duration::from_secs(366 * 24 * 3600);

/// What the queue says of each state is what is in its rows.
async fn check_counts(fixture: &Fixture) {
    let summary = fixture.queue.summary().await.expect("a summary");
    let mut counted: Vec<(String, u64)> = fixture
        .queue
        .store()
        .read(|tx| {
            tx.query(
                "SELECT state, count(*) FROM recipients GROUP BY state ORDER BY state",
                &[],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
        .await
        .expect("rows");
    let mut told: Vec<(String, u64)> = summary
        .recipients
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(state, count)| (state.to_string(), *count))
        .collect();
    counted.sort();
    told.sort();
    assert_eq!(told, counted);
    let by_class: u64 = summary.by_class.iter().map(|(.., count)| count).sum();
    assert_eq!(by_class, told.iter().map(|(_, count)| count).sum::<u64>());
}

async fn rows_of(fixture: &Fixture, table: &'static str) -> u64 {
    fixture
        .queue
        .store()
        .read(move |tx| {
            let sql = match table {
                "events" => "SELECT count(*) FROM events",
                "attempts" => "SELECT count(*) FROM attempts",
                "notices" => "SELECT count(*) FROM notices",
                "idempotency" => "SELECT count(*) FROM idempotency",
                _ => "SELECT count(*) FROM recipients",
            };
            tx.query_one(sql, &[], |row| row.get(0))
        })
        .await
        .expect("rows")
        .unwrap_or(0)
}

#[tokio::test]
async fn counts_follow_every_move() {
    let fixture = Fixture::new();
    check_counts(&fixture).await;
    let one = fixture.accepted(&["ward-1", "ward-2", "ward-3"]).await;
    check_counts(&fixture).await;
    fixture
        .attempt(one, vec![relayed(1), failed(2), deferred(3)])
        .await;
    check_counts(&fixture).await;
    let two = fixture.accepted(&["ward-4"]).await;
    let held = fixture.queue.hold(two, &person(), "to look at it").await;
    held.expect("held");
    check_counts(&fixture).await;
    fixture
        .queue
        .cancel(two, &person(), "not needed")
        .await
        .expect("cancelled");
    check_counts(&fixture).await;
    fixture.pass(YEAR);
    let now = fixture.now();
    fixture.queue.expire_overdue(now).await.expect("a round");
    check_counts(&fixture).await;
    let summary = fixture.queue.summary().await.expect("a summary");
    assert_eq!(summary.count(StateWord::Ended(Outcome::Expired)), 1);
}

#[tokio::test]
async fn what_ended_long_ago_is_forgotten_and_the_rest_is_not() {
    let fixture = Fixture::new();
    let mut old = Vec::new();
    for name in ["ward-1", "ward-2", "ward-3"] {
        let id = fixture.accepted(&[name]).await;
        fixture.attempt(id, vec![relayed(1)]).await;
        old.push(id);
    }
    let mut keyed = fixture.message(&["ward-4"]);
    keyed.idempotency = Some(Idempotency {
        key: "once".to_owned(),
        body_hash: [7; 32],
    });
    let keyed = fixture.accept(keyed).await;
    fixture.attempt(keyed, vec![relayed(1)]).await;
    let open = fixture.accepted(&["ward-5"]).await;
    let held = fixture.queue.hold(open, &person(), "waits").await;
    held.expect("held");

    // Not yet, and never before idempotency keys are forgotten.
    for kept in [YEAR, Duration::ZERO] {
        let forgotten = fixture.queue.forget_ended(kept).await.expect("a round");
        assert_eq!(forgotten.messages, 0);
    }
    fixture.pass(KEPT_LEAST);
    let newest = fixture.accepted(&["ward-6"]).await;
    fixture.attempt(newest, vec![relayed(1)]).await;
    let forgotten = fixture.queue.forget_ended(YEAR).await.expect("a round");
    assert_eq!(forgotten.messages, 0, "a year is longer");
    let forgotten = fixture.queue.forget_ended(KEPT_LEAST).await;
    let forgotten = forgotten.expect("a round");
    assert_eq!((forgotten.messages, forgotten.more), (4, false));
    for id in old.into_iter().chain([keyed]) {
        assert!(fixture.queue.show(id).await.expect("readable").is_none());
    }
    assert_eq!(fixture.states(open).await, "1:hold");
    assert_eq!(fixture.states(newest).await, "1:relayed");
    assert_eq!(rows_of(&fixture, "recipients").await, 2);
    assert_eq!(rows_of(&fixture, "attempts").await, 1);
    assert_eq!(rows_of(&fixture, "notices").await, 0);
    assert_eq!(rows_of(&fixture, "idempotency").await, 0);
    check_counts(&fixture).await;

    // The last of all stays, so that no number is given a second time.
    fixture.pass(YEAR);
    let forgotten = fixture.queue.forget_ended(KEPT_LEAST).await;
    assert_eq!(forgotten.expect("a round").messages, 0);
    assert_eq!(fixture.states(newest).await, "1:relayed");
}

/// A round is bounded by rows, so one message of thousands is a round's work.
#[tokio::test]
async fn a_round_is_bounded_and_says_that_there_is_more() {
    let fixture = Fixture::new();
    let names: Vec<String> = (0..900).map(|n| format!("ward-{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for _ in 0..4 {
        let id = fixture.accepted(&names).await;
        let cancelled = fixture.queue.cancel(id, &person(), "not needed").await;
        cancelled.expect("cancelled");
    }
    let last = fixture.accepted(&["ward-1"]).await;
    fixture.attempt(last, vec![relayed(1)]).await;
    fixture.pass(YEAR);
    let mut rounds = 0;
    loop {
        let forgotten = fixture.queue.forget_ended(KEPT_LEAST).await;
        let forgotten = forgotten.expect("a round");
        assert!(forgotten.rows < 4_000, "{forgotten:?}");
        rounds += 1;
        check_counts(&fixture).await;
        if !forgotten.more {
            break;
        }
    }
    assert!(rounds >= 2, "{rounds}");
    assert_eq!(rows_of(&fixture, "recipients").await, 1);
    assert!(rows_of(&fixture, "events").await < 10);
}
