//! One session from greeting to end.

use std::fmt;
use std::future::{Future, pending};
use std::sync::Arc;

use mailward_mail::Clock;
use mailward_mailbox::Mailboxes;
use mailward_wire::pop3::Step;
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf};

use crate::door::Peer;
use crate::hear::{Ear, Heard, Silence};
use crate::output::ClientGone;
use crate::pop3::host::Host;
use crate::pop3::maildrop::Locks;
use crate::pop3::session::Session;

/// What one read takes from the client.
const INPUT_OCTETS_MAX: usize = 4 * 1024;

/// POP3 for the mailboxes of one host.
pub struct Pop3<H> {
    pub(super) host: Arc<H>,
    pub(super) mailboxes: Mailboxes,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) locks: Locks,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum End {
    #[error("the client said QUIT")]
    Quit,
    #[error("the client went away or left answers unread")]
    ClientGone,
    #[error("the client said nothing for too long")]
    Idle,
    #[error("the service is shutting down")]
    Draining,
    #[error("sign-in was refused too often")]
    Refused,
    #[error("too many commands in a row were wrong")]
    TooManyErrors,
    #[error("the client broke the protocol")]
    Protocol,
    #[error("a command was answered with the end")]
    Dismissed,
    #[error("the account may not go on")]
    Closed,
    /// A message could not be read to its end after its first octets had been
    /// sent, so that the session could not go on.
    #[error("a message could not be read: {0}")]
    Unreadable(String),
}

impl From<ClientGone> for End {
    fn from(_: ClientGone) -> Self {
        Self::ClientGone
    }
}

impl From<Silence> for End {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::ClientGone => Self::ClientGone,
            Silence::Idle => Self::Idle,
            Silence::Draining => Self::Draining,
        }
    }
}

impl<H: Host> Pop3<H> {
    pub fn new(host: Arc<H>, mailboxes: Mailboxes, clock: Arc<dyn Clock>) -> Self {
        Self {
            host,
            mailboxes,
            clock,
            locks: Locks::default(),
        }
    }

    pub fn host(&self) -> &H {
        &self.host
    }

    /// The same service with another host, other mailboxes and another clock,
    /// for one session for example; a maildrop is one session's alone over both.
    pub fn beside(&self, host: Arc<H>, mailboxes: Mailboxes, clock: Arc<dyn Clock>) -> Self {
        Self {
            host,
            mailboxes,
            clock,
            locks: self.locks.clone(),
        }
    }

    /// Serves one client until it leaves. The stream is past its TLS
    /// handshake. When `drain` completes, the session ends as soon as no
    /// command is in progress.
    pub async fn serve<S>(
        &self,
        stream: S,
        peer: Peer,
        drain: impl Future<Output = ()> + Send,
    ) -> End
    where
        S: AsyncRead + AsyncWrite + Send + Unpin,
    {
        let (reader, writer) = tokio::io::split(stream);
        let mut session = Session::new(self, writer, peer);
        let end = match converse(&mut session, reader, drain).await {
            Ok(never) => match never {},
            Err(end) => end,
        };
        session.farewell(&end).await;
        end
    }
}

impl<H> fmt::Debug for Pop3<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pop3").finish_non_exhaustive()
    }
}

/// Runs until something ends the session, which is always an [`End`].
async fn converse<H, S>(
    session: &mut Session<'_, H, tokio::io::WriteHalf<S>>,
    reader: ReadHalf<S>,
    drain: impl Future<Output = ()> + Send,
) -> Result<std::convert::Infallible, End>
where
    H: Host,
    S: AsyncRead + AsyncWrite + Send + Unpin,
{
    let drain = std::pin::pin!(drain);
    session.greet();
    let clock = Arc::clone(&session.pop3.clock);
    let mut ear = Ear::new(reader, INPUT_OCTETS_MAX, clock, drain);
    loop {
        match session.server.step() {
            Step::Send(bytes) => {
                session.out.buffer.extend_from_slice(&bytes);
                session.out.breathe().await?;
            }
            // Boxed: a session that waits keeps no room for its commands.
            Step::Event(event) => Box::pin(session.event(event)).await?,
            // Every question is answered before the next step.
            Step::Answer | Step::Close => return Err(End::Protocol),
            Step::Read => {
                session.out.flush().await?;
                let patience = session.patience();
                if let Heard::Octets(octets) = ear.hear(patience, pending()).await? {
                    session.server.receive(&octets);
                }
            }
        }
    }
}
