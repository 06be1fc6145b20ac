//! Damage is seen at start, named, and what is whole can be rescued.

mod common;

use std::path::{Path, PathBuf};

use common::{audit, content, crash_image, damage, open, put, read_all, refusal};
use mailward_store::{Damage, OpenError, ReadError, check, export};

/// Items 1 to 6, small, in two segments, and item 7, large.
async fn filled(dir: &Path) {
    let store = open(dir);
    for id in 1..=6 {
        put(&store, id, 700).await.expect("a stored item");
    }
    put(&store, 7, 5000).await.expect("a stored item");
    store.close().await;
}

/// Spoils a sound store in one way; the start must be refused with this.
async fn check_refused(
    spoil: impl FnOnce(&Path),
    file: &str,
    (offset, record): (Option<u64>, Option<u64>),
    what: &str,
) {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path()).await;
    assert!(check(dir.path()).expect("a report").is_sound());
    spoil(dir.path());
    let before = listing(dir.path());
    let refused = refusal(dir.path());
    let OpenError::Damaged(seen) = &refused else {
        panic!("{file}: {refused}");
    };
    assert_eq!(seen.file, dir.path().join(file), "{refused}");
    assert_eq!((seen.offset, seen.record), (offset, record), "{refused}");
    assert!(seen.what.contains(what), "{refused}");
    let text = refused.to_string();
    let dir_given = dir.path().display();
    for command in [
        format!("`mailward store check --dir {dir_given}`"),
        format!("`mailward store export --dir {dir_given} --to FOLDER`"),
    ] {
        assert!(text.contains(&command), "{text}");
    }
    assert_eq!(
        listing(dir.path()),
        before,
        "a refused start changes nothing"
    );
    let report = check(dir.path()).expect("a report");
    assert!(!report.is_sound(), "{report:?}");
    export_has_the_rest(dir.path());
}

/// Bodies and segments with their lengths.
fn listing(dir: &Path) -> Vec<(PathBuf, u64)> {
    let mut files = Vec::new();
    for part in ["segments", "bodies"] {
        for name in common::files(dir, part) {
            let path = dir.join(part).join(name);
            let octets = std::fs::metadata(&path).expect("facts").len();
            files.push((path, octets));
        }
    }
    files
}

/// Whatever was spoilt, at least six of the seven bodies come out whole.
fn export_has_the_rest(dir: &Path) {
    let target = tempfile::tempdir().expect("a folder");
    let target = target.path().join("rescue");
    let exported = export(dir, &target).expect("an export");
    assert!(!exported.failures.is_empty(), "{exported:?}");
    let bodies: Vec<Vec<u8>> = ["bodies", "unnamed"]
        .iter()
        .filter_map(|part| std::fs::read_dir(target.join(part)).ok())
        .flatten()
        .map(|entry| std::fs::read(entry.expect("an entry").path()).expect("a body"))
        .collect();
    let octets = |id| if id == 7 { 5000 } else { 700 };
    let whole = (1..=7)
        .filter(|id| bodies.contains(&content(*id, octets(*id))))
        .count();
    assert!(whole >= 6, "{whole} of 7 bodies: {exported:?}");
    assert_eq!(exported.bodies + exported.unnamed, bodies.len() as u64);
}

const FIRST: &str = "segments/00000001.seg";
const LAST: &str = "segments/00000002.seg";

#[tokio::test]
async fn a_damaged_body_in_a_sealed_segment() {
    let spoil = |dir: &Path| damage(&dir.join(FIRST), 724 + 24 + 350);
    let place = (Some(724), Some(2));
    check_refused(spoil, FIRST, place, "does not match its checksum").await;
}

#[tokio::test]
async fn a_damaged_header() {
    let spoil = |dir: &Path| damage(&dir.join(FIRST), 724 + 14);
    check_refused(spoil, FIRST, (Some(724), Some(2)), "header").await;
    let spoil = |dir: &Path| damage(&dir.join(FIRST), 1);
    check_refused(spoil, FIRST, (Some(0), Some(1)), "no record").await;
}

#[tokio::test]
async fn a_segment_that_is_too_short() {
    let spoil = |dir: &Path| {
        let file = std::fs::OpenOptions::new().write(true).open(dir.join(LAST));
        file.expect("a segment")
            .set_len(3 * 724 - 1)
            .expect("a shorter one");
    };
    let place = (Some(2 * 724), Some(6));
    check_refused(spoil, LAST, place, "the record ends at").await;
}

#[tokio::test]
async fn a_large_body_that_is_damaged_short_or_missing() {
    let file = "bodies/7.body";
    let spoil = |dir: &Path| damage(&dir.join(file), 4000);
    check_refused(spoil, file, (Some(0), Some(7)), "checksum").await;
    let spoil = |dir: &Path| std::fs::write(dir.join(file), [0; 4999]).expect("a file");
    check_refused(spoil, file, (None, Some(7)), "4999 octets").await;
    let spoil = |dir: &Path| std::fs::remove_file(dir.join(file)).expect("a file");
    check_refused(spoil, file, (None, Some(7)), "missing").await;
}

#[tokio::test]
async fn a_damaged_or_lost_database() {
    let file = "rows.sqlite";
    let spoil = |dir: &Path| damage(&dir.join(file), 5);
    check_refused(spoil, file, (None, None), "not a database").await;
    let spoil = |dir: &Path| {
        let mut octets = std::fs::read(dir.join(file)).expect("a database");
        octets[4096..].fill(0xa5);
        std::fs::write(dir.join(file), octets).expect("a damaged database");
    };
    check_refused(spoil, file, (None, None), "").await;
    let spoil = |dir: &Path| std::fs::write(dir.join(file), "").expect("a file");
    check_refused(spoil, file, (None, None), "although there are bodies").await;
    let spoil = |dir: &Path| std::fs::remove_file(dir.join(file)).expect("a file");
    check_refused(spoil, file, (None, None), "although there are bodies").await;
}

/// Each bit of the database may be wrong: there is a refusal, or all is well,
/// but never a panic and never a wrong body.
#[tokio::test]
async fn no_damage_to_the_database_is_a_panic() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path()).await;
    let octets = std::fs::metadata(dir.path().join("rows.sqlite"))
        .expect("a database")
        .len();
    let mut refused = 0;
    for offset in (0..octets).step_by(997) {
        let copy = tempfile::tempdir().expect("a folder");
        let copy = crash_image(dir.path(), copy.path());
        damage(
            &copy.join("rows.sqlite"),
            usize::try_from(offset).expect("small"),
        );
        match common::open_on(&copy, std::sync::Arc::new(mailward_store::SystemDisk)) {
            Ok(store) => {
                let rows = store
                    .read(|rows| rows.query("SELECT id FROM item", &[], |row| row.get::<i64>(0)));
                let _ = rows.await;
            }
            Err(_) => refused += 1,
        }
        let _ = check(&copy).expect("a report");
    }
    assert!(refused > 0);
}

/// A crash leaves a tail that no row names: it is cut. The same octets
/// missing from what rows do name are damage.
#[tokio::test]
async fn a_torn_tail_is_cut() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path()).await;
    let path = dir.path().join(LAST);
    let sound = std::fs::read(&path).expect("a segment");
    let record = sound[..724].to_vec();
    for tail in [
        &record[..],
        &record[..723],
        &record[..24],
        &record[..7],
        &[0; 3000],
    ] {
        std::fs::write(&path, [&sound, tail].concat()).expect("a torn segment");
        std::fs::write(dir.path().join("bodies/99.part"), "half a bo").expect("a leftover");
        std::fs::write(dir.path().join("bodies/98.body"), "a body").expect("a leftover");
        std::fs::write(dir.path().join("segments/00000000.seg"), &record).expect("a leftover");
        let store = open(dir.path());
        assert_eq!(audit(&store).await, [1, 2, 3, 4, 5, 6, 7]);
        store.close().await;
        assert!(std::fs::read(&path).expect("a segment") == sound);
        assert_eq!(common::files(dir.path(), "bodies"), ["7.body"]);
        assert_eq!(common::files(dir.path(), "segments").len(), 2);
    }
}

/// A copy made while the store is open is what a killed process leaves: the
/// rows are still in SQLite's log.
#[tokio::test]
async fn the_log_of_a_killed_process_is_used_or_refused_but_never_shortened_in_silence() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    for id in 1..=9 {
        put(&store, id, 100).await.expect("a stored item");
    }
    let image = |name: &str| crash_image(dir.path(), &dir.path().join(name));

    let whole = image("whole");
    assert_eq!(audit(&open(&whole)).await, [1, 2, 3, 4, 5, 6, 7, 8, 9]);

    // The last commit was under way: without it the others are there.
    let torn = image("torn");
    let log = torn.join("rows.sqlite-wal");
    let octets = std::fs::metadata(&log).expect("a log").len();
    let file = std::fs::OpenOptions::new()
        .write(true)
        .open(&log)
        .expect("a log");
    file.set_len(octets - 100).expect("a shorter log");
    assert_eq!(audit(&open(&torn)).await, [1, 2, 3, 4, 5, 6, 7, 8]);

    for (name, offset) in [("header", 20), ("frame", 32 + 24 + 2000), ("salt", 32 + 9)] {
        let damaged = image(name);
        damage(&damaged.join("rows.sqlite-wal"), offset);
        let refused = refusal(&damaged);
        let OpenError::Damaged(Damage { file, offset, .. }) = &refused else {
            panic!("{name}: {refused}");
        };
        assert_eq!(*file, damaged.join("rows.sqlite-wal"), "{refused}");
        assert!(offset.is_some(), "{refused}");
    }
}

/// Damage done while the store runs: the reader never gives the last chunk.
#[tokio::test]
async fn a_body_damaged_after_the_start_is_never_given_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    for (id, octets) in [(1, 900), (2, 200_000)] {
        let body = put(&store, id, octets).await.expect("a stored item");
        let path = match id {
            1 => dir.path().join(FIRST),
            _ => dir.path().join(format!("bodies/{}.body", body.number())),
        };
        // The first time it may come from memory.
        read_all(&store, &body).await.expect("a whole body");
        damage(&path, 500);
        let refused = read_all(&store, &body).await;
        assert!(matches!(refused, Err(ReadError::Damaged(_))), "{refused:?}");
        let mut reader = store.read_body(&body).expect("a reader");
        let mut given = 0;
        while let Ok(Some(chunk)) = reader.chunk().await {
            given += chunk.len();
        }
        assert!(given < octets, "{given} octets of {octets}");
    }
}

#[tokio::test]
async fn a_sound_store_is_exported_completely() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path()).await;
    let target = tempfile::tempdir().expect("a folder");
    let exported = export(dir.path(), target.path()).expect("an export");
    assert_eq!((exported.bodies, exported.unnamed), (7, 0), "{exported:?}");
    assert!(exported.failures.is_empty(), "{exported:?}");
    for id in 1..=7 {
        let octets = if id == 7 { 5000 } else { 700 };
        let body = std::fs::read(target.path().join(format!("bodies/{id}.body")));
        assert!(body.expect("a body") == content(id, octets));
    }
    let rows = std::fs::read_to_string(target.path().join("rows/item.jsonl")).expect("rows");
    assert_eq!(rows.lines().count(), 7);
    assert!(rows.starts_with(r#"{"body":"1-700-"#), "{rows}");
    // It does not write over what is there.
    assert!(export(dir.path(), target.path()).is_err());
    assert!(check(dir.path()).expect("a report").is_sound());
}

#[tokio::test]
async fn records_that_are_zero_another_s_or_elsewhere() {
    // A block that was never written, as after a lost write of the drive.
    let spoil = |dir: &Path| {
        let mut octets = std::fs::read(dir.join(FIRST)).expect("a segment");
        octets[700..1500].fill(0);
        std::fs::write(dir.join(FIRST), octets).expect("a damaged segment");
    };
    let refused = refused_somewhere(spoil, FIRST).await;
    assert!(
        refused.record.is_some_and(|record| record <= 3),
        "{refused}"
    );
    // Two files in each other's place: every record is sound, and another.
    let spoil = |dir: &Path| {
        let aside = dir.join("aside");
        std::fs::rename(dir.join(FIRST), &aside).expect("renamed");
        std::fs::rename(dir.join(LAST), dir.join(FIRST)).expect("renamed");
        std::fs::rename(aside, dir.join(LAST)).expect("renamed");
    };
    let refused = refused_somewhere(spoil, LAST).await;
    assert!(
        refused.what.contains("another than the rows expect"),
        "{refused}"
    );
    // The same length, another content.
    let spoil = |dir: &Path| {
        std::fs::write(dir.join("bodies/7.body"), content(8, 5000)).expect("a body");
    };
    let refused = refused_somewhere(spoil, "bodies/7.body").await;
    assert!(refused.what.contains("checksum"), "{refused}");
    // A folder where a file was.
    let spoil = |dir: &Path| {
        std::fs::remove_file(dir.join("bodies/7.body")).expect("a file");
        std::fs::create_dir(dir.join("bodies/7.body")).expect("a folder");
    };
    let refused = refused_somewhere(spoil, "bodies/7.body").await;
    assert_eq!(refused.record, Some(7), "{refused}");
}

/// Rows that name a body otherwise than its record does.
#[tokio::test]
async fn rows_that_were_altered() {
    for (column, what) in [
        ("position = position + 1", "no record"),
        ("position = 0", "another than the rows expect"),
        ("octets = octets - 1", "another than the rows expect"),
        ("crc32c = crc32c + 1", "another than the rows expect"),
        ("segment = 99", "the file is missing"),
        ("segment = NULL", "the file is missing"),
    ] {
        let spoil = |dir: &Path| {
            let rows = rusqlite::Connection::open(dir.join("rows.sqlite")).expect("a database");
            let altered = format!("UPDATE store_body SET {column} WHERE number = 2");
            rows.execute_batch(&altered).expect("an altered row");
        };
        let dir = tempfile::tempdir().expect("a folder");
        filled(dir.path()).await;
        spoil(dir.path());
        let refused = refusal(dir.path());
        let OpenError::Damaged(seen) = &refused else {
            panic!("{column}: {refused}");
        };
        assert_eq!(seen.record, Some(2), "{refused}");
        assert!(seen.what.contains(what), "{column}: {refused}");
        let report = check(dir.path()).expect("a report");
        assert!(report.damages.iter().any(|one| one == seen), "{report:?}");
    }
}

/// Damage to the database's structure is named with the page's place.
#[tokio::test]
async fn a_check_names_the_octet_in_the_database() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path()).await;
    let path = dir.path().join("rows.sqlite");
    let mut octets = std::fs::read(&path).expect("a database");
    let rows = rusqlite::Connection::open(&path).expect("a database");
    let root: i64 = rows
        .query_row(
            "SELECT rootpage FROM sqlite_schema WHERE name = 'item'",
            [],
            |row| row.get(0),
        )
        .expect("a table");
    drop(rows);
    let page = u64::try_from(root - 1).expect("small") * 4096;
    // Where the cells begin: far behind the page's end.
    let at = usize::try_from(page).expect("small") + 8;
    octets[at..at + 2].copy_from_slice(&[0xff, 0xff]);
    std::fs::write(&path, octets).expect("a damaged database");
    let report = check(dir.path()).expect("a report");
    let named = report.damages.iter().any(|one| one.offset == Some(page));
    assert!(named, "{report:?}");
}

#[tokio::test]
async fn a_database_that_is_too_short_is_refused() {
    let spoil = |dir: &Path| {
        let path = dir.join("rows.sqlite");
        let file = std::fs::OpenOptions::new().write(true).open(&path);
        let octets = std::fs::metadata(&path).expect("facts").len();
        file.expect("a database")
            .set_len(octets / 2)
            .expect("a shorter one");
    };
    let refused = refused_somewhere(spoil, "rows.sqlite").await;
    assert!(!refused.what.is_empty(), "{refused}");
}

/// As [`check_refused`], where the place depends on more than is plain.
async fn refused_somewhere(spoil: impl FnOnce(&Path), file: &str) -> Damage {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path()).await;
    spoil(dir.path());
    let refused = refusal(dir.path());
    let OpenError::Damaged(seen) = &refused else {
        panic!("{file}: {refused}");
    };
    assert_eq!(seen.file, dir.path().join(file), "{refused}");
    assert!(!check(dir.path()).expect("a report").is_sound());
    seen.clone()
}
