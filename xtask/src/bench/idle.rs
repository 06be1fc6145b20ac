//! What a signed-in connection that says nothing costs in memory.

use std::time::Duration;

use super::client::Client;
use super::interrupt;
use super::load::runtime;
use super::options::Options;
use super::peer::{Peers, Who};
use super::processes::resident;
use super::tls::Version;
use crate::run::Result;

/// Connections made and left before counting begins: buffers, pools and
/// processes that a first client brings are not the price of one more.
const FIRST_CONNECTIONS: usize = 10;

/// For the servers to come to rest.
const SETTLING: Duration = Duration::from_millis(500);

/// Octets of resident memory for one connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Idle {
    pub(super) connections: usize,
    pub(super) mailward: f64,
    pub(super) postfix: f64,
}

pub(super) fn measure(peers: &mut Peers, options: &Options) -> Result<Idle> {
    let runtime = runtime()?;
    Ok(Idle {
        connections: options.idle_connections,
        mailward: runtime.block_on(one(peers, Who::Mailward, options))?,
        postfix: runtime.block_on(one(peers, Who::Postfix, options))?,
    })
}

async fn one(peers: &mut Peers, who: Who, options: &Options) -> Result<f64> {
    let turn = peers.begin(who)?;
    let target = turn.target(Version::Tls13)?;
    let mut held = Vec::new();
    for _ in 0..FIRST_CONNECTIONS {
        held.push(Client::sign_in(&target).await?);
    }
    interrupt::wait(SETTLING)?;
    let before = resident(&turn.processes)?;
    for _ in 0..options.idle_connections {
        interrupt::check()?;
        held.push(Client::sign_in(&target).await?);
    }
    interrupt::wait(SETTLING)?;
    let after = resident(&turn.processes)?;
    drop(held);
    Ok(after.saturating_sub(before) as f64 / options.idle_connections as f64)
}
