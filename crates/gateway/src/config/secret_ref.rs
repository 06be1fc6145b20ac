//! Where a secret is kept, never the secret.

use std::fmt;
use std::str::FromStr;

/// The longest name of a secret, in octets.
const NAME_OCTETS_MAX: usize = 64;

/// `keystore:NAME` or `credential:NAME`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SecretRef {
    /// An entry of the encrypted keystore.
    Keystore(String),
    /// A systemd credential: a file in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

impl FromStr for SecretRef {
    type Err = SecretRefError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, name) = text.split_once(':').ok_or(SecretRefError::Inline)?;
        let make = match kind {
            "keystore" => Self::Keystore,
            "credential" => Self::Credential,
            _ => return Err(SecretRefError::Inline),
        };
        if is_secret_name(name) {
            Ok(make(name.to_owned()))
        } else {
            Err(SecretRefError::Name)
        }
    }
}

/// Letters, digits, `-`, `_` and `.`, not beginning with a dot: fit to be a
/// file's name as systemd's credentials are.
pub fn is_secret_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    (1..=NAME_OCTETS_MAX).contains(&name.len()) && name.bytes().all(fits) && !name.starts_with('.')
}

impl fmt::Display for SecretRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Keystore(name) => write!(f, "keystore:{name}"),
            Self::Credential(name) => write!(f, "credential:{name}"),
        }
    }
}

impl serde::Serialize for SecretRef {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for SecretRef {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(serde::de::Error::custom)
    }
}

/// Why a text says no place of a secret. Never repeats the text: it may be
/// the secret itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretRefError {
    #[error(
        "is not keystore:NAME or credential:NAME, and a secret may not stand here itself \
         (GUIDE-23, ENG-13)"
    )]
    Inline,
    #[error("a secret's name is 1 to {NAME_OCTETS_MAX} letters, digits, '-', '_' and '.'")]
    Name,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_two_forms_and_nothing_else() {
        for text in ["keystore:letters", "credential:letters.password_1"] {
            assert_eq!(text.parse::<SecretRef>().expect(text).to_string(), text);
        }
        for (text, error) in [
            ("hunter2", SecretRefError::Inline),
            ("vault:letters", SecretRefError::Inline),
            ("keystore:", SecretRefError::Name),
            ("credential:../../etc/passwd", SecretRefError::Name),
            ("credential:.hidden", SecretRefError::Name),
            ("keystore:a b", SecretRefError::Name),
        ] {
            assert_eq!(text.parse::<SecretRef>(), Err(error), "{text}");
        }
    }
}
