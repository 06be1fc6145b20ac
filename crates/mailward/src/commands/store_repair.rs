//! `mailward store repair`.

use std::path::{Path, PathBuf};

use mailward_gateway::SCHEMA;
use mailward_mail::{Clock, Timestamp};
use mailward_net::SystemClock;
use mailward_queue::Mender;
use mailward_store::{CopyError, OpenError, Repaired};
use serde_json::json;

use super::{CommandError, Report};
use crate::operator::sentences::counted;

pub(super) fn repair(
    dir: &Path,
    keep: Option<&Path>,
    dry_run: bool,
    as_json: bool,
) -> Result<Report, CommandError> {
    let store = super::store::one_store(dir)?;
    let now = SystemClock.now();
    let keep = match keep {
        _ if dry_run => None,
        Some(keep) => Some(keep.to_owned()),
        None => Some(beside(&store, now)?),
    };
    let mut mender = Mender { now };
    let repaired = mailward_store::repair(&store, &SCHEMA, keep.as_deref(), &mut mender);
    let repaired = repaired.map_err(|error| match error {
        CopyError::Store(locked @ OpenError::Locked { .. }) => CommandError::new(format!(
            "{locked}; a store is repaired while no gateway runs"
        )),
        error => CommandError::new(error),
    })?;
    let sound = repaired.is_sound() && !(dry_run && repaired.acts_total > 0);
    if as_json {
        return Report::json(&shape(&store, &repaired, dry_run), sound);
    }
    Ok(Report::new(text(&store, &repaired, dry_run), sound))
}

/// `DIR.before-repair-20261121T190641Z`.
fn beside(store: &Path, now: Timestamp) -> Result<PathBuf, CommandError> {
    let store = std::path::absolute(store).map_err(CommandError::new)?;
    let moment: String = now
        .to_string()
        .chars()
        .filter(|char| !matches!(char, '-' | ':'))
        .collect();
    let mut name = store.into_os_string();
    name.push(format!(".before-repair-{moment}"));
    Ok(name.into())
}

fn shape(store: &Path, repaired: &Repaired, dry_run: bool) -> serde_json::Value {
    let left: Vec<String> = repaired.left.iter().map(|one| one.summary()).collect();
    json!({
        "dir": store,
        "dry_run": dry_run,
        "sound": repaired.is_sound(),
        "kept": repaired.kept,
        "acts_total": repaired.acts_total,
        "acts": repaired.acts,
        "lost_bodies": repaired.lost,
        "left_total": repaired.left_total,
        "left": left,
    })
}

fn text(store: &Path, repaired: &Repaired, dry_run: bool) -> String {
    let place = store.display();
    let acts = counted(repaired.acts_total as usize, "act");
    let mut text = if !repaired.is_sound() && repaired.kept.is_none() {
        format!(
            "{place}: not repaired, nothing was touched: what is damaged can't be made anew from \
             anything sound\n"
        )
    } else if repaired.acts_total == 0 {
        format!("{place}: sound, nothing to repair\n")
    } else if dry_run {
        format!("{place}: {acts} to do; nothing was touched\n")
    } else {
        format!("{place}: repaired: {acts}\n")
    };
    if let Some(kept) = &repaired.kept {
        text.push_str(&format!("  as it was before: {}\n", kept.display()));
    }
    list(&mut text, &repaired.acts, repaired.acts_total);
    let left: Vec<String> = repaired
        .left
        .iter()
        .map(|damage| format!("damaged: {}", damage.summary()))
        .collect();
    list(&mut text, &left, repaired.left_total);
    if !repaired.is_sound() {
        text.push_str(&format!(
            "Start from a backup with `mailward store restore`, or rescue what is readable with \
             `mailward store export --dir {place} --to NEW-FOLDER`.\n"
        ));
    }
    if repaired.lost > 0 {
        text.push_str(
            "Messages whose text is lost wait in hold (reason: damaged): ask the application to \
             send them again, then cancel them.\n",
        );
    }
    text
}

fn list(text: &mut String, lines: &[String], total: u64) {
    for line in lines {
        text.push_str(&format!("  {line}\n"));
    }
    let more = total - lines.len() as u64;
    if more > 0 {
        text.push_str(&format!("  and {more} more\n"));
    }
}
