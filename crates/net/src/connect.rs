//! Calling a server: look the name up, try each address, say what went wrong
//! in words for a person.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mailward_mail::time::{Clock, Timestamp};
use rustls::CertificateError;
use tokio::net::{TcpSocket, TcpStream};

use crate::clock::within;
use crate::dns::{ResolveError, Resolver};
use crate::stream::Stream;

/// Addresses of one name that are tried before giving up.
const ADDRESSES_TRIED_MAX: usize = 8;
/// Names of a wrong certificate that an error repeats.
const NAMES_SHOWN_MAX: usize = 5;

/// Why there is no connection, sorted by what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    #[error("there is no host called {host}")]
    NameNotFound { host: String },
    #[error("the name {host} could not be looked up: {why}")]
    NameLookupFailed { host: String, why: String },
    #[error("{host} refused the connection: nothing listens on its port {port}")]
    Refused { host: String, port: u16 },
    #[error("{host} port {port} did not answer in time")]
    TimedOut { host: String, port: u16 },
    #[error("the certificate of {name} is not accepted: {why}")]
    TlsCertificate { name: String, why: String },
    #[error("TLS with {name} failed: {why}")]
    TlsProtocol { name: String, why: String },
    #[error("the connection to {host} port {port} failed: {why}")]
    Io {
        host: String,
        port: u16,
        why: io::Error,
    },
}

/// Connects to `host` (a name or an address) on `port`, before `deadline` on
/// `clock`. Addresses are tried in the resolver's order; each gets its share
/// of the time that is left. The error is that of the last address. With a
/// `source` only addresses of its family are called, and from it.
pub async fn connect(
    resolver: &dyn Resolver,
    clock: &dyn Clock,
    host: &str,
    port: u16,
    source: Option<IpAddr>,
    deadline: Timestamp,
) -> Result<Stream, ConnectError> {
    let timed_out = || ConnectError::TimedOut {
        host: host.to_owned(),
        port,
    };
    // The clock may be set meanwhile.
    let left = deadline.since(clock.now());
    let end = clock.steady() + left;
    let addresses = within(clock, left, look_up(resolver, host))
        .await
        .map_err(|_| ConnectError::NameLookupFailed {
            host: host.to_owned(),
            why: "the name servers did not answer in time".to_owned(),
        })??;
    let tried = addresses.len().min(ADDRESSES_TRIED_MAX);
    let mut outcome = Err(ConnectError::NameNotFound {
        host: host.to_owned(),
    });
    for (index, address) in addresses.into_iter().take(tried).enumerate() {
        let peer = SocketAddr::new(address, port);
        let share = share_of(end.saturating_sub(clock.steady()), tried - index);
        let attempt = async { Stream::plain(call(peer, source).await?) };
        outcome = match within(clock, share, attempt).await {
            Ok(connected) => connected.map_err(|why| ConnectError::of_tcp(host, port, why)),
            Err(_) => Err(timed_out()),
        };
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

#[allow(clippy::disallowed_methods, reason = "the one place that connects")]
async fn call(peer: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let Some(source) = source else {
        return TcpStream::connect(peer).await;
    };
    if source.is_ipv4() != peer.is_ipv4() {
        let why = format!("{peer} can't be called from {source}");
        return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, why));
    }
    let socket = match source {
        IpAddr::V4(_) => TcpSocket::new_v4()?,
        IpAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.bind(SocketAddr::new(source, 0))?;
    socket.connect(peer).await
}

fn share_of(left: Duration, addresses: usize) -> Duration {
    left / u32::try_from(addresses).unwrap_or(u32::MAX).max(1)
}

async fn look_up(resolver: &dyn Resolver, host: &str) -> Result<Vec<IpAddr>, ConnectError> {
    if let Ok(address) = host.parse() {
        return Ok(vec![address]);
    }
    resolver
        .resolve(host)
        .await
        .map_err(|error| ConnectError::of_lookup(host, error))
}

impl ConnectError {
    pub(crate) fn of_lookup(host: &str, error: ResolveError) -> Self {
        let host = host.to_owned();
        match error {
            ResolveError::NotFound => Self::NameNotFound { host },
            ResolveError::Failed(why) => Self::NameLookupFailed { host, why },
        }
    }

    pub(crate) fn of_tcp(host: &str, port: u16, why: io::Error) -> Self {
        let host = host.to_owned();
        match why.kind() {
            io::ErrorKind::ConnectionRefused => Self::Refused { host, port },
            io::ErrorKind::TimedOut => Self::TimedOut { host, port },
            _ => Self::Io { host, port, why },
        }
    }

    /// Sorts a failed handshake; rustls hides its own error inside an I/O error.
    pub(crate) fn of_handshake(name: &str, port: u16, error: io::Error) -> Self {
        if let Some(tls) = tls_cause(&error) {
            return Self::of_tls(name, tls);
        }
        if error.kind() == io::ErrorKind::UnexpectedEof {
            return Self::TlsProtocol {
                name: name.to_owned(),
                why: "the server hung up in the middle of the handshake".to_owned(),
            };
        }
        Self::of_tcp(name, port, error)
    }

    pub(crate) fn of_tls(name: &str, error: &rustls::Error) -> Self {
        let name = name.to_owned();
        match error {
            rustls::Error::InvalidCertificate(certificate) => Self::TlsCertificate {
                why: certificate_fault(certificate),
                name,
            },
            rustls::Error::AlertReceived(alert) => Self::TlsProtocol {
                name,
                why: format!("the server answered with the alert {alert:?}"),
            },
            rustls::Error::InvalidMessage(_) => Self::TlsProtocol {
                name,
                why: "the server does not speak TLS on this port".to_owned(),
            },
            other => Self::TlsProtocol {
                name,
                why: other.to_string(),
            },
        }
    }
}

/// The TLS error inside an I/O error, however often it was wrapped; walking
/// `source` would skip it.
pub(crate) fn tls_cause(error: &io::Error) -> Option<&rustls::Error> {
    let mut inner = error.get_ref()?;
    while let Some(deeper) = inner.downcast_ref::<io::Error>() {
        inner = deeper.get_ref()?;
    }
    inner.downcast_ref()
}

fn certificate_fault(error: &CertificateError) -> String {
    match error {
        CertificateError::UnknownIssuer => {
            "it was issued by an authority that is not trusted here".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "it has expired".to_owned()
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "it is not valid yet".to_owned()
        }
        CertificateError::NotValidForName => "it belongs to another name".to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let shown: Vec<&str> = presented
                .iter()
                .take(NAMES_SHOWN_MAX)
                .map(|name| bare_name(name))
                .collect();
            format!("it belongs to other names: {}", shown.join(", "))
        }
        CertificateError::Revoked => "it has been revoked".to_owned(),
        other => other.to_string(),
    }
}

/// `relay.nhs.uk` from rustls' `DnsName("relay.nhs.uk")`.
fn bare_name(name: &str) -> &str {
    let inside = name
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    inside.unwrap_or(name).trim_matches('"')
}
