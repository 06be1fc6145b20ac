//! Both sides of the comparison, each started anew for a round, with an empty
//! queue.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::options::{Kind, OUTGOING_CONNECTIONS, Options};
use super::sink::Sink;
use crate::bench::client::Target;
use crate::bench::disk;
use crate::bench::peer::dovecot::Dovecot;
use crate::bench::peer::mailward::{self, Mailward, Way};
use crate::bench::peer::postfix::{self, Postfix};
use crate::bench::peer::{FROM, PASSWORD, Who, plain, run_quietly, temporary_folder};
use crate::bench::tls::{self, Certificate, Version};
use crate::run::Result;

/// One folder on the disk to measure, with the sink in it.
#[derive(Debug)]
pub(super) struct Bench {
    pub(super) sink: Sink,
    certificate: Certificate,
    folder: TempDir,
}

impl Bench {
    /// Builds Mailward, and starts the sink.
    pub(super) fn start(options: &Options) -> Result<Self> {
        mailward::build()?;
        let folder = temporary_folder(&options.dir)?;
        let certificate = Certificate::make(folder.path())?;
        let sink = Sink::start(folder.path(), &certificate)?;
        Ok(Self {
            sink,
            certificate,
            folder,
        })
    }

    /// A side that runs, the disk at rest and memory at hand.
    pub(super) fn start_hop(&self, who: Who, kind: Kind) -> Result<Hop> {
        let port = match kind {
            Kind::SignedIn => self.sink.door.address.port(),
            Kind::Relay => self.sink.plain_address().port(),
        };
        let hop = match who {
            Who::Mailward => self.start_mailward(kind, port)?,
            Who::Postfix => self.start_postfix(kind, port)?,
        };
        disk::fetch_memory(self.folder.path())?;
        run_quietly(
            Command::new("sync")
                .arg("--file-system")
                .arg(self.folder.path()),
        )?;
        Ok(hop)
    }

    fn start_mailward(&self, kind: Kind, port: u16) -> Result<Hop> {
        let connections = OUTGOING_CONNECTIONS;
        let way = match kind {
            Kind::SignedIn => Way::SignedIn { port, connections },
            Kind::Relay => Way::Relay { port, connections },
        };
        let mailward = Mailward::start(self.folder.path(), &self.certificate, way)?;
        Ok(Hop {
            name: "Mailward",
            address: mailward.address,
            processes: vec![mailward.pid()],
            runs: Runs::Mailward(mailward),
        })
    }

    fn start_postfix(&self, kind: Kind, port: u16) -> Result<Hop> {
        let home = tempfile::Builder::new()
            .prefix("peer-")
            .tempdir_in(self.folder.path())
            .map_err(|error| format!("{}: {error}", self.folder.path().display()))?;
        open_to_all(home.path().to_owned())?;
        let settings = postfix_settings(kind, port);
        let socket = postfix::prepare(home.path(), &self.certificate, &settings)?;
        let dovecot = Dovecot::start(home.path(), &socket)?;
        let postfix = Postfix::start(home.path())?;
        Ok(Hop {
            name: "Postfix",
            address: postfix.address,
            processes: vec![postfix.pid, dovecot.pid()],
            runs: Runs::Postfix {
                _postfix: postfix,
                _dovecot: dovecot,
                _home: home,
            },
        })
    }
}

fn open_to_all(path: PathBuf) -> Result {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755))
        .map_err(|error| format!("{}: {error}", path.display()))
}

/// The side under test. Dropped, it stops and its folder goes.
#[derive(Debug)]
pub(super) struct Hop {
    name: &'static str,
    address: SocketAddr,
    /// Whose time and memory count, with all processes below them.
    pub(super) processes: Vec<u32>,
    #[allow(dead_code, reason = "it runs as long as it is held")]
    runs: Runs,
}

/// Fields drop in this order: Postfix stops before its sign-in service.
#[derive(Debug)]
#[allow(dead_code, reason = "they run as long as they are held")]
enum Runs {
    Mailward(Mailward),
    Postfix {
        _postfix: Postfix,
        _dovecot: Dovecot,
        _home: TempDir,
    },
}

impl Hop {
    pub(super) fn target(&self) -> Result<Target> {
        Ok(Target {
            name: self.name,
            address: self.address,
            tls: tls::client(Version::Tls13)?,
            plain: plain(),
        })
    }
}

fn postfix_settings(kind: Kind, port: u16) -> String {
    let signs_in = match kind {
        Kind::SignedIn => format!(
            "\
smtp_tls_security_level = encrypt
smtp_tls_connection_reuse = yes
smtp_sasl_auth_enable = yes
smtp_sasl_mechanism_filter = plain
smtp_sasl_security_options =
smtp_sasl_password_maps = static:{FROM}:{PASSWORD}
"
        ),
        Kind::Relay => "smtp_tls_security_level = none\n".to_owned(),
    };
    format!(
        "\
relayhost = [127.0.0.1]:{port}
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = permit_sasl_authenticated, reject
smtp_destination_concurrency_limit = {OUTGOING_CONNECTIONS}
initial_destination_concurrency = {OUTGOING_CONNECTIONS}
smtp_connection_cache_destinations = static:all
smtp_connection_cache_time_limit = 10s
{signs_in}"
    )
}
