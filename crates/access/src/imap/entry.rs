//! LOGIN and AUTHENTICATE, and the half-open door behind them.

use mailward_wire::imap::{Command, Credentials, State};
use tokio::io::AsyncWrite;

use crate::door::{Authenticator as _, Entry};
use crate::imap::host::Host;
use crate::imap::serve::End;
use crate::imap::session::{Answer, Entered, Session};

/// Commands that a session without a mailbox may try: one is answered, the
/// next ends it.
const NOT_CONNECTED_COMMANDS_MAX: u32 = 1;

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn enter(&mut self, credentials: Credentials) -> Result<(), End> {
        let door = self.imap.host.authenticator();
        let entry = match &credentials {
            Credentials::Login { user, password } => door.login(&self.peer, user, password).await,
            // Nobody acts as somebody else here.
            Credentials::Plain {
                authorization,
                user,
                ..
            } if !authorization.is_empty() && authorization != user => {
                Entry::Refused { text: None }
            }
            Credentials::Plain { user, password, .. } => {
                door.login(&self.peer, user, password).await
            }
            Credentials::XOAuth2 { user, token } => {
                door.authenticate_xoauth2(&self.peer, user, token).await
            }
        };
        match entry {
            Entry::Open { mailbox, permit } => {
                self.entered = Entered::Mailbox {
                    owner: mailbox,
                    _permit: permit,
                };
                self.server.enter(State::Authenticated);
                self.complete(&self.completed());
            }
            Entry::NotConnected => {
                self.entered = Entered::NotConnected { refused: 0 };
                self.server.enter(State::Authenticated);
                self.complete(&self.completed());
            }
            Entry::Refused { text } => {
                let answer = text.map_or_else(|| self.failed(), |text| Answer::no(&text));
                self.complete(&answer);
                self.refusals += 1;
                if self.refusals >= self.profile.limits.logins_max {
                    return Err(End::Refused);
                }
            }
        }
        Ok(())
    }

    /// Takes the mailbox from a session that may not go on.
    pub(crate) fn look_again(&mut self) {
        if let Entered::Mailbox { owner, .. } = &self.entered
            && !self.imap.host.authenticator().still_open(owner)
        {
            self.entered = Entered::NotConnected { refused: 0 };
            self.selected = None;
        }
    }

    /// Answers a command of a session that has no mailbox, and says so.
    pub(crate) fn turned_away(&mut self, command: Option<&Command>) -> Result<bool, End> {
        self.look_again();
        let Entered::NotConnected { refused } = &mut self.entered else {
            return Ok(false);
        };
        if matches!(command, Some(Command::Logout)) {
            return Ok(false);
        }
        *refused += 1;
        let last = *refused > NOT_CONNECTED_COMMANDS_MAX;
        let text = self.profile.words.not_connected.clone();
        self.complete(&Answer::bad(&text));
        if last {
            return Err(End::NotConnected);
        }
        Ok(true)
    }
}
