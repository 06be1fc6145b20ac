//! What an idle connection and a queued message cost in memory, at both sides.

use std::time::Duration;

use super::hop::Bench;
use super::options::{Kind, Options};
use super::round::{arrived, no_more, send, sign_in};
use crate::bench::interrupt;
use crate::bench::load::runtime;
use crate::bench::peer::Who;
use crate::bench::processes::resident;
use crate::run::Result;

/// Connections made and left before counting begins, which send the messages
/// that make either side's workers start.
const FIRST_CONNECTIONS: usize = 10;
const FIRST_MESSAGES: u64 = 500;

/// For the processes to come to rest.
const SETTLING: Duration = Duration::from_secs(1);

const OCTETS: usize = 4096;

/// Octets of resident memory.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub(super) connections: usize,
    pub(super) queued: u64,
    pub(super) mailward: Each,
    pub(super) postfix: Each,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Each {
    pub(super) connection: f64,
    pub(super) message: f64,
}

pub(super) fn measure(bench: &Bench, options: &Options) -> Result<Memory> {
    Ok(Memory {
        connections: options.idle_connections,
        queued: options.queued,
        mailward: runtime()?.block_on(one(bench, Who::Mailward, options))?,
        postfix: runtime()?.block_on(one(bench, Who::Postfix, options))?,
    })
}

async fn one(bench: &Bench, who: Who, options: &Options) -> Result<Each> {
    let hop = bench.start_hop(who, Kind::SignedIn)?;
    let target = hop.target()?;
    let sink = &bench.sink;
    let clients = sign_in(&target, FIRST_CONNECTIONS).await?;
    let before = sink.messages()?;
    let clients = send(clients, OCTETS, FIRST_MESSAGES).await?;
    arrived(sink, before + FIRST_MESSAGES).await?;
    interrupt::wait(SETTLING)?;

    let rest = resident(&hop.processes)?;
    let idle = sign_in(&target, options.idle_connections).await?;
    interrupt::wait(SETTLING)?;
    let connection = resident(&hop.processes)?.saturating_sub(rest) as f64;
    drop(idle);
    interrupt::wait(SETTLING)?;

    // A far end that answers no more: what is accepted now stays.
    let paused = sink.pause()?;
    let rest = resident(&hop.processes)?;
    let clients = send(clients, OCTETS, options.queued).await?;
    interrupt::wait(SETTLING)?;
    let message = resident(&hop.processes)?.saturating_sub(rest) as f64;
    drop(paused);
    let all = before + FIRST_MESSAGES + options.queued;
    arrived(sink, all).await?;
    no_more(sink, all)?;
    drop(clients);
    Ok(Each {
        connection: connection / options.idle_connections as f64,
        message: message / options.queued as f64,
    })
}
