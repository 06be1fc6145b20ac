//! Messages accepted and visible a second, without TLS, and whether what the
//! mailbox gives back is what was accepted.

use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::task::LocalSet;

use super::http::Http;
use super::imap::Imap;
use super::letter::{Sum, letter};
use super::options::Options;
use super::peers::MailDev;
use super::report::Report;
use super::server::{PASSWORD, Twin, address};
use super::smtp::Smtp;
use crate::bench::interrupt;
use crate::bench::processes::cpu;
use crate::bench::tls::{self, Version};
use crate::run::Result;

/// A peer that takes a tenth as fast gets a part of the messages.
const PEER_PART: u64 = 50;

/// How long what was accepted may take to be shown.
const PATIENCE: Duration = Duration::from_secs(30);

/// How messages are sent.
pub(super) struct Cell {
    pub(super) octets: usize,
    pub(super) connections: usize,
    pub(super) pipelined: bool,
    /// Whom the message of a number is for.
    pub(super) to: fn(u64) -> String,
}

fn account(number: u64) -> String {
    address(number as usize)
}

const CELLS: [Cell; 4] = [
    Cell {
        octets: 1024,
        connections: 10,
        pipelined: true,
        to: account,
    },
    Cell {
        octets: 1024,
        connections: 10,
        pipelined: false,
        to: account,
    },
    Cell {
        octets: 4096,
        connections: 10,
        pipelined: true,
        to: account,
    },
    Cell {
        octets: 1024,
        connections: 1,
        pipelined: false,
        to: account,
    },
];

pub(super) async fn measure(options: &Options, report: &mut Report) -> Result {
    for cell in &CELLS {
        let how = if cell.pipelined {
            "pipelined"
        } else {
            "command by command"
        };
        let what = format!(
            "{} octets, {} connections, {how}",
            cell.octets, cell.connections
        );
        let (rate, cpu_us) = of_twin(cell, options.caught).await?;
        let mut peer = None;
        if options.peers {
            let rate = of_peer(cell, (options.caught / PEER_PART).max(500), options).await?;
            peer = Some(("MailDev", rate));
        }
        report.add("catch", &what, rate, "/s", peer);
        let what = format!("{what}, CPU a message");
        report.add("catch", what, cpu_us, "us", None);
    }
    Ok(())
}

async fn of_twin(cell: &Cell, count: u64) -> Result<(f64, f64)> {
    let twin = Twin::start()?;
    let before = cpu(&[twin.pid()])?;
    let began = Instant::now();
    let sent = send_all(twin.catch()?, cell, count).await?;
    let mut api = Http::plain(twin.test_api()?).await?;
    shown(&mut api, "/api/v1/info", "/Messages", sent.count).await?;
    let took = began.elapsed().as_secs_f64();
    let used = cpu(&[twin.pid()])?.saturating_sub(before).as_secs_f64();
    let kept = read_back(&twin).await?;
    if kept != sent {
        return Err(format!(
            "mail was lost or changed: {} were accepted, {} are there, their hashes {}",
            sent.count,
            kept.count,
            if kept.count == sent.count {
                "differ"
            } else {
                "too"
            }
        ));
    }
    Ok((count as f64 / took, used * 1e6 / count as f64))
}

async fn of_peer(cell: &Cell, count: u64, options: &Options) -> Result<f64> {
    let peer = MailDev::start(options).await?;
    let began = Instant::now();
    let sent = send_all(peer.smtp, cell, count).await?;
    peer.shows(sent.count, PATIENCE).await?;
    Ok(count as f64 / began.elapsed().as_secs_f64())
}

/// Sends `count` messages over the cell's connections.
pub(super) async fn send_all(address_of: SocketAddr, cell: &Cell, count: u64) -> Result<Sum> {
    let local = LocalSet::new();
    let next = Rc::new(std::cell::Cell::new(0));
    let &Cell {
        octets,
        pipelined,
        to,
        ..
    } = cell;
    let mut tasks = Vec::new();
    for _ in 0..cell.connections {
        let next = Rc::clone(&next);
        tasks.push(local.spawn_local(async move {
            let mut smtp = Smtp::connect(address_of).await?;
            let mut sum = Sum::default();
            loop {
                let number: u64 = next.get();
                if number >= count {
                    return Ok::<Sum, String>(sum);
                }
                next.set(number + 1);
                if number.is_multiple_of(1024) {
                    interrupt::check()?;
                }
                let to = to(number);
                let message = letter(number, &to, octets);
                smtp.send(&to, &message, pipelined).await?;
                sum.add(&message);
            }
        }));
    }
    local
        .run_until(async move {
            let mut all = Sum::default();
            for task in tasks {
                let sum = task.await.map_err(|error| error.to_string())??;
                all.join(sum);
            }
            Ok(all)
        })
        .await
}

/// Waits until the API counts that many.
async fn shown(api: &mut Http, path: &str, member: &str, count: u64) -> Result {
    let until = Instant::now() + PATIENCE;
    loop {
        let seen = api
            .get(path)
            .await?
            .pointer(member)
            .and_then(|n| n.as_u64());
        if seen == Some(count) {
            return Ok(());
        }
        if Instant::now() > until {
            return Err(format!("{count} were accepted and {seen:?} are shown"));
        }
        interrupt::wait(Duration::from_millis(1))?;
    }
}

/// Everything that lies in the inboxes.
async fn read_back(twin: &Twin) -> Result<Sum> {
    let tls = tls::client(Version::Tls13)?;
    let mut sum = Sum::default();
    for number in 0..super::server::ACCOUNTS {
        let user = address(number);
        let mut imap = Imap::sign_in(twin.imaps()?, &tls, &user, PASSWORD).await?;
        imap.command("EXAMINE INBOX").await?;
        imap.each("UID FETCH 1:* BODY.PEEK[]", |message| sum.add(message))
            .await?;
    }
    Ok(sum)
}
