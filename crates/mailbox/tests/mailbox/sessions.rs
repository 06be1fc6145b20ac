//! What sessions on one folder see of each other.

use super::ENGINE;
use super::support::{Bench, name, uids};
use crate::Engine;
use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use mailward_mailbox::{FlagChange, Flags, FlagsUpdate, Folder, Uid, UidRange, Updates, View};

async fn session(bench: &Bench) -> (Folder, View) {
    let folder = bench
        .mailboxes
        .folder("asha", &name("INBOX"))
        .await
        .expect("INBOX");
    let view = folder.view();
    (folder, view)
}

#[tokio::test]
async fn sees_appends_flags_and_expunges_of_others() {
    let bench = Bench::new().await;
    for text in ["1", "2", "3"] {
        bench.append("INBOX", text).await;
    }
    let (one, mut view) = session(&bench).await;
    let (two, mut other) = session(&bench).await;
    assert_eq!(view.uids(), uids(&[1, 2, 3]));

    bench.append("INBOX", "4").await;
    let stored = two
        .store_flags(&uids(&[2]), FlagChange::Add(Flags::SEEN), None)
        .await
        .expect("stored");
    for change in &stored.changes {
        other.was_told(*change);
    }
    let expected = Updates {
        flags: vec![FlagsUpdate {
            number: 2,
            uid: uids(&[2])[0],
            flags: Flags::SEEN,
            change: stored.changes[0],
        }],
        exists: Some(4),
        ..Updates::default()
    };
    assert_eq!(one.updates(&mut view, true), expected);
    let own = two.updates(&mut other, true);
    assert_eq!(
        own,
        Updates {
            exists: Some(4),
            ..Updates::default()
        },
        "its own change is no news"
    );

    two.store_flags(&uids(&[1, 3]), FlagChange::Add(Flags::DELETED), None)
        .await
        .expect("stored");
    assert_eq!(two.expunge(&uids(&[1, 2, 3, 4])).await, Ok(2));
    bench.append("INBOX", "5").await;

    // While expunges must wait, numbers stay as they were told.
    let updates = one.updates(&mut view, false);
    assert_eq!((updates.expunged.len(), updates.exists), (0, Some(5)));
    assert_eq!(view.uid_of(1), Some(uids(&[1])[0]));
    assert!(one.item(uids(&[1])[0]).is_none());
    let updates = one.updates(&mut view, true);
    assert_eq!(updates.expunged, [(3, uids(&[3])[0]), (1, uids(&[1])[0])]);
    assert_eq!(view.uids(), uids(&[2, 4, 5]));
    assert!(one.updates(&mut view, true).is_empty());
}

#[tokio::test]
async fn an_item_that_came_and_went_unseen_is_no_news() {
    let bench = Bench::new().await;
    let (one, mut view) = session(&bench).await;
    bench.append("INBOX", "1").await;
    bench
        .mailboxes
        .remove("asha", &name("INBOX"), &uids(&[1]))
        .await
        .expect("removed");
    assert!(one.updates(&mut view, true).is_empty());
    assert_eq!(view.uid_next(), 2);
}

#[tokio::test]
async fn wakes_who_waits() {
    let bench = Bench::new().await;
    let (one, mut view) = session(&bench).await;
    let mut watch = one.watch();
    watch.mark_unchanged();
    bench.append("INBOX", "1").await;
    watch.changed().await.expect("the folder lives");
    assert_eq!(one.updates(&mut view, true).exists, Some(1));
    bench
        .mailboxes
        .folder("asha", &name("INBOX"))
        .await
        .expect("INBOX")
        .move_to(&uids(&[1]), &name("Sent Items"))
        .await
        .expect("moved");
    watch.changed().await.expect("the folder lives");
    assert_eq!(one.updates(&mut view, true).expunged.len(), 1);
}

#[tokio::test]
async fn recent_is_told_once_and_that_is_kept() {
    let bench = Bench::new().await;
    bench.append("INBOX", "1").await;
    let (one, mut view) = session(&bench).await;
    one.claim_recent(&mut view, true).await;
    assert_eq!(view.recent_count(), 1, "looking alone takes nothing");
    let (two, mut other) = session(&bench).await;
    two.claim_recent(&mut other, false).await;
    assert!(other.is_recent(uids(&[1])[0]));
    drop((one, two));
    let bench = bench.reopen().await;
    bench.append("INBOX", "2").await;
    let (three, mut later) = session(&bench).await;
    three.claim_recent(&mut later, false).await;
    assert_eq!(
        (later.recent_count(), later.is_recent(uids(&[1])[0])),
        (1, false)
    );
}

#[tokio::test]
async fn a_deleted_folder_is_gone_for_its_sessions() {
    let bench = Bench::new().await;
    let folder = name("Projects/2026");
    bench.append("Projects/2026", "1").await;
    let open = bench
        .mailboxes
        .folder("asha", &folder)
        .await
        .expect("a folder");
    let mut view = open.view();
    bench
        .mailboxes
        .delete_folder("asha", &folder)
        .await
        .expect("deleted");
    let updates = open.updates(&mut view, true);
    assert!(updates.gone);
    assert_eq!(updates.expunged.len(), 1);
    assert!(bench.mailboxes.folder("asha", &folder).await.is_err());
}

#[tokio::test]
async fn a_write_whose_caller_went_away_is_seen_after_settling() {
    if ENGINE == Engine::Memory {
        // It is made before anybody could go away.
        return;
    }
    let bench = Bench::new().await;
    let (one, mut view) = session(&bench).await;
    {
        let append = bench.try_append("asha", "INBOX", "1");
        tokio::pin!(append);
        // Poll once: the change is handed to the store; then go away.
        let polled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(append.as_mut().poll(context).is_ready())
        });
        assert!(!polled.await, "a write takes a sync");
    }
    // Writes are made in the order they were handed over, so after this one
    // the forsaken one is on stable storage.
    bench.append("Sent Items", "2").await;
    one.settle().await.expect("settled");
    assert_eq!(one.updates(&mut view, true).exists, Some(1));
}

#[tokio::test]
async fn many_at_once_get_ascending_uids_in_order() {
    let bench = Bench::new().await;
    let (one, mut view) = session(&bench).await;
    let appends = (0..64).map(|number| {
        let content = bench.content(&format!("message {number}"));
        let date = mailward_mail::Timestamp::from_millis(number);
        let target = super::support::target("asha", "INBOX");
        bench.mailboxes.append(target, content, date)
    });
    let mut appends: FuturesUnordered<_> = appends.collect();
    let mut given = Vec::new();
    while let Some(appended) = appends.next().await {
        given.push(appended.expect("appended").uid);
        one.updates(&mut view, true);
        assert!(view.uids().is_sorted());
        assert!(
            given
                .iter()
                .all(|uid| view.sequence_number_of(*uid).is_some())
        );
    }
    given.sort_unstable();
    assert_eq!(given, view.uids());
    assert_eq!(given.len(), 64);
}

fn numbers(ranges: Option<Vec<UidRange>>) -> Option<Vec<(u32, u32)>> {
    let ranges = ranges?.into_iter();
    Some(ranges.map(|(first, last)| (first.0, last.0)).collect())
}

#[tokio::test]
async fn what_went_is_remembered_with_its_change() {
    let bench = Bench::new().await;
    for text in ["1", "2", "3", "4", "5"] {
        bench.append("INBOX", text).await;
    }
    let (one, _) = session(&bench).await;
    let start = one.change();
    let gone = async |set: &[u32]| {
        let (inbox, uids) = (name("INBOX"), uids(set));
        let removed = bench.mailboxes.remove("asha", &inbox, &uids).await;
        assert_eq!(removed, Ok(set.len()));
        one.change()
    };
    let first = gone(&[3]).await;
    let second = gone(&[1, 2, 5]).await;
    one.move_to(&uids(&[4]), &name("Sent Items"))
        .await
        .expect("moved");
    drop(one);

    let bench = bench.reopen().await;
    let (one, _) = session(&bench).await;
    for (change, expected) in [
        (start, &[(3, 3), (1, 2), (5, 5), (4, 4)][..]),
        (first, &[(1, 2), (5, 5), (4, 4)]),
        (second, &[(4, 4)]),
        (one.change(), &[]),
    ] {
        let since = one.gone_since(change).await.expect("read");
        assert_eq!(numbers(since).as_deref(), Some(expected), "{change}");
    }
}

#[tokio::test]
async fn what_went_too_long_ago_is_no_longer_told_apart() {
    const ITEMS: u32 = 1 << 16;
    let bench = Bench::new().await;
    bench.append("INBOX", "1").await;
    let (one, _) = session(&bench).await;
    while one.uid_next() < ITEMS {
        let all: Vec<Uid> = (1..one.uid_next()).map(Uid).collect();
        one.copy(&all, &name("INBOX")).await.expect("copied");
    }
    // Every other one, so that each is a range of its own.
    let (inbox, start) = (name("INBOX"), one.change());
    let mut changes = vec![start];
    for batch in (1..21_001)
        .map(|uid| Uid(uid * 2))
        .collect::<Vec<_>>()
        .chunks(1000)
    {
        let removed = bench.mailboxes.remove("asha", &inbox, batch).await;
        assert_eq!(removed, Ok(1000));
        changes.push(one.change());
    }
    assert_eq!(one.gone_since(start).await, Ok(None));
    assert_eq!(one.gone_since(changes[10]).await, Ok(None));
    let known = one.gone_since(changes[11]).await.expect("read");
    assert_eq!(known.map(|ranges| ranges.len()), Some(10_000));
    // More at once than are kept.
    let odd: Vec<Uid> = (0..11_000).map(|uid| Uid(uid * 2 + 1)).collect();
    one.move_to(&odd, &name("Sent Items")).await.expect("moved");
    assert_eq!(one.gone_since(changes[20]).await, Ok(None));
    assert_eq!(one.gone_since(one.change()).await, Ok(Some(Vec::new())));
}
