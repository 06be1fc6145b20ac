//! The made-up secrets of a development folder: kept in a file of its own so
//! that the folder, opened again, has the same ones.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use mailward_mail::Secret;

/// Names to secrets, in `development.json` of the folder.
#[derive(Debug)]
pub(super) struct DevelopmentSecrets {
    path: PathBuf,
    known: BTreeMap<String, String>,
    changed: bool,
}

impl DevelopmentSecrets {
    pub(super) fn open(dir: &Path) -> Result<Self, String> {
        let path = dir.join("development.json");
        let known = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|error| format!("{} is damaged ({error}): remove it", path.display()))?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeMap::new(),
            Err(error) => return Err(format!("can't read {}: {error}", path.display())),
        };
        Ok(Self {
            path,
            known,
            changed: false,
        })
    }

    /// The secret of that name: the given one, else the known one, else a new
    /// one, which is known from then on.
    pub(super) fn settle(
        &mut self,
        name: &str,
        given: Option<&Secret>,
        make: impl FnOnce() -> Secret,
    ) -> Secret {
        if let Some(given) = given {
            return given.clone();
        }
        if let Some(known) = self.known.get(name) {
            return Secret::new(known.clone());
        }
        let made = make();
        self.known.insert(name.to_owned(), made.expose().to_owned());
        self.changed = true;
        made
    }

    /// Writes the file if anything is new.
    pub(super) fn save(&mut self) -> Result<(), String> {
        if !self.changed {
            return Ok(());
        }
        let fresh = self.path.with_extension("new");
        let written = (|| {
            let mut file = fs::OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(true)
                .mode(0o600)
                .open(&fresh)?;
            file.write_all(&serde_json::to_vec_pretty(&self.known)?)?;
            file.sync_all()?;
            fs::rename(&fresh, &self.path)
        })();
        written.map_err(|error| format!("can't write {}: {error}", self.path.display()))?;
        self.changed = false;
        Ok(())
    }
}
