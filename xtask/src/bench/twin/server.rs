//! The twin under measurement.

use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::bench::peer::mailward::{first_line, program, stop};
use crate::bench::peer::write;
use crate::run::Result;

/// Accounts of the seed, `bench0@` and so on, with the same password.
pub(super) const ACCOUNTS: usize = 10;
pub(super) const PASSWORD: &str = "a-long-Password-9";

pub(super) fn address(number: usize) -> String {
    format!("bench{}@northmoor.example", number % ACCOUNTS)
}

/// Runs until dropped, with limits off and a catcher.
#[derive(Debug)]
pub(super) struct Twin {
    child: Child,
    ready: Value,
    /// From the start of the process to its ready object.
    pub(super) took: Duration,
    _folder: TempDir,
}

impl Twin {
    pub(super) fn start() -> Result<Self> {
        let folder = tempfile::tempdir().map_err(|error| format!("no folder: {error}"))?;
        let seed = folder.path().join("seed.toml");
        write(&seed, &seed_text())?;
        let program = program()?;
        let began = Instant::now();
        let mut child = Command::new(&program)
            .args(["twin", "--json", "--ports", "auto", "--catch", "0"])
            .args(["--limits", "off", "--seed"])
            .arg(&seed)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("can't start {}: {error}", program.display()))?;
        let line = first_line(&mut child);
        let took = began.elapsed();
        let ready = serde_json::from_str(&line).unwrap_or_default();
        let twin = Self {
            child,
            ready,
            took,
            _folder: folder,
        };
        if twin.ready["ready"] == true {
            return Ok(twin);
        }
        Err(format!("mailward twin doesn't get ready: {line:?}"))
    }

    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn place(&self, text: &str) -> Result<SocketAddr> {
        let text = text.rsplit("//").next().unwrap_or_default();
        let text = text.split('/').next().unwrap_or_default();
        text.parse()
            .map_err(|error| format!("the ready object has no such address: {error}"))
    }

    fn endpoint(&self, name: &str) -> Result<SocketAddr> {
        self.place(self.ready["twin"][name].as_str().unwrap_or_default())
    }

    pub(super) fn catch(&self) -> Result<SocketAddr> {
        self.endpoint("catch")
    }

    pub(super) fn imaps(&self) -> Result<SocketAddr> {
        self.endpoint("imaps")
    }

    pub(super) fn test_api(&self) -> Result<SocketAddr> {
        self.endpoint("test_api")
    }

    /// Where the control API is, and its token.
    pub(super) fn control(&self) -> Result<(SocketAddr, String)> {
        let control = &self.ready["control"];
        let token = control["token"].as_str().unwrap_or_default().to_owned();
        Ok((
            self.place(control["url"].as_str().unwrap_or_default())?,
            token,
        ))
    }
}

impl Drop for Twin {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

fn seed_text() -> String {
    let mut text = "[organisation]\nname = \"Northmoor Trust\"\nods_code = \"RXX\"\n\
                    domain = \"northmoor.example\"\n"
        .to_owned();
    for number in 0..ACCOUNTS {
        text.push_str(&format!(
            "\n[[account]]\naddress = \"{}\"\npassword = \"{PASSWORD}\"\nkind = \"user\"\n",
            address(number)
        ));
    }
    text
}
