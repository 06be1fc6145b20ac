//! The run's folder, and the gateway's configuration in it.
//!
//! ```text
//!   DIR/gateway.toml, credentials/, server.pem, server.key
//!   DIR/state/store/     the store; DIR/state is a disk where power is cut
//!   DIR/far-end.ledger   what the far end took
//!   DIR/postfix/         Postfix and Dovecot, if they are the far end
//!   DIR/clock            how far the gateway's clock is off, if it is set
//!   DIR/acknowledged     what clients were told, one line each
//!   DIR/gateway.log      of all its lives
//! ```

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};

use super::tls::Certificate;
use crate::run::Result;

/// The accounts, each a lane of its own, and what applications sign in with.
pub(super) const LETTERS: &str = "clinic.letters@northmoor.example";
pub(super) const RESULTS: &str = "lab.results@northmoor.example";
pub(super) const SECRET: &str = "4f1d6c0a9b7e4d35a2c8e61f";

/// Connections of each account: so many attempts can be under way at a kill.
pub(super) const CONNECTIONS_MAX: u64 = 8;
pub(super) const LANES: u64 = 2;

/// Recipients that begin so are refused for good by the far end.
pub(super) const REFUSED: &str = "refused.";

/// People there are. Few, so that no text goes to so many as to be a mass
/// mailing.
pub(super) const WARDS: u8 = 60;

/// Every twentieth does not exist.
pub(super) fn address(ward: u8) -> String {
    let refused = if ward.is_multiple_of(20) { REFUSED } else { "" };
    format!("{refused}ward{ward}@northmoor.example")
}

/// What an account signs in with at the far end.
pub(super) fn secret_of(account: &str) -> String {
    format!("{SECRET}-of-{account}")
}

#[derive(Clone, Debug)]
pub(super) struct Scene {
    pub(super) dir: PathBuf,
    pub(super) certificate: Certificate,
    /// The gateway under test.
    pub(super) program: PathBuf,
}

impl Scene {
    /// A new folder in `dir`, left there for whoever calls.
    pub(super) fn make(dir: &Path, seed: u64, program: PathBuf) -> Result<Self> {
        let dir = tempfile::Builder::new()
            .prefix(&format!("mailward-crash-{seed}-"))
            .tempdir_in(dir)
            .map_err(|error| format!("{}: {error}", dir.display()))?
            .keep();
        let certificate = Certificate::make(&dir)?;
        let scene = Self {
            dir,
            certificate,
            program,
        };
        // Postfix passes through it as another user.
        set_mode(&scene.dir, 0o755)?;
        fs::create_dir(scene.disk()).map_err(scene.failed("state"))?;
        fs::create_dir(scene.dir.join("credentials")).map_err(scene.failed("credentials"))?;
        for account in ["letters", "results"] {
            let name = format!("credentials/{account}");
            scene.write(&name, &secret_of(account))?;
            set_mode(&scene.dir.join(&name), 0o400)?;
        }
        Ok(scene)
    }

    /// The store's folder.
    pub(super) fn store(&self) -> PathBuf {
        self.disk().join("store")
    }

    /// The folder around it, which may be a disk of its own.
    pub(super) fn disk(&self) -> PathBuf {
        self.dir.join("state")
    }

    pub(super) fn write(&self, name: &str, text: &str) -> Result {
        fs::write(self.dir.join(name), text).map_err(self.failed(name))
    }

    fn failed(&self, name: &str) -> impl Fn(std::io::Error) -> String + use<> {
        let place = self.dir.join(name);
        move |error| format!("{}: {error}", place.display())
    }

    /// Two routes to the far end. Of the kind `high_sending`, which has no
    /// published rate: the laboratory is to be fast, and the pace of a mailbox
    /// is tried elsewhere. Sent mail is looked into where the far end shows it.
    pub(super) fn configure(&self, far_end_port: u16, imaps: Option<u16>) -> Result {
        let (chain, key) = (
            self.certificate.chain.display(),
            self.certificate.key.display(),
        );
        let hash: String = digest(&SHA256, SECRET.as_bytes())
            .as_ref()
            .iter()
            .map(|octet| format!("{octet:02x}"))
            .collect();
        let mut text = format!(
            "\
[gateway]
hostname = \"gateway.northmoor.example\"
dir = \"state/store\"
submission = \"127.0.0.1:0\"
https = \"127.0.0.1:0\"
tls = {{ certificate = \"{chain}\", key = \"{key}\" }}

[limits]
requests_per_minute_max = 100000
"
        );
        // A copy is filed within a second, and believed to be missing after 15.
        let sent_items = imaps.map_or_else(String::new, |port| {
            format!(
                "
[route.sent_items]
server = \"localhost\"
port = {port}
settle_seconds = 1
looks = 4
files = true
"
            )
        });
        let password =
            format!("passwords = [{{ username = \"{LETTERS}\", hash = \"sha256:{hash}\" }}]");
        let api_key = format!("api_keys = [{{ hash = \"sha256:{hash}\" }}]");
        for (name, account, credential) in [
            ("letters", LETTERS, password),
            ("results", RESULTS, api_key),
        ] {
            text.push_str(&format!(
                "
[[route]]
name = \"far-{name}\"
kind = \"high_sending\"
server = \"localhost\"
port = {far_end_port}
ca_file = \"{chain}\"
mechanism = \"login\"
connections_max = {CONNECTIONS_MAX}
dcb1596 = true
{sent_items}
[[account]]
address = \"{account}\"
kind = \"application\"
route = \"far-{name}\"
secret = \"credential:{name}\"

[[application]]
name = \"{name}\"
owner = \"Crash laboratory\"
purpose = \"Mail under way when the program ends\"
data_class = \"OFFICIAL\"
patient_data = false
account = \"{account}\"
state = \"live\"
references = {{ application_documentation = \"crash\", architecture_documentation = \"crash\" }}
{credential}
"
            ));
        }
        self.write("gateway.toml", &text)
    }
}

fn set_mode(path: &Path, mode: u32) -> Result {
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
        .map_err(|error| format!("{}: {error}", path.display()))
}
