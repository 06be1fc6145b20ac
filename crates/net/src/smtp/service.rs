//! What an SMTP server is for: the questions its driver asks.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;

use mailward_mail::{Clock, Envelope, Recipient, Reply};
use mailward_wire::smtp::server::{Abort, Dialect, Hello, SessionId};
use mailward_wire::smtp::{Credentials, MailFrom};

use crate::tasks::Shutdown;
use crate::tls::TlsFacts;

/// Somebody who takes mail. One value serves all connections of a listener.
pub trait Service: Send + Sync + 'static {
    type Connection: Connection;

    /// A client has connected. A refusal is said instead of the greeting (421
    /// or 554), and the connection closes.
    fn connect(&self, peer: Peer) -> Result<Self::Connection, Reply>;
}

/// Who is on the other end.
#[derive(Clone, Copy, Debug)]
pub struct Peer {
    pub address: SocketAddr,
    /// Our end: which listener was called.
    pub local: SocketAddr,
    /// Names this connection in replies and logs.
    pub session: SessionId,
}

/// One client's connection. Its driver asks one thing at a time and waits for
/// the answer; order, limits, attempts and time-outs are the driver's.
///
/// ```text
///   hello, tls_established, authenticate …
///   mail_from ─▶ rcpt_to … ─▶ body_start ─▶ body_chunk … ─▶ body_end
///       ▲                                        └────────▶ body_abort
///       └── also begins anew after RSET, refusals and aborts
/// ```
///
/// A refusal must be 4xx or 5xx; 421 closes the connection after it.
pub trait Connection: Send + 'static {
    /// TLS is up. Everything said before is forgotten.
    fn tls_established(&mut self, _facts: &TlsFacts) {}

    /// Where the conversation goes on, if TLS or the sign-in just asked about
    /// led somewhere else than its listener: the answer is said there already.
    fn moved(&mut self) -> Option<Surroundings> {
        None
    }

    /// EHLO or HELO, perhaps again. Ends a message under way.
    fn hello(&mut self, _hello: &Hello) {}

    fn authenticate(
        &mut self,
        credentials: Credentials,
    ) -> impl Future<Output = Authentication> + Send;

    /// Begins a message; one begun before that has not ended is forgotten.
    fn mail_from(&mut self, mail: &MailFrom) -> impl Future<Output = Result<Reply, Reply>> + Send;

    fn rcpt_to(
        &mut self,
        recipient: &Recipient,
    ) -> impl Future<Output = Result<Reply, Reply>> + Send;

    /// The client wants to send the body: DATA, or the first BDAT.
    fn body_start(&mut self, envelope: &Envelope)
    -> impl Future<Output = Result<(), Reply>> + Send;

    /// Octets of the message, without the dots of DATA. Every line ends in
    /// CRLF, except in a body declared BINARYMIME. A refusal is answered at
    /// the end of the body; no more octets come, but `body_abort` does.
    fn body_chunk(&mut self, octets: &[u8]) -> impl Future<Output = Result<(), Reply>> + Send;

    /// The body is complete. A positive reply is a promise: give it only once
    /// the message is safe.
    fn body_end(&mut self) -> impl Future<Output = Reply> + Send;

    /// The body that `body_start` began will not be completed. Nothing of it
    /// may be kept.
    fn body_abort(&mut self, abort: Abort);
}

/// What a conversation has from its surroundings.
#[derive(Clone, Debug)]
pub struct Surroundings {
    pub session: SessionId,
    pub dialect: Arc<dyn Dialect>,
    pub clock: Arc<dyn Clock>,
    pub shutdown: Shutdown,
}

/// The answer to `authenticate`.
#[derive(Clone, Debug)]
pub enum Authentication {
    /// In the dialect's words.
    Accepted,
    Refused(Reply),
}
