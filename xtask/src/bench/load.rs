//! Connections that send as fast as they are answered, counted over a window
//! of time. A thread each, blocking: for fifty of them on two cores that costs
//! less than a poll beside every read.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

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

/// Sends to `target` through the warm-up and the window that follows it.
pub(super) fn run(
    target: &Target,
    cell: &Cell,
    options: &Options,
    server_cpu: impl Fn() -> Result<Duration>,
) -> Result<Counted> {
    let mut clients = Vec::new();
    for _ in 0..cell.connections {
        clients.push(if cell.kept { Some(Client::sign_in(target)?) } else { None });
    }
    let opens = Instant::now() + options.warm_up;
    let window = Window {
        opens,
        closes: opens + options.counted,
        messages_max: OCTETS_MAX / cell.octets as u64,
        sent: AtomicU64::new(0),
        counted: AtomicU64::new(0),
        failure: Mutex::new(None),
    };
    let (began, ended) = std::thread::scope(|scope| {
        for client in clients {
            let window = &window;
            scope.spawn(move || window.keep_sending(target, cell, client));
        }
        let reading = || Ok::<_, String>((Instant::now(), window.counted.load(Ordering::Relaxed), server_cpu()?, cpu_of_self()?));
        let began = interrupt::wait_until(window.opens).and_then(|()| reading());
        let ended = interrupt::wait_until(window.closes).and_then(|()| reading());
        (began, ended)
    });
    if let Some(failure) = window.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        return Err(failure);
    }
    let (began, ended) = (began?, ended?);
    if window.sent.into_inner() >= window.messages_max {
        return Err(format!("{} took more than {OCTETS_MAX} octets in one round", target.name));
    }
    Ok(Counted {
        messages: ended.1 - began.1,
        elapsed: ended.0 - began.0,
        server_cpu: ended.2.saturating_sub(began.2),
        load_cpu: ended.3.saturating_sub(began.3),
    })
}

/// The time in which messages count, shared by all connections.
struct Window {
    opens: Instant,
    closes: Instant,
    messages_max: u64,
    /// Numbers the messages, and bounds them.
    sent: AtomicU64,
    /// Answered 250.
    counted: AtomicU64,
    failure: Mutex<Option<String>>,
}

impl Window {
    fn keep_sending(&self, target: &Target, cell: &Cell, client: Option<Client>) {
        if let Err(failure) = self.try_sending(target, cell, client) {
            let mut first = self.failure.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert(failure);
        }
    }

    fn try_sending(&self, target: &Target, cell: &Cell, mut client: Option<Client>) -> Result {
        let mut message = Message::new(cell.octets);
        while Instant::now() < self.closes {
            interrupt::check()?;
            let number = self.sent.fetch_add(1, Ordering::Relaxed);
            if number >= self.messages_max {
                break;
            }
            let data = message.numbered(number);
            match &mut client {
                Some(kept) => kept.send(data)?,
                None => {
                    let mut fresh = Client::sign_in(target)?;
                    fresh.send(data)?;
                    self.counted.fetch_add(1, Ordering::Relaxed);
                    fresh.quit()?;
                    continue;
                }
            }
            self.counted.fetch_add(1, Ordering::Relaxed);
        }
        client.map_or(Ok(()), Client::quit)
    }
}
