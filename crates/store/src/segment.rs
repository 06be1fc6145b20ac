//! The segment that small bodies are appended to.

use std::io::{self, IoSlice};

use crate::body::{HEADER_OCTETS, Header};
use crate::disk::{Disk, DiskFile};
use crate::folder::Folder;

/// The one segment that grows. Its good length is what the last group left.
#[derive(Debug)]
pub(crate) struct ActiveSegment {
    number: u64,
    file: Box<dyn DiskFile>,
    /// Everything up to here belongs to groups that were committed.
    octets: u64,
    /// What the group under way has appended beyond that.
    pending_octets: u64,
}

impl ActiveSegment {
    /// A new segment, its name durable.
    pub(crate) fn create(disk: &dyn Disk, folder: &Folder, number: u64) -> io::Result<Self> {
        let file = disk.create(&folder.segment(number))?;
        disk.sync_dir(&folder.segments())?;
        Ok(Self {
            number,
            file,
            octets: 0,
            pending_octets: 0,
        })
    }

    /// The newest segment, cut to `octets` if there is more.
    pub(crate) fn open(
        disk: &dyn Disk,
        folder: &Folder,
        number: u64,
        octets: u64,
    ) -> io::Result<Self> {
        let file = disk.open_append(&folder.segment(number))?;
        if file.octets()? > octets {
            file.truncate(octets)?;
            file.sync_data()?;
        }
        Ok(Self {
            number,
            file,
            octets,
            pending_octets: 0,
        })
    }

    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// The length without the group under way.
    pub(crate) fn octets(&self) -> u64 {
        self.octets
    }

    /// Appends records that together have `octets`.
    pub(crate) fn append(&mut self, slices: &mut [IoSlice<'_>], octets: u64) -> io::Result<()> {
        // Counted first: a failed append may have written some of it.
        self.pending_octets += octets;
        self.file.append(slices)
    }

    /// Puts what was appended on stable storage.
    pub(crate) fn sync(&self) -> io::Result<()> {
        if self.pending_octets == 0 {
            return Ok(());
        }
        self.file.sync_data()
    }

    /// The group was committed.
    pub(crate) fn keep(&mut self) {
        self.octets += self.pending_octets;
        self.pending_octets = 0;
    }

    /// The group was rolled back.
    pub(crate) fn undo(&mut self) -> io::Result<()> {
        if self.pending_octets == 0 {
            return Ok(());
        }
        self.file.truncate(self.octets)?;
        self.pending_octets = 0;
        Ok(())
    }
}

/// A record found by [`scan`].
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) position: u64,
    pub(crate) number: u64,
    pub(crate) content: &'a [u8],
}

/// Every intact record in `segment`, whatever lies between them: for rescues
/// when the rows cannot say where bodies lie.
pub(crate) fn scan(segment: &[u8]) -> impl Iterator<Item = Found<'_>> {
    let mut position = 0;
    std::iter::from_fn(move || {
        while position < segment.len() {
            let rest = &segment[position..];
            if let Some(found) = intact_record(rest, position) {
                position += HEADER_OCTETS + found.content.len();
                return Some(found);
            }
            position += 1;
        }
        None
    })
}

fn intact_record(rest: &[u8], position: usize) -> Option<Found<'_>> {
    if !Header::begins(rest) {
        return None;
    }
    let header = Header::decode(rest.first_chunk()?).ok()?;
    let end = HEADER_OCTETS.checked_add(usize::try_from(header.octets).ok()?)?;
    let content = rest.get(HEADER_OCTETS..end)?;
    (crc32c::crc32c(content) == header.crc32c).then_some(Found {
        position: position as u64,
        number: header.number,
        content,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(number: u64, content: &[u8]) -> Vec<u8> {
        let header = Header {
            number,
            octets: u32::try_from(content.len()).expect("a short content"),
            crc32c: crc32c::crc32c(content),
        };
        [&header.encode(), content].concat()
    }

    #[test]
    fn a_scan_finds_what_is_intact_between_damage() {
        let mut damaged = record(2, b"two");
        *damaged.last_mut().expect("not empty") ^= 1;
        let segment = [
            record(1, b"one"),
            damaged,
            b"MWB1 is not enough".to_vec(),
            record(3, b""),
            record(4, b"four")[..26].to_vec(),
        ]
        .concat();
        let found: Vec<_> = scan(&segment)
            .map(|found| (found.number, found.content.to_vec()))
            .collect();
        assert_eq!(found, [(1, b"one".to_vec()), (3, Vec::new())]);
    }
}
