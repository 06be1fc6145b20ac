//! Acceptance: what is kept, what is refused, what is the same request again.

use mailward_mail::{BodyType, Ret};
use mailward_queue::{
    AcceptError, Hold, HoldReason, Idempotency, NewMessage, NoticeId, RECIPIENTS_MAX, Repair,
};

use crate::fixture::{Fixture, kinds, lane, on_success, person};

fn keyed(new: NewMessage, key: &str, content: u8) -> NewMessage {
    let idempotency = Some(Idempotency {
        key: key.to_owned(),
        body_hash: [content; 32],
    });
    NewMessage { idempotency, ..new }
}

#[tokio::test]
async fn everything_said_is_kept() {
    let fixture = Fixture::new();
    let mut new = fixture.message(&["seven", "eight"]);
    new.envelope.body = BodyType::EightBitMime;
    new.envelope.smtputf8 = true;
    new.envelope.ret = Some(Ret::Headers);
    new.envelope.envid = Some("QQ314159".to_owned());
    new.envelope.recipients[1].notify = on_success();
    new.envelope.recipients[1].orcpt = Some("rfc822;eight@northmoor.example".to_owned());
    new.subject = Some("é".repeat(2_000));
    new.wants_callback = true;
    new.repairs = vec![Repair {
        rule: "date".to_owned(),
        change: "added".to_owned(),
    }];
    let (envelope, message_id) = (new.envelope.clone(), new.message_id.clone());
    let id = fixture.accept(new).await;

    let view = fixture.show(id).await;
    assert_eq!(view.envelope, envelope);
    assert_eq!(view.message_id, message_id);
    assert_eq!(
        view.subject,
        Some("é".repeat(500)),
        "cut at a thousand octets, between letters"
    );
    assert_eq!((view.lane, view.wants_callback), (lane(), true));
    assert_eq!(
        (view.received_at, view.data_class.as_str()),
        (fixture.now(), "OFFICIAL")
    );
    assert_eq!(kinds(&fixture.queue, id).await, "accepted repaired");

    let due = fixture.due().await;
    assert_eq!(due.len(), 1);
    assert_eq!(
        (due[0].id, &due[0].envelope, due[0].numbers()),
        (id, &envelope, vec![1, 2])
    );
    let mut reader = fixture
        .queue
        .store()
        .read_body(&due[0].body)
        .expect("a body");
    let body = reader.chunk().await.expect("sound").expect("not empty");
    assert_eq!(&body[..], b"Subject: Rota\r\n\r\nSee you.\r\n");
    assert_eq!(view.size_octets, body.len() as u64);
}

#[tokio::test]
async fn what_is_held_waits_for_its_release() {
    let fixture = Fixture::new();
    let hold = Hold {
        reason: HoldReason::Approval,
        by: "rules".into(),
        why: "large list".into(),
    };
    let id = fixture
        .accept(NewMessage {
            hold: Some(hold),
            ..fixture.message(&["seven"])
        })
        .await;
    assert_eq!(fixture.states(id).await, "1:hold");
    assert_eq!(kinds(&fixture.queue, id).await, "accepted held");
    assert!(fixture.due().await.is_empty());
    assert_eq!(
        fixture
            .queue
            .release(id, &person(), "approved")
            .await
            .expect("released"),
        1
    );
    assert_eq!(fixture.due().await.len(), 1);
}

#[tokio::test]
async fn the_same_key_is_the_same_message() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let first = queue
        .accept(
            keyed(fixture.message(&["seven"]), "k1", 1),
            fixture.body("one"),
        )
        .await
        .expect("new");
    assert!(!first.repeated);
    let again = queue
        .accept(
            keyed(fixture.message(&["seven"]), "k1", 1),
            fixture.body("one"),
        )
        .await
        .expect("the same");
    assert_eq!((again.id, again.repeated), (first.id, true));
    let other = queue
        .accept(
            keyed(fixture.message(&["seven"]), "k1", 2),
            fixture.body("two"),
        )
        .await;
    assert!(matches!(other, Err(AcceptError::Conflict { earlier }) if earlier == first.id));
    // Another application's key of the same name is another key.
    let mut new = keyed(fixture.message(&["seven"]), "k1", 2);
    new.application = "alerts".into();
    assert!(
        !queue
            .accept(new, fixture.body("two"))
            .await
            .expect("new")
            .repeated
    );
    assert_eq!(fixture.due().await.len(), 2);
    assert_eq!(
        queue.find_by_key(&"rota".into(), "k1").await.expect("read"),
        Some(first.id)
    );

    // The keys hold over a restart, and are forgotten after a week.
    let reopened = fixture.killed_now();
    let mut writer = reopened.new_body();
    writer.write(b"one").expect("room");
    let body = writer.finish().expect("a body");
    let again = reopened
        .accept(keyed(fixture.message(&["seven"]), "k1", 1), body)
        .await;
    assert!(again.expect("the same").repeated);
    fixture.pass_minutes(7 * 24 * 60 + 1);
    assert_eq!(reopened.forget_idempotency_keys().await.expect("tidied"), 2);
    assert_eq!(
        reopened
            .find_by_key(&"rota".into(), "k1")
            .await
            .expect("read"),
        None
    );
}

#[tokio::test]
async fn one_of_many_at_once_wins() {
    let fixture = Fixture::new();
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let queue = fixture.queue.clone();
        let new = keyed(fixture.message(&["seven"]), "k", 1);
        let body = fixture.body("one");
        tasks.spawn(async move { queue.accept(new, body).await.expect("accepted") });
    }
    let answers = tasks.join_all().await;
    assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 1);
    assert!(answers.iter().all(|answer| answer.id == answers[0].id));
    assert_eq!(fixture.due().await.len(), 1);
}

#[tokio::test]
async fn refusals_keep_nothing() {
    let fixture = Fixture::new();
    let names: Vec<String> = (0..=RECIPIENTS_MAX).map(|n| format!("w{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let table: [(NewMessage, &str); 4] = [
        (
            fixture.message(&[]),
            "the message has no recipients, or more than 5000",
        ),
        (
            fixture.message(&names),
            "the message has no recipients, or more than 5000",
        ),
        (
            keyed(fixture.message(&["seven"]), "", 1),
            "the idempotency key is empty or longer than 255 octets",
        ),
        (
            keyed(fixture.message(&["seven"]), &"k".repeat(256), 1),
            "the idempotency key is empty or longer than 255 octets",
        ),
    ];
    for (new, text) in table {
        let refused = fixture
            .queue
            .accept(new, fixture.body("x"))
            .await
            .expect_err(text);
        assert_eq!(refused.to_string(), text);
    }
    let unknown = fixture.message(&["seven"]);
    let refused = fixture
        .queue
        .accept_report(NoticeId(7), unknown, fixture.body("x"))
        .await;
    assert!(matches!(refused, Err(AcceptError::NoticeDone)));
    assert!(fixture.due().await.is_empty());
    assert_eq!(
        fixture
            .queue
            .list(&<_>::default(), None, 10)
            .await
            .expect("a page")
            .items
            .len(),
        0
    );
}

#[tokio::test]
async fn a_sequence_goes_out_in_order() {
    let fixture = Fixture::new();
    let in_sequence = |name: &str| NewMessage {
        sequence_key: Some("patient-7".to_owned()),
        ..fixture.message(&[name])
    };
    let first = fixture.accept(in_sequence("one")).await;
    let second = fixture.accept(in_sequence("two")).await;
    let third = fixture.accept(in_sequence("three")).await;
    let apart = fixture.accepted(&["four"]).await;
    let due_ids = || async {
        fixture
            .due()
            .await
            .iter()
            .map(|one| one.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(due_ids().await, [first, apart]);

    // A deferral keeps the others waiting; so do hold and release of one of them.
    fixture
        .attempt(first, vec![crate::fixture::deferred(1)])
        .await;
    fixture
        .queue
        .hold(second, &person(), "look")
        .await
        .expect("held");
    fixture
        .queue
        .release(second, &person(), "looked")
        .await
        .expect("released");
    assert_eq!(due_ids().await, [apart]);
    assert_eq!(
        fixture.queue.next_due_at(&lane()).await.expect("read"),
        Some(fixture.now())
    );

    // The next one's turn comes with the end, whatever the end is.
    fixture.pass_minutes(2);
    fixture
        .attempt(first, vec![crate::fixture::relayed(1)])
        .await;
    assert_eq!(due_ids().await, [apart, second]);
    fixture
        .queue
        .cancel(second, &person(), "not needed")
        .await
        .expect("cancelled");
    assert_eq!(due_ids().await, [apart, third]);
}

#[tokio::test]
async fn work_is_announced_even_when_nobody_waits_for_the_answer() {
    let fixture = Fixture::new();
    assert_eq!(fixture.due().await.len(), 0);
    let mut changes = fixture.queue.work_changes();
    changes.mark_unchanged();
    let (new, body) = (fixture.message(&["seven"]), fixture.body("x"));
    let mut accept = Box::pin(fixture.queue.accept(new, body));
    // Handed over to the store, then dropped, as when a client goes away.
    let first = futures_poll(&mut accept);
    assert!(first.is_none() || first == Some(true));
    drop(accept);
    changes.changed().await.expect("announced");
    assert_eq!(fixture.due().await.len(), 1);
}

/// Polls once: nothing while it is pending, else whether it was accepted.
fn futures_poll<T>(
    future: &mut std::pin::Pin<Box<impl Future<Output = Result<T, AcceptError>>>>,
) -> Option<bool> {
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    match future.as_mut().poll(&mut context) {
        std::task::Poll::Ready(result) => Some(result.is_ok()),
        std::task::Poll::Pending => None,
    }
}
