//! What the servers write to, and its state before a round.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::run::Result;

/// File systems that keep nothing: with nothing to sync there, nothing would
/// be measured.
const IN_MEMORY: [&str; 2] = ["tmpfs", "ramfs"];

/// Names the file system that `dir` is on, unless it is none to measure.
pub(super) fn of(dir: &Path) -> Result<String> {
    let dir = fs::canonicalize(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    let mounts =
        fs::read_to_string("/proc/mounts").map_err(|error| format!("/proc/mounts: {error}"))?;
    let place = dir.display();
    let kind =
        kind_of(&dir, &mounts).ok_or_else(|| format!("{place} is on no mounted file system"))?;
    if IN_MEMORY.contains(&kind) {
        return Err(format!(
            "{place} is kept in memory ({kind}), where a sync costs nothing; name a folder on a disk with --dir"
        ));
    }
    Ok(format!("{kind} at {place}"))
}

/// About what a fast server writes in a round.
const MEMORY_OCTETS: usize = 1 << 30;

/// Lets the kernel have the memory that a round's files will pass through.
///
/// A virtual machine gives free memory back to its host and waits for each
/// page when it takes it again, for ten times as long as the copy into it
/// takes. Without this the figures tell when the machine was last busy.
pub(super) fn fetch_memory(dir: &Path) -> Result {
    static PIECE: [u8; 1 << 16] = [0x55; 1 << 16];
    let path = dir.join("memory");
    let fill = || {
        let mut file = File::create(&path)?;
        for _ in 0..MEMORY_OCTETS / PIECE.len() {
            file.write_all(&PIECE)?;
        }
        fs::remove_file(&path)
    };
    fill().map_err(|error| format!("{}: {error}", path.display()))
}

/// The last mount with the longest path that `dir` lies below.
fn kind_of<'a>(dir: &Path, mounts: &'a str) -> Option<&'a str> {
    let mount = |line: &'a str| {
        let mut fields = line.split(' ').skip(1);
        Some((PathBuf::from(fields.next()?), fields.next()?))
    };
    mounts
        .lines()
        .filter_map(mount)
        .filter(|(point, _)| dir.starts_with(point))
        .max_by_key(|(point, _)| point.components().count())
        .map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_nearest_mount() {
        let mounts = "/dev/vda / ext4 rw 0 0\ntmpfs /tmp tmpfs rw 0 0\n\
                      /dev/vdb /srv xfs rw 0 0\n/dev/vdc /srv ext4 rw 0 0\n";
        for (dir, kind) in [
            ("/var/tmp", "ext4"),
            ("/tmp/a", "tmpfs"),
            ("/tmpfoo", "ext4"),
            ("/srv/b", "ext4"),
        ] {
            assert_eq!(kind_of(Path::new(dir), mounts), Some(kind), "{dir}");
        }
        assert_eq!(kind_of(Path::new("/a"), ""), None);
    }
}
