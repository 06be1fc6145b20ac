//! Accepts connections and starts their conversations.

use std::pin::pin;
use std::sync::Arc;

use mailward_mail::time::{Clock, Dice};
use mailward_wire::smtp::server::{Dialect, Origin, Session, SessionId, Settings, Step};
use rustls::ServerConfig;
use tokio::io::AsyncWriteExt as _;

use super::admission::{Admission, ConnectionLimits, Place};
use super::conversation::{Conversation, LINGER, Link as _, send};
use super::receive::{Buffers, Input};
use super::service::{Peer, Service};
use crate::clock::until;
use crate::listen::Listener;
use crate::stream::Stream;
use crate::tasks::{Shutdown, Tasks};

/// How a listener's connections are protected.
#[derive(Clone, Debug)]
pub enum Security {
    /// No TLS at all: tests, and relays on closed networks.
    Plain,
    /// Port 587.
    StartTls(Arc<ServerConfig>),
    /// Port 465 (RFC 8314 section 3.3).
    ImplicitTls(Arc<ServerConfig>),
}

/// An SMTP server on one listener.
#[derive(Debug)]
pub struct Server<S> {
    pub service: Arc<S>,
    pub settings: Arc<Settings>,
    pub dialect: Arc<dyn Dialect>,
    pub security: Security,
    pub limits: ConnectionLimits,
    pub clock: Arc<dyn Clock>,
    pub dice: Arc<dyn Dice>,
    /// Connections run as these, and drain when these do.
    pub tasks: Tasks,
}

impl<S: Service> Server<S> {
    /// Serves until shutdown begins. Connections then under way end by
    /// themselves: idle ones at once with 421, others after their message.
    pub async fn serve(self, listener: Listener) {
        let admission = Admission::new(self.limits);
        let tasks = self.tasks.clone();
        let server = Arc::new(Host {
            shutdown: tasks.shutdown().clone(),
            server: self,
            buffers: Buffers::default(),
        });
        let mut begun = pin!(tasks.shutdown().begun());
        loop {
            let stream = tokio::select! {
                biased;
                () = &mut begun => return,
                stream = listener.accept() => stream,
            };
            match admission.admit(stream.peer().ip().to_canonical()) {
                Some(place) => {
                    let host = Arc::clone(&server);
                    tasks.spawn("smtp connection", async move {
                        host.welcome(stream, place).await;
                    });
                }
                None => server.turn_away(stream).await,
            }
        }
    }
}

/// What a connection needs of its server.
struct Host<S> {
    server: Server<S>,
    buffers: Buffers,
    shutdown: Shutdown,
}

impl<S: Service> Host<S> {
    async fn welcome(&self, mut stream: Stream, _place: Place) {
        let server = &self.server;
        let peer = self.peer_of(&stream);
        if let Security::ImplicitTls(config) = &server.security {
            let limit = server.clock.now().plus(server.settings.times.tls_handshake);
            let handshake = Box::pin(stream.start_tls(Arc::clone(config)));
            match until(&*server.clock, limit, handshake).await {
                Ok(Ok(upgraded)) => stream = upgraded,
                Ok(Err(error)) => {
                    tracing::debug!(session = %peer.session, %error, "TLS handshake failed");
                    return;
                }
                Err(_) => return,
            }
        }
        let mut session = self.session(peer, stream.tls().is_some());
        match server.service.connect(peer) {
            Ok(connection) => {
                let conversation = Conversation {
                    link: Some(stream),
                    session,
                    connection,
                    input: Input::new(self.buffers.clone()),
                    clock: Arc::clone(&server.clock),
                    tls: match &server.security {
                        Security::StartTls(config) => Some(config),
                        Security::Plain | Security::ImplicitTls(_) => None,
                    },
                    shutdown: self.shutdown.clone(),
                };
                conversation.run().await;
            }
            Err(reply) => {
                session.turn_away(Some(reply), server.clock.now());
                self.part(stream, session).await;
            }
        }
    }

    /// Says 421 to one connection too many, as far as that goes without
    /// waiting. Under implicit TLS that would cost a handshake: it just closes.
    async fn turn_away(&self, stream: Stream) {
        let peer = self.peer_of(&stream);
        tracing::debug!(session = %peer.session, "too many connections");
        if !matches!(self.server.security, Security::ImplicitTls(_)) {
            let now = self.server.clock.now();
            let mut session = self.session(peer, false);
            session.turn_away(None, now);
            // With a deadline that has come, only what can be done at once is.
            let _ = until(&*self.server.clock, now, self.part(stream, session)).await;
        }
    }

    async fn part(&self, mut stream: Stream, mut session: Session) {
        let clock = &*self.server.clock;
        while let Step::Send(octets) = session.step(&mut &[][..], clock.now()) {
            let limit = clock.now().plus(LINGER);
            if !matches!(
                until(clock, limit, send(&mut stream, &octets)).await,
                Ok(Ok(()))
            ) {
                return;
            }
        }
        // The client may have gone already.
        let _ = stream.shutdown().await;
    }

    fn peer_of(&self, stream: &Stream) -> Peer {
        let mut address = stream.peer();
        // A listener on `::` shows IPv4 callers as `::ffff:192.0.2.1`.
        address.set_ip(address.ip().to_canonical());
        Peer {
            address,
            local: stream.local(),
            session: SessionId(self.server.dice.next_u64()),
        }
    }

    fn session(&self, peer: Peer, tls: bool) -> Session {
        let origin = Origin {
            peer: peer.address.ip(),
            session: peer.session,
            tls,
        };
        Session::new(
            Arc::clone(&self.server.settings),
            Arc::clone(&self.server.dialect),
            origin,
            self.server.clock.now(),
        )
    }
}
