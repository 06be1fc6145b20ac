//! What becomes of a queue whose store was damaged and repaired.

use std::path::Path;

use mailward_mail::MessageId;
use mailward_queue::{HoldReason, MIGRATIONS, Mender, StateWord};
use mailward_store::{Repaired, Schema, TxError, WriteError, repair};

use crate::fixture::{Fixture, deferred, kinds, person, relayed, states};

const SCHEMA: Schema = Schema {
    name: "queue",
    migrations: MIGRATIONS,
};

/// Flips a bit of the text of the nth message that was accepted, of which each
/// has one of the same length.
fn spoil(dir: &Path, octets: u64, nth: usize) {
    const HEADER_OCTETS: usize = 24;
    let record = HEADER_OCTETS + usize::try_from(octets).expect("short");
    let path = dir.join("segments/00000001.seg");
    let mut segment = std::fs::read(&path).expect("a segment");
    segment[(nth - 1) * record + HEADER_OCTETS + 3] ^= 4;
    std::fs::write(path, segment).expect("a damaged segment");
}

fn mended(fixture: &Fixture, dir: &Path, keep: Option<&Path>) -> Repaired {
    let mut mender = Mender { now: fixture.now() };
    repair(dir, &SCHEMA, keep, &mut mender).expect("a repair")
}

#[tokio::test]
async fn what_has_lost_its_text_is_held_and_the_rest_goes_out() {
    let mut fixture = Fixture::new();
    let waiting = fixture.accepted(&["ward-1", "ward-2"]).await;
    let tried = fixture.accepted(&["ward-3", "ward-4"]).await;
    fixture.attempt(tried, vec![relayed(1), deferred(2)]).await;
    let held = fixture.accepted(&["ward-5"]).await;
    fixture
        .queue
        .hold(held, &person(), "asked for")
        .await
        .expect("held");
    let under_way = fixture.accepted(&["ward-6"]).await;
    let whole = fixture.accepted(&["ward-7"]).await;
    let octets = fixture.show(whole).await.body.expect("a text").octets();
    let _attempt = fixture.begin(under_way).await;

    let dir = fixture.killed_folder();
    for nth in 1..=4 {
        spoil(&dir, octets, nth);
    }
    let told = mended(&fixture, &dir, None);
    assert_eq!((told.lost, told.acts_total), (4, 8), "{:?}", told.acts);
    let keep = dir.with_extension("kept");
    let done = mended(&fixture, &dir, Some(&keep));
    assert!(done.is_sound() && done.acts == told.acts, "{done:?}");
    for id in [waiting, tried, held, under_way] {
        let named = |act: &&String| act.contains(&id.to_string());
        assert_eq!(done.acts.iter().filter(named).count(), 1, "{done:?}");
    }

    fixture.go_on_in(&dir);
    let queue = &fixture.queue;
    queue.recover().await.expect("recovered");
    for (id, expected) in [
        (waiting, "1:hold 2:hold"),
        (tried, "1:relayed 2:hold"),
        (held, "1:hold"),
        // It is held once it is tried and its text is found missing.
        (under_way, "1:deferred"),
        (whole, "1:incoming"),
    ] {
        assert_eq!(states(queue, id).await, expected);
    }
    let view = fixture.show(waiting).await;
    assert_eq!(view.recipients[0].hold_reason, Some(HoldReason::Damaged));
    assert!(kinds(queue, held).await.contains("mended"));
    let summary = queue.summary().await.expect("a summary");
    assert_eq!(summary.count(StateWord::Hold), 4);
    let due = fixture.due().await;
    let ids: Vec<MessageId> = due.iter().map(|one| one.id).collect();
    assert!(ids.contains(&whole) && !ids.contains(&waiting), "{ids:?}");
    // A person ends what can't be sent, and its row goes the way of all.
    let cancelled = queue.cancel(waiting, &person(), "sent anew").await;
    assert_eq!(cancelled.expect("cancelled"), 2);
    assert_eq!(fixture.show(waiting).await.body, None);
}

#[tokio::test]
async fn counts_are_made_anew_from_the_rows() {
    let mut fixture = Fixture::new();
    fixture.accepted(&["ward-1", "ward-2"]).await;
    let before = fixture.queue.summary().await.expect("a summary");
    let lanes = fixture.queue.waiting_by_lane().await.expect("lanes");
    let spoilt: Result<(), WriteError> = fixture
        .queue
        .store()
        .write(Vec::new(), |tx, _| {
            tx.execute("UPDATE tallies SET recipients = recipients + 5", &[])?;
            tx.execute("UPDATE lanes SET waiting = 0", &[])?;
            Ok::<(), TxError>(())
        })
        .await;
    spoilt.expect("written");
    let dir = fixture.killed_folder();
    let done = mended(&fixture, &dir, Some(&dir.with_extension("kept")));
    assert_eq!((done.acts_total, done.lost), (2, 0), "{done:?}");
    let again = mended(&fixture, &dir, None);
    assert_eq!(again.acts_total, 0, "{again:?}");
    fixture.go_on_in(&dir);
    assert_eq!(fixture.queue.summary().await.expect("a summary"), before);
    let counted = fixture.queue.waiting_by_lane().await.expect("lanes");
    assert_eq!(counted, lanes);
}
