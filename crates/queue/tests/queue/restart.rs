//! Killed at every step of a message's life, and opened again: nothing is
//! lost, and nothing is sent twice unawares.

use mailward_queue::{
    AttemptEnd, Budget, DoubtPolicy, LaneLimits, Queue, QueueError, Recovered, Stage, Terms,
};

use std::collections::HashMap;

use mailward_mail::{Dice, MessageId};

use crate::fixture::{
    CountingDice, Fixture, deferred, failed, kinds, lane, person, relayed, states,
};

async fn recovered(fixture: &Fixture) -> (Queue, Recovered) {
    let queue = fixture.killed_now();
    let recovered = queue.recover().await.expect("recovered");
    (queue, recovered)
}

/// What was begun ahead of the disk is there once the dot is.
#[tokio::test]
async fn a_dot_takes_its_attempt_along() {
    let fixture = Fixture::new();
    let id = fixture.accepted(&["seven"]).await;
    let attempt = fixture
        .queue
        .begin_attempt_ahead(id, &[1], &lane())
        .await
        .expect("an attempt");
    let again = fixture.queue.begin_attempt_ahead(id, &[1], &lane()).await;
    assert!(matches!(again, Err(QueueError::NotDue(_))), "{again:?}");
    fixture
        .queue
        .record_final_dot(&attempt, Vec::new())
        .await
        .expect("the dot");
    let (_queue, found) = recovered(&fixture).await;
    assert_eq!((found.interrupted, found.in_doubt), (0, 1));
}

#[tokio::test]
async fn at_every_step_of_the_way() {
    let fixture = Fixture::new();
    let id = fixture.accepted(&["seven", "eight"]).await;

    // Accepted: as it was.
    let (queue, found) = recovered(&fixture).await;
    assert_eq!(states(&queue, id).await, "1:incoming 2:incoming");
    assert_eq!(found, Recovered::default());

    // Begun, no final dot: surely not sent, due at once.
    let attempt = fixture.begin(id).await;
    let (queue, found) = recovered(&fixture).await;
    assert_eq!(states(&queue, id).await, "1:deferred 2:deferred");
    assert_eq!(
        found,
        Recovered {
            interrupted: 2,
            in_doubt: 0,
            restored: 0
        }
    );
    assert_eq!(
        kinds(&queue, id).await,
        "accepted attempt_started interrupted/1 interrupted/2"
    );
    let due = queue.due(&lane(), fixture.now(), 9).await.expect("due");
    assert_eq!(due[0].numbers(), [1, 2]);

    // One refused at RCPT TO, then the final dot: the other is in doubt, and
    // held for a person.
    fixture
        .queue
        .record_final_dot(&attempt, vec![failed(1)])
        .await
        .expect("the dot");
    let (queue, found) = recovered(&fixture).await;
    assert_eq!(states(&queue, id).await, "1:failed 2:hold");
    assert_eq!(
        found,
        Recovered {
            interrupted: 0,
            in_doubt: 1,
            restored: 0
        }
    );
    assert_eq!(
        kinds(&queue, id).await,
        "accepted attempt_started failed/1 final_dot_sent/2 in_doubt/2 held/2"
    );
    assert!(
        queue
            .due(&lane(), fixture.now(), 9)
            .await
            .expect("due")
            .is_empty()
    );
    // The service may have counted it, so the pace does.
    let budget = Budget::of_lane(&lane(), LaneLimits::per_minute(3, 30));
    assert_eq!(
        queue.recent_attempts(&budget).await.expect("read"),
        [fixture.now()]
    );
    // Recovered once is recovered for good.
    assert_eq!(queue.recover().await.expect("again"), Recovered::default());

    // Deferred: keeps its moment.
    let end = AttemptEnd::at(Stage::FinalDot);
    let finished = fixture
        .queue
        .finish_attempt(attempt, end, vec![deferred(2)])
        .await;
    assert!(finished.expect("the end").in_doubt.is_empty());
    let next = fixture.show(id).await.recipients[1].next_attempt_at;
    let (queue, found) = recovered(&fixture).await;
    assert_eq!(
        (states(&queue, id).await, found),
        ("1:failed 2:deferred".into(), <_>::default())
    );
    assert_eq!(
        crate::fixture::show(&queue, id).await.recipients[1].next_attempt_at,
        next
    );

    // Held, released, relayed: as they were.
    fixture
        .queue
        .hold(id, &person(), "look")
        .await
        .expect("held");
    let (queue, _) = recovered(&fixture).await;
    assert_eq!(states(&queue, id).await, "1:failed 2:hold");
    fixture
        .queue
        .release(id, &person(), "looked")
        .await
        .expect("released");
    fixture.attempt(id, vec![relayed(2)]).await;
    let (queue, _) = recovered(&fixture).await;
    assert_eq!(states(&queue, id).await, "1:failed 2:relayed");
    assert_eq!(
        queue
            .notices_due(fixture.now(), 9)
            .await
            .expect("notices")
            .len(),
        1
    );
}

#[tokio::test]
async fn a_class_may_prefer_a_second_copy_to_none() {
    let mut terms = Terms::default();
    terms.routine.in_doubt = DoubtPolicy::Retry;
    let fixture = Fixture::with_terms(terms);
    let id = fixture.accepted(&["seven"]).await;
    let attempt = fixture.begin(id).await;
    fixture
        .queue
        .record_final_dot(&attempt, Vec::new())
        .await
        .expect("the dot");
    let (queue, found) = recovered(&fixture).await;
    assert_eq!(
        found,
        Recovered {
            interrupted: 0,
            in_doubt: 1,
            restored: 0
        }
    );
    assert_eq!(states(&queue, id).await, "1:deferred");
    assert!(kinds(&queue, id).await.ends_with("in_doubt/1 retried/1"));
}

#[tokio::test]
async fn dropped_without_close_and_opened_again() {
    let fixture = Fixture::new();
    let ids = [
        fixture.accepted(&["one"]).await,
        fixture.accepted(&["two"]).await,
    ];
    let queue = fixture.killed_now();
    drop(queue);
    let again = fixture.killed_now();
    for id in ids {
        assert_eq!(states(&again, id).await, "1:incoming");
    }
    assert_eq!(
        again
            .due(&lane(), fixture.now(), 9)
            .await
            .expect("due")
            .len(),
        2
    );
}

#[tokio::test]
async fn many_cut_short_at_once() {
    let fixture = Fixture::new();
    let mut attempts = Vec::new();
    for n in 0..450 {
        let id = fixture.accepted(&["seven"]).await;
        let attempt = fixture
            .queue
            .begin_attempt(id, &[1], &lane())
            .await
            .expect("begun");
        if n % 3 == 0 {
            fixture
                .queue
                .record_final_dot(&attempt, Vec::new())
                .await
                .expect("the dot");
        }
        attempts.push(attempt);
    }
    let (queue, found) = recovered(&fixture).await;
    assert_eq!(
        found,
        Recovered {
            interrupted: 300,
            in_doubt: 150,
            restored: 0
        }
    );
    let summary = queue.summary().await.expect("counts");
    let count = |word: &str| summary.count(word.parse().expect("a state"));
    assert_eq!(
        (count("deferred"), count("hold"), count("active")),
        (300, 150, 0)
    );
}

/// How often the service took a message in for one recipient.
type Received = HashMap<(MessageId, u32), u32>;

/// One attempt that is cut short, or not, wherever chance will have it.
async fn attempt(
    fixture: &mut Fixture,
    id: MessageId,
    chance: &CountingDice,
    received: &mut Received,
) {
    let attempt = fixture.begin(id).await;
    if chance.below(5) == 0 {
        return fixture.kill();
    }
    let mut active = attempt.recipients().to_vec();
    let mut settled = Vec::new();
    if chance.below(4) == 0 {
        let n = active.remove(0);
        settled.push(if chance.below(2) == 0 {
            failed(n)
        } else {
            deferred(n)
        });
    }
    fixture
        .queue
        .record_final_dot(&attempt, settled)
        .await
        .expect("the dot");
    // The dot is sent only if we live, and the reply seen only if we do still.
    if chance.below(5) == 0 {
        return fixture.kill();
    }
    let accepted = chance.below(3) > 0;
    if accepted {
        for n in &active {
            *received.entry((id, *n)).or_default() += 1;
        }
    }
    if chance.below(5) == 0 {
        return fixture.kill();
    }
    let results = active
        .into_iter()
        .map(|n| if accepted { relayed(n) } else { deferred(n) });
    let end = AttemptEnd::at(Stage::FinalDot);
    let finished = fixture
        .queue
        .finish_attempt(attempt, end, results.collect())
        .await;
    assert!(finished.expect("the end").in_doubt.is_empty());
}

#[tokio::test]
async fn kills_at_random_lose_nothing_and_double_nothing() {
    for seed in 1..=8 {
        let chance = CountingDice::seeded(seed * 1_000);
        let mut fixture = Fixture::new();
        let (mut accepted, mut received) = (Vec::new(), Received::new());
        for step in 0..60 {
            if step < 12 {
                let wards = &["one", "two", "three"][..1 + chance.below(3) as usize];
                accepted.push((fixture.accepted(wards).await, wards.len() as u32));
            }
            fixture.queue.recover().await.expect("recovered");
            fixture.pass_minutes(chance.below(30));
            let due = fixture.due().await;
            if !due.is_empty() {
                let id = due[chance.below(due.len() as u64) as usize].id;
                attempt(&mut fixture, id, &chance, &mut received).await;
            }
        }
        fixture.kill();
        fixture.queue.recover().await.expect("recovered");
        for (id, recipients) in accepted {
            let states = fixture.states(id).await;
            assert_eq!(
                states.split(' ').count(),
                recipients as usize,
                "seed {seed}: {id}"
            );
            for one in states.split(' ') {
                let (n, state) = one.split_once(':').expect("a state");
                let times = received
                    .get(&(id, n.parse().expect("a number")))
                    .copied()
                    .unwrap_or(0);
                let right = match state {
                    "relayed" => times == 1,
                    // Held in doubt: a person is asked, whatever the truth is.
                    "hold" => times <= 1,
                    "incoming" | "deferred" | "failed" => times == 0,
                    _ => false,
                };
                assert!(right, "seed {seed}: {id} {one}, received {times} times");
            }
        }
    }
}
