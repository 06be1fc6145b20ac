//! How old the password of each account is.

use mailward_mail::Timestamp;
use mailward_policy::AccountKind;
use mailward_policy::password::{days_left, expires_at};
use serde::{Deserialize, Serialize};

use crate::config::{Account, Config, Mechanism};
use crate::secrets::Secrets;

/// How an account proves itself on its route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignsInBy {
    Password,
    /// Of an OAuth client; its password does not matter to us.
    Token,
}

/// One account of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccountAge {
    pub address: String,
    pub kind: AccountKind,
    pub route: String,
    pub signs_in_by: SignsInBy,
    /// When the secret was put into the keystore, else what the configuration
    /// says.
    pub password_changed: Option<Timestamp>,
    pub password_expires: Option<Timestamp>,
    pub days_left: Option<u64>,
    /// That send as it.
    pub applications: Vec<String>,
}

/// Every account, in the order of the configuration. Without `secrets` only
/// the configuration is asked for days. Reads files.
pub fn account_ages(config: &Config, secrets: Option<&Secrets>, now: Timestamp) -> Vec<AccountAge> {
    let age = |account: &Account| {
        let signs_in_by = signs_in_by(config, account);
        let changed = match signs_in_by {
            SignsInBy::Token => None,
            SignsInBy::Password => changed(account, secrets),
        };
        let expires = changed.map(|changed| expires_at(changed, account.kind));
        let name = account.name();
        AccountAge {
            address: account.address.as_str().to_owned(),
            kind: account.kind,
            route: account.route.as_str().to_owned(),
            signs_in_by,
            password_changed: changed,
            password_expires: expires,
            days_left: expires.map(|expires| days_left(expires, now)),
            applications: config
                .applications
                .iter()
                .filter(|application| application.account == name)
                .map(|application| application.name.as_str().to_owned())
                .collect(),
        }
    };
    config.accounts.iter().map(age).collect()
}

pub(super) fn signs_in_by(config: &Config, account: &Account) -> SignsInBy {
    match config.route(&account.route).map(|route| &route.mechanism) {
        Some(Mechanism::XOAuth2 { .. }) => SignsInBy::Token,
        _ => SignsInBy::Password,
    }
}

fn changed(account: &Account, secrets: Option<&Secrets>) -> Option<Timestamp> {
    let kept = match (&account.secret, secrets) {
        (Some(reference), Some(secrets)) => secrets.changed(reference),
        _ => None,
    };
    kept.or(account.password_changed)
}
