//! Secrets at rest: one encrypted file (GUIDE-23, ENG-13, DHC-21).
//!
//! ```text
//!   passphrase ── Argon2id ──┐
//!                            ├─▶ key ── AES-256-GCM ──▶ file (0600)
//!   32 octets ───────────────┘
//! ```
//!
//! Every secret carries a version, a number that this keystore never gives
//! twice: who remembers that one version was refused can tell when it has
//! been replaced. Changes are written beside the file, synced, and moved over
//! it, under a lock of the folder, so that two processes may change it.

mod envelope;
mod file;
mod opener;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use mailward_mail::{Dice, Secret, Timestamp};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use envelope::{Envelope, EnvelopeError, Key};
use file::{Stamp, folder_of, replace, stamp};
pub(crate) use opener::credential_path;
pub use opener::{Opener, OpenerError, private_file};

use crate::config::is_secret_name;

/// More than this is no keystore of ours.
const FILE_OCTETS_MAX: u64 = 16 * 1024 * 1024;
/// The longest secret, in octets.
pub const SECRET_OCTETS_MAX: usize = 64 * 1024;
/// The most secrets one keystore holds.
pub const SECRETS_MAX: usize = 10_000;

/// An open keystore. Reading sees what other processes have written since.
pub struct Keystore {
    /// None for one that lives in memory alone.
    file: Option<PathBuf>,
    opener: Opener,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    contents: Contents,
    /// Of the file that `contents` was read from.
    stamp: Option<Stamp>,
    /// The key, so that a passphrase is stretched once and not at every look.
    key: Option<Key>,
}

/// The plain text of the file, as JSON.
#[derive(Default, Serialize, Deserialize)]
struct Contents {
    /// The version given last.
    version: u64,
    secrets: BTreeMap<String, Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    version: u64,
    changed: Timestamp,
    #[serde(serialize_with = "expose")]
    secret: Secret,
}

/// Only ever into the plain text that is sealed at once.
fn expose<S: serde::Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

/// A secret with its version.
#[derive(Clone, Debug)]
pub struct VersionedSecret {
    pub secret: Secret,
    /// Differs for every secret ever set in its keystore.
    pub version: String,
}

/// What may be shown of an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    pub name: String,
    pub version: u64,
    pub changed: Timestamp,
}

/// Why a keystore gives or takes nothing. No text holds a secret.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    #[error("there is no keystore {}; make it with `mailward secrets init`", .0.display())]
    Missing(PathBuf),
    #[error("there is already a file {}; a keystore is never overwritten", .0.display())]
    Exists(PathBuf),
    #[error("the passphrase or key does not open the keystore {}", .0.display())]
    WrongKey(PathBuf),
    #[error("the keystore {} is damaged: {what}; put back its latest copy", .path.display())]
    Damaged { path: PathBuf, what: String },
    #[error("the keystore {} was written by a newer version of this program (format {format})", .path.display())]
    Newer { path: PathBuf, format: u8 },
    #[error("cannot use {}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("the keystore has no secret {0:?}; set it with `mailward secrets set {0}`")]
    NoSuchSecret(String),
    #[error("{0:?} cannot name a secret: use up to 64 letters, digits, '-', '_' and '.'")]
    BadName(String),
    #[error(
        "a secret has 1 to {SECRET_OCTETS_MAX} octets, and a keystore {SECRETS_MAX} secrets at most"
    )]
    TooMuch,
    #[error(transparent)]
    Opener(#[from] OpenerError),
}

impl Keystore {
    /// Makes a new, empty file; the folder must exist.
    pub fn create(file: &Path, opener: Opener, dice: &dyn Dice) -> Result<Self, KeystoreError> {
        if file.exists() {
            return Err(KeystoreError::Exists(file.to_owned()));
        }
        let keystore = Self::closed(Some(file.to_owned()), opener);
        keystore.change(dice, |_| Ok(()))?;
        Ok(keystore)
    }

    /// Opens a file that exists. Slow with a passphrase, on purpose.
    pub fn open(file: &Path, opener: Opener) -> Result<Self, KeystoreError> {
        let keystore = Self::closed(Some(file.to_owned()), opener);
        let mut state = keystore.lock();
        keystore.refresh(&mut state)?;
        drop(state);
        Ok(keystore)
    }

    /// One that is gone with the process: for `up`, whose accounts are too.
    pub fn in_memory() -> Self {
        Self::closed(None, Opener::Key(Zeroizing::new([0; 32])))
    }

    pub fn is_in_memory(&self) -> bool {
        self.file.is_none()
    }

    fn closed(file: Option<PathBuf>, opener: Opener) -> Self {
        Self {
            file,
            opener,
            state: Mutex::default(),
        }
    }

    pub fn get(&self, name: &str) -> Result<VersionedSecret, KeystoreError> {
        let mut state = self.lock();
        self.refresh(&mut state)?;
        let entry = state
            .contents
            .secrets
            .get(name)
            .ok_or_else(|| KeystoreError::NoSuchSecret(name.to_owned()))?;
        Ok(VersionedSecret {
            secret: entry.secret.clone(),
            version: entry.version.to_string(),
        })
    }

    /// When the secret was set.
    pub fn changed(&self, name: &str) -> Result<Timestamp, KeystoreError> {
        let mut state = self.lock();
        self.refresh(&mut state)?;
        let entry = state.contents.secrets.get(name);
        entry
            .map(|entry| entry.changed)
            .ok_or_else(|| KeystoreError::NoSuchSecret(name.to_owned()))
    }

    pub fn list(&self) -> Result<Vec<Listed>, KeystoreError> {
        let mut state = self.lock();
        self.refresh(&mut state)?;
        let listed = state.contents.secrets.iter().map(|(name, entry)| Listed {
            name: name.clone(),
            version: entry.version,
            changed: entry.changed,
        });
        Ok(listed.collect())
    }

    /// Sets or replaces a secret and gives its version.
    pub fn set(
        &self,
        name: &str,
        secret: &Secret,
        now: Timestamp,
        dice: &dyn Dice,
    ) -> Result<u64, KeystoreError> {
        if !is_secret_name(name) {
            return Err(KeystoreError::BadName(name.to_owned()));
        }
        if !(1..=SECRET_OCTETS_MAX).contains(&secret.expose().len()) {
            return Err(KeystoreError::TooMuch);
        }
        self.change(dice, |contents| {
            if contents.secrets.len() >= SECRETS_MAX && !contents.secrets.contains_key(name) {
                return Err(KeystoreError::TooMuch);
            }
            contents.version += 1;
            let entry = Entry {
                version: contents.version,
                changed: now,
                secret: secret.clone(),
            };
            contents.secrets.insert(name.to_owned(), entry);
            Ok(contents.version)
        })
    }

    pub fn remove(&self, name: &str, dice: &dyn Dice) -> Result<(), KeystoreError> {
        self.change(dice, |contents| match contents.secrets.remove(name) {
            Some(_) => Ok(()),
            None => Err(KeystoreError::NoSuchSecret(name.to_owned())),
        })
    }

    /// Reads the file as it is now, changes that, and writes it.
    fn change<T>(
        &self,
        dice: &dyn Dice,
        change: impl FnOnce(&mut Contents) -> Result<T, KeystoreError>,
    ) -> Result<T, KeystoreError> {
        let mut state = self.lock();
        let Some(path) = &self.file else {
            return change(&mut state.contents);
        };
        let io = |source| KeystoreError::Io {
            path: path.clone(),
            source,
        };
        let folder = File::open(folder_of(path)).map_err(io)?;
        folder.lock().map_err(io)?;
        match self.refresh(&mut state) {
            Ok(()) | Err(KeystoreError::Missing(_)) => {}
            Err(error) => return Err(error),
        }
        // Whatever fails from here on, the next look reads the file again.
        state.stamp = None;
        let result = change(&mut state.contents)?;
        if state.key.is_none() {
            state.key = Some(Key::new(&self.opener, dice)?);
        }
        let (Some(key), contents) = (&state.key, &state.contents) else {
            return Err(KeystoreError::TooMuch);
        };
        let plain = serde_json::to_vec(contents)
            .map(Zeroizing::new)
            .map_err(|error| io(io::Error::other(error)))?;
        let sealed = Envelope::seal(key, &plain, dice);
        replace(path, &sealed, &folder).map_err(io)?;
        state.stamp = stamp(path).map_err(io)?;
        Ok(result)
    }

    /// Reads the file again if it has changed since.
    fn refresh(&self, state: &mut State) -> Result<(), KeystoreError> {
        let Some(path) = &self.file else {
            return Ok(());
        };
        let io = |source| KeystoreError::Io {
            path: path.clone(),
            source,
        };
        let now = stamp(path).map_err(io)?;
        let Some(now) = now else {
            return Err(KeystoreError::Missing(path.clone()));
        };
        if state.stamp == Some(now) {
            return Ok(());
        }
        let damaged = |what: &str| KeystoreError::Damaged {
            path: path.clone(),
            what: what.to_owned(),
        };
        if now.octets > FILE_OCTETS_MAX {
            return Err(damaged("it is larger than any keystore"));
        }
        let sealed = fs::read(path).map_err(io)?;
        let envelope = Envelope::parse(&sealed).map_err(|error| match error {
            EnvelopeError::Newer(format) => KeystoreError::Newer {
                path: path.clone(),
                format,
            },
            EnvelopeError::Damaged(what) => damaged(what),
        })?;
        let known = state.key.take().filter(|key| envelope.fits(key));
        let key = match known {
            Some(key) => key,
            None => envelope.key(&self.opener)?,
        };
        if !envelope.fits(&key) {
            return Err(KeystoreError::WrongKey(path.clone()));
        }
        let plain = envelope
            .open(&key)
            .ok_or_else(|| damaged("its content does not match its seal"))?;
        state.contents = serde_json::from_slice(&plain)
            .map_err(|_| damaged("its content has not the form of a keystore"))?;
        state.key = Some(key);
        state.stamp = Some(now);
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows the place, and nothing that is in it.
impl fmt::Debug for Keystore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keystore")
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
