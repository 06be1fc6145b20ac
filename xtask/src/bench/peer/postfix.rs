//! Postfix from Debian, with a configuration, queue and port of its own. It
//! knows nothing of the one in /etc/postfix, should that be there.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{free_address, make_folder, run_quietly, write};
use crate::bench::tls::Certificate;
use crate::run::Result;

/// Mail is accepted and synced; the queue manager never looks at it.
pub(super) const HOLDS: &str = "
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access static:HOLD, permit_sasl_authenticated, reject
";

/// Who its processes run as.
const USER: &str = "postfix";

/// Runs until dropped.
#[derive(Debug)]
pub(in crate::bench) struct Postfix {
    pub(in crate::bench) address: SocketAddr,
    /// Of its master.
    pub(in crate::bench) pid: u32,
    config: PathBuf,
    queue: PathBuf,
}

/// Makes folders and `main.cf`, which ends in `settings`; gives the path of the
/// sign-in socket, which has to be there before Postfix starts.
pub(in crate::bench) fn prepare(
    folder: &Path,
    certificate: &Certificate,
    settings: &str,
) -> Result<PathBuf> {
    let home = folder.join("postfix");
    let owned = [home.join("data"), home.join("queue/private")];
    make_folder(&home.join("etc"))?;
    for path in &owned {
        make_folder(path)?;
        chown(path, Some(user_id(USER)?), None)
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    let main_cf = format!("{}{settings}", main_cf(&home, certificate));
    write(&home.join("etc/main.cf"), &main_cf)?;
    Ok(home.join("queue/private/auth"))
}

impl Postfix {
    pub(in crate::bench) fn start(folder: &Path) -> Result<Self> {
        let home = folder.join("postfix");
        let (config, queue) = (home.join("etc"), home.join("queue"));
        let address = free_address()?;
        write(&config.join("master.cf"), &master_cf(address))?;
        run_quietly(Command::new("postfix").arg("-c").arg(&config).arg("start"))?;
        let pid = read_pid(&queue.join("pid/master.pid"))?;
        Ok(Self {
            address,
            pid,
            config,
            queue,
        })
    }

    /// Empties the queue where held mail is kept.
    pub(super) fn forget_mail(&self) -> Result {
        let hold = self.queue.join("hold");
        let entries =
            fs::read_dir(&hold).map_err(|error| format!("{}: {error}", hold.display()))?;
        for entry in entries.flatten() {
            let path = entry.path();
            fs::remove_file(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        }
        Ok(())
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        if let Err(problem) = run_quietly(
            Command::new("postfix")
                .arg("-c")
                .arg(&self.config)
                .arg("stop"),
        ) {
            eprintln!("Postfix (process {}) may still run: {problem}", self.pid);
        }
    }
}

fn main_cf(home: &Path, certificate: &Certificate) -> String {
    let (home, chain, key) = (
        home.display(),
        certificate.chain.display(),
        certificate.key.display(),
    );
    format!(
        "\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = {USER}
setgid_group = postdrop
myhostname = localhost
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
mynetworks =
maillog_file = {home}/log
maillog_file_prefixes = {home}

smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_cert_file = {chain}
smtpd_tls_key_file = {key}
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth

# Nothing holds it back.
in_flow_delay = 0
default_process_limit = 500
max_use = 10000
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
smtpd_client_message_rate_limit = 0
smtpd_client_auth_rate_limit = 0
smtpd_client_new_tls_session_rate_limit = 0
smtpd_client_recipient_rate_limit = 0
"
    )
}

fn master_cf(address: SocketAddr) -> String {
    format!(
        "\
{address} inet n - n - 0 smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n 1000? 1 tlsmgr
tlsproxy unix - - n - 0 tlsproxy
postlog unix-dgram n - n - 1 postlogd
"
    )
}

fn read_pid(path: &Path) -> Result<u32> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    text.trim()
        .parse()
        .map_err(|_| format!("{} holds no process id", path.display()))
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
