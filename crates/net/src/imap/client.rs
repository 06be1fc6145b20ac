//! A client's connection: TLS from the first octet, then one command after
//! another, each within its time.
//!
//! ```text
//! let mut session = ImapSession::connect(&options, &resolver, clock).await?;
//! session.sign_in(&credentials).await?;
//! session.examine(&MailboxName::new("Sent Items")).await?;
//! let uids = session.search(key).await?;
//! session.logout().await;
//! ```

use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use mailward_mail::time::Clock;
use mailward_wire::imap::client::{
    Capabilities, Done, Error, Fetched, Folder, Opened, Session, Stage, Step,
};
use mailward_wire::imap::{Bound, Credentials, FetchItem, MailboxName, SearchKey, SequenceSet};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};

use crate::clock::until;
use crate::connect::{ConnectError, connect};
use crate::dns::Resolver;
use crate::stream::Stream;
use crate::tls::TlsFacts;

/// As much as a TLS record can hold (RFC 8446 section 5.1).
const READ_OCTETS: usize = 16 * 1024;

/// UIDs that one FETCH names; a command stays far below what servers take.
const UIDS_FETCHED_MAX: usize = 200;

/// Where to and how. TLS comes first (RFC 8314); there is no other way.
#[derive(Clone, Debug)]
pub struct ImapOptions {
    pub host: String,
    pub port: u16,
    pub tls: Arc<ClientConfig>,
    pub times: ImapTimes,
}

/// How long to wait for the server.
#[derive(Clone, Copy, Debug)]
pub struct ImapTimes {
    /// Name look-up and TCP.
    pub connect: Duration,
    pub tls_handshake: Duration,
    pub greeting: Duration,
    /// From a command to its completion. Searching a large folder takes its
    /// time.
    pub command: Duration,
    pub logout: Duration,
}

impl Default for ImapTimes {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(30),
            tls_handshake: Duration::from_secs(30),
            greeting: Duration::from_secs(30),
            command: Duration::from_secs(120),
            logout: Duration::from_secs(5),
        }
    }
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ImapError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error(transparent)]
    Session(#[from] Error),
    #[error("the server did not answer in time at {stage}")]
    TimedOut { stage: Stage },
    #[error("the connection broke at {stage}: {why}")]
    Broken { stage: Stage, why: io::Error },
}

/// A connection to a server, for any number of commands one after the other.
#[derive(Debug)]
pub struct ImapSession<L = Stream> {
    session: Session,
    /// Absent once the connection is of no more use.
    link: Option<L>,
    /// What was read and is not used yet.
    input: Vec<u8>,
    times: ImapTimes,
    clock: Arc<dyn Clock>,
}

impl ImapSession<Stream> {
    /// Connects, starts TLS, verifies the certificate, and hears the greeting.
    pub async fn connect(
        options: &ImapOptions,
        resolver: &dyn Resolver,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ImapError> {
        let deadline = clock.now().plus(options.times.connect);
        let (host, port) = (&options.host, options.port);
        let stream = connect(resolver, &*clock, host, port, None, deadline).await?;
        let deadline = clock.now().plus(options.times.tls_handshake);
        let handshake = Box::pin(stream.upgrade_client(Arc::clone(&options.tls), host));
        let stream = match until(&*clock, deadline, handshake).await {
            Ok(upgraded) => upgraded?,
            Err(_) => {
                let stage = Stage::Greeting;
                return Err(ImapError::TimedOut { stage });
            }
        };
        Self::over(stream, options.times, clock).await
    }

    /// What the handshake agreed on.
    pub fn tls(&self) -> Option<TlsFacts> {
        self.link.as_ref().and_then(Stream::tls)
    }
}

impl<L: AsyncRead + AsyncWrite + Unpin + Send> ImapSession<L> {
    /// The same over a stream that is protected already.
    pub async fn over(link: L, times: ImapTimes, clock: Arc<dyn Clock>) -> Result<Self, ImapError> {
        let mut connected = Self {
            session: Session::new(),
            link: Some(link),
            input: Vec::new(),
            times,
            clock,
        };
        connected.drive().await?;
        Ok(connected)
    }

    /// Signs in, once. A refusal is `ImapError::Session(Error::Refused)` at
    /// [`Stage::SignIn`]: it must not be tried again with the same secret.
    pub async fn sign_in(&mut self, credentials: &Credentials) -> Result<(), ImapError> {
        self.session.sign_in(credentials)?;
        self.drive().await.map(drop)
    }

    /// All folders.
    pub async fn list(&mut self) -> Result<Vec<Folder>, ImapError> {
        self.session.list();
        match self.drive().await? {
            Done::Folders(folders) => Ok(folders),
            _ => Err(self.lost()),
        }
    }

    /// Opens a folder to read. Nothing in it is changed by that.
    pub async fn examine(&mut self, name: &MailboxName) -> Result<Opened, ImapError> {
        self.session.examine(name);
        match self.drive().await? {
            Done::Opened(opened) => Ok(opened),
            _ => Err(self.lost()),
        }
    }

    /// UIDs in the open folder, ascending.
    pub async fn search(&mut self, key: SearchKey) -> Result<Vec<u32>, ImapError> {
        self.session.search(key);
        match self.drive().await? {
            Done::Found(uids) => Ok(uids),
            _ => Err(self.lost()),
        }
    }

    /// The same things of several messages of the open folder. A message that
    /// has gone meanwhile is not told of.
    pub async fn fetch(
        &mut self,
        uids: &[u32],
        items: &[FetchItem],
    ) -> Result<Vec<Fetched>, ImapError> {
        let mut all = Vec::with_capacity(uids.len());
        for some in uids.chunks(UIDS_FETCHED_MAX) {
            let bounds = some.iter().filter_map(|uid| NonZeroU32::new(*uid));
            let bounds: Vec<_> = bounds
                .map(|uid| (Bound::Number(uid), Bound::Number(uid)))
                .collect();
            if bounds.is_empty() {
                continue;
            }
            self.session.fetch(SequenceSet(bounds), items.to_vec());
            match self.drive().await? {
                Done::Fetched(fetched) => all.extend(fetched),
                _ => return Err(self.lost()),
            }
        }
        Ok(all)
    }

    /// Takes leave. Whether the server answers is of no matter.
    pub async fn logout(mut self) {
        if self.link.is_some() && self.session.is_open() {
            self.session.logout();
            if self.drive().await.is_ok()
                && let Some(mut link) = self.link
            {
                let deadline = self.clock.now().plus(self.times.logout);
                let _ = until(&*self.clock, deadline, link.shutdown()).await;
            }
        }
    }

    /// What the server offered last.
    pub fn capabilities(&self) -> &Capabilities {
        self.session.capabilities()
    }

    /// The session answered another question than it was asked.
    fn lost(&mut self) -> ImapError {
        self.link = None;
        self.session.closed().into()
    }

    /// Does what the session says until it has something to tell. After an
    /// error that the session survives the link stays.
    async fn drive(&mut self) -> Result<Done, ImapError> {
        let driven = self.drive_on().await;
        if driven.is_err() && !self.session.is_open() {
            self.link = None;
        }
        driven
    }

    async fn drive_on(&mut self) -> Result<Done, ImapError> {
        let stage = self.session.stage();
        let limit = match stage {
            Stage::Greeting => self.times.greeting,
            Stage::Logout => self.times.logout,
            _ => self.times.command,
        };
        // One limit for the whole command, however slowly its answer drips.
        let deadline = self.clock.now().plus(limit);
        let clock = Arc::clone(&self.clock);
        match until(&*clock, deadline, self.exchange()).await {
            Ok(driven) => driven,
            Err(_) => {
                let stage = self.session.stage();
                self.session.closed();
                Err(ImapError::TimedOut { stage })
            }
        }
    }

    async fn exchange(&mut self) -> Result<Done, ImapError> {
        loop {
            let mut unused = self.input.as_slice();
            let step = self.session.step(&mut unused);
            let used = self.input.len() - unused.len();
            self.input.drain(..used);
            let stage = self.session.stage();
            let broken = |why| ImapError::Broken { stage, why };
            match step? {
                Step::Done(done) => return Ok(done),
                Step::Send(octets) => {
                    let link = self.link.as_mut().ok_or_else(|| self.session.closed())?;
                    let written = async {
                        link.write_all(&octets).await?;
                        link.flush().await
                    };
                    if let Err(why) = written.await {
                        self.session.closed();
                        return Err(broken(why));
                    }
                }
                Step::Receive => {
                    let link = self.link.as_mut().ok_or_else(|| self.session.closed())?;
                    self.input.reserve(READ_OCTETS);
                    match link.read_buf(&mut self.input).await {
                        Ok(0) => return Err(self.session.closed().into()),
                        Ok(_) => {}
                        Err(why) => {
                            self.session.closed();
                            return Err(broken(why));
                        }
                    }
                }
            }
        }
    }
}

impl ImapError {
    /// How far it came.
    pub fn stage(&self) -> Option<Stage> {
        match self {
            Self::Connect(_) => None,
            Self::Session(error) => match error {
                Error::Refused { stage, .. }
                | Error::Bye { stage, .. }
                | Error::Violation { stage, .. }
                | Error::Closed { stage } => Some(*stage),
                Error::NotOffered { .. } => Some(Stage::SignIn),
            },
            Self::TimedOut { stage } | Self::Broken { stage, .. } => Some(*stage),
        }
    }
}
