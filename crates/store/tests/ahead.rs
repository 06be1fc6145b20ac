//! Changes whose caller does not wait for the disk.

mod common;

use std::sync::Arc;

use common::{audit, items, open, open_on, put};
use mailward_store::{BodyRef, Store, WriteError};
use mailward_testkit::FaultyDisk;

/// Another item with a body that is there.
async fn add_ahead(store: &Store, id: i64, body: BodyRef) -> Result<usize, WriteError> {
    store
        .write_ahead(move |tx| {
            tx.retain_body(&body)?;
            tx.execute(
                "INSERT INTO item (id, body) VALUES (?1, ?2)",
                &[id.into(), body.into()],
            )
        })
        .await
}

#[tokio::test]
async fn comes_before_whatever_follows() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let body = put(&store, 1, 100).await.expect("a stored item");
    add_ahead(&store, 2, body).await.expect("a change");
    let seen = store
        .write(Vec::new(), |tx, _| {
            tx.query("SELECT id FROM item ORDER BY id", &[], |row| {
                row.get::<i64>(0)
            })
        })
        .await;
    assert_eq!(seen, Ok(vec![1, 2]));
    assert_eq!(items(&store).await.len(), 2);
}

#[tokio::test]
async fn is_committed_though_nothing_follows() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let body = put(&store, 1, 100).await.expect("a stored item");
    add_ahead(&store, 2, body).await.expect("a change");
    store.close().await;
    assert_eq!(items(&open(dir.path())).await.len(), 2);
}

#[tokio::test]
async fn a_refusal_is_told_and_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let body = put(&store, 1, 100).await.expect("a stored item");
    let refused = add_ahead(&store, 1, body).await;
    assert!(
        matches!(refused, Err(WriteError::Conflict(_))),
        "{refused:?}"
    );
    assert_eq!(audit(&store).await.len(), 1);
}

#[tokio::test]
async fn goes_with_a_group_that_is_undone() {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = FaultyDisk::new();
    let store = open_on(dir.path(), Arc::new(disk.clone())).expect("a store");
    let body = put(&store, 1, 100).await.expect("a stored item");
    // Held up by a change of its own, the writer finds the others waiting.
    let (tell, begun) = std::sync::mpsc::sync_channel::<()>(1);
    let (go, wait) = std::sync::mpsc::sync_channel::<()>(1);
    let hold = store.write(Vec::new(), move |_, _| {
        tell.send(()).expect("a waiting test");
        wait.recv().expect("a word");
        Ok(())
    });
    disk.fail_syncs(true);
    let held_up = async { begun.recv().expect("a held-up writer") };
    let say = async { go.send(()).expect("a waiting writer") };
    let (held, (), ahead, stored, ()) = tokio::join!(
        hold,
        held_up,
        add_ahead(&store, 2, body),
        put(&store, 3, 100),
        say
    );
    held.expect("a change");
    assert_eq!(ahead, Ok(1), "told before the sync");
    assert!(matches!(stored, Err(WriteError::Poisoned(_))), "{stored:?}");
    let later = add_ahead(&store, 4, body).await;
    assert!(matches!(later, Err(WriteError::Poisoned(_))), "{later:?}");
    store.close().await;
    assert_eq!(audit(&open(dir.path())).await.len(), 1);
}
