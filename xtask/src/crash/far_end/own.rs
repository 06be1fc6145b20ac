//! The laboratory's own far end, in a process of its own, so that nothing that
//! happens to the gateway happens to it. It loses replies on purpose, and has
//! no sent mail to look into.
//!
//! It ends when its standard input does, and so never outlives the laboratory.

use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::net::TcpListener;

use super::ledger::{self, Ledger};
use super::session::Server;
use crate::crash::chance::Chance;
use crate::crash::tls::Certificate;
use crate::run::Result;

/// The hidden command that this program starts itself with.
pub(in crate::crash) const COMMAND: &str = "far-end";

/// The running far end.
#[derive(Debug)]
pub(in crate::crash) struct Own {
    pub(super) port: u16,
    pub(super) taken: Arc<AtomicU64>,
    child: Child,
}

/// This program, though its file was built anew since it started.
const OWN: &str = "/proc/self/exe";

impl Own {
    pub(super) fn start(dir: &Path, seed: u64) -> Result<Self> {
        let failed = |error: std::io::Error| format!("can't start the far end: {error}");
        let log = File::create(dir.join("far-end.log")).map_err(failed)?;
        let mut child = Command::new(OWN)
            .args(["crash", COMMAND])
            .arg(dir)
            .arg(seed.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let output = child.stdout.take().ok_or("the far end has no output")?;
        let mut lines = BufReader::new(output).lines();
        let first = lines
            .next()
            .and_then(std::io::Result::ok)
            .unwrap_or_default();
        let port = first
            .parse()
            .map_err(|_| format!("the far end doesn't start: {first:?}"))?;
        let taken = Arc::new(AtomicU64::new(0));
        let shown = Arc::clone(&taken);
        std::thread::spawn(move || {
            for total in lines.map_while(std::io::Result::ok) {
                shown.store(total.parse().unwrap_or(0), Ordering::Relaxed);
            }
        });
        Ok(Self { port, taken, child })
    }

    /// What it took, after its end.
    pub(super) fn stop(mut self, dir: &Path) -> Result<Vec<ledger::Taken>> {
        drop(self.child.stdin.take());
        self.child
            .wait()
            .map_err(|error| format!("the far end doesn't end: {error}"))?;
        ledger::read(&ledger_in(dir))
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn ledger_in(dir: &Path) -> PathBuf {
    dir.join("far-end.ledger")
}

/// The far end's own process: `crash far-end DIR SEED`.
pub(in crate::crash) fn run(words: &[&str]) -> Result {
    let [dir, seed] = words else {
        return Err("crash far-end DIR SEED".to_owned());
    };
    let (dir, seed) = (Path::new(dir), seed.parse().map_err(|_| "no seed")?);
    // The laboratory holds the other end and never writes.
    std::thread::spawn(|| {
        let _ = std::io::stdin().read(&mut [0]);
        std::process::exit(0);
    });
    let tell = |total: u64| print_line(&total.to_string());
    let server = Server {
        tls: Certificate::of(dir).server()?,
        ledger: Ledger::open(&ledger_in(dir), tell)?,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| format!("no runtime: {error}"))?;
    runtime.block_on(listen(server, seed))
}

async fn listen(server: Server, seed: u64) -> Result {
    let failed = |error: std::io::Error| format!("the far end can't listen: {error}");
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    print_line(&listener.local_addr().map_err(failed)?.port().to_string());
    let mut sessions = 0;
    loop {
        let (socket, _) = listener.accept().await.map_err(failed)?;
        sessions += 1;
        tokio::spawn(server.clone().serve(socket, Chance::branch(seed, sessions)));
    }
}

/// Whoever listened may be gone; then so are we, soon.
fn print_line(text: &str) {
    let mut output = std::io::stdout().lock();
    let _ = writeln!(output, "{text}").and_then(|()| output.flush());
}
