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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use mailward_mail::{Secret, Timestamp};
    use mailward_net::SeededDice;

    use super::*;
    use crate::keystore::Keystore;

    fn shared(mechanism: &str, secrets: [(&str, &str); 3]) -> Option<SharedSecret> {
        let mut text = format!(
            "[gateway]\nhostname = \"gateway.northmoor.example\"\ndir = \"data\"\n\
             [oauth.o]\ntoken_url = \"https://login.northmoor.example\"\nclient_id = \"c\"\n\
             client_secret = \"keystore:a\"\nscope = \"s\"\n\
             [[route]]\nname = \"r\"\nkind = \"submission\"\nserver = \"smtp.office365.com\"\n\
             port = 587\n{mechanism}\n"
        );
        let keystore = Keystore::in_memory();
        for (name, secret) in secrets {
            text += &format!(
                "[[account]]\naddress = \"{name}@northmoor.example\"\nroute = \"r\"\nsecret = \"keystore:{name}\"\n"
            );
            let now = Timestamp::from_millis(0);
            keystore
                .set(name, &Secret::new(secret), now, &SeededDice::new(1))
                .expect("set");
        }
        let config = Config::parse(&text, Path::new("gateway.toml")).expect("sound");
        shared_secret(&config, &Secrets::new(Some(keystore), None)).expect("readable")
    }

    #[test]
    fn names_both_accounts_and_never_the_secret() {
        let login = "mechanism = \"login\"";
        let found = shared(login, [("a", "hunter2"), ("b", "other"), ("c", "hunter2")]);
        let told = found.expect("two share one").to_string();
        assert!(told.contains("a@northmoor.example and c@northmoor.example"));
        assert!(told.contains("GUIDE-20, GUIDE-70") && !told.contains("hunter2"));
        assert_eq!(shared(login, [("a", "1"), ("b", "2"), ("c", "3")]), None);
        let token = "mechanism = \"xoauth2\"\noauth = \"o\"";
        assert_eq!(shared(token, [("a", "1"), ("b", "1"), ("c", "1")]), None);
    }
}
