//! The last record torn at every octet: what a cut in the middle of a write
//! leaves. All that was acknowledged before is there, and the store goes on.

mod common;

use std::path::Path;

use common::{audit, crash_image, files, open, put};
use mailward_store::check;

/// Lengths of the segments by name.
fn segments(dir: &Path) -> Vec<(String, u64)> {
    let length = |name: &String| {
        let path = dir.join("segments").join(name);
        std::fs::metadata(path).expect("a segment").len()
    };
    let names = files(dir, "segments");
    names
        .into_iter()
        .map(|name| {
            let octets = length(&name);
            (name, octets)
        })
        .collect()
}

fn cut(path: &Path, octets: u64) {
    let file = std::fs::OpenOptions::new().write(true).open(path);
    file.expect("a file")
        .set_len(octets)
        .expect("a shorter one");
}

/// Opens what is left, looks, writes one item more, and checks the whole.
async fn goes_on(dir: &Path, expected: &[i64], context: &str) {
    let store = open(dir);
    assert_eq!(audit(&store).await, expected, "{context}");
    put(&store, 99, 60).await.expect("a stored item");
    store.close().await;
    let report = check(dir).expect("a report");
    assert!(report.is_sound(), "{context}: {report:?}");
    assert_eq!(report.leftovers, 0, "{context}: {report:?}");
}

/// The body was being appended, so its row was never written.
#[tokio::test]
async fn a_body_torn_at_every_octet() {
    let dir = tempfile::tempdir().expect("a folder");
    let images = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    for id in 1..=3 {
        put(&store, id, 60).await.expect("a stored item");
    }
    let before = crash_image(dir.path(), &images.path().join("before"));
    put(&store, 4, 60).await.expect("a stored item");
    let after = segments(dir.path());
    let grown: Vec<_> = after
        .iter()
        .filter(|one| !segments(&before).contains(one))
        .collect();
    let [(name, octets)] = grown.as_slice() else {
        panic!("one segment grew: {grown:?}");
    };
    let from = segments(&before)
        .iter()
        .find(|(known, _)| known == name)
        .map_or(0, |(_, octets)| *octets);
    assert!(octets - from >= 60);
    for length in from..=*octets {
        let torn = tempfile::tempdir().expect("a folder");
        crash_image(&before, torn.path());
        let segment = torn.path().join("segments").join(name);
        std::fs::copy(dir.path().join("segments").join(name), &segment).expect("a copy");
        cut(&segment, length);
        goes_on(
            torn.path(),
            &[1, 2, 3],
            &format!("{length} octets of {name}"),
        )
        .await;
    }
}

/// The rows were being committed, so nothing was acknowledged.
#[tokio::test]
async fn a_commit_torn_at_every_octet() {
    /// Of a frame of SQLite's log: 24 octets of header and a page.
    const FRAME: u64 = 24 + 4096;
    let dir = tempfile::tempdir().expect("a folder");
    let images = tempfile::tempdir().expect("a folder");
    let log = |dir: &Path| dir.join("rows.sqlite-wal");
    let octets = |dir: &Path| std::fs::metadata(log(dir)).expect("a log").len();
    let store = open(dir.path());
    for id in 1..=3 {
        put(&store, id, 60).await.expect("a stored item");
    }
    let from = octets(dir.path());
    put(&store, 4, 60).await.expect("a stored item");
    let whole = crash_image(dir.path(), &images.path().join("whole"));
    let to = octets(&whole);
    assert!(to > from, "the log grew from {from} to {to}");
    // Every octet of each frame's header and of its ends; of the pages, whose
    // octets are all alike to a checksum, one here and there.
    let lengths = (from..=to).filter(|length| {
        let within = (length - 32) % FRAME;
        within <= 32 || within >= FRAME - 8 || within.is_multiple_of(509)
    });
    for length in lengths {
        let torn = tempfile::tempdir().expect("a folder");
        crash_image(&whole, torn.path());
        cut(&log(torn.path()), length);
        let expected: &[i64] = if length == to {
            &[1, 2, 3, 4]
        } else {
            &[1, 2, 3]
        };
        goes_on(
            torn.path(),
            expected,
            &format!("{length} octets of the log"),
        )
        .await;
    }
}
