//! Whether every secret is there, and whether two accounts share one.

use mailward_policy::AccountKind;
use mailward_policy::limits::{PASSWORD_APPLICATION, PASSWORD_USER};

use super::Surroundings;
use crate::config::{Account, SecretRef};
use crate::doctor::seen::{FoundSecret, SecretSeen, SecretsSeen, subject_of};
use crate::keystore::VersionedSecret;
use crate::secrets::Secrets;

pub(super) fn look(here: &Surroundings) -> SecretsSeen {
    let mut seen = SecretsSeen::default();
    let secrets = match &here.secrets {
        Ok(secrets) => secrets,
        Err(why) => {
            seen.unusable = Some(why.clone());
            return seen;
        }
    };
    let mut passwords: Vec<(String, VersionedSecret)> = Vec::new();
    for account in &here.config.accounts {
        let Some(reference) = &account.secret else {
            continue;
        };
        let (one, found) = resolve(secrets, reference, subject_of(account), least(account));
        seen.each.push(one);
        let Some(found) = found else { continue };
        let same = passwords
            .iter()
            .filter(|(_, other)| found.secret.matches(other.secret.expose().as_bytes()));
        let pairs: Vec<_> = same
            .map(|(other, _)| (other.clone(), subject_of(account)))
            .collect();
        seen.shared.extend(pairs);
        passwords.push((subject_of(account), found));
    }
    for (name, client) in &here.config.oauth {
        let purpose = format!("oauth {name}");
        seen.each
            .push(resolve(secrets, &client.client_secret, purpose, None).0);
    }
    for application in &here.config.applications {
        if let Some(callback) = &application.callback {
            let purpose = format!("callback of {}", application.name);
            seen.each
                .push(resolve(secrets, &callback.secret, purpose, None).0);
        }
    }
    seen
}

/// The least length of its password (GUIDE-19, GUIDE-29, GUIDE-32).
fn least(account: &Account) -> Option<u64> {
    match account.kind {
        AccountKind::Application => Some(PASSWORD_APPLICATION.figure),
        AccountKind::User => Some(PASSWORD_USER.figure),
        AccountKind::Shared => None,
    }
}

fn resolve(
    secrets: &Secrets,
    reference: &SecretRef,
    purpose: String,
    characters_min: Option<u64>,
) -> (SecretSeen, Option<VersionedSecret>) {
    let found = secrets.resolve(reference);
    let shown = match &found {
        Ok(found) => Ok(FoundSecret {
            characters: found.secret.expose().chars().count() as u64,
            version: found.version.clone(),
        }),
        Err(error) => Err(error.to_string()),
    };
    let seen = SecretSeen {
        reference: reference.to_string(),
        purpose,
        found: shown,
        characters_min,
    };
    (seen, found.ok())
}
