//! Addresses as RFC 5321 section 4.1.2 and RFC 6531 write them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// RFC 5321 section 4.5.3.1: 64 octets of local part, 255 of domain, 254 of address.
const LOCAL_PART_OCTETS_MAX: usize = 64;
const DOMAIN_OCTETS_MAX: usize = 255;
const ADDRESS_OCTETS_MAX: usize = 254;

/// One mailbox address, `local-part@domain`. Compared without regard to case
/// in either part, as Exchange does; shown as it was written.
#[derive(Clone)]
pub struct Address {
    text: String,
    at: usize,
}

impl Address {
    /// Reads a bare address: no angle brackets, no comment, no display name.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.len() > ADDRESS_OCTETS_MAX {
            return Err(AddressError::TooLong);
        }
        let at = text.rfind('@').ok_or(AddressError::NoAt)?;
        check_local_part(&text[..at])?;
        Domain::parse(&text[at + 1..])?;
        Ok(Self {
            text: text.to_owned(),
            at,
        })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The local part as written, quotes included.
    pub fn local_part(&self) -> &str {
        &self.text[..self.at]
    }

    pub fn domain(&self) -> &str {
        &self.text[self.at + 1..]
    }

    /// The form to use as a key: lower case throughout.
    pub fn key(&self) -> String {
        self.text.to_lowercase()
    }

    /// False when the address needs SMTPUTF8 (RFC 6531).
    pub fn is_ascii(&self) -> bool {
        self.text.is_ascii()
    }

    /// Whether the domain is `domain` or below it.
    pub fn is_within(&self, domain: &str) -> bool {
        let own = self.domain();
        own.eq_ignore_ascii_case(domain)
            || (own.len() > domain.len()
                && own.is_char_boundary(own.len() - domain.len())
                && own[own.len() - domain.len()..].eq_ignore_ascii_case(domain)
                && own.as_bytes()[own.len() - domain.len() - 1] == b'.')
    }
}

fn check_local_part(text: &str) -> Result<(), AddressError> {
    if text.is_empty() || text.len() > LOCAL_PART_OCTETS_MAX {
        return Err(AddressError::LocalPart);
    }
    let sound = match text.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"').is_some_and(is_quoted_content),
        None => text
            .split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(is_atext)),
    };
    if sound {
        Ok(())
    } else {
        Err(AddressError::LocalPart)
    }
}

fn is_quoted_content(text: &str) -> bool {
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' => return false,
            '\\' if !chars.next().is_some_and(|next| matches!(next, ' '..='~')) => return false,
            '\\' => {}
            _ if char.is_control() => return false,
            _ => {}
        }
    }
    true
}

/// `atext` of RFC 5322 section 3.2.3, with RFC 6532's characters beyond ASCII.
pub(crate) fn is_atext(char: char) -> bool {
    char.is_ascii_alphanumeric()
        || "!#$%&'*+-/=?^_`{|}~".contains(char)
        || (!char.is_ascii() && !char.is_control() && !char.is_whitespace())
}

impl FromStr for Address {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text || self.key() == other.key()
    }
}

impl Eq for Address {}

impl Hash for Address {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.key().hash(state);
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl serde::Serialize for Address {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> serde::Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A domain name or an address literal, checked for form alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Domain(String);

impl Domain {
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() || text.len() > DOMAIN_OCTETS_MAX {
            return Err(AddressError::Domain);
        }
        let sound = match text.strip_prefix('[') {
            Some(rest) => rest.strip_suffix(']').is_some_and(is_address_literal),
            None => text.split('.').all(is_label),
        };
        if sound {
            Ok(Self(text.to_owned()))
        } else {
            Err(AddressError::Domain)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_label(label: &str) -> bool {
    !label.is_empty()
        && label.len() <= 63
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|char| {
            char.is_ascii_alphanumeric()
                || char == '-'
                || (!char.is_ascii() && !char.is_control() && !char.is_whitespace())
        })
}

fn is_address_literal(text: &str) -> bool {
    match text.strip_prefix("IPv6:") {
        Some(rest) => rest.parse::<std::net::Ipv6Addr>().is_ok(),
        None => text.parse::<std::net::Ipv4Addr>().is_ok(),
    }
}

/// Where failure is reported to: an address, or nothing (`<>`) for reports
/// themselves (RFC 5321 section 4.5.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReversePath {
    Null,
    Address(Address),
}

impl ReversePath {
    /// Reads the stored form: empty for the null path.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            Ok(Self::Null)
        } else {
            Address::parse(text).map(Self::Address)
        }
    }

    pub fn address(&self) -> Option<&Address> {
        match self {
            Self::Null => None,
            Self::Address(address) => Some(address),
        }
    }

    /// Empty for the null path.
    pub fn as_str(&self) -> &str {
        self.address().map_or("", Address::as_str)
    }
}

impl fmt::Display for ReversePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.as_str())
    }
}

/// Where the message goes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct ForwardPath(pub Address);

impl ForwardPath {
    pub fn address(&self) -> &Address {
        &self.0
    }
}

impl fmt::Display for ForwardPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.0)
    }
}

/// What is wrong with an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("the address has no @")]
    NoAt,
    #[error("the address is longer than {ADDRESS_OCTETS_MAX} octets")]
    TooLong,
    #[error("the part before the @ is not a valid local part")]
    LocalPart,
    #[error("the part after the @ is not a valid domain")]
    Domain,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_standard_takes() {
        for text in [
            "a@b",
            "appointments@clinic.example",
            "o'brien+x@sub.clinic.example",
            "\"odd name\"@clinic.example",
            "\"a\\\"b@c\"@clinic.example",
            "x@[192.0.2.1]",
            "x@[IPv6:2001:db8::1]",
            "Käthe@müller.example",
        ] {
            assert_eq!(Address::parse(text).expect(text).as_str(), text);
        }
    }

    #[test]
    fn refuses_the_rest_and_says_what() {
        use AddressError::*;
        for (text, error) in [
            ("", NoAt),
            ("clinic.example", NoAt),
            ("@clinic.example", LocalPart),
            (".a@clinic.example", LocalPart),
            ("a..b@clinic.example", LocalPart),
            ("a b@clinic.example", LocalPart),
            ("\"a@clinic.example", LocalPart),
            ("\"a\"b\"@clinic.example", LocalPart),
            ("a@b@c.example", LocalPart),
            ("a@", Domain),
            ("a@-b.example", Domain),
            ("a@b..example", Domain),
            ("a@[1.2.3]", Domain),
            ("a@b.example\r\nRCPT", Domain),
            ("a\r\n@b.example", LocalPart),
        ] {
            assert_eq!(Address::parse(text).expect_err(text), error, "{text:?}");
        }
        let long = format!("{}@b.example", "a".repeat(65));
        assert_eq!(Address::parse(&long).expect_err("long"), LocalPart);
    }

    #[test]
    fn compares_without_case_and_knows_its_domain() {
        let one = Address::parse("Alerts@Clinic.Example").expect("an address");
        assert_eq!(
            one,
            Address::parse("alerts@clinic.example").expect("an address")
        );
        assert!(one.is_within("example") && one.is_within("clinic.example"));
        assert!(!one.is_within("inic.example"));
    }
}
