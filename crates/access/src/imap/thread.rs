//! THREAD=REFERENCES (RFC 5256 section 3).

use mailward_mailbox::MailboxError;
use mailward_wire::imap::Search;
use mailward_wire::imap::write::put;
use tokio::io::AsyncWrite;

use crate::imap::host::Host;
use crate::imap::serve::End;
use crate::imap::session::{Answer, Session};
use crate::imap::sort::sent;
use crate::imap::threads::{Piece, Threadable, Threads};

impl<H: Host, W: AsyncWrite + Unpin + Send> Session<'_, H, W> {
    pub(crate) async fn thread(
        &mut self,
        by_uid: bool,
        search: Search,
    ) -> Result<Result<Answer, MailboxError>, End> {
        let found = match self.find(search).await? {
            Ok(found) => found,
            Err(answer) => return Ok(Ok(answer)),
        };
        let mut threads = Threads::default();
        for (number, item) in &found {
            let facts = self.facts(item).await;
            threads.add(Threadable {
                number: if by_uid { item.uid.0 } else { *number },
                sent: sent(item, &facts),
                facts,
            });
        }
        put(&mut self.out.buffer, "* THREAD");
        let pieces = threads.finish();
        if !pieces.is_empty() {
            put(&mut self.out.buffer, " ");
        }
        for piece in pieces {
            match piece {
                Piece::Open => put(&mut self.out.buffer, "("),
                Piece::Close => put(&mut self.out.buffer, ")"),
                Piece::Space => put(&mut self.out.buffer, " "),
                Piece::Number(number) => put(&mut self.out.buffer, &number.to_string()),
            }
            self.out.breathe().await?;
        }
        put(&mut self.out.buffer, "\r\n");
        Ok(Ok(self.completed()))
    }
}
