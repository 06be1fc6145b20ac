//! RETR and TOP: octets of a message as the lines of a response.

use mailward_mailbox::MailboxError;
use mailward_wire::pop3::Stuffer;
use tokio::io::AsyncWrite;

use crate::imap::unreadable;
use crate::pop3::host::Host;
use crate::pop3::serve::End;
use crate::pop3::session::Session;

/// What is stuffed at once, so that a long message takes no more memory.
const PIECE_OCTETS: usize = 16 * 1024;

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    /// Sends a message, or with `lines` its top.
    pub(super) async fn retrieve(&mut self, number: u32, lines: Option<u32>) -> Result<(), End> {
        let item = match self.maildrop()?.get(number) {
            Ok(item) => *item,
            Err(none) => return self.no_message(none).await,
        };
        let mailboxes = &self.pop3.mailboxes;
        // The first piece is read before anything is said: a response can't be
        // taken back.
        let opened = async {
            let mut reader = mailboxes.read_body(&item.body)?;
            let first = reader.chunk().await.map_err(unreadable)?;
            Ok::<_, MailboxError>((reader, first))
        };
        let (mut reader, mut chunk) = match opened.await {
            Ok(opened) => opened,
            // Another client removed it since.
            Err(MailboxError::NoItem) => {
                let text = self.profile.words.no_message.clone();
                return self.err(&text).await;
            }
            Err(error) => return self.unavailable(&error).await,
        };
        self.put_ok(&self.profile.words.done.clone());
        let mut stuffer = lines.map_or_else(Stuffer::whole, Stuffer::top);
        while let Some(octets) = chunk {
            for piece in octets.chunks(PIECE_OCTETS) {
                stuffer.feed(piece, &mut self.out.buffer);
                self.out.breathe().await?;
            }
            if stuffer.has_enough() {
                break;
            }
            let next = reader.chunk().await;
            chunk = next.map_err(|error| End::Unreadable(error.to_string()))?;
        }
        stuffer.finish(&mut self.out.buffer);
        self.out.breathe().await?;
        if lines.is_none() {
            let maildrop = self.maildrop()?;
            maildrop.was_retrieved(number);
            maildrop.tell_read(mailboxes, &item);
        }
        Ok(())
    }
}
