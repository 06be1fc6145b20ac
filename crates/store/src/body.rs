//! A body's name ([`BodyRef`]) and the record it is framed in.
//!
//! ```text
//! magic "MWB1" | body number u64 | length u32 | crc32c of content u32 | crc32c of the 20 octets before u32 | content
//! ```
//!
//! Numbers are little-endian. Small bodies lie in a segment as such records,
//! one after another; a large body is a file of its own with content only,
//! and its rows hold what the header would.

use std::fmt;

/// Which body. Small, and kept in the caller's rows as text (it is a
/// [`crate::Value`] and can be had from [`crate::Row::get`]).
///
/// It says what was written, not where: a store may move bodies.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BodyRef {
    number: u64,
    octets: u64,
    crc32c: u32,
}

impl BodyRef {
    pub(crate) fn new(number: u64, octets: u64, crc32c: u32) -> Self {
        Self {
            number,
            octets,
            crc32c,
        }
    }

    /// A body that no store holds, numbered by whoever does.
    pub fn in_memory(number: u64, content: &[u8]) -> Self {
        Self::new(number, content.len() as u64, crc32c::crc32c(content))
    }

    /// Unlike any other body's in this store, and never given again.
    pub fn number(&self) -> u64 {
        self.number
    }

    pub fn octets(&self) -> u64 {
        self.octets
    }

    pub(crate) fn crc32c(&self) -> u32 {
        self.crc32c
    }

    /// `17-4096-0a1b2c3d`: number, octets, checksum.
    pub fn to_text(&self) -> String {
        format!("{}-{}-{:08x}", self.number, self.octets, self.crc32c)
    }

    /// Reads what [`BodyRef::to_text`] wrote.
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '-');
        Some(Self {
            number: parts.next()?.parse().ok()?,
            octets: parts.next()?.parse().ok()?,
            crc32c: u32::from_str_radix(parts.next()?, 16).ok()?,
        })
    }
}

impl fmt::Debug for BodyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl fmt::Display for BodyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

const MAGIC: [u8; 4] = *b"MWB1";

/// Octets of a record before its content.
pub(crate) const HEADER_OCTETS: usize = 24;

/// What a record says about its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) number: u64,
    pub(crate) octets: u32,
    pub(crate) crc32c: u32,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_OCTETS] {
        let mut header = [0; HEADER_OCTETS];
        header[0..4].copy_from_slice(&MAGIC);
        header[4..12].copy_from_slice(&self.number.to_le_bytes());
        header[12..16].copy_from_slice(&self.octets.to_le_bytes());
        header[16..20].copy_from_slice(&self.crc32c.to_le_bytes());
        let check = crc32c::crc32c(&header[..20]);
        header[20..24].copy_from_slice(&check.to_le_bytes());
        header
    }

    /// The error says what is wrong with the header, as part of a sentence.
    pub(crate) fn decode(header: &[u8; HEADER_OCTETS]) -> Result<Self, &'static str> {
        if header[0..4] != MAGIC {
            return Err("there is no record here");
        }
        if crc32c::crc32c(&header[..20]) != le_u32(header, 20) {
            return Err("the record's header does not match its checksum");
        }
        let mut number = [0; 8];
        number.copy_from_slice(&header[4..12]);
        Ok(Self {
            number: u64::from_le_bytes(number),
            octets: le_u32(header, 12),
            crc32c: le_u32(header, 16),
        })
    }

    /// True where a scan for records should look closer.
    pub(crate) fn begins(octets: &[u8]) -> bool {
        octets.starts_with(&MAGIC)
    }
}

fn le_u32(octets: &[u8; HEADER_OCTETS], at: usize) -> u32 {
    u32::from_le_bytes([octets[at], octets[at + 1], octets[at + 2], octets[at + 3]])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_goes_there_and_back() {
        for body in [
            BodyRef::new(1, 0, 0),
            BodyRef::new(u64::MAX, 35_000_000, u32::MAX),
        ] {
            assert_eq!(BodyRef::parse(&body.to_text()), Some(body));
        }
        for text in ["", "1", "1-2", "1-2-zz", "x-2-00", "1-2-3-4"] {
            assert_eq!(BodyRef::parse(text), None, "{text}");
        }
    }

    #[test]
    fn every_changed_bit_of_a_header_is_noticed() {
        let header = Header {
            number: 7,
            octets: 4096,
            crc32c: 0xdead_beef,
        };
        let good = header.encode();
        assert_eq!(Header::decode(&good), Ok(header));
        for bit in 0..HEADER_OCTETS * 8 {
            let mut bad = good;
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(Header::decode(&bad).is_err(), "bit {bit}");
        }
    }
}
