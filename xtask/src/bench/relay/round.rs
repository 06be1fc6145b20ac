//! One round: so many messages in, and the wait for the last at the sink.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::hop::{Bench, Hop};
use super::options::{Cell, Options};
use super::sink::Sink;
use crate::bench::client::{Client, Target};
use crate::bench::interrupt;
use crate::bench::load::runtime;
use crate::bench::message::Message;
use crate::bench::peer::Who;
use crate::bench::processes::{cpu, cpu_of_self};
use crate::run::Result;

/// Sent and arrived before counting begins: processes start, passwords are
/// learnt, connections to the far end are made.
const WARM_UP_MESSAGES: u64 = 200;

/// Without a message at the sink for so long, what is missing is lost.
const STALL: Duration = Duration::from_secs(90);

/// Between two looks at the sink.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

/// After the last message, for one that comes twice to show itself.
const AFTERWARDS: Duration = Duration::from_millis(300);

/// What came of a round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) messages: u64,
    /// Until the last 250, and until the last message was at the sink.
    pub(super) accepted_in: Duration,
    pub(super) through_in: Duration,
    /// At the sink when the last 250 came.
    pub(super) relayed_meanwhile: u64,
    pub(super) hop_cpu: Duration,
    pub(super) sink_cpu: Duration,
    pub(super) load_cpu: Duration,
}

impl Counted {
    pub(super) fn per_second(&self) -> f64 {
        self.messages as f64 / self.through_in.as_secs_f64()
    }
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Pair {
    pub(super) mailward: Counted,
    pub(super) postfix: Counted,
}

impl Pair {
    pub(super) fn ratio(&self) -> f64 {
        self.mailward.per_second() / self.postfix.per_second()
    }
}

pub(super) fn measure(bench: &Bench, cell: Cell, options: &Options) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for number in 0..options.pairs {
        let one = |who| round(bench, who, &cell, options);
        // Who begins may find the machine otherwise than who follows.
        let (mailward, postfix) = if number % 2 == 0 {
            let mailward = one(Who::Mailward)?;
            (mailward, one(Who::Postfix)?)
        } else {
            let postfix = one(Who::Postfix)?;
            (one(Who::Mailward)?, postfix)
        };
        let pair = Pair { mailward, postfix };
        eprintln!(
            "{:>6} octets, {:>2} connections, {}, pair {} of {}: {:.0}/s and {:.0}/s, ratio {:.2}",
            cell.octets,
            cell.connections,
            cell.kind.as_str(),
            number + 1,
            options.pairs,
            mailward.per_second(),
            postfix.per_second(),
            pair.ratio()
        );
        pairs.push(pair);
    }
    Ok(pairs)
}

fn round(bench: &Bench, who: Who, cell: &Cell, options: &Options) -> Result<Counted> {
    let hop = bench.start_hop(who, cell.kind)?;
    runtime()?.block_on(through(&bench.sink, &hop, cell, options.messages_of(cell)))
}

async fn through(sink: &Sink, hop: &Hop, cell: &Cell, messages: u64) -> Result<Counted> {
    let target = hop.target()?;
    let clients = sign_in(&target, cell.connections).await?;
    let before = sink.messages()?;
    let clients = send(clients, cell.octets, WARM_UP_MESSAGES).await?;
    arrived(sink, before + WARM_UP_MESSAGES).await?;

    let times = || {
        Ok::<_, String>((
            cpu(&hop.processes)?,
            cpu(&sink.processes())?,
            cpu_of_self()?,
        ))
    };
    let before = sink.messages()?;
    let (hop_cpu, sink_cpu, load_cpu) = times()?;
    let began = Instant::now();
    let clients = send(clients, cell.octets, messages).await?;
    let accepted_in = began.elapsed();
    let relayed_meanwhile = sink.messages()?.saturating_sub(before);
    arrived(sink, before + messages).await?;
    let through_in = began.elapsed();
    let ended = times()?;
    tokio::time::sleep(AFTERWARDS).await;
    no_more(sink, before + messages)?;
    for client in clients {
        client.quit().await?;
    }
    Ok(Counted {
        messages,
        accepted_in,
        through_in,
        relayed_meanwhile,
        hop_cpu: ended.0.saturating_sub(hop_cpu),
        sink_cpu: ended.1.saturating_sub(sink_cpu),
        load_cpu: ended.2.saturating_sub(load_cpu),
    })
}

pub(super) async fn sign_in(target: &Target, connections: usize) -> Result<Vec<Client>> {
    let mut clients = Vec::new();
    for _ in 0..connections {
        interrupt::check()?;
        clients.push(Client::sign_in(target).await?);
    }
    Ok(clients)
}

/// Sends `messages` in all over the connections, and gives these back once all
/// are answered 250.
pub(super) async fn send(
    clients: Vec<Client>,
    octets: usize,
    messages: u64,
) -> Result<Vec<Client>> {
    let next = Arc::new(AtomicU64::new(0));
    let mut sending = JoinSet::new();
    for mut client in clients {
        let next = Arc::clone(&next);
        sending.spawn(async move {
            let mut message = Message::new(octets);
            loop {
                interrupt::check()?;
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= messages {
                    return Ok::<_, String>(client);
                }
                client.send(message.numbered(number)).await?;
            }
        });
    }
    let mut clients = Vec::new();
    while let Some(done) = sending.join_next().await {
        let client =
            done.map_err(|error| format!("a connection of the load broke off: {error}"))?;
        clients.push(client?);
    }
    Ok(clients)
}

/// Waits until `count` messages have come to the sink in all.
pub(super) async fn arrived(sink: &Sink, count: u64) -> Result {
    let (mut seen, mut since) = (sink.messages()?, Instant::now());
    while seen < count {
        interrupt::check()?;
        tokio::time::sleep(LOOK_AGAIN).await;
        let now = sink.messages()?;
        if now > seen {
            (seen, since) = (now, Instant::now());
        } else if since.elapsed() > STALL {
            return Err(format!("{} messages are lost", count - seen));
        }
    }
    Ok(())
}

/// Fails where more messages have come than were sent.
pub(super) fn no_more(sink: &Sink, count: u64) -> Result {
    match sink.messages()?.checked_sub(count) {
        None | Some(0) => Ok(()),
        Some(more) => Err(format!("{more} messages came twice")),
    }
}
