//! What a session waits for when it has said all it had to say.

use std::future::{Future, poll_fn};
use std::io;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use mailward_mail::{Clock, Timestamp};
use tokio::io::{AsyncRead, ReadBuf};

/// A client's octets, as they come.
pub(crate) struct Ear<'d, R, D> {
    reader: R,
    /// Empty while nothing has come.
    input: Vec<u8>,
    octets_max: usize,
    clock: Arc<dyn Clock>,
    /// When the client was last heard and answered.
    heard: Timestamp,
    /// How long the client was waited for until then, altogether.
    waited: Duration,
    /// The answer to what was heard comes first.
    is_answering: bool,
    drain: Pin<&'d mut D>,
}

/// How long a client is waited for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Patience {
    /// While it says nothing.
    pub(crate) silence: Duration,
    /// Since the session began, whatever it says.
    pub(crate) altogether: Duration,
}

/// Why nothing more is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Silence {
    ClientGone,
    /// For longer than the session has patience.
    Idle,
    /// The service is shutting down.
    Draining,
}

pub(crate) enum Heard<'e> {
    Octets(Octets<'e>),
    /// Something else came up.
    News,
}

/// Passwords come this way: wiped once they are read.
pub(crate) struct Octets<'e>(&'e mut [u8]);

impl Deref for Octets<'_> {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0
    }
}

impl Drop for Octets<'_> {
    fn drop(&mut self) {
        self.0.fill(0);
    }
}

impl<'d, R, D> Ear<'d, R, D>
where
    R: AsyncRead + Unpin,
    D: Future<Output = ()>,
{
    /// Takes `octets_max` from the client at once.
    pub(crate) fn new(
        reader: R,
        octets_max: usize,
        clock: Arc<dyn Clock>,
        drain: Pin<&'d mut D>,
    ) -> Self {
        Self {
            reader,
            input: Vec::new(),
            octets_max,
            heard: clock.now(),
            waited: Duration::ZERO,
            is_answering: false,
            clock,
            drain,
        }
    }

    /// Waits for the client, for `news`, or for the end: what came first.
    pub(crate) async fn hear(
        &mut self,
        patience: Patience,
        news: impl Future<Output = ()>,
    ) -> Result<Heard<'_>, Silence> {
        // Its answer may have led the session to where another clock shows
        // another time.
        if std::mem::take(&mut self.is_answering) {
            self.heard = self.clock.now();
        }
        let left = patience.altogether.saturating_sub(self.waited);
        let late = (self.clock).wait_until(self.heard.plus(patience.silence.min(left)));
        let (reader, input, octets_max) = (&mut self.reader, &mut self.input, self.octets_max);
        let read = poll_fn(|context| poll_into(reader, input, octets_max, context));
        tokio::select! {
            biased;
            read = read => match read {
                Ok(()) if !self.input.is_empty() => {
                    self.is_answering = true;
                    self.waited += self.clock.now().since(self.heard);
                    Ok(Heard::Octets(Octets(&mut self.input)))
                }
                Ok(()) | Err(_) => Err(Silence::ClientGone),
            },
            () = news => Ok(Heard::News),
            () = self.drain.as_mut() => Err(Silence::Draining),
            () = late => Err(Silence::Idle),
        }
    }
}

/// Reads once. There is a buffer only while something is in it, so that
/// thousands of sessions that wait cost little.
fn poll_into(
    reader: &mut (impl AsyncRead + Unpin),
    input: &mut Vec<u8>,
    octets_max: usize,
    context: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    let mut buffer = std::mem::take(input);
    buffer.resize(octets_max, 0);
    let mut reading = ReadBuf::new(&mut buffer);
    ready!(Pin::new(reader).poll_read(context, &mut reading))?;
    let octets = reading.filled().len();
    buffer.truncate(octets);
    *input = buffer;
    Poll::Ready(Ok(()))
}
