//! Failing disks: what is refused, what is undone, what heals.

mod common;

use std::sync::Arc;

use common::{audit, files, open, open_on, put, read_all, remove};
use mailward_store::{Health, Options, Store, WriteError, check};
use mailward_testkit::FaultyDisk;
use mailward_testkit::disk::Fault;

struct Scene {
    dir: tempfile::TempDir,
    disk: FaultyDisk,
    store: Store,
}

/// A store with item 1 (small) and item 2 (large).
async fn scene() -> Scene {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = FaultyDisk::new();
    let store = open_on(dir.path(), Arc::new(disk.clone())).expect("a store");
    put(&store, 1, 100).await.expect("a stored item");
    put(&store, 2, 5000).await.expect("a stored item");
    Scene { dir, disk, store }
}

#[tokio::test]
async fn a_full_disk_refuses_undoes_and_heals() {
    for octets in [100, 5000] {
        let Scene { dir, disk, store } = scene().await;
        let mut news = store.watch_health();
        disk.set_full(true);
        for _ in 0..3 {
            let refused = put(&store, 3, octets).await;
            assert!(matches!(refused, Err(WriteError::Full(_))), "{refused:?}");
            assert!(matches!(store.health(), Health::Full { .. }));
        }
        assert!(news.has_changed().expect("a store"), "an alarm was raised");
        assert!(matches!(*news.borrow_and_update(), Health::Full { .. }));
        let segment = dir.path().join("segments/00000001.seg");
        let length = std::fs::metadata(segment).expect("a segment").len();
        assert_eq!(length, 124, "only item 1's record is there");
        assert_eq!(
            files(dir.path(), "bodies").len(),
            1,
            "only item 2's file is there"
        );
        assert_eq!(audit(&store).await, [1, 2]);
        // Without a new body there may be room: rows have their reserve.
        remove(&store, 1).await.expect("a removed item");

        disk.set_full(false);
        put(&store, 4, octets).await.expect("room again");
        assert_eq!(store.health(), Health::Sound);
        store.close().await;
        assert_eq!(audit(&open(dir.path())).await, [2, 4]);
    }
}

#[tokio::test]
async fn health_heals_without_a_write_once_there_is_room() {
    let Scene { disk, store, .. } = scene().await;
    disk.set_full(true);
    put(&store, 3, 100).await.expect_err("a refusal");
    assert!(matches!(store.health(), Health::Full { .. }));
    disk.set_full(false);
    assert_eq!(store.health(), Health::Sound);
}

#[tokio::test]
async fn below_the_floor_only_bodies_are_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = FaultyDisk::new();
    let mut options = Options::new(dir.path(), common::SCHEMA);
    options.disk = Arc::new(disk.clone());
    options.limits.free_octets_min = 1;
    let store = Store::open(options).expect("a store");
    put(&store, 1, 100).await.expect("a stored item");
    let appends = disk.counts().appends;
    disk.set_full(true);
    let (refused, removed) = tokio::join!(put(&store, 2, 100), remove(&store, 1));
    assert!(matches!(refused, Err(WriteError::Full(_))), "{refused:?}");
    removed.expect("a removed item");
    assert_eq!(disk.counts().appends, appends, "not even tried");
    assert!(
        matches!(store.health(), Health::Full { .. }),
        "rows alone do not clear it"
    );
}

/// One failure to sync and nothing is promised any more, even if later syncs
/// would succeed; what was there before can be read.
#[tokio::test]
async fn a_failed_sync_poisons_for_good() {
    for octets in [100, 5000] {
        let Scene { dir, disk, store } = scene().await;
        disk.fail_syncs(true);
        let refused = put(&store, 3, octets).await;
        assert!(
            matches!(refused, Err(WriteError::Poisoned(_))),
            "{refused:?}"
        );
        disk.fail_syncs(false);
        let syncs = disk.counts().syncs;
        for id in 4..8 {
            for octets in [0, 100, 5000] {
                let refused = put(&store, id, octets).await;
                assert!(
                    matches!(refused, Err(WriteError::Poisoned(_))),
                    "{refused:?}"
                );
            }
        }
        let refused = remove(&store, 1).await;
        assert!(
            matches!(refused, Err(WriteError::Poisoned(_))),
            "{refused:?}"
        );
        assert_eq!(disk.counts().syncs, syncs, "a sync was tried again");
        assert!(matches!(store.health(), Health::Poisoned { .. }));
        assert_eq!(audit(&store).await, [1, 2]);
        store.close().await;
        disk.cut_power();
        assert_eq!(audit(&open(dir.path())).await, [1, 2]);
    }
}

#[tokio::test]
async fn a_segment_that_cannot_be_cut_back_poisons() {
    let Scene { dir, disk, store } = scene().await;
    disk.set_full(true);
    disk.fail_truncations(true);
    let refused = put(&store, 3, 100).await;
    assert!(
        matches!(refused, Err(WriteError::Poisoned(_))),
        "{refused:?}"
    );
    disk.set_full(false);
    disk.fail_truncations(false);
    let refused = put(&store, 3, 100).await;
    assert!(
        matches!(refused, Err(WriteError::Poisoned(_))),
        "{refused:?}"
    );
    assert_eq!(audit(&store).await, [1, 2]);
    store.close().await;
    assert_eq!(audit(&open(dir.path())).await, [1, 2]);
}

#[tokio::test]
async fn the_database_being_full_passes() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    put(&store, 1, 100).await.expect("a stored item");
    let pages = |limit: &'static str| {
        let store = store.clone();
        async move {
            let set = store.write(Vec::new(), move |tx, _| {
                tx.query_one(limit, &[], |row| row.get::<i64>(0))
            });
            set.await.expect("a pragma").expect("a number")
        }
    };
    // No smaller than it is, so there is no room for one page more.
    pages("PRAGMA max_page_count = 1").await;
    let fill = store.write(Vec::new(), |tx, _| {
        tx.execute(
            "INSERT INTO item VALUES (2, ?1)",
            &["x".repeat(100_000).into()],
        )
    });
    let refused = fill.await;
    assert!(matches!(refused, Err(WriteError::Full(_))), "{refused:?}");
    pages("PRAGMA max_page_count = 1000000").await;
    put(&store, 3, 100).await.expect("room again");
    assert_eq!(store.health(), Health::Sound);
    assert_eq!(audit(&store).await, [1, 3]);
}

/// Every kind of failure at every operation of a run that meets all of the
/// store's ways to the disk; then the power is cut. What was acknowledged is
/// there, what was released is not, and no row names a body that is not whole.
#[tokio::test]
async fn a_failure_at_every_operation_loses_nothing_acknowledged() {
    let mut runs = 0;
    for fault in [Fault::Error, Fault::Torn, Fault::Crash, Fault::TornCrash] {
        let mut nth = 1;
        while fail_once(nth, fault).await {
            nth += 1;
            runs += 1;
        }
    }
    assert!(runs > 100, "only {runs} failures were met");
}

/// False once the run has fewer than `nth` operations.
async fn fail_once(nth: u64, fault: Fault) -> bool {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = FaultyDisk::new();
    disk.fail_at(nth, fault);
    let mut stored = Vec::new();
    let mut removed = Vec::new();
    if let Ok(store) = open_on(dir.path(), Arc::new(disk.clone())) {
        work(&store, &mut stored, &mut removed).await;
        store.close().await;
    }
    let met = disk.counts().operations >= nth;
    disk.cut_power();

    let context = format!("{fault:?} at operation {nth}");
    let store = open_on(dir.path(), Arc::new(disk))
        .unwrap_or_else(|refusal| panic!("{context}: {refusal}"));
    let there = audit(&store).await;
    for id in &stored {
        assert!(there.contains(id), "{context}: item {id} is lost");
    }
    for id in &removed {
        assert!(!there.contains(id), "{context}: item {id} is back");
    }
    // And it goes on as if nothing had been.
    let body = put(&store, 1000, 100).await.expect("a stored item");
    assert!(read_all(&store, &body).await.is_ok(), "{context}");
    store.close().await;
    let report = check(dir.path()).expect("a report");
    assert!(report.is_sound(), "{context}: {report:?}");
    assert_eq!(report.leftovers, 0, "{context}: {report:?}");
    met
}

/// Small and large bodies, several at once, full segments, releases.
async fn work(store: &Store, stored: &mut Vec<i64>, removed: &mut Vec<i64>) {
    for round in 0..4 {
        let id = round * 10;
        let (small, other, large) = tokio::join!(
            put(store, id, 900),
            put(store, id + 1, 10),
            put(store, id + 2, 3000)
        );
        let fates = [(id, small), (id + 1, other), (id + 2, large)];
        stored.extend(
            fates
                .iter()
                .filter(|(_, fate)| fate.is_ok())
                .map(|(id, _)| *id),
        );
        if round % 2 == 1 {
            for id in std::mem::take(stored) {
                match remove(store, id).await {
                    Ok(()) => removed.push(id),
                    // In doubt: either is right, so it is in neither list.
                    Err(_) => return,
                }
            }
        }
    }
}
