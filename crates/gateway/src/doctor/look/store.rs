//! The folder that the gateway keeps its data in.

use std::path::Path;

use rustix::fs::{Access, access, statvfs};

use crate::config::Config;
use crate::doctor::seen::{StoreSeen, StoreState};

pub(super) fn look(config: &Config, state: StoreState) -> StoreSeen {
    // Where it is not there yet, the folder that it will be made in counts.
    let place = config
        .dir
        .ancestors()
        .map(|place| match place.as_os_str().is_empty() {
            true => Path::new("."),
            false => place,
        })
        .find(|place| place.exists())
        .unwrap_or(Path::new("/"));
    let unwritable = access(place, Access::WRITE_OK | Access::EXEC_OK)
        .err()
        .map(|error| format!("{}: {error}", place.display()));
    let free_octets = statvfs(place)
        .ok()
        .map(|space| space.f_bavail.saturating_mul(space.f_frsize));
    StoreSeen {
        state,
        unwritable,
        free_octets,
    }
}
