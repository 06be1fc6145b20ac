//! Which command is served where.

use mailward_mailbox::{FolderName, MailboxError};
use mailward_wire::imap::write::{Status, put_string};
use mailward_wire::imap::{Command, MailboxName, State};
use tokio::io::AsyncWrite;

use crate::imap::fetch::Fetch;
use crate::imap::host::Host;
use crate::imap::serve::End;
use crate::imap::session::{Answer, Entered, Session};
use crate::imap::store::Store;
use crate::imap::updates::Expunges;

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn command(&mut self, command: Command) -> Result<(), End> {
        if self.turned_away(Some(&command))? {
            return Ok(());
        }
        // Numbers must not shift under commands that speak of them (RFC 3501
        // section 7.4.1), and so that nothing depends on which form a client
        // prefers, not under the UID forms either.
        let expunges = match &command {
            Command::Fetch { .. }
            | Command::Store { .. }
            | Command::Search { .. }
            | Command::Sort { .. }
            | Command::Thread { .. } => Expunges::Wait,
            _ => Expunges::Tell,
        };
        let answer = match command {
            Command::Capability => {
                let names = if self.server.state() == State::NotAuthenticated {
                    &self.profile.capability_before_login
                } else {
                    &self.profile.capability_after_login
                };
                let line = format!("CAPABILITY {names}");
                self.out.untagged(&line);
                Ok(self.completed())
            }
            Command::Logout => {
                let line = format!("BYE {}", self.profile.words.logout);
                self.out.untagged(&line);
                self.complete(&self.completed());
                return Err(End::LoggedOut);
            }
            Command::Id(_) => {
                self.put_id();
                Ok(self.completed())
            }
            Command::Namespace => {
                self.out.untagged(r#"NAMESPACE (("" "/")) NIL NIL"#);
                Ok(self.completed())
            }
            Command::Idle => return self.idle_begins().await,
            Command::Noop | Command::Check => Ok(self.completed()),
            // A mechanism that is none of ours, or an extension not offered.
            Command::Authenticate { .. } | Command::Login { .. } => Ok(self.failed()),
            Command::Enable(names) => Ok(self.enable(&names)),
            Command::Select(opening) => self.select(&opening, false).await?,
            Command::Examine(opening) => self.select(&opening, true).await?,
            Command::Create(name) => self.create(&name).await,
            Command::Delete(name) => self.delete(&name).await,
            Command::Rename { from, to } => self.rename(&from, &to).await,
            Command::Subscribe(name) => self.subscribe(&name, true).await,
            Command::Unsubscribe(name) => self.subscribe(&name, false).await,
            Command::List(listing) => self.list(&listing).await,
            Command::Lsub { reference, pattern } => self.lsub(&reference, &pattern).await,
            Command::Status { mailbox, items } => self.status(&mailbox, &items).await,
            Command::Close => self.close().await,
            Command::Unselect => {
                self.leave();
                Ok(self.completed())
            }
            Command::Expunge(set) => self.expunge(set.as_ref()).await,
            Command::Search { by_uid, search } => Box::pin(self.search(by_uid, search)).await?,
            Command::Sort {
                by_uid,
                criteria,
                search,
            } => Box::pin(self.sort(by_uid, &criteria, search)).await?,
            Command::Thread { by_uid, search } => Box::pin(self.thread(by_uid, search)).await?,
            Command::Fetch {
                by_uid,
                set,
                items,
                changed_since,
                vanished,
            } => {
                let fetch = Fetch {
                    by_uid,
                    set,
                    items,
                    changed_since,
                    vanished,
                };
                Box::pin(self.fetch(fetch)).await?
            }
            Command::Store {
                by_uid,
                set,
                mode,
                silent,
                flags,
                unchanged_since,
            } => {
                let store = Store {
                    by_uid,
                    set,
                    mode,
                    silent,
                    flags,
                    unchanged_since,
                };
                self.store(&store).await
            }
            Command::GetQuota(root) => self.quota(&root).await,
            Command::GetQuotaRoot(mailbox) => self.quota_root(&mailbox).await,
            // The Local Administrator's to set, not the user's.
            Command::SetQuota(_) => Ok(self.failed().with_code("NOPERM")),
            Command::Copy {
                by_uid,
                set,
                mailbox,
            } => self.copy(by_uid, &set, &mailbox, false).await,
            Command::Move {
                by_uid,
                set,
                mailbox,
            } => self.copy(by_uid, &set, &mailbox, true).await,
        };
        let answer = answer.unwrap_or_else(|error| self.refusal(&error));
        self.finish(answer, expunges).await
    }

    /// Tells what others did, then ends the command.
    pub(crate) async fn finish(
        &mut self,
        mut answer: Answer,
        expunges: Expunges,
    ) -> Result<(), End> {
        self.tell_updates(expunges).await?;
        if let Some(standing) = self.standing() {
            if answer.status == Status::Ok && answer.code.is_none() {
                answer.code = Some(standing);
            } else {
                self.out.untagged(&format!("OK [{standing}] Highest"));
            }
        }
        self.complete(&answer);
        Ok(self.out.breathe().await?)
    }

    fn put_id(&mut self) {
        let fields = &self.profile.id;
        let out = &mut self.out.buffer;
        out.extend_from_slice(b"* ID ");
        if fields.is_empty() {
            out.extend_from_slice(b"NIL");
        }
        for (index, (name, value)) in fields.iter().enumerate() {
            out.push(if index == 0 { b'(' } else { b' ' });
            put_string(out, name.as_bytes());
            out.push(b' ');
            put_string(out, value.as_bytes());
        }
        if !fields.is_empty() {
            out.push(b')');
        }
        out.extend_from_slice(b"\r\n");
    }

    /// What the client is told of an error, which discloses nothing.
    pub(crate) fn refusal(&self, error: &MailboxError) -> Answer {
        let words = &self.profile.words;
        match error {
            MailboxError::NoFolder | MailboxError::NotSelectable | MailboxError::Name(_) => {
                Answer::no(&words.no_folder)
            }
            MailboxError::FolderExists => Answer::no(&words.folder_exists),
            MailboxError::PermanentFolder => Answer::no(&words.permanent_folder),
            MailboxError::OverQuota { .. } => Answer::no(&words.over_quota).with_code("OVERQUOTA"),
            MailboxError::TooLarge { .. } => Answer::no(&words.too_large).with_code("TOOBIG"),
            MailboxError::TooManyFolders { .. }
            | MailboxError::TooManyTargets { .. }
            | MailboxError::TooManyItems { .. } => self.failed().with_code("LIMIT"),
            MailboxError::NoItem => Answer::no(&words.expunged).with_code("EXPUNGEISSUED"),
            MailboxError::NoMailbox | MailboxError::Full | MailboxError::Unavailable(_) => {
                tracing::warn!(%error, command = self.server.command_name(), "mailbox not available");
                Answer::no(&words.unavailable).with_code("UNAVAILABLE")
            }
        }
    }

    /// Leaves the selected folder.
    pub(crate) fn leave(&mut self) {
        self.selected = None;
        self.saved = Vec::new();
        self.cursor = None;
        if matches!(self.entered, Entered::Mailbox { .. }) {
            self.server.enter(State::Authenticated);
        }
    }
}

/// A folder's name out of the client's mailbox name.
pub(crate) fn folder_name(name: &MailboxName) -> Result<FolderName, MailboxError> {
    Ok(FolderName::parse(name.as_str())?)
}
