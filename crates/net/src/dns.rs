//! Names to addresses, and addresses to names.

use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use dns_lookup::LookupErrorKind;
use tokio::sync::Semaphore;

/// Look-ups under way at once; the system's resolver holds a thread for each,
/// for as long as its servers keep silent.
const LOOKUPS_MAX: usize = 32;

/// A look-up under way.
pub type Resolving<'a> =
    Pin<Box<dyn Future<Output = Result<Vec<IpAddr>, ResolveError>> + Send + 'a>>;

/// A reverse look-up under way.
pub type Naming<'a> = Pin<Box<dyn Future<Output = Result<Vec<String>, ResolveError>> + Send + 'a>>;

/// Finds the addresses of a host, in the order in which to try them.
pub trait Resolver: Send + Sync + fmt::Debug {
    /// An answer has at least one address.
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a>;

    /// The names of an address (PTR, RFC 1035 section 3.5). An answer has at
    /// least one name, without a final dot.
    fn names_of(&self, address: IpAddr) -> Naming<'_> {
        let _ = address;
        let answer = ResolveError::Failed("this resolver knows no reverse look-up".to_owned());
        Box::pin(std::future::ready(Err(answer)))
    }
}

/// Why a name has no address. The first is final until somebody changes the
/// name; the second may pass.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResolveError {
    #[error("the name does not exist")]
    NotFound,
    #[error("{0}")]
    Failed(String),
}

/// What the machine itself would use: its hosts file, then its name servers.
#[derive(Debug)]
pub struct SystemResolver {
    lookups: Arc<Semaphore>,
}

impl Default for SystemResolver {
    fn default() -> Self {
        Self {
            lookups: Arc::new(Semaphore::new(LOOKUPS_MAX)),
        }
    }
}

#[allow(
    clippy::disallowed_methods,
    reason = "the one place that asks the system"
)]
impl Resolver for SystemResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        Box::pin(async move {
            let _permit = self
                .lookups
                .acquire()
                .await
                .expect("the semaphore is never closed");
            match tokio::net::lookup_host((name, 0)).await {
                Ok(found) => not_empty(found.map(|address| address.ip()).collect()),
                Err(error) => Err(sort(&error.to_string())),
            }
        })
    }

    fn names_of(&self, address: IpAddr) -> Naming<'_> {
        Box::pin(async move {
            let permit = Arc::clone(&self.lookups)
                .acquire_owned()
                .await
                .expect("the semaphore is never closed");
            let ask = move || {
                // Held by the thread, which goes on when nobody waits any more.
                let _permit = permit;
                name_of(address)
            };
            match tokio::task::spawn_blocking(ask).await {
                Ok(found) => found.map(|name| vec![name]),
                Err(error) => Err(ResolveError::Failed(error.to_string())),
            }
        })
    }
}

/// Blocks for as long as the system's resolver takes, which tells one name.
fn name_of(address: IpAddr) -> Result<String, ResolveError> {
    let flags = libc::NI_NAMEREQD | libc::NI_NUMERICSERV;
    match dns_lookup::getnameinfo(&SocketAddr::new(address, 0), flags) {
        Ok((name, _)) => Ok(normalised(&name)),
        Err(error) => Err(match error.kind() {
            LookupErrorKind::NoName | LookupErrorKind::NoData => ResolveError::NotFound,
            LookupErrorKind::Again => {
                ResolveError::Failed("the name servers do not answer".to_owned())
            }
            _ => ResolveError::Failed(std::io::Error::from(error).to_string()),
        }),
    }
}

/// A fixed list of names, then another resolver for the rest. Points names
/// such as `smtp.office365.com` at a twin.
#[derive(Debug, Default)]
pub struct StaticResolver {
    hosts: HashMap<String, Vec<IpAddr>>,
    names: HashMap<IpAddr, Vec<String>>,
    fallback: Option<Arc<dyn Resolver>>,
}

impl StaticResolver {
    /// Knows nothing yet; every other name does not exist.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks `fallback` for names that are not in the list.
    pub fn with_fallback(fallback: Arc<dyn Resolver>) -> Self {
        Self {
            hosts: HashMap::new(),
            names: HashMap::new(),
            fallback: Some(fallback),
        }
    }

    /// Adds an address to a name; its addresses are tried in this order.
    #[must_use]
    pub fn with(mut self, name: &str, address: IpAddr) -> Self {
        self.hosts
            .entry(normalised(name))
            .or_default()
            .push(address);
        self
    }

    /// Adds a name to an address, for look-ups in reverse.
    #[must_use]
    pub fn with_name(mut self, address: IpAddr, name: &str) -> Self {
        self.names
            .entry(address)
            .or_default()
            .push(normalised(name));
        self
    }
}

impl Resolver for StaticResolver {
    fn resolve<'a>(&'a self, name: &'a str) -> Resolving<'a> {
        match (self.hosts.get(&normalised(name)), &self.fallback) {
            (Some(addresses), _) => Box::pin(std::future::ready(Ok(addresses.clone()))),
            (None, Some(fallback)) => fallback.resolve(name),
            (None, None) => Box::pin(std::future::ready(Err(ResolveError::NotFound))),
        }
    }

    fn names_of(&self, address: IpAddr) -> Naming<'_> {
        match (self.names.get(&address), &self.fallback) {
            (Some(names), _) => Box::pin(std::future::ready(Ok(names.clone()))),
            (None, Some(fallback)) => fallback.names_of(address),
            (None, None) => Box::pin(std::future::ready(Err(ResolveError::NotFound))),
        }
    }
}

/// Host names are compared without regard to case (RFC 4343), and a final dot
/// only says that the name is complete.
fn normalised(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

fn not_empty(addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, ResolveError> {
    if addresses.is_empty() {
        return Err(ResolveError::NotFound);
    }
    Ok(addresses)
}

/// The standard library passes on the resolver's sentence but not its code
/// (EAI_NONAME, EAI_NODATA, EAI_AGAIN), so the sentence has to do: those of
/// glibc, musl and the BSDs.
fn sort(sentence: &str) -> ResolveError {
    const NOT_FOUND: [&str; 5] = [
        "Name or service not known",
        "No address associated with hostname",
        "Name does not resolve",
        "Name has no usable address",
        "nodename nor servname provided, or not known",
    ];
    if NOT_FOUND.iter().any(|text| sentence.contains(text)) {
        return ResolveError::NotFound;
    }
    let sentence = sentence
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(sentence);
    ResolveError::Failed(sentence.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    const LOOPBACK: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    #[tokio::test]
    async fn the_list_comes_before_the_fallback() {
        let hosts = StaticResolver::new().with("SMTP.Office365.com", LOOPBACK);
        let resolver = StaticResolver::with_fallback(Arc::new(hosts))
            .with("relay.nhs.uk", IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2)));
        for (name, expected) in [
            ("smtp.office365.com", Ok("127.0.0.1")),
            ("smtp.office365.com.", Ok("127.0.0.1")),
            ("RELAY.nhs.uk", Ok("127.0.0.2")),
            ("elsewhere.example", Err(ResolveError::NotFound)),
        ] {
            let found = resolver
                .resolve(name)
                .await
                .map(|addresses| addresses[0].to_string());
            assert_eq!(found, expected.map(str::to_owned), "{name}");
        }
    }

    #[tokio::test]
    async fn addresses_have_names() {
        let other = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));
        let names = StaticResolver::new().with_name(other, "Gateway.northmoor.example.");
        let resolver = StaticResolver::with_fallback(Arc::new(names))
            .with_name(LOOPBACK, "a.example")
            .with_name(LOOPBACK, "b.example");
        for (address, expected) in [
            (LOOPBACK, Ok(vec!["a.example", "b.example"])),
            (other, Ok(vec!["gateway.northmoor.example"])),
            (
                IpAddr::V4(Ipv4Addr::new(192, 0, 2, 8)),
                Err(ResolveError::NotFound),
            ),
        ] {
            let found = resolver.names_of(address).await;
            let expected = expected.map(|names| names.into_iter().map(str::to_owned).collect());
            assert_eq!(found, expected, "{address}");
        }
    }

    #[test]
    fn sentences_of_the_resolver_are_sorted() {
        let lookup = "failed to lookup address information: ";
        for (sentence, expected) in [
            ("Name or service not known", ResolveError::NotFound),
            ("Name does not resolve", ResolveError::NotFound),
            (
                "Temporary failure in name resolution",
                ResolveError::Failed("Temporary failure in name resolution".to_owned()),
            ),
        ] {
            assert_eq!(sort(&format!("{lookup}{sentence}")), expected);
        }
    }

    #[tokio::test]
    async fn the_system_knows_this_machine() {
        let found = SystemResolver::default()
            .resolve("localhost")
            .await
            .expect("localhost is in every hosts file");
        assert!(found.iter().all(IpAddr::is_loopback), "{found:?}");
        let names = SystemResolver::default()
            .names_of(LOOPBACK)
            .await
            .expect("and so is its address");
        assert_eq!(names.len(), 1, "{names:?}");
    }
}
