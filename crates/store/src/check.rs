//! The full check of a store that is not running. Changes nothing.

use std::path::Path;

use rusqlite::Connection;

use crate::audit::Audit;
use crate::disk::SystemDisk;
use crate::error::{Damage, OpenError};
use crate::folder::{Folder, Lock};
use crate::identity;
use crate::rows;
use crate::schema;
use crate::tally;
use crate::wal;

/// Damages a report lists; all of them are counted.
const DAMAGES_LISTED_MAX: usize = 1000;

/// What a full check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Bodies the rows name, and their octets.
    pub bodies: u64,
    pub octets: u64,
    /// The first thousand damages; empty if the store is sound.
    pub damages: Vec<Damage>,
    pub damages_total: u64,
    /// Files that no row names: left by a crash, removed at the next start.
    pub leftovers: u64,
}

impl Report {
    pub fn is_sound(&self) -> bool {
        self.damages_total == 0
    }

    fn add(&mut self, damage: Damage) {
        self.damages_total += 1;
        if self.damages.len() < DAMAGES_LISTED_MAX {
            self.damages.push(damage);
        }
    }
}

/// Reads everything in `dir`: the log, the database's own structure, and
/// every body against its checksum. Refused while a process has it open.
pub fn check(dir: &Path) -> Result<Report, OpenError> {
    let folder = Folder::new(dir);
    let _lock = Lock::take_to_read(&folder, "a check")?;
    identity::check_readable(&folder)?;
    locked(&folder)
}

/// The same of a folder that is ours already.
pub(crate) fn locked(folder: &Folder) -> Result<Report, OpenError> {
    let mut report = Report::default();
    if let Err(damage) = wal::check(folder) {
        report.add(damage);
    }
    let mut audit = audit(folder)?;
    match schema::open_read_only(folder) {
        Ok(connection) => check_rows(&connection, folder, &mut audit, &mut report),
        Err(error) => report.add(rows_damage(folder, &error)),
    }
    report.bodies = audit.bodies_seen;
    report.octets = audit.octets_seen;
    let named = audit.live_files.len() + audit.live.len();
    let present = audit.bodies.len() + audit.segments.len() + audit.unfinished.len();
    // The active segment may well be empty.
    let active = usize::from(
        audit
            .active()
            .is_some_and(|active| !audit.live.contains_key(&active)),
    );
    report.leftovers = present.saturating_sub(named + active) as u64;
    Ok(report)
}

/// The folder's files, with no bound on what is compared.
pub(crate) fn audit(folder: &Folder) -> Result<Audit<'_>, OpenError> {
    Audit::new(&SystemDisk, folder, u64::MAX).map_err(|source| OpenError::Folder {
        path: folder.dir().to_owned(),
        source,
    })
}

fn check_rows(
    connection: &Connection,
    folder: &Folder,
    audit: &mut Audit<'_>,
    report: &mut Report,
) {
    match schema::faults(connection, "PRAGMA integrity_check(100)") {
        Ok(faults) => {
            for fault in faults {
                report.add(fault.damage(folder));
            }
        }
        Err(error) => report.add(rows_damage(folder, &error)),
    }
    let outcome = rows::each_body(connection, |placed| {
        if let Err(damage) = audit.body(placed) {
            report.add(damage);
        }
        true
    });
    if let Err(error) = outcome {
        report.add(rows_damage(folder, &error));
        return;
    }
    // A store of an older version has no counts yet.
    let Ok(counted) = tally::all(connection) else {
        return;
    };
    for (segment, live) in &audit.live {
        let counted = counted.get(segment).copied().unwrap_or_default();
        if (counted.bodies, counted.octets) != (live.bodies, live.octets) {
            let what = format!(
                "segment {segment} has {} live bodies and is counted with {}",
                live.bodies, counted.bodies
            );
            report.add(Damage::new(folder.dir(), folder.rows(), what));
        }
    }
}

pub(crate) fn rows_damage(folder: &Folder, error: &rusqlite::Error) -> Damage {
    Damage::new(folder.dir(), folder.rows(), error.to_string())
}
