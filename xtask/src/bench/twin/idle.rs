//! Memory of IMAP connections that wait for news.

use std::time::{Duration, Instant};

use super::imap::Imap;
use super::options::Options;
use super::peers::Dovecot;
use super::report::Report;
use super::server::{PASSWORD, Twin, address};
use crate::bench::interrupt;
use crate::bench::processes::resident;
use crate::bench::tls::{self, Version};
use crate::run::Result;

/// A process for each connection has less room.
const PEER_CONNECTIONS_MAX: usize = 200;

const FIRST_CONNECTIONS: usize = 10;
const SETTLING: Duration = Duration::from_millis(500);

pub(super) async fn measure(options: &Options, report: &mut Report) -> Result {
    let twin = Twin::start()?;
    let count = options.idle_connections;
    let began = Instant::now();
    let (before, all) = hold(twin.imaps()?, &[twin.pid()], count).await?;
    let took = began.elapsed().as_secs_f64();
    let each = (all.saturating_sub(before)) as f64 / count as f64 / 1024.0;
    let mut peer = None;
    if options.peers {
        let dovecot = Dovecot::start(options)?;
        let fewer = count.min(PEER_CONNECTIONS_MAX);
        let (before, all) = hold(dovecot.imaps, &[dovecot.pid()], fewer).await?;
        let each = all.saturating_sub(before) as f64 / fewer as f64 / 1024.0;
        peer = Some(("Dovecot", each));
    }
    let what = format!("memory of one of {count} connections in IDLE");
    report.add("idle", what, each, "KiB", peer);
    let mebibytes = all as f64 / 1024.0 / 1024.0;
    let what = format!("the whole process with {count} connections");
    report.add("idle", what, mebibytes, "MiB", None);
    let what = "connections made, TLS and sign-in included";
    report.add("idle", what, count as f64 / took, "/s", None);
    Ok(())
}

/// Memory with the first few connections, and with all.
async fn hold(at: std::net::SocketAddr, pids: &[u32], count: usize) -> Result<(u64, u64)> {
    let tls = tls::client(Version::Tls13)?;
    let mut held = Vec::with_capacity(count + FIRST_CONNECTIONS);
    let mut before = 0;
    for number in 0..count + FIRST_CONNECTIONS {
        interrupt::check()?;
        if number == FIRST_CONNECTIONS {
            interrupt::wait(SETTLING)?;
            before = resident(pids)?;
        }
        let mut imap = Imap::sign_in(at, &tls, &address(number), PASSWORD).await?;
        imap.command("SELECT INBOX").await?;
        imap.idle().await?;
        held.push(imap);
    }
    interrupt::wait(SETTLING)?;
    let all = resident(pids)?;
    drop(held);
    Ok((before, all))
}
