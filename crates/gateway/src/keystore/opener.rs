//! What opens a keystore, and where it is found.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use mailward_mail::Secret;
use zeroize::Zeroizing;

use crate::config::KeystoreOpener;

/// A key file or credential larger than this is none.
const PRIVATE_FILE_OCTETS_MAX: u64 = 64 * 1024;

/// A passphrase, or a key as it is.
#[derive(Clone)]
pub enum Opener {
    Passphrase(Secret),
    Key(Zeroizing<[u8; 32]>),
}

impl Opener {
    /// Fetches what the configuration points to. `credentials` is systemd's
    /// `$CREDENTIALS_DIRECTORY`.
    pub fn fetch(from: &KeystoreOpener, credentials: Option<&Path>) -> Result<Self, OpenerError> {
        match from {
            KeystoreOpener::PassphraseEnv(name) => Self::from_env(name, std::env::var_os(name)),
            KeystoreOpener::PassphraseCredential(name) => {
                let text = private_file(&credential_path(credentials, name)?)?;
                Ok(Self::Passphrase(Secret::new(
                    text.trim_end_matches(['\r', '\n']),
                )))
            }
            KeystoreOpener::KeyFile(path) => Self::key_in(path),
            KeystoreOpener::KeyCredential(name) => {
                Self::key_in(&credential_path(credentials, name)?)
            }
        }
    }

    fn from_env(name: &str, value: Option<OsString>) -> Result<Self, OpenerError> {
        match value.map(OsString::into_string) {
            Some(Ok(text)) if !text.is_empty() => Ok(Self::Passphrase(Secret::new(text))),
            _ => Err(OpenerError::NoVariable(name.to_owned())),
        }
    }

    /// 32 octets as they are, or 64 hexadecimal digits.
    fn key_in(path: &Path) -> Result<Self, OpenerError> {
        let content = private_octets(path)?;
        let bad = || OpenerError::BadKey(path.to_owned());
        let mut key = Zeroizing::new([0; 32]);
        if let Ok(octets) = <&[u8; 32]>::try_from(content.as_slice()) {
            key.copy_from_slice(octets);
            return Ok(Self::Key(key));
        }
        let digits = content.trim_ascii();
        if digits.len() != 64 {
            return Err(bad());
        }
        for (place, pair) in key.iter_mut().zip(digits.chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| bad())?;
            *place = u8::from_str_radix(pair, 16).map_err(|_| bad())?;
        }
        Ok(Self::Key(key))
    }
}

impl fmt::Debug for Opener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Passphrase(_) => "Passphrase(***)",
            Self::Key(_) => "Key(***)",
        })
    }
}

/// Why there is nothing to open a keystore with, or a private file is not used.
#[derive(Debug, thiserror::Error)]
pub enum OpenerError {
    #[error("the environment variable {0} is not set")]
    NoVariable(String),
    #[error("{} is no key: it must hold 32 octets, or 64 hexadecimal digits", .0.display())]
    BadKey(PathBuf),
    #[error("cannot read {}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(
        "{} may be read by others (mode {mode:o}, owner {owner}); make it yours alone with chmod 600 (ENG-13)",
        .path.display()
    )]
    NotPrivate {
        path: PathBuf,
        mode: u32,
        owner: u32,
    },
    #[error("there are no systemd credentials: $CREDENTIALS_DIRECTORY is not set")]
    NoCredentials,
    #[error("the key cannot be made: {0}")]
    Unusable(String),
}

/// The file of one systemd credential. The name has been checked to be no path.
pub(crate) fn credential_path(
    credentials: Option<&Path>,
    name: &str,
) -> Result<PathBuf, OpenerError> {
    credentials
        .map(|folder| folder.join(name))
        .ok_or(OpenerError::NoCredentials)
}

/// The text of a file that only its owner, who is us or root, can read.
///
/// A group may be able to read it if root owns it: systemd grants a service
/// its credentials by an access control list, whose mask shows as group bits.
pub fn private_file(path: &Path) -> Result<Zeroizing<String>, OpenerError> {
    let octets = private_octets(path)?;
    match std::str::from_utf8(&octets) {
        Ok(text) => Ok(Zeroizing::new(text.to_owned())),
        Err(_) => Err(OpenerError::Io {
            path: path.to_owned(),
            source: io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"),
        }),
    }
}

fn private_octets(path: &Path) -> Result<Zeroizing<Vec<u8>>, OpenerError> {
    let io = |source| OpenerError::Io {
        path: path.to_owned(),
        source,
    };
    let file = fs::File::open(path).map_err(io)?;
    // Of the open file: the name could be pointed elsewhere in between.
    let found = file.metadata().map_err(io)?;
    let (mode, owner) = (found.mode() & 0o777, found.uid());
    let ours = fs::metadata("/proc/self").map_or(owner, |process| process.uid());
    let forbidden = if owner == 0 { 0o037 } else { 0o077 };
    if mode & forbidden != 0 || (owner != 0 && owner != ours) {
        return Err(OpenerError::NotPrivate {
            path: path.to_owned(),
            mode,
            owner,
        });
    }
    let mut octets = Zeroizing::new(Vec::new());
    file.take(PRIVATE_FILE_OCTETS_MAX)
        .read_to_end(&mut octets)
        .map_err(io)?;
    Ok(octets)
}
