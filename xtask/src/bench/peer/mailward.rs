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
pub(super) struct Mailward {
    pub(super) address: SocketAddr,
    child: Child,
    _folder: TempDir,
}

/// Builds what is measured.
pub(super) fn build() -> Result {
    run_quietly(
        Command::new("cargo")
            .args(["build", "--release", "--package", "mailward"])
            .current_dir(root()),
    )
}

/// Cargo puts it beside this program.
fn program() -> Result<PathBuf> {
    let own =
        std::env::current_exe().map_err(|error| format!("this program has no path: {error}"))?;
    Ok(own.with_file_name("mailward"))
}

impl Mailward {
    pub(super) fn start(folder: &Path, certificate: &Certificate) -> Result<Self> {
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
        write(&config, &configuration(certificate)?)?;
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

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Mailward {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

/// Without draining: what it holds is thrown away.
fn stop(child: &mut Child) {
    if let Err(error) = child.kill().and_then(|()| child.wait()) {
        eprintln!("mailward (process {}) may still run: {error}", child.id());
    }
}

/// What it prints when it listens. Empty if it ends before that, or says
/// nothing for too long.
fn first_line(child: &mut Child) -> String {
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

fn configuration(certificate: &Certificate) -> Result<String> {
    let (chain, key) = (certificate.chain.display(), certificate.key.display());
    let hash: String = digest(&SHA256, PASSWORD.as_bytes())
        .as_ref()
        .iter()
        .map(|octet| format!("{octet:02x}"))
        .collect();
    // Nobody listens there: the lane pauses after its first tries.
    let nowhere = free_address()?.port();
    Ok(format!(
        "\
[gateway]
hostname = \"gateway.northmoor.example\"
dir = \"state\"
submission = \"127.0.0.1:0\"
tls = {{ certificate = \"{chain}\", key = \"{key}\" }}

[[route]]
name = \"nowhere\"
kind = \"submission\"
server = \"127.0.0.1\"
port = {nowhere}
ca_file = \"{chain}\"
mechanism = \"login\"

[[account]]
address = \"{FROM}\"
kind = \"application\"
route = \"nowhere\"
secret = \"credential:account\"

[[application]]
name = \"clinic-letters\"
owner = \"Benchmark\"
purpose = \"Measures how fast mail is accepted\"
data_class = \"OFFICIAL\"
patient_data = false
account = \"{FROM}\"
state = \"live\"
references = {{ application_documentation = \"bench\", architecture_documentation = \"bench\" }}
passwords = [{{ username = \"{FROM}\", hash = \"sha256:{hash}\" }}]
"
    ))
}
