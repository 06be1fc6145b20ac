//! The program under test, as it ships: built in release, a process of its own.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use serde_json::Value;

use super::clock;
use super::scene::Scene;
use crate::run::{Result, root, run};

/// A start that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where a running gateway listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Doors {
    pub(super) submission: SocketAddr,
    pub(super) https: SocketAddr,
}

/// Killed when dropped.
#[derive(Debug)]
pub(super) struct Gateway {
    child: Child,
}

/// Builds the program. Cargo puts it beside this one.
pub(super) fn build() -> Result<PathBuf> {
    run(
        "cargo",
        &["build", "--quiet", "--release", "--package", "mailward"],
    )?;
    let own =
        std::env::current_exe().map_err(|error| format!("this program has no path: {error}"))?;
    Ok(own.with_file_name("mailward"))
}

impl Gateway {
    /// Starts it and waits for nothing.
    pub(super) fn spawn(scene: &Scene) -> Result<(Self, ChildStdout)> {
        let failed = |error: std::io::Error| format!("can't start mailward: {error}");
        let log = append(&scene.dir.join("gateway.log"))?;
        let mut child = Command::new(&scene.program)
            .envs(clock::variables(scene)?)
            .args(["gateway", "--json", "--config"])
            .arg(scene.dir.join("gateway.toml"))
            .env("CREDENTIALS_DIRECTORY", scene.dir.join("credentials"))
            .current_dir(root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let output = child.stdout.take().ok_or("mailward has no output")?;
        Ok((Self { child }, output))
    }

    /// Starts it and waits until it listens.
    pub(super) fn start(scene: &Scene) -> Result<(Self, Doors)> {
        let (gateway, output) = Self::spawn(scene)?;
        let line = first_line(output);
        match doors(&line) {
            Some(doors) => Ok((gateway, doors)),
            None => Err(format!(
                "mailward doesn't start: {line:?}; {} says:\n{}",
                scene.dir.join("gateway.log").display(),
                last_lines(&scene.dir.join("gateway.log"))
            )),
        }
    }

    /// SIGKILL: not a word is written after it.
    pub(super) fn kill(mut self) -> Result {
        self.end()
    }

    fn end(&mut self) -> Result {
        self.child
            .kill()
            .and_then(|()| self.child.wait())
            .map(|_| ())
            .map_err(|error| format!("mailward can't be killed: {error}"))
    }

    /// SIGTERM: lets what is under way end, closes the store, exits with 0.
    pub(super) fn stop(mut self) -> Result {
        run_quietly(
            Command::new("kill")
                .arg("-TERM")
                .arg(self.child.id().to_string()),
        )?;
        let status = self
            .child
            .wait()
            .map_err(|error| format!("mailward doesn't end: {error}"))?;
        if status.success() {
            Ok(())
        } else {
            Err(format!("mailward ended with {status}"))
        }
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.end();
        }
    }
}

impl Scene {
    /// `mailward WORDS --json` on the store: its JSON, and whether it said yes.
    pub(super) fn ask(&self, words: &[&str]) -> Result<(Value, bool)> {
        let failed = |error: String| format!("mailward {}: {error}", words.join(" "));
        let output = Command::new(&self.program)
            .envs(clock::variables(self)?)
            .args(words)
            .arg("--json")
            .arg("--dir")
            .arg(self.store())
            .stdin(Stdio::null())
            .output()
            .map_err(|error| failed(error.to_string()))?;
        let value = serde_json::from_slice(&output.stdout).map_err(|error| {
            let said = String::from_utf8_lossy(&output.stderr);
            failed(format!("{error}: {}", said.trim()))
        })?;
        Ok((value, output.status.success()))
    }
}

/// Whether a second process on the same folder is refused while one runs.
pub(super) fn second_is_refused(scene: &Scene) -> Result<bool> {
    let (mut second, output) = Gateway::spawn(scene)?;
    let line = first_line(output);
    let status = second
        .child
        .wait()
        .map_err(|error| format!("the second process doesn't end: {error}"))?;
    Ok(line.is_empty() && !status.success())
}

pub(super) fn run_quietly(command: &mut Command) -> Result {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("{command:?} doesn't start: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!(
        "{command:?}: {}: {}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout).trim(),
        String::from_utf8_lossy(&output.stderr).trim()
    ))
}

fn append(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// Empty if it ends before it says something, or says nothing for too long.
fn first_line(output: ChildStdout) -> String {
    let (sender, receiver) = sync_channel(1);
    std::thread::spawn(move || {
        let mut line = String::new();
        // Unreadable is as good as empty: both mean it isn't ready.
        let _ = BufReader::new(output).read_line(&mut line);
        let _ = sender.send(line);
    });
    receiver.recv_timeout(PATIENCE).unwrap_or_default()
}

/// The addresses in the ready object.
fn doors(line: &str) -> Option<Doors> {
    let ready: Value = serde_json::from_str(line).ok()?;
    let place = |name: &str| ready["gateway"][name].as_str()?.parse().ok();
    Some(Doors {
        submission: place("submission")?,
        https: place("https")?,
    })
}

fn last_lines(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(5)..].join("\n")
}
