//! Packages of other languages that the tests run, in folders of their own
//! below `interop`: what npm's lock and pip's requirements name.

use std::fs;
use std::path::{Path, PathBuf};

use crate::run::{Result, root, run};

/// Holds `package.json` with its lock, and `requirements.txt`.
const FOLDER: &str = "interop";

/// Installs what is missing or has changed.
pub(crate) fn ensure() -> Result {
    let folder = root().join(FOLDER);
    node(&folder)?;
    python(&folder)
}

fn node(folder: &Path) -> Result {
    let wanted = Wanted::read(folder, "package-lock.json", "node_modules")?;
    if wanted.is_there() {
        return Ok(());
    }
    run("npm", &["ci", "--prefix", FOLDER])?;
    wanted.is_installed()
}

fn python(folder: &Path) -> Result {
    let wanted = Wanted::read(folder, "requirements.txt", ".venv")?;
    if wanted.is_there() {
        return Ok(());
    }
    let venv = format!("{FOLDER}/.venv");
    run("python3", &["-m", "venv", "--clear", &venv])?;
    let pip = root().join(&venv).join("bin/pip");
    let requirements = format!("{FOLDER}/requirements.txt");
    run(
        &pip.display().to_string(),
        &["install", "--quiet", "--requirement", &requirements],
    )?;
    wanted.is_installed()
}

/// A list of packages, and a copy of it beside what was installed by it.
struct Wanted {
    list: String,
    copy: PathBuf,
}

impl Wanted {
    fn read(folder: &Path, list: &str, installed: &str) -> Result<Self> {
        let path = folder.join(list);
        let text = fs::read_to_string(&path);
        Ok(Self {
            list: text.map_err(|error| format!("{}: {error}", path.display()))?,
            copy: folder.join(installed).join(".installed-by"),
        })
    }

    fn is_there(&self) -> bool {
        fs::read_to_string(&self.copy).is_ok_and(|copy| copy == self.list)
    }

    fn is_installed(&self) -> Result {
        fs::write(&self.copy, &self.list)
            .map_err(|error| format!("{}: {error}", self.copy.display()))
    }
}
