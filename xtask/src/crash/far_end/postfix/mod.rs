//! Postfix and Dovecot from Debian as the far end: servers that nobody here
//! wrote, and sent mail to look into, so that no doubt needs a person.
//!
//! ```text
//!   gateway ──STARTTLS, AUTH──▶ Postfix ──▶ mail/arrived ──▶ the ledger
//!      │                           └─ a copy, by sender ──▶ mail/ACCOUNT/.Sent
//!      └── IMAP: what is in doubt ──────────▶ Dovecot ────────────┘
//! ```
//!
//! Both need root to start and run as other users, in a folder and on ports of
//! their own.

mod arrived;
mod files;

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, Instant};

use super::ledger::Taken;
use crate::crash::gateway::run_quietly;
use crate::crash::scene::Scene;
use crate::run::{Result, is_installed};
use arrived::Arrivals;

/// How long they may take to start, and Postfix to deliver the last message.
const PATIENCE: Duration = Duration::from_secs(10);
const PATIENCE_AT_END: Duration = Duration::from_secs(300);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Who owns the delivered mail.
const NOBODY: u32 = 65_534;

/// The running far end. Stopped by their own commands when dropped.
#[derive(Debug)]
pub(in crate::crash) struct Postfix {
    pub(super) port: u16,
    pub(super) imaps: u16,
    pub(super) taken: Arc<AtomicU64>,
    home: PathBuf,
    dovecot: Child,
    arrivals: Option<Arrivals>,
}

impl Postfix {
    pub(super) fn start(scene: &Scene) -> Result<Self> {
        for program in ["postfix", "dovecot", "doveadm"] {
            if !is_installed(program) {
                return Err(format!(
                    "--far-end postfix needs {program}: apt-get install postfix dovecot-imapd"
                ));
            }
        }
        let home = scene.dir.join("postfix");
        let (port, imaps) = (free_port()?, free_port()?);
        folders(&home)?;
        files::write(&home, &scene.certificate, port, imaps)?;
        let dovecot = Command::new("dovecot")
            .args(["-F", "-c"])
            .arg(home.join("dovecot.conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("can't start dovecot: {error}"))?;
        let taken = Arc::new(AtomicU64::new(0));
        let mut started = Self {
            port,
            imaps,
            taken: Arc::clone(&taken),
            home,
            dovecot,
            arrivals: None,
        };
        started.wait_for_dovecot()?;
        run_quietly(
            Command::new("postfix")
                .arg("-c")
                .arg(started.home.join("etc"))
                .arg("start"),
        )
        .map_err(|error| format!("--far-end postfix needs root: {error}"))?;
        let arrived = started.home.join("mail/arrived/new");
        started.arrivals = Some(Arrivals::follow(arrived, &scene.dir, taken)?);
        Ok(started)
    }

    fn wait_for_dovecot(&mut self) -> Result {
        let until = Instant::now() + PATIENCE;
        let socket = self.home.join("queue/private/auth");
        while !socket.exists() {
            let ended = matches!(self.dovecot.try_wait(), Ok(Some(_)));
            if ended || Instant::now() > until {
                return Err(format!(
                    "dovecot -F -c {} doesn't get ready",
                    self.home.join("dovecot.conf").display()
                ));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        Ok(())
    }

    /// What it took, once its queue is empty.
    pub(super) fn stop(mut self) -> Result<Vec<Taken>> {
        let until = Instant::now() + PATIENCE_AT_END;
        while let Some(left) = files_in(&self.home.join("queue"))? {
            if Instant::now() > until {
                return Err(format!("Postfix keeps mail: {}", left.display()));
            }
            std::thread::sleep(LOOK_AGAIN);
        }
        let arrivals = self.arrivals.take().ok_or("nobody followed the mail")?;
        arrivals.end()
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        // What can't be stopped may not have started; the ports are its own.
        let _ = run_quietly(
            Command::new("postfix")
                .arg("-c")
                .arg(self.home.join("etc"))
                .arg("stop"),
        );
        let stopped = run_quietly(
            Command::new("doveadm")
                .arg("-c")
                .arg(self.home.join("dovecot.conf"))
                .arg("stop"),
        );
        if stopped.is_err() {
            let _ = self.dovecot.kill();
        }
        let _ = self.dovecot.wait();
    }
}

fn folders(home: &Path) -> Result {
    let failed = |path: &Path, error: std::io::Error| format!("{}: {error}", path.display());
    for name in ["etc", "queue/private", "data", "mail", "dovecot"] {
        let path = home.join(name);
        fs::create_dir_all(&path).map_err(|error| failed(&path, error))?;
    }
    let postfix = user_id("postfix")?;
    for (name, owner) in [
        ("data", postfix),
        ("queue/private", postfix),
        ("mail", NOBODY),
    ] {
        let path = home.join(name);
        chown(&path, Some(owner), None).map_err(|error| failed(&path, error))?;
    }
    Ok(())
}

fn user_id(name: &str) -> Result<u32> {
    let text =
        fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
    text.lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields.first() == Some(&name))
        .and_then(|fields| fields.get(2)?.parse().ok())
        .ok_or_else(|| format!("there is no user {name}; is Postfix from Debian installed?"))
}

/// Free a moment ago: neither of the two picks one by itself.
fn free_port() -> Result<u16> {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| format!("no free port: {error}"))
}

/// One message that is still on its way through Postfix.
fn files_in(queue: &Path) -> Result<Option<PathBuf>> {
    for name in ["maildrop", "incoming", "active", "deferred", "hold"] {
        let mut folders = vec![queue.join(name)];
        while let Some(folder) = folders.pop() {
            let entries =
                fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            for entry in entries.flatten() {
                match entry.file_type() {
                    Ok(kind) if kind.is_dir() => folders.push(entry.path()),
                    Ok(_) => return Ok(Some(entry.path())),
                    // It went on while we looked.
                    Err(_) => {}
                }
            }
        }
    }
    Ok(None)
}
