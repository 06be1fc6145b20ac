//! What a session knows, and what it does with each event.

use std::sync::Arc;
use std::time::Duration;

use mailward_mailbox::MailboxError;
use mailward_wire::imap::Credentials;
use mailward_wire::pop3::server::put_response;
use mailward_wire::pop3::{Command, Event, Server, ServerWords, State};
use tokio::io::AsyncWrite;

use crate::door::{Authenticator as _, Entry, Instead, Peer};
use crate::hear::Patience;
use crate::output::Output;
use crate::pop3::host::Host;
use crate::pop3::maildrop::{Maildrop, NoMessage};
use crate::pop3::profile::Profile;
use crate::pop3::serve::{End, Pop3};

/// Lines of a list that are made at once.
const BATCH_LINES: usize = 1000;

pub(super) struct Session<'a, H, W> {
    pub(super) pop3: &'a Pop3<H>,
    peer: Peer,
    pub(super) profile: Arc<Profile>,
    pub(super) server: Server,
    pub(super) out: Output<W>,
    maildrop: Option<Maildrop>,
    refusals: u32,
    errors: u32,
}

impl<'a, H: Host, W: AsyncWrite + Unpin + Send> Session<'a, H, W> {
    pub(super) fn new(pop3: &'a Pop3<H>, writer: W, peer: Peer) -> Self {
        let profile = pop3.host.profile();
        let words = &profile.words;
        let server_words = ServerWords {
            bad_command: words.bad_command.clone(),
            bad_arguments: words.bad_arguments.clone(),
            wrong_state: words.wrong_state.clone(),
            too_long: words.too_long.clone(),
            no_mechanism: words.no_mechanism.clone(),
            cancelled: words.cancelled.clone(),
            user: words.user.clone(),
            no_initial_response: words.no_initial_response.clone(),
        };
        Self {
            pop3,
            peer,
            server: Server::new(profile.limits.line_octets_max, server_words),
            out: Output::new(
                writer,
                Arc::clone(&pop3.clock),
                profile.limits.write_timeout,
            ),
            profile,
            maildrop: None,
            refusals: 0,
            errors: 0,
        }
    }

    pub(super) fn greet(&mut self) {
        self.put_ok(&self.profile.greeting.clone());
    }

    pub(super) async fn event(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Bad => {
                self.errors += 1;
                if self.errors > self.profile.limits.errors_max {
                    return Err(End::TooManyErrors);
                }
                return Ok(());
            }
            event => match self.pop3.host.instead(event.command_name()) {
                Some(instead) => self.answer_instead(instead).await?,
                None => self.act(event).await?,
            },
        }
        self.errors = 0;
        self.server.complete();
        Ok(())
    }

    async fn act(&mut self, event: Event) -> Result<(), End> {
        match event {
            Event::Bad => Ok(()),
            Event::Credentials(credentials) => self.enter(credentials).await,
            Event::Command(command) => self.command(command).await,
        }
    }

    /// Leaves the command undone.
    async fn answer_instead(&mut self, instead: Instead) -> Result<(), End> {
        match instead {
            Instead::No(text) | Instead::Bad(text) => self.err(&text).await,
            Instead::Bye(text) => {
                self.err(&text).await?;
                Err(End::Dismissed)
            }
        }
    }

    pub(super) fn patience(&self) -> Patience {
        let limits = &self.profile.limits;
        match self.server.state() {
            State::Authorization => Patience {
                silence: limits.idle_before_login,
                altogether: limits.login_within,
            },
            State::Transaction => Patience {
                silence: limits.idle_after_login,
                altogether: Duration::MAX,
            },
        }
    }

    async fn command(&mut self, command: Command) -> Result<(), End> {
        self.look_again()?;
        match command {
            Command::Capa => {
                let lines = self.profile.capabilities.clone();
                self.list(lines.into_iter()).await
            }
            Command::Auth { .. } => {
                let lines = self.profile.mechanisms.clone();
                self.list(lines.into_iter()).await
            }
            Command::Stat => {
                let (count, octets) = self.maildrop()?.stat();
                self.ok(&format!("{count} {octets}")).await
            }
            Command::List(number) => self.scan(number, |_, item| item.octets().to_string()).await,
            Command::Uidl(number) => {
                self.scan(number, |maildrop, item| maildrop.unique_id(item.uid))
                    .await
            }
            Command::Retr(number) => self.retrieve(number, None).await,
            Command::Top { number, lines } => self.retrieve(number, Some(lines)).await,
            Command::Dele(number) => match self.maildrop()?.delete(number) {
                Ok(()) => self.done().await,
                Err(none) => self.no_message(none).await,
            },
            Command::Rset => {
                self.maildrop()?.reset();
                self.done().await
            }
            Command::Noop => self.done().await,
            Command::Quit => self.quit().await,
            // Those that sign in come as credentials.
            Command::User(_) | Command::Pass(_) => Ok(()),
        }
    }

    async fn enter(&mut self, credentials: Credentials) -> Result<(), End> {
        let door = self.pop3.host.authenticator();
        let entry = match &credentials {
            // Nobody acts as somebody else here.
            Credentials::Plain {
                authorization,
                user,
                ..
            } if !authorization.is_empty() && authorization != user => {
                Entry::Refused { text: None }
            }
            Credentials::Login { user, password } | Credentials::Plain { user, password, .. } => {
                door.login(&self.peer, user, password).await
            }
            Credentials::XOAuth2 { user, token } => {
                door.authenticate_xoauth2(&self.peer, user, token).await
            }
        };
        let words = &self.profile.words;
        let by_pass = matches!(credentials, Credentials::Login { .. });
        let (welcome, refusal) = match by_pass {
            true => (&words.logged_in, &words.login_failed),
            false => (&words.authenticated, &words.authentication_failed),
        };
        let (welcome, refusal) = (welcome.clone(), refusal.clone());
        match entry {
            Entry::Open { mailbox, permit } => self.open(&mailbox, permit, &welcome).await,
            Entry::Refused { text } => self.refuse(&text.unwrap_or(refusal)).await,
            Entry::NotConnected => self.refuse(&refusal).await,
        }
    }

    async fn open(
        &mut self,
        mailbox: &str,
        permit: Box<dyn std::any::Any + Send + Sync>,
        welcome: &str,
    ) -> Result<(), End> {
        let Some(lock) = self.pop3.locks.take(&self.pop3.mailboxes, mailbox) else {
            self.pop3.host.in_use(mailbox);
            return self.refuse(&self.profile.words.in_use.clone()).await;
        };
        match Maildrop::open(&self.pop3.mailboxes, lock, permit).await {
            Ok(maildrop) => {
                self.maildrop = Some(maildrop);
                self.server.enter();
                self.ok(welcome).await
            }
            Err(error) => self.unavailable(&error).await,
        }
    }

    async fn refuse(&mut self, text: &str) -> Result<(), End> {
        self.err(text).await?;
        self.refusals += 1;
        if self.refusals >= self.profile.limits.logins_max {
            return Err(End::Refused);
        }
        Ok(())
    }

    /// QUIT after signing in is the update state (RFC 1939 section 6).
    async fn quit(&mut self) -> Result<(), End> {
        let removed = match &mut self.maildrop {
            Some(maildrop) => maildrop.update(&self.pop3.mailboxes).await,
            None => Ok(()),
        };
        let words = &self.profile.words;
        match removed {
            Ok(()) => self.ok(&words.signing_off.clone()).await?,
            Err(error) => {
                tracing::warn!(%error, "deleted messages of a maildrop were not removed");
                self.err(&words.not_removed.clone()).await?;
            }
        }
        Err(End::Quit)
    }

    /// LIST and UIDL: of one message on the status line, of all below it.
    async fn scan(
        &mut self,
        number: Option<u32>,
        show: impl Fn(&Maildrop, &mailward_mailbox::Item) -> String,
    ) -> Result<(), End> {
        let maildrop = self.maildrop()?;
        match number.map(|number| (number, maildrop.get(number))) {
            Some((number, Ok(item))) => {
                let line = format!("{number} {}", show(maildrop, item));
                self.ok(&line).await
            }
            Some((_, Err(none))) => self.no_message(none).await,
            None => {
                self.put_ok(&self.profile.words.done.clone());
                let mut next = 0;
                loop {
                    let maildrop = self.maildrop()?;
                    let batch = maildrop.listed_from(next).take(BATCH_LINES);
                    let lines: Vec<(usize, String)> = batch
                        .map(|(number, item)| (number, show(maildrop, item)))
                        .collect();
                    let Some((last, _)) = lines.last() else { break };
                    next = *last;
                    for (number, line) in lines {
                        self.put_line(&format!("{number} {line}")).await?;
                    }
                }
                self.put_line(".").await
            }
        }
    }

    /// `+OK`, lines and a dot.
    async fn list(&mut self, lines: impl Iterator<Item = String>) -> Result<(), End> {
        self.put_ok(&self.profile.words.done.clone());
        for line in lines {
            self.put_line(&line).await?;
        }
        self.put_line(".").await
    }

    async fn put_line(&mut self, line: &str) -> Result<(), End> {
        self.out.buffer.extend_from_slice(line.as_bytes());
        self.out.buffer.extend_from_slice(b"\r\n");
        Ok(self.out.breathe().await?)
    }

    /// Ends a session that may not go on.
    fn look_again(&mut self) -> Result<(), End> {
        match &self.maildrop {
            Some(maildrop) if !self.pop3.host.authenticator().still_open(maildrop.owner()) => {
                Err(End::Closed)
            }
            _ => Ok(()),
        }
    }

    /// Commands that need a maildrop are only let through when there is one.
    pub(super) fn maildrop(&mut self) -> Result<&mut Maildrop, End> {
        self.maildrop.as_mut().ok_or(End::Closed)
    }

    pub(super) async fn no_message(&mut self, none: NoMessage) -> Result<(), End> {
        let words = &self.profile.words;
        let text = match none {
            NoMessage::None => words.no_message.clone(),
            NoMessage::Deleted => words.deleted.clone(),
        };
        self.err(&text).await
    }

    pub(super) async fn unavailable(&mut self, error: &MailboxError) -> Result<(), End> {
        tracing::warn!(%error, "a maildrop could not be read");
        self.err(&self.profile.words.unavailable.clone()).await
    }

    async fn done(&mut self) -> Result<(), End> {
        self.ok(&self.profile.words.done.clone()).await
    }

    async fn ok(&mut self, text: &str) -> Result<(), End> {
        self.put_ok(text);
        Ok(self.out.breathe().await?)
    }

    pub(super) async fn err(&mut self, text: &str) -> Result<(), End> {
        put_response(&mut self.out.buffer, "-ERR", text);
        Ok(self.out.breathe().await?)
    }

    pub(super) fn put_ok(&mut self, text: &str) {
        put_response(&mut self.out.buffer, "+OK", text);
    }

    /// The last words, where there is still somebody to hear them, and the
    /// marks of what was read. Deletions count at QUIT alone.
    pub(super) async fn farewell(&mut self, end: &End) {
        if self.profile.marks_seen
            && let Some(maildrop) = &self.maildrop
            && let Err(error) = maildrop.mark_seen().await
        {
            tracing::warn!(%error, "retrieved messages could not be marked");
        }
        // The next client may come as soon as it hears of the end.
        self.maildrop = None;
        let words = &self.profile.words;
        let text = match end {
            End::Quit | End::Dismissed | End::ClientGone | End::Unreadable(_) | End::Protocol => {
                None
            }
            End::Idle => Some(&words.idle_too_long),
            End::Draining => Some(&words.shutting_down),
            End::Refused => None,
            End::Closed => Some(&words.closed),
            End::TooManyErrors => Some(&words.too_many_errors),
        };
        if let Some(text) = text {
            put_response(&mut self.out.buffer, "-ERR", text);
        }
        self.out.close().await;
    }
}
