//! What can be told from something sound is made anew; nothing is lost or
//! invented, and the folder as it was stays beside.

mod common;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use common::{SCHEMA, audit, crash_image, damage, items, open, put, read_all};
use mailward_store::{
    BodyRef, CopyError, OpenError, Owner, ReadError, Repaired, Tx, TxError, check, repair,
};

/// Remembers what it was told is lost, and counts items.
#[derive(Debug, Default)]
struct Items {
    lost: Vec<u64>,
    seen: i64,
}

impl Owner for Items {
    fn mend(&mut self, tx: &mut Tx<'_>, lost: &[BodyRef]) -> Result<Vec<String>, TxError> {
        self.lost = lost.iter().map(BodyRef::number).collect();
        let count = tx.query_one("SELECT count(*) FROM item", &[], |row| row.get(0))?;
        self.seen = count.unwrap_or_default();
        Ok(Vec::new())
    }
}

/// Items 1 to 6, small, in two segments, and item 7, large.
async fn filled() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(&dir.path().join("store"));
    for id in 1..=6 {
        put(&store, id, 700).await.expect("a stored item");
    }
    put(&store, 7, 5000).await.expect("a stored item");
    store.close().await;
    dir
}

/// Every file's octets, the lock's and SQLite's scratch files' aside.
fn image(dir: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for part in ["", "segments", "bodies"] {
        for entry in fs::read_dir(dir.join(part)).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let scratch = name == "lock" || name.ends_with("-shm") || name.ends_with("-wal");
            if path.is_file() && !scratch {
                let octets = fs::read(&path).expect("a file");
                let name = path.strip_prefix(dir).expect("within").to_owned();
                files.push((name, octets));
            }
        }
    }
    files.sort();
    files
}

/// Repairs a spoilt store: first only looking, which changes nothing, then in
/// earnest, which keeps what there was. `whole` are the items that read back.
async fn check_repaired(spoil: impl FnOnce(&Path), whole: &[i64], act: &str) -> Repaired {
    let folder = filled().await;
    let dir = folder.path().join("store");
    spoil(&dir);
    let before = image(&dir);
    let mut owner = Items::default();
    let told = repair(&dir, &SCHEMA, None, &mut owner).expect("a look");
    assert!(image(&dir) == before, "a look changes nothing: {told:?}");
    assert!(told.kept.is_none());

    let keep = folder.path().join("kept");
    let done = repair(&dir, &SCHEMA, Some(&keep), &mut owner).expect("a repair");
    assert!(done.is_sound(), "{done:?}");
    assert_eq!(done.acts_total, told.acts_total, "{told:?}");
    assert!(done.acts.iter().any(|one| one.contains(act)), "{done:?}");
    assert!(image(&keep) == before, "what there was is kept");
    assert_eq!(owner.seen, 7, "no row is lost");
    let lost: Vec<u64> = (1..=7)
        .filter(|id| !whole.contains(id))
        .map(i64::cast_unsigned)
        .collect();
    let mut told_lost = owner.lost.clone();
    told_lost.sort_unstable();
    assert_eq!(told_lost, lost);
    assert_eq!(done.lost, lost.len() as u64);

    assert!(check(&dir).expect("a report").is_sound());
    let store = open(&dir);
    let mut read = Vec::new();
    for (id, body) in items(&store).await {
        match read_all(&store, &body).await {
            Ok(octets) => {
                assert!(octets == common::content(id, octets.len()), "item {id}");
                read.push(id);
            }
            Err(error) => assert!(matches!(error, ReadError::Missing(_)), "{error}"),
        }
    }
    assert_eq!(read, whole);
    put(&store, 8, 700).await.expect("it goes on");
    store.close().await;

    let again = repair(
        &dir,
        &SCHEMA,
        Some(&folder.path().join("again")),
        &mut owner,
    );
    let again = again.expect("a second repair");
    assert_eq!(
        (again.acts_total, again.kept),
        (0, None),
        "{:?}",
        again.acts
    );
    done
}

const ALL: &[i64] = &[1, 2, 3, 4, 5, 6, 7];
const FIRST: &str = "segments/00000001.seg";
const LAST: &str = "segments/00000002.seg";

fn sql(dir: &Path, statements: &str) {
    let rows = rusqlite::Connection::open(dir.join("rows.sqlite")).expect("a database");
    rows.execute_batch(statements).expect("statements");
}

#[tokio::test]
async fn headers_are_written_anew_from_the_rows() {
    for offset in [1, 5, 14, 18, 22] {
        let spoil = |dir: &Path| damage(&dir.join(FIRST), 724 + offset);
        check_repaired(spoil, ALL, "its header was written anew").await;
    }
    // All of them at once.
    let spoil = |dir: &Path| {
        let file = fs::OpenOptions::new().write(true).open(dir.join(LAST));
        let file = file.expect("a segment");
        for record in 0..3 {
            file.write_all_at(&[0; 24], record * 724).expect("written");
        }
    };
    let done = check_repaired(spoil, ALL, "record 6").await;
    assert_eq!(done.acts_total, 3);
}

#[tokio::test]
async fn a_body_that_is_whole_nowhere_is_taken_out_and_named() {
    let spoil = |dir: &Path| damage(&dir.join(FIRST), 724 + 24 + 350);
    check_repaired(spoil, &[1, 3, 4, 5, 6, 7], "record 2: the content").await;
    let spoil = |dir: &Path| damage(&dir.join("bodies/7.body"), 4000);
    check_repaired(spoil, &[1, 2, 3, 4, 5, 6], "record 7").await;
    let spoil = |dir: &Path| fs::remove_file(dir.join("bodies/7.body")).expect("a file");
    check_repaired(spoil, &[1, 2, 3, 4, 5, 6], "the file is missing").await;
    let spoil = |dir: &Path| fs::remove_file(dir.join(LAST)).expect("a file");
    check_repaired(spoil, &[1, 2, 3, 7], "record 5").await;
    let spoil = |dir: &Path| {
        let file = fs::OpenOptions::new().write(true).open(dir.join(LAST));
        file.expect("a segment")
            .set_len(2 * 724 + 30)
            .expect("a shorter one");
    };
    check_repaired(spoil, &[1, 2, 3, 4, 5, 7], "the record ends at").await;
}

/// A move that was cut off leaves two records; one is enough.
#[tokio::test]
async fn a_record_that_a_move_left_behind_is_used() {
    let spoil = |dir: &Path| {
        let first = fs::read(dir.join(FIRST)).expect("a segment");
        fs::write(dir.join("segments/00000009.seg"), &first[724..2 * 724]).expect("a segment");
        damage(&dir.join(FIRST), 724 + 24 + 350);
    };
    check_repaired(spoil, ALL, "found whole in").await;
}

#[tokio::test]
async fn leftovers_and_torn_tails_go() {
    let spoil = |dir: &Path| {
        let mut last = fs::read(dir.join(LAST)).expect("a segment");
        last.extend_from_slice(b"MWB1 torn");
        fs::write(dir.join(LAST), last).expect("a torn segment");
        fs::write(dir.join("bodies/99.part"), "half a bo").expect("a leftover");
        fs::write(dir.join("bodies/98.body"), "a body").expect("a leftover");
    };
    let done = check_repaired(spoil, ALL, "98.body: removed").await;
    assert_eq!(done.acts_total, 3, "{done:?}");
    let spoil = |dir: &Path| sql(dir, "UPDATE store_segment SET octets = octets + 9;");
    check_repaired(spoil, ALL, "was counted anew").await;
}

/// An index without one of its rows, as a damaged page of it would be.
#[tokio::test]
async fn indexes_and_free_pages_are_made_anew_from_the_tables() {
    let spoil = |dir: &Path| {
        sql(dir, "CREATE INDEX item_by_body ON item (body);");
        let rows = rusqlite::Connection::open(dir.join("rows.sqlite")).expect("a database");
        let root: i64 = rows
            .query_row(
                "SELECT rootpage FROM sqlite_schema WHERE name = 'item_by_body'",
                [],
                |row| row.get(0),
            )
            .expect("an index");
        drop(rows);
        let page = usize::try_from(root - 1).expect("small") * 4096;
        let mut octets = fs::read(dir.join("rows.sqlite")).expect("a database");
        // One cell fewer: the number of cells is at octet 3 of the page.
        octets[page + 4] -= 1;
        fs::write(dir.join("rows.sqlite"), octets).expect("a damaged database");
    };
    check_repaired(spoil, ALL, "made anew from its tables").await;
}

/// Of these nothing is touched: what was there can't be told.
#[tokio::test]
async fn what_can_not_be_told_from_anything_is_left_alone() {
    let rows = "rows.sqlite";
    let folder = filled().await;
    let dir = folder.path().join("store");
    damage(&dir.join(rows), 5);
    check_left(&dir, rows);

    // Pages of tables among them.
    let folder = filled().await;
    let dir = folder.path().join("store");
    let mut octets = fs::read(dir.join(rows)).expect("a database");
    octets[4096..].fill(0xa5);
    fs::write(dir.join(rows), octets).expect("a damaged database");
    check_left(&dir, rows);

    // The log of a killed process, with commits behind the damage.
    let folder = tempfile::tempdir().expect("a folder");
    let store = open(&folder.path().join("running"));
    for id in 1..=9 {
        put(&store, id, 100).await.expect("a stored item");
    }
    let dir = crash_image(&folder.path().join("running"), &folder.path().join("store"));
    let log = "rows.sqlite-wal";
    damage(&dir.join(log), 32 + 24 + 2000);
    check_left(&dir, log);
}

fn check_left(dir: &Path, file: &str) {
    let before = image(dir);
    let keep = dir.with_extension("kept");
    let refused = repair(dir, &SCHEMA, Some(&keep), &mut Items::default());
    let refused = refused.expect("an answer");
    assert!(!refused.is_sound(), "{refused:?}");
    assert_eq!((refused.acts_total, &refused.kept), (0, &None));
    assert_eq!(refused.left[0].file, dir.join(file), "{refused:?}");
    assert!(image(dir) == before);
    assert!(!keep.exists());
}

#[tokio::test]
async fn a_store_in_use_or_of_something_else_is_refused() {
    let folder = filled().await;
    let dir = folder.path().join("store");
    let store = open(&dir);
    let refused = repair(&dir, &SCHEMA, None, &mut Items::default()).expect_err("in use");
    assert!(
        matches!(refused, CopyError::Store(OpenError::Locked { .. })),
        "{refused}"
    );
    store.close().await;
    let other = mailward_store::Schema {
        name: "other",
        ..SCHEMA
    };
    let refused = repair(&dir, &other, None, &mut Items::default()).expect_err("another's");
    assert!(
        matches!(refused, CopyError::Store(OpenError::OtherStore { .. })),
        "{refused}"
    );
    let newer = mailward_store::Schema {
        migrations: &["CREATE TABLE item (id);", "CREATE TABLE more (id);"],
        ..SCHEMA
    };
    let refused = repair(&dir, &newer, None, &mut Items::default()).expect_err("a version");
    assert!(refused.to_string().contains("another version"), "{refused}");
    assert_eq!(audit(&open(&dir)).await, ALL);
}
