//! Starting the built program and driving it with programs of others.
#![allow(dead_code, unreachable_pub, reason = "each test file uses its part")]
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;

/// A running `mailward`, stopped when dropped.
pub struct Running {
    child: Child,
    /// The ready object.
    pub ready: Value,
    /// Keeps the folder of `--dir` until the program has stopped.
    dir: Option<tempfile::TempDir>,
}

impl Running {
    /// `mailward up --json --ports auto --dir …` and `more`, in a fresh folder.
    pub fn up(more: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut running = Self::up_in(dir.path(), more);
        running.dir = Some(dir);
        running
    }

    /// The same in a folder that an earlier run may have used.
    pub fn up_in(dir: &Path, more: &[&str]) -> Self {
        let state = dir.join("state");
        let state = state.to_str().unwrap();
        let arguments = [&["up", "--json", "--ports", "auto", "--dir", state], more].concat();
        Self::start(&arguments)
    }

    /// Starts `mailward` with `arguments` and waits for its ready object.
    pub fn start(arguments: &[&str]) -> Self {
        Self::start_with(arguments, &[])
    }

    /// The same with environment variables.
    pub fn start_with(arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = mailward()
            .args(arguments)
            .envs(variables.iter().copied())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let stdout = child.stdout.take().unwrap();
        BufReader::new(stdout).read_line(&mut line).unwrap();
        let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| {
            panic!("no ready object from {arguments:?}: {error}: {line:?}")
        });
        assert_eq!(ready["ready"], true);
        Self {
            child,
            ready,
            dir: None,
        }
    }

    /// Keeps a folder until the program has stopped.
    #[must_use]
    pub fn keep(mut self, dir: tempfile::TempDir) -> Self {
        self.dir = Some(dir);
        self
    }

    pub fn text(&self, pointer: &str) -> &str {
        self.ready
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("{pointer} is not in {}", self.ready))
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL, as a power cut would: nothing is written any more.
    pub fn kill(mut self) -> Option<tempfile::TempDir> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.dir.take()
    }

    /// SIGTERM, and the exit status when it has drained.
    pub fn stop(mut self) -> std::process::ExitStatus {
        signal(self.child.id(), "TERM");
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

pub fn signal(pid: u32, name: &str) {
    let status = Command::new("kill")
        .args([&format!("-{name}"), &pid.to_string()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// The program under test.
pub fn mailward() -> Command {
    Command::new(env!("CARGO_BIN_EXE_mailward"))
}

/// Runs a program to its end; says what to install when it is not there.
pub fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| {
        panic!(
            "{:?} does not start ({error}): `cargo xtask test` installs it",
            command.get_program()
        )
    })
}

/// What a program printed, after it exited with 0.
pub fn succeed(command: &mut Command) -> String {
    let output = run(command);
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{stdout}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    stdout
}

/// Runs a Python script with the ready object as `ready` and `arguments` as
/// `argv`; gives what it printed. The script fails by raising.
pub fn python(running: &Running, script: &str, arguments: &[&str]) -> String {
    python_with(&running.ready, script, arguments)
}

/// The same for a program that was started otherwise.
pub fn python_with(ready: &Value, script: &str, arguments: &[&str]) -> String {
    let script = format!(
        "import json, sys\nready = json.loads(sys.stdin.readline())\nargv = sys.argv[1:]\n{PRELUDE}\n{script}"
    );
    told(
        Command::new("python3")
            .arg("-c")
            .arg(script)
            .args(arguments),
        ready,
    )
}

/// Runs a script of `interop` by Node.js, with the packages that the test
/// command installs there; the ready object is on its standard input.
pub fn node(script: &str, ready: &Value) -> String {
    told(Command::new("node").arg(interop(script)), ready)
}

/// The same for a script in Python.
pub fn packaged_python(script: &str, ready: &Value) -> String {
    told(
        Command::new(interop(".venv/bin/python")).arg(interop(script)),
        ready,
    )
}

/// A file of the folder for programs of others.
pub fn interop(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../interop")
        .join(name)
}

/// What a program printed that was told the ready object, after it exited
/// with 0.
fn told(command: &mut Command, ready: &Value) -> String {
    let child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = child.unwrap_or_else(|error| {
        panic!(
            "{:?} does not start ({error}): `cargo xtask test` installs it",
            command.get_program()
        )
    });
    let mut input = child.stdin.take().unwrap();
    writeln!(input, "{ready}").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(
        output.status.success(),
        "{}\n{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

/// What every script needs: connections by the ready object.
const PRELUDE: &str = r#"
import imaplib, smtplib, ssl, email.message, time
context = ssl.create_default_context(cafile=ready["ca_file"])
def place(text):
    host, port = text.rsplit(":", 1)
    return host, int(port)
def application(index=0):
    return ready["applications"][index]
def account(kind, index=0):
    return [a for a in ready["accounts"] if a["kind"] == kind][index]
def submit(index=0):
    app = application(index)
    smtp = smtplib.SMTP(*place(ready["gateway"]["submission"]), timeout=60)
    smtp.starttls(context=context)
    smtp.login(app["username"], app["password"])
    return smtp
def imap(who):
    box = imaplib.IMAP4_SSL(*place(ready["twin"]["imaps"]), ssl_context=context, timeout=60)
    box.login(who["address"], who["password"])
    return box
def wait_for(find, what):
    # A person would look again too; the deadline only bounds a failure.
    for _ in range(600):
        found = find()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("never seen: " + what)
"#;

/// A port that was free a moment ago, for programs that can't pick their own.
pub fn free_port() -> u16 {
    #[allow(clippy::disallowed_methods, reason = "asks the system for a free port")]
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Where the tests' data lies.
pub fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/data")
        .join(name)
}

/// All of a child's standard error, for messages about failure.
pub fn drain(child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(mut stderr) = child.stderr.take() {
        let _ = stderr.read_to_string(&mut text);
    }
    text
}
