//! How long and how often to measure, and where.

use std::path::PathBuf;
use std::time::Duration;

use crate::run::Result;

pub(super) const USAGE: &str = "bench accept [--quick] [--json] [--dir DIR]";

/// On disk by custom, unlike /tmp, and every user may pass through it.
const DIR: &str = "/var/tmp";

#[derive(Debug)]
pub(super) struct Options {
    /// Rounds of each server for each cell.
    pub(super) pairs: usize,
    /// Time before counting begins: processes start, passwords are learnt.
    pub(super) warm_up: Duration,
    /// Time counted, of one round.
    pub(super) counted: Duration,
    /// Connections left idle for the comparison of memory.
    pub(super) idle_connections: usize,
    /// Print JSON instead of a table.
    pub(super) json: bool,
    /// The folder that both servers get theirs in.
    pub(super) dir: PathBuf,
}

impl Options {
    pub(super) fn read(words: &[&str]) -> Result<Self> {
        let mut options = Self {
            pairs: 5,
            warm_up: Duration::from_millis(500),
            counted: Duration::from_secs(3),
            idle_connections: 400,
            json: false,
            dir: PathBuf::from(DIR),
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--quick" => {
                    options.pairs = 1;
                    options.counted = Duration::from_secs(1);
                }
                "--json" => options.json = true,
                "--dir" => {
                    let dir = words.next().ok_or("--dir needs a folder")?;
                    options.dir = PathBuf::from(dir);
                }
                _ => return Err(format!("{word}: not an option of cargo xtask {USAGE}")),
            }
        }
        Ok(options)
    }
}
