//! A small store of items, one row and one body each, and how to look at it.

#![allow(dead_code, reason = "each test file uses its share of the helpers")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mailward_store::{
    BodyRef, Disk, Limits, OpenError, Options, ReadError, Schema, Store, SystemDisk, WriteError,
};

pub(crate) const SCHEMA: Schema = Schema {
    name: "items",
    migrations: &["CREATE TABLE item (id INTEGER NOT NULL PRIMARY KEY, body TEXT NOT NULL);"],
};

/// Bodies above this size have a file of their own here.
pub(crate) const SMALL_OCTETS_MAX: usize = 1024;

/// Limits small enough to meet all of them with little data.
pub(crate) fn limits() -> Limits {
    Limits {
        small_body_octets_max: SMALL_OCTETS_MAX,
        segment_octets_max: 2048,
        log_pages_max: 20,
        free_octets_min: 0,
        ..Limits::default()
    }
}

pub(crate) fn open_on(dir: &Path, disk: Arc<dyn Disk>) -> Result<Store, OpenError> {
    Store::open(Options {
        dir: dir.to_owned(),
        schema: SCHEMA,
        limits: limits(),
        disk,
    })
}

pub(crate) fn open(dir: &Path) -> Store {
    open_on(dir, Arc::new(SystemDisk)).expect("a sound store")
}

/// Why the store does not open.
pub(crate) fn refusal(dir: &Path) -> OpenError {
    open_on(dir, Arc::new(SystemDisk)).expect_err("a refused start")
}

/// Content unlike that of any other id.
pub(crate) fn content(id: i64, octets: usize) -> Vec<u8> {
    format!("{id:08}\r\n")
        .into_bytes()
        .into_iter()
        .cycle()
        .take(octets)
        .collect()
}

/// Stores item `id` with a body of that many octets.
pub(crate) async fn put(store: &Store, id: i64, octets: usize) -> Result<BodyRef, WriteError> {
    let mut body = store.new_body();
    // Pieces of an odd size, as they come from a network.
    for piece in content(id, octets).chunks(1000) {
        body.write(piece)?;
    }
    let body = body.finish()?;
    store
        .write(vec![body], move |tx, bodies| {
            tx.execute(
                "INSERT INTO item (id, body) VALUES (?1, ?2)",
                &[id.into(), bodies[0].into()],
            )?;
            Ok(bodies[0])
        })
        .await
}

/// Removes item `id` and its body.
pub(crate) async fn remove(store: &Store, id: i64) -> Result<(), WriteError> {
    store
        .write(Vec::new(), move |tx, _| {
            let body = tx
                .query_one("SELECT body FROM item WHERE id = ?1", &[id.into()], |row| {
                    row.get::<BodyRef>(0)
                })?
                .expect("an item to remove");
            tx.execute("DELETE FROM item WHERE id = ?1", &[id.into()])?;
            tx.release_body(&body)
        })
        .await
}

pub(crate) async fn items(store: &Store) -> Vec<(i64, BodyRef)> {
    store
        .read(|rows| {
            rows.query("SELECT id, body FROM item ORDER BY id", &[], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
        })
        .await
        .expect("readable rows")
}

pub(crate) async fn read_all(store: &Store, body: &BodyRef) -> Result<Vec<u8>, ReadError> {
    let mut reader = store.read_body(body)?;
    let mut whole = Vec::new();
    while let Some(chunk) = reader.chunk().await? {
        assert!(!chunk.is_empty() && chunk.len() <= 64 * 1024);
        whole.extend_from_slice(&chunk);
    }
    Ok(whole)
}

/// Every item's body is what its id says. Returns the ids.
pub(crate) async fn audit(store: &Store) -> Vec<i64> {
    let mut ids = Vec::new();
    for (id, body) in items(store).await {
        let octets = usize::try_from(body.octets()).expect("a short body");
        let read = read_all(store, &body).await.expect("a whole body");
        assert!(read == content(id, octets), "item {id} has another body");
        ids.push(id);
    }
    ids
}

/// File names in a part of the store's folder, sorted.
pub(crate) fn files(dir: &Path, part: &str) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(dir.join(part))
        .expect("a folder")
        .map(|entry| {
            let name = entry.expect("an entry").file_name();
            name.into_string().expect("a plain name")
        })
        .collect();
    names.sort();
    names
}

/// What a crash at this moment would leave: a copy of the folder.
pub(crate) fn crash_image(dir: &Path, to: &Path) -> PathBuf {
    for part in ["", "segments", "bodies"] {
        std::fs::create_dir_all(to.join(part)).expect("a folder");
        for entry in std::fs::read_dir(dir.join(part)).expect("a folder") {
            let entry = entry.expect("an entry");
            if entry.file_type().expect("a type").is_file() {
                let copy = to.join(part).join(entry.file_name());
                std::fs::copy(entry.path(), copy).expect("a copy");
            }
        }
    }
    to.to_owned()
}

/// Flips one bit of a file.
pub(crate) fn damage(path: &Path, offset: usize) {
    let mut octets = std::fs::read(path).expect("a file");
    octets[offset] ^= 0x10;
    std::fs::write(path, octets).expect("a damaged file");
}
