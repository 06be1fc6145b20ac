//! A mailbox's budget: shared by its lanes, carried over kills, and lowered by
//! what the replies teach.

use std::collections::BTreeSet;
use std::time::Duration;

use mailward_mail::{MessageId, Timestamp};
use mailward_queue::{
    AttemptEnd, Budget, Decision, Lane, LaneLimits, LearntRecord, Pace, PaceLimit, Queue, Sharing,
    Stage, Throttle, WaitsFor,
};

use crate::fixture::{Fixture, ROTA, kinds, lane, relayed};

const WINDOW: Duration = Duration::from_secs(60);

fn by_token() -> Lane {
    Lane::new("by_token", ROTA)
}

fn bulk() -> Lane {
    Lane::new("bulk", ROTA)
}

/// Submission by password and by token together, bulk apart.
fn budget(limits: LaneLimits) -> Budget {
    Budget {
        name: format!("submission {ROTA}"),
        account: ROTA.into(),
        limits,
        sharing: Sharing::AllBut(BTreeSet::from([bulk().route])),
    }
}

fn steady(at: Timestamp) -> Duration {
    Duration::from_millis(u64::try_from(at.as_millis()).expect("after 1970"))
}

async fn restored(queue: &Queue, budget: &Budget) -> Pace {
    let ends = queue.recent_attempts(budget).await.expect("read");
    Pace::restore(budget.limits, ends.into_iter().map(steady))
}

async fn accepted(fixture: &Fixture, lane: &Lane) -> MessageId {
    let mut message = fixture.message(&["one"]);
    message.lane = lane.clone();
    fixture.accept(message).await
}

/// Killed again and again, at every step of an attempt, on two lanes: whenever
/// the service counts, no window has more than the limit.
#[tokio::test]
async fn no_kill_lets_one_too_many_through() {
    for seed in 1..=6_u64 {
        let mut state = seed;
        let mut chance = |bound: u64| {
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) % bound
        };
        let mut fixture = Fixture::new();
        let budget = budget(LaneLimits::per_minute(3, 6));
        let mut pace = restored(&fixture.queue, &budget).await;
        let mut counted: Vec<i64> = Vec::new();
        for _ in 0..60 {
            let lane = [lane(), by_token()][chance(2) as usize].clone();
            let id = accepted(&fixture, &lane).await;
            fixture.pass(Duration::from_millis(chance(4_000)));
            while let Decision::WaitUntil(until) = pace.request(steady(fixture.now())) {
                fixture.pass(until - steady(fixture.now()));
            }
            let begun = fixture.queue.begin_attempt(id, &[1], &lane).await;
            let attempt = begun.expect("an attempt");
            fixture.pass(Duration::from_millis(chance(500)));
            // Here, between MAIL and the reply, the service counts.
            counted.push(fixture.now().as_millis());
            fixture.pass(Duration::from_millis(chance(500)));
            let killed_before = chance(6);
            if killed_before > 0 {
                let dot = fixture.queue.record_final_dot(&attempt, Vec::new()).await;
                dot.expect("the dot");
            }
            if killed_before > 1 {
                let end = AttemptEnd::at(Stage::FinalDot);
                let ended = fixture
                    .queue
                    .finish_attempt(attempt, end, vec![relayed(1)])
                    .await;
                assert!(ended.is_ok());
                pace.end(steady(fixture.now()), true);
            }
            if killed_before < 3 {
                fixture.kill();
                let recovered = fixture.queue.recover().await;
                recovered.expect("recovered");
                pace = restored(&fixture.queue, &budget).await;
            }
        }
        for (first, last) in counted.iter().zip(counted.iter().skip(6)) {
            let span = last - first;
            assert!(span >= 60_000, "seed {seed}: seven within {span} ms");
        }
    }
}

#[tokio::test]
async fn a_clock_set_back_over_a_restart_costs_one_window_at_most() {
    let mut fixture = Fixture::new();
    let budget = budget(LaneLimits::per_minute(3, 1));
    let id = accepted(&fixture, &by_token()).await;
    let attempt = fixture.queue.begin_attempt(id, &[1], &by_token()).await;
    let end = AttemptEnd::at(Stage::FinalDot);
    let attempt = attempt.expect("an attempt");
    let ended = fixture
        .queue
        .finish_attempt(attempt, end, vec![relayed(1)])
        .await;
    assert!(ended.is_ok());
    fixture.kill();
    fixture.set_clock(-3_600_000);
    let now = fixture.now();
    let ends = fixture.queue.recent_attempts(&budget).await.expect("read");
    let ends = ends.into_iter().map(|end| steady(end.min(now)));
    let mut pace = Pace::restore(budget.limits, ends);
    assert_eq!(
        pace.request(steady(now)),
        Decision::WaitUntil(steady(now) + WINDOW)
    );
}

#[tokio::test]
async fn explain_names_what_another_lane_used_up() {
    let fixture = Fixture::new();
    let budget = budget(LaneLimits::per_minute(1, 1));
    let waiting = accepted(&fixture, &lane()).await;
    let in_bulk = accepted(&fixture, &bulk()).await;
    let explained = async |id: MessageId| {
        let (shared, apart) = (budget.clone(), bulk());
        let budget_of = move |lane: &Lane| match *lane == apart {
            true => Budget::of_lane(lane, LaneLimits::per_minute(1, 1)),
            false => shared.clone(),
        };
        fixture
            .queue
            .explain(id, budget_of)
            .await
            .expect("explained")
            .remove(0)
    };
    let other = accepted(&fixture, &by_token()).await;
    let begun = fixture.queue.begin_attempt(other, &[1], &by_token()).await;
    let attempt = begun.expect("an attempt");
    assert_eq!(explained(waiting).await.waits_for, WaitsFor::Connection);
    assert_eq!(explained(in_bulk).await.waits_for, WaitsFor::Turn);
    let end = AttemptEnd::at(Stage::FinalDot);
    let ended = fixture
        .queue
        .finish_attempt(attempt, end, vec![relayed(1)])
        .await;
    assert!(ended.is_ok());
    let one = explained(waiting).await;
    assert_eq!(
        (one.waits_for, one.until),
        (WaitsFor::Pace, Some(fixture.now().plus(WINDOW)))
    );
    assert!(
        one.sentence.contains("by all of its routes together"),
        "{}",
        one.sentence
    );
    assert_eq!(explained(in_bulk).await.waits_for, WaitsFor::Turn);
}

#[tokio::test]
async fn what_was_learnt_outlives_a_kill_and_is_explained() {
    let mut fixture = Fixture::new();
    let budget = budget(LaneLimits::per_minute(3, 30));
    let id = accepted(&fixture, &lane()).await;
    let mut learnt = budget.unlearnt();
    assert_eq!(fixture.queue.learnt(&budget).await.expect("read"), None);
    for _ in 0..4 {
        let rest = learnt.refused(PaceLimit::Connections);
        let record = LearntRecord {
            learnt,
            low_since: learnt.is_lowered().then(|| fixture.now()),
            rest_until: Some(fixture.now().plus(rest)),
            reply: "432 4.3.2 Concurrent connections limit exceeded.".to_owned(),
        };
        let throttle = Throttle {
            message: id,
            limit: PaceLimit::Connections,
        };
        let kept = fixture
            .queue
            .keep_learnt(&budget, record.clone(), Some(throttle))
            .await;
        kept.expect("kept");
        fixture.kill();
        assert_eq!(
            fixture.queue.learnt(&budget).await.expect("read"),
            Some(record)
        );
    }
    assert_eq!(
        kinds(&fixture.queue, id).await,
        "accepted throttled throttled throttled throttled"
    );
    let explained = async || {
        let budget = budget.clone();
        let budget_of = move |_: &Lane| budget.clone();
        fixture
            .queue
            .explain(id, budget_of)
            .await
            .expect("explained")
            .remove(0)
    };
    let one = explained().await;
    let rest = Duration::from_secs(40);
    assert_eq!(
        (one.waits_for, one.until),
        (WaitsFor::Pace, Some(fixture.now().plus(rest)))
    );
    assert!(one.sentence.contains("432 4.3.2"), "{}", one.sentence);
    fixture.pass(rest);
    assert_eq!(explained().await.waits_for, WaitsFor::Turn);
    let begun = fixture.queue.begin_attempt(id, &[1], &lane()).await;
    assert!(begun.is_ok());
    let second = accepted(&fixture, &by_token()).await;
    let budget_of = {
        let budget = budget.clone();
        move |_: &Lane| budget.clone()
    };
    let all = fixture
        .queue
        .explain(second, budget_of)
        .await
        .expect("explained");
    assert_eq!(all[0].waits_for, WaitsFor::Connection);
    assert!(
        all[0].sentence.contains("3 as configured"),
        "{}",
        all[0].sentence
    );

    (0..1000).for_each(|_| learnt.taken());
    let record = LearntRecord {
        learnt,
        low_since: None,
        rest_until: None,
        reply: String::new(),
    };
    fixture
        .queue
        .keep_learnt(&budget, record, None)
        .await
        .expect("kept");
    assert_eq!(fixture.queue.learnt(&budget).await.expect("read"), None);
}
