//! `mailward store`: all but `backup` are for a store that is not running.

use std::path::{Path, PathBuf};

use mailward_store::{Damage, Exported, Report as Checked};
use serde_json::{Value, json};

use super::store_export::{self, Form};
use super::{CommandError, Report, store_backup, store_repair};
use crate::cli::StoreCommand;
use crate::operator::is_store;
use crate::operator::sentences::counted;

/// The stores within the folder of `mailward up`.
const WITHIN_UP: [&str; 2] = ["gateway", "twin"];

pub(super) async fn run(command: &StoreCommand) -> Result<Report, CommandError> {
    match command {
        StoreCommand::Check { dir, json } => check(dir, *json),
        StoreCommand::Backup { dir, to, json } => store_backup::backup(dir, to, *json).await,
        StoreCommand::Restore { from, to, json } => store_backup::restore(from, to, *json),
        StoreCommand::Repair {
            dir,
            keep,
            dry_run,
            json,
        } => store_repair::repair(dir, keep.as_deref(), *dry_run, *json),
        StoreCommand::Export { dir, to, tar, json } => {
            let form = if *tar { Form::Tar } else { Form::Folder };
            export(dir, to, &form, *json)
        }
    }
}

fn check(dir: &Path, as_json: bool) -> Result<Report, CommandError> {
    let mut checked = Vec::new();
    for place in stores(dir)? {
        let found = mailward_store::check(&place).map_err(CommandError::new)?;
        checked.push((place, found));
    }
    let sound = checked.iter().all(|(_, found)| found.is_sound());
    if as_json {
        let stores: Vec<Value> = checked
            .iter()
            .map(|(place, found)| check_json(place, found))
            .collect();
        return Report::json(&json!({ "sound": sound, "stores": stores }), sound);
    }
    let texts = checked
        .iter()
        .map(|(place, found)| check_text(place, found));
    Ok(Report::new(texts.collect::<String>(), sound))
}

fn check_text(dir: &Path, found: &Checked) -> String {
    let place = dir.display();
    let content = format!(
        "{} read, {} octets, {}",
        bodies(found.bodies),
        found.octets,
        counted(found.leftovers as usize, "leftover")
    );
    if found.is_sound() {
        return format!("{place}: sound: {content}\n");
    }
    let damages = counted(found.damages_total as usize, "damage");
    let mut text = format!("{place}: damaged: {damages}; {content}\n");
    for damage in &found.damages {
        text.push_str(&format!("  {}\n", damage.summary()));
    }
    let left_out = found.damages_total - found.damages.len() as u64;
    if left_out > 0 {
        text.push_str(&format!("  and {left_out} more\n"));
    }
    text.push_str(&format!(
        "See what can be mended with `mailward store repair --dir {place} --dry-run`, rescue what \
         is readable with `mailward store export --dir {place} --to NEW-FOLDER`.\n"
    ));
    text
}

fn check_json(dir: &Path, found: &Checked) -> Value {
    json!({
        "dir": dir,
        "sound": found.is_sound(),
        "bodies": found.bodies,
        "octets": found.octets,
        "leftovers": found.leftovers,
        "damages_total": found.damages_total,
        "damages": found.damages.iter().map(damage_json).collect::<Vec<_>>(),
    })
}

fn damage_json(damage: &Damage) -> Value {
    json!({
        "file": damage.file,
        "octet": damage.offset,
        "record": damage.record,
        "what": damage.what,
    })
}

fn export(dir: &Path, to: &Path, form: &Form, as_json: bool) -> Result<Report, CommandError> {
    let stores = stores(dir)?;
    let mut exported = Vec::new();
    for place in &stores {
        // The stores of `up` keep their names; a single one needs none.
        let target = match place.file_name() {
            Some(name) if place != dir => to.join(name),
            _ => to.to_owned(),
        };
        let written = mailward_store::export_with(place, &target, |rescue| {
            store_export::messages(rescue, &target, form)
        });
        let written = written.map_err(CommandError::new)?;
        exported.push((place.clone(), target, written));
    }
    let whole = exported.iter().all(|(.., one)| one.failures.is_empty());
    if as_json {
        let stores: Vec<Value> = exported.iter().map(export_json).collect();
        return Report::json(&json!({ "whole": whole, "stores": stores }), whole);
    }
    Ok(Report::new(
        exported.iter().map(export_text).collect::<String>(),
        whole,
    ))
}

fn export_text((from, to, written): &(PathBuf, PathBuf, Exported)) -> String {
    let mut text = format!(
        "{}: exported to {}: {}, {}, {}, {} that no row names\n",
        from.display(),
        to.display(),
        counted(written.messages as usize, "message"),
        counted(written.rows as usize, "row"),
        bodies(written.bodies),
        bodies(written.unnamed),
    );
    for failure in &written.failures {
        text.push_str(&format!("  not readable: {failure}\n"));
    }
    text
}

fn export_json((from, to, written): &(PathBuf, PathBuf, Exported)) -> Value {
    json!({
        "dir": from,
        "to": to,
        "messages": written.messages,
        "rows": written.rows,
        "bodies": written.bodies,
        "unnamed": written.unnamed,
        "failures": written.failures,
    })
}

/// The store that `dir` is, or the gateway's in the folder of `up`.
pub(super) fn one_store(dir: &Path) -> Result<PathBuf, CommandError> {
    let found = stores(dir)?;
    found
        .into_iter()
        .next()
        .ok_or_else(|| CommandError::new(format!("{} holds no store", dir.display())))
}

/// The store that `dir` is, or those in the folder of `up` that it is.
fn stores(dir: &Path) -> Result<Vec<PathBuf>, CommandError> {
    if is_store(dir) {
        return Ok(vec![dir.to_owned()]);
    }
    let within = WITHIN_UP.iter().map(|name| dir.join(name));
    let found: Vec<PathBuf> = within.filter(|place| is_store(place)).collect();
    if found.is_empty() {
        return Err(CommandError::new(format!(
            "{} holds no store; name the folder of `mailward up --dir` or the `dir` of a configuration",
            dir.display()
        )));
    }
    Ok(found)
}

fn bodies(count: u64) -> String {
    match count {
        1 => "1 body".to_owned(),
        _ => format!("{count} bodies"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::Answer;
    use crate::operator::testing::Fixture;

    /// A store in `gateway` within the folder, as `up` keeps it, with the
    /// second of its three bodies spoilt or not.
    async fn folder(spoilt: bool) -> tempfile::TempDir {
        let fixture = Fixture::new().await;
        let segment = fixture.store_dir().join("segments/00000001.seg");
        fixture.queue.close().await;
        if spoilt {
            let mut octets = std::fs::read(&segment).expect("a segment");
            let middle = octets.len() / 2;
            octets[middle] ^= 0x20;
            std::fs::write(&segment, octets).expect("written");
        }
        fixture.dir
    }

    #[tokio::test]
    async fn a_sound_store_is_said_to_be() {
        let folder = folder(false).await;
        for dir in [folder.path().to_owned(), folder.path().join("gateway")] {
            let report = check(&dir, false).expect("a report");
            assert_eq!(report.answer, Answer::Yes);
            assert!(
                report.text.contains("gateway: sound: 3 bodies read, "),
                "{}",
                report.text
            );
        }
    }

    #[tokio::test]
    async fn damage_is_named_with_its_record_and_the_rest_is_rescued() {
        let folder = folder(true).await;
        let report = check(folder.path(), false).expect("a report");
        assert_eq!(report.answer, Answer::No);
        for expected in [
            "gateway: damaged: 1 damage; ",
            ".seg, octet ",
            ", record 2: ",
            "mailward store export --dir ",
        ] {
            assert!(report.text.contains(expected), "{}", report.text);
        }
        let report = check(folder.path(), true).expect("a report");
        let value: Value = serde_json::from_str(&report.text).expect("JSON");
        assert_eq!(value["stores"][0]["damages"][0]["record"], 2);

        let to = folder.path().join("rescue");
        let report = export(folder.path(), &to, &Form::Folder, false).expect("a report");
        assert_eq!(report.answer, Answer::No);
        assert!(report.text.contains("2 bodies"), "{}", report.text);
        assert!(to.join("gateway/rows/messages.jsonl").exists());
    }

    #[tokio::test]
    async fn each_message_is_exported_with_all_that_is_known_of_it() {
        let folder = folder(false).await;
        let to = folder.path().join("export");
        let report = export(folder.path(), &to, &Form::Folder, false).expect("a report");
        assert_eq!(report.answer, Answer::Yes, "{}", report.text);
        assert!(report.text.contains("3 messages"), "{}", report.text);
        let (mut texts, mut states) = (0, Vec::new());
        let entries = std::fs::read_dir(to.join("gateway/messages")).expect("a folder");
        for entry in entries {
            let path = entry.expect("an entry").path();
            let text = std::fs::read_to_string(&path).expect("a file");
            if path.extension().is_some_and(|kind| kind == "eml") {
                texts += 1;
                assert!(text.starts_with("Received: from ward"), "{text}");
                assert!(text.ends_with("\r\n\r\nSee you.\r\n"), "{text}");
                continue;
            }
            let told: Value = serde_json::from_str(&text).expect("JSON");
            let id = told["message"]["id"].as_str().expect("an id");
            assert_eq!(told["eml"], format!("{id}.eml"));
            assert_eq!(told["envelope"]["reverse_path"], "rota@northmoor.example");
            assert!(told["message"]["timeline"][0]["at"].is_string(), "{told}");
            for recipient in told["message"]["recipients"]
                .as_array()
                .expect("recipients")
            {
                states.push(recipient["state"].as_str().expect("a state").to_owned());
            }
        }
        states.sort();
        assert_eq!(texts, 3);
        assert_eq!(states, ["deferred", "hold", "incoming", "relayed"]);
        // They need no second copy.
        let bodies = std::fs::read_dir(to.join("gateway/bodies")).expect("a folder");
        assert_eq!(bodies.count(), 0);

        let to = folder.path().join("archive");
        let report = export(folder.path(), &to, &Form::Tar, false).expect("a report");
        assert_eq!(report.answer, Answer::Yes, "{}", report.text);
        let listed = std::process::Command::new("tar")
            .arg("-tf")
            .arg(to.join("gateway/messages.tar"))
            .output()
            .expect("tar runs");
        assert_eq!(String::from_utf8_lossy(&listed.stdout).lines().count(), 6);
    }

    #[tokio::test]
    async fn a_repair_says_what_it_would_do_and_keeps_what_there_was() {
        let folder = folder(true).await;
        let repair = |dry_run, as_json| {
            store_repair::repair(folder.path(), None, dry_run, as_json).expect("a report")
        };
        let told = repair(true, false);
        assert_eq!(told.answer, Answer::No, "{}", told.text);
        assert!(
            told.text.contains("2 acts to do; nothing was touched"),
            "{}",
            told.text
        );
        let kept = || {
            let entries = std::fs::read_dir(folder.path())
                .expect("a folder")
                .flatten();
            let names = entries.map(|one| one.file_name().to_string_lossy().into_owned());
            names
                .filter(|name| name.starts_with("gateway.before-repair-"))
                .count()
        };
        assert_eq!(kept(), 0);
        let done = repair(false, true);
        assert_eq!((done.answer, kept()), (Answer::Yes, 1), "{}", done.text);
        let value: Value = serde_json::from_str(&done.text).expect("JSON");
        assert_eq!(value["lost_bodies"], 1);
        assert!(
            repair(false, false)
                .text
                .contains("sound, nothing to repair")
        );
        let checked = check(folder.path(), false).expect("a report");
        assert_eq!(checked.answer, Answer::Yes, "{}", checked.text);
    }

    #[tokio::test]
    async fn a_store_in_use_is_refused_and_its_holder_named() {
        let fixture = Fixture::new().await;
        let (dir, to) = (fixture.store_dir(), fixture.dir.path().join("to"));
        let refusals = [
            check(&dir, false).expect_err("in use"),
            export(&dir, &to, &Form::Folder, false).expect_err("in use"),
            store_repair::repair(&dir, None, true, false).expect_err("in use"),
        ];
        for refusal in refusals {
            let holder = format!("in use by another process (process {})", std::process::id());
            assert!(refusal.to_string().contains(&holder), "{refusal}");
        }
        fixture.queue.close().await;
    }

    #[test]
    fn a_folder_without_a_store_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = check(folder.path(), false).expect_err("no store");
        assert!(error.to_string().contains("holds no store"), "{error}");
    }
}
