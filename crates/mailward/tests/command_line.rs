//! What goes wrong at the start is one clear line and exit code 2.

mod support;

use std::fs;

use support::{Running, mailward, run};

#[track_caller]
fn refused(arguments: &[&str], expected: &str) {
    let output = run(mailward().args(arguments));
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {text}");
    assert_eq!(text.lines().count(), 1, "{arguments:?}: {text}");
    assert!(text.contains(expected), "{arguments:?}: {text}");
    assert!(
        output.stdout.is_empty(),
        "{arguments:?} printed to standard output"
    );
}

#[test]
fn bad_flags_are_one_line() {
    refused(&["up", "--nonsense"], "--nonsense");
    refused(&["up", "--ports-from", "70000"], "70000");
    refused(
        &["up", "--ports-from", "65530", "--json"],
        "--ports-from 65530",
    );
    refused(&["up", "--as-of", "yesterday"], "--as-of yesterday");
    refused(
        &["up", "--seed", "/nonexistent/seed.toml"],
        "/nonexistent/seed.toml",
    );
    refused(
        &["gateway", "--config", "/nonexistent/gateway.toml"],
        "/nonexistent/gateway.toml",
    );
    refused(&["frobnicate"], "frobnicate");
}

#[test]
fn a_folder_that_is_none_is_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("file");
    fs::write(&file, "in the way").expect("a file");
    refused(
        &[
            "up",
            "--ports",
            "auto",
            "--dir",
            file.to_str().expect("UTF-8"),
        ],
        "file",
    );
}

#[test]
fn a_port_in_use_and_a_folder_in_use_are_named() {
    let dir = tempfile::tempdir().expect("a folder");
    let running = Running::up_in(dir.path(), &[]);
    let state = dir.path().join("state");
    let state = state.to_str().expect("UTF-8");
    refused(&["up", "--ports", "auto", "--dir", state], "in use");
    let (_, port) = running
        .text("/gateway/submission")
        .rsplit_once(':')
        .expect("host:port");
    // Others of its ports may lie in the same block of ten, and be met first.
    refused(
        &["up", "--ports-from", port],
        "on 127.0.0.1 is in use by another program",
    );
}

#[test]
fn nothing_is_left_but_the_folder() {
    let before = temporary_folders();
    let running = Running::start(&["up", "--json", "--ports", "auto"]);
    let dir = running.text("/dir").to_owned();
    assert!(fs::metadata(&dir).is_ok());
    assert!(running.stop().success());
    assert!(fs::metadata(&dir).is_err(), "{dir} was left behind");
    let left: Vec<_> = temporary_folders()
        .into_iter()
        .filter(|name| !before.contains(name) && dir.ends_with(name))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

fn temporary_folders() -> Vec<String> {
    fs::read_dir(std::env::temp_dir())
        .expect("the folder for temporary files")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.starts_with("mailward-"))
        .collect()
}

#[test]
fn a_folder_opened_again_has_the_same_accounts_and_mail() {
    let dir = tempfile::tempdir().expect("a folder");
    let first = Running::up_in(dir.path(), &[]);
    let ready = first.ready.clone();
    support::python(
        &first,
        r#"
smtp = submit()
to = account("user")["address"]
smtp.sendmail(application()["from"], [to], "From: %s\r\nTo: %s\r\nSubject: kept\r\n\r\nx\r\n" % (application()["from"], to))
box = imap(account("user"))
def it():
    box.select("INBOX")
    return box.search(None, "SUBJECT", "kept")[1][0]
wait_for(it, "the message")
"#,
        &[],
    );
    assert!(first.stop().success());
    let second = Running::up_in(dir.path(), &[]);
    for part in ["applications", "accounts", "ca_file", "console", "dir"] {
        assert_eq!(second.ready[part], ready[part], "{part}");
    }
    support::python(
        &second,
        "box = imap(account('user')); box.select('INBOX'); assert box.search(None, 'SUBJECT', 'kept')[1][0]",
        &[],
    );
}

#[test]
fn check_says_yes_or_no_by_its_exit_code() {
    let dir = tempfile::tempdir().expect("a folder");
    let from = "From: \"Appointments, Clinic (NORTHMOOR HOSPITALS TRUST)\" <appointments@northmoor.example>\r\n";
    let rest = "To: <asha.sample@northmoor.example>\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@northmoor.example>\r\nSubject: x\r\n\r\nx\r\n";
    for (name, message, code, expected) in [
        ("good", format!("{from}{rest}"), 0, "accept"),
        (
            "bad",
            format!("{from}Reply-To: no-reply@northmoor.example\r\n{rest}"),
            1,
            "no-non-delivery-address",
        ),
    ] {
        let path = dir.path().join(format!("{name}.eml"));
        fs::write(&path, message).expect("a message");
        let output = run(mailward().args([
            "check",
            path.to_str().expect("UTF-8"),
            "--app",
            "appointments",
        ]));
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(
            output.status.code(),
            Some(code),
            "{text}{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(text.contains(expected), "{text}");
    }
    let output = run(mailward().args(["explain", "no-non-delivery-address"]));
    assert!(String::from_utf8_lossy(&output.stdout).contains("GUIDE-72"));
}
