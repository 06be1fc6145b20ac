//! `mailward accounts new-password`.

use std::path::PathBuf;

use mailward_gateway::config::KeystoreFile;
use mailward_gateway::{Keystore, keystore::Opener};
use mailward_mail::Clock as _;
use mailward_net::{SystemClock, SystemDice};
use mailward_policy::password::generate;
use serde_json::json;

use super::subject::Subject;
use super::{CommandError, Report};
use crate::cli::{KeystoreArguments, PasswordArguments};

/// Into which keystore, and under which name.
pub(super) struct Store {
    pub(super) name: String,
    pub(super) keystore: Option<PathBuf>,
    pub(super) passphrase_file: Option<PathBuf>,
    pub(super) key_file: Option<PathBuf>,
}

pub(super) fn run(
    arguments: &PasswordArguments,
    count: u32,
    store: Option<Store>,
) -> Result<Report, CommandError> {
    let subject = Subject::new(arguments)?;
    let account = subject.account();
    let make = || generate(&SystemDice, &account, &*subject.breached).map_err(CommandError::new);
    if let Some(store) = store {
        if count > 1 {
            return Err(CommandError::new(
                "one name holds one password: leave out --count, or --store",
            ));
        }
        let configured = subject
            .config
            .as_ref()
            .and_then(|config| config.keystore.as_ref());
        let keystore = store.open(configured)?;
        let version = keystore.set(&store.name, &make()?, SystemClock.now(), &SystemDice)?;
        if arguments.json {
            return Report::json(&json!({ "name": store.name, "version": version }), true);
        }
        return Ok(Report::yes(format!(
            "{} is set, version {version}\n",
            store.name
        )));
    }
    let mut passwords = Vec::new();
    for _ in 0..count {
        passwords.push(make()?);
    }
    let shown: Vec<&str> = passwords.iter().map(|one| one.expose()).collect();
    if arguments.json {
        let value = json!({ "kind": subject.kind, "passwords": shown });
        return Report::json(&value, true);
    }
    Ok(Report::yes(shown.join("\n") + "\n"))
}

impl Store {
    /// The configuration's keystore where there is one.
    fn open(&self, configured: Option<&KeystoreFile>) -> Result<Keystore, CommandError> {
        match (configured, &self.keystore) {
            (Some(place), _) => {
                let credentials = std::env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from);
                let opener = Opener::fetch(&place.opened_by, credentials.as_deref())
                    .map_err(CommandError::new)?;
                Ok(Keystore::open(&place.file, opener)?)
            }
            (None, Some(file)) => super::super::secrets::open(&KeystoreArguments {
                keystore: file.clone(),
                passphrase_file: self.passphrase_file.clone(),
                key_file: self.key_file.clone(),
                json: false,
            }),
            (None, None) => Err(CommandError::new(
                "--store needs to know the keystore: name --keystore FILE, or --config FILE with a [keystore]",
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use mailward_policy::password::{CommonPasswords, check};

    use super::*;

    fn arguments(kind: Option<&str>) -> PasswordArguments {
        PasswordArguments {
            kind: kind.map(str::to_owned),
            address: Some("letters@northmoor.example".to_owned()),
            first_name: Some("Morag".to_owned()),
            last_name: None,
            breached: None,
            config: None,
            json: false,
        }
    }

    #[test]
    fn prints_sound_passwords_and_nothing_else() {
        for (kind, least) in [(None, 20), (Some("application"), 20), (Some("user"), 10)] {
            let report = run(&arguments(kind), 3, None).expect("made");
            let lines: Vec<&str> = report.text.lines().collect();
            assert_eq!(lines.len(), 3);
            for line in lines {
                assert!(line.len() >= least, "{line}");
                let password = mailward_mail::Secret::new(line);
                let subject = Subject::new(&arguments(kind)).expect("a subject");
                let faults = check(&password, &subject.account(), &[], &CommonPasswords);
                assert_eq!(faults, Ok(vec![]));
            }
        }
    }

    #[test]
    fn stores_without_printing() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = folder.path().join("key");
        std::fs::write(&key, "0123456789abcdef".repeat(4)).expect("written");
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).expect("mode");
        let file = folder.path().join("keystore");
        let opener = || {
            let place = mailward_gateway::config::KeystoreOpener::KeyFile(key.clone());
            Opener::fetch(&place, None).expect("a key")
        };
        Keystore::create(&file, opener(), &SystemDice).expect("made");
        let store = |keystore| {
            Some(Store {
                name: "letters".to_owned(),
                keystore,
                passphrase_file: None,
                key_file: Some(key.clone()),
            })
        };
        let report = run(&arguments(None), 1, store(Some(file.clone()))).expect("stored");
        assert_eq!(report.text, "letters is set, version 1\n");
        let opened = Keystore::open(&file, opener()).expect("open");
        let kept = opened.get("letters").expect("there").secret;
        assert!(kept.expose().len() >= 20 && !report.text.contains(kept.expose()));

        for (count, keystore, problem) in [(1, None, "--keystore"), (2, Some(file), "--count")] {
            let error = run(&arguments(None), count, store(keystore)).expect_err(problem);
            assert!(error.to_string().contains(problem), "{error}");
        }
    }
}
