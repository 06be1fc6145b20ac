//! Cells of the table, and the pairs of rounds that fill one.

use super::load::{self, Counted, runtime};
use super::options::Options;
use super::peer::{Peers, Who};
use super::processes;
use super::tls::Version;
use crate::run::Result;

/// One way of sending.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) octets: usize,
    pub(super) connections: usize,
    /// One connection for all messages, else a connection for each.
    pub(super) kept: bool,
}

const fn cell(octets: usize, connections: usize, kept: bool) -> Cell {
    Cell {
        octets,
        connections,
        kept,
    }
}

pub(super) const CELLS: [Cell; 12] = [
    cell(4096, 1, true),
    cell(4096, 10, true),
    cell(4096, 50, true),
    cell(51_200, 1, true),
    cell(51_200, 10, true),
    cell(51_200, 50, true),
    cell(4096, 1, false),
    cell(4096, 10, false),
    cell(4096, 50, false),
    cell(51_200, 1, false),
    cell(51_200, 10, false),
    cell(51_200, 50, false),
];

/// Two rounds, one after the other, on the same disk.
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

pub(super) fn measure(peers: &mut Peers, cell: Cell, options: &Options) -> Result<Vec<Pair>> {
    let mut pairs = Vec::new();
    for number in 0..options.pairs {
        // Who begins may find the machine otherwise than who follows.
        let (mailward, postfix) = if number % 2 == 0 {
            let mailward = round(peers, Who::Mailward, &cell, options)?;
            (mailward, round(peers, Who::Postfix, &cell, options)?)
        } else {
            let postfix = round(peers, Who::Postfix, &cell, options)?;
            (round(peers, Who::Mailward, &cell, options)?, postfix)
        };
        let pair = Pair { mailward, postfix };
        eprintln!(
            "{:>6} octets, {:>2} connections, {}, pair {} of {}: {:.0}/s and {:.0}/s, ratio {:.2}",
            cell.octets,
            cell.connections,
            if cell.kept { "kept" } else { "one a message" },
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

fn round(peers: &mut Peers, who: Who, cell: &Cell, options: &Options) -> Result<Counted> {
    let version = match who {
        Who::Postfix if !cell.kept => Version::Tls12,
        _ => Version::Tls13,
    };
    let turn = peers.begin(who)?;
    let target = turn.target(version)?;
    let sending = load::run(target, cell, options, || processes::cpu(&turn.processes));
    runtime()?.block_on(sending)
}
