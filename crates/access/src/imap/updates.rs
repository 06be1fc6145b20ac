//! What other sessions did, told at the right moments.
//!
//! Expunges that have to wait are older than changes of flags that are told
//! meanwhile. A client that took the mod-sequence of such a change for how far
//! it is would never hear of them when it comes back with QRESYNC; so it is
//! told HIGHESTMODSEQ, from before the expunges, at the end of each command
//! that leaves some waiting, and once more when they are told.

use mailward_mailbox::{FlagsUpdate, Uid};
use mailward_wire::imap::write::put;
use tokio::io::AsyncWrite;

use crate::imap::host::Host;
use crate::imap::serve::End;
use crate::imap::session::{Session, modseq};

/// Whether message numbers may shift now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expunges {
    Tell,
    Wait,
}

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn tell_updates(&mut self, expunges: Expunges) -> Result<(), End> {
        let Some(selected) = &mut self.selected else {
            return Ok(());
        };
        if let Err(error) = selected.folder.settle().await {
            tracing::warn!(%error, "the folder could not be looked at");
        }
        let tell = expunges == Expunges::Tell;
        let updates = selected.folder.updates(&mut selected.view, tell);
        selected.standing_due |= selected.view.expunges_wait() || !updates.expunged.is_empty();
        if updates.is_empty() {
            return Ok(());
        }
        // Flags are told by the numbers of before the expunges.
        for update in &updates.flags {
            self.learn(update.flags).await;
            self.put_update(update);
            self.out.breathe().await?;
        }
        self.put_expunged(&updates.expunged).await?;
        let Some(selected) = &mut self.selected else {
            return Ok(());
        };
        if let Some(exists) = updates.exists {
            let folder = selected.folder.clone();
            let keep = selected.read_only;
            folder.claim_recent(&mut selected.view, keep).await;
            let recent = selected.view.recent_count();
            let out = &mut self.out.buffer;
            put(out, &format!("* {exists} EXISTS\r\n"));
            if !self.enabled.rev2 {
                put(out, &format!("* {recent} RECENT\r\n"));
            }
        }
        Ok(())
    }

    /// HIGHESTMODSEQ, where a client with QRESYNC may be in error about it.
    pub(crate) fn standing(&mut self) -> Option<String> {
        let selected = self.selected.as_mut()?;
        let due = std::mem::take(&mut selected.standing_due) && self.enabled.qresync;
        due.then(|| format!("HIGHESTMODSEQ {}", selected.highest_modseq()))
    }

    fn put_update(&mut self, update: &FlagsUpdate) {
        let recent = self
            .selected
            .as_ref()
            .is_some_and(|selected| selected.view.is_recent(update.uid));
        let start = format!("* {} FETCH (UID {} FLAGS ", update.number, update.uid);
        put(&mut self.out.buffer, &start);
        self.put_flags(update.flags, recent);
        self.put_modseq_after(update.change);
        put(&mut self.out.buffer, ")\r\n");
    }

    /// ` MODSEQ (n)` for a client that knows of them.
    pub(crate) fn put_modseq_after(&mut self, change: u64) {
        if self.enabled.condstore {
            let text = format!(" MODSEQ ({})", modseq(change));
            put(&mut self.out.buffer, &text);
        }
    }

    async fn put_expunged(&mut self, expunged: &[(u32, Uid)]) -> Result<(), End> {
        if expunged.is_empty() {
            return Ok(());
        }
        if self.enabled.qresync {
            self.put_vanished_now(expunged.iter().map(|(_, uid)| *uid).collect());
            return Ok(self.out.breathe().await?);
        }
        for (number, _) in expunged {
            put(&mut self.out.buffer, &format!("* {number} EXPUNGE\r\n"));
            self.out.breathe().await?;
        }
        Ok(())
    }
}
