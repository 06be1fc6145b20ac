//! The file operations a store uses, as a trait, so that tests can make the
//! nth of them fail.
//!
//! Bodies and segments go through it. SQLite opens, writes and syncs
//! `rows.sqlite` and its log through its own file layer; the lock is the
//! system's.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// A disk: makes, opens, renames and removes files.
pub trait Disk: fmt::Debug + Send + Sync {
    /// Makes a folder and those above it; content if it is there.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// A new, empty file that is appended to. Refused if it is there.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// An existing file that is appended to.
    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// An existing file that is only read.
    fn open_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Makes the names in a folder durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    fn remove(&self, path: &Path) -> io::Result<()>;

    /// The files in a folder, in no order, without its folders.
    fn list(&self, path: &Path) -> io::Result<Vec<Entry>>;

    /// How much room there is where `path` lies.
    fn space(&self, path: &Path) -> io::Result<Space>;
}

/// An open file of a [`Disk`].
pub trait DiskFile: fmt::Debug + Send + Sync {
    /// Writes all of `slices` at the end, in as few calls as the system
    /// allows. After an error some of it may be there.
    fn append(&self, slices: &mut [IoSlice<'_>]) -> io::Result<()>;

    /// Fills `buffer` from `offset`; `UnexpectedEof` if the file ends before.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;

    /// Content and length on stable storage (`fdatasync`). After an error
    /// nothing is known about them, and asking again proves nothing.
    fn sync_data(&self) -> io::Result<()>;

    fn truncate(&self, octets: u64) -> io::Result<()>;

    fn octets(&self) -> io::Result<u64>;
}

/// A file in a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub octets: u64,
}

/// What `statvfs` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// What this user may still take.
    pub free_octets: u64,
    pub read_only: bool,
}

/// The operating system's files.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemDisk;

impl Disk for SystemDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        use std::os::unix::fs::DirBuilderExt;
        // Mail is for nobody else on this machine.
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        Ok(Box::new(SystemFile(file)))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).append(true).open(path)?;
        Ok(Box::new(SystemFile(file)))
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        Ok(Box::new(SystemFile(File::open(path)?)))
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in std::fs::read_dir(path)? {
            let entry = entry?;
            let facts = entry.metadata()?;
            if facts.is_file() {
                entries.push(Entry {
                    name: entry.file_name().to_string_lossy().into_owned(),
                    octets: facts.len(),
                });
            }
        }
        Ok(entries)
    }

    #[allow(unsafe_code, reason = "the standard library has no statvfs")]
    fn space(&self, path: &Path) -> io::Result<Space> {
        use std::os::unix::ffi::OsStrExt;
        let path = std::ffi::CString::new(path.as_os_str().as_bytes())?;
        let mut facts = std::mem::MaybeUninit::<libc::statvfs>::uninit();
        // SAFETY: `path` ends in NUL and `facts` is large enough for a
        // statvfs, which the call fills completely when it returns zero.
        let facts = unsafe {
            if libc::statvfs(path.as_ptr(), facts.as_mut_ptr()) != 0 {
                return Err(io::Error::last_os_error());
            }
            facts.assume_init()
        };
        Ok(Space {
            free_octets: facts.f_bavail.saturating_mul(facts.f_frsize),
            read_only: facts.f_flag & libc::ST_RDONLY != 0,
        })
    }
}

#[derive(Debug)]
struct SystemFile(File);

impl DiskFile for SystemFile {
    fn append(&self, mut slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        // Empty slices at the front would look like a write of nothing.
        IoSlice::advance_slices(&mut slices, 0);
        while !slices.is_empty() {
            match (&self.0).write_vectored(slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut slices, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.0.read_exact_at(buffer, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&self, octets: u64) -> io::Result<()> {
        self.0.set_len(octets)
    }

    fn octets(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}
