//! STORE, EXPUNGE, CLOSE, COPY and MOVE.

use mailward_mailbox::{Copied, FlagChange, MailboxError, Uid};
use mailward_wire::imap::sequence::compact;
use mailward_wire::imap::write::put;
use mailward_wire::imap::{Flag, MailboxName, SequenceSet, StoreMode};
use tokio::io::AsyncWrite;

use crate::imap::commands::folder_name;
use crate::imap::host::Host;
use crate::imap::numbers::{Numbered, named};
use crate::imap::session::{Answer, Selected, Session};
use crate::imap::updates::put_flags;

type Answered = Result<Answer, MailboxError>;

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn store(
        &mut self,
        by_uid: bool,
        set: &SequenceSet,
        mode: StoreMode,
        silent: bool,
        flags: &[Flag],
    ) -> Answered {
        let flags = self.kept_flags(flags);
        let messages = match self.writable(set, by_uid) {
            Ok(messages) => messages,
            Err(answer) => return Ok(answer),
        };
        let change = match mode {
            StoreMode::Replace => FlagChange::Replace(flags),
            StoreMode::Add => FlagChange::Add(flags),
            StoreMode::Remove => FlagChange::Remove(flags),
        };
        let Some(selected) = &mut self.selected else {
            return Ok(self.failed());
        };
        let uids: Vec<Uid> = messages.iter().map(|message| message.uid).collect();
        let stored = selected.folder.store_flags(&uids, change, None).await?;
        for item in &stored.items {
            let uid = item.uid;
            // What others changed before is told even so: the client would
            // reckon with the flags that it knows (RFC 3501 section 6.4.6).
            if !silent || !selected.view.knows(item.change_before) {
                let Some(number) = selected.view.sequence_number_of(uid) else {
                    continue;
                };
                let recent = selected.view.is_recent(uid);
                let out = &mut self.out.buffer;
                put(out, &format!("* {number} FETCH ("));
                if by_uid {
                    put(out, &format!("UID {uid} "));
                }
                put(out, "FLAGS ");
                put_flags(out, item.flags, recent);
                put(out, ")\r\n");
            }
        }
        for change in &stored.changes {
            selected.view.was_told(*change);
        }
        if stored.items.len() < uids.len() && !by_uid {
            return Err(MailboxError::NoItem);
        }
        Ok(self.completed())
    }

    pub(crate) async fn expunge(&mut self, set: Option<&SequenceSet>) -> Answered {
        let Some(selected) = &self.selected else {
            return Ok(self.failed());
        };
        if selected.read_only {
            return Ok(Answer::no(&self.profile.words.read_only));
        }
        let mut uids = known(selected, selected.folder.deleted());
        if let Some(set) = set {
            let wanted = named(&selected.view, set, true).unwrap_or_default();
            uids.retain(|uid| {
                wanted
                    .binary_search_by_key(uid, |message| message.uid)
                    .is_ok()
            });
        }
        selected.folder.expunge(&uids).await?;
        Ok(self.completed())
    }

    /// Leaves the folder; what is marked deleted goes without a word.
    pub(crate) async fn close(&mut self) -> Answered {
        if let Some(selected) = &self.selected
            && !selected.read_only
        {
            let uids = known(selected, selected.folder.deleted());
            selected.folder.expunge(&uids).await?;
        }
        self.leave();
        Ok(self.completed())
    }

    pub(crate) async fn copy(
        &mut self,
        by_uid: bool,
        set: &SequenceSet,
        to: &MailboxName,
        take_away: bool,
    ) -> Answered {
        let messages = if take_away {
            self.writable(set, by_uid)
        } else {
            self.numbered(set, by_uid)
        };
        let messages = match messages {
            Ok(messages) => messages,
            Err(answer) => return Ok(answer),
        };
        let Some(selected) = &self.selected else {
            return Ok(self.failed());
        };
        let to = folder_name(to)?;
        let uids: Vec<Uid> = messages.iter().map(|message| message.uid).collect();
        let copied = if take_away {
            selected.folder.move_to(&uids, &to).await
        } else {
            selected.folder.copy(&uids, &to).await
        };
        let copied = match copied {
            Err(error @ MailboxError::NoFolder) => {
                return Ok(self.refusal(&error).with_code("TRYCREATE"));
            }
            copied => copied?,
        };
        if copied.uids.is_empty() {
            return Ok(self.completed());
        }
        let code = copy_code(&copied);
        if !take_away {
            return Ok(self.completed().with_code(code));
        }
        // Told before the expunges, so that the client can follow the
        // messages (RFC 6851 section 4.3).
        let text = self.completed().text;
        self.out.untagged(&format!("OK [{code}] {text}"));
        Ok(self.completed())
    }

    fn numbered(&self, set: &SequenceSet, by_uid: bool) -> Result<Vec<Numbered>, Answer> {
        let Some(selected) = &self.selected else {
            return Err(self.failed());
        };
        named(&selected.view, set, by_uid)
            .ok_or_else(|| Answer::bad(&self.profile.words.bad_arguments))
    }

    /// As [`Session::numbered`], where the folder may be changed.
    fn writable(&self, set: &SequenceSet, by_uid: bool) -> Result<Vec<Numbered>, Answer> {
        match &self.selected {
            Some(selected) if selected.read_only => Err(Answer::no(&self.profile.words.read_only)),
            _ => self.numbered(set, by_uid),
        }
    }
}

/// Those that the client was told of: others are not its to expunge.
fn known(selected: &Selected, mut uids: Vec<Uid>) -> Vec<Uid> {
    uids.retain(|uid| selected.view.sequence_number_of(*uid).is_some());
    uids
}

/// `COPYUID 7 1:2 8:9` (RFC 4315 section 3).
fn copy_code(copied: &Copied) -> String {
    let before = compact(copied.uids.iter().map(|(uid, _)| uid.0));
    let after = compact(copied.uids.iter().map(|(_, uid)| uid.0));
    format!("COPYUID {} {before} {after}", copied.uid_validity)
}
