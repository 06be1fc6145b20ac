//! What other sessions did, told at the right moments.

use mailward_mailbox::Flags;
use mailward_wire::imap::write::put;
use tokio::io::AsyncWrite;

use crate::imap::host::Host;
use crate::imap::serve::End;
use crate::imap::session::Session;

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
        if updates.is_empty() {
            return Ok(());
        }
        if updates.exists.is_some() {
            let folder = selected.folder.clone();
            let keep = selected.read_only;
            folder.claim_recent(&mut selected.view, keep).await;
        }
        for update in &updates.flags {
            let recent = selected.view.is_recent(update.uid);
            put(
                &mut self.out.buffer,
                &format!("* {} FETCH (UID {} FLAGS ", update.number, update.uid),
            );
            put_flags(&mut self.out.buffer, update.flags, recent);
            put(&mut self.out.buffer, ")\r\n");
            self.out.breathe().await?;
        }
        for (number, _) in &updates.expunged {
            put(&mut self.out.buffer, &format!("* {number} EXPUNGE\r\n"));
            self.out.breathe().await?;
        }
        if let Some(exists) = updates.exists {
            let recent = selected.view.recent_count();
            let out = &mut self.out.buffer;
            put(out, &format!("* {exists} EXISTS\r\n* {recent} RECENT\r\n"));
        }
        Ok(())
    }
}

/// `(\Seen \Recent)`
pub(crate) fn put_flags(out: &mut Vec<u8>, flags: Flags, recent: bool) {
    put(out, "(");
    let names = flags.names().chain(recent.then_some("\\Recent"));
    for (index, name) in names.enumerate() {
        if index > 0 {
            put(out, " ");
        }
        put(out, name);
    }
    put(out, ")");
}
