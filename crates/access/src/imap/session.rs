//! What a session knows, and what it does with each event.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::Timestamp;
use mailward_mailbox::{Flags, FolderName, MailboxError, Uid};
use mailward_mailbox::{Folder, MessageWriter, View};
use mailward_wire::imap::write::{Status, put_status};
use mailward_wire::imap::{Dialect, Event, Server, ServerWords, State};
use tokio::io::AsyncWrite;

use crate::door::{Instead, Peer};
use crate::hear::Patience;
use crate::imap::body::BodyCursor;
use crate::imap::enable::Enabled;
use crate::imap::host::Host;
use crate::imap::idle::Idling;
use crate::imap::profile::Profile;
use crate::imap::serve::{End, Imap};
use crate::mime::Armour;
use crate::output::Output;

pub(crate) struct Session<'a, H, W> {
    pub(crate) imap: &'a Imap<H>,
    pub(crate) peer: Peer,
    pub(crate) profile: Arc<Profile>,
    pub(crate) server: Server,
    pub(crate) out: Output<W>,
    pub(crate) entered: Entered,
    pub(crate) selected: Option<Selected>,
    pub(crate) appending: Option<Appending>,
    pub(crate) idling: Option<Idling>,
    pub(crate) cursor: Option<BodyCursor>,
    pub(crate) enabled: Enabled,
    /// What the last search with SAVE found, ascending (RFC 5182).
    pub(crate) saved: Vec<Uid>,
    /// The mailbox's keywords that the client was told of.
    pub(crate) keywords: Vec<String>,
    pub(crate) refusals: u32,
    errors: u32,
}

/// How far the client has come in.
pub(crate) enum Entered {
    No,
    Mailbox {
        owner: String,
        /// Dropped with the session.
        _permit: Box<dyn Any + Send + Sync>,
    },
    /// Signed in, but there is no mailbox: how many commands were refused.
    NotConnected {
        refused: u32,
    },
}

/// The selected folder.
pub(crate) struct Selected {
    pub(crate) folder: Folder,
    pub(crate) view: View,
    pub(crate) read_only: bool,
    /// The end of the command says how far a client with QRESYNC is.
    pub(crate) standing_due: bool,
}

impl Selected {
    /// The mod-sequence up to which the client knows everything.
    pub(crate) fn highest_modseq(&self) -> u64 {
        modseq(self.view.settled_change())
    }
}

/// The mod-sequence of a change: they start at 1, changes at 0 (RFC 7162
/// section 7).
pub(crate) fn modseq(change: u64) -> u64 {
    change.saturating_add(1)
}

/// A message that is coming in.
pub(crate) struct Appending {
    pub(crate) folder: FolderName,
    pub(crate) flags: Flags,
    pub(crate) internal_date: Timestamp,
    /// Of a message that comes as a binary literal.
    pub(crate) armour: Option<Armour>,
    /// What went wrong on the way is answered at the end.
    pub(crate) writer: Result<MessageWriter, MailboxError>,
}

/// The answer to a command: an OK, NO or BAD with an optional code.
pub(crate) struct Answer {
    pub(crate) status: Status,
    pub(crate) code: Option<String>,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn no(text: &str) -> Self {
        Self {
            status: Status::No,
            code: None,
            text: text.to_owned(),
        }
    }

    pub(crate) fn bad(text: &str) -> Self {
        Self {
            status: Status::Bad,
            ..Self::no(text)
        }
    }

    pub(crate) fn with_code(self, code: impl Into<String>) -> Self {
        Self {
            code: Some(code.into()),
            ..self
        }
    }
}

impl<'a, H: Host, W: AsyncWrite + Unpin + Send> Session<'a, H, W> {
    pub(crate) fn new(imap: &'a Imap<H>, writer: W, peer: Peer) -> Self {
        let profile = imap.host.profile();
        let words = &profile.words;
        let server_words = ServerWords {
            bad_command: words.bad_command.clone(),
            bad_arguments: words.bad_arguments.clone(),
            wrong_state: words.wrong_state.clone(),
            too_long: words.too_long.clone(),
            continue_literal: words.continue_literal.clone(),
            continue_authenticate: words.continue_authenticate.clone(),
            continue_idle: words.continue_idle.clone(),
        };
        let mut server = Server::new(profile.limits.command_octets_max, server_words);
        server.speak(Dialect {
            extended: profile.extended,
            utf8_names: false,
        });
        Self {
            imap,
            peer,
            server,
            out: Output::new(
                writer,
                Arc::clone(&imap.clock),
                profile.limits.write_timeout,
            ),
            profile,
            entered: Entered::No,
            selected: None,
            appending: None,
            idling: None,
            cursor: None,
            enabled: Enabled::default(),
            saved: Vec::new(),
            keywords: Vec::new(),
            refusals: 0,
            errors: 0,
        }
    }

    pub(crate) fn greet(&mut self) {
        let own = self.imap.host.greeting();
        let text = own.as_deref().unwrap_or(&self.profile.greeting);
        put_status(&mut self.out.buffer, "*", Status::Ok, None, text);
    }

    pub(crate) async fn event(&mut self, event: Event) -> Result<(), End> {
        let is_command = matches!(
            event,
            Event::Command(_) | Event::Credentials(_) | Event::Append(_)
        );
        if is_command && let Some(instead) = self.imap.host.instead(self.server.command_name()) {
            return self.answer_instead(&event, instead);
        }
        match event {
            Event::Command(command) => self.command(command).await,
            Event::Credentials(credentials) => self.enter(credentials).await,
            Event::Append(append) => {
                self.append_begins(append).await;
                Ok(())
            }
            Event::AppendChunk(chunk) => {
                self.append_chunk(&chunk);
                Ok(())
            }
            Event::AppendEnd => self.append_ends().await,
            Event::AppendBroken => {
                self.appending = None;
                Ok(())
            }
            Event::IdleDone => self.idle_ends().await,
            Event::Bad => {
                self.idling = None;
                Ok(())
            }
            Event::Endless => Err(End::EndlessCommand),
        }
    }

    /// Leaves the command undone.
    fn answer_instead(&mut self, event: &Event, instead: Instead) -> Result<(), End> {
        let answer = match instead {
            Instead::No(text) => Answer::no(&text),
            Instead::Bad(text) => Answer::bad(&text),
            Instead::Bye(text) => {
                self.out.untagged(&format!("BYE {text}"));
                return Err(End::Dismissed);
            }
        };
        if matches!(event, Event::Append(_)) {
            self.server.refuse_append(answer.status, None, &answer.text);
        } else {
            self.complete(&answer);
        }
        Ok(())
    }

    /// Ends the open command.
    pub(crate) fn complete(&mut self, answer: &Answer) {
        self.server.complete(
            &mut self.out.buffer,
            answer.status,
            answer.code.as_deref(),
            &answer.text,
        );
    }

    /// `OK … completed.`
    pub(crate) fn completed(&self) -> Answer {
        Answer {
            status: Status::Ok,
            ..Answer::no(&self.profile.words.completed(self.server.command_name()))
        }
    }

    /// `NO … failed.`
    pub(crate) fn failed(&self) -> Answer {
        Answer::no(&self.profile.words.failed(self.server.command_name()))
    }

    /// The client's mailbox. Commands that need one are only let through when
    /// there is one.
    pub(crate) fn owner(&self) -> String {
        match &self.entered {
            Entered::Mailbox { owner, .. } => owner.clone(),
            _ => String::new(),
        }
    }

    pub(crate) fn patience(&self) -> Patience {
        let limits = &self.profile.limits;
        if self.server.state() == State::NotAuthenticated {
            Patience {
                silence: limits.idle_before_login,
                altogether: limits.login_within,
            }
        } else {
            Patience {
                silence: limits.idle_after_login,
                altogether: Duration::MAX,
            }
        }
    }

    pub(crate) fn count_errors(&mut self, is_bad: bool) -> Result<(), End> {
        self.errors = if is_bad { self.errors + 1 } else { 0 };
        if self.errors > self.profile.limits.errors_max {
            return Err(End::TooManyErrors);
        }
        Ok(())
    }

    /// The last words, where there is still somebody to hear them.
    pub(crate) async fn farewell(&mut self, end: &End) {
        let words = &self.profile.words;
        let text = match end {
            // They were answered with a BYE of their own.
            End::LoggedOut | End::Dismissed | End::ClientGone | End::Unreadable(_) => None,
            End::Idle => Some(&words.idle_too_long),
            End::Draining => Some(&words.shutting_down),
            End::Refused | End::NotConnected => Some(&words.closed),
            End::TooManyErrors => Some(&words.too_many_errors),
            End::EndlessCommand => Some(&words.too_long),
        };
        if let Some(text) = text {
            let line = format!("BYE {text}");
            self.out.untagged(&line);
        }
        self.out.close().await;
    }
}
