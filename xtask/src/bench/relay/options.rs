//! How many messages, how often, and where.

use std::path::PathBuf;

use crate::run::Result;

const USAGE: &str = "bench relay [--quick] [--json] [--dir DIR] [--messages N] [--pairs N] [--only WHAT] [--connections N] [--burst N]";

/// On disk by custom, unlike /tmp, and every user may pass through it.
const DIR: &str = "/var/tmp";

/// What a run may ask for, so that it ends and the disk holds it.
const MESSAGES_MAX: u64 = 100_000;
const BURST_MAX: u64 = 1_000_000;

/// Connections that either side may hold to the far end.
pub(super) const OUTGOING_CONNECTIONS: usize = 20;

#[derive(Debug)]
pub(super) struct Options {
    /// Rounds of each side for each cell.
    pub(super) pairs: usize,
    /// Messages of 4 KB in a round; of 50 KB half as many.
    pub(super) messages: u64,
    /// Messages of the burst; none if 0.
    pub(super) burst: u64,
    /// Connections left idle, and messages left queued, for the comparison of
    /// memory.
    pub(super) idle_connections: usize,
    pub(super) queued: u64,
    pub(super) memory: bool,
    pub(super) json: bool,
    pub(super) dir: PathBuf,
    only: Option<Only>,
    /// The cells of so many connections alone.
    connections: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Only {
    Cells,
    Memory,
    Burst,
}

/// One way of sending.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cell {
    pub(super) octets: usize,
    pub(super) connections: usize,
    pub(super) kind: Kind,
}

/// How the far end is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// STARTTLS and AUTH.
    SignedIn,
    /// Neither.
    Relay,
}

impl Kind {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::SignedIn => "TLS and AUTH",
            Self::Relay => "relay",
        }
    }
}

impl Options {
    pub(super) fn read(words: &[&str]) -> Result<Self> {
        let mut options = Self {
            pairs: 3,
            messages: 4_000,
            burst: 100_000,
            idle_connections: 400,
            queued: 5_000,
            memory: true,
            json: false,
            dir: PathBuf::from(DIR),
            only: None,
            connections: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || {
                words
                    .next()
                    .copied()
                    .ok_or_else(|| format!("{word} needs a value"))
            };
            match *word {
                "--quick" => {
                    options.pairs = 1;
                    options.messages = 1_000;
                    options.burst = 5_000;
                    options.idle_connections = 50;
                    options.queued = 1_000;
                }
                "--json" => options.json = true,
                "--dir" => options.dir = PathBuf::from(value()?),
                "--messages" => options.messages = number(value()?, 1, MESSAGES_MAX)?,
                "--burst" => options.burst = number(value()?, 0, BURST_MAX)?,
                "--connections" => {
                    options.connections = Some(match value()? {
                        "1" => 1,
                        "10" => 10,
                        "50" => 50,
                        other => return Err(format!("{other}: write 1, 10 or 50")),
                    });
                }
                "--pairs" => options.pairs = number(value()?, 1, 100)? as usize,
                "--only" => {
                    options.only = Some(match value()? {
                        "cells" => Only::Cells,
                        "memory" => Only::Memory,
                        "burst" => Only::Burst,
                        other => {
                            return Err(format!("{other}: write cells, memory or burst"));
                        }
                    });
                }
                _ => return Err(format!("{word}: not an option of cargo xtask {USAGE}")),
            }
        }
        match options.only {
            Some(Only::Cells) => {
                options.burst = 0;
                options.memory = false;
            }
            Some(Only::Memory) => options.burst = 0,
            Some(Only::Burst) => options.memory = false,
            None => {}
        }
        Ok(options)
    }

    pub(super) fn cells(&self) -> Vec<Cell> {
        if !matches!(self.only, None | Some(Only::Cells)) {
            return Vec::new();
        }
        let signed_in = [4096, 51_200].into_iter().flat_map(|octets| {
            [1, 10, 50].map(|connections| Cell {
                octets,
                connections,
                kind: Kind::SignedIn,
            })
        });
        let relay = [10, 50].map(|connections| Cell {
            octets: 4096,
            connections,
            kind: Kind::Relay,
        });
        signed_in
            .chain(relay)
            .filter(|cell| self.connections.is_none_or(|only| only == cell.connections))
            .collect()
    }

    pub(super) fn messages_of(&self, cell: &Cell) -> u64 {
        if cell.octets > 4096 {
            self.messages.div_ceil(2)
        } else {
            self.messages
        }
    }
}

fn number(text: &str, least: u64, most: u64) -> Result<u64> {
    text.parse()
        .ok()
        .filter(|number| (least..=most).contains(number))
        .ok_or_else(|| format!("{text}: a number from {least} to {most} is needed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_bounded() {
        let read = |words: &[&str]| Options::read(words).is_ok();
        assert!(read(&["--quick", "--messages", "100", "--burst", "0"]));
        for words in [
            ["--messages", "0"],
            ["--messages", "100001"],
            ["--burst", "1000001"],
            ["--pairs", "0"],
            ["--only", "all"],
            ["--connections", "7"],
            ["--fast", "1"],
        ] {
            assert!(!read(&words), "{words:?}");
        }
        assert!(!read(&["--burst"]));
        let options = Options::read(&["--only", "burst"]).expect("sound");
        assert!(options.cells().is_empty() && !options.memory && options.burst > 0);
    }
}
