//! The names in a store's folder, and the lock that gives it to one process.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
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
    dir: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Closing is not enough: a child being started by another thread
        // holds a copy of the handle until it runs its own program.
        let _ = self.file.unlock();
        let _ = self.dir.unlock();
    }
}

impl Lock {
    /// For a program that writes.
    pub(crate) fn take(folder: &Folder) -> Result<Self, OpenError> {
        let path = folder.dir().join("lock");
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|source| OpenError::Folder {
                path: path.clone(),
                source,
            })?;
        Self::hold(file, folder, &path, "")
    }

    /// For checks and rescues (`what` is one of them, with its article), which
    /// may have to do with a folder that cannot be written to.
    pub(crate) fn take_to_read(folder: &Folder, what: &str) -> Result<Self, OpenError> {
        let path = folder.dir().join("lock");
        let writable = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = writable
            .or_else(|_| File::open(&path))
            .or_else(|_| File::open(folder.dir()))
            .map_err(|source| OpenError::Folder {
                path: folder.dir().to_owned(),
                source,
            })?;
        Self::hold(file, folder, &path, what)
    }

    /// The folder itself is locked too: a lock file can be removed and made
    /// anew under our feet.
    fn hold(mut file: File, folder: &Folder, path: &Path, what: &str) -> Result<Self, OpenError> {
        lock(&mut file, folder, path)?;
        let refused = |source| OpenError::Folder {
            path: folder.dir().to_owned(),
            source,
        };
        let dir = File::open(folder.dir()).map_err(refused)?;
        match dir.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(in_use(&mut file, folder)),
            Err(TryLockError::Error(source)) => return Err(refused(source)),
        }
        let holder = if what.is_empty() {
            format!("process {}", std::process::id())
        } else {
            format!("process {}, {what}", std::process::id())
        };
        // Only a courtesy to whoever is refused, so a failure is no matter.
        let _ = file
            .set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| write!(file, "{holder}"));
        Ok(Self { file, dir })
    }
}

fn lock(file: &mut File, folder: &Folder, path: &Path) -> Result<(), OpenError> {
    match file.try_lock() {
        Ok(()) => Ok(()),
        Err(TryLockError::Error(source)) => Err(OpenError::Folder {
            path: path.to_owned(),
            source,
        }),
        Err(TryLockError::WouldBlock) => Err(in_use(file, folder)),
    }
}

fn in_use(file: &mut File, folder: &Folder) -> OpenError {
    OpenError::Locked {
        dir: folder.dir().to_owned(),
        holder: holder(file),
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
