//! Where the mail ends: `smtp-sink`, and before it the door that signs in.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::options::OUTGOING_CONNECTIONS;
use crate::bench::interrupt;
use crate::bench::peer::dovecot::Dovecot;
use crate::bench::peer::postfix::{self, Postfix};
use crate::bench::peer::{free_address, make_folder};
use crate::bench::tls::Certificate;
use crate::run::Result;

/// How long it may take to get ready, and how often to look.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// More than a line of counters takes.
const TAIL_OCTETS: u64 = 256;

/// Counts what reaches it, and keeps nothing. Fields drop in this order: the
/// door stops before its sign-in service and before what it hands on to.
#[derive(Debug)]
pub(super) struct Sink {
    /// Signs in, over TLS.
    pub(super) door: Postfix,
    dovecot: Dovecot,
    smtp_sink: SmtpSink,
}

impl Sink {
    pub(super) fn start(folder: &Path, certificate: &Certificate) -> Result<Self> {
        let home = folder.join("sink");
        make_folder(&home)?;
        let smtp_sink = SmtpSink::start(&home)?;
        let settings = format!(
            "\
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
# Each message goes on while it comes; none is kept.
smtpd_proxy_filter = {}
",
            smtp_sink.address
        );
        let socket = postfix::prepare(&home, certificate, &settings)?;
        let dovecot = Dovecot::start(&home, &socket)?;
        let door = Postfix::start(&home)?;
        Ok(Self {
            door,
            dovecot,
            smtp_sink,
        })
    }

    /// Without sign-in or TLS.
    pub(super) fn plain_address(&self) -> SocketAddr {
        self.smtp_sink.address
    }

    /// Whose time is the sink's.
    pub(super) fn processes(&self) -> Vec<u32> {
        vec![self.door.pid, self.dovecot.pid(), self.smtp_sink.child.id()]
    }

    /// Messages that have come to their end here.
    pub(super) fn messages(&self) -> Result<u64> {
        self.smtp_sink.messages()
    }

    /// Nothing is answered until what is given back is dropped.
    pub(super) fn pause(&self) -> Result<Paused> {
        signal("-STOP", self.smtp_sink.child.id())?;
        Ok(Paused(self.smtp_sink.child.id()))
    }
}

/// Goes on when dropped.
#[derive(Debug)]
pub(super) struct Paused(u32);

impl Drop for Paused {
    fn drop(&mut self) {
        if let Err(problem) = signal("-CONT", self.0) {
            eprintln!("{problem}");
        }
    }
}

fn signal(name: &str, pid: u32) -> Result {
    let status = Command::new("kill")
        .args([name, &pid.to_string()])
        .status()
        .map_err(|error| format!("can't run kill: {error}"))?;
    if status.success() {
        Ok(())
    } else {
        Err(format!("smtp-sink (process {pid}) can't be told {name}"))
    }
}

#[derive(Debug)]
struct SmtpSink {
    address: SocketAddr,
    child: Child,
    counters: PathBuf,
}

impl SmtpSink {
    fn start(home: &Path) -> Result<Self> {
        let address = free_address()?;
        let counters = home.join("counters");
        let failed = |error: std::io::Error| format!("can't start smtp-sink: {error}");
        let output = File::create(&counters).map_err(failed)?;
        let log = File::create(home.join("smtp-sink.log")).map_err(failed)?;
        // -c counts, -u is needed as root, -m lets in all who may call.
        let child = Command::new("smtp-sink")
            .args(["-c", "-u", "postfix", "-m"])
            .arg((8 * OUTGOING_CONNECTIONS).to_string())
            .args(["-C", "-F"])
            .args([address.to_string(), "256".to_owned()])
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(log)
            .process_group(0)
            .spawn()
            .map_err(failed)?;
        let mut started = Self {
            address,
            child,
            counters,
        };
        started.wait()?;
        Ok(started)
    }

    fn wait(&mut self) -> Result {
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(self.address).is_err() {
            if matches!(self.child.try_wait(), Ok(Some(_))) || Instant::now() > until {
                return Err("smtp-sink doesn't get ready".to_owned());
            }
            interrupt::wait(LOOK_AGAIN)?;
        }
        Ok(())
    }

    /// The last of `sess=1 quit=0 mesg=7`, which it writes after each message.
    fn messages(&self) -> Result<u64> {
        let read = || -> std::io::Result<String> {
            let mut file = File::open(&self.counters)?;
            let octets = file.metadata()?.len();
            file.seek(SeekFrom::Start(octets.saturating_sub(TAIL_OCTETS)))?;
            let mut tail = String::new();
            file.read_to_string(&mut tail)?;
            Ok(tail)
        };
        let tail = read().map_err(|error| format!("{}: {error}", self.counters.display()))?;
        Ok(last_count(&tail).unwrap_or(0))
    }
}

impl Drop for SmtpSink {
    fn drop(&mut self) {
        if let Err(error) = self.child.kill().and_then(|()| self.child.wait()) {
            eprintln!(
                "smtp-sink (process {}) may still run: {error}",
                self.child.id()
            );
        }
        // It may be long; a folder that is removed anyway says nothing of it.
        let _ = fs::remove_file(&self.counters);
    }
}

/// The figure of the last whole entry.
fn last_count(tail: &str) -> Option<u64> {
    let whole = &tail[..tail.rfind('\r')?];
    let last = whole.rsplit('\r').next()?;
    last.rsplit("mesg=").next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_last_whole_entry() {
        for (tail, count) in [
            ("sess=1 quit=0 mesg=0\rsess=1 quit=0 mesg=1\r", Some(1)),
            ("sess=1 quit=0 mesg=12\rsess=1 quit=0 me", Some(12)),
            ("it=0 mesg=7\r", Some(7)),
            ("sess=1 quit=0 mesg=12", None),
            ("", None),
        ] {
            assert_eq!(last_count(tail), count, "{tail:?}");
        }
    }
}
