//! Where a development start keeps its state, and how it listens and behaves.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use mailward_mail::Timestamp;

use crate::cli::PlaceArguments;
use crate::ports::Ports;

/// Where state is kept, and how to listen and behave.
pub(super) struct Place {
    pub(super) dir: PathBuf,
    /// Removed at the end, when nobody named a folder.
    temporary: Option<tempfile::TempDir>,
    pub(super) ports: Ports,
    pub(super) rates: bool,
    pub(super) imap_in_full: bool,
    pub(super) as_of: Option<Timestamp>,
    /// Where the twin's catcher listens.
    pub(super) catch: Option<SocketAddr>,
}

impl Place {
    pub(super) fn open(arguments: &PlaceArguments) -> Result<Self, String> {
        let ports = Ports::new(arguments.ports_from, arguments.ports.is_some())?;
        let as_of = match &arguments.as_of {
            None => None,
            Some(day) => {
                Some(Timestamp::parse(day).map_err(|error| format!("--as-of {day}: {error}"))?)
            }
        };
        let (dir, temporary) = match &arguments.dir {
            Some(dir) => {
                std::fs::create_dir_all(dir)
                    .map_err(|error| format!("--dir {}: {error}", dir.display()))?;
                let whole = dir
                    .canonicalize()
                    .map_err(|error| format!("--dir {}: {error}", dir.display()))?;
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
            catch: arguments
                .catch
                .map(|port| SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
        })
    }

    /// Somebody named a folder, so what is in it shall last.
    pub(super) fn is_kept(&self) -> bool {
        self.temporary.is_none()
    }
}
