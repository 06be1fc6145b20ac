//! The commands about folders, but for SELECT and LIST.

use mailward_mailbox::{FolderName, FolderStatus, MailboxError};
use mailward_wire::imap::write::put;
use mailward_wire::imap::{MailboxName, StatusItem};
use tokio::io::AsyncWrite;

use crate::imap::commands::folder_name;
use crate::imap::host::Host;
use crate::imap::pattern::Pattern;
use crate::imap::session::{Answer, Session, modseq};

type Answered = Result<Answer, MailboxError>;

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn create(&mut self, name: &MailboxName) -> Answered {
        let name = folder_name(name)?;
        self.imap
            .mailboxes
            .create_folder(&self.owner(), &name)
            .await?;
        Ok(self.completed())
    }

    pub(crate) async fn delete(&mut self, name: &MailboxName) -> Answered {
        let name = folder_name(name)?;
        self.imap
            .mailboxes
            .delete_folder(&self.owner(), &name)
            .await?;
        Ok(self.completed())
    }

    pub(crate) async fn rename(&mut self, from: &MailboxName, to: &MailboxName) -> Answered {
        let (from, to) = (folder_name(from)?, folder_name(to)?);
        self.imap
            .mailboxes
            .rename_folder(&self.owner(), &from, &to)
            .await?;
        Ok(self.completed())
    }

    pub(crate) async fn subscribe(&mut self, name: &MailboxName, subscribed: bool) -> Answered {
        let name = folder_name(name)?;
        self.imap
            .mailboxes
            .subscribe(&self.owner(), &name, subscribed)
            .await?;
        Ok(self.completed())
    }

    /// Names that are subscribed to. Where only a name below one matches `%`,
    /// that one is listed as not selectable (section 6.3.9).
    pub(crate) async fn lsub(&mut self, reference: &MailboxName, pattern: &str) -> Answered {
        let Some(wanted) = Pattern::new(reference.as_str(), pattern) else {
            return Ok(self.failed());
        };
        let subscribed = self.imap.mailboxes.subscriptions(&self.owner()).await?;
        let mut parents: Vec<FolderName> = Vec::new();
        for name in &subscribed {
            if wanted.matches(name.as_str()) {
                self.put_listed("LSUB", "", name.as_str());
                continue;
            }
            let mut parent = name.parent();
            while let Some(name) = parent {
                if wanted.matches(name.as_str())
                    && !subscribed.contains(&name)
                    && !parents.contains(&name)
                {
                    parents.push(name.clone());
                }
                parent = name.parent();
            }
        }
        for parent in parents {
            self.put_listed("LSUB", "\\Noselect", parent.as_str());
        }
        Ok(self.completed())
    }

    pub(crate) fn put_listed(&mut self, response: &str, attributes: &str, name: &str) {
        put(
            &mut self.out.buffer,
            &format!("* {response} ({attributes}) \"/\" "),
        );
        self.put_name(name);
        put(&mut self.out.buffer, "\r\n");
    }

    pub(crate) async fn status(&mut self, name: &MailboxName, items: &[StatusItem]) -> Answered {
        let folder = folder_name(name)?;
        if items.contains(&StatusItem::HighestModSeq) {
            self.enable_condstore();
        }
        let status = self.imap.mailboxes.status(&self.owner(), &folder).await?;
        self.put_status_of(&folder, &status, items).await?;
        Ok(self.completed())
    }

    /// An untagged STATUS.
    pub(crate) async fn put_status_of(
        &mut self,
        name: &FolderName,
        status: &FolderStatus,
        items: &[StatusItem],
    ) -> Result<(), MailboxError> {
        let mut deleted = 0;
        if items.contains(&StatusItem::Deleted) {
            let folder = self.imap.mailboxes.folder(&self.owner(), name).await?;
            deleted = folder.deleted().len() as u64;
        }
        let values: Vec<String> = items
            .iter()
            .map(|item| {
                let value = match item {
                    StatusItem::Messages => status.items,
                    StatusItem::Recent => status.recent,
                    StatusItem::UidNext => status.uid_next.into(),
                    StatusItem::UidValidity => status.uid_validity.into(),
                    StatusItem::Unseen => status.unseen,
                    StatusItem::HighestModSeq => modseq(status.change),
                    StatusItem::Size => status.octets,
                    StatusItem::AppendLimit => self.profile.limits.append_octets_max,
                    StatusItem::Deleted => deleted,
                };
                format!("{} {value}", item.name())
            })
            .collect();
        put(&mut self.out.buffer, "* STATUS ");
        self.put_name(name.as_str());
        let end = format!(" ({})\r\n", values.join(" "));
        put(&mut self.out.buffer, &end);
        Ok(())
    }
}
