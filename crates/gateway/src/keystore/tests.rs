use std::os::unix::fs::PermissionsExt as _;

use mailward_net::SeededDice;
use tempfile::TempDir;

use super::*;

static DICE: SeededDice = SeededDice::new(7);

fn now() -> Timestamp {
    Timestamp::parse("2026-11-21T09:00:00Z").expect("a time")
}

fn key(octet: u8) -> Opener {
    Opener::Key(Zeroizing::new([octet; 32]))
}

fn passphrase(text: &str) -> Opener {
    Opener::Passphrase(Secret::new(text))
}

struct Place {
    _folder: TempDir,
    file: PathBuf,
}

fn place() -> Place {
    let folder = tempfile::tempdir().expect("a folder");
    Place {
        file: folder.path().join("secrets.keystore"),
        _folder: folder,
    }
}

#[test]
fn keeps_secrets_with_versions_that_never_return() {
    let place = place();
    let keystore = Keystore::create(&place.file, key(1), &DICE).expect("made");
    assert_eq!(
        keystore
            .set("letters", &Secret::new("first"), now(), &DICE)
            .expect("set"),
        1
    );
    assert_eq!(
        keystore
            .set("alerts", &Secret::new("other"), now(), &DICE)
            .expect("set"),
        2
    );
    assert_eq!(
        keystore
            .set("letters", &Secret::new("second"), now(), &DICE)
            .expect("set"),
        3
    );
    keystore.remove("letters", &DICE).expect("removed");
    assert_eq!(
        keystore
            .set("letters", &Secret::new("third"), now(), &DICE)
            .expect("set"),
        4
    );

    let again = Keystore::open(&place.file, key(1)).expect("opened");
    let found = again.get("letters").expect("there");
    assert_eq!(
        (found.secret.expose(), found.version.as_str()),
        ("third", "4")
    );
    let names: Vec<String> = again
        .list()
        .expect("list")
        .into_iter()
        .map(|one| one.name)
        .collect();
    assert_eq!(names, ["alerts", "letters"]);
    assert!(matches!(
        again.get("nobody"),
        Err(KeystoreError::NoSuchSecret(_))
    ));
    assert!(matches!(
        again.remove("nobody", &DICE),
        Err(KeystoreError::NoSuchSecret(_))
    ));
}

#[test]
fn sees_what_another_process_wrote() {
    let place = place();
    let one = Keystore::create(&place.file, key(1), &DICE).expect("made");
    let other = Keystore::open(&place.file, key(1)).expect("opened");
    one.set("letters", &Secret::new("first"), now(), &DICE)
        .expect("set");
    assert_eq!(other.get("letters").expect("seen").version, "1");
    other
        .set("letters", &Secret::new("second"), now(), &DICE)
        .expect("set");
    assert_eq!(one.get("letters").expect("seen").secret.expose(), "second");
}

#[test]
fn the_file_is_private_and_shows_nothing() {
    let place = place();
    let keystore = Keystore::create(&place.file, passphrase("correct horse"), &DICE).expect("made");
    keystore
        .set("letters", &Secret::new("hunter2hunter2"), now(), &DICE)
        .expect("set");
    let mode = fs::metadata(&place.file)
        .expect("there")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let sealed = fs::read(&place.file).expect("read");
    for word in [&b"hunter2"[..], b"letters"] {
        assert!(!sealed.windows(word.len()).any(|window| window == word));
    }
    let shown = format!(
        "{keystore:?} {:?} {:?}",
        passphrase("correct horse"),
        keystore.get("letters")
    );
    assert!(
        !shown.contains("hunter2") && !shown.contains("correct horse"),
        "{shown}"
    );
}

#[test]
fn a_wrong_opener_is_told_from_a_damaged_file() {
    let place = place();
    let keystore = Keystore::create(&place.file, passphrase("correct horse"), &DICE).expect("made");
    keystore
        .set("letters", &Secret::new("first"), now(), &DICE)
        .expect("set");
    for wrong in [passphrase("wrong"), key(1)] {
        let error = Keystore::open(&place.file, wrong).expect_err("the wrong key");
        assert!(matches!(error, KeystoreError::WrongKey(_)), "{error}");
    }
    assert!(Keystore::open(&place.file, passphrase("correct horse")).is_ok());
}

#[test]
fn every_changed_octet_is_noticed() {
    let place = place();
    let keystore = Keystore::create(&place.file, key(1), &DICE).expect("made");
    keystore
        .set("letters", &Secret::new("first"), now(), &DICE)
        .expect("set");
    let sealed = fs::read(&place.file).expect("read");
    for at in 0..sealed.len() {
        let mut bad = sealed.clone();
        bad[at] ^= 0x10;
        fs::write(&place.file, bad).expect("written");
        let error = Keystore::open(&place.file, key(1)).expect_err("changed");
        let told = matches!(error, KeystoreError::Damaged { .. })
            || (at == 4 && matches!(error, KeystoreError::Newer { .. }));
        assert!(told, "octet {at}: {error}");
    }
    for length in [0, 3, 20, sealed.len() - 1] {
        fs::write(&place.file, &sealed[..length]).expect("written");
        let error = Keystore::open(&place.file, key(1)).expect_err("cut");
        assert!(
            matches!(error, KeystoreError::Damaged { .. }),
            "{length}: {error}"
        );
    }
}

#[test]
fn never_overwrites_and_says_what_is_missing() {
    let place = place();
    assert!(matches!(
        Keystore::open(&place.file, key(1)),
        Err(KeystoreError::Missing(_))
    ));
    Keystore::create(&place.file, key(1), &DICE).expect("made");
    assert!(matches!(
        Keystore::create(&place.file, key(1), &DICE),
        Err(KeystoreError::Exists(_))
    ));
}

#[test]
fn refuses_what_is_no_name_or_no_secret() {
    let keystore = Keystore::in_memory();
    for name in ["", "a b", "../x", &"n".repeat(65)] {
        let error = keystore
            .set(name, &Secret::new("s"), now(), &DICE)
            .expect_err(name);
        assert!(matches!(error, KeystoreError::BadName(_)));
    }
    for secret in [String::new(), "s".repeat(SECRET_OCTETS_MAX + 1)] {
        let error = keystore
            .set("name", &Secret::new(secret), now(), &DICE)
            .expect_err("size");
        assert!(matches!(error, KeystoreError::TooMuch));
    }
    keystore
        .set("name", &Secret::new("s"), now(), &DICE)
        .expect("in memory");
    assert_eq!(keystore.get("name").expect("there").version, "1");
}

#[test]
fn key_files_must_be_private_and_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("key");
    let read = |content: &[u8], mode: u32| {
        fs::write(&path, content).expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("mode");
        Opener::fetch(&crate::config::KeystoreOpener::KeyFile(path.clone()), None)
    };
    assert!(matches!(read(&[9; 32], 0o600), Ok(Opener::Key(key)) if *key == [9; 32]));
    let hex = format!("{}\n", "0a".repeat(32));
    assert!(matches!(read(hex.as_bytes(), 0o400), Ok(Opener::Key(key)) if *key == [10; 32]));
    for content in [&b"short"[..], &[b'z'; 64], &[1; 33]] {
        assert!(matches!(read(content, 0o600), Err(OpenerError::BadKey(_))));
    }
    assert!(matches!(
        read(&[9; 32], 0o604),
        Err(OpenerError::NotPrivate { .. })
    ));
    assert!(matches!(
        Opener::fetch(
            &crate::config::KeystoreOpener::KeyCredential("k".to_owned()),
            None
        ),
        Err(OpenerError::NoCredentials)
    ));
}
