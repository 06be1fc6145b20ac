//! `mailward secrets`: what a configuration refers to and must not hold.
//!
//! A secret comes by standard input and never as an argument, which every
//! user of the machine could read.

use std::io::Read;

use mailward_gateway::Keystore;
use mailward_gateway::config::{KeyKind, KeystoreOpener};
use mailward_gateway::keystore::{KeystoreError, Opener, SECRET_OCTETS_MAX, private_file};
use mailward_gateway::register::{KeyHash, PasswordHash, make_api_key, make_password};
use mailward_mail::{Clock, Secret, Timestamp};
use mailward_net::{SystemClock, SystemDice};
use serde_json::json;
use zeroize::Zeroizing;

use super::table::Table;
use super::{CommandError, Report};
use crate::cli::{KeystoreArguments, SecretsCommand};

/// Where the passphrase is when no file is named.
const PASSPHRASE_VARIABLE: &str = "MAILWARD_KEYSTORE_PASSPHRASE";

pub(super) fn run(command: SecretsCommand, input: &mut dyn Read) -> Result<Report, CommandError> {
    match command {
        SecretsCommand::Init { keystore } => init(&keystore),
        SecretsCommand::Set {
            name,
            changed,
            keystore,
        } => set(&name, changed.as_deref(), &keystore, input),
        SecretsCommand::List { keystore } => list(&keystore),
        SecretsCommand::Remove { name, keystore } => remove(&name, &keystore),
        SecretsCommand::Hash { make, json } => hash(make.as_deref(), json, input),
    }
}

fn init(arguments: &KeystoreArguments) -> Result<Report, CommandError> {
    let file = &arguments.keystore;
    Keystore::create(file, opener(arguments)?, &SystemDice)?;
    if arguments.json {
        return Report::json(&json!({ "keystore": file }), true);
    }
    let text = format!("{} is made, and empty\n", file.display());
    Ok(Report::yes(text))
}

fn set(
    name: &str,
    changed: Option<&str>,
    arguments: &KeystoreArguments,
    input: &mut dyn Read,
) -> Result<Report, CommandError> {
    let now = SystemClock.now();
    let changed = match changed.map(Timestamp::parse) {
        None => now,
        Some(Ok(changed)) if changed <= now => changed,
        Some(_) => {
            return Err(CommandError::new(
                "--changed is a day that has been, written as 2026-12-31",
            ));
        }
    };
    let secret = read_secret(input)?;
    let keystore = open(arguments)?;
    let version = keystore.set(name, &secret, changed, &SystemDice)?;
    if arguments.json {
        return Report::json(&json!({ "name": name, "version": version }), true);
    }
    Ok(Report::yes(format!("{name} is set, version {version}\n")))
}

fn list(arguments: &KeystoreArguments) -> Result<Report, CommandError> {
    let listed = open(arguments)?.list()?;
    if arguments.json {
        return Report::json(&json!({ "secrets": listed }), true);
    }
    let mut table = Table::new(["NAME", "VERSION", "CHANGED"]);
    for one in &listed {
        table.row([
            &one.name,
            &one.version.to_string(),
            &one.changed.to_string(),
        ]);
    }
    Ok(Report::yes(table.text()))
}

fn remove(name: &str, arguments: &KeystoreArguments) -> Result<Report, CommandError> {
    open(arguments)?.remove(name, &SystemDice)?;
    if arguments.json {
        return Report::json(&json!({ "name": name, "removed": true }), true);
    }
    Ok(Report::yes(format!("{name} is removed\n")))
}

/// What stands in the configuration for an intake password or API key: a slow
/// hash of one that somebody chose, a plain digest of one that was made with
/// more chance than can be guessed.
fn hash(make: Option<&str>, json: bool, input: &mut dyn Read) -> Result<Report, CommandError> {
    let made = match make {
        Some("api-key") => Some(make_api_key(KeyKind::Live, &SystemDice)),
        Some(_) => Some(make_password(&SystemDice)),
        None => None,
    };
    let hash = match &made {
        Some(secret) => KeyHash::of(secret.expose()).to_text(),
        None => PasswordHash::of_chosen(&read_secret(input)?, &SystemDice)
            .map_err(|error| CommandError::new(error.to_string()))?
            .to_text(),
    };
    let secret = made.as_ref().map(Secret::expose);
    if json {
        return Report::json(&json!({ "secret": secret, "hash": hash }), true);
    }
    let shown = secret.map_or(String::new(), |secret| format!("secret  {secret}\n"));
    Ok(Report::yes(format!("{shown}hash    {hash}\n")))
}

/// All of the input, without the one line end that `echo` adds.
pub(super) fn read_secret(input: &mut dyn Read) -> Result<Secret, CommandError> {
    let unreadable = |why: &dyn std::fmt::Display| {
        CommandError::new(format!(
            "the secret cannot be read from standard input: {why}"
        ))
    };
    // Made whole at once: a buffer that grows leaves copies behind.
    let mut octets = Zeroizing::new(Vec::with_capacity(SECRET_OCTETS_MAX + 3));
    let most = SECRET_OCTETS_MAX as u64 + 3;
    input
        .take(most)
        .read_to_end(&mut octets)
        .map_err(|error| unreadable(&error))?;
    let text = std::str::from_utf8(&octets).map_err(|_| unreadable(&"it is not UTF-8"))?;
    let text = text.strip_suffix('\n').unwrap_or(text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    if text.is_empty() {
        return Err(unreadable(
            &"it is empty; pipe it in or type it and end with Ctrl-D",
        ));
    }
    if text.len() > SECRET_OCTETS_MAX {
        return Err(unreadable(&format!(
            "it has more than {SECRET_OCTETS_MAX} octets"
        )));
    }
    Ok(Secret::new(text))
}

pub(super) fn open(arguments: &KeystoreArguments) -> Result<Keystore, CommandError> {
    let opener = opener(arguments)?;
    Ok(Keystore::open(&arguments.keystore, opener)?)
}

fn opener(arguments: &KeystoreArguments) -> Result<Opener, CommandError> {
    if let Some(file) = &arguments.passphrase_file {
        let text = private_file(file).map_err(CommandError::new)?;
        let passphrase = text.trim_end_matches(['\r', '\n']);
        if passphrase.is_empty() {
            return Err(CommandError::new(format!("{} is empty", file.display())));
        }
        return Ok(Opener::Passphrase(Secret::new(passphrase)));
    }
    let from = match &arguments.key_file {
        Some(file) => KeystoreOpener::KeyFile(file.clone()),
        None => KeystoreOpener::PassphraseEnv(PASSPHRASE_VARIABLE.to_owned()),
    };
    Opener::fetch(&from, None).map_err(|error| match arguments.key_file {
        Some(_) => CommandError::new(error),
        None => CommandError::new(format!(
            "{error}; set it, or name --passphrase-file or --key-file"
        )),
    })
}

impl From<KeystoreError> for CommandError {
    fn from(error: KeystoreError) -> Self {
        Self::new(error)
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use super::*;

    fn arguments(folder: &Path, json: bool) -> KeystoreArguments {
        KeystoreArguments {
            keystore: folder.join("keystore"),
            passphrase_file: None,
            key_file: Some(folder.join("key")),
            json,
        }
    }

    fn folder() -> tempfile::TempDir {
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("key");
        std::fs::write(&key, "0123456789abcdef".repeat(4)).expect("written");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("mode");
        folder
    }

    fn text(command: SecretsCommand, input: &str) -> Result<String, String> {
        run(command, &mut input.as_bytes())
            .map(|report| report.text)
            .map_err(|error| error.to_string())
    }

    #[test]
    fn sets_lists_and_removes_and_never_shows() {
        let folder = folder();
        let keystore = || arguments(folder.path(), false);
        let set = |name: &str| SecretsCommand::Set {
            name: name.to_owned(),
            changed: None,
            keystore: keystore(),
        };
        let missing = text(set("letters"), "hunter2\n").expect_err("no keystore yet");
        assert!(missing.contains("mailward secrets init"), "{missing}");

        text(
            SecretsCommand::Init {
                keystore: keystore(),
            },
            "",
        )
        .expect("made");
        assert_eq!(
            text(set("letters"), "hunter2\n").expect("set"),
            "letters is set, version 1\n"
        );
        assert_eq!(
            text(set("b"), "  two words\n\n").expect("set"),
            "b is set, version 2\n"
        );
        let opener = opener(&keystore()).expect("a key");
        let opened = Keystore::open(&folder.path().join("keystore"), opener).expect("open");
        for (name, expected) in [("letters", "hunter2"), ("b", "  two words\n")] {
            assert_eq!(opened.get(name).expect("there").secret.expose(), expected);
        }

        let listed = text(
            SecretsCommand::List {
                keystore: keystore(),
            },
            "",
        )
        .expect("a list");
        let mut lines = listed.lines();
        assert_eq!(lines.next(), Some("NAME     VERSION  CHANGED"));
        assert!(
            lines.next().expect("b").starts_with("b        2        20"),
            "{listed}"
        );
        assert!(!listed.contains("hunter2"), "{listed}");

        let name = "letters".to_owned();
        let remove = SecretsCommand::Remove {
            name,
            keystore: arguments(folder.path(), true),
        };
        assert_eq!(
            text(remove, "").expect("removed"),
            "{\"name\":\"letters\",\"removed\":true}\n"
        );
        let name = "letters".to_owned();
        let again = SecretsCommand::Remove {
            name,
            keystore: keystore(),
        };
        assert!(text(again, "").expect_err("gone").contains("no secret"));
    }

    #[test]
    fn what_is_no_secret_is_refused() {
        let long = "x".repeat(SECRET_OCTETS_MAX + 1);
        for (input, expected) in [
            (&b""[..], "empty"),
            (b"\n", "empty"),
            (b"\xff\n", "not UTF-8"),
            (long.as_bytes(), "more than"),
        ] {
            let error = read_secret(&mut &input[..])
                .expect_err(expected)
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
