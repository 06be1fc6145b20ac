//! Who goes first in a lane, and when: class, priority, schedule, sequence.

use std::time::Duration;

use mailward_mail::{Dice, MessageId};
use mailward_queue::{
    AttemptEnd, Budget, Lane, LaneLimits, MessageClass, NewMessage, Priority, Stage, StateWord,
    WaitsFor,
};

use crate::fixture::{CountingDice, Fixture, deferred, in_doubt, lane, person, relayed};

fn priority(number: i64) -> Priority {
    Priority::try_from(number).expect("in range")
}

impl Fixture {
    async fn of(&self, class: MessageClass, number: i64) -> MessageId {
        let new = NewMessage {
            message_class: class,
            priority: priority(number),
            ..self.message(&["one"])
        };
        self.accept(new).await
    }

    async fn order(&self, begun: u64, limit: usize) -> Vec<MessageId> {
        let lane = lane();
        let due = self.queue.due_after(&lane, self.now(), limit, begun).await;
        let due = due.expect("what is due");
        due.iter().map(|one| one.id).collect()
    }

    async fn waits_for(&self, id: MessageId) -> (WaitsFor, String) {
        let limits = |lane: &Lane| Budget::of_lane(lane, LaneLimits::connections_only(100));
        let mut all = self.queue.explain(id, limits).await.expect("explained");
        let first = all.remove(0);
        (first.waits_for, first.sentence)
    }
}

#[tokio::test]
async fn class_then_priority_then_age() {
    let fixture = Fixture::new();
    let bulk = fixture.of(MessageClass::Bulk, 9).await;
    let low = fixture.of(MessageClass::Routine, -3).await;
    let plain = fixture.of(MessageClass::Routine, 0).await;
    let next = fixture.of(MessageClass::Routine, 0).await;
    let urgent = fixture.of(MessageClass::Urgent, -9).await;
    let order = fixture.order(0, 9).await;
    assert_eq!(order, [urgent, plain, next, low, bulk]);
    let (waits_for, sentence) = fixture.waits_for(bulk).await;
    assert_eq!(waits_for, WaitsFor::Turn);
    assert!(sentence.contains("4 recipients before it"), "{sentence}");
    assert!(sentence.contains("bulk, with priority 9"), "{sentence}");
    // The guaranteed share: the bulk message is the twentieth's.
    assert_eq!(fixture.order(19, 1).await, [bulk]);
}

#[tokio::test]
async fn a_backlog_delays_no_urgent_message() {
    let fixture = Fixture::new();
    for _ in 0..300 {
        fixture.of(MessageClass::Bulk, 0).await;
    }
    let urgent = fixture.of(MessageClass::Urgent, 0).await;
    assert_eq!(fixture.order(0, 1).await, [urgent]);
}

#[tokio::test]
async fn scheduled_mail_waits_for_its_moment_and_its_deadline_counts_from_there() {
    let fixture = Fixture::new();
    let send_at = fixture.now().plus(Duration::from_secs(3600));
    let scheduled = |fixture: &Fixture| NewMessage {
        not_before: Some(send_at),
        ..fixture.message(&["one"])
    };
    let id = fixture.accept(scheduled(&fixture)).await;
    let withdrawn = fixture.accept(scheduled(&fixture)).await;
    let held = fixture.accept(scheduled(&fixture)).await;
    let view = fixture.show(id).await;
    assert_eq!(view.send_at, Some(send_at));
    assert_eq!(
        view.deadline_at,
        send_at.plus(Duration::from_secs(48 * 3600))
    );
    assert!(fixture.due().await.is_empty());
    let next = fixture.queue.next_due_at(&lane()).await.expect("read");
    assert_eq!(next, Some(send_at));
    let (waits_for, sentence) = fixture.waits_for(id).await;
    assert_eq!(waits_for, WaitsFor::Schedule);
    assert!(sentence.contains(&send_at.to_string()), "{sentence}");

    let queue = &fixture.queue;
    let cancelled = queue.cancel(withdrawn, &person(), "changed").await;
    assert_eq!(cancelled.expect("it waits"), 1);
    // A hold and its release do not bring the moment forward.
    queue.hold(held, &person(), "look").await.expect("held");
    queue.release(held, &person(), "fine").await.expect("free");
    assert!(fixture.due().await.is_empty());
    fixture.pass_minutes(60);
    let due: Vec<_> = fixture.due().await.iter().map(|one| one.id).collect();
    assert_eq!(due, [id, held]);
}

#[tokio::test]
async fn what_has_passed_is_at_once() {
    let fixture = Fixture::new();
    let new = NewMessage {
        not_before: Some(fixture.now()),
        ..fixture.message(&["one"])
    };
    let id = fixture.accept(new).await;
    assert_eq!(fixture.show(id).await.send_at, None);
    assert_eq!(fixture.due().await.len(), 1);
}

fn in_sequence(fixture: &Fixture, key: &str, account: &str) -> NewMessage {
    NewMessage {
        sequence_key: Some(key.to_owned()),
        lane: Lane::new("submission", account),
        ..fixture.message(&["one"])
    }
}

#[tokio::test]
async fn the_follower_waits_for_a_doubt_and_a_hold_and_is_told_of_which() {
    let fixture = Fixture::new();
    let account = crate::fixture::ROTA;
    let first = fixture.accept(in_sequence(&fixture, "p", account)).await;
    // No priority overtakes within a sequence, nor does another account.
    let mut follower = in_sequence(&fixture, "p", "other@northmoor.example");
    follower.message_class = MessageClass::Urgent;
    let follower = fixture.accept(follower).await;
    let attempt = fixture.begin(first).await;
    let queue = &fixture.queue;
    queue
        .record_final_dot(&attempt, Vec::new())
        .await
        .expect("the dot");
    let end = AttemptEnd::at(Stage::FinalDot);
    let finished = queue.finish_attempt(attempt, end, vec![in_doubt(1)]).await;
    assert_eq!(finished.expect("the end").in_doubt, [1]);
    let check = async |word: &str| {
        let (waits_for, sentence) = fixture.waits_for(follower).await;
        assert_eq!(waits_for, WaitsFor::Predecessor);
        assert!(sentence.contains(&first.to_string()), "{sentence}");
        assert!(sentence.contains(word), "{sentence}");
    };
    check("in_doubt").await;
    let settled = mailward_queue::Doubt::Unresolved;
    let by = person();
    queue
        .resolve_doubt(first, None, settled, &by)
        .await
        .expect("held");
    check("hold").await;
    queue.cancel(first, &by, "no").await.expect("cancelled");
    let other = Lane::new("submission", "other@northmoor.example");
    let due = queue.due(&other, fixture.now(), 9).await.expect("due");
    assert_eq!(due.iter().map(|one| one.id).collect::<Vec<_>>(), [follower]);
}

/// Whatever happens to them, messages of one key are begun in the order of
/// their acceptance, and never two at once.
#[tokio::test]
async fn any_course_of_events_keeps_every_sequence() {
    for seed in 1..=12 {
        let fixture = Fixture::new();
        let chance = CountingDice::seeded(seed * 1000);
        let below = |most: u64| chance.next_u64() % most;
        let accounts = ["a@northmoor.example", "b@northmoor.example"];
        let mut accepted: Vec<(MessageId, u64)> = Vec::new();
        let mut begun: Vec<MessageId> = Vec::new();
        for _ in 0..120 {
            match below(8) {
                0..=2 => {
                    let key = below(3);
                    let account = accounts[below(2) as usize];
                    let mut new = in_sequence(&fixture, &format!("key-{key}"), account);
                    new.message_class = MessageClass::ALL[below(3) as usize];
                    new.priority = priority(below(19) as i64 - 9);
                    if below(4) == 0 {
                        let wait = Duration::from_secs(below(600));
                        new.not_before = Some(fixture.now().plus(wait));
                    }
                    accepted.push((fixture.accept(new).await, key));
                }
                3..=6 => {
                    let lane = Lane::new("submission", accounts[below(2) as usize]);
                    let due = fixture.queue.due_after(&lane, fixture.now(), 5, below(40));
                    for one in due.await.expect("due") {
                        let (_, key) = accepted.iter().find(|(id, _)| *id == one.id).expect("ours");
                        for (earlier, _) in accepted
                            .iter()
                            .take_while(|(id, _)| *id != one.id)
                            .filter(|(_, other)| other == key)
                        {
                            let view = fixture.show(*earlier).await;
                            assert!(view.ended_at.is_some(), "seed {seed}: overtaken");
                        }
                        begun.push(one.id);
                        let attempt = fixture
                            .queue
                            .begin_attempt(one.id, &one.numbers(), &lane)
                            .await
                            .expect("it is due");
                        let result = if below(3) == 0 {
                            deferred(1)
                        } else {
                            relayed(1)
                        };
                        let end = AttemptEnd::at(Stage::Body);
                        let finished = fixture.queue.finish_attempt(attempt, end, vec![result]);
                        assert!(finished.await.is_ok());
                    }
                }
                _ => {
                    fixture.pass(Duration::from_secs(below(400)));
                    if let Some((id, _)) = accepted.get(below(accepted.len() as u64 + 1) as usize) {
                        // Refused where it may not be: all the same.
                        let queue = &fixture.queue;
                        let _ = match below(3) {
                            0 => queue.hold(*id, &person(), "x").await,
                            1 => queue.release(*id, &person(), "x").await,
                            _ => queue.cancel(*id, &person(), "x").await,
                        };
                    }
                }
            }
        }
        // With time, all that is not held leaves.
        for _ in 0..60 {
            fixture.pass_minutes(70);
            for account in accounts {
                let lane = Lane::new("submission", account);
                for one in fixture
                    .queue
                    .due(&lane, fixture.now(), 9)
                    .await
                    .expect("due")
                {
                    let numbers = one.numbers();
                    let attempt = fixture.queue.begin_attempt(one.id, &numbers, &lane).await;
                    let attempt = attempt.expect("it is due");
                    let end = AttemptEnd::at(Stage::Body);
                    let finished = fixture
                        .queue
                        .finish_attempt(attempt, end, vec![relayed(1)])
                        .await;
                    assert!(finished.is_ok());
                }
            }
            for (id, _) in &accepted {
                let held = fixture.show(*id).await.recipients[0].state == StateWord::Hold;
                if held {
                    let released = fixture.queue.release(*id, &person(), "go").await;
                    assert_eq!(released.expect("held"), 1);
                }
            }
        }
        for (id, _) in &accepted {
            let view = fixture.show(*id).await;
            assert!(view.ended_at.is_some(), "seed {seed}: {id} never left");
        }
        assert!(!begun.is_empty());
    }
}
