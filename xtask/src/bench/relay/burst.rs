//! A burst: more than can be relayed at once, in as fast as it is accepted.
//! Does it drain at a steady rate, and does memory stay flat?

use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::hop::Bench;
use super::options::{Kind, Options};
use super::round::{arrived, no_more, send, sign_in};
use crate::bench::load::runtime;
use crate::bench::peer::Who;
use crate::bench::processes::resident;
use crate::run::Result;

const CONNECTIONS: usize = 50;
const OCTETS: usize = 4096;

/// The first messages, after which memory is compared.
const FIRST_MESSAGES: u64 = 500;

/// Parts of the burst whose rates are told.
const PARTS: u64 = 10;

/// Between two looks at the sink, and between two at memory.
const LOOK_AGAIN: Duration = Duration::from_millis(20);
const SAMPLE_EVERY: Duration = Duration::from_secs(1);

/// A burst takes at most so many samples; beyond that every other one goes.
const SAMPLES_MAX: usize = 120;

#[derive(Clone, Debug)]
pub(super) struct Burst {
    pub(super) messages: u64,
    pub(super) accepted_in: Duration,
    pub(super) through_in: Duration,
    /// Messages a second at the sink, for each tenth of the burst.
    pub(super) tenths: Vec<f64>,
    /// Queued when the last 250 came.
    pub(super) queued: u64,
    /// Resident octets before the burst, and through it.
    pub(super) resident_before: u64,
    pub(super) resident: Vec<u64>,
}

pub(super) fn measure(bench: &Bench, options: &Options) -> Result<Burst> {
    runtime()?.block_on(run(bench, options.burst))
}

async fn run(bench: &Bench, messages: u64) -> Result<Burst> {
    let hop = bench.start_hop(Who::Mailward, Kind::SignedIn)?;
    let sink = &bench.sink;
    let clients = sign_in(&hop.target()?, CONNECTIONS).await?;
    let before = sink.messages()?;
    let clients = send(clients, OCTETS, FIRST_MESSAGES).await?;
    arrived(sink, before + FIRST_MESSAGES).await?;
    let before = before + FIRST_MESSAGES;
    let resident_before = resident(&hop.processes)?;

    let began = Instant::now();
    let sending: JoinHandle<Result<(Vec<_>, Duration)>> = tokio::spawn(async move {
        let clients = send(clients, OCTETS, messages).await?;
        Ok((clients, began.elapsed()))
    });
    let mut watch = Watch::new(messages, began);
    let mut accepted = None;
    while watch.arrived < messages {
        tokio::time::sleep(LOOK_AGAIN).await;
        watch.look(sink.messages()?.saturating_sub(before))?;
        if watch.sample_is_due() {
            let octets = resident(&hop.processes)?;
            watch.sample(octets);
        }
        if accepted.is_none() && sending.is_finished() {
            accepted = Some(watch.arrived);
        }
    }
    let through_in = began.elapsed();
    let (clients, accepted_in) = sending
        .await
        .map_err(|error| format!("the load broke off: {error}"))??;
    no_more(sink, before + messages)?;
    drop(clients);
    Ok(Burst {
        messages,
        accepted_in,
        through_in,
        tenths: watch.tenths(),
        queued: messages - accepted.unwrap_or(messages),
        resident_before,
        resident: watch.samples,
    })
}

/// What is seen of the burst while it lasts.
struct Watch {
    messages: u64,
    began: Instant,
    arrived: u64,
    moved: Instant,
    /// When each tenth was there.
    marks: Vec<Duration>,
    samples: Vec<u64>,
    sampled: Instant,
    every: Duration,
}

impl Watch {
    fn new(messages: u64, began: Instant) -> Self {
        Self {
            messages,
            began,
            arrived: 0,
            moved: began,
            marks: Vec::new(),
            samples: Vec::new(),
            sampled: began,
            every: SAMPLE_EVERY,
        }
    }

    fn look(&mut self, arrived: u64) -> Result {
        /// Without a message for so long, what is missing is lost.
        const STALL: Duration = Duration::from_secs(90);
        crate::bench::interrupt::check()?;
        if arrived > self.arrived {
            self.arrived = arrived;
            self.moved = Instant::now();
        } else if self.moved.elapsed() > STALL {
            return Err(format!("{} messages are lost", self.messages - arrived));
        }
        while self.marks.len() < PARTS as usize
            && arrived >= self.messages * (self.marks.len() as u64 + 1) / PARTS
        {
            self.marks.push(self.began.elapsed());
        }
        Ok(())
    }

    fn sample_is_due(&self) -> bool {
        self.sampled.elapsed() >= self.every
    }

    fn sample(&mut self, octets: u64) {
        self.sampled = Instant::now();
        self.samples.push(octets);
        if self.samples.len() >= SAMPLES_MAX {
            let mut keep = false;
            self.samples.retain(|_| {
                keep = !keep;
                keep
            });
            self.every *= 2;
        }
    }

    fn tenths(&self) -> Vec<f64> {
        let mut since = Duration::ZERO;
        let part = self.messages as f64 / PARTS as f64;
        self.marks
            .iter()
            .map(|mark| {
                let took = (*mark - since).as_secs_f64();
                since = *mark;
                part / took
            })
            .collect()
    }
}
