//! A store knows what it is of, and what is no store is left alone.

mod common;

use std::path::Path;
use std::sync::Arc;

use common::{audit, open, open_on, put, refusal};
use mailward_store::{OpenError, Options, Schema, Store, SystemDisk, check, export};
use rusqlite::Connection;

const OTHER: Schema = Schema {
    name: "parcels",
    migrations: &["CREATE TABLE parcel (id INTEGER);"],
};

fn rows(dir: &Path) -> Connection {
    Connection::open(dir.join("rows.sqlite")).expect("a database")
}

/// As stores were before they had names and counts.
fn make_old(dir: &Path) {
    rows(dir)
        .execute_batch(
            "DROP TABLE store_about; DROP TABLE store_segment; DROP INDEX store_body_files; \
             PRAGMA user_version = 0;",
        )
        .expect("an old store");
}

#[tokio::test]
async fn the_store_of_something_else_is_refused_and_not_touched() {
    for old in [false, true] {
        let dir = tempfile::tempdir().expect("a folder");
        let store = open(dir.path());
        put(&store, 1, 100).await.expect("a stored item");
        store.close().await;
        if old {
            make_old(dir.path());
        }
        let before = std::fs::read(dir.path().join("rows.sqlite")).expect("a database");
        let refused = Store::open(Options::new(dir.path(), OTHER)).expect_err("another store");
        assert!(matches!(refused, OpenError::OtherStore { .. }), "{refused}");
        assert!(
            refused.to_string().contains("not of a parcels"),
            "{refused}"
        );
        let after = std::fs::read(dir.path().join("rows.sqlite")).expect("a database");
        assert!(before == after, "the database was changed");
        assert_eq!(audit(&open(dir.path())).await, [1]);
    }
}

#[tokio::test]
async fn an_old_store_is_counted_once_and_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    for id in 1..=9 {
        put(&store, id, 700).await.expect("a stored item");
    }
    put(&store, 10, 5000).await.expect("a stored item");
    store.close().await;
    make_old(dir.path());
    assert!(check(dir.path()).expect("a report").is_sound());
    let store = open(dir.path());
    assert_eq!(audit(&store).await, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    store.close().await;
    let (named, bodies): (String, i64) = rows(dir.path())
        .query_row(
            "SELECT (SELECT value FROM store_about WHERE name = 'schema'), \
             (SELECT sum(bodies) FROM store_segment)",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )
        .expect("a count");
    assert_eq!((named.as_str(), bodies), ("items", 9));
    assert!(check(dir.path()).expect("a report").is_sound());
}

#[tokio::test]
async fn a_newer_store_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    open(dir.path()).close().await;
    rows(dir.path())
        .pragma_update(None, "user_version", 99)
        .expect("a newer store");
    let refused = refusal(dir.path());
    assert!(
        matches!(refused, OpenError::NewerFormat { found: 99, .. }),
        "{refused}"
    );
    assert!(
        refused.to_string().contains("start the newer version"),
        "{refused}"
    );
    assert!(check(dir.path()).is_err(), "nor can it be checked");
}

#[tokio::test]
async fn another_programs_database_is_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    rows(dir.path())
        .execute_batch("CREATE TABLE bookmarks (url TEXT);")
        .expect("a foreign database");
    let before = std::fs::read(dir.path().join("rows.sqlite")).expect("a database");
    for refused in [
        refusal(dir.path()),
        check(dir.path()).expect_err("no store"),
        export(dir.path(), &dir.path().join("rescue")).expect_err("no store"),
    ] {
        assert!(matches!(refused, OpenError::Foreign { .. }), "{refused}");
        assert!(
            refused.to_string().contains("choose another folder"),
            "{refused}"
        );
    }
    let after = std::fs::read(dir.path().join("rows.sqlite")).expect("a database");
    assert!(before == after, "the database was changed");

    let dir = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(dir.path().join("rows.sqlite")).expect("a folder");
    assert!(matches!(refusal(dir.path()), OpenError::Foreign { .. }));
}

/// Wrong counts would make the start take live bodies for leftovers.
#[tokio::test]
async fn wrong_counts_are_seen_and_mended_before_anything_is_removed() {
    for spoil in [
        "DELETE FROM store_segment",
        "UPDATE store_segment SET bodies = 0",
        "UPDATE store_segment SET octets = octets + 1",
    ] {
        for budget in [u64::MAX, 0] {
            let dir = tempfile::tempdir().expect("a folder");
            let store = open(dir.path());
            for id in 1..=9 {
                put(&store, id, 700).await.expect("a stored item");
            }
            store.close().await;
            rows(dir.path())
                .execute_batch(spoil)
                .expect("a wrong count");
            let report = check(dir.path()).expect("a report");
            assert!(!report.is_sound(), "{spoil}");
            let mut options = Options::new(dir.path(), common::SCHEMA);
            options.limits = common::limits();
            options.limits.start_check_octets_max = budget;
            options.disk = Arc::new(SystemDisk);
            let store = Store::open(options).expect("a store");
            assert_eq!(audit(&store).await, [1, 2, 3, 4, 5, 6, 7, 8, 9], "{spoil}");
            store.close().await;
        }
    }
}

#[tokio::test]
async fn the_same_folder_by_another_name_is_the_same_folder() {
    let dir = tempfile::tempdir().expect("a folder");
    let place = dir.path().join("store");
    let store = open(&place);
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&place, &link).expect("a link");
    for way in [link.clone(), place.join("segments/..")] {
        let refused = refusal(&way);
        assert!(matches!(refused, OpenError::Locked { .. }), "{refused}");
        let pid = format!("process {}", std::process::id());
        assert!(refused.to_string().contains(&pid), "{refused}");
    }
    // Nor does it help to take the lock file away.
    std::fs::remove_file(place.join("lock")).expect("a lock file");
    let refused = open_on(&place, Arc::new(SystemDisk)).expect_err("a locked folder");
    assert!(matches!(refused, OpenError::Locked { .. }), "{refused}");
    store.close().await;
    open(&link).close().await;
}
