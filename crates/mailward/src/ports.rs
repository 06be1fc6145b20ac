//! Which port each endpoint listens on.

use std::net::{Ipv4Addr, SocketAddr};

/// Everything that listens. The order is the order within a block of ports and
/// never changes: scripts count on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Endpoint {
    GatewaySubmission,
    GatewaySubmissions,
    GatewayHttps,
    TwinSubmission,
    TwinHighSending,
    TwinRelay,
    TwinImaps,
    TwinPop3s,
    TwinHttps,
}

impl Endpoint {
    /// Its place in a block, and its port where no block was asked for. Place
    /// 8 is kept for LDAP.
    fn place(self) -> (u16, u16) {
        match self {
            Self::GatewaySubmission => (0, 2587),
            Self::GatewaySubmissions => (1, 2465),
            Self::GatewayHttps => (2, 8443),
            Self::TwinSubmission => (3, 1587),
            Self::TwinHighSending => (4, 1588),
            Self::TwinRelay => (5, 1025),
            Self::TwinImaps => (6, 1993),
            Self::TwinPop3s => (7, 1995),
            Self::TwinHttps => (9, 1443),
        }
    }
}

/// Ports in the block that `--ports-from` moves.
const BLOCK_LENGTH: u16 = 10;

/// How ports are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ports {
    Usual,
    From(u16),
    /// Port 0: the system picks a free one.
    Auto,
}

impl Ports {
    /// `from` and `auto` as the command line gave them.
    pub(crate) fn new(from: Option<u16>, auto: bool) -> Result<Self, String> {
        match from {
            None if auto => Ok(Self::Auto),
            None => Ok(Self::Usual),
            Some(first) if first == 0 || first > u16::MAX - BLOCK_LENGTH + 1 => Err(format!(
                "--ports-from {first}: the first port must be from 1 to {}",
                u16::MAX - BLOCK_LENGTH + 1
            )),
            Some(first) => Ok(Self::From(first)),
        }
    }

    pub(crate) fn address(self, endpoint: Endpoint) -> SocketAddr {
        let (place, usual) = endpoint.place();
        let port = match self {
            Self::Usual => usual,
            Self::From(first) => first + place,
            Self::Auto => 0,
        };
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }
}

impl Ports {
    /// The twin's test API: outside the block as well.
    pub(crate) fn test_api(self) -> SocketAddr {
        let port = match self {
            Self::Usual => TEST_API_PORT,
            Self::From(_) | Self::Auto => 0,
        };
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    /// The twin's name server, outside the block as well.
    pub(crate) fn dns(self) -> SocketAddr {
        let port = match self {
            Self::Usual => DNS_PORT,
            Self::From(_) | Self::Auto => 0,
        };
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }

    /// For monitoring: outside the block, whose ten ports scripts count on.
    /// With a block of its own a start takes a free one and says which.
    pub(crate) fn metrics(self) -> SocketAddr {
        let port = match self {
            Self::Usual => METRICS_PORT,
            Self::From(_) | Self::Auto => 0,
        };
        SocketAddr::from((Ipv4Addr::LOCALHOST, port))
    }
}

/// As Mailpit has it.
const TEST_API_PORT: u16 = 8025;

/// The port of DNS and a thousand, as port 25 became 1025.
const DNS_PORT: u16 = 1053;

/// As exporters of OpenTelemetry have it.
const METRICS_PORT: u16 = 9464;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_image_opens_the_ports_of_the_twin() {
        let image = include_str!("../../../Dockerfile");
        let exposed = image
            .lines()
            .find_map(|line| line.strip_prefix("EXPOSE "))
            .expect("ports");
        let exposed: Vec<u16> = exposed
            .split(' ')
            .map(|port| port.parse().expect("a port"))
            .collect();
        let usual = |endpoint| Ports::Usual.address(endpoint).port();
        let mut ports = vec![
            usual(Endpoint::TwinSubmission),
            usual(Endpoint::TwinHighSending),
            usual(Endpoint::TwinRelay),
            usual(Endpoint::TwinImaps),
            usual(Endpoint::TwinPop3s),
            usual(Endpoint::TwinHttps),
            Ports::Usual.test_api().port(),
        ];
        ports.sort_unstable();
        assert_eq!(exposed, ports);
    }

    #[test]
    fn a_block_moves_as_one() {
        let ports = Ports::new(Some(5000), false).expect("a good block");
        assert_eq!(ports.address(Endpoint::GatewaySubmission).port(), 5000);
        assert_eq!(ports.address(Endpoint::TwinHttps).port(), 5009);
        assert_eq!(Ports::Usual.address(Endpoint::GatewayHttps).port(), 8443);
        assert_eq!(Ports::Auto.address(Endpoint::TwinImaps).port(), 0);
        assert_eq!(ports.metrics().port(), 0);
        assert_eq!(Ports::Usual.metrics().port(), 9464);
    }

    #[test]
    fn a_block_must_fit() {
        assert!(Ports::new(Some(65_526), false).is_ok());
        for first in [0, 65_527, 65_535] {
            assert!(Ports::new(Some(first), false).is_err(), "{first}");
        }
    }
}
