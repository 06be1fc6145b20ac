//! A clock that somebody sets, under the running gateway and while it stands
//! still: libfaketime from Debian between the program and the system.
//!
//! Steady time (`CLOCK_MONOTONIC`) stays what it is, as with a real clock that
//! is set, and so does the boot: the gateway must see too what was set while it
//! stood still.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::chance::Chance;
use super::scene::Scene;
use crate::run::Result;

/// Where Debian puts the library, by machine.
const LIBRARIES: &str = "/usr/lib";
const LIBRARY: &str = "faketime/libfaketime.so.1";

/// How far the running clock may be off: some 400 days either way.
const OFF_SECONDS_MAX: i64 = 400 * 24 * 3600;

/// The clock of one run.
#[derive(Debug)]
pub(super) struct Clock {
    off_seconds: i64,
}

impl Clock {
    /// Right, to begin with.
    pub(super) fn start(scene: &Scene) -> Result<Self> {
        library()?;
        let clock = Self { off_seconds: 0 };
        clock.set(scene)?;
        Ok(clock)
    }

    /// Anywhere within bounds.
    pub(super) fn step(&mut self, scene: &Scene, chance: &mut Chance) -> Result {
        let span = 2 * OFF_SECONDS_MAX.unsigned_abs();
        self.off_seconds = chance.below(span) as i64 - OFF_SECONDS_MAX;
        self.set(scene)
    }

    fn set(&self, scene: &Scene) -> Result {
        scene.write(NAME, &format!("{:+}\n", self.off_seconds))
    }
}

/// Of the file that says how far it is off.
const NAME: &str = "clock";

/// What a program needs to see that clock; nothing in other runs.
pub(super) fn variables(scene: &Scene) -> Result<HashMap<&'static str, PathBuf>> {
    let file = scene.dir.join(NAME);
    if !file.exists() {
        return Ok(HashMap::new());
    }
    Ok(HashMap::from([
        ("LD_PRELOAD", library()?),
        ("FAKETIME_TIMESTAMP_FILE", file),
        ("FAKETIME_NO_CACHE", "1".into()),
        ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
    ]))
}

fn library() -> Result<PathBuf> {
    let folders =
        std::fs::read_dir(Path::new(LIBRARIES)).map_err(|error| format!("{LIBRARIES}: {error}"))?;
    folders
        .flatten()
        .map(|folder| folder.path().join(LIBRARY))
        .find(|path| path.exists())
        .ok_or_else(|| {
            "setting the clock needs libfaketime: apt-get install libfaketime".to_owned()
        })
}
