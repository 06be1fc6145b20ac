//! Mixed work over IMAP, in the manner of imaptest: the same script at the
//! twin and at Dovecot, each connection in a mailbox of its own.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::task::LocalSet;

use super::imap::{Answer, Imap};
use super::letter::{Sum, letter};
use super::options::Options;
use super::peers::Dovecot;
use super::report::Report;
use super::server::{ACCOUNTS, PASSWORD, Twin, address};
use crate::bench::interrupt;
use crate::bench::processes::cpu;
use crate::bench::tls::{self, Version};
use crate::run::Result;

/// Messages in a mailbox before it is counted, so that lists have a length.
const MESSAGES: u64 = 100;
const OCTETS: usize = 2048;
/// Commands of one round.
const COMMANDS: usize = 10;

pub(super) async fn measure(options: &Options, report: &mut Report) -> Result {
    for connections in [1, ACCOUNTS] {
        let twin = Twin::start()?;
        let (rate, used) = run(twin.imaps()?, &[twin.pid()], connections, options).await?;
        drop(twin);
        let (mut peer, mut peer_used) = (None, None);
        if options.peers {
            let dovecot = Dovecot::start(options)?;
            let pids = [dovecot.pid()];
            let (rate, used) = run(dovecot.imaps, &pids, connections, options).await?;
            peer = Some(("Dovecot", rate));
            peer_used = Some(("Dovecot", used));
        }
        let what = format!("commands of {connections} connections");
        report.add("imap", &what, rate, "/s", peer);
        report.add("imap", format!("{what}, CPU each"), used, "us", peer_used);
    }
    Ok(())
}

/// Commands a second, and the server's CPU time for each in microseconds.
async fn run(
    at: SocketAddr,
    pids: &[u32],
    connections: usize,
    options: &Options,
) -> Result<(f64, f64)> {
    let tls = tls::client(Version::Tls13)?;
    let mut clients = Vec::new();
    for number in 0..connections {
        let mut imap = Imap::sign_in(at, &tls, &address(number), PASSWORD).await?;
        imap.command("CREATE Kept").await?;
        imap.command("SELECT INBOX").await?;
        for number in 0..MESSAGES {
            let message = letter(number, "reader@northmoor.example", OCTETS);
            imap.append("INBOX", &message).await?;
        }
        clients.push(imap);
    }
    let before = cpu(pids)?;
    let began = Instant::now();
    let local = LocalSet::new();
    let rounds = options.rounds as u64;
    let tasks: Vec<_> = clients
        .into_iter()
        .map(|imap| local.spawn_local(script(imap, rounds)))
        .collect();
    local
        .run_until(async move {
            for task in tasks {
                task.await.map_err(|error| error.to_string())??;
            }
            Ok::<(), String>(())
        })
        .await?;
    let took = began.elapsed().as_secs_f64();
    let used = cpu(pids)?.saturating_sub(before).as_secs_f64();
    let commands = (COMMANDS * options.rounds * connections) as f64;
    Ok((commands / took, used * 1e6 / commands))
}

/// Files a message, looks at it in several ways, copies it and throws it away;
/// what is read has to be what was filed, and in the end the copies are there.
async fn script(mut imap: Imap, rounds: u64) -> Result {
    let mut sent = Sum::default();
    for round in 0..rounds {
        interrupt::check()?;
        let number = MESSAGES + round;
        let message = letter(number, "reader@northmoor.example", OCTETS);
        imap.append("INBOX", &message).await?;
        sent.add(&message);
        imap.command("NOOP").await?;
        let found = imap
            .command(&format!("UID SEARCH SUBJECT \"Appointment {number}\""))
            .await?;
        let uid = last_uid(&found).ok_or_else(|| format!("{number} is not found: {found:?}"))?;
        let read = imap
            .command(&format!("UID FETCH {uid} (FLAGS BODY.PEEK[])"))
            .await?;
        if read.literals.as_slice() != [message.as_slice()] {
            return Err(format!("message {number} is not as it was filed"));
        }
        imap.command("FETCH 1:* (UID FLAGS)").await?;
        imap.command("LIST \"\" *").await?;
        imap.command(&format!("UID STORE {uid} +FLAGS (\\Seen \\Flagged)"))
            .await?;
        imap.command(&format!("UID COPY {uid} Kept")).await?;
        imap.command(&format!("UID STORE {uid} +FLAGS.SILENT (\\Deleted)"))
            .await?;
        imap.command("EXPUNGE").await?;
    }
    imap.command("EXAMINE Kept").await?;
    let mut kept = Sum::default();
    imap.each("UID FETCH 1:* BODY.PEEK[]", |message| kept.add(message))
        .await?;
    if kept == sent {
        return Ok(());
    }
    Err(format!(
        "{} were copied, {} are there",
        sent.count, kept.count
    ))
}

fn last_uid(answer: &Answer) -> Option<u32> {
    let mut lines = answer.lines.iter();
    let uids = lines.find_map(|line| line.strip_prefix("* SEARCH"))?;
    uids.split_whitespace().next_back()?.parse().ok()
}
