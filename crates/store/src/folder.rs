//! The names in a store's folder, and the lock that gives it to one process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use crate::error::OpenError;

/// Where everything of a store lies.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    dir: PathBuf,
}

impl Folder {
    pub(crate) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn rows(&self) -> PathBuf {
        self.dir.join("rows.sqlite")
    }

    pub(crate) fn wal(&self) -> PathBuf {
        self.dir.join("rows.sqlite-wal")
    }

    pub(crate) fn segments(&self) -> PathBuf {
        self.dir.join("segments")
    }

    pub(crate) fn segment(&self, number: u64) -> PathBuf {
        self.segments().join(format!("{number:08}.seg"))
    }

    pub(crate) fn bodies(&self) -> PathBuf {
        self.dir.join("bodies")
    }

    pub(crate) fn body(&self, number: u64) -> PathBuf {
        self.bodies().join(format!("{number}.body"))
    }

    /// A body's own file while it is being written.
    pub(crate) fn unfinished_body(&self, number: u64) -> PathBuf {
        self.bodies().join(format!("{number}.part"))
    }

    /// The number in `00000017.seg`.
    pub(crate) fn segment_number(name: &str) -> Option<u64> {
        name.strip_suffix(".seg")?.parse().ok()
    }

    /// The number in `17.body`.
    pub(crate) fn body_number(name: &str) -> Option<u64> {
        name.strip_suffix(".body")?.parse().ok()
    }

    pub(crate) fn is_unfinished_body(name: &str) -> bool {
        name.ends_with(".part")
    }
}

/// Held while the store is open; the system lets go of it when the process
/// ends, however it ends.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child being started by another thread
        // holds a copy of the handle until it runs its own program.
        let _ = self.file.unlock();
    }
}

impl Lock {
    pub(crate) fn take(folder: &Folder) -> Result<Self, OpenError> {
        let path = folder.dir().join("lock");
        let refused = |source: io::Error| OpenError::Folder {
            path: path.clone(),
            source,
        };
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(refused)?;
        lock(&mut file, folder, &path)?;
        // Only a courtesy to whoever is refused, so a failure is no matter.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "process {}", std::process::id()));
        Ok(Self { file })
    }

    /// The same without writing anything, for checks and rescues. None if
    /// nobody ever locked the folder.
    pub(crate) fn take_to_read(folder: &Folder) -> Result<Option<Self>, OpenError> {
        let path = folder.dir().join("lock");
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(OpenError::Folder { path, source }),
        };
        lock(&mut file, folder, &path)?;
        Ok(Some(Self { file }))
    }
}

fn lock(file: &mut File, folder: &Folder, path: &Path) -> Result<(), OpenError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::Error(source)) => Err(OpenError::Folder {
            path: path.to_owned(),
            source,
        }),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked {
            dir: folder.dir().to_owned(),
            holder: holder(file),
        }),
    }
}

fn holder(file: &mut File) -> String {
    const HOLDER_OCTETS_MAX: u64 = 64;
    let mut text = String::new();
    match file.take(HOLDER_OCTETS_MAX).read_to_string(&mut text) {
        Ok(octets) if octets > 0 => text,
        _ => "which has not said its number".to_owned(),
    }
}
