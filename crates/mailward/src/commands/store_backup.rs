//! `mailward store backup` and `restore`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use mailward_mail::Clock;
use mailward_net::SystemClock;
use mailward_store::{CopyError, OpenError};
use serde_json::{Value, json};

use super::{CommandError, Report};
use crate::operator::backup::BackupDone;
use crate::operator::sentences::counted;
use crate::operator::{BackupState, OperatorError, Request, ask};

/// Between two looks at a backup that a running gateway makes.
const LOOK_EVERY: Duration = Duration::from_millis(300);

pub(super) async fn backup(dir: &Path, to: &Path, as_json: bool) -> Result<Report, CommandError> {
    let to = std::path::absolute(to).map_err(CommandError::new)?;
    let store = super::store::one_store(dir)?;
    let now = SystemClock.now().as_millis();
    let done = match mailward_store::backup(&store, &to, now) {
        Ok(backup) => BackupDone::new(to, &backup),
        // Somebody has it open: the gateway that runs, most likely.
        Err(CopyError::Store(refused @ OpenError::Locked { .. })) => {
            by_gateway(&store, to, &refused).await?
        }
        Err(error) => return Err(CommandError::new(error)),
    };
    let whole = done.damaged.is_empty();
    if as_json {
        return Report::json(&json!({ "whole": whole, "backup": done }), whole);
    }
    let mut text = format!(
        "{}: a backup with {}, {} and {} octets, read back and sound\n",
        done.to.display(),
        counted(done.bodies as usize, "message text"),
        counted(done.files as usize, "file"),
        done.octets
    );
    for damage in &done.damaged {
        text.push_str(&format!("  damaged already, and so not in it: {damage}\n"));
    }
    Ok(Report::new(text, whole))
}

async fn by_gateway(
    store: &Path,
    to: PathBuf,
    refused: &OpenError,
) -> Result<BackupDone, CommandError> {
    let state = |value: Value| -> Result<BackupState, CommandError> {
        serde_json::from_value(value).map_err(CommandError::new)
    };
    let mut seen = match ask(store, Request::Backup { to }).await {
        Ok(value) => state(value)?,
        // Nobody answers, so it is no gateway that holds the folder.
        Err(OperatorError::Unavailable(_)) => return Err(CommandError::new(refused)),
        Err(error) => return Err(CommandError::new(error)),
    };
    loop {
        match seen {
            BackupState::Running { .. } => {}
            BackupState::Done(done) => return Ok(done),
            BackupState::Failed { why } => return Err(CommandError::new(why)),
            BackupState::None => {
                return Err(CommandError::new(
                    "the gateway was restarted; begin the backup again",
                ));
            }
        }
        SystemClock.wait(LOOK_EVERY).await;
        let value = ask(store, Request::BackupState).await;
        seen = state(value.map_err(CommandError::new)?)?;
    }
}

pub(super) fn restore(from: &Path, to: &Path, as_json: bool) -> Result<Report, CommandError> {
    let backup = mailward_store::restore(from, to).map_err(CommandError::new)?;
    let done = BackupDone::new(to.to_owned(), &backup);
    if as_json {
        return Report::json(&json!({ "restored": done }), true);
    }
    let place = to.display();
    Ok(Report::new(
        format!(
            "{place}: a store with {}, compared with the backup's list and sound.\n\
             At its first start every recipient that waits is held (reason: restored), since it \
             may have been sent after the backup was made. Look with `mailward queue list \
             --dir {place} --state hold`; release what was not sent, cancel what was.\n",
            counted(done.bodies as usize, "message text"),
        ),
        true,
    ))
}
