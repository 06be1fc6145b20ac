//! Worlds: twins beside each other in one process, that know nothing of each
//! other.
//!
//! ```text
//!   default ── the twin as it was started, in memory or in a folder
//!   origin ─── the seed's people, before anything happened
//!     │ make          │ fork          ▲ restore, reset
//!     ▼               ▼               │
//!   named worlds, in memory ─── snapshots
//! ```
//!
//! A named world has accounts, mail, limits, settings, clock, dice and event
//! log of its own; what it has in common with where it came from is held once.

mod image;
mod limits;
mod name;
mod session;
#[cfg(test)]
pub(crate) mod tests;
mod whereabouts;

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use mailward_mail::{Dice, Timestamp};
use mailward_net::{HeldClock, SeededDice, ShiftedClock};
use mailward_store::Store;

use crate::error::TwinError;
use crate::oauth::SigningKey;
use crate::service::TwinOptions;
use crate::world::World;

use image::Image;
pub(crate) use limits::Bounds;
pub use limits::WorldLimits;
pub(crate) use name::{NameError, WorldName, of_host, split_user};
pub(crate) use session::SessionDoor;
pub(crate) use whereabouts::{Resident, Whereabouts};

/// All worlds of a twin. Clones are the same.
#[derive(Clone, Debug)]
pub(crate) struct Worlds(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    main: Named,
    origin: Arc<Seen>,
    /// As the twin was started, without people: each world gets its own.
    bare: TwinOptions,
    key: SigningKey,
    bounds: Bounds,
    all: RwLock<All>,
}

#[derive(Debug, Default)]
struct All {
    named: BTreeMap<WorldName, Named>,
    snapshots: BTreeMap<(WorldName, WorldName), Arc<Seen>>,
}

/// A world with what belongs to it as one of many.
#[derive(Clone, Debug)]
struct Named {
    world: World,
    /// What reset goes back to.
    origin: Arc<Seen>,
    dice: Option<Arc<SeededDice>>,
    /// The moment at which its clock is held.
    held_at: Option<Timestamp>,
}

/// A world at one moment, its dice and the nature of its clock included.
#[derive(Debug)]
struct Seen {
    image: Option<Image>,
    dice: Option<u64>,
    held_at: Option<Timestamp>,
    rates: bool,
}

/// Where a new world comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// The people of the seed, before anything happened.
    Seed,
    /// Nobody.
    Empty,
    World(WorldName),
    Snapshot(WorldName, WorldName),
}

/// What a new world is to be like; what is absent is as where it came from.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wishes {
    pub(crate) dice_seed: Option<u64>,
    pub(crate) now: Option<Timestamp>,
    /// The clock stands still until it is set or advanced.
    pub(crate) clock_held: Option<bool>,
    pub(crate) as_of: Option<Timestamp>,
    pub(crate) rates: Option<bool>,
}

/// Why something was not done to a world.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WorldError {
    #[error(transparent)]
    Name(#[from] NameError),
    #[error("there is no world {0}; make it first (POST /control/v1/worlds)")]
    NoWorld(WorldName),
    #[error("the world {0} has no snapshot {1}")]
    NoSnapshot(WorldName, WorldName),
    #[error("there is a world {0} already: delete it, or choose another name")]
    Exists(WorldName),
    #[error("the default world can't be deleted")]
    Main,
    #[error(
        "the default world is kept in a folder: start the twin without one to fork it, take snapshots of it or put it back"
    )]
    Kept,
    #[error("there are {max} {what} already: delete some")]
    TooMany { what: &'static str, max: usize },
    #[error(transparent)]
    Twin(#[from] TwinError),
}

impl Worlds {
    /// Opens the default world, with what an earlier run left in the store.
    pub(crate) async fn open(
        options: &TwinOptions,
        store: Option<Store>,
        key: SigningKey,
    ) -> Result<Self, TwinError> {
        let bounds = Bounds::new(&options.limits);
        let in_folder = store.is_some();
        let name = WorldName::main();
        let main = World::open(name.clone(), options, store, &bounds, key.clone()).await?;
        let image = if in_folder {
            // The same people, with mailboxes of their own in memory.
            let twin = World::open(name, options, None, &bounds, key.clone()).await?;
            let deliveries = &twin.deliveries;
            deliveries.make_mailboxes(&main.accounts.all()).await?;
            twin.image().map(|mut image| {
                image.accounts = main.accounts.image();
                image
            })
        } else {
            main.image()
        };
        let image = image.map(Image::without_past);
        let origin = Arc::new(Seen {
            image,
            dice: None,
            held_at: None,
            rates: options.rates,
        });
        let mut bare = options.clone();
        bare.population.accounts = Vec::new();
        bare.population.lists = Vec::new();
        Ok(Self(Arc::new(Shared {
            main: Named {
                world: main,
                origin: Arc::clone(&origin),
                dice: None,
                held_at: None,
            },
            origin,
            bare,
            key,
            bounds,
            all: RwLock::default(),
        })))
    }

    /// The twin as it was started.
    pub(crate) fn main(&self) -> &World {
        &self.0.main.world
    }

    /// What a world's endpoints are started with.
    pub(crate) fn options(&self) -> &TwinOptions {
        &self.0.bare
    }

    /// The world of this name, as a client wrote it.
    pub(crate) fn named(&self, name: &str) -> Result<World, WorldError> {
        self.find(&WorldName::parse(name)?)
    }

    pub(crate) fn find(&self, name: &WorldName) -> Result<World, WorldError> {
        self.entry(name).map(|entry| entry.world)
    }

    /// Up to `limit` named worlds after `after`, by name.
    pub(crate) fn after(&self, after: Option<&WorldName>, limit: usize) -> Vec<World> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let all = self.read();
        let named = all.named.range((from, Bound::Unbounded));
        named
            .take(limit)
            .map(|(_, one)| one.world.clone())
            .collect()
    }

    /// Named worlds, and octets of mail that all worlds hold in memory.
    pub(crate) fn figures(&self) -> (usize, u64) {
        (self.read().named.len(), self.0.bounds.mail.held())
    }

    /// Makes a world.
    pub(crate) async fn make(
        &self,
        name: WorldName,
        source: &Source,
        wishes: &Wishes,
    ) -> Result<World, WorldError> {
        self.refuse_taken(&self.read(), &name)?;
        let origin = self.seen(source)?;
        let made = self.build(name.clone(), &origin, wishes).await?;
        let mut all = self.write();
        // Somebody may have been quicker.
        if let Err(error) = self.refuse_taken(&all, &name) {
            drop(all);
            made.world.end();
            return Err(error);
        }
        let world = made.world.clone();
        all.named.insert(name, made);
        Ok(world)
    }

    /// Deletes a world and its snapshots; its sessions end.
    pub(crate) fn delete(&self, name: &WorldName) -> Result<(), WorldError> {
        if *name == WorldName::main() {
            return Err(WorldError::Main);
        }
        let mut all = self.write();
        let gone = all
            .named
            .remove(name)
            .ok_or_else(|| WorldError::NoWorld(name.clone()))?;
        all.snapshots.retain(|(world, _), _| world != name);
        drop(all);
        gone.world.end();
        Ok(())
    }

    /// Keeps the world as it is now under a name; one that is there already
    /// is replaced.
    pub(crate) fn snapshot(&self, name: &WorldName, snapshot: WorldName) -> Result<(), WorldError> {
        let seen = Arc::new(self.entry(name)?.seen()?);
        let mut all = self.write();
        let key = (name.clone(), snapshot);
        let max = self.0.bare.limits.snapshots_max;
        if all.snapshots.len() >= max && !all.snapshots.contains_key(&key) {
            let what = "snapshots";
            return Err(WorldError::TooMany { what, max });
        }
        all.snapshots.insert(key, seen);
        Ok(())
    }

    pub(crate) fn snapshots(&self, name: &WorldName) -> Result<Vec<WorldName>, WorldError> {
        self.entry(name)?;
        let all = self.read();
        let own = all.snapshots.keys().filter(|(world, _)| world == name);
        Ok(own.map(|(_, snapshot)| snapshot.clone()).collect())
    }

    pub(crate) fn delete_snapshot(
        &self,
        name: &WorldName,
        snapshot: &WorldName,
    ) -> Result<(), WorldError> {
        let key = (name.clone(), snapshot.clone());
        match self.write().snapshots.remove(&key) {
            Some(_) => Ok(()),
            None => Err(WorldError::NoSnapshot(key.0, key.1)),
        }
    }

    /// Puts a world back to a snapshot of it, or to what it began as.
    pub(crate) fn restore(
        &self,
        name: &WorldName,
        snapshot: Option<&WorldName>,
    ) -> Result<(), WorldError> {
        let entry = self.entry(name)?;
        let seen = match snapshot {
            None => Arc::clone(&entry.origin),
            Some(snapshot) => self.seen(&Source::Snapshot(name.clone(), snapshot.clone()))?,
        };
        let image = seen.image.as_ref().ok_or(WorldError::Kept)?;
        if !entry.world.adopt(image) {
            return Err(WorldError::Kept);
        }
        entry.world.clock.set_shift_millis(image.clock_shift_millis);
        if let (Some(dice), Some(state)) = (&entry.dice, seen.dice) {
            dice.set_state(state);
        }
        Ok(())
    }

    fn entry(&self, name: &WorldName) -> Result<Named, WorldError> {
        if *name == WorldName::main() {
            return Ok(self.0.main.clone());
        }
        let all = self.read();
        let found = all.named.get(name).cloned();
        found.ok_or_else(|| WorldError::NoWorld(name.clone()))
    }

    fn seen(&self, source: &Source) -> Result<Arc<Seen>, WorldError> {
        match source {
            Source::Seed => Ok(Arc::clone(&self.0.origin)),
            Source::Empty => Ok(Arc::new(Seen {
                image: None,
                dice: None,
                held_at: None,
                rates: self.0.origin.rates,
            })),
            Source::World(name) => Ok(Arc::new(self.entry(name)?.seen()?)),
            Source::Snapshot(name, snapshot) => {
                self.entry(name)?;
                let key = (name.clone(), snapshot.clone());
                let found = self.read().snapshots.get(&key).cloned();
                found.ok_or(WorldError::NoSnapshot(key.0, key.1))
            }
        }
    }

    async fn build(
        &self,
        name: WorldName,
        seen: &Arc<Seen>,
        wishes: &Wishes,
    ) -> Result<Named, WorldError> {
        let shared = &self.0;
        let base = shared.bare.clock.base();
        let shift = match &seen.image {
            Some(image) => image.clock_shift_millis,
            None => shared.main.world.clock.shift_millis(),
        };
        let held_at = match (wishes.clock_held, seen.held_at) {
            (Some(true), None) | (None, Some(_)) | (Some(true), Some(_)) => {
                Some(seen.held_at.unwrap_or_else(|| base.now()))
            }
            (Some(false), _) | (None, None) => None,
        };
        let clock = Arc::new(match held_at {
            Some(at) => ShiftedClock::new(Arc::new(HeldClock::new(base, at))),
            None => ShiftedClock::new(base),
        });
        clock.set_shift_millis(shift);
        if let Some(now) = wishes.now {
            clock.set(now);
        }
        let state = wishes.dice_seed.or(seen.dice);
        let dice = Arc::new(SeededDice::new(state.unwrap_or_else(|| seed_of(&name))));
        let mut options = shared.bare.clone();
        options.clock = Arc::clone(&clock);
        options.dice = Arc::clone(&dice) as Arc<dyn Dice>;
        options.rates = wishes.rates.unwrap_or(seen.rates);
        let key = shared.key.clone();
        let world = World::open(name, &options, None, &shared.bounds, key).await?;
        if let Some(image) = &seen.image {
            world.adopt(image);
        }
        if let Some(day) = wishes.as_of {
            world.day.choose(day);
        }
        let mut named = Named {
            world,
            origin: Arc::clone(seen),
            dice: Some(dice),
            held_at,
        };
        // Reset goes back to the wishes as well.
        named.origin = Arc::new(named.seen()?);
        Ok(named)
    }

    fn refuse_taken(&self, all: &All, name: &WorldName) -> Result<(), WorldError> {
        if *name == WorldName::main() || all.named.contains_key(name) {
            return Err(WorldError::Exists(name.clone()));
        }
        let max = self.0.bare.limits.worlds_max;
        if all.named.len() >= max {
            let what = "worlds";
            return Err(WorldError::TooMany { what, max });
        }
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, All> {
        self.0.all.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, All> {
        self.0.all.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Named {
    fn seen(&self) -> Result<Seen, WorldError> {
        Ok(Seen {
            image: Some(self.world.image().ok_or(WorldError::Kept)?),
            dice: self.dice.as_ref().map(|dice| dice.state()),
            held_at: self.held_at,
            rates: self.world.rates,
        })
    }
}

/// Worlds of the same name throw the same dice in every run.
fn seed_of(name: &WorldName) -> u64 {
    // FNV-1a, for its brevity; SplitMix64 does the mixing.
    name.as_str()
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
            (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
        })
}
