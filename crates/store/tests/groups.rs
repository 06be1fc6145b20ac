//! Many writers at once: shared syncs, readers beside them, a clean close.

mod common;

use std::cell::Cell;
use std::sync::Arc;

use common::{audit, items, open, open_on, put};
use futures_util::future::join_all;
use mailward_store::{ReadError, Store, WriteError};
use mailward_testkit::FaultyDisk;

#[tokio::test]
async fn changes_that_wait_share_a_sync() {
    const CHANGES: i64 = 400;
    let dir = tempfile::tempdir().expect("a folder");
    let disk = FaultyDisk::new();
    let store = open_on(dir.path(), Arc::new(disk.clone())).expect("a store");
    let before = disk.counts();
    // Held up by its first change, the writer finds all others waiting: each
    // has handed itself over once it was polled, and the word comes last.
    let (go, wait) = std::sync::mpsc::sync_channel::<()>(1);
    let hold = store.write(Vec::new(), move |_, _| {
        wait.recv().expect("a word");
        Ok(())
    });
    let puts = join_all((1..=CHANGES).map(|id| put(&store, id, 100)));
    let say = async { go.send(()).expect("a waiting writer") };
    let (held, stored, ()) = tokio::join!(hold, puts, say);
    held.expect("a change");
    for item in stored {
        item.expect("a stored item");
    }
    let after = disk.counts();
    let appends = after.appends - before.appends;
    assert!(appends <= 3, "{appends} appends");
    // One of the segment each, and of a folder when a segment is begun.
    let syncs = after.syncs - before.syncs;
    assert!(syncs <= 6, "{syncs} syncs");
    assert_eq!(audit(&store).await.len(), 400);
}

#[tokio::test]
async fn readers_see_whole_changes_while_others_write() {
    const PAIRS: i64 = 100;
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let done = Cell::new(false);
    let writing = async {
        for pair in 0..PAIRS {
            let body = put(&store, pair, 300).await.expect("a stored item");
            let other = store.write(Vec::new(), move |tx, _| {
                tx.retain_body(&body)?;
                let sql = "INSERT INTO item VALUES (?1, ?2)";
                tx.execute(sql, &[(10_000 + pair).into(), body.into()])?;
                tx.execute(sql, &[(20_000 + pair).into(), body.into()])
            });
            other.await.expect("a change");
        }
        done.set(true);
    };
    let reading = async {
        let mut views = 0;
        while !done.get() {
            check_view(&store).await;
            views += 1;
        }
        views
    };
    let ((), views) = tokio::join!(writing, reading);
    assert!(views > 1, "{views} views");
    assert_eq!(items(&store).await.len(), 300);
}

/// Rows that belong together are both there or neither, and the newest item
/// has its body.
async fn check_view(store: &Store) {
    let rows = items(store).await;
    let count = |from: i64| {
        let ids = from..from + 10_000;
        rows.iter().filter(|(id, _)| ids.contains(id)).count()
    };
    assert_eq!(count(10_000), count(20_000), "half a change was seen");
    if let Some((id, body)) = rows.iter().rfind(|(id, _)| *id < 10_000) {
        let read = common::read_all(store, body).await.expect("a body");
        assert!(read == common::content(*id, 300));
    }
}

#[tokio::test]
async fn a_closed_store_has_stored_what_came_before_and_refuses_the_rest() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let other = store.clone();
    let (first, ()) = tokio::join!(put(&store, 1, 10), store.clone().close());
    let body = first.expect("a stored item");
    assert_eq!(put(&other, 2, 10).await, Err(WriteError::Closed));
    assert_eq!(other.read(|_| Ok(())).await, Err(ReadError::Closed));
    assert_eq!(
        common::read_all(&other, &body).await,
        Err(ReadError::Closed)
    );
    assert!(
        !dir.path().join("rows.sqlite-wal").exists(),
        "the log was copied"
    );
    assert_eq!(audit(&open(dir.path())).await, [1]);
}

#[tokio::test]
async fn dropping_the_last_handle_closes() {
    let dir = tempfile::tempdir().expect("a folder");
    for round in 1..=3 {
        let store = open(dir.path());
        put(&store, round, 10).await.expect("a stored item");
    }
    assert_eq!(audit(&open(dir.path())).await, [1, 2, 3]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_does_not_grow_without_end() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    for round in 0..300 {
        let update = store.write(Vec::new(), move |tx, _| {
            tx.execute("INSERT INTO item VALUES (?1, 'x')", &[round.into()])
        });
        update.await.expect("a change");
    }
    let octets = std::fs::metadata(dir.path().join("rows.sqlite-wal"))
        .expect("a log")
        .len();
    // 300 commits of at least one page each would be over a megabyte.
    assert!(octets < 600_000, "{octets} octets of log");
}
