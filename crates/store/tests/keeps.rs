//! What is written is there, whole, until it is released.

mod common;

use common::{SMALL_OCTETS_MAX, audit, content, files, items, open, put, read_all, remove};
use mailward_store::{OpenError, Options, ReadError, Schema, Store, TxError, Value, WriteError};

#[tokio::test]
async fn bodies_of_every_size_come_back_and_survive_a_restart() {
    let dir = tempfile::tempdir().expect("a folder");
    let sizes = [
        0,
        1,
        SMALL_OCTETS_MAX - 1,
        SMALL_OCTETS_MAX,
        SMALL_OCTETS_MAX + 1,
        64 * 1024 - 1,
        64 * 1024,
        64 * 1024 + 1,
        300_000,
    ];
    let store = open(dir.path());
    for (id, octets) in (1..).zip(sizes) {
        let body = put(&store, id, octets).await.expect("a stored item");
        assert_eq!(body.octets(), octets as u64);
        assert!(read_all(&store, &body).await.expect("a body") == content(id, octets));
        let all = store.read_body(&body).expect("a reader").all(300_000).await;
        assert!(all.expect("a body") == content(id, octets));
    }
    store.close().await;

    let store = open(dir.path());
    assert_eq!(audit(&store).await.len(), sizes.len());
    let large = items(&store).await.last().expect("an item").1;
    let refused = store
        .read_body(&large)
        .expect("a reader")
        .all(299_999)
        .await;
    assert!(
        matches!(refused, Err(ReadError::TooLarge { .. })),
        "{refused:?}"
    );
    let before = large.number();
    let after = put(&store, 99, 1).await.expect("a stored item").number();
    assert!(after > before, "numbers are not given twice");
}

#[tokio::test]
async fn a_refused_change_leaves_nothing_and_harms_no_other() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    put(&store, 1, 10).await.expect("a stored item");

    let refuse = |octets: usize, how: fn() -> TxError| {
        let store = store.clone();
        async move {
            let mut body = store.new_body();
            body.write(&content(2, octets)).expect("a body");
            let body = body.finish().expect("a body");
            store
                .write(vec![body], move |tx, bodies| {
                    let values = [Value::Integer(2), bodies[0].into()];
                    tx.execute("INSERT INTO item VALUES (?1, ?2)", &values)?;
                    Err::<(), _>(how())
                })
                .await
        }
    };
    let (small, large, panicked, twice, wrong, good) = tokio::join!(
        refuse(10, || TxError::abort("no such account")),
        refuse(5000, || TxError::abort("no such account")),
        refuse(10, || panic!("a mistake of the caller's")),
        put(&store, 1, 10),
        store.write(Vec::new(), |tx, _| tx
            .execute("INSERT INTO nowhere VALUES (1)", &[])),
        put(&store, 3, 5000),
    );
    let aborted = Err(WriteError::Aborted("no such account".to_owned()));
    assert_eq!(small, aborted);
    assert_eq!(large, aborted);
    assert_eq!(
        panicked,
        Err(WriteError::Sql("the change panicked".to_owned()))
    );
    assert!(matches!(twice, Err(WriteError::Conflict(_))), "{twice:?}");
    assert!(matches!(wrong, Err(WriteError::Sql(_))), "{wrong:?}");
    let good = good.expect("a stored item");

    assert_eq!(audit(&store).await, [1, 3]);
    assert_eq!(
        files(dir.path(), "bodies"),
        [format!("{}.body", good.number())]
    );
}

#[tokio::test]
async fn unused_bodies_leave_no_file() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let mut unfinished = store.new_body();
    unfinished.write(&[0; 5000]).expect("a body");
    let mut unused = store.new_body();
    unused.write(&[0; 5000]).expect("a body");
    let unused = unused.finish().expect("a body");
    assert_eq!(files(dir.path(), "bodies").len(), 2);
    drop((unfinished, unused));
    assert!(files(dir.path(), "bodies").is_empty());
}

#[tokio::test]
async fn a_body_has_a_size_limit() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut options = Options::new(dir.path(), common::SCHEMA);
    options.limits.body_octets_max = 5000;
    let store = Store::open(options).expect("a store");
    let mut body = store.new_body();
    body.write(&[0; 5000]).expect("a body within its limit");
    let refused = body.write(&[0]);
    assert_eq!(refused, Err(WriteError::TooLarge { octets_max: 5000 }));
}

#[tokio::test]
async fn released_bodies_give_their_space_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    for id in 1..=20 {
        put(&store, id, 500).await.expect("a stored item");
    }
    let large = put(&store, 21, 5000).await.expect("a stored item");
    assert!(files(dir.path(), "segments").len() > 3);
    assert_eq!(files(dir.path(), "bodies").len(), 1);

    for id in 1..=20 {
        remove(&store, id).await.expect("a removed item");
    }
    assert_eq!(audit(&store).await, [21]);
    remove(&store, 21).await.expect("a removed item");
    let gone = read_all(&store, &large).await;
    assert_eq!(gone, Err(ReadError::Missing(large.number())));
    let again = store
        .write(Vec::new(), move |tx, _| tx.release_body(&large))
        .await;
    assert!(matches!(again, Err(WriteError::Sql(_))), "{again:?}");

    store.close().await;
    assert!(files(dir.path(), "bodies").is_empty());
    // Only the one that would grow next is left, and the start empties it.
    assert_eq!(files(dir.path(), "segments").len(), 1);
    open(dir.path()).close().await;
    let left = std::fs::read_dir(dir.path().join("segments"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").metadata().expect("facts").len());
    assert_eq!(left.sum::<u64>(), 0);
}

#[tokio::test]
async fn a_body_stays_until_its_last_holder_releases_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let body = put(&store, 1, 5000).await.expect("a stored item");
    let copy = store.write(Vec::new(), move |tx, _| {
        tx.retain_body(&body)?;
        tx.execute("INSERT INTO item VALUES (2, ?1)", &[body.into()])
    });
    assert_eq!(copy.await, Ok(1));
    remove(&store, 1).await.expect("a removed item");
    assert!(read_all(&store, &body).await.expect("a body") == content(1, 5000));
    remove(&store, 2).await.expect("a removed item");
    assert_eq!(
        read_all(&store, &body).await,
        Err(ReadError::Missing(body.number()))
    );
}

#[tokio::test]
async fn a_release_that_is_undone_releases_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let mut bodies = Vec::new();
    for (id, octets) in [(1, 5000), (2, 900), (3, 900), (4, 900)] {
        bodies.push(put(&store, id, octets).await.expect("a stored item"));
    }
    let undone = store.write(Vec::new(), move |tx, _| {
        for body in &bodies {
            tx.release_body(body)?;
        }
        Err::<(), _>(TxError::abort("on second thoughts"))
    });
    assert!(undone.await.is_err());
    store.close().await;
    assert_eq!(audit(&open(dir.path())).await, [1, 2, 3, 4]);
}

#[tokio::test]
async fn a_body_being_read_can_be_released() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let body = put(&store, 1, 200_000).await.expect("a stored item");
    let mut reader = store.read_body(&body).expect("a reader");
    let mut read = reader
        .chunk()
        .await
        .expect("a chunk")
        .expect("a chunk")
        .to_vec();
    remove(&store, 1).await.expect("a removed item");
    while let Some(chunk) = reader.chunk().await.expect("a chunk") {
        read.extend_from_slice(&chunk);
    }
    assert!(read == content(1, 200_000));
}

#[tokio::test]
async fn values_go_there_and_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut options = Options::new(dir.path(), common::SCHEMA);
    options.schema = Schema {
        name: "values",
        migrations: &["CREATE TABLE value (number INTEGER, text TEXT, octets BLOB);"],
    };
    let store = Store::open(options).expect("a store");
    let insert = store.write(Vec::new(), |tx, _| {
        let sql = "INSERT INTO value VALUES (?1, ?2, ?3)";
        tx.execute(sql, &[7_u32.into(), "grüße".into(), vec![0_u8, 255].into()])?;
        tx.execute(sql, &[None::<i64>.into(), Value::Null, Value::Null])?;
        // What a change has written it can read.
        tx.query_one("SELECT count(*) FROM value", &[], |row| row.get::<u64>(0))
    });
    assert_eq!(insert.await, Ok(Some(2)));
    type Shown = (Option<i64>, Option<String>, Option<Vec<u8>>);
    let rows = store.read(|rows| {
        rows.query("SELECT * FROM value ORDER BY number DESC", &[], |row| {
            Ok::<Shown, _>((row.get(0)?, row.get(1)?, row.get(2)?))
        })
    });
    let expected = [
        (Some(7), Some("grüße".to_owned()), Some(vec![0, 255])),
        (None, None, None),
    ];
    assert_eq!(rows.await.expect("rows"), expected);
    for (sql, complaint) in [
        (
            "SELECT text FROM value",
            "column 0: text where an integer was expected",
        ),
        ("SELECT -1", "column 0: -1 does not fit u32"),
        (
            "SELECT number FROM value WHERE text = ?1",
            "0 values for 1 parameters",
        ),
    ] {
        let refused = store
            .read(move |rows| rows.query(sql, &[], |row| row.get::<u32>(0)))
            .await;
        let Err(ReadError::Sql(reason)) = &refused else {
            panic!("{sql}: {refused:?}");
        };
        assert!(reason.starts_with(complaint), "{reason}");
    }
    let write = store.read(|rows| rows.query_one("DELETE FROM value RETURNING 1", &[], |_| Ok(())));
    assert!(write.await.is_err(), "a query must not write");
}

#[tokio::test]
async fn migrations_run_once_and_newer_stores_are_refused() {
    const FIRST: &[&str] = &["CREATE TABLE first (id INTEGER); INSERT INTO first VALUES (1);"];
    const BOTH: &[&str] = &[FIRST[0], "CREATE TABLE second (id INTEGER);"];
    const BROKEN: &[&str] = &[
        FIRST[0],
        BOTH[1],
        "CREATE TABLE third (id INTEGER); nonsense;",
    ];
    let dir = tempfile::tempdir().expect("a folder");
    let start = |migrations| {
        let name = "steps";
        Store::open(Options::new(dir.path(), Schema { name, migrations }))
    };
    for migrations in [FIRST, BOTH, BOTH] {
        let store = start(migrations).expect("a store");
        let count = store.read(|rows| {
            rows.query_one("SELECT count(*) FROM first", &[], |row| row.get::<i64>(0))
        });
        assert_eq!(count.await, Ok(Some(1)));
        store.close().await;
    }
    let newer = start(FIRST).expect_err("a refused start");
    assert!(
        matches!(
            newer,
            OpenError::Newer {
                applied: 2,
                known: 1,
                ..
            }
        ),
        "{newer}"
    );
    let broken = start(BROKEN).expect_err("a refused start");
    assert!(
        matches!(broken, OpenError::Schema { step: 3, .. }),
        "{broken}"
    );
    start(BOTH).expect("the failed step has left nothing");
}

/// What the promise rests on: a log, synced at every commit, and room that
/// can be given back.
#[tokio::test]
async fn the_database_is_set_to_keep_promises() {
    const FULL: i64 = 2;
    const INCREMENTAL: i64 = 2;
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let settings = store.write(Vec::new(), |tx, _| {
        let number = |sql| tx.query_one(sql, &[], |row| row.get::<i64>(0));
        let journal = tx.query_one("PRAGMA journal_mode", &[], |row| row.get::<String>(0))?;
        Ok((
            journal,
            number("PRAGMA synchronous")?,
            number("PRAGMA auto_vacuum")?,
        ))
    });
    let expected = (Some("wal".to_owned()), Some(FULL), Some(INCREMENTAL));
    assert_eq!(settings.await.expect("settings"), expected);
}
