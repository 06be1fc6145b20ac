//! Space comes back, damage is found while running, and neither loses mail.

mod common;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use common::{audit, content, damage, files, items, open, put, read_all, remove};
use mailward_store::{Disk, Health, Options, Store, SystemDisk, WriteError, check};
use mailward_testkit::FaultyDisk;
use mailward_testkit::disk::Fault;

/// Queries after which the background has had its time.
const ROUNDS_MAX: usize = 20_000;

fn open_quick(dir: &Path, disk: Arc<dyn Disk>) -> Result<Store, mailward_store::OpenError> {
    let mut options = Options::new(dir, common::SCHEMA);
    options.limits = common::limits();
    options.limits.background_pause = Duration::ZERO;
    options.disk = disk;
    Store::open(options)
}

/// Items 1 to 15 in five segments, of which two of three are removed again.
async fn thin_out(store: &Store) -> Vec<i64> {
    for id in 1..=15 {
        put(store, id, 700).await.expect("a stored item");
    }
    let mut left = Vec::new();
    for id in 1..=15 {
        if id % 3 == 1 {
            left.push(id);
        } else if remove(store, id).await.is_err() {
            break;
        }
    }
    left
}

/// Asks until `done` says so, with something to do for every thread between.
async fn until(store: &Store, rounds: usize, mut done: impl FnMut() -> bool) -> bool {
    for _ in 0..rounds {
        if done() {
            return true;
        }
        let _ = items(store).await;
    }
    done()
}

#[tokio::test]
async fn sparse_segments_are_emptied_and_removed() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open_quick(dir.path(), Arc::new(SystemDisk)).expect("a store");
    let reading = put(&store, 0, 700).await.expect("a stored item");
    let left = thin_out(&store).await;
    let few = || files(dir.path(), "segments").len() <= 3;
    assert!(
        until(&store, ROUNDS_MAX, few).await,
        "{:?}",
        files(dir.path(), "segments")
    );
    assert!(
        read_all(&store, &reading).await.is_ok(),
        "it may have moved"
    );
    let space = store.space();
    assert!(space.live_octets * 3 > space.segment_octets, "{space:?}");
    assert_eq!(audit(&store).await[1..], left);
    assert!(store.damages().is_empty(), "{:?}", store.damages());
    store.close().await;
    assert!(check(dir.path()).expect("a report").is_sound());
    let store = open(dir.path());
    assert_eq!(audit(&store).await[1..], left);
    for (id, _) in items(&store).await {
        remove(&store, id).await.expect("a removed item");
    }
    store.close().await;
    assert_eq!(files(dir.path(), "segments").len(), 1);
}

/// The disk fails at every operation of removals and moves in turn, then the
/// power is cut: what was acknowledged is there, and there only once.
#[tokio::test]
async fn a_failure_at_every_step_of_a_move_loses_nothing() {
    let mut runs = 0;
    for fault in [Fault::Error, Fault::Torn, Fault::Crash, Fault::TornCrash] {
        let mut nth = 1;
        while fail_once(nth, fault).await {
            nth += 1;
            runs += 1;
        }
    }
    assert!(runs > 30, "only {runs} failures were met");
}

/// False once fewer than `nth` operations were needed.
async fn fail_once(nth: u64, fault: Fault) -> bool {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = FaultyDisk::new();
    // Everything is moved by the run that fails, not by the one that prepares.
    let store = common::open_on(dir.path(), Arc::new(disk.clone())).expect("a store");
    for id in 1..=15 {
        put(&store, id, 700).await.expect("a stored item");
    }
    store.close().await;
    let store = open_quick(dir.path(), Arc::new(disk.clone())).expect("a store");
    let before = disk.counts().operations;
    disk.fail_at(nth, fault);
    let mut left = Vec::new();
    for id in 1..=15 {
        if id % 3 == 1 {
            left.push(id);
        } else if remove(&store, id).await.is_err() {
            break;
        }
    }
    let over = || {
        disk.counts().operations - before > nth + 2
            || files(dir.path(), "segments").len() <= 3
            || matches!(store.health(), Health::Poisoned { .. })
    };
    until(&store, 150, over).await;
    store.close().await;
    let met = disk.counts().operations - before >= nth;
    disk.cut_power();

    let context = format!("{fault:?} at operation {nth}");
    let store = open_quick(dir.path(), Arc::new(disk))
        .unwrap_or_else(|refusal| panic!("{context}: {refusal}"));
    let there = audit(&store).await;
    for id in &left {
        assert!(there.contains(id), "{context}: item {id} is lost");
    }
    let few = || files(dir.path(), "segments").len() <= 3;
    if there.len() == left.len() {
        assert!(
            until(&store, ROUNDS_MAX, few).await,
            "{context}: it does not go on"
        );
    }
    put(&store, 1000, 100).await.expect("a stored item");
    store.close().await;
    let report = check(dir.path()).expect("a report");
    assert!(report.is_sound(), "{context}: {report:?}");
    assert_eq!(report.leftovers, 0, "{context}: {report:?}");
    met
}

/// A segment with damage stays as it is: nothing in it is moved unread, and
/// what is damaged is an alarm.
#[tokio::test]
async fn a_damaged_segment_is_not_moved_but_reported() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open_quick(dir.path(), Arc::new(SystemDisk)).expect("a store");
    for id in 1..=15 {
        put(&store, id, 700).await.expect("a stored item");
    }
    damage(&dir.path().join("segments/00000002.seg"), 24 + 300);
    for id in (1..=15).filter(|id| id % 3 != 1) {
        remove(&store, id).await.expect("a removed item");
    }
    let found = || !store.damages().is_empty() && files(dir.path(), "segments").len() <= 3;
    assert!(until(&store, ROUNDS_MAX, found).await);
    let damages = store.damages();
    assert_eq!(damages.len(), 1, "{damages:?}");
    assert!(damages[0].file.ends_with("00000002.seg"), "{damages:?}");
    assert!(dir.path().join("segments/00000002.seg").exists());
    let item = items(&store).await.into_iter().find(|(id, _)| *id == 4);
    let body = item.expect("the item is there").1;
    // The first time it comes from memory.
    read_all(&store, &body).await.expect("a whole body");
    assert!(
        read_all(&store, &body).await.is_err(),
        "and known to be damaged"
    );
}

/// What the start leaves out is compared while the store runs.
#[tokio::test]
async fn the_rest_of_a_large_store_is_checked_while_it_runs() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    for id in 1..=15 {
        put(&store, id, 700).await.expect("a stored item");
    }
    let large = put(&store, 31, 9000).await.expect("a stored item");
    store.close().await;
    damage(&dir.path().join("segments/00000001.seg"), 24 + 300);
    damage(
        &dir.path().join(format!("bodies/{}.body", large.number())),
        8000,
    );
    let mut options = Options::new(dir.path(), common::SCHEMA);
    options.limits = common::limits();
    options.limits.start_check_octets_max = 0;
    options.limits.background_pause = Duration::ZERO;
    let store = Store::open(options).expect("a store that looks sound");
    assert!(until(&store, ROUNDS_MAX, || store.damages().len() >= 2).await);
    let mut records: Vec<_> = store.damages().iter().map(|one| one.record).collect();
    records.sort();
    assert_eq!(records, [Some(1), Some(large.number())]);
    // The rest works on.
    put(&store, 40, 100).await.expect("a stored item");
}

/// Below the floor bodies are refused and rows are not; they are taken again
/// once there is a quarter more than the floor.
#[tokio::test]
async fn a_real_full_file_system_refuses_bodies_and_comes_back() {
    let Some(mount) = Mount::small() else {
        println!("no file system can be mounted here: tried with the faulty disk instead");
        return full_and_back(
            &tempfile::tempdir().expect("a folder").path().join("store"),
            None,
        )
        .await;
    };
    println!("tried on a real file system of 24 MiB");
    full_and_back(&mount.dir.path().join("store"), Some(&mount)).await;
}

const MIB: usize = 1024 * 1024;

async fn full_and_back(dir: &Path, mount: Option<&Mount>) {
    let disk = FaultyDisk::new();
    let mut options = Options::new(dir, common::SCHEMA);
    options.limits.free_octets_min = 8 * MIB as u64;
    options.limits.background_pause = Duration::ZERO;
    if mount.is_none() {
        options.disk = Arc::new(disk.clone());
    }
    let store = Store::open(options.clone()).expect("a store");
    let (mut stored, mut refused) = (Vec::new(), 0);
    for id in 1..=4000 {
        if mount.is_none() {
            disk.set_full(id > 200);
        }
        match put(&store, id, 16 * 1024).await {
            Ok(_) => stored.push(id),
            Err(WriteError::Full(_)) => refused += 1,
            Err(other) => panic!("{other}"),
        }
        if refused > 20 {
            break;
        }
    }
    assert!(
        refused > 20 && stored.len() >= 100,
        "{} stored",
        stored.len()
    );
    assert!(matches!(store.health(), Health::Full { .. }));
    assert!(store.space().refusing, "{:?}", store.space());
    assert_eq!(audit(&store).await, stored, "nothing acknowledged is lost");
    // Deliveries are recorded all the same, and give the room back.
    let (gone, left) = stored.split_at(stored.len() * 3 / 4);
    for id in gone {
        remove(&store, *id).await.expect("a record fits");
    }
    disk.set_full(false);
    let again = until(&store, ROUNDS_MAX, || store.health() == Health::Sound).await;
    assert!(again, "{:?}", store.space());
    put(&store, 9999, 16 * 1024)
        .await
        .expect("room again, without a restart");
    store.close().await;
    let store = Store::open(options).expect("a sound store");
    let mut expected = left.to_vec();
    expected.push(9999);
    assert_eq!(audit(&store).await, expected);
    store.close().await;
}

/// Just under the line is not enough: else every message that ends would let
/// one in.
#[tokio::test]
async fn room_comes_back_with_a_margin() {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = FaultyDisk::new();
    let mut options = Options::new(dir.path(), common::SCHEMA);
    options.disk = Arc::new(disk.clone());
    // With a floor just below what is free there is room, but no quarter more.
    options.limits.free_octets_min = disk.space(dir.path()).expect("figures").free_octets / 10 * 9;
    let store = Store::open(options).expect("a store");
    put(&store, 1, 100).await.expect("room");
    disk.set_full(true);
    put(&store, 2, 100).await.expect_err("no room");
    disk.set_full(false);
    let refused = put(&store, 3, 100).await;
    assert!(matches!(refused, Err(WriteError::Full(_))), "{refused:?}");
    assert!(matches!(store.health(), Health::Full { .. }));
    assert!(
        read_all(&store, &items(&store).await[0].1)
            .await
            .expect("a body")
            == content(1, 100)
    );
}

/// A file system of its own, where the machine allows it.
struct Mount {
    dir: tempfile::TempDir,
}

impl Mount {
    fn small() -> Option<Self> {
        let dir = tempfile::tempdir().expect("a folder");
        let mounted = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"])
            .arg(dir.path())
            .output();
        mounted
            .is_ok_and(|output| output.status.success())
            .then_some(Self { dir })
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("--lazy")
            .arg(self.dir.path())
            .output();
    }
}
