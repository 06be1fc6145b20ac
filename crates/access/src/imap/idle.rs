//! IDLE (RFC 2177): news as it comes.

use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::sync::watch;

use crate::door::Authenticator as _;
use crate::imap::host::Host;
use crate::imap::serve::End;
use crate::imap::session::{Entered, Session};
use crate::imap::updates::Expunges;

/// How often an idling session looks by itself, for changes whose writer went
/// away before it could tell of them.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// A session that waits for news; without a selected folder there is none.
pub(crate) struct Idling {
    watch: Option<watch::Receiver<u64>>,
}

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn idle_begins(&mut self) -> Result<(), End> {
        // From here on changes wake it; those before are told now.
        let watch = self.selected.as_ref().map(|selected| {
            let mut watch = selected.folder.watch();
            watch.mark_unchanged();
            watch
        });
        self.idling = Some(Idling { watch });
        self.server.idle();
        self.tell_updates(Expunges::Tell).await?;
        self.put_standing();
        Ok(())
    }

    pub(crate) async fn idle_ends(&mut self) -> Result<(), End> {
        self.idling = None;
        self.finish(self.completed(), Expunges::Tell).await
    }

    /// There is no end of a command to say it.
    fn put_standing(&mut self) {
        if let Some(standing) = self.standing() {
            self.out.untagged(&format!("OK [{standing}] Highest"));
        }
    }

    /// Completes when an idling session should look. It may be dropped and
    /// called again without missing anything.
    pub(crate) async fn news(&mut self) {
        let (Some(idling), Entered::Mailbox { owner, .. }) = (&mut self.idling, &self.entered)
        else {
            return std::future::pending().await;
        };
        let shut = self.imap.host.authenticator().shut(owner);
        let Some(watch) = &mut idling.watch else {
            return shut.await;
        };
        tokio::select! {
            changed = watch.changed() => if changed.is_err() {
                // The folder outlives the session that has it selected.
                std::future::pending::<()>().await;
            },
            () = shut => {}
            () = self.imap.clock.wait(LOOK_EVERY) => {}
        }
    }

    pub(crate) async fn tell_news(&mut self) -> Result<(), End> {
        self.look_again();
        if matches!(self.entered, Entered::NotConnected { .. }) {
            return Err(End::NotConnected);
        }
        self.tell_updates(Expunges::Tell).await?;
        self.put_standing();
        Ok(self.out.flush().await?)
    }
}
