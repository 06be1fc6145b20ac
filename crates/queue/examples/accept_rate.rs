//! How many messages a second the queue takes in, durably, alone: no TLS, no
//! SMTP. `cargo run --release -p mailward-queue --example accept_rate [DIR]`,
//! DIR on the disk to be measured (default: a fresh folder below the current
//! one, removed afterwards).

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use mailward_mail::time::Waiting;
use mailward_mail::{
    Address, Clock, Dice, Envelope, ForwardPath, Recipient, ReversePath, Timestamp,
};
use mailward_queue::{
    Gates, Idempotency, Lane, NewMessage, Options, Queue, Ruling, SameText, Terms,
};
use mailward_store::{Limits, SystemDisk};
use tokio::task::JoinSet;

const TASKS: usize = 64;
const BODY_OCTETS: usize = 4096;
const ROUND: Duration = Duration::from_secs(3);
const ROUNDS: usize = 5;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let given = std::env::args_os().nth(1).map(PathBuf::from);
    let fresh = tempfile::Builder::new()
        .prefix("accept-rate-")
        .tempdir_in(".")?;
    let dir = given.unwrap_or_else(|| fresh.path().to_owned());
    let queue = Queue::open(Options {
        dir,
        disk: Arc::new(SystemDisk),
        limits: Limits::default(),
        clock: Arc::new(Wall),
        dice: Arc::new(Counter::default()),
        terms: Terms::default(),
        gates: Gates::default(),
    })?;
    let mut out = std::io::stdout();
    for kind in [Kind::Plain, Kind::Counted, Kind::Keyed] {
        let mut rates = Vec::new();
        for _ in 0..ROUNDS {
            let (count, elapsed, cpu) = round(&queue, kind).await?;
            let rate = count as f64 / elapsed.as_secs_f64();
            let cpu_micros = cpu.as_micros() as f64 / count as f64;
            writeln!(
                out,
                "{count} accepted in {elapsed:?}: {rate:.0}/s, {cpu_micros:.1} µs of CPU each"
            )?;
            rates.push(rate);
        }
        rates.sort_by(f64::total_cmp);
        let what = match kind {
            Kind::Plain => "plain",
            Kind::Counted => "with a text of its own",
            Kind::Keyed => "with an idempotency key",
        };
        writeln!(
            out,
            "{what}: median {:.0}/s, {TASKS} tasks, {BODY_OCTETS} octets",
            rates[ROUNDS / 2]
        )?;
    }
    queue.close().await;
    Ok(())
}

#[allow(
    clippy::disallowed_methods,
    reason = "a measurement reads the wall clock"
)]
async fn round(
    queue: &Queue,
    kind: Kind,
) -> Result<(u64, Duration, Duration), Box<dyn std::error::Error>> {
    let (begin, cpu) = (Instant::now(), cpu_time()?);
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let queue = queue.clone();
        tasks.spawn(async move {
            let body: Vec<u8> = (0..BODY_OCTETS)
                .map(|n| b'A' + ((n + task) % 57) as u8)
                .collect();
            let mut accepted = 0_u64;
            while begin.elapsed() < ROUND {
                let mut writer = queue.new_body();
                writer.write(&body).map_err(|error| error.to_string())?;
                let body = writer.finish().map_err(|error| error.to_string())?;
                let new = message(&queue, kind).map_err(|error| error.to_string())?;
                queue
                    .accept(new, body)
                    .await
                    .map_err(|error| error.to_string())?;
                accepted += 1;
            }
            Ok::<u64, String>(accepted)
        });
    }
    let mut count = 0;
    while let Some(accepted) = tasks.join_next().await {
        count += accepted??;
    }
    Ok((count, begin.elapsed(), cpu_time()?.saturating_sub(cpu)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    /// Its text is counted among the application's, and differs from all.
    Counted,
    Keyed,
}

fn message(queue: &Queue, kind: Kind) -> Result<NewMessage, mailward_mail::AddressError> {
    let id = queue.new_id();
    let sender = Address::parse("rota@northmoor.example")?;
    let mut envelope = Envelope::new(ReversePath::Address(sender));
    let recipient = Address::parse("ward.seven@northmoor.example")?;
    envelope
        .recipients
        .push(Recipient::new(ForwardPath(recipient)));
    let lane = Lane::new("submission", "rota@northmoor.example");
    Ok(NewMessage {
        message_id: Some(format!("<{id}@rota.northmoor.example>")),
        subject: Some("Rota for next week".to_owned()),
        data_class: "OFFICIAL".to_owned(),
        same_text: (kind == Kind::Counted).then(|| SameText {
            fingerprint: fingerprint(queue),
            window: Duration::from_secs(24 * 3600),
            people_max: 500,
            judge: Arc::new(|_| Ruling::Refuse),
        }),
        idempotency: (kind == Kind::Keyed).then(|| Idempotency {
            key: id.to_string(),
            body_hash: [7; 32],
        }),
        ..NewMessage::new(id, "rota", lane, envelope)
    })
}

fn fingerprint(queue: &Queue) -> [u8; 16] {
    let mut fingerprint = [0; 16];
    let id = queue.new_id();
    let text = id.as_str().as_bytes();
    let from = text.len().saturating_sub(16);
    for (octet, of_id) in fingerprint.iter_mut().zip(&text[from..]) {
        *octet = *of_id;
    }
    fingerprint
}

/// User and system time of this process, from Linux's accounting in ticks of
/// a hundredth of a second.
fn cpu_time() -> Result<Duration, Box<dyn std::error::Error>> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 = after_name
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<u64>().ok())
        .sum();
    Ok(Duration::from_millis(10 * ticks))
}

#[derive(Debug)]
struct Wall;

impl Clock for Wall {
    #[allow(
        clippy::disallowed_methods,
        reason = "the system's clock, for a measurement"
    )]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        Timestamp::from_millis(0).plus(since.unwrap_or_default())
    }

    fn wait_until(&self, _: Timestamp) -> Waiting {
        Box::pin(std::future::pending())
    }
}

/// Ids need only differ here.
#[derive(Debug, Default)]
struct Counter(std::sync::atomic::AtomicU64);

impl Dice for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        let mut state = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        for byte in bytes {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            *byte = (state >> 56) as u8;
        }
    }
}
