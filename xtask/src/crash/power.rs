//! Power cuts: the store lies on a small file system of its own, which is shut
//! down under the running gateway.
//!
//! ```text
//!   DIR/disk.img ── loop ── ext4 ── DIR/state
//!        FS_IOC_SHUTDOWN(NOLOGFLUSH): from this moment every write and sync
//!        fails, and what was only in memory, data, names, journal, is gone
//!   kill ─ unmount ─ mount (the journal is played back) ─ start
//! ```
//!
//! It is what the file-system developers' own tests (xfstests, `src/godown`)
//! call a power failure. It covers SQLite's files as well as ours, and for the
//! instant before the end the gateway meets a disk whose syncs fail. It does
//! not cover a drive that loses or reorders what it said it had flushed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::gateway::run_quietly;
use crate::run::{Result, is_installed};

const DISK_OCTETS: u64 = 4 << 30;

/// The kernel writes nothing back by itself while a run's short lives last:
/// what nobody synced has to be missing.
const MOUNT_OPTIONS: &str = "loop,commit=300,noatime";

/// `_IOR('X', 125, __u32)` of linux/fs.h, and its flag not to write the log.
const SHUTDOWN: &str = "\
import fcntl, os, struct, sys
place = os.open(sys.argv[1], os.O_RDONLY)
fcntl.ioctl(place, 0x8004587D, struct.pack('I', 2))
";

/// A mounted file system of the run's own; unmounted when dropped. The image
/// stays in the run's folder.
#[derive(Debug)]
pub(super) struct Disk {
    image: PathBuf,
    place: PathBuf,
}

impl Disk {
    /// Mounts a fresh disk on `place`. Needs root.
    pub(super) fn mount(image: PathBuf, place: PathBuf) -> Result<Self> {
        for program in ["mkfs.ext4", "mount", "umount", "python3"] {
            if !is_installed(program) {
                return Err(format!("power cuts need {program}, which is not here"));
            }
        }
        let failed = |error: std::io::Error| format!("{}: {error}", image.display());
        let file = File::create(&image).map_err(failed)?;
        file.set_len(DISK_OCTETS).map_err(failed)?;
        run_quietly(Command::new("mkfs.ext4").arg("-q").arg(&image))?;
        let disk = Self { image, place };
        disk.attach()
            .map_err(|error| format!("power cuts need root and loop devices: {error}"))?;
        Ok(disk)
    }

    fn attach(&self) -> Result {
        run_quietly(
            Command::new("mount")
                .args(["-o", MOUNT_OPTIONS])
                .arg(&self.image)
                .arg(&self.place),
        )
    }

    /// Nothing reaches the disk from now on.
    pub(super) fn cut(&self) -> Result {
        run_quietly(
            Command::new("python3")
                .args(["-c", SHUTDOWN])
                .arg(&self.place),
        )
    }

    /// With nobody left who has a file open: what the disk has is there again.
    pub(super) fn restore(&self) -> Result {
        detach(&self.place)?;
        self.attach()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // The run's outcome stands; a leftover mount names itself in /proc/mounts.
        let _ = detach(&self.place);
    }
}

fn detach(place: &Path) -> Result {
    run_quietly(Command::new("umount").arg(place))
}
