//! APPEND: a message comes in, in pieces.

use mailward_mailbox::{Content, MailboxError, MessageWriter, Target};
use mailward_wire::imap::Append;
use tokio::io::AsyncWrite;

use crate::imap::commands::folder_name;
use crate::imap::host::Host;
use crate::imap::serve::End;
use crate::imap::session::{Answer, Appending, Session};
use crate::imap::updates::Expunges;
use crate::mime::{Armour, StrayNul};

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    /// Lets the message come, or refuses it before it is sent.
    pub(crate) async fn append_begins(&mut self, append: Append) {
        match self.may_append(&append).await {
            Ok(appending) => {
                self.appending = Some(appending);
                self.server.accept_append();
            }
            Err(answer) => {
                self.server
                    .refuse_append(answer.status, answer.code.as_deref(), &answer.text);
            }
        }
    }

    pub(crate) fn append_chunk(&mut self, chunk: &[u8]) {
        let Some(appending) = &mut self.appending else {
            return;
        };
        match &mut appending.armour {
            None => appending.keep(chunk),
            Some(armour) => {
                let mut settled = Vec::new();
                armour.feed(chunk, &mut settled);
                appending.keep(&settled);
            }
        }
    }

    pub(crate) async fn append_ends(&mut self) -> Result<(), End> {
        let answer = match self.appending.take() {
            Some(mut appending) => match appending.disarm() {
                Ok(()) => self.file(appending).await,
                // RFC 3516 section 4.4.
                Err(StrayNul) => Ok(self.failed().with_code("UNKNOWN-CTE")),
            },
            None => Err(MailboxError::NoFolder),
        };
        let answer = answer.unwrap_or_else(|error| self.append_refusal(&error));
        self.finish(answer, Expunges::Tell).await
    }

    async fn may_append(&mut self, append: &Append) -> Result<Appending, Answer> {
        self.look_again();
        let words = &self.profile.words;
        if matches!(
            self.entered,
            crate::imap::session::Entered::NotConnected { .. }
        ) {
            return Err(Answer::bad(&words.not_connected));
        }
        if append.octets > self.profile.limits.append_octets_max {
            return Err(Answer::no(&words.too_large).with_code("TOOBIG"));
        }
        let owner = self.owner();
        let mailboxes = &self.imap.mailboxes;
        let checked = async {
            let folder = folder_name(&append.mailbox)?;
            mailboxes.status(&owner, &folder).await?;
            let usage = mailboxes.usage(&owner).await?;
            match usage.quota_octets {
                Some(quota_octets) if usage.octets.saturating_add(append.octets) > quota_octets => {
                    Err(MailboxError::OverQuota { quota_octets })
                }
                _ => Ok(folder),
            }
        };
        let folder = checked.await.map_err(|error| self.append_refusal(&error))?;
        let flags = self.kept_flags(&append.flags).await;
        Ok(Appending {
            folder,
            flags: flags.map_err(|error| self.append_refusal(&error))?,
            internal_date: append
                .internal_date
                .unwrap_or_else(|| self.imap.mailboxes.now()),
            armour: append.binary.then(Armour::default),
            writer: Ok(self.imap.mailboxes.new_message()),
        })
    }

    async fn file(&mut self, appending: Appending) -> Result<Answer, MailboxError> {
        let message = appending.writer.and_then(MessageWriter::finish)?;
        let target = Target {
            owner: self.owner(),
            folder: appending.folder,
            flags: appending.flags,
            beyond_quota: false,
        };
        let appended = self
            .imap
            .mailboxes
            .append(target, Content::New(message), appending.internal_date)
            .await?;
        let code = format!("APPENDUID {} {}", appended.uid_validity, appended.uid);
        Ok(self.completed().with_code(code))
    }

    fn append_refusal(&self, error: &MailboxError) -> Answer {
        let answer = self.refusal(error);
        match error {
            MailboxError::NoFolder => answer.with_code("TRYCREATE"),
            _ => answer,
        }
    }
}

impl Appending {
    fn keep(&mut self, octets: &[u8]) {
        if let Ok(writer) = &mut self.writer
            && let Err(error) = writer.write(octets)
        {
            self.writer = Err(error);
        }
    }

    /// The message is complete: keeps what had to wait for that.
    fn disarm(&mut self) -> Result<(), StrayNul> {
        let Some(armour) = self.armour.take() else {
            return Ok(());
        };
        let mut rest = Vec::new();
        armour.finish(&mut rest)?;
        self.keep(&rest);
        Ok(())
    }
}
