//! What a backup consists of: each file with its length and checksum.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};

use crate::copy::{CopyError, at, is_listed};

pub(crate) const MANIFEST: &str = "backup.json";

const FORMAT: u64 = 1;

/// The longest manifest that is read, in octets.
const MANIFEST_OCTETS_MAX: u64 = 256 * 1024 * 1024;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    octets: u64,
    crc32c: u32,
}

impl Listed {
    pub(crate) fn octets(&self) -> u64 {
        self.octets
    }
}

/// Every file of the folder, read from beginning to end.
pub(crate) fn list(dir: &Path) -> Result<Vec<Listed>, CopyError> {
    let mut listed = Vec::new();
    for part in ["", "segments", "bodies"] {
        let folder = dir.join(part);
        let entries = std::fs::read_dir(&folder).map_err(|error| at(&folder, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| at(&folder, error))?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
            if !is_file || !is_listed(&name) {
                continue;
            }
            let path = entry.path();
            let (octets, crc32c) = sum(&path).map_err(|error| at(&path, error))?;
            let name = PathBuf::from(part).join(name).display().to_string();
            listed.push(Listed {
                name,
                octets,
                crc32c,
            });
        }
    }
    listed.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(listed)
}

fn sum(path: &Path) -> io::Result<(u64, u32)> {
    let mut file = File::open(path)?;
    let mut buffer = vec![0; 256 * 1024];
    let (mut octets, mut crc32c) = (0, 0);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((octets, crc32c)),
            read => {
                octets += read as u64;
                crc32c = crc32c::crc32c_append(crc32c, &buffer[..read]);
            }
        }
    }
}

pub(crate) fn text(listed: &[Listed], more: &Json) -> String {
    let files: Vec<Json> = listed
        .iter()
        .map(|one| {
            json!({ "name": one.name, "octets": one.octets, "crc32c": format!("{:08x}", one.crc32c) })
        })
        .collect();
    format!(
        "{:#}\n",
        json!({ "format": FORMAT, "store": more, "files": files })
    )
}

/// Compares a finished backup with its manifest.
pub(crate) fn verify(dir: &Path) -> Result<Vec<Listed>, CopyError> {
    let path = dir.join(MANIFEST);
    let no_backup = |what: String| CopyError::NoBackup {
        path: dir.to_owned(),
        what,
    };
    let mut text = String::new();
    File::open(&path)
        .and_then(|file| file.take(MANIFEST_OCTETS_MAX).read_to_string(&mut text))
        .map_err(|error| no_backup(format!("{MANIFEST}: {error}")))?;
    let manifest: Json = serde_json::from_str(&text)
        .map_err(|error| no_backup(format!("{MANIFEST} cannot be read: {error}")))?;
    if manifest["format"].as_u64() != Some(FORMAT) {
        return Err(no_backup(format!(
            "{MANIFEST} is of a newer version; use the program that wrote it"
        )));
    }
    let expected: Vec<Listed> = manifest["files"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| {
            Some(Listed {
                name: one["name"].as_str()?.to_owned(),
                octets: one["octets"].as_u64()?,
                crc32c: u32::from_str_radix(one["crc32c"].as_str()?, 16).ok()?,
            })
        })
        .collect();
    let found = list(dir)?;
    if let Some(other) = expected
        .iter()
        .find(|one| !found.contains(one))
        .or_else(|| found.iter().find(|one| !expected.contains(one)))
    {
        return Err(no_backup(format!(
            "{} is missing, altered, or not of it",
            other.name
        )));
    }
    Ok(found)
}
