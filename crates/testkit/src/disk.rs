//! A disk that fails when told: the nth operation, a torn write, no room, a
//! power cut.
//!
//! It works on real files, so that what is left behind can be looked at. It
//! stands for the store's own files only: SQLite uses its own file layer.

use std::collections::{HashMap, HashSet};
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use mailward_store::{Disk, DiskFile, Entry, Space, SystemDisk};

/// What happens at the chosen operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails with an I/O error and does nothing.
    Error,
    /// An append writes half of it and fails; anything else fails.
    Torn,
    /// It and all operations after it fail: the process is as good as dead.
    Crash,
    /// As [`Fault::Crash`], after half of an append.
    TornCrash,
}

/// Operations so far, by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub operations: u64,
    pub appends: u64,
    /// Files and folders.
    pub syncs: u64,
}

/// The failing disk. Clones share their faults and counts.
#[derive(Clone, Debug, Default)]
pub struct FaultyDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    counts: Counts,
    /// Which operation to fail, counted from one.
    fault: Option<(u64, Fault)>,
    sync_fails: bool,
    truncate_fails: bool,
    full: bool,
    crashed: bool,
    /// Length of each file at its last sync.
    synced: HashMap<PathBuf, u64>,
    /// Names made since their folder was last synced.
    unsynced_names: HashSet<PathBuf>,
}

impl FaultyDisk {
    pub fn new() -> Self {
        Self::default()
    }

    /// The `nth` operation that changes something, counted from one and from
    /// now on, fails in this way.
    pub fn fail_at(&self, nth: u64, fault: Fault) {
        let mut state = self.state();
        let nth = state.counts.operations + nth;
        state.fault = Some((nth, fault));
    }

    /// Every sync of a file or folder fails until told otherwise.
    pub fn fail_syncs(&self, fails: bool) {
        self.state().sync_fails = fails;
    }

    /// Every truncation fails until told otherwise.
    pub fn fail_truncations(&self, fails: bool) {
        self.state().truncate_fails = fails;
    }

    /// No room: appends write half, new files are refused, nothing is free.
    pub fn set_full(&self, full: bool) {
        self.state().full = full;
    }

    pub fn counts(&self) -> Counts {
        self.state().counts
    }

    /// The power is cut: what was not synced is lost. Files shrink to their
    /// last synced length, names that were never synced vanish. Call it with
    /// the store gone. The disk works again afterwards.
    pub fn cut_power(&self) {
        let mut state = self.state();
        for name in state.unsynced_names.drain() {
            let _ = std::fs::remove_file(name);
        }
        for (path, octets) in std::mem::take(&mut state.synced) {
            if let Ok(file) = std::fs::OpenOptions::new().write(true).open(&path) {
                let length = file.metadata().expect("a file's length").len();
                file.set_len(length.min(octets)).expect("a shorter file");
            }
        }
        state.fault = None;
        state.crashed = false;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts an operation; the fault it is to suffer, if any.
    fn operation(&mut self) -> Option<Fault> {
        self.counts.operations += 1;
        if self.crashed {
            return Some(Fault::Crash);
        }
        let (nth, fault) = self.fault?;
        if nth != self.counts.operations {
            return None;
        }
        self.crashed = matches!(fault, Fault::Crash | Fault::TornCrash);
        Some(fault)
    }

    fn plain_operation(&mut self) -> io::Result<()> {
        self.operation().map_or(Ok(()), |_| Err(broken()))
    }
}

fn broken() -> io::Error {
    io::Error::other("the disk was told to fail")
}

fn no_room() -> io::Error {
    io::ErrorKind::StorageFull.into()
}

impl Disk for FaultyDisk {
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.state().plain_operation()?;
        SystemDisk.create_dir(path)
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        state.plain_operation()?;
        if state.full {
            return Err(no_room());
        }
        let file = SystemDisk.create(path)?;
        state.unsynced_names.insert(path.to_owned());
        state.synced.insert(path.to_owned(), 0);
        drop(state);
        Ok(self.watched(path, file))
    }

    fn open_append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = SystemDisk.open_append(path)?;
        let octets = file.octets()?;
        // What an earlier run left is on the disk.
        self.state().synced.entry(path.to_owned()).or_insert(octets);
        Ok(self.watched(path, file))
    }

    fn open_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        SystemDisk.open_read(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.counts.syncs += 1;
        state.plain_operation()?;
        if state.sync_fails {
            return Err(broken());
        }
        state
            .unsynced_names
            .retain(|name| name.parent() != Some(path));
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.plain_operation()?;
        SystemDisk.rename(from, to)?;
        // Before the folder is synced a power cut may leave either name; here
        // it leaves none, which is harshest.
        state.unsynced_names.remove(from);
        state.unsynced_names.insert(to.to_owned());
        if let Some(octets) = state.synced.remove(from) {
            state.synced.insert(to.to_owned(), octets);
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut state = self.state();
        state.plain_operation()?;
        SystemDisk.remove(path)?;
        state.unsynced_names.remove(path);
        state.synced.remove(path);
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<Entry>> {
        SystemDisk.list(path)
    }

    fn space(&self, path: &Path) -> io::Result<Space> {
        if self.state().full {
            return Ok(Space {
                free_octets: 0,
                read_only: false,
            });
        }
        SystemDisk.space(path)
    }
}

impl FaultyDisk {
    fn watched(&self, path: &Path, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        Box::new(FaultyFile {
            disk: self.clone(),
            path: path.to_owned(),
            file,
        })
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    path: PathBuf,
    file: Box<dyn DiskFile>,
}

impl FaultyFile {
    fn append_half(&self, slices: &[IoSlice<'_>]) -> io::Result<()> {
        let whole: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        let half = &whole[..whole.len() / 2];
        self.file.append(&mut [IoSlice::new(half)])
    }
}

impl DiskFile for FaultyFile {
    fn append(&self, slices: &mut [IoSlice<'_>]) -> io::Result<()> {
        let mut state = self.disk.state();
        state.counts.appends += 1;
        match state.operation() {
            Some(Fault::Torn | Fault::TornCrash) => {
                self.append_half(slices)?;
                Err(broken())
            }
            Some(Fault::Error | Fault::Crash) => Err(broken()),
            None if state.full => {
                self.append_half(slices)?;
                Err(no_room())
            }
            None => self.file.append(slices),
        }
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_exact_at(buffer, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.counts.syncs += 1;
        state.plain_operation()?;
        if state.sync_fails {
            return Err(broken());
        }
        // A power cut is only played, so nothing need really be synced. The
        // file may have got another name since it was opened.
        let octets = self.file.octets()?;
        let renamed = self.path.with_extension("body");
        let path = if state.synced.contains_key(&self.path) {
            self.path.clone()
        } else {
            renamed
        };
        state.synced.insert(path, octets);
        Ok(())
    }

    fn truncate(&self, octets: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.plain_operation()?;
        if state.truncate_fails {
            return Err(broken());
        }
        self.file.truncate(octets)?;
        let synced = state.synced.entry(self.path.clone()).or_insert(octets);
        *synced = octets.min(*synced);
        Ok(())
    }

    fn octets(&self) -> io::Result<u64> {
        self.file.octets()
    }
}
