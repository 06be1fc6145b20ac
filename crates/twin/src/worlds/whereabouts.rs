//! Where an SMTP session is: in the world of its listener, then in the one that
//! its client named by server name or user.

use mailward_net::smtp::{Connection, Surroundings};
use mailward_wire::smtp::server::SessionId;

use super::{Worlds, of_host, split_user};
use crate::faults::{Line, Protocol};
use crate::listen;
use crate::sessions::Sessions;
use crate::trace::Traces;
use crate::world::World;

/// A connection that is in a world and may go into another.
pub(crate) trait Resident: Connection {
    /// Goes on in `world`, where the session is called by another name.
    fn go_to(&mut self, world: &World, session: SessionId);

    /// Where messages of that world get their numbers.
    fn traces(&self) -> &Traces;

    /// Why the world that the client named is none; nothing, once it named one
    /// that is there, or none at all.
    fn lead_nowhere(&mut self, why: Option<String>);
}

/// What a client has said of where it wants to be.
#[derive(Debug)]
pub(crate) struct Whereabouts {
    worlds: Worlds,
    protocol: Protocol,
    /// The world named by the TLS server name, and by the user.
    by_server_name: Option<String>,
    by_user: Option<String>,
    surroundings: Option<Surroundings>,
}

impl Whereabouts {
    pub(crate) fn new(worlds: &Worlds, protocol: Protocol) -> Self {
        Self {
            worlds: worlds.clone(),
            protocol,
            by_server_name: None,
            by_user: None,
            surroundings: None,
        }
    }

    pub(crate) fn server_name(&mut self, name: Option<&str>) {
        self.by_server_name = name.and_then(of_host).map(str::to_owned);
        self.by_user = None;
    }

    /// Takes the world off a user name.
    pub(crate) fn user_name(&mut self, user: &mut String) {
        let (proper, world) = split_user(user);
        let length = proper.len();
        self.by_user = world.map(str::to_owned);
        user.truncate(length);
    }

    /// Leads a connection to where its client wants to be; gives the sessions
    /// there, if that is elsewhere than before.
    pub(crate) fn follow(
        &mut self,
        connection: &mut impl Resident,
        line: Option<&Line>,
    ) -> Option<Sessions> {
        let wanted = self.by_user.as_deref().or(self.by_server_name.as_deref());
        let Some(wanted) = wanted else {
            connection.lead_nowhere(None);
            return None;
        };
        let world = match self.worlds.named(wanted) {
            Ok(world) => world,
            Err(error) => {
                connection.lead_nowhere(Some(error.to_string()));
                return None;
            }
        };
        connection.lead_nowhere(None);
        if line.is_some_and(|line| line.home().is(&world.sessions)) {
            return None;
        }
        let session = SessionId(world.dice.next_u64());
        if let Some(line) = line {
            world
                .sessions
                .welcome(line, Some(session.to_string().into()));
        }
        connection.go_to(&world, session);
        self.surroundings = Some(Surroundings {
            session,
            dialect: listen::dialect(&world, self.protocol),
            clock: world.clock(),
            shutdown: world.closing().clone(),
        });
        Some(world.sessions)
    }

    /// Where the conversation goes on, once after each time it was led away.
    pub(crate) fn moved(&mut self) -> Option<Surroundings> {
        self.surroundings.take()
    }
}
