//! The development certificate authority: made at first start, kept in a
//! folder, so that every client can verify loopback endpoints by their names.
//!
//! ```text
//!   ca.pem      what clients trust            server.pem   one certificate for all names
//!   ca.key      0600                          server.key   0600
//! ```
//!
//! X.509 as RFC 5280 asks: the authority is critical CA, key usage and key
//! identifier included; the server's certificate names its issuer's key, and
//! every host and address stands in its subject alternative names.

mod issuer;

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use mailward_mail::time::{Clock, Timestamp};
use rcgen::date_time_ymd;

use self::issuer::{Issuer, Names};
use crate::tls::ServerIdentity;

/// Certificates begin here, so that a virtual clock may be set to any day the
/// twin knows.
const VALID_FROM_YEAR: i32 = 2020;
/// Server certificates usually end here,
const SERVER_VALID_TO_YEAR: i32 = 2045;
/// and at the latest with their authority.
const CA_VALID_TO_YEAR: i32 = 2060;
/// A server certificate with less time left is issued anew.
const RENEW_BEFORE: Duration = Duration::from_secs(30 * 86_400);

const CA_FILE: &str = "ca.pem";
const CA_KEY_FILE: &str = "ca.key";
const SERVER_FILE: &str = "server.pem";
const SERVER_KEY_FILE: &str = "server.key";

/// A folder with an authority and the server certificate it issued.
#[derive(Debug)]
pub struct DevAuthority {
    ca_file: PathBuf,
    server_file: PathBuf,
    server_key_file: PathBuf,
    identity: ServerIdentity,
}

/// Why there is no development authority.
#[derive(Debug, thiserror::Error)]
pub enum AuthorityError {
    #[error("cannot use {path}: {why}")]
    Io { path: PathBuf, why: io::Error },
    #[error(
        "{path} is damaged: {why}; remove ca.pem and ca.key from that folder \
         to have a new authority, which clients must then be told to trust"
    )]
    Damaged { path: PathBuf, why: String },
    #[error("{0:?} is neither a host name nor an address, so no certificate can cover it")]
    BadName(String),
    #[error("no name was given for the certificate")]
    NoNames,
    #[error(
        "the clock says {now}, and development certificates are valid \
         from {VALID_FROM_YEAR} to {CA_VALID_TO_YEAR} only"
    )]
    OutOfTime { now: Timestamp },
    #[error("the certificate could not be made: {0}")]
    Issue(String),
}

impl DevAuthority {
    /// Reads the authority in `dir`, or makes it; then reads its server
    /// certificate, or issues one when there is none, when it covers other
    /// `names` (hosts and IP addresses), or when it would soon expire on
    /// `clock`. Blocks for a few file operations: for start-up only.
    pub fn load_or_create(
        dir: &Path,
        names: &[impl AsRef<str>],
        clock: &dyn Clock,
    ) -> Result<Self, AuthorityError> {
        let names = Names::new(names)?;
        let now = clock.now();
        let server_years = validity(now)?;
        let at = |path: &Path| {
            let path = path.to_owned();
            move |why| AuthorityError::Io { path, why }
        };
        std::fs::create_dir_all(dir).map_err(at(dir))?;
        // Held until return, so that two starts at once agree on one authority.
        let folder = File::open(dir).map_err(at(dir))?;
        folder.lock().map_err(at(dir))?;

        let ca_file = dir.join(CA_FILE);
        let ca = if ca_file.exists() {
            Issuer::load(dir)?
        } else {
            Issuer::create(dir)?
        };
        let server_file = dir.join(SERVER_FILE);
        let server_key_file = dir.join(SERVER_KEY_FILE);
        let kept = load_server(&server_file, &server_key_file, &names)
            .filter(|identity| ca.vouches_for(identity, &names, now).is_ok());
        let identity = match kept {
            Some(identity) => identity,
            None => ca.issue_to(dir, &names, server_years)?,
        };
        ca.vouches_for(&identity, &names, now)
            .map_err(|why| AuthorityError::Damaged {
                path: ca_file.clone(),
                why,
            })?;
        Ok(Self {
            ca_file,
            server_file,
            server_key_file,
            identity,
        })
    }

    /// What clients must trust, as a PEM file.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// The server's certificate and key files, for other programs to serve with.
    pub fn server_files(&self) -> (&Path, &Path) {
        (&self.server_file, &self.server_key_file)
    }

    pub fn identity(&self) -> &ServerIdentity {
        &self.identity
    }
}

/// The first year of validity, and the first year after it.
fn validity(now: Timestamp) -> Result<(i32, i32), AuthorityError> {
    let starts = |year: i32| {
        Timestamp::from_millis(
            date_time_ymd(year, 1, 1)
                .unix_timestamp()
                .saturating_mul(1000),
        )
    };
    let renewal = now.plus(RENEW_BEFORE);
    if now < starts(VALID_FROM_YEAR) || renewal >= starts(CA_VALID_TO_YEAR) {
        return Err(AuthorityError::OutOfTime { now });
    }
    if renewal >= starts(SERVER_VALID_TO_YEAR) {
        return Ok((VALID_FROM_YEAR, CA_VALID_TO_YEAR));
    }
    Ok((VALID_FROM_YEAR, SERVER_VALID_TO_YEAR))
}

/// The certificate on disk, if it is whole and was issued for this very list.
fn load_server(chain: &Path, key: &Path, names: &Names) -> Option<ServerIdentity> {
    let text = std::fs::read_to_string(chain).ok()?;
    text.starts_with(&names.heading())
        .then(|| ServerIdentity::from_pem_files(chain, key).ok())
        .flatten()
}
