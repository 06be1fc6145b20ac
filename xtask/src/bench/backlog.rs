//! `cargo xtask bench backlog`: what depth costs. A store is filled through
//! the queue's own door, and at several depths a scheduling step is timed and
//! its calls to the system counted; then another process opens what is there
//! and delivers the first message.
//!
//! ```text
//!   accept ×N ──▶ steps at 1,000, 100,000, N ──▶ end of the process
//!                                                    │
//!   another: open, recover, lanes with work, due, attempt, relayed
//!                                                    │
//!   with --drain: everything is delivered, and what the disk has back is told
//! ```

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use mailward_mail::{Address, Envelope, ForwardPath, Recipient, Reply, ReversePath};
use mailward_net::{SystemClock, SystemDice};
use mailward_queue::{
    AttemptEnd, AttemptResult, DueMessage, Gates, Lane, NewMessage, Options, Queue,
    RecipientResult, Stage, Terms,
};
use mailward_store::{Limits, SystemDisk};
use serde_json::{Value, json};

use crate::run::Result;

const USAGE: &str = "bench backlog [--messages N] [--dir DIR] [--drain on]";

/// As a letter without attachments.
const BODY_OCTETS: usize = 4096;

/// Mailboxes that the messages are for, by turns.
const ACCOUNTS: u64 = 50;

/// Callers of `accept` at once, who share their syncs.
const PRODUCERS: u64 = 128;

/// Steps of which the median is taken.
const STEPS: usize = 101;

/// Messages of a lane that are under way at once while all is delivered.
const AT_ONCE: usize = 20;

/// Between two looks whether the threads behind have come to rest, and how
/// many of them at most.
const REST_LOOK: Duration = Duration::from_millis(500);
const REST_LOOKS_MAX: u32 = 240;

pub(crate) fn backlog(words: &[&str]) -> Result {
    let (mut messages, mut dir) = (1_000_000, PathBuf::from("/var/tmp"));
    let mut drains = false;
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let value = rest
            .next()
            .ok_or(format!("{word} needs a value; {USAGE}"))?;
        match *word {
            "--messages" => {
                messages = value
                    .parse()
                    .map_err(|_| format!("{value} is no number of messages"))?;
            }
            "--dir" => dir = PathBuf::from(value),
            "--drain" => drains = *value == "on",
            // What the other process is started with.
            "--first" => return print_first(Path::new(value)),
            _ => return Err(format!("{word}: not an option of cargo xtask {USAGE}")),
        }
    }
    let folder =
        tempfile::tempdir_in(&dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let place = folder.path().join("store");
    println!("depth       step, median   calls/step   accepted/s   memory");
    runtime()?.block_on(fill(&place, messages))?;
    let before = Instant::now();
    let program = std::env::current_exe().map_err(|error| error.to_string())?;
    let output = std::process::Command::new(program)
        .args(["bench", "backlog", "--first"])
        .arg(&place)
        .output()
        .map_err(|error| error.to_string())?;
    let whole = before.elapsed();
    let told: Value = serde_json::from_slice(&output.stdout)
        .map_err(|_| String::from_utf8_lossy(&output.stderr).into_owned())?;
    println!(
        "restart with {} open: first delivery after {} ms (process and all {} ms), of which \
         opening {} ms; {} MiB at most",
        told["open"],
        told["first_ms"],
        whole.as_millis(),
        told["open_ms"],
        told["peak_mib"]
    );
    if drains {
        runtime()?.block_on(drain(&place))?;
    }
    Ok(())
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())
}

fn open(dir: &Path) -> Result<Queue> {
    Queue::open(Options {
        dir: dir.to_owned(),
        disk: Arc::new(SystemDisk),
        limits: Limits::default(),
        clock: Arc::new(SystemClock),
        dice: Arc::new(SystemDice),
        terms: Terms::default(),
        gates: Gates::default(),
    })
    .map_err(|error| error.to_string())
}

async fn fill(dir: &Path, messages: u64) -> Result {
    let queue = open(dir)?;
    let mut depth = 0;
    for goal in [1_000, 100_000, messages] {
        let goal = goal.min(messages);
        if goal <= depth {
            continue;
        }
        let began = Instant::now();
        accept_up_to(&queue, depth, goal).await?;
        let rate = (goal - depth) as f64 / began.elapsed().as_secs_f64();
        depth = goal;
        let (median, calls) = steps(&queue).await?;
        println!(
            "{depth:>9}   {median:>9} µs   {calls:>10.1}   {rate:>10.0}   {:>4} MiB",
            status_mib("VmRSS:")
        );
    }
    queue.close().await;
    Ok(())
}

async fn accept_up_to(queue: &Queue, from: u64, to: u64) -> Result {
    let next = Arc::new(AtomicU64::new(from));
    let mut producers = tokio::task::JoinSet::<Result>::new();
    for _ in 0..PRODUCERS {
        let (queue, next) = (queue.clone(), Arc::clone(&next));
        producers.spawn(async move {
            let content = vec![b'm'; BODY_OCTETS];
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= to {
                    return Ok(());
                }
                let mut body = queue.new_body();
                body.write(&content).map_err(|error| error.to_string())?;
                let body = body.finish().map_err(|error| error.to_string())?;
                let accepted = queue.accept(message(&queue, number)?, body).await;
                accepted.map_err(|error| error.to_string())?;
            }
        });
    }
    while let Some(ended) = producers.join_next().await {
        ended.map_err(|error| error.to_string())??;
    }
    Ok(())
}

fn message(queue: &Queue, number: u64) -> Result<NewMessage> {
    let address = |text: String| Address::parse(&text).map_err(|error| error.to_string());
    let account = format!("clinic-{}@northmoor.example", number % ACCOUNTS);
    let mut envelope = Envelope::new(ReversePath::Address(address(account.clone())?));
    let ward = address(format!("ward-{number}@northmoor.example"))?;
    envelope.recipients = vec![Recipient::new(ForwardPath(ward))];
    let lane = Lane::new("submission", account);
    Ok(NewMessage::new(queue.new_id(), "clinics", lane, envelope))
}

/// One delivery as the scheduler has it, without the wire.
async fn step(queue: &Queue) -> Result {
    let lanes = queue.lanes_with_work().await.map_err(text)?;
    let (lane, _) = lanes.into_iter().next().ok_or("nothing waits")?;
    let now = queue.clock().now();
    let due = queue.due(&lane, now, AT_ONCE).await.map_err(text)?;
    let first = due.first().ok_or("nothing is due")?;
    deliver(queue, first).await
}

fn text(error: mailward_queue::QueueError) -> String {
    error.to_string()
}

async fn deliver(queue: &Queue, message: &DueMessage) -> Result {
    let attempt = queue
        .begin_attempt(message.id, &message.numbers(), &message.lane)
        .await
        .map_err(text)?;
    queue
        .record_final_dot(&attempt, Vec::new())
        .await
        .map_err(text)?;
    let results = message.numbers().into_iter().map(|n| RecipientResult {
        n,
        result: AttemptResult::Relayed {
            reply: Reply::status(250, 0, 0, "OK"),
            notify_passed_on: true,
        },
    });
    let finished = queue
        .finish_attempt(attempt, AttemptEnd::at(Stage::FinalDot), results.collect())
        .await
        .map_err(text)?;
    debug_assert!(finished.in_doubt.is_empty());
    Ok(())
}

/// Everything by all lanes at once; tells what the store takes before and
/// after.
async fn drain(dir: &Path) -> Result {
    let queue = open(dir)?;
    queue.recover().await.map_err(text)?;
    let told = |when: &str| {
        let space = queue.store().space();
        println!(
            "{when}: segments {} MiB, rows {} MiB, log {} MiB; {} MiB of memory",
            space.segment_octets >> 20,
            space.rows_octets >> 20,
            space.log_octets >> 20,
            status_mib("VmRSS:")
        );
    };
    told("before");
    let began = Instant::now();
    let mut lanes = tokio::task::JoinSet::<Result<u64>>::new();
    for (lane, _) in queue.lanes_with_work().await.map_err(text)? {
        let queue = queue.clone();
        lanes.spawn(async move {
            let mut delivered = 0;
            loop {
                let now = queue.clock().now();
                let due = queue.due(&lane, now, AT_ONCE).await.map_err(text)?;
                if due.is_empty() {
                    return Ok(delivered);
                }
                delivered += due.len() as u64;
                let mut under_way = tokio::task::JoinSet::<Result>::new();
                for message in due {
                    let queue = queue.clone();
                    under_way.spawn(async move { deliver(&queue, &message).await });
                }
                while let Some(ended) = under_way.join_next().await {
                    ended.map_err(|error| error.to_string())??;
                }
            }
        });
    }
    let mut delivered = 0;
    while let Some(ended) = lanes.join_next().await {
        delivered += ended.map_err(|error| error.to_string())??;
    }
    let rate = delivered as f64 / began.elapsed().as_secs_f64();
    rest(&queue).await;
    told("after");
    println!(
        "{delivered} delivered, {rate:.0} a second; peak {} MiB",
        status_mib("VmHWM:")
    );
    queue.close().await;
    Ok(())
}

/// Waits until checkpoints and the like are done.
async fn rest(queue: &Queue) {
    let mut before = calls();
    for _ in 0..REST_LOOKS_MAX {
        queue.clock().wait(REST_LOOK).await;
        let now = calls();
        // The looks themselves read a little.
        if now - before < 10 {
            return;
        }
        before = now;
    }
}

/// The median of some steps in microseconds, and calls that read or write.
async fn steps(queue: &Queue) -> Result<(u128, f64)> {
    rest(queue).await;
    let calls = calls();
    let mut times = Vec::with_capacity(STEPS);
    for _ in 0..STEPS {
        let began = Instant::now();
        step(queue).await?;
        times.push(began.elapsed().as_micros());
    }
    times.sort_unstable();
    let calls = (self::calls() - calls) as f64 / STEPS as f64;
    Ok((times[STEPS / 2], calls))
}

/// The process that is started anew.
fn print_first(dir: &Path) -> Result {
    let began = Instant::now();
    let told = runtime()?.block_on(async {
        let queue = open(dir)?;
        let opened = began.elapsed();
        let recovered = queue.recover().await;
        recovered.map_err(|error| error.to_string())?;
        step(&queue).await?;
        let first = began.elapsed();
        let summary = queue.summary().await.map_err(|error| error.to_string())?;
        let open: u64 = summary
            .recipients
            .iter()
            .filter(|(state, _)| !state.is_end())
            .map(|(_, count)| count)
            .sum();
        Ok::<_, String>(json!({
            "open": open,
            "open_ms": opened.as_millis() as u64,
            "first_ms": first.as_millis() as u64,
            "peak_mib": status_mib("VmHWM:"),
        }))
    })?;
    println!("{told}");
    // Closing is no part of it, and a kill is what a restart has to stand.
    std::process::exit(0)
}

fn calls() -> u64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    text.lines()
        .filter(|line| line.starts_with("syscr:") || line.starts_with("syscw:"))
        .filter_map(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok())
        .sum()
}

fn status_mib(field: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    text.lines()
        .find_map(|line| line.strip_prefix(field))
        .and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok())
        .unwrap_or(0)
        / 1024
}
