//! The sign-in service that Postfix asks: Dovecot's, with no mailboxes.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{FROM, PASSWORD, make_folder, run_quietly, write};
use crate::bench::interrupt;
use crate::run::Result;

/// How long it may take to get ready, and how often to look.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// The sign-in service alone.
#[derive(Debug)]
pub(in crate::bench) struct Dovecot(Master);

impl Dovecot {
    /// `socket` is where Postfix looks for it.
    pub(in crate::bench) fn start(folder: &Path, socket: &Path) -> Result<Self> {
        let home = folder.join("dovecot");
        make_folder(&home.join("run"))?;
        write(
            &home.join("users"),
            &format!("{FROM}:{{PLAIN}}{PASSWORD}\n"),
        )?;
        let configuration = configuration(&home, socket);
        Master::start(&home, &configuration, || socket.exists()).map(Self)
    }

    pub(in crate::bench) fn pid(&self) -> u32 {
        self.0.pid()
    }
}

/// Dovecot, whatever it serves. It runs until dropped, in a process group of
/// its own: Ctrl-C is for us alone.
#[derive(Debug)]
pub(in crate::bench) struct Master {
    process: Child,
    config: PathBuf,
}

impl Master {
    /// Writes the configuration below `home` and waits for what tells that all
    /// listens.
    pub(in crate::bench) fn start(
        home: &Path,
        configuration: &str,
        is_ready: impl Fn() -> bool,
    ) -> Result<Self> {
        let config = home.join("dovecot.conf");
        write(&config, configuration)?;
        let process = Command::new("dovecot")
            .args(["-F", "-c"])
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("can't start dovecot: {error}"))?;
        let mut master = Self { process, config };
        master.wait_until(is_ready)?;
        Ok(master)
    }

    pub(in crate::bench) fn pid(&self) -> u32 {
        self.process.id()
    }

    fn wait_until(&mut self, is_ready: impl Fn() -> bool) -> Result {
        let until = Instant::now() + PATIENCE;
        while !is_ready() {
            let ended = self
                .process
                .try_wait()
                .map_err(|error| format!("dovecot is lost: {error}"))?;
            if ended.is_some() || Instant::now() > until {
                return Err(format!(
                    "dovecot -F -c {} doesn't get ready",
                    self.config.display()
                ));
            }
            interrupt::wait(LOOK_AGAIN)?;
        }
        Ok(())
    }
}

impl Drop for Master {
    fn drop(&mut self) {
        let stopped = run_quietly(
            Command::new("doveadm")
                .arg("-c")
                .arg(&self.config)
                .arg("stop"),
        );
        if stopped.is_err() && matches!(self.process.try_wait(), Ok(None)) {
            // It was not far enough to hear that.
            let _ = self.process.kill();
        }
        if let Err(error) = self.process.wait() {
            eprintln!("dovecot (process {}) may still run: {error}", self.pid());
        }
    }
}

fn configuration(home: &Path, socket: &Path) -> String {
    let (home, socket) = (home.display(), socket.display());
    format!(
        "\
base_dir = {home}/run
state_dir = {home}/run
log_path = {home}/log
protocols =
ssl = no
listen = 127.0.0.1
auth_mechanisms = plain login
disable_plaintext_auth = no
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {home}/users
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={home}
}}
service auth {{
  client_limit = 4096
  unix_listener {socket} {{
    mode = 0660
    user = postfix
    group = postfix
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"
    )
}
