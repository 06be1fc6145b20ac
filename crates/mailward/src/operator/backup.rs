//! Backups of a store that runs: begun by one question, followed by others,
//! since they take longer than an answer may.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use mailward_mail::Clock;
use mailward_net::{SystemClock, Tasks};
use mailward_queue::Queue;
use mailward_store::{Backup, CopyError, Damage};
use serde::{Deserialize, Serialize};

use super::OperatorError;

/// How a backup stands, or ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "backup", rename_all = "snake_case")]
pub(crate) enum BackupState {
    /// None was asked for since the start.
    #[default]
    None,
    Running {
        octets: u64,
    },
    Done(BackupDone),
    Failed {
        why: String,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BackupDone {
    pub(crate) to: PathBuf,
    pub(crate) bodies: u64,
    pub(crate) files: u64,
    pub(crate) octets: u64,
    /// Bodies that were damaged already, and so are not in it.
    pub(crate) damaged: Vec<String>,
}

impl BackupDone {
    pub(crate) fn new(to: PathBuf, backup: &Backup) -> Self {
        let damages = backup.copied.damages.iter();
        Self {
            to,
            bodies: backup.copied.bodies,
            files: backup.files,
            octets: backup.file_octets,
            damaged: damages.map(Damage::summary).collect(),
        }
    }
}

/// Makes one backup at a time.
#[derive(Clone, Debug)]
pub(crate) struct BackupPart {
    pub(crate) queue: Queue,
    pub(crate) octets_per_second: u64,
    pub(crate) tasks: Tasks,
    pub(crate) state: Arc<Mutex<BackupState>>,
}

impl BackupPart {
    pub(crate) fn state(&self) -> BackupState {
        lock(&self.state).clone()
    }

    /// Begins one to this folder, which is given from the root.
    pub(crate) fn begin(&self, to: PathBuf) -> Result<BackupState, OperatorError> {
        if !to.is_absolute() {
            return Err(OperatorError::Invalid(format!(
                "{} does not begin at the root",
                to.display()
            )));
        }
        {
            let mut state = lock(&self.state);
            if matches!(*state, BackupState::Running { .. }) {
                return Err(OperatorError::Refused(
                    "a backup is being made already; wait for its end".to_owned(),
                ));
            }
            *state = BackupState::Running { octets: 0 };
        }
        let part = self.clone();
        self.tasks.spawn("backup", async move {
            let state = match part.make(to.clone()).await {
                Ok(backup) => {
                    tracing::info!(to = %to.display(), "a backup was made and read back");
                    BackupState::Done(BackupDone::new(to, &backup))
                }
                Err(error) => {
                    tracing::error!(%error, "no backup was made");
                    BackupState::Failed {
                        why: error.to_string(),
                    }
                }
            };
            *lock(&part.state) = state;
        });
        Ok(self.state())
    }

    async fn make(&self, to: PathBuf) -> Result<Backup, CopyError> {
        let now = self.queue.clock().now().as_millis();
        let runtime = tokio::runtime::Handle::current();
        let state = Arc::clone(&self.state);
        let rate = self.octets_per_second;
        let (mut total, mut since) = (0, 0);
        let rest = move |octets: u64| {
            total += octets;
            since += octets;
            if since < REST_OCTETS {
                return;
            }
            *lock(&state) = BackupState::Running { octets: total };
            if let Some(millis) = (since * 1000).checked_div(rate) {
                runtime.block_on(SystemClock.wait(Duration::from_millis(millis)));
            }
            since = 0;
        };
        self.queue.store().backup(to, now, rest).await
    }
}

/// Copied between two rests.
const REST_OCTETS: u64 = 1024 * 1024;

fn lock(state: &Mutex<BackupState>) -> MutexGuard<'_, BackupState> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
