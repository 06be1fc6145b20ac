//! Large bodies cost little memory, however many are written and read at once.
//! Alone in its file: it looks at the memory of the whole process.

mod common;

use common::open;
use futures_util::future::join_all;

const WRITERS: usize = 10;
const BODY_OCTETS: usize = 4 * 1024 * 1024;

/// A writer's buffer, a chunk being read, and something for the runtime.
const GROWTH_OCTETS_MAX: u64 = 8 * 1024 * 1024;

#[tokio::test]
async fn ten_large_bodies_at_once_keep_memory_flat() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = open(dir.path());
    let piece = vec![b'm'; 16 * 1024];
    let before = peak_octets();

    let mut writers: Vec<_> = (0..WRITERS).map(|_| store.new_body()).collect();
    for _ in 0..BODY_OCTETS / piece.len() {
        for writer in &mut writers {
            writer.write(&piece).expect("room for a piece");
        }
    }
    let bodies = join_all(writers.into_iter().map(|writer| {
        let body = writer.finish().expect("a body");
        store.write(vec![body], |_, bodies| Ok(bodies[0]))
    }));
    let read = join_all(bodies.await.into_iter().map(|body| {
        let mut reader = store
            .read_body(&body.expect("a stored body"))
            .expect("a reader");
        async move {
            let mut octets = 0;
            while let Some(chunk) = reader.chunk().await.expect("a chunk") {
                octets += chunk.len();
            }
            octets
        }
    }));
    assert_eq!(read.await, [BODY_OCTETS; WRITERS]);

    let growth = peak_octets() - before;
    assert!(growth < GROWTH_OCTETS_MAX, "memory grew by {growth} octets");
}

/// The most memory this process ever had resident (`VmHWM`, in KiB).
fn peak_octets() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux's process facts");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line
        .and_then(|line| line.split_whitespace().next())
        .expect("a figure");
    number.parse::<u64>().expect("a number") * 1024
}
