//! The door of one IMAP or POP session, which may lead into another world than
//! the one whose endpoint the client came to.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use mailward_access::{Authenticator, Entry, Peer};
use mailward_mail::Secret;
use mailward_mailbox::Mailboxes;
use mailward_net::Stream;

use super::{Worlds, of_host, split_user};
use crate::door::Door;
use crate::seed::Protocol;
use crate::world::World;

/// A door of the world it is in: that of its endpoint, then the one that the
/// client named by server name or user.
#[derive(Clone, Debug)]
pub(crate) struct SessionDoor {
    worlds: Worlds,
    here: Door,
    mailboxes: Mailboxes,
    elsewhere: Arc<OnceLock<Door>>,
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
            no_world: None,
        }
    }

    /// The same door for one client, and the mailboxes behind it.
    pub(crate) fn for_session(&self, stream: &Stream) -> (Self, Mailboxes) {
        let mut door = Self {
            mailboxes: self.mailboxes.for_session(),
            elsewhere: Arc::default(),
            ..self.clone()
        };
        let server_name = stream.tls().and_then(|facts| facts.server_name);
        if let Some(world) = server_name.as_deref().and_then(of_host) {
            match self.worlds.named(world) {
                Ok(world) => {
                    door.here = world.door(self.protocol);
                    door.mailboxes = world.deliveries.mailboxes.for_session();
                }
                Err(error) => door.no_world = Some(error.to_string()),
            }
        }
        let mailboxes = door.mailboxes.clone();
        (door, mailboxes)
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
            Ok(world) => Ok(Some((
                world.door(self.protocol),
                world.deliveries.mailboxes,
            ))),
            Err(error) => Err(refuse(error.to_string())),
        }
    }

    /// Who is let in stays in that world.
    fn go(&self, entry: Entry, door: Door, mailboxes: &Mailboxes) -> Entry {
        if matches!(entry, Entry::Open { .. }) {
            self.mailboxes.go_to(mailboxes);
            let _ = self.elsewhere.set(door);
        }
        entry
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
}

impl Deref for SessionDoor {
    type Target = Door;

    fn deref(&self) -> &Door {
        self.elsewhere.get().unwrap_or(&self.here)
    }
}
