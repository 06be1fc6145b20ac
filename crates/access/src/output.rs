//! The way out: what is said is gathered and sent in large pieces.

use std::sync::Arc;
use std::time::Duration;

use mailward_mail::Clock;
use mailward_net::clock::within;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// Gathered before it is sent, so that a long answer takes no more memory.
const OUTPUT_OCTETS_MAX: usize = 32 * 1024;

/// The client went away, or left too much unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientGone;

pub(crate) struct Output<W> {
    writer: W,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    /// Write responses here, then call [`Output::breathe`] or
    /// [`Output::flush`].
    pub(crate) buffer: Vec<u8>,
}

impl<W: AsyncWrite + Unpin> Output<W> {
    pub(crate) fn new(writer: W, clock: Arc<dyn Clock>, timeout: Duration) -> Self {
        Self {
            writer,
            clock,
            timeout,
            buffer: Vec::new(),
        }
    }

    /// An untagged response: `* ` and this line.
    pub(crate) fn untagged(&mut self, line: &str) {
        self.buffer.extend_from_slice(b"* ");
        self.buffer.extend_from_slice(line.as_bytes());
        self.buffer.extend_from_slice(b"\r\n");
    }

    /// Sends what has gathered if it is much.
    pub(crate) async fn breathe(&mut self) -> Result<(), ClientGone> {
        if self.buffer.len() >= OUTPUT_OCTETS_MAX {
            self.send().await?;
        }
        Ok(())
    }

    /// Octets of a literal, without copying large ones.
    pub(crate) async fn octets(&mut self, octets: &[u8]) -> Result<(), ClientGone> {
        if octets.len() < OUTPUT_OCTETS_MAX {
            self.buffer.extend_from_slice(octets);
            return self.breathe().await;
        }
        self.send().await?;
        let written = within(&*self.clock, self.timeout, self.writer.write_all(octets)).await;
        ended(written)
    }

    /// Sends everything and leaves no memory behind: a session that waits
    /// should cost little.
    pub(crate) async fn flush(&mut self) -> Result<(), ClientGone> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.send().await?;
        self.buffer = Vec::new();
        let flushed = within(&*self.clock, self.timeout, self.writer.flush()).await;
        ended(flushed)
    }

    /// Ends the way out, as far as that can still be done.
    pub(crate) async fn close(&mut self) {
        if self.flush().await.is_ok() {
            let closed = within(&*self.clock, self.timeout, self.writer.shutdown()).await;
            if ended(closed).is_err() {
                tracing::trace!("the client closed first");
            }
        }
    }

    async fn send(&mut self) -> Result<(), ClientGone> {
        let written = within(
            &*self.clock,
            self.timeout,
            self.writer.write_all(&self.buffer),
        )
        .await;
        self.buffer.clear();
        ended(written)
    }
}

fn ended(
    written: Result<std::io::Result<()>, mailward_net::clock::Elapsed>,
) -> Result<(), ClientGone> {
    match written {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(ClientGone),
    }
}
