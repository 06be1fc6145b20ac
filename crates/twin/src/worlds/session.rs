//! The door of one IMAP or POP session, which may lead into another world than
//! the one whose endpoint the client came to.

use std::future::Future;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use mailward_access::{Authenticator, Entry, Peer};
use mailward_mail::time::Waiting;
use mailward_mail::{Clock, Secret, Timestamp};
use mailward_mailbox::Mailboxes;
use mailward_net::Stream;
use tokio::sync::Notify;

use super::{Worlds, of_host, split_user};
use crate::door::Door;
use crate::seed::Protocol;
use crate::sessions;
use crate::world::World;

/// A door of the world it is in: that of its endpoint, then the one that the
/// client named by server name or user.
#[derive(Clone, Debug)]
pub(crate) struct SessionDoor {
    worlds: Worlds,
    here: Door,
    mailboxes: Mailboxes,
    elsewhere: Arc<OnceLock<Door>>,
    /// Told when the session goes elsewhere.
    left: Arc<Notify>,
    /// Why the world that the server name stands for is none.
    no_world: Option<String>,
}

impl SessionDoor {
    pub(crate) fn new(worlds: &Worlds, world: &World, protocol: Protocol) -> Self {
        Self {
            worlds: worlds.clone(),
            here: world.door(protocol),
            mailboxes: world.deliveries.mailboxes.clone(),
            elsewhere: Arc::default(),
            left: Arc::default(),
            no_world: None,
        }
    }

    /// The same door for one client, and the mailboxes behind it.
    pub(crate) fn for_session(&self, stream: &Stream) -> (Self, Mailboxes) {
        let mut door = Self {
            mailboxes: self.mailboxes.for_session(),
            elsewhere: Arc::default(),
            left: Arc::default(),
            ..self.clone()
        };
        let server_name = stream.tls().and_then(|facts| facts.server_name);
        if let Some(world) = server_name.as_deref().and_then(of_host) {
            match self.worlds.named(world) {
                Ok(world) => {
                    take_along(&world);
                    door.here = world.door(self.protocol);
                    door.mailboxes = world.deliveries.mailboxes.for_session();
                }
                Err(error) => door.no_world = Some(error.to_string()),
            }
        }
        let mailboxes = door.mailboxes.clone();
        (door, mailboxes)
    }

    /// The clock of the world that the session is in.
    pub(crate) fn session_clock(&self) -> Arc<dyn Clock> {
        Arc::new(SessionClock(self.clone()))
    }

    /// Completes when the session has to end: its listener drains, or the world
    /// that it is in is closing.
    pub(crate) async fn closing(&self, drain: impl Future<Output = ()>) {
        let world_closes = async {
            loop {
                let closing = self.closing.clone();
                tokio::select! {
                    () = closing.begun() => return,
                    () = self.left.notified() => {}
                }
            }
        };
        tokio::select! {
            () = drain => {}
            () = world_closes => {}
        }
    }

    /// The world that the user names, if it is another one.
    fn choose(&self, user: &str, world: Option<&str>) -> Result<Option<(Door, Mailboxes)>, Entry> {
        let refuse = |why: String| {
            self.here.refused(user, &why, None);
            Entry::Refused { text: Some(why) }
        };
        let Some(world) = world else {
            return match &self.no_world {
                Some(why) => Err(refuse(why.clone())),
                None => Ok(None),
            };
        };
        match self.worlds.named(world) {
            Ok(world) => {
                take_along(&world);
                let door = world.door(self.protocol);
                Ok(Some((door, world.deliveries.mailboxes)))
            }
            Err(error) => Err(refuse(error.to_string())),
        }
    }

    /// Who is let in stays in that world.
    fn go(&self, entry: Entry, door: Door, mailboxes: &Mailboxes) -> Entry {
        if matches!(entry, Entry::Open { .. }) {
            self.mailboxes.go_to(mailboxes);
            let _ = self.elsewhere.set(door);
            self.left.notify_one();
        }
        entry
    }
}

/// What the session suffers and says is of that world from now on.
fn take_along(world: &World) {
    if let Some(line) = sessions::current() {
        world.sessions.welcome(&line, None);
    }
}

impl Authenticator for SessionDoor {
    async fn login(&self, _peer: &Peer, user: &str, password: &Secret) -> Entry {
        let (user, world) = split_user(user);
        match self.choose(user, world) {
            Ok(Some((door, mailboxes))) => {
                let entry = door.login(user, password).await;
                self.go(entry, door, &mailboxes)
            }
            Ok(None) => self.here.login(user, password).await,
            Err(refused) => refused,
        }
    }

    async fn authenticate_xoauth2(&self, _peer: &Peer, user: &str, token: &Secret) -> Entry {
        let (user, world) = split_user(user);
        match self.choose(user, world) {
            Ok(Some((door, mailboxes))) => {
                let entry = door.bearer(user, token).await;
                self.go(entry, door, &mailboxes)
            }
            Ok(None) => self.here.bearer(user, token).await,
            Err(refused) => refused,
        }
    }

    fn still_open(&self, mailbox: &str) -> bool {
        Door::still_open(self, mailbox)
    }

    async fn shut(&self, mailbox: &str) {
        Door::shut(self, mailbox).await;
    }
}

impl Deref for SessionDoor {
    type Target = Door;

    fn deref(&self) -> &Door {
        self.elsewhere.get().unwrap_or(&self.here)
    }
}

/// Of whichever world the session is in when it is asked.
#[derive(Debug)]
struct SessionClock(SessionDoor);

impl Clock for SessionClock {
    fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    fn steady(&self) -> Duration {
        self.0.clock.steady()
    }

    fn wait_until(&self, moment: Timestamp) -> Waiting {
        self.0.clock.wait_until(moment)
    }

    fn wait(&self, duration: Duration) -> Waiting {
        self.0.clock.wait(duration)
    }
}
