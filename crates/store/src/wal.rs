//! Looking for damage in SQLite's write-ahead log before SQLite reads it.
//!
//! A frame whose checksum does not match ends the log for SQLite, and what
//! follows is dropped without a word. After a crash that is right for the
//! last commit, which was under way. Commits before it were synced one by one,
//! so a mismatch with two or more commits at or after it is damage.
//!
//! Format: <https://www.sqlite.org/fileformat2.html#walformat>. Numbers are
//! big-endian; the header's magic says how checksums read their words.

use std::fs::File;
use std::io::{self, BufReader, Read};

use crate::error::Damage;
use crate::folder::Folder;

const HEADER_OCTETS: usize = 32;
const FRAME_HEADER_OCTETS: usize = 24;
const MAGIC_LITTLE_ENDIAN: u32 = 0x377f_0682;
const MAGIC_BIG_ENDIAN: u32 = 0x377f_0683;
const PAGE_OCTETS_MIN: usize = 512;
const PAGE_OCTETS_MAX: usize = 65_536;

/// Commits that may follow a mismatch: the one that was under way.
const COMMITS_UNDER_WAY_MAX: u64 = 1;

pub(crate) fn check(folder: &Folder) -> Result<(), Damage> {
    let path = folder.wal();
    let damage = |what: String| Damage::new(folder.dir(), &path, what);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(damage(format!("the file cannot be opened: {error}"))),
    };
    match find_fault(BufReader::new(file)) {
        Ok(None) => Ok(()),
        Ok(Some(fault)) => Err(damage(fault.what).at(fault.offset)),
        Err(error) => Err(damage(format!("the file cannot be read: {error}"))),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Fault {
    offset: u64,
    what: String,
}

fn find_fault(mut log: impl Read) -> io::Result<Option<Fault>> {
    let mut header = [0; HEADER_OCTETS];
    if !fill(&mut log, &mut header)? || header == [0; HEADER_OCTETS] {
        // Never begun, or not yet synced when the machine stopped.
        return Ok(None);
    }
    let Some(mut sum) = Checksum::of_header(&header) else {
        return Ok(Some(Fault {
            offset: 0,
            what: "the log's header does not match its checksum".to_owned(),
        }));
    };
    let page_octets = be_u32(&header, 8) as usize;
    let mut frame = vec![0; FRAME_HEADER_OCTETS + page_octets];
    let mut offset = HEADER_OCTETS as u64;
    let mut mismatch = None;
    let mut commits = 0;
    while fill(&mut log, &mut frame)? {
        // Frames of an earlier round of the log have other salts.
        let of_this_round = frame[8..16] == header[16..24];
        if mismatch.is_none() {
            let matches = of_this_round && sum.matches(&frame);
            mismatch = (!matches).then_some(offset);
        }
        if mismatch.is_some() && of_this_round && be_u32(&frame, 4) != 0 {
            commits += 1;
        }
        offset += frame.len() as u64;
    }
    Ok(mismatch
        .filter(|_| commits > COMMITS_UNDER_WAY_MAX)
        .map(|offset| Fault {
            offset,
            what: format!(
                "a frame does not match its checksum, and {commits} commits depend on it"
            ),
        }))
}

/// The log's running checksum: two sums over pairs of words.
struct Checksum {
    big_endian: bool,
    sums: (u32, u32),
}

impl Checksum {
    /// None if the header is not one, or does not match its own checksum.
    fn of_header(header: &[u8; HEADER_OCTETS]) -> Option<Self> {
        let big_endian = match be_u32(header, 0) {
            MAGIC_LITTLE_ENDIAN => false,
            MAGIC_BIG_ENDIAN => true,
            _ => return None,
        };
        let page_octets = be_u32(header, 8) as usize;
        if !page_octets.is_power_of_two()
            || !(PAGE_OCTETS_MIN..=PAGE_OCTETS_MAX).contains(&page_octets)
        {
            return None;
        }
        let mut sum = Self {
            big_endian,
            sums: (0, 0),
        };
        sum.add(&header[..24]);
        (sum.sums == (be_u32(header, 24), be_u32(header, 28))).then_some(sum)
    }

    /// Goes on over a frame and compares.
    fn matches(&mut self, frame: &[u8]) -> bool {
        self.add(&frame[..8]);
        self.add(&frame[FRAME_HEADER_OCTETS..]);
        self.sums == (be_u32(frame, 16), be_u32(frame, 20))
    }

    fn add(&mut self, octets: &[u8]) {
        let (mut first, mut second) = self.sums;
        for pair in octets.chunks_exact(8) {
            let word = |at: usize| {
                let word = [pair[at], pair[at + 1], pair[at + 2], pair[at + 3]];
                if self.big_endian {
                    u32::from_be_bytes(word)
                } else {
                    u32::from_le_bytes(word)
                }
            };
            first = first.wrapping_add(word(0)).wrapping_add(second);
            second = second.wrapping_add(word(4)).wrapping_add(first);
        }
        self.sums = (first, second);
    }
}

/// False at the end, also where less than a whole buffer is left.
fn fill(log: &mut impl Read, buffer: &mut [u8]) -> io::Result<bool> {
    match log.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

fn be_u32(octets: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
}
