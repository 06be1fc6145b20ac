//! Somebody who watches a connection from our side of TLS, and may hinder it:
//! how a twin writes transcripts and plays bad lines.
//!
//! ```text
//!   peer ══ TLS ══ Stream ── tap ── whoever reads and writes
//!                             ├─ sees what came and what was sent
//!                             └─ may hold it back, slow it down, cut it off
//! ```
//!
//! A stream without a tap pays for none.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use crate::tls::TlsFacts;

/// Gives each connection of a listener its tap.
pub trait Taps: Send + Sync + fmt::Debug {
    fn tap(&self, peer: SocketAddr, local: SocketAddr) -> Option<Box<dyn Tap>>;
}

/// One connection's. It is dropped with its stream.
pub trait Tap: Send + Sync + fmt::Debug {
    /// Octets came from the peer. They need not end where a line does.
    fn received(&mut self, octets: &[u8]);

    /// Octets were sent to the peer.
    fn sent(&mut self, octets: &[u8]);

    /// A TLS handshake begins. False makes it fail.
    fn allows_tls(&mut self) -> bool;

    /// TLS is up; what came before does not count any more.
    fn secured(&mut self, facts: Option<&TlsFacts>);

    /// Whether the stream may be read now.
    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Cut>>;

    /// How many octets may be sent now; at least one.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<Result<usize, Cut>>;
}

/// How a connection is broken off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    /// As if the process behind it had ended: nothing more is said.
    Close,
    /// With a TCP reset.
    Reset,
}

impl Cut {
    pub(crate) fn error(self) -> io::Error {
        match self {
            Self::Close => io::Error::new(io::ErrorKind::BrokenPipe, "the tap closed the line"),
            Self::Reset => io::Error::new(io::ErrorKind::ConnectionReset, "the tap reset the line"),
        }
    }
}
