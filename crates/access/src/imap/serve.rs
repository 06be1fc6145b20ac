//! One session from greeting to end.

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use mailward_mail::Clock;
use mailward_mailbox::Mailboxes;
use mailward_wire::imap::{Event, Step};
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf};

use crate::door::Peer;
use crate::hear::{Ear, Heard, Silence};
use crate::imap::facts::AllFacts;
use crate::imap::host::Host;
use crate::imap::session::Session;
use crate::imap::structures::Structures;
use crate::output::ClientGone;

/// What one read takes from the client.
const INPUT_OCTETS_MAX: usize = 8 * 1024;

/// IMAP for the mailboxes of one host.
pub struct Imap<H> {
    pub(crate) host: Arc<H>,
    pub(crate) mailboxes: Mailboxes,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) structures: Arc<Structures>,
    pub(crate) facts: Arc<AllFacts>,
}

/// How a session ended.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum End {
    #[error("the client logged out")]
    LoggedOut,
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
    #[error("a command was too long to await its end")]
    EndlessCommand,
    #[error("a command was answered with the end")]
    Dismissed,
    #[error("the session went on though it was not connected")]
    NotConnected,
    /// A message could not be read to its end after its size had been told, so
    /// that the session could not go on.
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

impl<H: Host> Imap<H> {
    pub fn new(host: Arc<H>, mailboxes: Mailboxes, clock: Arc<dyn Clock>) -> Self {
        Self {
            host,
            mailboxes,
            clock,
            structures: Arc::default(),
            facts: Arc::default(),
        }
    }

    pub fn host(&self) -> &H {
        &self.host
    }

    /// The same service with another host, other mailboxes and another clock,
    /// for one session for example; it shares what is remembered of messages.
    pub fn beside(&self, host: Arc<H>, mailboxes: Mailboxes, clock: Arc<dyn Clock>) -> Self {
        Self {
            host,
            mailboxes,
            clock,
            structures: Arc::clone(&self.structures),
            facts: Arc::clone(&self.facts),
        }
    }

    /// Serves one client until it leaves. The stream is past its TLS
    /// handshake. When `drain` completes, the session ends with `BYE` as soon
    /// as no command is in progress.
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

impl<H> fmt::Debug for Imap<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Imap").finish_non_exhaustive()
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
    let clock = Arc::clone(&session.imap.clock);
    let mut ear = Ear::new(reader, INPUT_OCTETS_MAX, clock, drain);
    loop {
        match session.server.step() {
            Step::Send(bytes) => session.out.buffer.extend_from_slice(&bytes),
            Step::Event(event) => {
                let is_bad = matches!(event, Event::Bad | Event::AppendBroken);
                // Boxed: a session that waits keeps no room for its commands.
                Box::pin(session.event(event)).await?;
                session.count_errors(is_bad)?;
            }
            // Every question is answered before the next step.
            Step::Answer => return Err(End::Unreadable("a command was left open".to_owned())),
            Step::Read => {
                session.out.flush().await?;
                let patience = session.patience();
                match ear.hear(patience, session.news()).await? {
                    Heard::Octets(octets) => session.server.receive(&octets),
                    Heard::News => Box::pin(session.tell_news()).await?,
                }
            }
        }
    }
}
