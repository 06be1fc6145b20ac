//! One connection, plain or under TLS, and the step from the one to the other.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

use crate::connect::ConnectError;
use crate::tap::{Cut, Tap};
use crate::tls::TlsFacts;

/// A TCP connection. Reads and writes go through TLS once it is upgraded.
///
/// ```text
///   Plain ── upgrade_server ──▶ Server
///     └───── upgrade_client ──▶ Client
/// ```
#[derive(Debug)]
pub struct Stream {
    kind: Kind,
    peer: SocketAddr,
    local: SocketAddr,
    tap: Option<Box<dyn Tap>>,
}

/// The TLS states are boxed: they take about a kibibyte each, and a stream
/// moves often.
#[derive(Debug)]
enum Kind {
    Plain(TcpStream),
    Server(Box<server::TlsStream<TcpStream>>),
    Client(Box<client::TlsStream<TcpStream>>),
}

/// A client's TLS handshake with us that came to nothing.
#[derive(Debug, thiserror::Error)]
#[error("TLS handshake with {peer} failed: {why}")]
pub struct HandshakeError {
    pub peer: SocketAddr,
    pub why: io::Error,
}

impl Stream {
    pub(crate) fn plain(tcp: TcpStream) -> io::Result<Self> {
        // Replies are small and wait for an answer: never hold them back.
        tcp.set_nodelay(true)?;
        Ok(Self {
            peer: tcp.peer_addr()?,
            local: tcp.local_addr()?,
            kind: Kind::Plain(tcp),
            tap: None,
        })
    }

    /// Lets `tap` watch this connection from now on.
    #[must_use]
    pub fn tapped(mut self, tap: Option<Box<dyn Tap>>) -> Self {
        self.tap = tap;
        self
    }

    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// What the handshake agreed on; nothing on a plain connection.
    pub fn tls(&self) -> Option<TlsFacts> {
        match &self.kind {
            Kind::Plain(_) => None,
            Kind::Server(tls) => {
                let state = tls.get_ref().1;
                TlsFacts::of(state, state.server_name())
            }
            Kind::Client(tls) => TlsFacts::of(tls.get_ref().1, None),
        }
    }

    /// Answers the client's handshake. The caller bounds the time it may take,
    /// and drops whatever it has read but not yet acted on: bytes that came
    /// before the handshake must not count after it (RFC 3207 section 4.2).
    pub async fn upgrade_server(
        mut self,
        config: Arc<ServerConfig>,
    ) -> Result<Self, HandshakeError> {
        let (peer, local) = (self.peer, self.local);
        let mut tap = self.tap.take();
        if tap.as_mut().is_some_and(|tap| !tap.allows_tls()) {
            let why = io::Error::other("the tap lets no handshake through");
            return Err(HandshakeError { peer, why });
        }
        let tcp = self
            .into_plain()
            .map_err(|why| HandshakeError { peer, why })?;
        let tls = TlsAcceptor::from(config)
            .accept(tcp)
            .await
            .map_err(|why| HandshakeError { peer, why })?;
        let mut upgraded = Self {
            kind: Kind::Server(Box::new(tls)),
            peer,
            local,
            tap: None,
        };
        if let Some(tap) = &mut tap {
            tap.secured(upgraded.tls().as_ref());
        }
        upgraded.tap = tap;
        Ok(upgraded)
    }

    /// Starts a handshake with a server that must prove to be `name`, a host
    /// name or an address. The caller bounds the time and drops what it has
    /// read before, as in [`Self::upgrade_server`].
    pub async fn upgrade_client(
        mut self,
        config: Arc<ClientConfig>,
        name: &str,
    ) -> Result<Self, ConnectError> {
        let (peer, local) = (self.peer, self.local);
        let tap = self.tap.take();
        let host = name.strip_suffix('.').unwrap_or(name);
        let server_name =
            ServerName::try_from(host.to_owned()).map_err(|_| ConnectError::TlsCertificate {
                name: name.to_owned(),
                why: "no certificate can carry this name".to_owned(),
            })?;
        let tcp = self
            .into_plain()
            .map_err(|why| ConnectError::of_tcp(name, peer.port(), why))?;
        let tls = TlsConnector::from(config)
            .connect(server_name, tcp)
            .await
            .map_err(|error| ConnectError::of_handshake(name, peer.port(), error))?;
        Ok(Self {
            kind: Kind::Client(Box::new(tls)),
            peer,
            local,
            tap,
        })
    }

    fn into_plain(self) -> io::Result<TcpStream> {
        match self.kind {
            Kind::Plain(tcp) => Ok(tcp),
            Kind::Server(_) | Kind::Client(_) => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the connection is under TLS already",
            )),
        }
    }
}

impl Stream {
    /// Ends as the tap wishes.
    fn cut(&self, cut: Cut) -> io::Error {
        if cut == Cut::Reset {
            let tcp = match &self.kind {
                Kind::Plain(tcp) => tcp,
                Kind::Server(tls) => tls.get_ref().0,
                Kind::Client(tls) => tls.get_ref().0,
            };
            // Where the system refuses, a plain close has to do.
            let _ = tcp.set_zero_linger();
        }
        cut.error()
    }

    fn poll_read_kind(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match &mut self.kind {
            Kind::Plain(tcp) => Pin::new(tcp).poll_read(context, buffer),
            Kind::Server(tls) => Pin::new(tls).poll_read(context, buffer),
            Kind::Client(tls) => Pin::new(tls).poll_read(context, buffer),
        }
    }

    fn poll_write_kind(
        &mut self,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match &mut self.kind {
            Kind::Plain(tcp) => Pin::new(tcp).poll_write(context, bytes),
            Kind::Server(tls) => Pin::new(tls).poll_write(context, bytes),
            Kind::Client(tls) => Pin::new(tls).poll_write(context, bytes),
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(tap) = &mut self.tap else {
            return self.poll_read_kind(context, buffer);
        };
        if let Err(cut) = ready!(tap.poll_receive(context)) {
            return Poll::Ready(Err(self.cut(cut)));
        }
        let before = buffer.filled().len();
        ready!(self.poll_read_kind(context, buffer))?;
        if let Some(tap) = &mut self.tap {
            tap.received(&buffer.filled()[before..]);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let Some(tap) = &mut self.tap else {
            return self.poll_write_kind(context, bytes);
        };
        let most = match ready!(tap.poll_send(context)) {
            Ok(octets) => octets.max(1).min(bytes.len()),
            Err(cut) => return Poll::Ready(Err(self.cut(cut))),
        };
        let written = ready!(self.poll_write_kind(context, &bytes[..most]))?;
        if let Some(tap) = &mut self.tap {
            tap.sent(&bytes[..written]);
        }
        Poll::Ready(Ok(written))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.tap.is_some() {
            let first = slices.iter().find(|slice| !slice.is_empty());
            return self.poll_write(context, first.map_or(&[][..], |slice| slice));
        }
        match &mut self.kind {
            Kind::Plain(tcp) => Pin::new(tcp).poll_write_vectored(context, slices),
            Kind::Server(tls) => Pin::new(tls).poll_write_vectored(context, slices),
            Kind::Client(tls) => Pin::new(tls).poll_write_vectored(context, slices),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.tap.is_none()
            && match &self.kind {
                Kind::Plain(tcp) => tcp.is_write_vectored(),
                Kind::Server(tls) => tls.is_write_vectored(),
                Kind::Client(tls) => tls.is_write_vectored(),
            }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.kind {
            Kind::Plain(tcp) => Pin::new(tcp).poll_flush(context),
            Kind::Server(tls) => Pin::new(tls).poll_flush(context),
            Kind::Client(tls) => Pin::new(tls).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A line that was cut says nothing more, not even that it ends.
        if let Some(tap) = &mut self.tap
            && let Poll::Ready(Err(cut)) = tap.poll_send(context)
        {
            return Poll::Ready(Err(self.cut(cut)));
        }
        match &mut self.kind {
            Kind::Plain(tcp) => Pin::new(tcp).poll_shutdown(context),
            Kind::Server(tls) => Pin::new(tls).poll_shutdown(context),
            Kind::Client(tls) => Pin::new(tls).poll_shutdown(context),
        }
    }
}
