//! Names with their addresses, and addresses with their names.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::error::TwinError;
use crate::seed::{HostSpec, PtrSpec};

/// The name of the relay: clients know it by this alone (GUIDE-51, GUIDE-56).
pub(crate) const RELAY: &str = "relay.nhs.uk";

/// Names that lead to this machine where the seed says nothing else.
const USUAL: [&str; 4] = [
    RELAY,
    "smtp.office365.com",
    "outlook.office365.com",
    "login.microsoftonline.com",
];

/// More than these no answer by datagram should hold.
const ADDRESSES_MAX: usize = 8;

/// Clones share one.
#[derive(Clone, Debug)]
pub(crate) struct Zone(Arc<Records>);

#[derive(Debug)]
struct Records {
    hosts: HashMap<String, Host>,
    pointers: HashMap<IpAddr, String>,
}

#[derive(Debug)]
struct Host {
    addresses: Vec<IpAddr>,
    ttl_seconds: u32,
    /// Which address comes first the next time.
    turn: AtomicUsize,
}

impl Zone {
    pub(crate) fn new(hosts: &[HostSpec], pointers: &[PtrSpec]) -> Result<Self, TwinError> {
        let mut records: HashMap<String, Host> = USUAL
            .into_iter()
            .map(|name| {
                let host = Host::new(vec![IpAddr::V4(Ipv4Addr::LOCALHOST)], HostSpec::TTL_SECONDS);
                (name.to_owned(), host)
            })
            .collect();
        for spec in hosts {
            if spec.addresses.is_empty() || spec.addresses.len() > ADDRESSES_MAX {
                return Err(TwinError::Seed(format!(
                    "[[host]] {}: addresses must be from 1 to {ADDRESSES_MAX}",
                    spec.name
                )));
            }
            let host = Host::new(spec.addresses.clone(), spec.ttl_seconds);
            records.insert(key(&spec.name), host);
        }
        let pointers = pointers
            .iter()
            .map(|one| (one.address.to_canonical(), key(&one.name)))
            .collect();
        Ok(Self(Arc::new(Records {
            hosts: records,
            pointers,
        })))
    }

    /// The addresses and how many seconds they may be kept. Each time another
    /// one comes first, so that who keeps to the first changes servers.
    pub(crate) fn addresses(&self, name: &str) -> Option<(Vec<IpAddr>, u32)> {
        let host = self.0.hosts.get(name)?;
        let mut addresses = host.addresses.clone();
        let turn = host.turn.fetch_add(1, Ordering::Relaxed) % addresses.len();
        addresses.rotate_left(turn);
        Some((addresses, host.ttl_seconds))
    }

    pub(crate) fn name_of(&self, address: IpAddr) -> Option<&str> {
        let name = self.0.pointers.get(&address.to_canonical())?;
        Some(name)
    }

    /// Whether any name ends in this one: then it exists, if without records.
    pub(crate) fn has_below(&self, name: &str) -> bool {
        let below = |one: &String| {
            one.strip_suffix(name)
                .is_some_and(|rest| rest.ends_with('.'))
        };
        self.0.hosts.keys().any(below)
    }
}

impl Host {
    fn new(addresses: Vec<IpAddr>, ttl_seconds: u32) -> Self {
        Self {
            addresses,
            ttl_seconds,
            turn: AtomicUsize::new(0),
        }
    }
}

/// Where the relay listens besides its endpoint: on its name's other addresses.
pub(crate) fn more_relay_addresses(hosts: &[HostSpec], endpoint: IpAddr) -> Vec<IpAddr> {
    hosts
        .iter()
        .filter(|host| key(&host.name) == RELAY && !endpoint.is_unspecified())
        .flat_map(|host| host.addresses.iter().copied())
        .filter(|address| *address != endpoint)
        .collect()
}

/// As names are compared: case aside, without a final dot.
fn key(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(name: &str, addresses: &[&str]) -> HostSpec {
        HostSpec {
            name: name.to_owned(),
            addresses: addresses.iter().map(|one| ip(one)).collect(),
            ttl_seconds: 0,
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn another_address_comes_first_each_time() {
        let hosts = [host(
            "Relay.nhs.uk.",
            &["127.0.0.1", "127.0.0.2", "127.0.0.3"],
        )];
        let zone = Zone::new(&hosts, &[]).expect("a zone");
        let first = |zone: &Zone| zone.addresses(RELAY).expect("addresses").0[0].to_string();
        let firsts: Vec<String> = (0..4).map(|_| first(&zone)).collect();
        assert_eq!(firsts, ["127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.1"]);
    }

    #[test]
    fn a_name_without_addresses_is_refused() {
        let refused = Zone::new(&[host("relay.nhs.uk", &[])], &[]).expect_err("none");
        assert!(refused.to_string().contains("relay.nhs.uk"), "{refused}");
    }

    #[test]
    fn the_relay_listens_on_all_its_addresses() {
        let hosts = [
            host("relay.nhs.uk", &["127.0.0.1", "127.0.0.2"]),
            host("other.example", &["127.0.0.9"]),
        ];
        let more = more_relay_addresses(&hosts, ip("127.0.0.1"));
        assert_eq!(more, [ip("127.0.0.2")]);
        assert!(more_relay_addresses(&hosts, ip("0.0.0.0")).is_empty());
    }
}
