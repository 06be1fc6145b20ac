//! How intake credentials are kept: never themselves.
//!
//! | form | for |
//! | --- | --- |
//! | `$argon2id$...` | a password that somebody chose |
//! | `sha256:` and 64 digits | one made by chance, API keys among them |

use std::fmt;

use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{constant_time, digest};
use mailward_mail::{Dice, Secret};

use crate::config::KeyKind;

/// OWASP's first recommendation for Argon2id: 19 MiB, two passes, one lane.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;

/// What a configured hash may ask for at most, so that one line of a file
/// cannot stall the intake.
const MEMORY_KIB_MAX: u32 = 256 * 1024;
const PASSES_MAX: u32 = 16;

const DEFAULT_COSTS: &str = "m=19456,t=2,p=1";

const SALT_OCTETS: usize = 16;

/// Characters of a made password or key: 43 × log2(62) is 256 bits.
const MADE_CHARACTERS: usize = 43;

/// What an SMTP password is compared with.
#[derive(Clone)]
pub enum PasswordHash {
    /// Argon2id in PHC form.
    Slow(String),
    Fast(KeyHash),
}

/// SHA-256 of a credential with too much chance in it to be guessed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyHash([u8; 32]);

/// A text that is no hash of a form in use here. Does not repeat the text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HashError {
    #[error(
        "this is neither an Argon2id hash in PHC form ($argon2id$...) nor sha256: and 64 digits"
    )]
    Form,
    #[error("an API key's hash is sha256: and 64 hexadecimal digits")]
    KeyForm,
    #[error("this hash asks for more than {MEMORY_KIB_MAX} KiB or {PASSES_MAX} passes")]
    Costly,
    #[error("the password cannot be hashed: {0}")]
    Unusable(String),
}

impl PasswordHash {
    pub fn parse(text: &str) -> Result<Self, HashError> {
        if text.starts_with("sha256:") {
            KeyHash::parse(text).map(Self::Fast)
        } else {
            Self::parse_slow(text)
        }
    }

    /// Takes the form for chosen passwords alone.
    pub fn parse_slow(text: &str) -> Result<Self, HashError> {
        let phc = Phc::new(text).map_err(|_| HashError::Form)?;
        let params = Params::try_from(&phc).map_err(|_| HashError::Form)?;
        if phc.algorithm.as_str() != "argon2id" || phc.salt.is_none() || phc.hash.is_none() {
            return Err(HashError::Form);
        }
        if params.m_cost() > MEMORY_KIB_MAX || params.t_cost() > PASSES_MAX {
            return Err(HashError::Costly);
        }
        Ok(Self::Slow(text.to_owned()))
    }

    /// Hashes a chosen password: some tens of milliseconds of one core.
    pub fn of_chosen(password: &Secret, dice: &dyn Dice) -> Result<Self, HashError> {
        let mut salt = [0; SALT_OCTETS];
        dice.fill(&mut salt);
        let unusable = |error: String| HashError::Unusable(error);
        let params = Params::new(MEMORY_KIB, PASSES, 1, None)
            .map_err(|error| unusable(error.to_string()))?;
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_with_salt(password.expose().as_bytes(), &salt)
            .map(|hash| Self::Slow(hash.to_string()))
            .map_err(|error| unusable(error.to_string()))
    }

    /// Whether `password` is the one. Slow for the slow form.
    pub(super) fn matches(&self, password: &str) -> bool {
        match self {
            Self::Fast(hash) => hash.matches(password),
            Self::Slow(text) => Phc::new(text).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok()
            }),
        }
    }

    /// What is tried for a name that does not exist: it costs what this hash
    /// costs and fits no password, being no hash of anything known.
    pub(super) fn decoy(&self) -> Self {
        let costs = match self {
            Self::Slow(text) => text.split('$').nth(3).unwrap_or(DEFAULT_COSTS),
            Self::Fast(_) => DEFAULT_COSTS,
        };
        Self::Slow(format!(
            "$argon2id$v=19${costs}$bWFpbHdhcmQgZGVjb3k$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
        ))
    }

    /// As configuration writes it.
    pub fn to_text(&self) -> String {
        match self {
            Self::Slow(text) => text.clone(),
            Self::Fast(hash) => hash.to_text(),
        }
    }
}

impl KeyHash {
    pub fn parse(text: &str) -> Result<Self, HashError> {
        let digits = text.strip_prefix("sha256:").ok_or(HashError::KeyForm)?;
        if digits.len() != 64 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(HashError::KeyForm);
        }
        let mut octets = [0; 32];
        for (place, at) in octets.iter_mut().zip((0..64).step_by(2)) {
            *place = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| HashError::KeyForm)?;
        }
        Ok(Self(octets))
    }

    pub fn of(credential: &str) -> Self {
        let mut octets = [0; 32];
        octets.copy_from_slice(digest::digest(&digest::SHA256, credential.as_bytes()).as_ref());
        Self(octets)
    }

    pub(super) fn matches(&self, credential: &str) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &Self::of(credential).0).is_ok()
    }

    pub fn to_text(&self) -> String {
        let digits: String = self.0.iter().map(|octet| format!("{octet:02x}")).collect();
        format!("sha256:{digits}")
    }
}

/// A password with 256 bits of chance.
pub fn make_password(dice: &dyn Dice) -> Secret {
    Secret::new(characters(dice))
}

/// An API key: `mw_live_` and 256 bits of chance. What it is shows in its
/// first letters, so that a leaked one is recognised.
pub fn make_api_key(kind: KeyKind, dice: &dyn Dice) -> Secret {
    Secret::new(format!("mw_{}_{}", kind.as_str(), characters(dice)))
}

fn characters(dice: &dyn Dice) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    /// The largest multiple of 62 in an octet: above it some characters would
    /// be likelier than others.
    const FAIR: u8 = 248;
    let mut text = String::with_capacity(MADE_CHARACTERS);
    while text.len() < MADE_CHARACTERS {
        let mut octets = [0; 64];
        dice.fill(&mut octets);
        let fair = octets.iter().filter(|octet| **octet < FAIR);
        let left = MADE_CHARACTERS - text.len();
        text.extend(
            fair.take(left)
                .map(|octet| char::from(ALPHABET[usize::from(octet % 62)])),
        );
    }
    text
}

impl Default for PasswordHash {
    /// The decoy of a register without chosen passwords.
    fn default() -> Self {
        Self::Slow(String::new()).decoy()
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(***)")
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(***)")
    }
}

#[cfg(test)]
mod tests {
    use mailward_net::SeededDice;

    use super::*;

    #[test]
    fn both_forms_go_there_and_back() {
        let dice = SeededDice::new(3);
        let chosen = PasswordHash::of_chosen(&Secret::new("correct horse"), &dice).expect("a hash");
        let made = PasswordHash::Fast(KeyHash::of("correct horse"));
        for hash in [chosen, made] {
            let again = PasswordHash::parse(&hash.to_text()).expect("reads back");
            assert!(again.matches("correct horse") && !again.matches("correct hors"));
            assert_eq!(format!("{again:?}"), "PasswordHash(***)");
        }
    }

    #[test]
    fn refuses_other_forms() {
        for text in [
            "",
            "hunter2",
            "sha256:abc",
            "$argon2i$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
            "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQ",
            "$argon2id$v=19$m=999999999,t=2,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA",
        ] {
            assert!(PasswordHash::parse(text).is_err(), "{text}");
            assert!(KeyHash::parse(text).is_err(), "{text}");
        }
        let fast = KeyHash::of("x").to_text();
        assert!(
            PasswordHash::parse_slow(&fast).is_err(),
            "console users have chosen passwords"
        );
    }

    #[test]
    fn a_decoy_costs_the_same_and_fits_nothing() {
        let costly = "$argon2id$v=19$m=32,t=3,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaA";
        let decoy = PasswordHash::parse(costly).expect("a hash").decoy();
        let PasswordHash::Slow(text) = &decoy else {
            panic!("a decoy is slow")
        };
        assert!(text.starts_with("$argon2id$v=19$m=32,t=3,p=1$"));
        for decoy in [decoy, PasswordHash::default()] {
            PasswordHash::parse(&decoy.to_text()).expect("it can really be tried");
            assert!(!decoy.matches("") && !decoy.matches("mailward decoy"));
        }
    }

    #[test]
    fn made_credentials_are_long_and_differ() {
        let dice = SeededDice::new(3);
        let (one, other) = (
            make_api_key(KeyKind::Live, &dice),
            make_api_key(KeyKind::Live, &dice),
        );
        assert!(one.expose().starts_with("mw_live_") && one.expose().len() == 8 + 43);
        assert_ne!(one.expose(), other.expose());
        assert_eq!(make_password(&dice).expose().len(), 43);
    }
}
