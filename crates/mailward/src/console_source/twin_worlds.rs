//! The twin as a whole: its worlds, and how it stands at a glance.

use mailward_console::SourceError;
use mailward_console::view::{
    Cursor, Page, TwinOverview, WorldAct, WorldFilter, WorldOrigin, WorldRow, WorldView, WorldsView,
};
use mailward_twin::portal::{WorldSource, WorldView as TwinWorld};

use super::{TwinPart, trouble};

impl TwinPart {
    /// Of the default world. Nothing here grows with what is stored.
    pub(super) fn overview(&self) -> Result<TwinOverview, SourceError> {
        let desk = self.portal.desk(None).map_err(trouble)?;
        let counts = desk.events().counts();
        let of = |wanted: &str| {
            let found = counts.iter().filter(|((_, kind), _)| *kind == wanted);
            found.map(|(_, count)| count).sum()
        };
        Ok(TwinOverview {
            accounts: desk.accounts().count() as u64,
            counts: vec![
                ("Sign-ins", of("signed_in")),
                ("Deliveries to mailboxes", of("delivered")),
                ("Refusals", of("refused")),
            ],
            worlds: self.portal.figures().0 as u64,
            clock: desk.clock().now(),
        })
    }

    pub(super) fn worlds(&self, filter: &WorldFilter) -> WorldsView {
        let after = filter.cursor.as_ref().map(Cursor::as_str);
        // One more than wanted tells whether there is another page.
        let limit = filter.limit.saturating_add(1);
        let mut worlds = self.portal.worlds(after, limit);
        let more = worlds.len() > filter.limit;
        worlds.truncate(filter.limit);
        let next = worlds
            .last()
            .filter(|_| more)
            .map(|last| Cursor::new(&last.name));
        let (count, octets) = self.portal.figures();
        WorldsView {
            worlds: Page {
                items: worlds.into_iter().map(row).collect(),
                previous: None,
                next,
            },
            count: count as u64,
            octets,
        }
    }

    pub(super) fn world_view(&self, name: &str) -> Result<WorldView, SourceError> {
        let found = self.portal.world(name).map_err(|_| SourceError::NotFound)?;
        let snapshots = self.portal.snapshots(name).map_err(trouble)?;
        Ok(WorldView {
            suffix: found.suffix.clone(),
            host: found.host.clone(),
            snapshots,
            world: row(found),
        })
    }

    pub(super) async fn world_act(&self, act: WorldAct, who: &str) -> Result<(), SourceError> {
        let portal = &self.portal;
        let done = match act {
            WorldAct::Make { name, from } => portal.make_world(&name, &source(from), who).await,
            WorldAct::Keep { world, snapshot } => portal.keep_world(&world, &snapshot, who),
            WorldAct::Restore { world, snapshot } => {
                portal.put_world_back(&world, Some(&snapshot), who)
            }
            WorldAct::Reset { world } => portal.put_world_back(&world, None, who),
            WorldAct::Delete { world } => portal.delete_world(&world),
            WorldAct::ForgetSnapshot { world, snapshot } => {
                portal.forget_snapshot(&world, &snapshot)
            }
        };
        done.map_err(trouble)
    }
}

fn source(from: WorldOrigin) -> WorldSource {
    match from {
        WorldOrigin::Seed => WorldSource::Seed,
        WorldOrigin::Empty => WorldSource::Empty,
        WorldOrigin::World(name) => WorldSource::World(name),
    }
}

fn row(world: TwinWorld) -> WorldRow {
    WorldRow {
        name: world.name,
        is_default: world.is_main,
        now: world.now,
        as_of: world.as_of.to_date(),
        accounts: world.accounts as u64,
        faults: world.faults,
    }
}
