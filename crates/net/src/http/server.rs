//! Serves an axum router over a listener, under TLS or plain, within limits.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::CONNECTION;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use axum::response::IntoResponse;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use mailward_mail::time::Clock;
use rustls::ServerConfig;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio::task::{JoinError, JoinSet};
use tower::ServiceExt;

use super::body::BoundedBody;
use super::stall::WriteBounded;
use super::timer::ClockTimer;
use crate::clock::{Elapsed, within};
use crate::listen::Listener;
use crate::stream::Stream;
use crate::tasks::Shutdown;
use crate::tls::TlsFacts;

/// How long, and for how much, we listen on to a client after the last answer.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_OCTETS_MAX: usize = 64 * 1024 * 1024;

/// What one HTTP server grants its clients.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Connections at once; more wait in the listener's backlog.
    pub connections_max: usize,
    /// Request line and header fields together, else 431. At least 8192.
    pub header_octets_max: usize,
    /// Header fields of a request, else 431.
    pub header_fields_max: usize,
    /// The outermost wall for any request body, else 413. Routes set their
    /// own, narrower bound with axum's `DefaultBodyLimit`, which is 2 MB for
    /// extractors that gather a body unless said otherwise.
    pub body_octets_max: usize,
    pub handshake_timeout: Duration,
    /// For the whole head of a request; also how long a kept connection may
    /// stay silent before the next one.
    pub header_timeout: Duration,
    /// Between two parts of a request body.
    pub body_part_timeout: Duration,
    /// How long a client may leave a response unread.
    pub write_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 1024,
            header_octets_max: 32 * 1024,
            header_fields_max: 100,
            body_octets_max: 64 * 1024 * 1024,
            handshake_timeout: Duration::from_secs(10),
            header_timeout: Duration::from_secs(30),
            body_part_timeout: Duration::from_secs(30),
            write_timeout: Duration::from_secs(60),
        }
    }
}

/// A router and where it is reached. Handlers find in the request's
/// extensions `ConnectInfo<SocketAddr>` (the peer) and, under TLS,
/// [`TlsFacts`](crate::tls::TlsFacts).
#[derive(Debug)]
pub struct HttpServer {
    pub listener: Listener,
    /// From [`http_server_config`](crate::tls::http_server_config); none
    /// serves plain HTTP.
    pub tls: Option<Arc<ServerConfig>>,
    pub router: Router,
    pub limits: Limits,
    /// The clock of all timeouts.
    pub clock: Arc<dyn Clock>,
}

impl HttpServer {
    /// Serves until `shutdown` begins, then finishes the requests under way.
    /// Dropping the future drops all connections.
    pub async fn serve(self, shutdown: Shutdown) {
        let permits = Arc::new(Semaphore::new(self.limits.connections_max));
        let shared = Arc::new(Shared {
            tls: self.tls,
            router: self.router,
            http: http1_builder(&self.limits, &self.clock),
            limits: self.limits,
            clock: self.clock,
        });
        let mut connections = JoinSet::new();
        let next = async || {
            let permit = Arc::clone(&permits).acquire_owned().await;
            let permit = permit.expect("the semaphore is never closed");
            (self.listener.accept().await, permit)
        };
        loop {
            tokio::select! {
                biased;
                () = shutdown.begun() => break,
                (stream, permit) = next() => {
                    let (shared, shutdown) = (Arc::clone(&shared), shutdown.clone());
                    connections.spawn(async move {
                        let _permit = permit;
                        shared.connection(stream, shutdown).await;
                    });
                }
                Some(ended) = connections.join_next() => report(ended),
            }
        }
        drop(self.listener);
        while let Some(ended) = connections.join_next().await {
            report(ended);
        }
    }
}

/// What a panic says may quote the request, so it is not logged.
fn report(ended: Result<(), JoinError>) {
    if ended.is_err() {
        tracing::error!("an HTTP handler panicked");
    }
}

/// What all connections of a server use.
struct Shared {
    tls: Option<Arc<ServerConfig>>,
    router: Router,
    http: http1::Builder,
    limits: Limits,
    clock: Arc<dyn Clock>,
}

fn http1_builder(limits: &Limits, clock: &Arc<dyn Clock>) -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(ClockTimer::new(Arc::clone(clock)))
        .header_read_timeout(limits.header_timeout)
        .max_headers(limits.header_fields_max)
        .max_buf_size(limits.header_octets_max);
    http
}

impl Shared {
    async fn connection(&self, stream: Stream, shutdown: Shutdown) {
        let peer = stream.peer();
        let stream = tokio::select! {
            secured = self.secure(stream) => match secured {
                Some(stream) => stream,
                None => return,
            },
            () = shutdown.begun() => return,
        };
        let tls = stream.tls();
        let requests = AtomicU64::new(0);
        let service = service_fn(|request| {
            requests.fetch_add(1, Ordering::Relaxed);
            Box::pin(self.answer(request, peer, tls.clone()))
        });
        let clock = Arc::clone(&self.clock);
        let io = TokioIo::new(WriteBounded::new(stream, self.limits.write_timeout, clock));
        let mut connection = self.http.serve_connection(io, service);
        let ended = tokio::select! {
            ended = poll_fn(|context| connection.poll_without_shutdown(context)) => ended,
            () = shutdown.begun() => {
                // The library would go on waiting for a first request.
                if requests.load(Ordering::Relaxed) == 0 {
                    return;
                }
                Pin::new(&mut connection).graceful_shutdown();
                poll_fn(|context| connection.poll_without_shutdown(context)).await
            }
        };
        match ended {
            Ok(()) => {
                self.part(connection.into_parts().io.into_inner(), shutdown)
                    .await
            }
            Err(error) => tracing::debug!(%peer, %error, "HTTP connection ended early"),
        }
    }

    /// Ends our side, then reads on for a while what the client is still
    /// sending. Closing at once would reset the connection and destroy the
    /// answer on its way, for example a 413 to somebody in the middle of an
    /// upload.
    async fn part(&self, mut stream: WriteBounded, shutdown: Shutdown) {
        if stream.shutdown().await.is_ok() {
            tokio::select! {
                _ = within(&*self.clock, LINGER, discard(stream)) => {}
                () = shutdown.begun() => {}
            }
        }
    }

    async fn secure(&self, stream: Stream) -> Option<Stream> {
        let Some(tls) = &self.tls else {
            return Some(stream);
        };
        let peer = stream.peer();
        let handshake = stream.upgrade_server(Arc::clone(tls));
        match within(&*self.clock, self.limits.handshake_timeout, handshake).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%error, "no HTTPS connection");
                None
            }
            Err(Elapsed) => {
                tracing::debug!(%peer, "the TLS handshake took too long");
                None
            }
        }
    }

    async fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
        tls: Option<TlsFacts>,
    ) -> Result<Response<Body>, Infallible> {
        let octets_max = self.limits.body_octets_max;
        // hyper has refused lengths that are no number.
        let announced = request.body().size_hint().lower();
        if announced > u64::try_from(octets_max).unwrap_or(u64::MAX) {
            let text = format!("The body of a request may have {octets_max} octets here.\n");
            let close = [(CONNECTION, HeaderValue::from_static("close"))];
            return Ok((StatusCode::PAYLOAD_TOO_LARGE, close, text).into_response());
        }
        request.extensions_mut().insert(ConnectInfo(peer));
        if let Some(tls) = tls {
            request.extensions_mut().insert(tls);
        }
        let (timeout, clock) = (self.limits.body_part_timeout, &self.clock);
        let request = request.map(|body| {
            Body::new(BoundedBody::new(
                body,
                octets_max,
                timeout,
                Arc::clone(clock),
            ))
        });
        self.router.clone().oneshot(request).await
    }
}

async fn discard(mut stream: WriteBounded) {
    let mut discarded = 0;
    let mut buffer = vec![0; 8192];
    while discarded < LINGER_OCTETS_MAX {
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(octets) => discarded += octets,
        }
    }
}
