//! Worlds as somebody leads them.

use mailward_mail::{Clock as _, Timestamp};

use super::{Portal, PortalError};
use crate::world::World;
use crate::worlds::{Source, Wishes, WorldName};

/// A world in the list of all.
#[derive(Clone, Debug)]
pub struct WorldView {
    pub name: String,
    pub is_main: bool,
    /// What follows a user name to choose it: `#suite-7`.
    pub suffix: String,
    /// The TLS server name that chooses it.
    pub host: String,
    pub now: Timestamp,
    pub as_of: Timestamp,
    pub accounts: usize,
    /// What is struck, if anything.
    pub faults: Option<String>,
}

/// Where a new world comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WorldSource {
    /// The seed's people, before anything happened.
    Seed,
    Empty,
    /// A world as it is now.
    World(String),
}

impl Portal {
    /// Up to `limit` named worlds after `after`, by name; without `after` the
    /// default world comes first.
    pub fn worlds(&self, after: Option<&str>, limit: usize) -> Vec<WorldView> {
        let after = after.and_then(|name| WorldName::parse(name).ok());
        let first = after.is_none().then(|| self.worlds.main().clone());
        let named = self.worlds.after(after.as_ref(), limit);
        let all = first.into_iter().chain(named).take(limit);
        all.map(|world| view(&world)).collect()
    }

    pub fn world(&self, name: &str) -> Result<WorldView, PortalError> {
        Ok(view(&self.worlds.named(name)?))
    }

    /// Named worlds, and octets of mail that all worlds hold in memory.
    pub fn figures(&self) -> (usize, u64) {
        self.worlds.figures()
    }

    pub fn snapshots(&self, world: &str) -> Result<Vec<String>, PortalError> {
        let names = self.worlds.snapshots(&parse(world)?)?;
        Ok(names.iter().map(ToString::to_string).collect())
    }

    pub async fn make_world(
        &self,
        name: &str,
        source: &WorldSource,
        by: &str,
    ) -> Result<(), PortalError> {
        let source = match source {
            WorldSource::Seed => Source::Seed,
            WorldSource::Empty => Source::Empty,
            WorldSource::World(name) => Source::World(parse(name)?),
        };
        let wishes = Wishes::default();
        let made = self.worlds.make(parse(name)?, &source, &wishes).await?;
        note(&made, "world_made", "the world was made", by);
        Ok(())
    }

    /// Keeps the world as it is now under a name.
    pub fn keep_world(&self, world: &str, snapshot: &str, by: &str) -> Result<(), PortalError> {
        let (world, snapshot) = (parse(world)?, parse(snapshot)?);
        let what = format!("kept as {snapshot}");
        self.worlds.snapshot(&world, snapshot)?;
        note(&self.worlds.find(&world)?, "world_kept", &what, by);
        Ok(())
    }

    pub fn forget_snapshot(&self, world: &str, snapshot: &str) -> Result<(), PortalError> {
        let done = self
            .worlds
            .delete_snapshot(&parse(world)?, &parse(snapshot)?);
        Ok(done?)
    }

    /// Puts a world back to a snapshot, or to what it began as.
    pub fn put_world_back(
        &self,
        world: &str,
        snapshot: Option<&str>,
        by: &str,
    ) -> Result<(), PortalError> {
        let world = parse(world)?;
        let snapshot = snapshot.map(parse).transpose()?;
        self.worlds.restore(&world, snapshot.as_ref())?;
        let what = match &snapshot {
            Some(snapshot) => format!("put back to {snapshot}"),
            None => "put back to what it began as".to_owned(),
        };
        note(&self.worlds.find(&world)?, "world_put_back", &what, by);
        Ok(())
    }

    pub fn delete_world(&self, world: &str) -> Result<(), PortalError> {
        Ok(self.worlds.delete(&parse(world)?)?)
    }
}

fn parse(name: &str) -> Result<WorldName, PortalError> {
    WorldName::parse(name).map_err(|error| PortalError::Refused(error.to_string()))
}

fn note(world: &World, kind: &'static str, what: &str, by: &str) {
    let why = format!("{what}, by {by}");
    world.events.add("control", kind, None, why, None);
}

fn view(world: &World) -> WorldView {
    WorldView {
        name: world.name.to_string(),
        is_main: world.name == WorldName::main(),
        suffix: world.name.suffix(),
        host: world.name.host(),
        now: world.clock.now(),
        as_of: world.day.chosen(),
        accounts: world.accounts.count(),
        faults: world.faults.notice(),
    }
}
