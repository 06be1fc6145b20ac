//! STORE, EXPUNGE, CLOSE, COPY and MOVE.

use mailward_mailbox::{Copied, FlagChange, MailboxError, StoredFlags, Uid};
use mailward_wire::imap::sequence::compact;
use mailward_wire::imap::write::put;
use mailward_wire::imap::{Flag, MailboxName, SequenceSet, StoreMode};
use tokio::io::AsyncWrite;

use crate::imap::commands::folder_name;
use crate::imap::host::Host;
use crate::imap::numbers::{Numbered, named};
use crate::imap::session::{Answer, Selected, Session, modseq};

type Answered = Result<Answer, MailboxError>;

/// The arguments of STORE.
pub(crate) struct Store {
    pub(crate) by_uid: bool,
    pub(crate) set: SequenceSet,
    pub(crate) mode: StoreMode,
    pub(crate) silent: bool,
    pub(crate) flags: Vec<Flag>,
    pub(crate) unchanged_since: Option<u64>,
}

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn store(&mut self, store: &Store) -> Answered {
        let Store { by_uid, set, .. } = store;
        if store.unchanged_since.is_some() {
            self.enable_condstore();
        }
        let flags = self.kept_flags(&store.flags).await?;
        let messages = match self.writable(set, *by_uid) {
            Ok(messages) => messages,
            Err(answer) => return Ok(answer),
        };
        let change = match store.mode {
            StoreMode::Replace => FlagChange::Replace(flags),
            StoreMode::Add => FlagChange::Add(flags),
            StoreMode::Remove => FlagChange::Remove(flags),
        };
        let Some(selected) = &mut self.selected else {
            return Ok(self.failed());
        };
        let uids: Vec<Uid> = messages.iter().map(|message| message.uid).collect();
        // A mod-sequence of 0 is before every change: nothing is unchanged
        // since, as RFC 7162 section 3.1.3 has it for existing flags.
        let since = store.unchanged_since.map(|since| since.saturating_sub(1));
        let stored = selected.folder.store_flags(&uids, change, since).await?;
        // What others changed before is told even so: the client would reckon
        // with the flags that it knows (RFC 3501 section 6.4.6).
        let surprising: Vec<bool> = stored
            .items
            .iter()
            .map(|item| !selected.view.knows(item.change_before))
            .collect();
        for change in &stored.changes {
            selected.view.was_told(*change);
        }
        for (item, surprising) in stored.items.iter().zip(surprising) {
            let told = !store.silent || surprising;
            if told || self.enabled.condstore {
                self.learn(item.flags).await;
                self.put_stored(item, told, *by_uid);
            }
        }
        let mut answer = self.completed();
        if !stored.modified.is_empty() {
            answer = answer.with_code(self.modified_code(stored.modified, *by_uid));
        } else if stored.items.len() < uids.len() && !by_uid {
            // The rest was done (RFC 2180 section 4.2.2).
            answer = answer.with_code("EXPUNGEISSUED");
        }
        Ok(answer)
    }

    /// The FETCH that answers a STORE.
    fn put_stored(&mut self, item: &StoredFlags, with_flags: bool, by_uid: bool) {
        let Some(selected) = &self.selected else {
            return;
        };
        let Some(number) = selected.view.sequence_number_of(item.uid) else {
            return;
        };
        let recent = selected.view.is_recent(item.uid);
        put(&mut self.out.buffer, &format!("* {number} FETCH ("));
        let mut gap = "";
        if by_uid || self.enabled.qresync {
            put(&mut self.out.buffer, &format!("UID {}", item.uid));
            gap = " ";
        }
        if with_flags {
            put(&mut self.out.buffer, &format!("{gap}FLAGS "));
            self.put_flags(item.flags, recent);
            gap = " ";
        }
        if self.enabled.condstore {
            let text = format!("{gap}MODSEQ ({})", modseq(item.change));
            put(&mut self.out.buffer, &text);
        }
        put(&mut self.out.buffer, ")\r\n");
    }

    /// `MODIFIED 7,9`: numbers or UIDs, as they were asked for.
    fn modified_code(&self, mut uids: Vec<Uid>, by_uid: bool) -> String {
        uids.sort_unstable();
        let view = self.selected.as_ref().map(|selected| &selected.view);
        let set = compact(uids.into_iter().filter_map(|uid| {
            if by_uid {
                return Some(uid.0);
            }
            view.and_then(|view| view.sequence_number_of(uid))
        }));
        format!("MODIFIED {set}")
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
            let wanted = named(&selected.view, set, true, &self.saved).unwrap_or_default();
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
        named(&selected.view, set, by_uid, &self.saved)
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
