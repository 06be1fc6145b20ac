//! Where a development start keeps its state, and how it listens and behaves.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use mailward_mail::Timestamp;
use mailward_twin::Endpoints;

use crate::cli::PlaceArguments;
use crate::ports::{Endpoint, Ports};

/// Where state is kept, and how to listen and behave.
pub(super) struct Place {
    pub(super) dir: PathBuf,
    /// Removed at the end, when nobody named a folder.
    temporary: Option<tempfile::TempDir>,
    pub(super) ports: Ports,
    pub(super) rates: bool,
    pub(super) imap_in_full: bool,
    pub(super) as_of: Option<Timestamp>,
    /// Where the twin listens: loopback, unless somebody named another.
    pub(super) listen: IpAddr,
    /// The port of the twin's catcher.
    catch: Option<u16>,
}

impl Place {
    pub(super) fn open(arguments: &PlaceArguments) -> Result<Self, String> {
        let ports = Ports::new(arguments.ports_from, arguments.ports.is_some())?;
        let as_of = match &arguments.as_of {
            None => None,
            Some(day) => {
                let wrong = |_| format!("--as-of {day}: write a day as 2027-01-05, year first");
                Some(Timestamp::parse(day).map_err(wrong)?)
            }
        };
        let (dir, temporary) = match &arguments.dir {
            Some(dir) => {
                let wrong = |error: std::io::Error| {
                    let what = match error.kind() {
                        ErrorKind::AlreadyExists => "that is a file".to_owned(),
                        _ => error.to_string(),
                    };
                    let dir = dir.display();
                    format!("--dir {dir}: {what}; name a folder that can be made and written to")
                };
                std::fs::create_dir_all(dir).map_err(wrong)?;
                let whole = dir.canonicalize().map_err(wrong)?;
                (whole, None)
            }
            None => {
                let temporary = tempfile::Builder::new()
                    .prefix("mailward-")
                    .tempdir()
                    .map_err(|error| format!("no temporary folder can be made: {error}"))?;
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        Ok(Self {
            dir,
            temporary,
            ports,
            rates: arguments.limits == "on",
            imap_in_full: arguments.profile == "full",
            as_of,
            listen: IpAddr::V4(Ipv4Addr::LOCALHOST),
            catch: arguments.catch,
        })
    }

    /// The twin's endpoints.
    pub(super) fn endpoints(&self) -> Endpoints {
        let at = |address: SocketAddr| SocketAddr::new(self.listen, address.port());
        let of = |endpoint| at(self.ports.address(endpoint));
        Endpoints {
            submission: of(Endpoint::TwinSubmission),
            high_sending: of(Endpoint::TwinHighSending),
            relay: of(Endpoint::TwinRelay),
            imaps: of(Endpoint::TwinImaps),
            pop3s: of(Endpoint::TwinPop3s),
            test_api: at(self.ports.test_api()),
            dns: at(self.ports.dns()),
            https: of(Endpoint::TwinHttps),
            catch: self.catch.map(|port| SocketAddr::new(self.listen, port)),
        }
    }

    /// Somebody named a folder, so what is in it shall last.
    pub(super) fn is_kept(&self) -> bool {
        self.temporary.is_none()
    }
}
