//! A full disk: the store lies on a small file system in memory, which another
//! file fills to the brim, or nearly, while mail comes in and goes out.
//!
//! ```text
//!   filled ── 452, 507; sending goes on while records fit ── killed as it is
//!   emptied ── started ── takes mail again
//! ```

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;
use std::process::Command;

use super::chance::Chance;
use super::gateway::run_quietly;
use crate::run::Result;

/// Room for the rows of a long run and for what waits.
const SIZE: &str = "size=1024m";

/// What is left free at most: less than the store keeps free for its records,
/// so that new bodies are refused in any case.
const LEFT_OCTETS_MAX: u64 = 48 << 20;

static PIECE: [u8; 1 << 20] = [0x55; 1 << 20];

/// A mounted file system of the run's own; unmounted when dropped, and the
/// store copied beside it.
#[derive(Debug)]
pub(super) struct Room {
    place: PathBuf,
}

impl Room {
    /// Needs root.
    pub(super) fn mount(place: PathBuf) -> Result<Self> {
        run_quietly(
            Command::new("mount")
                .args(["-t", "tmpfs", "-o", SIZE, "mailward-crash"])
                .arg(&place),
        )
        .map_err(|error| format!("a full disk needs root: {error}"))?;
        Ok(Self { place })
    }

    fn ballast(&self) -> PathBuf {
        self.place.join("ballast")
    }

    /// To the last octet, or to some megabytes before it.
    pub(super) fn fill(&self, chance: &mut Chance) -> Result {
        let path = self.ballast();
        let failed = |error: std::io::Error| format!("{}: {error}", path.display());
        let mut file = File::create(&path).map_err(failed)?;
        // What no longer fits is what it is about.
        while file.write_all(&PIECE).is_ok() {}
        if chance.below(2) == 0 {
            let octets = file.metadata().map_err(failed)?.len();
            let left = chance.below(LEFT_OCTETS_MAX);
            file.set_len(octets.saturating_sub(left)).map_err(failed)?;
        }
        Ok(())
    }

    /// Room again, if it was filled.
    pub(super) fn empty(&self) -> Result {
        let path = self.ballast();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(format!("{}: {error}", path.display()))
            }
            _ => Ok(()),
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        // For whoever looks into a breach; what is in memory would be gone.
        let (store, left) = (self.place.join("store"), self.place.with_file_name("store"));
        let _ = run_quietly(Command::new("cp").arg("-a").args([store, left]));
        // The run's outcome stands; a leftover mount names itself in /proc/mounts.
        let _ = run_quietly(Command::new("umount").arg(&self.place));
    }
}
