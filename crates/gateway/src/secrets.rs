//! Finds the secret that a reference means: in the keystore, or among
//! systemd's credentials.

use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use argon2::{Algorithm, Argon2, Params, Version};
use mailward_mail::{Secret, Timestamp};

use crate::config::{KeystoreFile, SecretRef};
use crate::keystore::{
    Keystore, KeystoreError, Opener, OpenerError, VersionedSecret, private_file,
};

/// Where secrets come from. Nothing is kept: each look finds what is there
/// now, so that a secret can be replaced while the program runs.
#[derive(Debug)]
pub struct Secrets {
    keystore: Option<Keystore>,
    /// systemd's `$CREDENTIALS_DIRECTORY`.
    credentials: Option<PathBuf>,
    /// Secrets that have no version of their own, with the one made for each.
    versions: Mutex<HashMap<String, VersionedSecret>>,
}

/// Why there is no such secret.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("{0} is asked for, and no [keystore] is configured")]
    NoKeystore(SecretRef),
    #[error(transparent)]
    Keystore(#[from] KeystoreError),
    #[error(transparent)]
    Credential(#[from] OpenerError),
}

impl Secrets {
    pub fn new(keystore: Option<Keystore>, credentials: Option<PathBuf>) -> Self {
        Self {
            keystore,
            credentials,
            versions: Mutex::default(),
        }
    }

    /// Opens the configured keystore, with what `$CREDENTIALS_DIRECTORY` and
    /// the environment hold. Slow with a passphrase.
    pub fn open(keystore: Option<&KeystoreFile>) -> Result<Self, SecretError> {
        let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
        let keystore = match keystore {
            None => None,
            Some(place) => {
                let opener = Opener::fetch(&place.opened_by, credentials.as_deref())
                    .map_err(KeystoreError::from)?;
                Some(Keystore::open(&place.file, opener)?)
            }
        };
        Ok(Self::new(keystore, credentials))
    }

    pub fn keystore(&self) -> Option<&Keystore> {
        self.keystore.as_ref()
    }

    /// When the secret was set, where that is known: the keystore notes it,
    /// systemd does not. Reads files as [`Self::resolve`] does.
    pub fn changed(&self, reference: &SecretRef) -> Option<Timestamp> {
        match (reference, &self.keystore) {
            (SecretRef::Keystore(name), Some(keystore)) => keystore.changed(name).ok(),
            _ => None,
        }
    }

    /// The secret and its version as they are now. Reads files, so call it off
    /// the runtime's threads or where a pause of a millisecond does no harm.
    pub fn resolve(&self, reference: &SecretRef) -> Result<VersionedSecret, SecretError> {
        match reference {
            SecretRef::Keystore(name) => match &self.keystore {
                // Its numbers begin anew with every process, and what the
                // ledger remembers of them does not.
                Some(keystore) if keystore.is_in_memory() => {
                    Ok(self.version(name, keystore.get(name)?.secret)?)
                }
                Some(keystore) => Ok(keystore.get(name)?),
                None => Err(SecretError::NoKeystore(reference.clone())),
            },
            SecretRef::Credential(name) => {
                let path = crate::keystore::credential_path(self.credentials.as_deref(), name)?;
                let text = private_file(&path)?;
                let secret = Secret::new(text.trim_end_matches(['\r', '\n']));
                Ok(self.version(name, secret)?)
            }
        }
    }

    /// With a version made from the secret, which is worked out once for each.
    fn version(&self, name: &str, secret: Secret) -> Result<VersionedSecret, OpenerError> {
        let mut known = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(name)
            && known.secret.expose() == secret.expose()
        {
            return Ok(known.clone());
        }
        let version = fingerprint(name, &secret)?;
        let versioned = VersionedSecret { secret, version };
        known.insert(name.to_owned(), versioned.clone());
        Ok(versioned)
    }
}

/// A secret that may be replaced while the program runs: every look finds the
/// one that is there now. Clones are the same.
#[derive(Clone)]
pub struct LiveSecret(Arc<Live>);

struct Live {
    source: Option<(Arc<Secrets>, SecretRef)>,
    last: Mutex<VersionedSecret>,
}

impl LiveSecret {
    /// Fails where there is no such secret now.
    pub fn of(secrets: &Arc<Secrets>, reference: &SecretRef) -> Result<Self, SecretError> {
        let last = Mutex::new(secrets.resolve(reference)?);
        let source = Some((Arc::clone(secrets), reference.clone()));
        Ok(Self(Arc::new(Live { source, last })))
    }

    /// One that stays as it is.
    pub fn fixed(secret: VersionedSecret) -> Self {
        Self(Arc::new(Live {
            source: None,
            last: Mutex::new(secret),
        }))
    }

    /// The secret as it is now. Where it cannot be read, while its file is
    /// being replaced say, it is the last one that could.
    pub fn current(&self) -> VersionedSecret {
        let found = match &self.0.source {
            None => None,
            Some((secrets, reference)) => match secrets.resolve(reference) {
                Ok(found) => Some(found),
                Err(error) => {
                    tracing::warn!(%error, "a secret cannot be read again; the last one is used");
                    None
                }
            },
        };
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = found {
            *last = found;
        }
        last.clone()
    }
}

impl fmt::Debug for LiveSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveSecret").finish_non_exhaustive()
    }
}

/// A credential has no version of its own. It must be the same after every
/// start, or a restart would forget that the service has refused it, and must
/// give the secret away to nobody who reads it in the ledger: so it is a slow
/// hash, cut to 64 bits.
fn fingerprint(name: &str, secret: &Secret) -> Result<String, OpenerError> {
    let mut salt = b"mailward credential version ".to_vec();
    salt.extend_from_slice(name.as_bytes());
    let mut octets = [0; 8];
    Params::new(19 * 1024, 2, 1, Some(octets.len()))
        .and_then(|params| {
            Argon2::new(Algorithm::Argon2id, Version::V0x13, params).hash_password_into(
                secret.expose().as_bytes(),
                &salt,
                &mut octets,
            )
        })
        .map_err(|error| OpenerError::Unusable(error.to_string()))?;
    Ok(octets.iter().map(|octet| format!("{octet:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use mailward_net::SeededDice;

    use super::*;

    fn credential(folder: &Path, name: &str, content: &str) {
        let path = folder.join(name);
        let _ = fs::remove_file(&path);
        fs::write(&path, content).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).expect("mode");
    }

    #[test]
    fn finds_both_kinds_and_tells_versions_apart() {
        let folder = tempfile::tempdir().expect("a folder");
        let keystore = Keystore::in_memory();
        let now = Timestamp::from_millis(0);
        keystore
            .set("letters", &Secret::new("one"), now, &SeededDice::new(1))
            .expect("set");
        let secrets = Secrets::new(Some(keystore), Some(folder.path().to_owned()));
        let resolve = |text: &str| secrets.resolve(&text.parse().expect("a reference"));

        assert_eq!(
            resolve("keystore:letters").expect("there").secret.expose(),
            "one"
        );
        assert!(resolve("keystore:nobody").is_err());

        credential(folder.path(), "alerts", "two\n");
        let first = resolve("credential:alerts").expect("there");
        assert_eq!(first.secret.expose(), "two");
        assert_eq!(
            resolve("credential:alerts").expect("there").version,
            first.version
        );
        credential(folder.path(), "alerts", "three");
        assert_ne!(
            resolve("credential:alerts").expect("there").version,
            first.version
        );
        assert!(resolve("credential:nobody").is_err());
    }

    #[test]
    fn says_what_is_not_configured() {
        let secrets = Secrets::new(None, None);
        let error = |text: &str| {
            let reference = text.parse().expect("a reference");
            secrets
                .resolve(&reference)
                .expect_err("nothing is configured")
                .to_string()
        };
        assert_eq!(
            error("keystore:letters"),
            "keystore:letters is asked for, and no [keystore] is configured"
        );
        assert_eq!(
            error("credential:letters"),
            "there are no systemd credentials: $CREDENTIALS_DIRECTORY is not set"
        );
    }
}
