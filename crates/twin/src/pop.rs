//! The POP door of the twin, in Exchange's words.

use std::sync::Arc;

use mailward_access::pop3::{Host, Pop3, Profile, Words};
use mailward_access::{Instead, Peer};
use mailward_net::Stream;

use crate::behaviour;
use crate::door::Sessions;
use crate::names::greeting_bracket;
use crate::worlds::SessionDoor;

/// The service behind POP sessions.
#[derive(Debug)]
pub(crate) struct PopDoor {
    pub(crate) door: SessionDoor,
    pub(crate) profile: Arc<Profile>,
}

/// How the service looks. Its words have not changed between the transcripts
/// of 2016 and of 2026 that were seen.
pub(crate) fn profile() -> Profile {
    let text = str::to_owned;
    let plain = Profile::plain();
    Profile {
        greeting: format!(
            "The Microsoft Exchange POP3 service is ready. [{}]",
            greeting_bracket()
        ),
        capabilities: ["TOP", "UIDL", "SASL PLAIN XOAUTH2", "USER"]
            .map(text)
            .to_vec(),
        marks_seen: true,
        words: Words {
            // Seen where AUTH came with an initial response; documented is
            // that XOAUTH2 takes two lines.
            no_initial_response: Some(text("Protocol error. Connection is closed. 10")),
            bad_command: text("Protocol error. 14"),
            bad_arguments: text("Protocol error. 14"),
            too_long: text("Protocol error. 14"),
            no_mechanism: text("Protocol error. 14"),
            cancelled: text("Authentication cancelled."),
            login_failed: text("Logon failure: unknown user name or bad password."),
            authentication_failed: text(
                "Authentication failure: unknown user name or bad password.",
            ),
            in_use: text("Mailbox is locked by another session."),
            unavailable: text("The mailbox is temporarily unavailable."),
            no_message: text("The specified message is out of range."),
            deleted: text("The specified message has been deleted."),
            signing_off: text("Microsoft Exchange Server POP3 server signing off."),
            closed: text("Connection is closed. 14"),
            idle_too_long: text("Connection is closed. 13"),
            shutting_down: text("Connection is closed. 15"),
            too_many_errors: text("Protocol error. Connection is closed. 10"),
            ..plain.words
        },
        ..plain
    }
}

impl Host for PopDoor {
    type Authenticator = SessionDoor;

    fn authenticator(&self) -> &SessionDoor {
        &self.door
    }

    fn profile(&self) -> Arc<Profile> {
        Arc::clone(&self.profile)
    }

    fn in_use(&self, mailbox: &str) {
        self.door.events.punish(
            self.door.name(),
            "refused",
            Some(mailbox),
            "another POP session has the mailbox open",
            behaviour::MAILDROP_IN_USE,
        );
    }

    fn instead(&self, command: &str) -> Option<Instead> {
        self.door.instead(command)
    }
}

impl Sessions for Pop3<PopDoor> {
    async fn serve(&self, stream: Stream, peer: Peer, drain: impl Future<Output = ()> + Send) {
        let (door, mailboxes) = self.host().door.for_session(&stream);
        let door = PopDoor {
            door,
            profile: Arc::clone(&self.host().profile),
        };
        let (clock, here) = (door.door.session_clock(), door.door.clone());
        let session = self.beside(Arc::new(door), mailboxes, clock);
        let end = Pop3::serve(&session, stream, peer, here.closing(drain)).await;
        tracing::debug!(%end, "a POP session ended");
    }
}
