//! A port for datagrams, and the TCP port of the same number: what a name
//! server needs (RFC 7766).

use std::io;
use std::net::SocketAddr;

use tokio::net::UdpSocket;

use crate::listen::{BindError, Listener};

/// Free ports that are tried before giving up, where any will do.
const TRIES_MAX: usize = 16;

/// A bound UDP port.
#[derive(Debug)]
pub struct Datagrams {
    socket: UdpSocket,
    address: SocketAddr,
}

impl Datagrams {
    /// Binds both to `address`; port 0 takes one that is free for both. Needs
    /// a runtime.
    pub fn bind_with_listener(address: SocketAddr) -> Result<(Self, Listener), BindError> {
        let mut tries = if address.port() == 0 { TRIES_MAX } else { 1 };
        loop {
            tries -= 1;
            let listener = Listener::bind(address)?;
            match bind(listener.address()) {
                Ok(socket) => {
                    let address = listener.address();
                    return Ok((Self { socket, address }, listener));
                }
                Err(why) if why.kind() == io::ErrorKind::AddrInUse && tries > 0 => {}
                Err(why) => return Err(BindError::new(address, why)),
            }
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The next datagram and who sent it. What is longer than `buffer` is cut.
    /// Errors of earlier sends, which the system reports here, are passed over.
    pub async fn receive(&self, buffer: &mut [u8]) -> (usize, SocketAddr) {
        loop {
            if let Ok(received) = self.socket.recv_from(buffer).await {
                return received;
            }
        }
    }

    /// Whether it arrives is nobody's promise.
    pub async fn send(&self, octets: &[u8], to: SocketAddr) {
        if let Err(error) = self.socket.send_to(octets, to).await {
            tracing::debug!(%to, %error, "a datagram was not sent");
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "the one place that binds it")]
fn bind(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = std::net::UdpSocket::bind(address)?;
    socket.set_nonblocking(true)?;
    UdpSocket::from_std(socket)
}
