//! Cuts long strings out of JSON while it arrives.
//!
//! ```text
//!   {"subject":"x","attachments":[{"content":"JVBERi0xLj…34 MB…"}]}
//!        │                                         │ unescaped
//!        ▼                                         ▼
//!   {"subject":"x","attachments":[{"content":"@NONCE:0"}]}   the spool, octets 0..
//! ```
//!
//! What is left is small and is read the ordinary way. The nonce is chance
//! and made anew for each request, so no request can name a cut it has not
//! made. Strings are found by their quotes alone; whether the rest is JSON is
//! for the reader of the skeleton to say.

use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::ops::Range;
use std::path::Path;

use mailward_mail::Dice;
use memchr::memchr2;

/// Strings up to this many octets stay where they are.
pub(super) const CUT_FROM_OCTETS: usize = 16 * 1024;

/// What may be left after cutting.
pub(super) const SKELETON_OCTETS_MAX: usize = 2 * 1024 * 1024;

/// Long strings in one request: more attachments than are taken.
const CUTS_MAX: usize = 1024;

const SPOOL_BUFFER_OCTETS: usize = 64 * 1024;

/// Takes the octets of one request.
pub(super) struct Cutter<'a> {
    folder: &'a Path,
    prefix: String,
    skeleton: Vec<u8>,
    place: Place,
    spool: Option<BufWriter<File>>,
    spooled: u64,
    cuts: Vec<Range<u64>>,
}

enum Place {
    Outside,
    /// In a string that began at this octet of the skeleton; after a
    /// backslash or not.
    Within {
        start: usize,
        escaped: bool,
    },
    /// In a string that goes to the spool.
    Cutting {
        from: u64,
        unescape: Unescape,
    },
}

/// The request without its long strings.
#[derive(Debug)]
pub(super) struct Skeleton {
    pub(super) json: Vec<u8>,
    /// Strings that begin with this stand for a cut.
    prefix: String,
    cuts: Vec<Range<u64>>,
    pub(super) spool: Option<File>,
}

/// Why a request cannot be cut.
#[derive(Debug, thiserror::Error)]
pub(super) enum CutError {
    #[error("too much stands outside of long strings")]
    TooLarge,
    #[error("there are more than {CUTS_MAX} long strings")]
    TooManyCuts,
    #[error("a string is not written as JSON has it")]
    Malformed,
    #[error("the spool cannot be written: {0}")]
    Spool(#[from] io::Error),
}

impl<'a> Cutter<'a> {
    /// Spools into an unnamed file in `folder`, made when it is needed.
    pub(super) fn new(folder: &'a Path, dice: &dyn Dice) -> Self {
        Self {
            folder,
            prefix: format!("@{:016x}{:016x}:", dice.next_u64(), dice.next_u64()),
            skeleton: Vec::new(),
            place: Place::Outside,
            spool: None,
            spooled: 0,
            cuts: Vec::new(),
        }
    }

    pub(super) fn write(&mut self, mut octets: &[u8]) -> Result<(), CutError> {
        while !octets.is_empty() {
            let used = match &mut self.place {
                Place::Outside => self.outside(octets),
                Place::Within { .. } => self.within(octets)?,
                Place::Cutting { .. } => self.cutting(octets)?,
            };
            octets = &octets[used..];
            if self.skeleton.len() > SKELETON_OCTETS_MAX {
                return Err(CutError::TooLarge);
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Result<Skeleton, CutError> {
        let spool = match self.spool {
            Some(spool) => Some(spool.into_inner().map_err(io::IntoInnerError::into_error)?),
            None => None,
        };
        // A string that has not ended is seen by the skeleton's reader.
        Ok(Skeleton {
            json: self.skeleton,
            prefix: self.prefix,
            cuts: self.cuts,
            spool,
        })
    }

    fn outside(&mut self, octets: &[u8]) -> usize {
        match memchr::memchr(b'"', octets) {
            None => {
                self.skeleton.extend_from_slice(octets);
                octets.len()
            }
            Some(quote) => {
                self.skeleton.extend_from_slice(&octets[..=quote]);
                self.place = Place::Within {
                    start: self.skeleton.len(),
                    escaped: false,
                };
                quote + 1
            }
        }
    }

    fn within(&mut self, octets: &[u8]) -> Result<usize, CutError> {
        let Place::Within { start, escaped } = &mut self.place else {
            return Ok(0);
        };
        if *escaped {
            *escaped = false;
            self.skeleton.push(octets[0]);
            return Ok(1);
        }
        let room = (*start + CUT_FROM_OCTETS).saturating_sub(self.skeleton.len());
        if room == 0 {
            self.begin_cut()?;
            return Ok(0);
        }
        let reach = &octets[..octets.len().min(room)];
        let Some(hit) = memchr2(b'"', b'\\', reach) else {
            self.skeleton.extend_from_slice(reach);
            return Ok(reach.len());
        };
        self.skeleton.extend_from_slice(&reach[..=hit]);
        if reach[hit] == b'\\' {
            *escaped = true;
        } else {
            self.place = Place::Outside;
        }
        Ok(hit + 1)
    }

    /// The string has become long: what there is of it moves to the spool.
    fn begin_cut(&mut self) -> Result<(), CutError> {
        let Place::Within { start, .. } = self.place else {
            return Ok(());
        };
        if self.cuts.len() >= CUTS_MAX {
            return Err(CutError::TooManyCuts);
        }
        if self.spool.is_none() {
            let file = tempfile::tempfile_in(self.folder)?;
            self.spool = Some(BufWriter::with_capacity(SPOOL_BUFFER_OCTETS, file));
        }
        let begun = self.skeleton.split_off(start);
        self.place = Place::Cutting {
            from: self.spooled,
            unescape: Unescape::default(),
        };
        let mut rest = begun.as_slice();
        while !rest.is_empty() {
            let used = self.cutting(rest)?;
            rest = &rest[used..];
        }
        Ok(())
    }

    fn cutting(&mut self, octets: &[u8]) -> Result<usize, CutError> {
        let (Place::Cutting { from, unescape }, Some(spool)) = (&mut self.place, &mut self.spool)
        else {
            return Ok(0);
        };
        if unescape.is_busy() {
            let mut decoded = Vec::with_capacity(4);
            unescape.take(octets[0], &mut decoded)?;
            spool.write_all(&decoded)?;
            self.spooled += decoded.len() as u64;
            return Ok(1);
        }
        let hit = memchr2(b'"', b'\\', octets);
        let plain = &octets[..hit.unwrap_or(octets.len())];
        if plain.iter().any(|octet| *octet < b' ') || (unescape.owes() && !plain.is_empty()) {
            return Err(CutError::Malformed);
        }
        spool.write_all(plain)?;
        self.spooled += plain.len() as u64;
        match hit {
            None => Ok(octets.len()),
            Some(hit) if octets[hit] == b'\\' => {
                unescape.begin();
                Ok(hit + 1)
            }
            Some(_) if unescape.owes() => Err(CutError::Malformed),
            Some(hit) => {
                let placeholder = format!("{}{}\"", self.prefix, self.cuts.len());
                self.cuts.push(*from..self.spooled);
                self.skeleton.extend_from_slice(placeholder.as_bytes());
                self.place = Place::Outside;
                Ok(hit + 1)
            }
        }
    }
}

impl Skeleton {
    /// Where in the spool the string is that `text` stands for.
    pub(super) fn cut(&self, text: &str) -> Option<Range<u64>> {
        let index: usize = text.strip_prefix(&self.prefix)?.parse().ok()?;
        self.cuts.get(index).cloned()
    }

    /// Whether anything was cut.
    pub(super) fn is_cut(&self) -> bool {
        !self.cuts.is_empty()
    }
}

/// The escapes of RFC 8259 section 7, octet by octet.
#[derive(Default)]
struct Unescape {
    state: Escape,
    /// The first half of a surrogate pair, whose second must follow.
    high: Option<u16>,
}

#[derive(Default)]
enum Escape {
    #[default]
    None,
    Backslash,
    Digits {
        count: u8,
        value: u16,
    },
}

impl Unescape {
    fn begin(&mut self) {
        self.state = Escape::Backslash;
    }

    fn is_busy(&self) -> bool {
        !matches!(self.state, Escape::None)
    }

    fn owes(&self) -> bool {
        self.high.is_some()
    }

    fn take(&mut self, octet: u8, out: &mut Vec<u8>) -> Result<(), CutError> {
        match &mut self.state {
            Escape::None => Err(CutError::Malformed),
            Escape::Backslash if octet == b'u' => {
                self.state = Escape::Digits { count: 0, value: 0 };
                Ok(())
            }
            Escape::Backslash => {
                let decoded = match octet {
                    b'"' | b'\\' | b'/' => octet,
                    b'b' => 8,
                    b'f' => 12,
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    _ => return Err(CutError::Malformed),
                };
                if self.high.is_some() {
                    return Err(CutError::Malformed);
                }
                self.state = Escape::None;
                out.push(decoded);
                Ok(())
            }
            Escape::Digits { count, value } => {
                let digit = char::from(octet).to_digit(16).ok_or(CutError::Malformed)?;
                *value = (*value << 4) | u16::try_from(digit).map_err(|_| CutError::Malformed)?;
                *count += 1;
                if *count < 4 {
                    return Ok(());
                }
                let unit = *value;
                self.state = Escape::None;
                self.unit(unit, out)
            }
        }
    }

    fn unit(&mut self, unit: u16, out: &mut Vec<u8>) -> Result<(), CutError> {
        let units = match (self.high.take(), unit) {
            (None, 0xD800..=0xDBFF) => {
                self.high = Some(unit);
                return Ok(());
            }
            (None, _) => [unit].to_vec(),
            (Some(high), _) => [high, unit].to_vec(),
        };
        for char in char::decode_utf16(units) {
            let char = char.map_err(|_| CutError::Malformed)?;
            out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Seek as _};

    use mailward_net::SeededDice;

    use super::*;

    /// Cuts `json`, fed in pieces of `piece` octets.
    fn cut(json: &str, piece: usize) -> Result<(serde_json::Value, Vec<String>), CutError> {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cutter = Cutter::new(folder.path(), &SeededDice::new(1));
        for part in json.as_bytes().chunks(piece) {
            cutter.write(part)?;
        }
        let mut skeleton = cutter.finish()?;
        assert!(
            skeleton.json.len() < 4 * CUT_FROM_OCTETS,
            "the skeleton is small"
        );
        let value: serde_json::Value =
            serde_json::from_slice(&skeleton.json).map_err(|_| CutError::Malformed)?;
        let mut all = Vec::new();
        if let Some(spool) = &mut skeleton.spool {
            spool.rewind().expect("rewound");
            spool.read_to_end(&mut all).expect("read");
        }
        let cuts = skeleton.cuts.iter().map(|cut| {
            let range = usize::try_from(cut.start).unwrap()..usize::try_from(cut.end).unwrap();
            String::from_utf8(all[range].to_vec()).expect("UTF-8")
        });
        Ok((value, cuts.collect()))
    }

    #[test]
    fn short_strings_stay_and_long_ones_go() {
        let long = "A/b+".repeat(CUT_FROM_OCTETS);
        let escaped = long.replace('/', "\\/");
        let json = format!(r#"{{"a":"x \" y","b":["{long}","{escaped}"],"c":1}}"#);
        for piece in [1, 7, 4096, usize::MAX] {
            let (value, cuts) = cut(&json, piece).expect("cut");
            assert_eq!(value["a"], "x \" y");
            assert_eq!(value["c"], 1);
            assert!(
                value["b"][0]
                    .as_str()
                    .is_some_and(|text| text.ends_with(":0"))
            );
            assert_eq!(cuts, [long.clone(), long.clone()]);
        }
    }

    #[test]
    fn escapes_come_out_as_serde_reads_them() {
        let tail = r#"\u00e4 \ud83d\ude00 \n\t\b\f\r \" \\ \/ ä 😀"#;
        let json = format!("\"{}{tail}\"", "z".repeat(CUT_FROM_OCTETS + 5));
        let expected: String = serde_json::from_str(&json).expect("JSON");
        for piece in [1, 3, 1000] {
            let (_, cuts) = cut(&json, piece).expect("cut");
            assert_eq!(cuts, std::slice::from_ref(&expected));
        }
    }

    #[test]
    fn what_is_no_json_string_is_refused() {
        let long = "z".repeat(CUT_FROM_OCTETS + 5);
        for tail in [
            r"\x",
            r"\u12g4",
            r"\ud83d",
            r"\ud83d\n",
            r"\ude00x",
            "\n",
            r"\ud83dx",
        ] {
            let json = format!("\"{long}{tail}\"");
            assert!(
                matches!(cut(&json, 999), Err(CutError::Malformed)),
                "{tail:?}"
            );
        }
        assert!(cut(&format!("\"{long}"), 999).is_err(), "no end");
    }

    #[test]
    fn a_request_cannot_name_a_cut() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cutter = Cutter::new(folder.path(), &SeededDice::new(1));
        let json = format!(r#"["@0:0","{}"]"#, "z".repeat(2 * CUT_FROM_OCTETS));
        cutter.write(json.as_bytes()).expect("written");
        let skeleton = cutter.finish().expect("cut");
        assert!(skeleton.is_cut() && skeleton.cut("@0:0").is_none());
    }

    #[test]
    fn what_is_left_is_bounded() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut cutter = Cutter::new(folder.path(), &SeededDice::new(1));
        let written = (0..).find_map(|_| cutter.write(&[b' '; 65536]).err());
        assert!(matches!(written, Some(CutError::TooLarge)));
    }
}
