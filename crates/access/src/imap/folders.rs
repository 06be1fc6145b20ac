//! SELECT and the commands about folders.

use mailward_mailbox::{Flags, FolderName, MailboxError};
use mailward_wire::imap::write::{put, put_mailbox};
use mailward_wire::imap::{MailboxName, State, StatusItem};
use tokio::io::AsyncWrite;

use crate::imap::commands::folder_name;
use crate::imap::host::Host;
use crate::imap::pattern::Pattern;
use crate::imap::session::{Answer, Selected, Session};

type Answered = Result<Answer, MailboxError>;

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn select(&mut self, name: &MailboxName, read_only: bool) -> Answered {
        // A SELECT that fails leaves nothing selected (RFC 3501 section 6.3.1).
        self.leave();
        let name = folder_name(name)?;
        let folder = self.imap.mailboxes.folder(&self.owner(), &name).await?;
        let mut view = folder.view();
        folder.claim_recent(&mut view, read_only).await;
        let selected = Selected {
            folder,
            view,
            read_only,
        };
        self.put_selected(&selected);
        self.selected = Some(selected);
        self.server.enter(State::Selected);
        let code = if read_only { "READ-ONLY" } else { "READ-WRITE" };
        Ok(self.completed().with_code(code))
    }

    fn put_selected(&mut self, selected: &Selected) {
        let Selected {
            folder,
            view,
            read_only,
        } = selected;
        let names: Vec<&str> = self
            .profile
            .flags
            .iter()
            .flat_map(|flag| flag.names())
            .collect();
        let names = names.join(" ");
        let permanent = if *read_only { "" } else { &names };
        let unseen = folder
            .items()
            .iter()
            .find(|item| !item.flags.contains(Flags::SEEN))
            .and_then(|item| view.sequence_number_of(item.uid));
        let out = &mut self.out;
        out.untagged(&format!("{} EXISTS", view.count()));
        out.untagged(&format!("{} RECENT", view.recent_count()));
        out.untagged(&format!("FLAGS ({names})"));
        out.untagged(&format!(
            "OK [PERMANENTFLAGS ({permanent})] Permanent flags"
        ));
        if let Some(unseen) = unseen {
            out.untagged(&format!("OK [UNSEEN {unseen}] Is the first unseen message"));
        }
        out.untagged(&format!(
            "OK [UIDVALIDITY {}] UIDVALIDITY value",
            folder.uid_validity()
        ));
        out.untagged(&format!(
            "OK [UIDNEXT {}] The next unique identifier value",
            view.uid_next()
        ));
    }

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

    pub(crate) async fn list(&mut self, reference: &MailboxName, pattern: &str) -> Answered {
        if pattern.is_empty() {
            // Asks for the separator and the root (section 6.3.8).
            self.out.untagged(r#"LIST (\Noselect) "/" """#);
            return Ok(self.completed());
        }
        let Some(pattern) = Pattern::new(reference.as_str(), pattern) else {
            return Ok(self.failed());
        };
        for folder in self.imap.mailboxes.folders(&self.owner()).await? {
            if !pattern.matches(folder.name.as_str()) {
                continue;
            }
            let children = if folder.has_children {
                "\\HasChildren"
            } else {
                "\\HasNoChildren"
            };
            let noselect = if folder.selectable { "" } else { "\\Noselect " };
            self.put_listed(
                "LIST",
                &format!("{noselect}{children}"),
                folder.name.as_str(),
            );
        }
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

    fn put_listed(&mut self, response: &str, attributes: &str, name: &str) {
        let out = &mut self.out.buffer;
        put(out, &format!("* {response} ({attributes}) \"/\" "));
        put_mailbox(out, name);
        put(out, "\r\n");
    }

    pub(crate) async fn status(&mut self, name: &MailboxName, items: &[StatusItem]) -> Answered {
        let folder = folder_name(name)?;
        let status = self.imap.mailboxes.status(&self.owner(), &folder).await?;
        let values: Vec<String> = items
            .iter()
            .map(|item| {
                let value = match item {
                    StatusItem::Messages => status.items,
                    StatusItem::Recent => status.recent,
                    StatusItem::UidNext => status.uid_next.into(),
                    StatusItem::UidValidity => status.uid_validity.into(),
                    StatusItem::Unseen => status.unseen,
                };
                format!("{} {value}", item.name())
            })
            .collect();
        let out = &mut self.out.buffer;
        put(out, "* STATUS ");
        put_mailbox(out, folder.as_str());
        put(out, &format!(" ({})\r\n", values.join(" ")));
        Ok(self.completed())
    }
}
