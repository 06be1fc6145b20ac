//! Files that must stay while a backup copies them, whoever releases them.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::shared::Shared;

/// Files that are held back at most; with more the backup gives up, since the
/// store's own room goes first.
const HELD_MAX: usize = 100_000;

#[derive(Debug, Default)]
pub(crate) struct Pins {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    backups: usize,
    held: Vec<PathBuf>,
    /// Something went that a backup may have needed.
    broken: bool,
}

impl Pins {
    /// True if the file is to stay for now.
    pub(crate) fn hold_back(&self, path: &std::path::Path) -> bool {
        let mut state = self.state();
        if state.backups == 0 || state.broken {
            return false;
        }
        if state.held.len() >= HELD_MAX {
            state.broken = true;
            return false;
        }
        state.held.push(path.to_owned());
        true
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While it lives no file is removed.
#[derive(Debug)]
pub(crate) struct Pin {
    shared: Arc<Shared>,
}

impl Pin {
    pub(crate) fn new(shared: &Arc<Shared>) -> Self {
        shared.pins.state().backups += 1;
        Self {
            shared: Arc::clone(shared),
        }
    }

    /// False once a file may have been removed all the same.
    pub(crate) fn holds(&self) -> bool {
        !self.shared.pins.state().broken
    }
}

impl Drop for Pin {
    fn drop(&mut self) {
        let held = {
            let mut state = self.shared.pins.state();
            state.backups -= 1;
            if state.backups > 0 {
                return;
            }
            state.broken = false;
            std::mem::take(&mut state.held)
        };
        for path in held {
            if let Err(error) = self.shared.disk.remove(&path) {
                // The next start removes what no row names.
                tracing::warn!(path = %path.display(), %error, "cannot remove a released body");
            }
        }
    }
}
