//! What can be done for a body that is not as it was written.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::FileExt;

use crate::audit::Audit;
use crate::body::{HEADER_OCTETS, Header};
use crate::copy::{CopyError, at};
use crate::error::Damage;
use crate::folder::Folder;
use crate::rows::{Place, Placed};
use crate::segment;

/// One damaged body and its cure.
pub(super) struct BodyMend {
    pub(super) placed: Placed,
    damage: Damage,
    pub(super) cure: Cure,
}

pub(super) enum Cure {
    /// The content is whole; the header before it is known from the rows.
    Header,
    /// There is a record of it that is whole, left by a move.
    Elsewhere(Place),
    Lost,
}

impl BodyMend {
    pub(super) fn told(&self, folder: &Folder) -> String {
        let done = match self.cure {
            Cure::Header => "its content is whole, and its header was written anew".to_owned(),
            Cure::Elsewhere(_) => {
                let path = self.elsewhere().map(|placed| placed.path(folder));
                format!("found whole in {}", path.unwrap_or_default().display())
            }
            Cure::Lost => "whole nowhere, and taken out of the rows".to_owned(),
        };
        format!("{}: {done}", self.damage.summary())
    }

    /// The record that is used from now on.
    pub(super) fn elsewhere(&self) -> Option<Placed> {
        match self.cure {
            Cure::Elsewhere(place) => Some(Placed {
                body: self.placed.body,
                place,
            }),
            Cure::Header | Cure::Lost => None,
        }
    }

    pub(super) fn write_header(&self, folder: &Folder) -> Result<(), CopyError> {
        let (Cure::Header, Place::Segment { position, .. }) = (&self.cure, self.placed.place)
        else {
            return Ok(());
        };
        let path = self.placed.path(folder);
        let header = header(&self.placed).encode();
        let write = || -> std::io::Result<()> {
            let file = fs::OpenOptions::new().write(true).open(&path)?;
            file.write_all_at(&header, position)?;
            file.sync_all()
        };
        write().map_err(|error| at(&path, error))
    }
}

fn header(placed: &Placed) -> Header {
    Header {
        number: placed.body.number(),
        // Only a small body has a record.
        octets: u32::try_from(placed.body.octets()).unwrap_or(u32::MAX),
        crc32c: placed.body.crc32c(),
    }
}

pub(super) fn cures(
    folder: &Folder,
    audit: &Audit<'_>,
    damaged: Vec<(Placed, Damage)>,
) -> Vec<BodyMend> {
    let mut elsewhere = whole_elsewhere(folder, audit, &damaged);
    let cure = |(placed, damage): (Placed, Damage)| {
        let cure = if has_whole_content(folder, &placed) {
            Cure::Header
        } else {
            elsewhere
                .remove(&placed.body.number())
                .map_or(Cure::Lost, Cure::Elsewhere)
        };
        BodyMend {
            placed,
            damage,
            cure,
        }
    };
    damaged.into_iter().map(cure).collect()
}

/// Whether the octets behind the header are those that the rows expect.
fn has_whole_content(folder: &Folder, placed: &Placed) -> bool {
    let Place::Segment { position, .. } = placed.place else {
        return false;
    };
    let Ok(octets) = u32::try_from(placed.body.octets()) else {
        return false;
    };
    let Ok(file) = fs::File::open(placed.path(folder)) else {
        return false;
    };
    // A row with a wrong length must not make us reserve it.
    let length = file.metadata().map_or(0, |facts| facts.len());
    if placed.end() > length {
        return false;
    }
    let mut content = vec![0; octets as usize];
    let from = position + HEADER_OCTETS as u64;
    file.read_exact_at(&mut content, from).is_ok()
        && crc32c::crc32c(&content) == placed.body.crc32c()
}

/// Records with the number, length and checksum of a damaged body. Reads a
/// whole segment at once, and none where nothing is damaged.
fn whole_elsewhere(
    folder: &Folder,
    audit: &Audit<'_>,
    damaged: &[(Placed, Damage)],
) -> HashMap<u64, Place> {
    let wanted: HashMap<u64, Placed> = damaged
        .iter()
        .map(|(placed, _)| (placed.body.number(), *placed))
        .collect();
    let mut found = HashMap::new();
    if wanted.is_empty() {
        return found;
    }
    for segment in audit.segments.keys() {
        let path = folder.segment(*segment);
        // What can't be read holds nothing that is whole.
        let Ok(octets) = fs::read(&path) else {
            continue;
        };
        for record in segment::scan(&octets) {
            let Some(placed) = wanted.get(&record.number) else {
                continue;
            };
            let same = record.content.len() as u64 == placed.body.octets()
                && crc32c::crc32c(record.content) == placed.body.crc32c();
            if same {
                let place = Place::Segment {
                    segment: *segment,
                    position: record.position,
                };
                found.insert(record.number, place);
            }
        }
    }
    found
}
