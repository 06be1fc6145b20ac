//! The clock is set: nothing expires for it, nothing waits for it to come
//! round, and nothing is tried early.

use std::time::Duration;

use mailward_mail::{MessageId, Timestamp};
use mailward_queue::{PauseCause, PauseKey};

use crate::fixture::{Fixture, deferred, failed, lane};

const HOUR: i64 = 3_600_000;
/// Of the message class that the fixture's messages have.
const ROUTINE: Duration = Duration::from_secs(48 * 3600);
/// More than the first wait after a failure, with its jitter.
const FIRST_WAIT: Duration = Duration::from_secs(75);
const PAUSE: Duration = Duration::from_secs(600);

/// Steps in hours, and a year and a half either way.
const STEPS: [i64; 6] = [1, -1, 50, -50, 13_140, -13_140];

async fn is_due(fixture: &Fixture, id: MessageId) -> bool {
    fixture.due().await.iter().any(|one| one.id == id)
}

async fn expired(fixture: &Fixture) -> u64 {
    let overdue = fixture.queue.expire_overdue(fixture.now()).await;
    overdue.expect("a round").expired
}

async fn pause_ends(fixture: &Fixture) -> Timestamp {
    let pauses = fixture.queue.pauses_of(&lane()).await.expect("pauses");
    pauses.first().expect("a pause").until
}

#[tokio::test]
async fn what_waits_waits_as_long_as_it_would_have() {
    for hours in STEPS {
        let fixture = Fixture::new();
        let first = fixture.accepted(&["one"]).await;
        fixture.attempt(first, vec![deferred(1)]).await;
        let key = PauseKey::lane(&lane());
        let paused = fixture
            .queue
            .pause(key, PauseCause::Down, "away", |_| PAUSE);
        paused.await.expect("paused");
        let waiting = fixture.accepted(&["two"]).await;
        let refused = fixture.accepted(&["three"]).await;
        fixture.attempt(refused, vec![failed(1)]).await;

        fixture.set_clock(hours * HOUR);
        assert_eq!(expired(&fixture).await, 0, "{hours} h");
        assert!(is_due(&fixture, waiting).await, "{hours} h");
        assert!(!is_due(&fixture, first).await, "{hours} h: early");
        assert_eq!(
            pause_ends(&fixture).await,
            fixture.now().plus(PAUSE),
            "{hours} h"
        );
        let notices = fixture.queue.notices_due(fixture.now(), 9).await;
        assert_eq!(notices.expect("notices").len(), 1, "{hours} h");
        fixture.pass(FIRST_WAIT);
        assert!(is_due(&fixture, first).await, "{hours} h: late");

        // What came after it, and what was there before, have their own time.
        let after = fixture.accepted(&["four"]).await;
        fixture.pass(ROUTINE - 2 * FIRST_WAIT);
        assert_eq!(expired(&fixture).await, 0, "{hours} h");
        fixture.pass(FIRST_WAIT);
        assert_eq!(expired(&fixture).await, 2, "{hours} h");
        assert_eq!(fixture.states(after).await, "1:incoming", "{hours} h");
        fixture.pass(FIRST_WAIT);
        assert_eq!(expired(&fixture).await, 1, "{hours} h");
    }
}

#[tokio::test]
async fn a_clock_set_back_between_two_runs_is_put_right_once() {
    let mut fixture = Fixture::new();
    let before = fixture.accepted(&["one"]).await;
    fixture.set_clock(8_760 * HOUR);
    let tried = fixture.accepted(&["two"]).await;
    fixture.attempt(tried, vec![deferred(1)]).await;
    let key = PauseKey::lane(&lane());
    let paused = fixture
        .queue
        .pause(key, PauseCause::Down, "away", |_| PAUSE);
    paused.await.expect("paused");
    fixture.set_clock(-8_760 * HOUR);

    for run in ["the first", "the second"] {
        fixture.kill();
        fixture.queue.recover().await.expect("recovered");
        assert_eq!(expired(&fixture).await, 0, "{run}");
        assert!(is_due(&fixture, before).await, "{run}");
        let now = fixture.now();
        assert!(pause_ends(&fixture).await <= now.plus(PAUSE), "{run}");
    }
    fixture.pass(FIRST_WAIT);
    assert!(is_due(&fixture, tried).await);
    fixture.pass(ROUTINE - 2 * FIRST_WAIT);
    assert_eq!(expired(&fixture).await, 0);
    fixture.pass(2 * FIRST_WAIT);
    assert_eq!(expired(&fixture).await, 2);
}

#[tokio::test]
async fn a_clock_set_while_nobody_looks_is_put_right_at_the_next_run_of_the_boot() {
    for hours in STEPS {
        let mut fixture = Fixture::new();
        fixture.keep_boot();
        let waiting = fixture.accepted(&["one"]).await;
        let tried = fixture.accepted(&["two"]).await;
        fixture.attempt(tried, vec![deferred(1)]).await;
        fixture.set_clock(hours * HOUR);
        for run in ["the first", "the second"] {
            fixture.kill();
            fixture.queue.recover().await.expect("recovered");
            assert_eq!(expired(&fixture).await, 0, "{hours} h, {run}");
            assert!(is_due(&fixture, waiting).await, "{hours} h, {run}");
            assert!(!is_due(&fixture, tried).await, "{hours} h, {run}: early");
        }
        fixture.pass(FIRST_WAIT);
        assert!(is_due(&fixture, tried).await, "{hours} h: late");
        // Time that passes while nothing runs is no step.
        fixture.kill();
        fixture.pass(ROUTINE);
        fixture.queue.recover().await.expect("recovered");
        assert_eq!(expired(&fixture).await, 2, "{hours} h");
    }
}

/// Less than a step at a time, and much in the end.
#[tokio::test]
async fn a_clock_that_is_slewed_is_followed_and_is_no_step() {
    let mut fixture = Fixture::new();
    fixture.keep_boot();
    let before = fixture.accepted(&["one"]).await;
    let deadline = fixture.show(before).await.deadline_at;
    for _ in 0..10 {
        fixture.set_clock(1_000);
        fixture.pass_minutes(1);
        assert_eq!(expired(&fixture).await, 0);
    }
    fixture.kill();
    fixture.queue.recover().await.expect("recovered");
    assert_eq!(fixture.show(before).await.deadline_at, deadline);
    let after = fixture.accepted(&["two"]).await;
    let view = fixture.show(after).await;
    assert_eq!(view.deadline_at, fixture.now().plus(ROUTINE));
}

#[tokio::test]
async fn a_time_that_somebody_chose_stays() {
    for hours in [2, -2] {
        let fixture = Fixture::new();
        let at = fixture.now().plus(Duration::from_secs(24 * 3600));
        let mut new = fixture.message(&["one"]);
        new.not_before = Some(at);
        let id = fixture.accept(new).await;
        fixture.set_clock(hours * HOUR);
        fixture.due().await;
        let next = fixture.queue.next_due_at(&lane()).await.expect("read");
        assert_eq!(next, Some(at), "{hours} h");
        assert_eq!(fixture.show(id).await.deadline_at, at.plus(ROUTINE));
    }
}
