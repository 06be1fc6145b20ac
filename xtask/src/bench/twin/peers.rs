//! Other servers of the kind: MailDev for catching, Dovecot for IMAP.

use std::net::{SocketAddr, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::http::Http;
use super::options::Options;
use super::server::{ACCOUNTS, PASSWORD, address};
use super::smtp::Smtp;
use crate::bench::interrupt;
use crate::bench::peer::dovecot::Master;
use crate::bench::peer::mailward::stop;
use crate::bench::peer::{free_address, make_folder, run_quietly, temporary_folder, write};
use crate::bench::tls::Certificate;
use crate::run::{Result, is_installed, root};

/// How long they may take to get ready, and how often to look.
const PATIENCE: Duration = Duration::from_secs(20);
const LOOK_AGAIN: Duration = Duration::from_millis(2);

const MAILDEV: &str = "maildev@2.2.1";

/// MailDev from npm, which the bench installs below `target`.
#[derive(Debug)]
pub(super) struct MailDev {
    pub(super) smtp: SocketAddr,
    pub(super) took: Duration,
    web: SocketAddr,
    child: Child,
    _folder: TempDir,
}

impl MailDev {
    pub(super) async fn start(options: &Options) -> Result<Self> {
        let program = installed()?;
        let folder = temporary_folder(&options.dir)?;
        let (smtp, web) = (free_address()?, free_address()?);
        let began = Instant::now();
        let child = Command::new(program)
            .args(["--ip", "127.0.0.1", "--web-ip", "127.0.0.1", "--silent"])
            .args(["--smtp", &smtp.port().to_string()])
            .args(["--web", &web.port().to_string()])
            .arg("--mail-directory")
            .arg(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("can't start MailDev: {error}"))?;
        let mut maildev = Self {
            smtp,
            took: Duration::ZERO,
            web,
            child,
            _folder: folder,
        };
        let until = began + PATIENCE;
        while Smtp::connect(smtp).await.is_err() || Http::plain(web).await.is_err() {
            if Instant::now() > until {
                return Err("MailDev doesn't get ready".to_owned());
            }
            interrupt::wait(LOOK_AGAIN)?;
        }
        maildev.took = began.elapsed();
        Ok(maildev)
    }

    /// Waits until it shows that many messages.
    pub(super) async fn shows(&self, count: u64, patience: Duration) -> Result {
        let until = Instant::now() + patience;
        let mut api = Http::plain(self.web).await?;
        loop {
            let all = api.get("/email").await?;
            let seen = all.as_array().map_or(0, Vec::len) as u64;
            if seen == count {
                return Ok(());
            }
            if Instant::now() > until {
                return Err(format!("MailDev took {count} and shows {seen}"));
            }
            interrupt::wait(LOOK_AGAIN)?;
        }
    }
}

impl Drop for MailDev {
    fn drop(&mut self) {
        stop(&mut self.child);
    }
}

fn installed() -> Result<PathBuf> {
    let home = root().join("target/bench-peers");
    let program = home.join("node_modules/.bin/maildev");
    if program.exists() {
        return Ok(program);
    }
    if !is_installed("npm") {
        return Err(
            "npm is not here, and MailDev comes from it: install Debian's npm, or leave the peers out with --peers off"
                .to_owned(),
        );
    }
    make_folder(&home)?;
    run_quietly(
        Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--prefix"])
            .arg(&home)
            .arg(MAILDEV),
    )?;
    Ok(program)
}

/// Dovecot as an IMAP server, its maildirs in memory.
#[derive(Debug)]
pub(super) struct Dovecot {
    pub(super) imaps: SocketAddr,
    master: Master,
    _folder: TempDir,
}

impl Dovecot {
    pub(super) fn start(options: &Options) -> Result<Self> {
        if !is_installed("dovecot") || !PathBuf::from("/usr/lib/dovecot/imap").exists() {
            return Err("Dovecot's IMAP server is not here; install it:\n  apt-get install --no-install-recommends dovecot-imapd\n(or leave the peers out with --peers off)".to_owned());
        }
        let folder = temporary_folder(&options.dir)?;
        let home = folder.path();
        let imaps = free_address()?;
        let certificate = Certificate::make(home)?;
        let users: String = (0..ACCOUNTS)
            .map(|number| format!("{}:{{PLAIN}}{PASSWORD}\n", address(number)))
            .collect();
        write(&home.join("users"), &users)?;
        make_folder(&home.join("mail"))?;
        run_quietly(Command::new("chown").arg("nobody").arg(home.join("mail")))?;
        let configuration = configuration(home, imaps.port(), &certificate);
        let master = Master::start(home, &configuration, || TcpStream::connect(imaps).is_ok())?;
        Ok(Self {
            imaps,
            master,
            _folder: folder,
        })
    }

    pub(super) fn pid(&self) -> u32 {
        self.master.pid()
    }
}

fn configuration(home: &std::path::Path, port: u16, certificate: &Certificate) -> String {
    let (chain, key) = (certificate.chain.display(), certificate.key.display());
    let home = home.display();
    format!(
        "\
base_dir = {home}/run
state_dir = {home}/run
log_path = {home}/log
protocols = imap
listen = 127.0.0.1
ssl = required
ssl_cert = <{chain}
ssl_key = <{key}
auth_mechanisms = plain login
mail_location = maildir:{home}/mail/%u
mail_fsync = never
mail_max_userip_connections = 1000
first_valid_uid = 1
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {home}/users
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={home}/mail/%u
}}
service imap-login {{
  chroot =
  service_count = 0
  process_min_avail = 2
  client_limit = 4000
  inet_listener imap {{
    port = 0
  }}
  inet_listener imaps {{
    port = {port}
    ssl = yes
  }}
}}
service imap {{
  process_limit = 1000
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
