//! Waiting for connections.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mailward_mail::time::Clock;
use tokio::net::{TcpListener, TcpSocket};

use crate::clock::SystemClock;
use crate::stream::Stream;
use crate::tap::Taps;

/// Connections the kernel holds ready for us.
const BACKLOG: u32 = 1024;

/// How long to hold off when the machine has no file handle or memory for
/// another connection: closing ones need a moment to give theirs back.
const PAUSE: Duration = Duration::from_millis(100);

/// A listening TCP port.
#[derive(Debug)]
pub struct Listener {
    tcp: TcpListener,
    address: SocketAddr,
    /// Whether the last accept failed, so that a bad spell is one log line.
    troubled: AtomicBool,
    taps: Option<Arc<dyn Taps>>,
}

/// Why a port cannot be listened on.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error(
        "port {} on {} is in use by another program; choose another port or stop that program",
        address.port(), address.ip()
    )]
    InUse { address: SocketAddr },
    #[error(
        "port {} on {} needs a privilege this program does not have; choose a port from 1024 up",
        address.port(), address.ip()
    )]
    NotPermitted { address: SocketAddr },
    #[error("{} is not an address of this machine", address.ip())]
    NotHere { address: SocketAddr },
    #[error("cannot listen on {address}: {why}")]
    Io { address: SocketAddr, why: io::Error },
}

impl BindError {
    pub(crate) fn new(address: SocketAddr, why: io::Error) -> Self {
        match why.kind() {
            io::ErrorKind::AddrInUse => Self::InUse { address },
            io::ErrorKind::PermissionDenied => Self::NotPermitted { address },
            io::ErrorKind::AddrNotAvailable => Self::NotHere { address },
            _ => Self::Io { address, why },
        }
    }
}

impl Listener {
    /// Listens on `address`; port 0 takes a free one. Needs a runtime.
    pub fn bind(address: SocketAddr) -> Result<Self, BindError> {
        listen(address).map_err(|why| BindError::new(address, why))
    }

    /// Every connection from now on is watched.
    #[must_use]
    pub fn tapped(mut self, taps: Arc<dyn Taps>) -> Self {
        self.taps = Some(taps);
        self
    }

    /// Where it listens, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next connection. Never fails: a connection that dies before it is
    /// taken is forgotten, and when the machine is short of file handles or
    /// memory it says so and tries again after a short pause.
    pub async fn accept(&self) -> Stream {
        loop {
            match self
                .tcp
                .accept()
                .await
                .and_then(|(tcp, _)| Stream::plain(tcp))
            {
                Ok(stream) => {
                    if self.troubled.swap(false, Ordering::Relaxed) {
                        tracing::info!(address = %self.address, "accepting connections again");
                    }
                    let Some(taps) = &self.taps else {
                        return stream;
                    };
                    let tap = taps.tap(stream.peer(), stream.local());
                    return stream.tapped(tap);
                }
                Err(error) if is_of_the_connection(&error) => {}
                Err(error) => {
                    if !self.troubled.swap(true, Ordering::Relaxed) {
                        tracing::error!(address = %self.address, %error, "cannot accept connections; trying again");
                    }
                    SystemClock.wait(PAUSE).await;
                }
            }
        }
    }
}

fn listen(address: SocketAddr) -> io::Result<Listener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A restart must not wait for connections of the last run to time out.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    let tcp = socket.listen(BACKLOG)?;
    Ok(Listener {
        address: tcp.local_addr()?,
        tcp,
        troubled: AtomicBool::new(false),
        taps: None,
    })
}

/// The peer went away between its handshake and our accept.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::NotConnected
            | io::ErrorKind::InvalidInput
            | io::ErrorKind::Interrupted
    )
}
