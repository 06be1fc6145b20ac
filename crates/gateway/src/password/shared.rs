//! One secret, one account (GUIDE-20, GUIDE-70).

use std::fmt;

use super::age::{SignsInBy, signs_in_by};
use crate::config::Config;
use crate::secrets::{SecretError, Secrets};

/// Two accounts with one password. Says which, never the password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedSecret {
    pub first: String,
    pub second: String,
}

impl fmt::Display for SharedSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the accounts {} and {} have the same password, and a password is not shared \
             (GUIDE-20, GUIDE-70): set another for one of them with `mailward accounts new-password`",
            self.first, self.second
        )
    }
}

impl std::error::Error for SharedSecret {}

/// The first two accounts that sign in with the same password. Reads files; a
/// secret that cannot be read is an error.
pub fn shared_secret(
    config: &Config,
    secrets: &Secrets,
) -> Result<Option<SharedSecret>, SecretError> {
    let mut known = Vec::with_capacity(config.accounts.len());
    for account in &config.accounts {
        let Some(reference) = &account.secret else {
            continue;
        };
        if signs_in_by(config, account) == SignsInBy::Token {
            continue;
        }
        known.push((account.address.as_str(), secrets.resolve(reference)?.secret));
    }
    // Equal ones come to lie side by side.
    known.sort_by(|one, other| one.1.expose().cmp(other.1.expose()));
    let shared = known
        .windows(2)
        .find(|pair| pair[0].1.matches(pair[1].1.expose().as_bytes()));
    Ok(shared.map(|pair| SharedSecret {
        first: pair[0].0.to_owned(),
        second: pair[1].0.to_owned(),
    }))
}
