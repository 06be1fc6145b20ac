//! The servers under test, in one folder, each with a queue of its own.

pub(super) mod dovecot;
pub(super) mod mailward;
pub(super) mod postfix;

use std::fs;
use std::io::{Read, Seek};
use std::marker::PhantomData;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use tempfile::TempDir;

use super::client::Target;
use super::disk;
use super::options::Options;
use super::tls::{self, Certificate, Version};
use crate::run::{Result, is_installed};
use dovecot::Dovecot;
use mailward::{Mailward, Way};
use postfix::Postfix;

/// What AUTH PLAIN (RFC 4616) is given at both servers.
pub(super) fn plain() -> Arc<str> {
    Arc::from(STANDARD.encode(format!("\0{FROM}\0{PASSWORD}")))
}

/// The account, which is also the name to sign in with.
pub(super) const FROM: &str = "clinic.letters@northmoor.example";
pub(super) const TO: &str = "mary.major@northmoor.example";
pub(super) const PASSWORD: &str = "4f1d6c0a9b7e4d35a2c8e61f";

/// One sentence if something is missing that can't be done without.
pub(super) fn require_components() -> Result {
    if fs::metadata("/proc/self").map(|own| own.uid()).unwrap_or(1) != 0 {
        return Err("Postfix starts as root only: run the benchmark as root".to_owned());
    }
    for (program, package) in [("postfix", "postfix"), ("doveadm", "dovecot-core")] {
        if !is_installed(program) {
            return Err(format!(
                "{program} is not here; install it:\n  apt-get install --no-install-recommends postfix dovecot-core\n({program} comes in {package}; neither has to run as a service)"
            ));
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    Mailward,
    Postfix,
}

/// Both servers' folder. Fields drop in this order: Postfix stops before its
/// sign-in service does, and the folder goes last.
#[derive(Debug)]
pub(super) struct Peers {
    postfix: Postfix,
    dovecot: Dovecot,
    certificate: Certificate,
    folder: TempDir,
}

impl Peers {
    /// Builds Mailward, and starts Postfix. Mailward starts for each round.
    pub(super) fn start(options: &Options) -> Result<Self> {
        mailward::build()?;
        let folder = temporary_folder(&options.dir)?;
        let certificate = Certificate::make(folder.path())?;
        let socket = postfix::prepare(folder.path(), &certificate, postfix::HOLDS)?;
        let dovecot = Dovecot::start(folder.path(), &socket)?;
        let postfix = Postfix::start(folder.path())?;
        Ok(Self {
            postfix,
            dovecot,
            certificate,
            folder,
        })
    }

    /// `who` with an empty queue, memory at hand and the disk at rest.
    pub(super) fn begin(&mut self, who: Who) -> Result<Turn<'_>> {
        let turn = match who {
            Who::Postfix => {
                self.postfix.forget_mail()?;
                Turn {
                    name: "Postfix",
                    address: self.postfix.address,
                    processes: vec![self.postfix.pid, self.dovecot.pid()],
                    stops: None,
                    turns: PhantomData,
                }
            }
            Who::Mailward => {
                let mailward =
                    Mailward::start(self.folder.path(), &self.certificate, Way::Nowhere)?;
                Turn {
                    name: "Mailward",
                    address: mailward.address,
                    processes: vec![mailward.pid()],
                    stops: Some(mailward),
                    turns: PhantomData,
                }
            }
        };
        disk::fetch_memory(self.folder.path())?;
        run_quietly(
            Command::new("sync")
                .arg("--file-system")
                .arg(self.folder.path()),
        )?;
        Ok(turn)
    }
}

/// Removed when dropped. Every user may pass through it: Postfix's does.
pub(super) fn temporary_folder(dir: &Path) -> Result<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("mailward-bench-")
        .tempdir_in(dir)
        .map_err(|error| format!("{}: {error}", dir.display()))?;
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755))
        .map_err(|error| format!("{}: {error}", folder.path().display()))?;
    Ok(folder)
}

/// A server that runs, the only one with work to do.
pub(super) struct Turn<'a> {
    name: &'static str,
    address: SocketAddr,
    /// Whose time and memory count, with all processes below them.
    pub(super) processes: Vec<u32>,
    stops: Option<Mailward>,
    turns: PhantomData<&'a mut Peers>,
}

impl Turn<'_> {
    pub(super) fn target(&self, version: Version) -> Result<Target> {
        Ok(Target {
            name: self.name,
            address: self.address,
            tls: tls::client(version)?,
            plain: plain(),
        })
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        drop(self.stops.take());
    }
}

pub(super) fn write(path: &Path, text: &str) -> Result {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}

pub(super) fn make_folder(path: &Path) -> Result {
    fs::create_dir_all(path).map_err(|error| format!("{}: {error}", path.display()))
}

/// An address nobody listens on; somebody may take it before it is used.
pub(super) fn free_address() -> Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .map_err(|error| format!("no port is free: {error}"))
}

/// Runs to the end; what it prints is shown only if it fails. That goes to a
/// file, since a service left running would hold a pipe open for good.
pub(super) fn run_quietly(command: &mut Command) -> Result {
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |error: std::io::Error| format!("can't run {program}: {error}");
    let mut said = tempfile::tempfile().map_err(failed)?;
    let copy = said.try_clone().map_err(failed)?;
    let status = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(copy)
        .status()
        .map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    let mut text = String::new();
    // The status is the news; without its words it still is.
    let _ = said.rewind().and_then(|()| said.read_to_string(&mut text));
    Err(format!("{command:?} failed, {status}: {}", text.trim()))
}
