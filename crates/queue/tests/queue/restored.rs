//! A queue from a backup sends nothing of its own accord.

use std::time::Duration;

use mailward_queue::{Budget, HoldReason, LaneLimits};

use crate::fixture::{Fixture, deferred, kinds, person, relayed};

#[tokio::test]
async fn what_a_backup_has_open_is_held_and_what_it_has_ended_is_not() {
    let fixture = Fixture::new();
    let done = fixture.accepted(&["ward-1"]).await;
    fixture.attempt(done, vec![relayed(1)]).await;
    let deferred_one = fixture.accepted(&["ward-2", "ward-3"]).await;
    fixture
        .attempt(deferred_one, vec![relayed(1), deferred(2)])
        .await;
    let mut first = fixture.message(&["ward-4"]);
    first.sequence_key = Some("bed-7".to_owned());
    let first = fixture.accept(first).await;
    let mut second = fixture.message(&["ward-5"]);
    second.sequence_key = Some("bed-7".to_owned());
    let second = fixture.accept(second).await;
    let held = fixture.accepted(&["ward-6"]).await;
    let kept = fixture.queue.hold(held, &person(), "asked for").await;
    kept.expect("held");
    let under_way = fixture.accepted(&["ward-7"]).await;
    let _attempt = fixture.begin(under_way).await;

    let now = fixture.now().as_millis();
    let place = fixture.backup_place();
    let backup = fixture.queue.store().backup(place.clone(), now, |_| {});
    let backup = backup.await.expect("a backup");
    assert_eq!(backup.copied.bodies, 5, "that of the ended one is released");
    assert!(backup.copied.damages.is_empty());

    // Long after, past every deadline.
    fixture.pass(Duration::from_secs(30 * 24 * 3600));
    let restored = fixture.restored_from(&place);
    let recovered = restored.recover().await.expect("recovered");
    assert_eq!((recovered.restored, recovered.interrupted), (4, 1));
    for (id, states) in [
        (done, "1:relayed"),
        (deferred_one, "1:relayed 2:hold"),
        (first, "1:hold"),
        (second, "1:hold"),
        (held, "1:hold"),
        (under_way, "1:hold"),
    ] {
        assert_eq!(crate::fixture::states(&restored, id).await, states);
    }
    assert!(kinds(&restored, first).await.ends_with("held/1"));
    let explained = restored
        .explain(first, |lane| {
            Budget::of_lane(lane, LaneLimits::connections_only(1))
        })
        .await
        .expect("explained");
    assert!(explained[0].sentence.contains("backup"), "{explained:?}");
    assert!(HoldReason::ALL.contains(&HoldReason::Restored));
    let now = fixture.now();
    assert!(restored.lanes_with_work().await.expect("lanes").is_empty());
    let overdue = restored.expire_overdue(now).await.expect("a round");
    assert_eq!(overdue.expired, 1, "only what a person held before");

    // Once, and only once: what comes after is sent.
    let again = restored.recover().await.expect("recovered");
    assert_eq!(again.restored, 0);
    let released = restored.release(first, &person(), "was not sent").await;
    assert_eq!(released.expect("released"), 1);
    assert_eq!(restored.lanes_with_work().await.expect("lanes").len(), 1);
    restored.close().await;

    // The original is not a copy.
    assert_eq!(fixture.queue.store().copied_at().await, Ok(None));
}
