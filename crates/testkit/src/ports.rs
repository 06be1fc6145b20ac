//! Ports on loopback.

use std::net::{Ipv4Addr, SocketAddr};

use mailward_net::Listener;

/// `127.0.0.1:0`, to listen on whatever port is free. Prefer it to
/// [`free`], which another program may overtake.
pub const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A port where nothing listens right now: for a server that must be told its
/// port, or for a connection that must be refused. Needs a runtime.
pub fn free() -> SocketAddr {
    Listener::bind(ANY)
        .expect("loopback has free ports")
        .address()
}

/// A listener on a free port, and its address. Needs a runtime.
pub fn listener() -> (Listener, SocketAddr) {
    let listener = Listener::bind(ANY).expect("loopback has free ports");
    let address = listener.address();
    (listener, address)
}
