//! The gateway against `stranger.py`, with all that it prints kept.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use serde_json::Value;

use crate::support::{mailward, signal, succeed};

/// Who sends, and who cannot: its password is wrong.
pub const SENDER: &str = "clinic@northmoor.example";
pub const LOCKED: &str = "locked@northmoor.example";
pub const KEY: &str = "intake-password-with-chance";

/// `stranger.py`; ends with its standard input.
pub struct Stranger {
    pub dir: tempfile::TempDir,
    pub ports: Value,
    child: Child,
    input: Option<ChildStdin>,
}

impl Stranger {
    pub fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        certificate(dir.path());
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/stranger.py");
        let mut child = Command::new("python3")
            .arg(script)
            .arg(dir.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        Self {
            ports: serde_json::from_str(&line).unwrap(),
            input: child.stdin.take(),
            child,
            dir,
        }
    }

    pub fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }

    /// A gateway's configuration that leads here; `more` is added to it.
    pub fn configuration(&self, more: &str) -> PathBuf {
        let passphrase = "a passphrase of several words\n";
        fs::write(self.path("passphrase"), passphrase).unwrap();
        let only_we = std::os::unix::fs::PermissionsExt::from_mode(0o600);
        fs::set_permissions(self.path("passphrase"), only_we).unwrap();
        self.secrets(&["init"], "");
        self.secrets(&["set", "clinic"], "the right password");
        self.secrets(&["set", "locked"], "a password that is wrong");
        self.secrets(&["set", "hook"], "whsec_a2tra2tra2tra2tra2tra2tra2tra2tr");
        let digest = format!("printf %s {KEY} | sha256sum");
        let hash = succeed(Command::new("sh").args(["-c", &digest]));
        let hash = hash.split(' ').next().unwrap();
        let (dir, smtp, hook) = (
            self.dir.path().display(),
            &self.ports["smtp"],
            &self.ports["hook"],
        );
        let application = |name: &str, account: &str, more: &str| {
            format!(
                "[[account]]\naddress = \"{account}\"\nkind = \"application\"\nroute = \"stranger\"\n\
                 secret = \"keystore:{name}\"\npassword_changed = \"2026-11-01\"\n\
                 [[application]]\nname = \"{name}\"\nowner = \"Outpatients\"\npurpose = \"Letters\"\n\
                 data_class = \"OFFICIAL\"\npatient_data = false\naccount = \"{account}\"\nstate = \"live\"\n\
                 references = {{ application_documentation = \"DOC-0001\", architecture_documentation = \"ARCH-0001\" }}\n\
                 callback = {{ url = \"http://127.0.0.1:{hook}/told\", secret = \"keystore:hook\" }}\n\
                 [[application.passwords]]\nusername = \"{name}\"\nhash = \"sha256:{hash}\"\n{more}"
            )
        };
        // A key stands for one application.
        let key = format!("[[application.api_keys]]\nhash = \"sha256:{hash}\"\n");
        let text = format!(
            "[gateway]\nhostname = \"localhost\"\ndir = \"{dir}/store\"\nsubmission = \"127.0.0.1:0\"\n\
             https = \"127.0.0.1:0\"\ntls = {{ certificate = \"leaf.pem\", key = \"leaf.key\" }}\n\
             [metrics]\nlisten = \"127.0.0.1:0\"\n\
             [keystore]\nfile = \"keystore\"\npassphrase = \"env:STRANGER_PASSPHRASE\"\n\
             [[route]]\nname = \"stranger\"\nkind = \"submission\"\nserver = \"localhost\"\nport = {smtp}\n\
             ca_file = \"ca.pem\"\nmechanism = \"login\"\ndcb1596 = true\n\
             retires = [{{ date = \"2027-04-01\", what = \"passwords\" }}]\n{}{}{more}",
            application("clinic", SENDER, &key),
            application("locked", LOCKED, ""),
        );
        let file = self.dir.path().join("gateway.toml");
        fs::write(&file, text).unwrap();
        file
    }

    fn secrets(&self, words: &[&str], input: &str) {
        fs::write(self.path("input"), input).unwrap();
        let mut command = mailward();
        command.arg("secrets").args(words);
        command.args(["--keystore", &self.path("keystore")]);
        command.args(["--passphrase-file", &self.path("passphrase")]);
        command.stdin(fs::File::open(self.path("input")).unwrap());
        succeed(&mut command);
    }

    /// What the collector got so far, octet by octet.
    pub fn spans(&self) -> Vec<u8> {
        fs::read(self.dir.path().join("spans.bin")).unwrap_or_default()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// A gateway whose standard output and error are kept.
pub struct Heard {
    child: Child,
    pub ready: Value,
    output: Option<JoinHandle<String>>,
    errors: Option<JoinHandle<String>>,
    lines: Receiver<String>,
}

/// Lines of a log that are kept for a test that waits for one.
const LINES_MAX: usize = 100_000;

impl Heard {
    pub fn start(stranger: &Stranger, configuration: &Path, variables: &[(&str, &str)]) -> Self {
        let mut child = mailward()
            .args(["gateway", "--json", "--config"])
            .arg(configuration)
            .env("STRANGER_PASSPHRASE", "a passphrase of several words")
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut stderr = BufReader::new(child.stderr.take().unwrap());
        let (said, lines) = std::sync::mpsc::sync_channel(LINES_MAX);
        let mut errors = Some(std::thread::spawn(move || {
            let mut text = String::new();
            let mut octets = Vec::new();
            while stderr.read_until(b'\n', &mut octets).unwrap() > 0 {
                let line = String::from_utf8_lossy(&octets).into_owned();
                text.push_str(&line);
                // Kept for whoever waits for one; nobody has to.
                let _ = said.try_send(line);
                octets.clear();
            }
            text
        }));
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let output = std::thread::spawn(move || {
            let mut text = String::new();
            stdout.read_to_string(&mut text).unwrap();
            text
        });
        let mut ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            let log = heard(errors.take());
            panic!("no ready object: {error}: {line:?}\n{log}");
        });
        ready["ca_file"] = stranger.path("ca.pem").into();
        ready["applications"] = serde_json::json!([
            { "username": "clinic", "password": KEY, "api_key": KEY, "from": SENDER },
            { "username": "locked", "password": KEY, "api_key": KEY, "from": LOCKED },
        ]);
        Self {
            child,
            ready,
            output: Some(output),
            errors,
            lines,
        }
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Waits until a line of the log holds this.
    pub fn wait_for(&self, part: &str) {
        while !self.lines.recv().unwrap().contains(part) {}
    }

    /// Stops it and gives all that it printed: output, then errors.
    pub fn stop(mut self) -> (String, String) {
        signal(self.child.id(), "TERM");
        self.child.wait().unwrap();
        (heard(self.output.take()), heard(self.errors.take()))
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

fn heard(thread: Option<JoinHandle<String>>) -> String {
    thread.unwrap().join().unwrap()
}

/// An authority, and a certificate for `localhost`.
fn certificate(dir: &Path) {
    let openssl = |arguments: &str| {
        succeed(
            Command::new("openssl")
                .args(arguments.split(' '))
                .current_dir(dir),
        );
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    openssl(&format!(
        "req -x509 {key} -keyout ca.key -out ca.pem -days 90 -subj /CN=Stranger-CA"
    ));
    openssl(&format!(
        "req {key} -keyout leaf.key -out leaf.csr -subj /CN=localhost"
    ));
    let names = "subjectAltName=DNS:localhost,IP:127.0.0.1\n";
    fs::write(dir.join("names"), names).unwrap();
    openssl(
        "x509 -req -in leaf.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 90 -extfile names -out leaf.pem",
    );
}
