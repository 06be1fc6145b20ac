//! Drives one server conversation: reads, asks, sends.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use mailward_mail::Reply;
use mailward_mail::time::{Clock, Waiting};
use mailward_wire::smtp::server::{Abort, Answer, Question, Session, Step};
use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use super::receive::Input;
use super::service::{Authentication, Connection};
use crate::clock::until;
use crate::stream::Stream;
use crate::tasks::Shutdown;
use crate::tls::TlsFacts;

/// After the last reply: how long, and how much, is still read from a client
/// that goes on sending. Closing at once would reset the connection and could
/// take our reply from it (RFC 1122 section 4.2.2.13).
pub(super) const LINGER: Duration = Duration::from_secs(2);
const LINGER_READS_MAX: usize = 256;

/// What the driver needs of a stream.
pub(super) trait Link: AsyncRead + AsyncWrite + Unpin + Send + Sized + 'static {
    fn start_tls(self, config: Arc<ServerConfig>) -> impl Future<Output = io::Result<Self>> + Send;

    fn tls(&self) -> Option<TlsFacts>;
}

impl Link for Stream {
    async fn start_tls(self, config: Arc<ServerConfig>) -> io::Result<Self> {
        self.upgrade_server(config)
            .await
            .map_err(|error| io::Error::other(error.to_string()))
    }

    fn tls(&self) -> Option<TlsFacts> {
        self.tls()
    }
}

/// One connection and everything that takes part in it.
pub(super) struct Conversation<'a, L, C> {
    /// Absent only for the moment of a handshake.
    pub(super) link: Option<L>,
    pub(super) session: Session,
    pub(super) connection: C,
    pub(super) input: Input,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) tls: Option<&'a Arc<ServerConfig>>,
    pub(super) shutdown: Shutdown,
}

/// The connection is of no more use.
struct Broken;

/// What ended a wait for input.
enum Arrival {
    Octets,
    Late,
    Shutdown,
}

impl<L: Link, C: Connection> Conversation<'_, L, C> {
    pub(super) async fn run(mut self) {
        if let Some(facts) = self.link.as_ref().and_then(Link::tls) {
            self.connection.tls_established(&facts);
            self.settle();
        }
        let ended = self.converse().await;
        if self.session.body_is_open() {
            self.connection.body_abort(Abort::Disconnected);
        }
        if ended.is_ok() {
            self.linger().await;
        }
    }

    async fn converse(&mut self) -> Result<(), Broken> {
        let mut shutdown = Some(self.shutdown_begun());
        loop {
            let mut unused = self.input.unused();
            let step = self.session.step(&mut unused, self.clock.now());
            let left = unused.len();
            match step {
                Step::Body(octets) => {
                    let taken = self.connection.body_chunk(octets).await;
                    if let Err(reply) = taken {
                        self.session.refuse_body(reply);
                        self.connection.body_abort(Abort::Refused);
                    }
                    self.input.leave(left);
                }
                Step::Send(octets) => {
                    self.input.leave(left);
                    self.send(&octets).await?;
                }
                Step::Ask(question) => {
                    // The name or password asked about need not stay.
                    self.input.leave(left);
                    // Boxed, so that an idle connection does not carry the
                    // room for its largest question.
                    let asked = ask(&mut self.connection, &self.session, question);
                    let answer = Box::pin(asked).await;
                    if self.settle() {
                        shutdown = Some(self.shutdown_begun());
                    }
                    self.session.answer(answer, self.clock.now());
                }
                Step::Receive => {
                    self.input.leave(left);
                    match self.receive(&mut shutdown).await? {
                        Arrival::Octets | Arrival::Late => {}
                        Arrival::Shutdown => {
                            shutdown = None;
                            self.session.drain();
                        }
                    }
                }
                Step::BodyAborted(abort) => {
                    self.input.leave(left);
                    self.connection.body_abort(abort);
                }
                Step::Hello => {
                    self.input.leave(left);
                    if let Some(hello) = self.session.hello() {
                        self.connection.hello(hello);
                    }
                }
                Step::StartTls => {
                    self.input.leave(0);
                    self.start_tls().await?;
                    if self.settle() {
                        shutdown = Some(self.shutdown_begun());
                    }
                }
                Step::Close => return Ok(()),
            }
        }
    }

    /// Goes on where the connection has gone. False when it has not.
    fn settle(&mut self) -> bool {
        let Some(place) = self.connection.moved() else {
            return false;
        };
        let now = place.clock.now();
        self.session.move_to(place.session, place.dialect, now);
        self.clock = place.clock;
        self.shutdown = place.shutdown;
        true
    }

    fn shutdown_begun(&self) -> Waiting {
        let shutdown = self.shutdown.clone();
        Box::pin(async move { shutdown.begun().await })
    }

    /// Waits for input, without holding a buffer or, as long as it need not
    /// wait, a timer.
    async fn receive(&mut self, shutdown: &mut Option<Waiting>) -> Result<Arrival, Broken> {
        let deadline = self.session.deadline();
        let link = self.link.as_mut().ok_or(Broken)?;
        let (input, clock) = (&mut self.input, &self.clock);
        let mut late: Option<Waiting> = None;
        std::future::poll_fn(|context| {
            if let Poll::Ready(read) = input.poll_fill(link, context) {
                return Poll::Ready(match read {
                    Ok(0) | Err(_) => Err(Broken),
                    Ok(_) => Ok(Arrival::Octets),
                });
            }
            if let Some(begun) = shutdown
                && begun.as_mut().poll(context).is_ready()
            {
                return Poll::Ready(Ok(Arrival::Shutdown));
            }
            let late = late.get_or_insert_with(|| clock.wait_until(deadline));
            late.as_mut().poll(context).map(|()| Ok(Arrival::Late))
        })
        .await
    }

    async fn send(&mut self, octets: &[u8]) -> Result<(), Broken> {
        let link = self.link.as_mut().ok_or(Broken)?;
        let limit = self.session.settings().times.send;
        let deadline = self.clock.now().plus(limit);
        match until(&*self.clock, deadline, send(link, octets)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Broken),
        }
    }

    async fn start_tls(&mut self) -> Result<(), Broken> {
        let link = self.link.take().ok_or(Broken)?;
        // The session offers STARTTLS where its listener has no certificate
        // only by a mistake of configuration.
        let config = self.tls.ok_or(Broken)?;
        let limit = self.session.settings().times.tls_handshake;
        let deadline = self.clock.now().plus(limit);
        let handshake = Box::pin(link.start_tls(Arc::clone(config)));
        let upgraded = match until(&*self.clock, deadline, handshake).await {
            Ok(Ok(upgraded)) => upgraded,
            Ok(Err(error)) => {
                tracing::debug!(%error, "TLS handshake failed");
                return Err(Broken);
            }
            Err(_) => return Err(Broken),
        };
        self.session.tls_established(self.clock.now());
        if let Some(facts) = upgraded.tls() {
            self.connection.tls_established(&facts);
        }
        self.link = Some(upgraded);
        Ok(())
    }

    /// Closes so that the last reply arrives: ends our side, then reads what
    /// still comes, within limits.
    async fn linger(&mut self) {
        let Some(link) = self.link.as_mut() else {
            return;
        };
        let input = &mut self.input;
        input.leave(0);
        let close = async {
            if link.shutdown().await.is_err() {
                return;
            }
            for _ in 0..LINGER_READS_MAX {
                let read = std::future::poll_fn(|context| input.poll_fill(link, context)).await;
                input.leave(0);
                if !matches!(read, Ok(octets) if octets > 0) {
                    return;
                }
            }
        };
        let deadline = self.clock.now().plus(LINGER);
        // Whether the client waits for the end is its own affair.
        let _ = until(&*self.clock, deadline, close).await;
    }
}

pub(super) async fn send<L: AsyncWrite + Unpin>(link: &mut L, octets: &[u8]) -> io::Result<()> {
    link.write_all(octets).await?;
    link.flush().await
}

async fn ask<C: Connection>(connection: &mut C, session: &Session, question: Question) -> Answer {
    match question {
        Question::Authenticate(credentials) => match connection.authenticate(credentials).await {
            Authentication::Accepted => Answer::Accept,
            Authentication::Refused(reply) => Answer::Refuse(reply),
        },
        Question::MailFrom(mail) => connection.mail_from(&mail).await.into(),
        Question::RcptTo(recipient) => connection.rcpt_to(&recipient).await.into(),
        Question::BodyStart => match session.envelope() {
            Some(envelope) => connection.body_start(envelope).await.into(),
            None => Answer::Refuse(Reply::status(451, 3, 0, "No message is under way")),
        },
        Question::BodyEnd => {
            let reply = connection.body_end().await;
            if reply.is_positive() {
                Answer::AcceptWith(reply)
            } else {
                Answer::Refuse(reply)
            }
        }
    }
}
