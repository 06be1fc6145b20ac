//! Mailward as it ships: the gateway alone, by its configuration file.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use tempfile::TempDir;

use super::{FROM, PASSWORD, free_address, make_folder, run_quietly, write};
use crate::bench::tls::Certificate;
use crate::run::{Result, root};

/// How long it may take to get ready.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs until dropped, when its folder goes as well. In a process group of its
/// own: Ctrl-C is for us alone.
#[derive(Debug)]
pub(in crate::bench) struct Mailward {
    pub(in crate::bench) address: SocketAddr,
    child: Child,
    _folder: TempDir,
}

/// The way out that it is given.
#[derive(Clone, Copy, Debug)]
pub(in crate::bench) enum Way {
    /// To a port where nobody listens: the lane pauses after its first tries.
    Nowhere,
    /// STARTTLS and AUTH. The high sending service has no published limits, so
    /// that none has to be lifted for the measurement.
    SignedIn { port: u16, connections: usize },
    /// A relay, which asks for no sign-in.
    Relay { port: u16, connections: usize },
}

impl Way {
    /// Its lines in `[[route]]`.
    fn route(self) -> Result<String> {
        Ok(match self {
            Self::Nowhere => format!(
                "kind = \"submission\"\nport = {}\nmechanism = \"login\"\n",
                free_address()?.port()
            ),
            Self::SignedIn { port, connections } => format!(
                "kind = \"high_sending\"\nport = {port}\nmechanism = \"login\"\n\
                 connections_max = {connections}\ntwin = true\n"
            ),
            Self::Relay { port, connections } => format!(
                "kind = \"relay\"\nport = {port}\nconnections_max = {connections}\ntwin = true\n"
            ),
        })
    }
}

/// Builds what is measured.
pub(in crate::bench) fn build() -> Result {
    run_quietly(
        Command::new("cargo")
            .args(["build", "--release", "--package", "mailward"])
            .current_dir(root()),
    )
}

/// Cargo puts it beside this program.
pub(in crate::bench) fn program() -> Result<PathBuf> {
    let own =
        std::env::current_exe().map_err(|error| format!("this program has no path: {error}"))?;
    Ok(own.with_file_name("mailward"))
}

impl Mailward {
    pub(in crate::bench) fn start(
        folder: &Path,
        certificate: &Certificate,
        way: Way,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("mailward-")
            .tempdir_in(folder)
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        let home = folder.path();
        let secret = home.join("credentials/account");
        make_folder(&home.join("credentials"))?;
        write(&secret, PASSWORD)?;
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o400))
            .map_err(|error| format!("{}: {error}", secret.display()))?;
        let config = home.join("gateway.toml");
        write(&config, &configuration(certificate, way)?)?;
        let log_path = home.join("log");
        let log = fs::File::create(&log_path)
            .map_err(|error| format!("{}: {error}", log_path.display()))?;
        let program = program()?;
        let mut child = Command::new(&program)
            .args(["gateway", "--json", "--config"])
            .arg(&config)
            .env("CREDENTIALS_DIRECTORY", home.join("credentials"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(|error| format!("can't start {}: {error}", program.display()))?;
        let line = first_line(&mut child);
        match submission(&line) {
            Some(address) => Ok(Self {
                address,
                child,
                _folder: folder,
            }),
            None => {
                stop(&mut child);
                let said = fs::read_to_string(&log_path).unwrap_or_default();
                Err(format!(
                    "mailward gateway doesn't get ready: {line:?} {}",
                    said.trim()
                ))
            }
        }
    }

    pub(in crate::bench) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Mailward {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

/// Without draining: what it holds is thrown away.
pub(in crate::bench) fn stop(child: &mut Child) {
    if let Err(error) = child.kill().and_then(|()| child.wait()) {
        eprintln!("mailward (process {}) may still run: {error}", child.id());
    }
}

/// What it prints when it listens. Empty if it ends before that, or says
/// nothing for too long.
pub(in crate::bench) fn first_line(child: &mut Child) -> String {
    let Some(output) = child.stdout.take() else {
        return String::new();
    };
    let (sender, receiver) = sync_channel(1);
    std::thread::spawn(move || {
        let mut line = String::new();
        // Unreadable is as good as empty: both mean it isn't ready.
        let _ = BufReader::new(output).read_line(&mut line);
        let _ = sender.send(line);
    });
    receiver.recv_timeout(PATIENCE).unwrap_or_default()
}

/// The address in the ready object.
fn submission(line: &str) -> Option<SocketAddr> {
    let ready: serde_json::Value = serde_json::from_str(line).ok()?;
    ready["gateway"]["submission"].as_str()?.parse().ok()
}

fn configuration(certificate: &Certificate, way: Way) -> Result<String> {
    let (chain, key) = (certificate.chain.display(), certificate.key.display());
    let hash: String = digest(&SHA256, PASSWORD.as_bytes())
        .as_ref()
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    let route = way.route()?;
    let (relay, profile) = match way {
        Way::Relay { .. } => ("route = \"relay\"\n", "profile = \"guide-2022\"\n"),
        _ => ("", ""),
    };
    // An account signs in somewhere; its application may have a relay.
    let (name, own) = match way {
        Way::Relay { .. } => (
            "relay",
            format!(
                "[[route]]\nname = \"own\"\nserver = \"127.0.0.1\"\nca_file = \"{chain}\"\ntwin = true\n{}\n",
                Way::Nowhere.route()?
            ),
        ),
        _ => ("own", String::new()),
    };
    let ca_file = match way {
        Way::Relay { .. } => String::new(),
        _ => format!("ca_file = \"{chain}\"\n"),
    };
    Ok(format!(
        "\
{profile}[gateway]
hostname = \"gateway.northmoor.example\"
dir = \"state\"
submission = \"127.0.0.1:0\"
tls = {{ certificate = \"{chain}\", key = \"{key}\" }}

{own}[[route]]
name = \"{name}\"
server = \"127.0.0.1\"
{ca_file}{route}
[[account]]
address = \"{FROM}\"
kind = \"application\"
route = \"own\"
secret = \"credential:account\"

[[application]]
name = \"clinic-letters\"
owner = \"Benchmark\"
purpose = \"Measures how fast mail is accepted\"
data_class = \"OFFICIAL\"
patient_data = false
account = \"{FROM}\"
{relay}state = \"live\"
references = {{ application_documentation = \"bench\", architecture_documentation = \"bench\" }}
passwords = [{{ username = \"{FROM}\", hash = \"sha256:{hash}\" }}]
"
    ))
}
