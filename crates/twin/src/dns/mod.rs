//! The names of the service and of those who use its relay, as name servers of
//! the network would tell them.
//!
//! ```text
//!   query ── udp, tcp ── answer (octets ↔ one question) ── zone
//! ```
//!
//! It knows its own names alone and asks nobody else: there is no way from
//! here to public name servers.

mod answer;
mod zone;

use std::sync::Arc;
use std::time::Duration;

use mailward_mail::Clock;
use mailward_net::{Datagrams, Listener, Stream, Tasks};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::Semaphore;

pub(crate) use answer::NameServer;
pub(crate) use zone::{Zone, more_relay_addresses};

/// A query is one question: this is plenty, with an OPT record.
const QUERY_OCTETS_MAX: usize = 1232;

/// Answers that wait for the clock, because a fault holds them back.
const HELD_BACK_MAX: usize = 256;

/// Connections over TCP at once.
const CONNECTIONS_MAX: usize = 64;

/// How long a connection may say nothing (RFC 7766 section 6.2.3 asks for a
/// few seconds).
const IDLE: Duration = Duration::from_secs(10);

/// Answers datagrams until shutdown.
pub(crate) async fn serve_datagrams(
    server: NameServer,
    datagrams: Datagrams,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
) {
    let datagrams = Arc::new(datagrams);
    let room = Arc::new(Semaphore::new(HELD_BACK_MAX));
    let mut query = [0; QUERY_OCTETS_MAX];
    loop {
        let (octets, peer) = tokio::select! {
            received = datagrams.receive(&mut query) => received,
            () = tasks.shutdown().begun() => return,
        };
        let Some(answer) = server.answer(&query[..octets]) else {
            continue;
        };
        if answer.delay.is_zero() {
            datagrams.send(&answer.octets, peer).await;
            continue;
        }
        // Without room it is as if it had got lost, which datagrams may.
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            continue;
        };
        let (datagrams, clock) = (Arc::clone(&datagrams), Arc::clone(&clock));
        let shutdown = tasks.shutdown().clone();
        tasks.spawn("name server answer", async move {
            let _permit = permit;
            tokio::select! {
                () = clock.wait(answer.delay) => datagrams.send(&answer.octets, peer).await,
                () = shutdown.begun() => {}
            }
        });
    }
}

/// The same over connections, each query with its length before it (RFC 1035
/// section 4.2.2).
pub(crate) async fn serve_connections(
    server: NameServer,
    listener: Listener,
    clock: Arc<dyn Clock>,
    tasks: Tasks,
) {
    let room = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let stream = tokio::select! {
            stream = listener.accept() => stream,
            () = tasks.shutdown().begun() => return,
        };
        let Ok(permit) = Arc::clone(&room).try_acquire_owned() else {
            continue;
        };
        let (server, clock) = (server.clone(), Arc::clone(&clock));
        let shutdown = tasks.shutdown().clone();
        tasks.spawn("name server connection", async move {
            let _permit = permit;
            tokio::select! {
                _ = converse(&server, stream, &*clock) => {}
                () = shutdown.begun() => {}
            }
        });
    }
}

/// Ends when the client goes, is silent for too long or asks what is none.
async fn converse(
    server: &NameServer,
    mut stream: Stream,
    clock: &dyn Clock,
) -> std::io::Result<()> {
    let mut query = [0; QUERY_OCTETS_MAX];
    loop {
        let late = clock.now().plus(IDLE);
        let octets = tokio::select! {
            length = stream.read_u16() => usize::from(length?),
            () = clock.wait_until(late) => return Ok(()),
        };
        let Some(query) = query.get_mut(..octets) else {
            return Ok(());
        };
        tokio::select! {
            read = stream.read_exact(query) => { read?; }
            () = clock.wait_until(late) => return Ok(()),
        }
        let Some(answer) = server.answer(query) else {
            return Ok(());
        };
        if !answer.delay.is_zero() {
            clock.wait(answer.delay).await;
        }
        let length = u16::try_from(answer.octets.len()).unwrap_or(u16::MAX);
        stream.write_u16(length).await?;
        stream.write_all(&answer.octets).await?;
        stream.flush().await?;
    }
}
