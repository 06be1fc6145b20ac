//! Mending a store that is not running, as far as nothing is lost and nothing
//! invented by it.
//!
//! ```text
//! lock ─▶ look at everything ─▶ copy the folder as it is ─▶ mend ─▶ look again
//! ```
//!
//! What can be told from something sound is made anew: an index from its
//! table, counts from rows, a record's header from the rows that name it, the
//! place of a body from the record that is whole. A body that is whole nowhere
//! is taken out of the rows; [`Owner::mend`] says what that means for whoever
//! named it. Where the rows of a table or the log are damaged nothing is
//! touched.

mod bodies;
mod database;

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::audit::Audit;
use crate::body::BodyRef;
use crate::check;
use crate::copy::{CopyError, Target, at};
use crate::counts::Counts;
use crate::disk::SystemDisk;
use crate::error::{Damage, OpenError, TxError};
use crate::folder::{Folder, Lock};
use crate::identity;
use crate::manifest;
use crate::options::Schema;
use crate::recover;
use crate::rows;
use crate::schema;
use crate::tally;
use crate::tx::Tx;
use crate::wal;

use bodies::{BodyMend, Cure};

/// Acts and damages that are listed; all of them are counted.
const LISTED_MAX: usize = 1000;

/// Whoever the tables are of.
pub trait Owner {
    /// Puts right what follows from other rows, and from the loss of `lost`,
    /// bodies that are whole nowhere. Says what it did, a sentence each.
    /// It is called once to see what would be done, which is undone again.
    fn mend(&mut self, tx: &mut Tx<'_>, lost: &[BodyRef]) -> Result<Vec<String>, TxError>;
}

/// What was mended, or would be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Repaired {
    /// The first thousand acts, a sentence each.
    pub acts: Vec<String>,
    pub acts_total: u64,
    /// Bodies that were taken out of the rows.
    pub lost: u64,
    /// What is damaged and can't be mended: the first thousand.
    pub left: Vec<Damage>,
    pub left_total: u64,
    /// Where the folder is as it was. Nothing was touched without.
    pub kept: Option<PathBuf>,
}

impl Repaired {
    pub fn is_sound(&self) -> bool {
        self.left_total == 0
    }

    fn act(&mut self, act: impl Into<String>) {
        self.acts_total += 1;
        if self.acts.len() < LISTED_MAX {
            self.acts.push(act.into());
        }
    }

    fn leave(&mut self, damage: Damage) {
        self.left_total += 1;
        if self.left.len() < LISTED_MAX {
            self.left.push(damage);
        }
    }
}

/// Mends the store in `dir`, which is copied to `keep`, a new folder, before
/// anything is touched; without `keep` it only says what it would do.
pub fn repair(
    dir: &Path,
    schema: &Schema,
    keep: Option<&Path>,
    owner: &mut dyn Owner,
) -> Result<Repaired, CopyError> {
    let folder = Folder::new(dir);
    let _lock = Lock::take_to_read(&folder, "a repair")?;
    let found = match look(&folder, schema)? {
        Ok(found) => found,
        Err(left) => return Ok(left),
    };
    let mut told = found.told(&folder);
    // Counts can be trusted only once the indexes they walk are sound.
    if !found.rewrite {
        for act in rehearse(&folder, &found, owner)? {
            told.act(act);
        }
    }
    let Some(keep) = keep else {
        return Ok(told);
    };
    if told.acts_total == 0 {
        return Ok(told);
    }
    keep_copy(&folder, keep)?;
    let mut done = found.told(&folder);
    done.kept = Some(keep.to_owned());
    for act in mend(&folder, &found, owner)? {
        done.act(act);
    }
    let report = check::locked(&folder)?;
    done.left_total = report.damages_total;
    done.left = report.damages;
    Ok(done)
}

/// What a look at everything has found, all of which can be mended.
struct Found {
    /// What the database's own check says: its indexes, its free pages.
    faults: Vec<String>,
    rewrite: bool,
    miscounted: bool,
    bodies: Vec<BodyMend>,
    leftovers: Vec<String>,
}

/// The inner error is what can't be mended.
fn look(folder: &Folder, schema: &Schema) -> Result<Result<Found, Repaired>, CopyError> {
    let refused = |damage: Damage| {
        let mut left = Repaired::default();
        left.leave(damage);
        Ok(Err(left))
    };
    match identity::check(folder, Some(schema)) {
        Err(OpenError::Damaged(damage)) => return refused(damage),
        other => other?,
    }
    if let Err(damage) = wal::check(folder) {
        return refused(damage);
    }
    let damage = |error: &rusqlite::Error| check::rows_damage(folder, error);
    let connection = match schema::open_read_only(folder) {
        Ok(connection) => connection,
        Err(error) => return refused(damage(&error)),
    };
    let sorted = match database::faults(&connection) {
        Ok(sorted) => sorted,
        Err(error) => return refused(damage(&error)),
    };
    if !sorted.in_tables.is_empty() {
        let mut left = Repaired::default();
        for fault in sorted.in_tables {
            left.leave(fault.damage(folder));
        }
        return Ok(Err(left));
    }
    is_of_this_version(&connection, schema)?;
    let mut audit = check::audit(folder)?;
    let mut damaged = Vec::new();
    let read = rows::each_body(&connection, |placed| {
        if let Err(what) = audit.body(placed) {
            damaged.push((*placed, what));
        }
        true
    });
    if let Err(error) = read {
        return refused(damage(&error));
    }
    let counted = tally::all(&connection).map_err(sql)?;
    let miscounted = is_miscounted(&audit, &counted);
    let bodies = bodies::cures(folder, &audit, damaged);
    // A record that is used again is no leftover.
    for found in bodies.iter().filter_map(BodyMend::elsewhere) {
        audit.count(&found);
    }
    Ok(Ok(Found {
        rewrite: !sorted.elsewhere.is_empty(),
        faults: sorted.elsewhere.into_iter().map(|one| one.text).collect(),
        miscounted,
        bodies,
        leftovers: leftovers(folder, &audit),
    }))
}

fn sql(error: rusqlite::Error) -> CopyError {
    CopyError::Rows(error.to_string())
}

/// What is repaired is read by this version's statements.
fn is_of_this_version(connection: &Connection, schema: &Schema) -> Result<(), CopyError> {
    let format: i64 = connection
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(sql)?;
    let steps = schema::state(connection, "schema_steps").map_err(sql)?;
    if format == identity::FORMAT && steps == schema.migrations.len() as u64 {
        return Ok(());
    }
    Err(CopyError::GivenUp(
        "the store is of another version; repair it with the program that wrote it".to_owned(),
    ))
}

/// A file may end behind the last record that is live, so ends are not compared.
fn is_miscounted(audit: &Audit<'_>, counted: &tally::Segments) -> bool {
    let live = |live: &tally::Live| (live.bodies, live.octets);
    let same = audit
        .live
        .iter()
        .all(|(segment, found)| counted.get(segment).map(live) == Some(live(found)));
    let unfounded = counted
        .iter()
        .any(|(segment, one)| one.bodies > 0 && !audit.live.contains_key(segment));
    !same || unfounded
}

/// What no row names: it was never acknowledged, or was released.
fn leftovers(folder: &Folder, audit: &Audit<'_>) -> Vec<String> {
    let mut leftovers = Vec::new();
    let mut add = |path: PathBuf| leftovers.push(format!("{}: removed", path.display()));
    for name in &audit.unfinished {
        add(folder.bodies().join(name));
    }
    for number in audit.bodies.keys() {
        if !audit.live_files.contains(number) {
            add(folder.body(*number));
        }
    }
    for number in audit.segments.keys() {
        if !audit.live.contains_key(number) && Some(*number) != audit.active() {
            add(folder.segment(*number));
        }
    }
    leftovers.sort();
    if let Some(active) = audit.active() {
        let end = audit.live.get(&active).map_or(0, |live| live.ends_at);
        let octets = audit.segments.get(&active).copied().unwrap_or_default();
        if octets > end {
            let path = folder.segment(active);
            leftovers.push(format!(
                "{}: cut off at octet {end}: {} octets that no row names",
                path.display(),
                octets - end
            ));
        }
    }
    leftovers
}

impl Found {
    /// What is done besides the owner's part.
    fn told(&self, folder: &Folder) -> Repaired {
        let mut told = Repaired::default();
        for fault in &self.faults {
            let rows = folder.rows();
            told.act(format!(
                "{}: {fault}: made anew from its tables",
                rows.display()
            ));
        }
        if self.miscounted {
            told.act(format!(
                "{}: what is live in each segment was counted anew",
                folder.rows().display()
            ));
        }
        for body in &self.bodies {
            told.lost += u64::from(matches!(body.cure, Cure::Lost));
            told.act(body.told(folder));
        }
        for leftover in &self.leftovers {
            told.act(leftover);
        }
        told
    }

    fn lost(&self) -> Vec<BodyRef> {
        let lost = |one: &&BodyMend| matches!(one.cure, Cure::Lost);
        let lost = self.bodies.iter().filter(lost);
        lost.map(|one| one.placed.body).collect()
    }
}

/// What the owner would do, undone again.
fn rehearse(
    folder: &Folder,
    found: &Found,
    owner: &mut dyn Owner,
) -> Result<Vec<String>, CopyError> {
    let connection = database::open_without_trace(folder)?;
    let transaction = connection.unchecked_transaction().map_err(sql)?;
    let acts = change_rows(&transaction, found, owner)?;
    transaction.rollback().map_err(sql)?;
    Ok(acts)
}

fn change_rows(
    connection: &Connection,
    found: &Found,
    owner: &mut dyn Owner,
) -> Result<Vec<String>, CopyError> {
    for body in &found.bodies {
        let number = body.placed.body.number();
        match body.cure {
            Cure::Header => {}
            Cure::Elsewhere(place) => {
                rows::set_place(connection, number, place).map_err(sql)?;
            }
            Cure::Lost => rows::forget(connection, number).map_err(sql)?,
        }
    }
    let (mut released, mut counts) = (Vec::new(), Counts::default());
    let mut tx = Tx::new(connection, &mut released, &mut counts);
    let rows = |error: TxError| CopyError::Rows(error.to_string());
    let acts = owner.mend(&mut tx, &found.lost()).map_err(rows)?;
    counts.write(connection).map_err(rows)?;
    tally::fill(connection).map_err(sql)?;
    Ok(acts)
}

fn mend(folder: &Folder, found: &Found, owner: &mut dyn Owner) -> Result<Vec<String>, CopyError> {
    for body in &found.bodies {
        body.write_header(folder)?;
    }
    if found.rewrite {
        database::rewrite(folder)?;
    }
    let connection = schema::open_writer(folder)?;
    let transaction = connection.unchecked_transaction().map_err(sql)?;
    let acts = change_rows(&transaction, found, owner)?;
    transaction.commit().map_err(sql)?;
    let mut audit = check::audit(folder)?;
    rows::each_body(&connection, |placed| {
        audit.count(placed);
        true
    })
    .map_err(sql)?;
    recover::clear_up(&SystemDisk, folder, &audit)?;
    connection.close().map_err(|(_, error)| sql(error))?;
    Ok(acts)
}

/// Every file as it is, compared with the original before it has its name.
fn keep_copy(folder: &Folder, keep: &Path) -> Result<(), CopyError> {
    let target = Target::make(keep)?;
    let listed = manifest::list(folder.dir())?;
    for file in &listed {
        let (from, copy) = (
            folder.dir().join(&file.name),
            target.path().join(&file.name),
        );
        fs::copy(&from, &copy).map_err(|error| at(&copy, error))?;
        fs::File::open(&copy)
            .and_then(|file| file.sync_all())
            .map_err(|error| at(&copy, error))?;
    }
    // Nobody else has either of them open.
    if manifest::list(target.path())? != listed {
        return Err(CopyError::NotVerified(
            "the folder as it was could not be copied".to_owned(),
        ));
    }
    target.finish()
}
