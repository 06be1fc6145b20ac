//! Measures group commit: changes a second, latency, groups, octets written.
//!
//! ```sh
//! cargo run --release -p mailward-store --example group_commit -- [CHANGES] [PRODUCERS] [BODY_OCTETS] [DIR]
//! ```
//!
//! Each change stores one body and one row like a queue's. Beside the store
//! runs a bare log in the same folder: one thread that appends what waits and
//! syncs it, the limit of the disk.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a measurement on the command line needs the real clock and prints"
)]

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::{Duration, Instant};

use mailward_store::{BodyRef, Options, Schema, Store, Value};

const SCHEMA: Schema = Schema {
    name: "messages",
    migrations: &[
        "CREATE TABLE message (id TEXT NOT NULL PRIMARY KEY, body TEXT NOT NULL, due INTEGER NOT NULL, about TEXT NOT NULL) WITHOUT ROWID;",
    ],
};

fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut number = |otherwise: usize| {
        arguments
            .next()
            .map_or(otherwise, |text| text.parse().expect("a number"))
    };
    let (changes, producers, octets) = (number(60_000), number(64), number(4096));
    let dir = match arguments.next() {
        Some(dir) => tempfile::tempdir_in(dir),
        None => tempfile::tempdir(),
    }
    .expect("a folder");
    println!("{changes} changes of {octets} octets by {producers} producers");
    report(
        "bare log",
        changes,
        &measure_log(dir.path(), changes, producers, octets),
    );
    report(
        "store",
        changes,
        &measure_store(dir.path(), changes, producers, octets),
    );
}

/// What one run took.
struct Run {
    elapsed: Duration,
    latencies: Vec<Duration>,
    written_octets: u64,
}

fn report(name: &str, changes: usize, run: &Run) {
    let mut latencies = run.latencies.clone();
    latencies.sort_unstable();
    let at = |percent: usize| latencies[(latencies.len() - 1) * percent / 100].as_secs_f64() * 1e3;
    println!(
        "{name:>9}: {:>7.0} changes/s, latency p50 {:.2} ms, p99 {:.2} ms, max {:.2} ms, {:.1} MB written",
        changes as f64 / run.elapsed.as_secs_f64(),
        at(50),
        at(99),
        at(100),
        run.written_octets as f64 / 1e6,
    );
}

fn measure_store(dir: &Path, changes: usize, producers: usize, octets: usize) -> Run {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let store = Store::open(Options::new(dir.join("store"), SCHEMA)).expect("a store");
    let before = written_octets();
    let began = Instant::now();
    let latencies = runtime.block_on(async {
        let tasks: Vec<_> = (0..producers)
            .map(|producer| {
                let store = store.clone();
                let share = share(changes, producers, producer);
                tokio::spawn(async move { produce(&store, producer, share, octets).await })
            })
            .collect();
        let mut latencies = Vec::with_capacity(changes);
        for task in tasks {
            latencies.extend(task.await.expect("a producer"));
        }
        latencies
    });
    let elapsed = began.elapsed();
    runtime.block_on(store.close());
    Run {
        elapsed,
        latencies,
        written_octets: written_octets() - before,
    }
}

async fn produce(store: &Store, producer: usize, share: usize, octets: usize) -> Vec<Duration> {
    let content = vec![b'm'; octets];
    let about = "x".repeat(64);
    let mut latencies = Vec::with_capacity(share);
    for index in 0..share {
        let began = Instant::now();
        let mut body = store.new_body();
        body.write(&content).expect("room for a body");
        let body = body.finish().expect("a body");
        let id = format!("{index:012x}-{producer:04}");
        let about = about.clone();
        store
            .write(vec![body], move |tx, bodies: &[BodyRef]| {
                tx.execute(
                    "INSERT INTO message (id, body, due, about) VALUES (?1, ?2, ?3, ?4)",
                    &[
                        id.into(),
                        bodies[0].into(),
                        Value::Integer(index as i64),
                        about.into(),
                    ],
                )
            })
            .await
            .expect("a stored change");
        latencies.push(began.elapsed());
    }
    latencies
}

fn measure_log(dir: &Path, changes: usize, producers: usize, octets: usize) -> Run {
    let mut file = File::create(dir.join("bare.log")).expect("a log");
    let before = written_octets();
    let began = Instant::now();
    let latencies = std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel::<(Vec<u8>, std::sync::mpsc::SyncSender<()>)>(1024);
        let tasks: Vec<_> = (0..producers)
            .map(|producer| {
                let sender = sender.clone();
                let share = share(changes, producers, producer);
                scope.spawn(move || {
                    let content = vec![b'm'; octets];
                    let mut latencies = Vec::with_capacity(share);
                    let (reply, answer) = sync_channel(1);
                    for _ in 0..share {
                        let began = Instant::now();
                        sender
                            .send((content.clone(), reply.clone()))
                            .expect("a log");
                        answer.recv().expect("an answer");
                        latencies.push(began.elapsed());
                    }
                    latencies
                })
            })
            .collect();
        drop(sender);
        while let Ok(first) = receiver.recv() {
            let group: Vec<_> = std::iter::once(first).chain(receiver.try_iter()).collect();
            let whole: Vec<u8> = group
                .iter()
                .flat_map(|(body, _)| body.iter().copied())
                .collect();
            file.write_all(&whole).expect("a written group");
            file.sync_data().expect("a synced group");
            for (_, reply) in group {
                reply.send(()).expect("a waiting producer");
            }
        }
        tasks
            .into_iter()
            .flat_map(|task| task.join().expect("a producer"))
            .collect()
    });
    Run {
        elapsed: began.elapsed(),
        latencies,
        written_octets: written_octets() - before,
    }
}

fn share(changes: usize, producers: usize, producer: usize) -> usize {
    changes / producers + usize::from(producer < changes % producers)
}

/// What this process has had written to the disk so far, as Linux counts it.
fn written_octets() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix("write_bytes: "))
        .and_then(|octets| octets.parse().ok())
        .unwrap_or(0)
}
