//! Connections that send as fast as they are answered, counted over a window
//! of time. All on one thread: with many connections it rarely sleeps, so that
//! neither it nor the server pays for waking it at every reply.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::runtime::{Builder, Runtime};
use tokio::task::{JoinError, JoinSet};

use super::client::{Client, Target};
use super::interrupt;
use super::message::Message;
use super::options::Options;
use super::processes::cpu_of_self;
use super::rounds::Cell;
use crate::run::Result;

/// What one round may put on the disk, before it ends early.
const OCTETS_MAX: u64 = 3 << 30;

/// What came of a round.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) messages: u64,
    pub(super) elapsed: Duration,
    /// CPU time of the server while it was counted, and of the load.
    pub(super) server_cpu: Duration,
    pub(super) load_cpu: Duration,
}

impl Counted {
    pub(super) fn per_second(&self) -> f64 {
        self.messages as f64 / self.elapsed.as_secs_f64()
    }
}

/// What the load runs on: this thread.
pub(super) fn runtime() -> Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("the load can't run: {error}"))
}

/// Sends to `target` through the warm-up and the window that follows it.
pub(super) async fn run(
    target: Target,
    cell: &Cell,
    options: &Options,
    server_cpu: impl Fn() -> Result<Duration>,
) -> Result<Counted> {
    let mut clients = Vec::new();
    for _ in 0..cell.connections {
        clients.push(if cell.kept {
            Some(Client::sign_in(&target).await?)
        } else {
            None
        });
    }
    let opens = Instant::now() + options.warm_up;
    let round = Arc::new(Round {
        target,
        octets: cell.octets,
        closes: opens + options.counted,
        messages_max: OCTETS_MAX / cell.octets as u64,
        sent: AtomicU64::new(0),
        counted: AtomicU64::new(0),
    });
    let mut connections = JoinSet::new();
    for client in clients {
        connections.spawn(Arc::clone(&round).keep_sending(client));
    }
    let reading = || {
        Ok::<_, String>((
            Instant::now(),
            round.counted.load(Ordering::Relaxed),
            server_cpu()?,
            cpu_of_self()?,
        ))
    };
    until(opens, &mut connections).await?;
    let began = reading()?;
    until(round.closes, &mut connections).await?;
    let ended = reading()?;
    while let Some(done) = connections.join_next().await {
        ended_well(done)?;
    }
    if round.sent.load(Ordering::Relaxed) >= round.messages_max {
        return Err(format!(
            "{} took more than {OCTETS_MAX} octets in one round",
            round.target.name
        ));
    }
    Ok(Counted {
        messages: ended.1 - began.1,
        elapsed: ended.0 - began.0,
        server_cpu: ended.2.saturating_sub(began.2),
        load_cpu: ended.3.saturating_sub(began.3),
    })
}

/// Lets them send until `moment`, unless one of them fails.
async fn until(moment: Instant, connections: &mut JoinSet<Result>) -> Result {
    let alarm = tokio::time::sleep_until(moment.into());
    tokio::pin!(alarm);
    loop {
        tokio::select! {
            () = &mut alarm => return Ok(()),
            Some(done) = connections.join_next() => ended_well(done)?,
        }
    }
}

fn ended_well(done: std::result::Result<Result, JoinError>) -> Result {
    done.map_err(|error| format!("a connection of the load broke off: {error}"))?
}

/// What all connections of a round share.
struct Round {
    target: Target,
    octets: usize,
    closes: Instant,
    messages_max: u64,
    /// Numbers the messages, and bounds them.
    sent: AtomicU64,
    /// Answered 250.
    counted: AtomicU64,
}

impl Round {
    async fn keep_sending(self: Arc<Self>, mut kept: Option<Client>) -> Result {
        let mut message = Message::new(self.octets);
        while Instant::now() < self.closes {
            interrupt::check()?;
            let number = self.sent.fetch_add(1, Ordering::Relaxed);
            if number >= self.messages_max {
                break;
            }
            let data = message.numbered(number);
            if let Some(client) = &mut kept {
                client.send(data).await?;
                self.counted.fetch_add(1, Ordering::Relaxed);
            } else {
                let mut client = Client::sign_in(&self.target).await?;
                client.send(data).await?;
                self.counted.fetch_add(1, Ordering::Relaxed);
                client.quit().await?;
            }
        }
        match kept {
            Some(client) => client.quit().await,
            None => Ok(()),
        }
    }
}
