//! A backup is of one moment, whole, read back, and known to be the past.

mod common;

use std::path::Path;

use common::{audit, damage, files, open, put, remove};
use mailward_store::{CopyError, OpenError, Store, backup, check, restore};

const NOW: i64 = 1_790_000_000_000;

async fn filled(dir: &Path) -> Store {
    let store = open(dir);
    for id in 1..=12 {
        put(&store, id, 700).await.expect("a stored item");
    }
    put(&store, 13, 5000).await.expect("a stored item");
    store
}

/// Items come and go while it is made; it has what was there when it began.
#[tokio::test]
async fn a_live_store_is_backed_up_as_of_one_moment() {
    let dir = tempfile::tempdir().expect("a folder");
    let (place, copy) = (dir.path().join("store"), dir.path().join("backup"));
    let store = filled(&place).await;
    // All of the copying waits until the store has changed under it.
    let (changed, wait) = std::sync::mpsc::sync_channel::<()>(1);
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let mut begun = Some(begun);
    let rest = move |_| {
        if let Some(begun) = begun.take() {
            begun.send(()).expect("somebody who waits");
            wait.recv().expect("a change");
        }
    };
    let making = store.backup(copy.clone(), NOW, rest);
    let changing = async {
        has_begun.await.expect("a beginning");
        for id in 1..=13 {
            remove(&store, id).await.expect("a removed item");
        }
        for id in 21..=30 {
            put(&store, id, 700).await.expect("a stored item");
        }
        changed.send(()).expect("a backup that waits");
    };
    let (made, ()) = tokio::join!(making, changing);
    let made = made.expect("a backup");
    assert_eq!((made.copied.bodies, made.copied.damages.len()), (13, 0));
    assert_eq!(audit(&store).await, (21..=30).collect::<Vec<_>>());
    assert_eq!(store.copied_at().await, Ok(None));
    store.close().await;
    // What was released meanwhile was given back after.
    assert!(files(&place, "bodies").is_empty());
    assert!(files(&place, "segments").len() <= 5);

    let restored = dir.path().join("restored");
    restore(&copy, &restored).expect("a restored store");
    let store = open(&restored);
    assert_eq!(audit(&store).await, (1..=13).collect::<Vec<_>>());
    assert_eq!(store.copied_at().await, Ok(Some(NOW)));
    let forgotten = store.write(Vec::new(), |tx, _| tx.forget_copy()).await;
    forgotten.expect("the original from now on");
    assert_eq!(store.copied_at().await, Ok(None));
    put(&store, 99, 700).await.expect("a stored item");
    store.close().await;
    assert!(check(&restored).expect("a report").is_sound());
}

#[tokio::test]
async fn a_store_that_stands_still_is_locked_while_it_is_copied() {
    let dir = tempfile::tempdir().expect("a folder");
    let (place, copy) = (dir.path().join("store"), dir.path().join("backup"));
    let store = filled(&place).await;
    let refused = backup(&place, &copy, NOW).expect_err("it is in use");
    assert!(
        matches!(&refused, CopyError::Store(OpenError::Locked { .. })),
        "{refused}"
    );
    assert!(!copy.exists());
    store.close().await;
    assert_eq!(
        backup(&place, &copy, NOW).expect("a backup").copied.bodies,
        13
    );
    let again = backup(&place, &copy, NOW).expect_err("it is there");
    assert!(again.to_string().contains("name a new folder"), "{again}");
    assert_eq!(
        audit(&open(&place)).await.len(),
        13,
        "the original is as it was"
    );
}

#[tokio::test]
async fn an_altered_or_unfinished_backup_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let place = dir.path().join("store");
    filled(&place).await.close().await;
    type Spoil = fn(&Path);
    let spoils: [Spoil; 6] = [
        |copy| damage(&copy.join("segments/00000001.seg"), 500),
        |copy| damage(&copy.join("rows.sqlite"), 5000),
        |copy| std::fs::remove_file(copy.join("bodies/13.body")).expect("a file"),
        |copy| std::fs::write(copy.join("bodies/99.body"), "more").expect("a file"),
        |copy| std::fs::remove_file(copy.join("backup.json")).expect("a file"),
        |copy| std::fs::write(copy.join("backup.json"), "{}").expect("a file"),
    ];
    for (number, spoil) in spoils.into_iter().enumerate() {
        let copy = dir.path().join(format!("backup-{number}"));
        let to = dir.path().join(format!("restored-{number}"));
        backup(&place, &copy, NOW).expect("a backup");
        spoil(&copy);
        let refused = restore(&copy, &to).expect_err("a spoilt backup");
        assert!(
            matches!(refused, CopyError::NoBackup { .. }),
            "{number}: {refused}"
        );
        assert!(!to.exists(), "{number}");
    }
    // A store is no backup, and what a killed one left is replaced.
    assert!(restore(&place, &dir.path().join("x")).is_err());
    let left = dir.path().join("late.part");
    std::fs::create_dir(&left).expect("a folder");
    std::fs::write(left.join("unfinished-copy"), "").expect("a file");
    backup(&place, &dir.path().join("late"), NOW).expect("a backup");
    assert!(!left.exists());
}

/// A damaged body does not keep the rest from being saved, and is named.
#[tokio::test]
async fn damage_is_left_out_and_told() {
    let dir = tempfile::tempdir().expect("a folder");
    let (place, copy) = (dir.path().join("store"), dir.path().join("backup"));
    filled(&place).await.close().await;
    damage(&place.join("segments/00000001.seg"), 24 + 300);
    damage(&place.join("bodies/13.body"), 3000);
    let made = backup(&place, &copy, NOW).expect("a backup");
    assert_eq!(made.copied.bodies, 11);
    let records: Vec<_> = made.copied.damages.iter().map(|one| one.record).collect();
    assert_eq!(records, [Some(1), Some(13)]);
    let to = dir.path().join("restored");
    restore(&copy, &to).expect("a restored store");
    assert!(check(&to).expect("a report").is_sound());
}
