//! Messages that wait for a distribution list go one by one, in order, and a
//! clock that somebody sets changes nothing about it.

use std::collections::HashSet;
use std::time::Duration;

use mailward_mail::{MessageId, Timestamp};
use mailward_queue::{
    AttemptEnd, Gates, Lane, PauseCause, PauseKey, QueueError, RerouteJudge, Stage,
};

use crate::fixture::{Fixture, ROTA, kinds, lane, person, relayed, ward};

const SPACING: Duration = Duration::from_secs(30 * 60);

fn spaced() -> Fixture {
    Fixture::with_gates(Gates {
        lists: HashSet::from([ward("staff").key()]),
        list_spacing: Some(SPACING),
        recipients_per_day_max: Some(3),
        ..Gates::default()
    })
}

/// Another account's lane.
fn letters() -> Lane {
    Lane::new("submission", "letters@northmoor.example")
}

async fn accepted(fixture: &Fixture, lane: &Lane) -> MessageId {
    let mut message = fixture.message(&["staff"]);
    message.lane = lane.clone();
    fixture.accept(message).await
}

/// To a person, on a lane of its own.
async fn due_by_relay(fixture: &Fixture) -> MessageId {
    let mut message = fixture.message(&["ada"]);
    message.lane = Lane::new("relay", ROTA);
    fixture.accept(message).await
}

async fn tried(fixture: &Fixture, id: MessageId, lane: &Lane) -> bool {
    match fixture.queue.begin_attempt(id, &[1], lane).await {
        Ok(attempt) => {
            let end = AttemptEnd::at(Stage::FinalDot);
            let dot = fixture.queue.record_final_dot(&attempt, Vec::new()).await;
            dot.expect("the dot");
            let ended = fixture
                .queue
                .finish_attempt(attempt, end, vec![relayed(1)])
                .await;
            assert!(ended.is_ok());
            true
        }
        Err(QueueError::NotDue(_)) => false,
        Err(other) => panic!("{other}"),
    }
}

async fn turn(fixture: &Fixture, id: MessageId) -> Option<Timestamp> {
    fixture.show(id).await.recipients[0].next_attempt_at
}

/// Each with a turn of its own, half an hour apart: one wakes at a time.
async fn in_line(fixture: &Fixture, count: usize) -> Vec<(MessageId, Lane)> {
    let first = accepted(fixture, &lane()).await;
    assert!(tried(fixture, first, &lane()).await);
    let mut waiting = Vec::new();
    for n in 0..count {
        let lane = if n % 2 == 0 { letters() } else { lane() };
        let id = accepted(fixture, &lane).await;
        assert!(!tried(fixture, id, &lane).await);
        waiting.push((id, lane));
    }
    waiting
}

#[tokio::test]
async fn one_wakes_at_a_time_whatever_account_it_is() {
    let mut fixture = spaced();
    let began = fixture.now();
    let waiting = in_line(&fixture, 4).await;
    for (place, (id, _)) in (1..).zip(&waiting) {
        assert_eq!(turn(&fixture, *id).await, Some(began.plus(SPACING * place)));
    }
    for place in 0..4 {
        fixture.kill();
        fixture.pass(SPACING);
        // A new one does not overtake those that wait.
        let late = accepted(&fixture, &lane()).await;
        assert!(!tried(&fixture, late, &lane()).await);
        for (other, (id, lane)) in waiting.iter().enumerate().skip(place) {
            assert_eq!(tried(&fixture, *id, lane).await, other == place);
        }
        fixture
            .queue
            .cancel(late, &person(), "late")
            .await
            .expect("cancelled");
    }
    for (id, _) in &waiting {
        assert_eq!(
            kinds(&fixture.queue, *id).await,
            "accepted waits/1 attempt_started/1 final_dot_sent/1 relayed/1 body_released"
        );
    }
}

/// Which of the two a worker takes up first is chance; which goes is not.
#[tokio::test]
async fn of_two_that_came_the_first_goes_first_whoever_is_tried() {
    for leaves in [false, true] {
        let mut fixture = spaced();
        let began = fixture.now();
        let first = accepted(&fixture, &lane()).await;
        let second = accepted(&fixture, &letters()).await;
        fixture.kill();
        assert!(!tried(&fixture, second, &letters()).await);
        let next = began.plus(SPACING);
        assert_eq!(turn(&fixture, second).await, Some(next));
        assert_eq!(kinds(&fixture.queue, second).await, "accepted waits/1");
        if leaves {
            let cancelled = fixture.queue.cancel(first, &person(), "not needed").await;
            cancelled.expect("cancelled");
            assert!(tried(&fixture, second, &letters()).await);
        } else {
            assert!(tried(&fixture, first, &lane()).await);
            assert!(!tried(&fixture, second, &letters()).await);
            assert_eq!(turn(&fixture, second).await, Some(next));
        }
    }
}

#[tokio::test]
async fn a_lane_that_stands_takes_no_turn() {
    let fixture = spaced();
    let lane = lane();
    let paused = fixture.queue.pause(
        PauseKey::lane(&lane),
        PauseCause::Route,
        "550 5.7.30 Basic authentication is not supported for Client Submission",
        |_| SPACING,
    );
    paused.await.expect("paused");
    for _ in 0..3 {
        accepted(&fixture, &lane).await;
    }
    let other = accepted(&fixture, &letters()).await;
    assert!(tried(&fixture, other, &letters()).await);
}

#[tokio::test]
async fn a_turn_is_the_list_s_and_stays_when_the_way_is_changed() {
    let fixture = spaced();
    let waiting = in_line(&fixture, 2).await;
    let (id, turn_at) = (waiting[1].0, turn(&fixture, waiting[1].0).await);
    let relay = Lane::new("relay", waiting[1].1.account.as_str());
    let (judge, by) = (RerouteJudge::new(|_| Ok(())), person());
    let moved = fixture
        .queue
        .reroute(id, &relay.route, &judge, &by, "sooner");
    assert_eq!(moved.await.expect("moved"), 1);
    assert!(!tried(&fixture, id, &relay).await);
    assert_eq!(turn(&fixture, id).await, turn_at);
    for (id, lane) in [(waiting[0].0, letters()), (id, relay)] {
        fixture.pass(SPACING);
        assert!(tried(&fixture, id, &lane).await);
    }
}

#[tokio::test]
async fn whoever_leaves_gives_the_turn_to_the_next() {
    let fixture = spaced();
    let began = fixture.now();
    let waiting = in_line(&fixture, 3).await;
    fixture
        .queue
        .hold(waiting[0].0, &person(), "look")
        .await
        .expect("held");
    assert_eq!(
        turn(&fixture, waiting[1].0).await,
        Some(began.plus(SPACING))
    );
    // Late by five minutes: the one behind is half an hour after it all the same.
    fixture.pass(SPACING + Duration::from_secs(300));
    assert!(tried(&fixture, waiting[1].0, &waiting[1].1).await);
    let next = fixture.now().plus(SPACING);
    assert_eq!(turn(&fixture, waiting[2].0).await, Some(next));
}

#[tokio::test]
async fn a_lane_that_cannot_send_blocks_no_list() {
    let fixture = spaced();
    let waiting = in_line(&fixture, 1).await;
    fixture.pass(SPACING + Duration::from_secs(30));
    let other = accepted(&fixture, &lane()).await;
    assert!(
        !tried(&fixture, other, &lane()).await,
        "the first is waited for"
    );
    let next = turn(&fixture, other).await.expect("a turn");
    fixture.pass(next.since(fixture.now()));
    assert!(tried(&fixture, other, &lane()).await);
    assert!(
        !tried(&fixture, waiting[0].0, &waiting[0].1).await,
        "half an hour apart"
    );
}

#[tokio::test]
async fn a_turn_after_the_deadline_is_said_at_once() {
    let fixture = spaced();
    let waiting = in_line(&fixture, 1).await;
    let deadline = fixture.show(waiting[0].0).await.deadline_at;
    assert_eq!(
        kinds(&fixture.queue, waiting[0].0).await,
        "accepted waits/1"
    );
    let places = deadline.since(fixture.now()).as_secs() / SPACING.as_secs();
    let mut last = waiting[0].0;
    for _ in 0..places {
        last = accepted(&fixture, &lane()).await;
        assert!(!tried(&fixture, last, &lane()).await);
    }
    assert_eq!(
        kinds(&fixture.queue, last).await,
        "accepted waits/1 will_expire/1"
    );
}

#[tokio::test]
async fn a_clock_that_is_set_moves_no_turn_and_no_day() {
    for hours in [1_i64, -1, 30, -30] {
        let fixture = spaced();
        let waiting = in_line(&fixture, 2).await;
        let due = due_by_relay(&fixture).await;
        let lanes = [&waiting[0], &waiting[1]];
        fixture.pass(Duration::from_secs(60));
        fixture.set_clock(hours * 3_600_000);
        for (id, lane) in lanes {
            assert!(!tried(&fixture, *id, lane).await, "{hours} h");
        }
        // What was due is still due: nothing waits for the clock to come round.
        let found = fixture
            .queue
            .due(&Lane::new("relay", ROTA), fixture.now(), 9)
            .await;
        assert_eq!(found.expect("due")[0].id, due, "{hours} h");
        for (place, (id, lane)) in (1..).zip(lanes) {
            fixture.pass(if place == 1 {
                SPACING - Duration::from_secs(60)
            } else {
                SPACING
            });
            assert!(tried(&fixture, *id, lane).await, "{hours} h, place {place}");
        }
        // A day's recipients stay counted, whatever the clock says.
        let usage = fixture.queue.day_of(&ROTA.into(), &lane().route).await;
        let usage = usage.expect("read").expect("a limit");
        assert_eq!((usage.sent, usage.most), (2, 3), "{hours} h");
    }
}

#[tokio::test]
async fn a_restart_notices_that_the_clock_was_set_back() {
    let mut fixture = spaced();
    let waiting = in_line(&fixture, 1).await;
    let due = due_by_relay(&fixture).await;
    fixture.set_clock(-24 * 3_600_000);
    fixture.kill();
    let recovered = fixture.queue.recover().await;
    recovered.expect("recovered");
    let found = fixture
        .queue
        .due(&Lane::new("relay", ROTA), fixture.now(), 9)
        .await;
    assert_eq!(found.expect("due")[0].id, due);
    fixture.pass(SPACING);
    assert!(tried(&fixture, waiting[0].0, &waiting[0].1).await);
}
