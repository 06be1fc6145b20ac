//! What a world is called, and how a client says which one it means.
//!
//! ```text
//!   user name      reader@northmoor.example#w1     '#' is in no domain
//!   TLS, Host      w1.twin.test                    RFC 6761 keeps .test for tests
//!   HTTP           X-Mailward-World: w1
//! ```

use std::fmt;
use std::sync::Arc;

/// One label of a host name: letters, digits and hyphens, in lower case.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct WorldName(Arc<str>);

const NAME_OCTETS_MAX: usize = 63;
const MAIN: &str = "default";

/// The domain under which each world is a host.
const DOMAIN: &str = ".twin.test";

impl WorldName {
    /// The twin as it was started.
    pub(crate) fn main() -> Self {
        Self(MAIN.into())
    }

    pub(crate) fn parse(text: &str) -> Result<Self, NameError> {
        let text = text.to_ascii_lowercase();
        let fits = (1..=NAME_OCTETS_MAX).contains(&text.len());
        let letters = text
            .bytes()
            .all(|octet| octet.is_ascii_alphanumeric() || octet == b'-');
        if fits && letters && !text.starts_with('-') && !text.ends_with('-') {
            return Ok(Self(text.into()));
        }
        Err(NameError(text))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// `w1.twin.test`.
    pub(crate) fn host(&self) -> String {
        format!("{}{DOMAIN}", self.0)
    }

    /// `#w1`.
    pub(crate) fn suffix(&self) -> String {
        format!("#{}", self.0)
    }
}

impl fmt::Display for WorldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for WorldName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Why a text names no world.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} can be no world: give 1 to {NAME_OCTETS_MAX} letters, digits and hyphens, no hyphen first or last"
)]
pub(crate) struct NameError(String);

/// The user name proper, and the world after it.
pub(crate) fn split_user(user: &str) -> (&str, Option<&str>) {
    match user.rsplit_once('#') {
        // A local part may have the sign, a domain can't.
        Some((user, world)) if user.contains('@') && !world.contains('@') => (user, Some(world)),
        _ => (user, None),
    }
}

/// The world that a host name stands for; a port may follow it.
pub(crate) fn of_host(host: &str) -> Option<&str> {
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let place = host.len().checked_sub(DOMAIN.len())?;
    let (label, domain) = (host.get(..place)?, host.get(place..)?);
    (domain.eq_ignore_ascii_case(DOMAIN) && !label.contains('.')).then_some(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_a_label() {
        for good in ["w1", "a", "a-b", "Suite-7"] {
            let name = WorldName::parse(good).expect("a name");
            assert_eq!(name.as_str(), good.to_ascii_lowercase());
        }
        let long = "a".repeat(64);
        for bad in ["", "-a", "a-", "a.b", "a b", "ü", "a#", long.as_str()] {
            assert!(WorldName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_client_says_which_world_it_means() {
        for (user, expected) in [
            ("a@b.example#w1", ("a@b.example", Some("w1"))),
            ("a#x@b.example#w1", ("a#x@b.example", Some("w1"))),
            ("a#x@b.example", ("a#x@b.example", None)),
            ("a@b.example", ("a@b.example", None)),
            ("a@b.example#", ("a@b.example", Some(""))),
            ("a#w1", ("a#w1", None)),
        ] {
            assert_eq!(split_user(user), expected, "{user}");
        }
        for (host, expected) in [
            ("w1.twin.test", Some("w1")),
            ("W1.Twin.Test:8443", Some("W1")),
            ("a.w1.twin.test", None),
            ("twin.test", None),
            ("localhost:1", None),
            ("ü.twin.test", Some("ü")),
            ("", None),
        ] {
            assert_eq!(of_host(host), expected, "{host}");
        }
    }
}
