//! Which worlds a rehearsal is led in. Faults and clocks are moved from here
//! only after somebody has said so, and every page says that it is on.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use mailward_mail::Timestamp;

/// Rehearsals at once; the one that began first makes room.
const REHEARSALS_MAX: usize = 1000;

/// By world; the default one has no name. In memory: a restart ends them.
#[derive(Debug, Default)]
pub(crate) struct Rehearsals(Mutex<BTreeMap<Option<String>, Rehearsal>>);

#[derive(Clone, Debug)]
pub(crate) struct Rehearsal {
    /// Who began it.
    pub(crate) by: String,
    pub(crate) since: Timestamp,
}

impl Rehearsals {
    pub(crate) fn of(&self, world: Option<&str>) -> Option<Rehearsal> {
        self.lock().get(&world.map(str::to_owned)).cloned()
    }

    /// Begins one, if none is on.
    pub(crate) fn begin(&self, world: Option<&str>, rehearsal: Rehearsal) {
        let mut all = self.lock();
        let world = world.map(str::to_owned);
        if all.len() >= REHEARSALS_MAX && !all.contains_key(&world) {
            let first = all.iter().min_by_key(|(_, one)| one.since);
            if let Some(first) = first.map(|(world, _)| world.clone()) {
                all.remove(&first);
            }
        }
        all.entry(world).or_insert(rehearsal);
    }

    pub(crate) fn end(&self, world: Option<&str>) {
        self.lock().remove(&world.map(str::to_owned));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Option<String>, Rehearsal>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
