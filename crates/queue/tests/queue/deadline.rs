//! Deadlines are warned of once, while there is time.

use std::time::Duration;

use mailward_mail::{Notify, ReversePath};
use mailward_queue::{DeliverBy, MessageClass, NewMessage, NoticeKind};

use crate::fixture::{Fixture, deferred, kinds, never, relayed};

fn on_delay() -> Option<Notify> {
    Some(Notify {
        delay: true,
        failure: true,
        ..Notify::default()
    })
}

#[tokio::test]
async fn the_sender_who_asked_is_told_once_of_what_still_waits() {
    let fixture = Fixture::new();
    let mut new = fixture.message(&["asks", "asks-and-has-gone", "never", "says-nothing"]);
    for (recipient, notify) in
        new.envelope
            .recipients
            .iter_mut()
            .zip([on_delay(), on_delay(), never(), None])
    {
        recipient.notify = notify;
    }
    let id = fixture.accept(new).await;
    let results = vec![deferred(1), relayed(2), deferred(3), deferred(4)];
    fixture.attempt(id, results).await;
    let mut to_nobody = fixture.message(&["asks"]);
    to_nobody.envelope.reverse_path = ReversePath::Null;
    to_nobody.envelope.recipients[0].notify = on_delay();
    fixture.accept(to_nobody).await;
    let queue = &fixture.queue;
    let routine = MessageClass::Routine;
    assert_eq!(queue.near_deadline(routine).await.expect("read"), None);

    fixture.pass(Duration::from_secs(36 * 3600));
    for warned in [2, 0] {
        let round = queue.expire_overdue(fixture.now()).await.expect("a round");
        assert_eq!(round.warned, warned);
    }
    let notices = queue.notices_due(fixture.now(), 9).await.expect("notices");
    assert_eq!(notices.len(), 1);
    assert_eq!(notices[0].kind, NoticeKind::Delay);
    let told: Vec<_> = notices[0].recipients.iter().map(|one| one.n).collect();
    assert_eq!(told, [1]);
    assert!(kinds(queue, id).await.ends_with(" deadline_near"));
    let near = queue.near_deadline(routine).await.expect("read");
    let near = near.expect("two are near");
    assert_eq!((near.messages, near.first), (2, id));
    assert_eq!(near.deadline, fixture.show(id).await.deadline_at);

    fixture.pass(Duration::from_secs(12 * 3600));
    let round = queue.expire_overdue(fixture.now()).await.expect("a round");
    assert_eq!(round.expired, 4);
    assert_eq!(queue.near_deadline(routine).await.expect("read"), None);
}

#[tokio::test]
async fn the_applications_callback_is_warned_too() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let new = NewMessage {
        wants_callback: true,
        ..fixture.message(&["waits", "has-gone"])
    };
    let id = fixture.accept(new).await;
    fixture.attempt(id, vec![deferred(1), relayed(2)]).await;
    let take = async || {
        let notices = queue.notices_due(fixture.now(), 9).await.expect("notices");
        let mut taken = Vec::new();
        for one in notices {
            let numbers: Vec<_> = one.recipients.iter().map(|one| one.n).collect();
            taken.push((one.kind, numbers));
            queue.finish_notice(one.id, "200").await.expect("told");
        }
        taken
    };
    assert_eq!(take().await, [(NoticeKind::Callback, vec![2])]);
    fixture.pass(Duration::from_secs(36 * 3600));
    queue.expire_overdue(fixture.now()).await.expect("a round");
    assert_eq!(take().await, [(NoticeKind::CallbackDelay, vec![1])]);
    let told = kinds(queue, id).await;
    assert!(
        told.ends_with(" deadline_near callback_delivered/1"),
        "{told}"
    );
}

#[tokio::test]
async fn a_moment_of_the_senders_own_tells_whoever_did_not_refuse() {
    let fixture = Fixture::new();
    let mut new = NewMessage {
        deliver_by: Some(DeliverBy {
            at: fixture.now().plus(Duration::from_secs(60)),
            tells: true,
            traced: false,
        }),
        ..fixture.message(&["one", "never"])
    };
    new.envelope.recipients[1].notify = never();
    let id = fixture.accept(new).await;
    fixture.pass_minutes(1);
    let queue = &fixture.queue;
    queue.expire_overdue(fixture.now()).await.expect("a round");
    let notices = queue.notices_due(fixture.now(), 9).await.expect("notices");
    let told: Vec<_> = notices[0].recipients.iter().map(|one| one.n).collect();
    assert_eq!((notices[0].message, told), (id, vec![1]));
    assert_eq!(notices[0].deliver_by, Some(fixture.now()));
    assert!(kinds(queue, id).await.ends_with(" deliver_by_over"));
    // That is not the deadline's own warning, which comes as for any other.
    let near = queue.near_deadline(MessageClass::Routine).await;
    assert_eq!(near.expect("read"), None);
    fixture.pass(Duration::from_secs(36 * 3600));
    let round = queue.expire_overdue(fixture.now()).await.expect("a round");
    assert_eq!((round.warned, round.expired), (1, 0));
    assert!(kinds(queue, id).await.ends_with(" deadline_near"));
    let round = queue.expire_overdue(fixture.now()).await.expect("a round");
    assert_eq!(round.warned, 0);
}

#[tokio::test]
async fn a_sender_may_ask_for_a_trace_and_may_be_late() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    for (tells, at, told) in [
        // Told of the hand-over, whether the moment has come or not.
        (false, 60, vec![(NoticeKind::Report, vec![1])]),
        (
            true,
            0,
            vec![(NoticeKind::Delay, vec![1]), (NoticeKind::Report, vec![1])],
        ),
    ] {
        let mut new = NewMessage {
            deliver_by: Some(DeliverBy {
                at: fixture.now().plus(Duration::from_secs(at)),
                tells,
                traced: true,
            }),
            ..fixture.message(&["one", "never"])
        };
        new.envelope.recipients[1].notify = never();
        let id = fixture.accept(new).await;
        queue.expire_overdue(fixture.now()).await.expect("a round");
        fixture.attempt(id, vec![relayed(1), relayed(2)]).await;
        let notices = queue.notices_due(fixture.now(), 9).await.expect("notices");
        let mut found = Vec::new();
        for notice in notices {
            let numbers: Vec<_> = notice.recipients.iter().map(|one| one.n).collect();
            found.push((notice.kind, numbers));
            queue.finish_notice(notice.id, "told").await.expect("told");
        }
        assert_eq!(found, told, "{tells}");
    }
}

#[tokio::test]
async fn the_oldest_of_each_class() {
    let fixture = Fixture::new();
    let queue = &fixture.queue;
    let urgent = NewMessage {
        message_class: MessageClass::Urgent,
        ..fixture.message(&["one"])
    };
    let first = fixture.accepted(&["one"]).await;
    let urgent = fixture.accept(urgent).await;
    let second = fixture.accepted(&["one"]).await;
    let oldest = async |class| {
        let oldest = queue.oldest_open(class).await.expect("read");
        oldest.map(|one| one.id)
    };
    assert_eq!(oldest(MessageClass::Urgent).await, Some(urgent));
    assert_eq!(oldest(MessageClass::Routine).await, Some(first));
    assert_eq!(oldest(MessageClass::Bulk).await, None);
    fixture.attempt(first, vec![relayed(1)]).await;
    assert_eq!(oldest(MessageClass::Routine).await, Some(second));
}
