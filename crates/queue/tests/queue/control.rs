//! What people do, and what they are told when they can not.

use mailward_queue::{Actor, Credential, QueueError, Reported, Target, TimelineEvent};
use mailward_queue::{BreakerState, StateWord};

use crate::fixture::{Fixture, deferred, failed, kinds, person, relayed};

#[tokio::test]
async fn an_act_moves_what_it_can_and_names_who_and_why() {
    let fixture = Fixture::new();
    let id = fixture.accepted(&["one", "two", "three"]).await;
    fixture
        .attempt(id, vec![relayed(1), deferred(2), deferred(3)])
        .await;
    let queue = &fixture.queue;
    assert_eq!(
        queue.hold(id, &person(), "look").await.expect("two wait"),
        2
    );
    assert_eq!(fixture.states(id).await, "1:relayed 2:hold 3:hold");
    let third = Target {
        message: id,
        recipient: Some(3),
    };
    assert_eq!(
        queue.release(third, &person(), "fine").await.expect("one"),
        1
    );
    assert_eq!(queue.retry(id, &person(), "now").await.expect("one"), 1);
    assert_eq!(
        queue
            .cancel(id, &person(), "wrong patient")
            .await
            .expect("both"),
        2
    );
    assert_eq!(
        fixture.states(id).await,
        "1:relayed 2:cancelled 3:cancelled"
    );
    let timeline = fixture.show(id).await.timeline;
    let cancelled = TimelineEvent::Cancelled {
        by: person(),
        why: "wrong patient".to_owned(),
    };
    let by_us: Vec<_> = timeline
        .iter()
        .filter(|entry| entry.event == cancelled)
        .map(|entry| entry.recipient)
        .collect();
    assert_eq!(by_us, [Some(2), Some(3)]);
    assert!(
        fixture
            .queue
            .notices_due(fixture.now(), 9)
            .await
            .expect("read")
            .is_empty()
    );
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let fixture = Fixture::new();
    let id = fixture.accepted(&["one"]).await;
    let queue = &fixture.queue;
    let refusal = queue
        .retry(id, &person(), "now")
        .await
        .expect_err("not tried yet")
        .to_string();
    assert!(
        refusal.ends_with("incoming can not be retried; it has not been tried yet"),
        "{refusal}"
    );
    for (said, advice) in [
        (queue.release(id, &person(), "x").await, "; it is not held"),
        (
            queue.confirm_sent(id, &person(), "x").await,
            "; only what is in doubt can be",
        ),
    ] {
        let refusal = said.expect_err("nothing to do").to_string();
        assert!(refusal.ends_with(advice), "{refusal}");
    }
    let attempt = fixture.begin(id).await;
    let refusal = queue
        .cancel(id, &person(), "no")
        .await
        .expect_err("active")
        .to_string();
    assert!(refusal.contains("an attempt is under way"), "{refusal}");
    drop(attempt);
    let nobody = Target {
        message: id,
        recipient: Some(2),
    };
    let refusal = queue.hold(nobody, &person(), "no").await;
    assert!(matches!(refusal, Err(QueueError::NoSuchRecipient(_, 2))));
    let unknown = queue.new_id();
    assert!(matches!(
        queue.cancel(unknown, &person(), "no").await,
        Err(QueueError::NoSuchMessage(id)) if id == unknown
    ));
}

#[tokio::test]
async fn a_doubt_held_is_a_persons_to_settle() {
    for (confirm, state) in [(true, "1:relayed"), (false, "1:deferred")] {
        let fixture = Fixture::new();
        let id = fixture.accepted(&["one"]).await;
        let attempt = fixture.begin(id).await;
        fixture
            .queue
            .record_final_dot(&attempt, Vec::new())
            .await
            .expect("the dot");
        let queue = fixture.killed_now();
        queue.recover().await.expect("recovered");
        let moved = if confirm {
            queue.confirm_sent(id, &person(), "the ward has it").await
        } else {
            queue.release(id, &person(), "the ward has it not").await
        };
        assert_eq!(moved.expect("settled"), 1);
        assert_eq!(crate::fixture::states(&queue, id).await, state);
    }
    // What was held for another reason was never sent.
    let fixture = Fixture::new();
    let id = fixture.accepted(&["one"]).await;
    fixture
        .queue
        .hold(id, &person(), "look")
        .await
        .expect("held");
    assert!(
        fixture
            .queue
            .confirm_sent(id, &person(), "?")
            .await
            .is_err()
    );
}

#[tokio::test]
async fn a_report_refines_relayed_and_nothing_else() {
    let fixture = Fixture::new();
    let id = fixture.accepted(&["one", "two", "three"]).await;
    fixture
        .attempt(id, vec![relayed(1), relayed(2), failed(3)])
        .await;
    let queue = &fixture.queue;
    let one = |n| Target {
        message: id,
        recipient: Some(n),
    };
    queue
        .report(one(1), Reported::Delivered, "read receipt")
        .await
        .expect("refined");
    queue
        .report(one(2), Reported::Failed, "550 5.2.2 mailbox full")
        .await
        .expect("refined");
    assert!(
        queue
            .report(one(3), Reported::Delivered, "?")
            .await
            .is_err()
    );
    assert!(queue.report(one(1), Reported::Failed, "?").await.is_err());
    assert_eq!(fixture.states(id).await, "1:delivered 2:failed 3:failed");
    assert!(kinds(queue, id).await.ends_with("delivered/1 failed/2"));
    // The report of 2 is the sender's notice; ours is about 3 alone.
    let notices = queue.notices_due(fixture.now(), 9).await.expect("notices");
    let told: Vec<Vec<u32>> = notices
        .iter()
        .map(|one| one.recipients.iter().map(|r| r.n).collect())
        .collect();
    assert_eq!(told, [vec![3]]);
}

#[tokio::test]
async fn a_breaker_opens_once_and_stays_open_for_its_version() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let credential = |version: &str| Credential {
        account: crate::fixture::ROTA.into(),
        name: "password".to_owned(),
        version: version.to_owned(),
    };
    let refused = mailward_mail::Reply::status(535, 7, 3, "Authentication unsuccessful");
    assert_eq!(
        queue.breaker_state(&credential("1")).await.expect("read"),
        BreakerState::Closed
    );
    queue
        .breaker_open(&credential("1"), &refused)
        .await
        .expect("opened");
    let since = fixture.now();
    fixture.pass_minutes(1);
    let later = mailward_mail::Reply::status(535, 7, 3, "again");
    queue
        .breaker_open(&credential("1"), &later)
        .await
        .expect("open already");
    let open = BreakerState::Open {
        since,
        reply: "535 5.7.3 Authentication unsuccessful".to_owned(),
    };
    let reopened = fixture.killed_now();
    assert_eq!(
        reopened
            .breaker_state(&credential("1"))
            .await
            .expect("read"),
        open
    );
    assert_eq!(
        reopened
            .breaker_state(&credential("2"))
            .await
            .expect("read"),
        BreakerState::Closed
    );
    assert_eq!(reopened.open_breakers().await.expect("read").len(), 1);
    assert_eq!(reopened.summary().await.expect("read").breakers_open, 1);

    let by = Actor::new("j.doe");
    assert!(
        queue
            .breaker_close(&credential("1"), &by)
            .await
            .expect("closed")
    );
    assert!(
        !queue
            .breaker_close(&credential("1"), &by)
            .await
            .expect("was closed")
    );
    assert_eq!(
        queue.breaker_state(&credential("1")).await.expect("read"),
        BreakerState::Closed
    );
    queue
        .breaker_open(&credential("1"), &later)
        .await
        .expect("opened again");
    assert!(matches!(
        queue.breaker_state(&credential("1")).await.expect("read"),
        BreakerState::Open { since, .. } if since == fixture.now()
    ));
}

#[tokio::test]
async fn the_summary_counts_and_knows_the_oldest() {
    let fixture = Fixture::new();
    assert_eq!(
        fixture
            .queue
            .summary()
            .await
            .expect("counts")
            .oldest_waiting,
        None
    );
    let first = fixture.accepted(&["one", "two"]).await;
    fixture.pass_minutes(1);
    let second = fixture.accepted(&["three"]).await;
    fixture.attempt(first, vec![relayed(1), failed(2)]).await;
    let summary = fixture.queue.summary().await.expect("counts");
    let counts: Vec<_> = summary
        .recipients
        .iter()
        .filter(|(_, count)| *count > 0)
        .collect();
    let words: Vec<_> = counts
        .iter()
        .map(|(word, count)| (word.as_str(), *count))
        .collect();
    assert_eq!(words, [("incoming", 1), ("relayed", 1), ("failed", 1)]);
    assert_eq!(summary.count(StateWord::Hold), 0);
    assert_eq!(summary.oldest_waiting, Some((second, fixture.now())));
    assert_eq!(summary.notices_open, 1);
}
