//! Drives client conversations: connects, reads, sends.
//!
//! ```text
//! let mut session = ClientSession::connect(&options, &resolver, clock).await?;
//! session.authenticate(&Credentials::password(Mechanism::Login, name, secret)).await?;
//! let verdicts = session.send(&envelope, Some(octets), &mut outgoing).await?;
//! session.quit().await;
//! ```

mod error;
mod options;

use std::future::Future;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use mailward_mail::time::Clock;
use mailward_mail::{Envelope, Reply};
use mailward_wire::smtp::Credentials;
use mailward_wire::smtp::client::{Done, Features, Protection, Session, Stage, Step, Verdict};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

pub use error::ClientError;
pub use options::{ClientOptions, ClientSecurity, ClientTimes};

use super::receive::{Buffers, Input};
use crate::clock::within;
use crate::connect::{ConnectError, connect};
use crate::dns::Resolver;
use crate::stream::Stream;
use crate::tls::TlsFacts;

/// The body goes out in pieces of about this size, each within its time.
const PIECE_OCTETS: usize = 64 * 1024;

/// A message on its way out.
pub trait Outgoing: Send {
    /// The next octets of the message: lines end in CRLF, dots are not
    /// doubled. Nothing means the end.
    fn chunk(&mut self) -> impl Future<Output = Result<Option<Bytes>, Stopped>> + Send;

    /// All octets are sent but the last few, which go with the final dot. Whoever keeps a record of
    /// the attempt writes it down here: once this returns, the message may be
    /// taken, even if no reply ever comes. `verdicts` are those of RCPT, in
    /// the envelope's order.
    fn before_final_dot(
        &mut self,
        verdicts: &[Verdict],
    ) -> impl Future<Output = Result<(), Stopped>> + Send;
}

/// The sender changed its mind, or could not read the message: the connection
/// is closed without the final dot, so that nothing is sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Stopped(pub String);

/// What the driver needs of a stream.
pub trait ClientLink: AsyncRead + AsyncWrite + Unpin + Send + Sized {
    fn start_tls(
        self,
        config: Arc<ClientConfig>,
        name: &str,
    ) -> impl Future<Output = Result<Self, ConnectError>> + Send;
}

impl ClientLink for Stream {
    async fn start_tls(self, config: Arc<ClientConfig>, name: &str) -> Result<Self, ConnectError> {
        self.upgrade_client(config, name).await
    }
}

/// A connection to a server, past EHLO and TLS, for any number of messages
/// one after the other.
#[derive(Debug)]
pub struct ClientSession<L = Stream> {
    session: Session,
    /// Absent once the connection is of no more use.
    link: Option<L>,
    input: Input,
    /// The end of a message, to go out in one flight with its final dot.
    held: Vec<u8>,
    options: ClientOptions,
    clock: Arc<dyn Clock>,
    /// When the opening has to be over, in steady time.
    open_by: Duration,
}

/// How long an answer may take, and when that is over in steady time.
#[derive(Clone, Copy, Debug)]
struct Limit {
    stage: Stage,
    length: Duration,
    end: Duration,
}

impl Limit {
    fn timed_out(self) -> ClientError {
        ClientError::TimedOut {
            stage: self.stage,
            limit: self.length,
        }
    }
}

impl ClientSession<Stream> {
    /// Connects, greets, and starts TLS.
    pub async fn connect(
        options: &ClientOptions,
        resolver: &dyn Resolver,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ClientError> {
        let times = options.times;
        let open_by = clock.steady() + times.opening;
        let deadline = clock.now().plus(times.connect.min(times.opening));
        let (host, port) = (&options.host, options.port);
        let stream = connect(resolver, &*clock, host, port, options.source, deadline).await?;
        Self::begun(stream, options, clock, open_by).await
    }

    /// The address that answered.
    pub fn peer(&self) -> Option<std::net::SocketAddr> {
        self.link.as_ref().map(Stream::peer)
    }

    /// What the handshake agreed on.
    pub fn tls(&self) -> Option<TlsFacts> {
        self.link.as_ref().and_then(Stream::tls)
    }
}

impl<L: ClientLink> ClientSession<L> {
    /// The same over a stream that is connected already.
    pub async fn over(
        link: L,
        options: &ClientOptions,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ClientError> {
        let open_by = clock.steady() + options.times.opening;
        Self::begun(link, options, clock, open_by).await
    }

    async fn begun(
        link: L,
        options: &ClientOptions,
        clock: Arc<dyn Clock>,
        open_by: Duration,
    ) -> Result<Self, ClientError> {
        let protection = match &options.security {
            ClientSecurity::StartTls(_) => Protection::StartTls,
            ClientSecurity::Opportunistic(_) => Protection::Opportunistic,
            ClientSecurity::ImplicitTls(_) => Protection::Implicit,
            ClientSecurity::Plain => Protection::Plain,
        };
        let mut connected = Self {
            session: Session::new(options.client_name.as_str(), protection),
            link: Some(link),
            input: Input::new(Buffers::default()),
            held: Vec::new(),
            options: options.clone(),
            clock,
            open_by,
        };
        if let ClientSecurity::ImplicitTls(config) = &options.security {
            connected.handshake(Arc::clone(config)).await?;
        }
        connected.drive().await?;
        Ok(connected)
    }

    /// Signs in. A refusal is `ClientError::Session(Error::Refused)` at
    /// [`Stage::Auth`]: it must not be tried again with the same secret.
    pub async fn authenticate(&mut self, credentials: &Credentials) -> Result<(), ClientError> {
        self.session.authenticate(credentials)?;
        self.drive().await.map(drop)
    }

    /// Sends one message. Gives the last verdict on each recipient, in the
    /// envelope's order: at MAIL, RCPT, DATA or the final dot.
    ///
    /// An error means that no verdict came; see [`ClientError::is_in_doubt`].
    /// The session is of no more use then, except after
    /// [`mailward_wire::smtp::client::Error::CannotCarry`].
    pub async fn send(
        &mut self,
        envelope: &Envelope,
        octets: Option<u64>,
        message: &mut impl Outgoing,
    ) -> Result<Vec<Verdict>, ClientError> {
        self.session.begin(envelope, octets)?;
        self.drive().await?;
        if self.session.taken_count() == 0 || !self.session.is_open() {
            return Ok(self.verdicts());
        }
        self.session.data();
        if self.drive().await? == Done::BodyWanted {
            let sent = self.send_body(message).await;
            if sent.is_err() {
                self.link = None;
            }
            sent?;
            self.drive().await?;
        }
        Ok(self.verdicts())
    }

    /// Takes leave, and waits for the server to close too: until then it may
    /// count the connection. What it answers is of no matter.
    pub async fn quit(mut self) {
        if self.link.is_some() && self.session.is_open() {
            self.session.quit();
            if self.drive().await.is_ok()
                && let Some(mut link) = self.link
            {
                let closed = async {
                    link.shutdown().await?;
                    tokio::io::copy(&mut link, &mut tokio::io::sink()).await
                };
                let _ = within(&*self.clock, self.options.times.quit, closed).await;
            }
        }
    }

    /// Whether another message can be sent: nothing failed, and the server
    /// has neither closed nor said anything since.
    pub async fn is_open(&mut self) -> bool {
        let Some(link) = self.link.as_mut() else {
            return false;
        };
        if !self.session.is_open() || !self.input.unused().is_empty() {
            return false;
        }
        let input = &mut self.input;
        let silent =
            std::future::poll_fn(|cx| Poll::Ready(input.poll_fill(link, cx).is_pending())).await;
        if !silent {
            self.link = None;
        }
        silent
    }

    /// What the server greeted with.
    pub fn greeting(&self) -> Option<&Reply> {
        self.session.greeting()
    }

    /// What the server offered.
    pub fn features(&self) -> &Features {
        self.session.features()
    }

    fn verdicts(&self) -> Vec<Verdict> {
        self.session.verdicts().flatten().cloned().collect()
    }

    async fn send_body(&mut self, message: &mut impl Outgoing) -> Result<(), ClientError> {
        let mut out = Vec::new();
        while let Some(chunk) = message.chunk().await? {
            for piece in chunk.chunks(PIECE_OCTETS) {
                self.session.body(piece, &mut out)?;
                if out.len() >= PIECE_OCTETS {
                    self.write(&out).await?;
                    out.clear();
                }
            }
        }
        self.held = out;
        message.before_final_dot(&self.verdicts()).await?;
        self.session.final_dot()?;
        Ok(())
    }

    /// Does what the session says until it has something to tell.
    async fn drive(&mut self) -> Result<Done, ClientError> {
        let driven = self.drive_on().await;
        if driven.is_err() {
            self.link = None;
        }
        driven
    }

    async fn drive_on(&mut self) -> Result<Done, ClientError> {
        let mut limit = self.limit(self.session.stage());
        loop {
            let mut unused = self.input.unused();
            let step = self.session.step(&mut unused);
            let left = unused.len();
            self.input.leave(left);
            match step? {
                Step::Done(done) => return Ok(done),
                Step::Send(octets) => {
                    let mut flight = std::mem::take(&mut self.held);
                    flight.extend_from_slice(&octets);
                    self.write(&flight).await?;
                    limit = self.limit(self.session.stage());
                }
                Step::StartTls => {
                    if let ClientSecurity::StartTls(config)
                    | ClientSecurity::Opportunistic(config) = &self.options.security
                    {
                        let config = Arc::clone(config);
                        self.handshake(config).await?;
                    }
                    self.session.tls_established();
                }
                Step::Receive => {
                    let stage = self.session.stage();
                    let link = self.link.as_mut().ok_or_else(|| self.session.closed())?;
                    let input = &mut self.input;
                    let read = std::future::poll_fn(|cx| input.poll_fill(link, cx));
                    let left = limit.end.saturating_sub(self.clock.steady());
                    match within(&*self.clock, left, read).await {
                        Ok(Ok(0)) => return Err(self.session.closed().into()),
                        Ok(Ok(_)) => {}
                        Ok(Err(why)) => return Err(ClientError::Broken { stage, why }),
                        Err(_) => return Err(Limit { stage, ..limit }.timed_out()),
                    }
                }
            }
        }
    }

    /// Of what begins now.
    fn limit(&self, stage: Stage) -> Limit {
        let now = self.clock.steady();
        let own = self.options.times.of(stage);
        let left = self.open_by.saturating_sub(now);
        if ClientTimes::opens(stage) && left < own {
            return Limit {
                stage,
                length: self.options.times.opening,
                end: self.open_by,
            };
        }
        Limit {
            stage,
            length: own,
            end: now + own,
        }
    }

    async fn write(&mut self, octets: &[u8]) -> Result<(), ClientError> {
        let stage = self.session.stage();
        let limit = self.limit(stage);
        let left = limit.end.saturating_sub(self.clock.steady());
        let link = self.link.as_mut().ok_or_else(|| self.session.closed())?;
        let write = async {
            link.write_all(octets).await?;
            link.flush().await
        };
        match within(&*self.clock, left, write).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => Err(ClientError::Broken { stage, why }),
            Err(_) => Err(limit.timed_out()),
        }
    }

    async fn handshake(&mut self, config: Arc<ClientConfig>) -> Result<(), ClientError> {
        let link = self.link.take().ok_or_else(|| self.session.closed())?;
        let limit = self.limit(Stage::Tls);
        let left = limit.end.saturating_sub(self.clock.steady());
        let handshake = Box::pin(link.start_tls(config, &self.options.host));
        match within(&*self.clock, left, handshake).await {
            Ok(upgraded) => self.link = Some(upgraded?),
            Err(_) => return Err(limit.timed_out()),
        }
        Ok(())
    }
}
