//! `mailward doctor` against servers that nobody here wrote, and against the
//! twin.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

#[path = "support/postfix.rs"]
mod postfix;

use std::fs;
use std::path::{Path, PathBuf};

use postfix::{FarEnd, PASSWORD};
use serde_json::Value;
use support::{Running, free_port, mailward, python, run, succeed};

const PASSPHRASE: &str = "a passphrase of several words";

/// A configuration with one route and account for each of `routes`: name,
/// server, port.
fn configuration(
    dir: &Path,
    far: &FarEnd,
    routes: &[(&str, &str, u16)],
    password: &str,
) -> PathBuf {
    let place = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    let secrets = |words: &[&str], input: &str| {
        fs::write(place("input"), input).unwrap();
        let mut command = mailward();
        command.arg("secrets").args(words);
        command.args(["--keystore", &place("keystore")]);
        command.env("MAILWARD_KEYSTORE_PASSPHRASE", PASSPHRASE);
        command.stdin(fs::File::open(place("input")).unwrap());
        succeed(&mut command);
    };
    secrets(&["init"], "");
    for (name, _, _) in routes {
        secrets(&["set", name], password);
    }
    let far_dir = far.dir.path().display();
    let mut text = format!(
        "[gateway]\nhostname = \"localhost\"\nenvironment = \"test\"\ndir = \"{}\"\n\
         [gateway.tls]\ncertificate = \"{far_dir}/leaf.pem\"\nkey = \"{far_dir}/leaf.key\"\n\
         [keystore]\nfile = \"{}\"\npassphrase = \"env:FAR_END_PASSPHRASE\"\n",
        place("store"),
        place("keystore"),
    );
    for (name, server, port) in routes {
        // One account is the real one; the others never come to sign in.
        let account = if *name == "good" { "clinic" } else { name };
        text.push_str(&format!(
            "[[route]]\nname = \"{name}\"\nkind = \"submission\"\nserver = \"{server}\"\nport = {port}\n\
             ca_file = \"{far_dir}/ca.pem\"\nmechanism = \"login\"\n\
             [[account]]\naddress = \"{account}@northmoor.example\"\nroute = \"{name}\"\n\
             secret = \"keystore:{name}\"\n"
        ));
    }
    let file = dir.join("gateway.toml");
    fs::write(&file, text).unwrap();
    file
}

/// Runs the preflight; gives its exit code and its object.
fn doctor(arguments: &[&str]) -> (Option<i32>, Value) {
    let mut command = mailward();
    command.arg("doctor").args(arguments).arg("--json");
    let output = run(command.env("FAR_END_PASSPHRASE", PASSPHRASE));
    let text = String::from_utf8_lossy(&output.stdout);
    let object = serde_json::from_str(&text).unwrap_or_else(|error| {
        panic!("{error}: {text}{}", String::from_utf8_lossy(&output.stderr))
    });
    (output.status.code(), object)
}

/// The finding of a check about something: its severity and sentence.
fn found<'v>(report: &'v Value, check: &str, subject: &str) -> (&'v str, &'v str, &'v Value) {
    let findings = report["findings"].as_array().unwrap();
    let finding = findings
        .iter()
        .find(|one| one["check"] == check && one["subject"] == subject)
        .unwrap_or_else(|| panic!("{check} says nothing of {subject}: {report:#}"));
    let text = |name: &str| finding[name].as_str().unwrap();
    (text("severity"), text("seen"), finding)
}

#[test]
fn every_trouble_of_a_stranger_is_told_by_its_check() {
    let (anonymous, old, expired, other) = (free_port(), free_port(), free_port(), free_port());
    let certificate = |leaf: &str| {
        format!(
            "-o smtpd_tls_cert_file={{dir}}/{leaf}.pem -o smtpd_tls_key_file={{dir}}/{leaf}.key"
        )
    };
    let far = FarEnd::start_with(vec![
        (anonymous, "-o smtpd_sasl_auth_enable=no".to_owned()),
        (
            old,
            "-o smtpd_tls_protocols=TLSv1.1,TLSv1 -o tls_medium_cipherlist=ALL:@SECLEVEL=0"
                .to_owned(),
        ),
        (expired, certificate("expired")),
        (other, certificate("other")),
    ]);
    let dir = tempfile::tempdir().unwrap();
    let routes = [
        ("good", "localhost", far.port),
        ("anonymous", "localhost", anonymous),
        ("old", "localhost", old),
        ("expired", "localhost", expired),
        ("other", "localhost", other),
        ("closed", "localhost", free_port()),
    ];
    let config = configuration(dir.path(), &far, &routes, PASSWORD);
    let (code, report) = doctor(&["--config", config.to_str().unwrap()]);
    assert_eq!(code, Some(2), "{report:#}");
    assert_eq!(report["worst"], "error");
    for (check, subject, severity, text) in [
        ("server-name", "route good", "ok", "127.0.0.1"),
        ("server-port", "route good", "ok", "answers on port"),
        ("server-greeting", "route good", "ok", "ESMTP Postfix"),
        ("starttls", "route good", "ok", "taken"),
        ("tls-version", "route good", "ok", "TLSv1.3"),
        (
            "server-certificate",
            "route good",
            "ok",
            "valid for 89 days",
        ),
        ("mechanism", "route good", "ok", "LOGIN is offered"),
        ("message-size", "route good", "warning", "10240000"),
        (
            "sign-in",
            "account clinic@northmoor.example",
            "ok",
            "signed in",
        ),
        (
            "smtp-enabled",
            "account clinic@northmoor.example",
            "ok",
            "enabled",
        ),
        ("mechanism", "route anonymous", "error", "no way to sign in"),
        ("tls-version", "route old", "error", "ProtocolVersion"),
        (
            "server-certificate",
            "route expired",
            "error",
            "has expired",
        ),
        (
            "server-certificate",
            "route other",
            "error",
            "other.northmoor.example",
        ),
        ("server-port", "route closed", "error", "nothing listens"),
        ("server-greeting", "route closed", "note", "no connection"),
        (
            "sign-in",
            "account old@northmoor.example",
            "note",
            "not tried",
        ),
        ("own-certificate", "gateway", "ok", "for localhost"),
        ("own-listeners", "gateway", "note", "does not run"),
        ("store-folder", "store", "note", "first start"),
        ("test-apart", "gateway", "ok", "environment is test"),
        (
            "secrets",
            "account old@northmoor.example",
            "ok",
            "keystore:old",
        ),
    ] {
        let (found, seen, _) = found(&report, check, subject);
        assert!(
            found == severity && seen.contains(text),
            "{check}, {subject}: {found}: {seen}"
        );
    }
    let (_, _, expired) = found(&report, "server-certificate", "route expired");
    assert_eq!(expired["measured"]["issuer"], "CN=Far-end-CA");
    assert!(
        expired["clauses"]
            .as_array()
            .is_some_and(|ids| ids.contains(&"ENG-17".into()))
    );
    assert!(!dir.path().join("store").exists());

    // The same for people, of one route.
    let mut command = mailward();
    command.args([
        "doctor", "--route", "good", "--check", "sign-in", "--config",
    ]);
    let page = succeed(command.arg(&config).env("FAR_END_PASSPHRASE", PASSPHRASE));
    assert!(
        page.contains("account clinic@northmoor.example\n  ok       sign-in  signed in"),
        "{page}"
    );
}

#[test]
fn a_wrong_password_is_tried_once_however_often_one_asks() {
    let far = FarEnd::start();
    let dir = tempfile::tempdir().unwrap();
    let routes = [("good", "localhost", far.port)];
    let config = configuration(dir.path(), &far, &routes, "not the right password");
    let account = "account clinic@northmoor.example";
    for text in ["its breaker is open", "not tried again", "not tried again"] {
        let (code, report) = doctor(&["--config", config.to_str().unwrap()]);
        assert_eq!(code, Some(2));
        let (severity, seen, _) = found(&report, "sign-in", account);
        assert!(severity == "error" && seen.contains(text), "{seen}");
    }
    let log = fs::read_to_string(far.path("postfix.log")).unwrap();
    assert_eq!(log.matches("authentication failed").count(), 1, "{log}");
    let store = dir.path().join("store");
    let summary = succeed(mailward().args([
        "queue",
        "summary",
        "--json",
        "--dir",
        store.to_str().unwrap(),
    ]));
    assert!(summary.contains("clinic@northmoor.example"), "{summary}");
}

const DISABLE_SMTP: &str = r#"
import urllib.request
who = [a for a in ready["accounts"] if a["address"] == argv[0]][0]
body = {"address": who["address"], "password": who["password"], "kind": who["kind"], "protocols": ["imap"]}
request = urllib.request.Request(ready["control"]["url"] + "/accounts", json.dumps(body).encode(),
    headers={"Authorization": "Bearer " + ready["control"]["token"], "Content-Type": "application/json"})
urllib.request.urlopen(request, context=context).read()
"#;

#[test]
fn a_running_gateway_looks_at_itself() {
    let running = Running::up(&[]);
    let dir = running.text("/dir").to_owned();
    let sender = running.text("/applications/0/from").to_owned();
    let account = format!("account {sender}");
    let (_, report) = doctor(&["--dir", &dir]);
    for (check, subject, text) in [
        ("sign-in", account.as_str(), "signed in"),
        ("smtp-enabled", &account, "enabled"),
        ("oauth-token", "oauth twin", "a token came"),
        (
            "own-listeners",
            "listener submission in the clear",
            "a stranger is refused: 530",
        ),
        (
            "own-listeners",
            "listener submission",
            "a stranger is refused: 530",
        ),
        (
            "own-listeners",
            "listener submissions",
            "a stranger is refused: 530",
        ),
        ("own-listeners", "listener https", "401"),
        ("own-certificate", "gateway", "for localhost"),
        ("store-folder", "store", "sound"),
        ("test-apart", "gateway", "environment is test"),
    ] {
        let (severity, seen, _) = found(&report, check, subject);
        assert!(
            severity == "ok" && seen.contains(text),
            "{check}, {subject}: {seen}"
        );
    }

    python(&running, DISABLE_SMTP, &[&sender]);
    for text in ["SMTP is not enabled for this account", "not tried again"] {
        let (code, report) = doctor(&["--dir", &dir, "--account", &sender]);
        assert_eq!(code, Some(2), "{report:#}");
        let (_, seen, _) = found(&report, "sign-in", &account);
        assert!(seen.contains(text), "{seen}");
        let (severity, _, finding) = found(&report, "smtp-enabled", &account);
        assert_eq!(severity, "error");
        assert!(
            finding["remedy"]
                .as_str()
                .unwrap()
                .contains("Local Administrator")
        );
        assert!(
            finding["clauses"]
                .as_array()
                .unwrap()
                .contains(&"GUIDE-104".into())
        );
    }
    assert!(running.stop().success());
}

#[test]
fn a_question_that_makes_no_sense_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("gateway.toml");
    let config = file.to_str().unwrap();
    fs::write(
        &file,
        "[gateway]\nhostname = \"localhost\"\ndir = \"store\"\n",
    )
    .unwrap();
    for (arguments, text) in [
        (
            vec!["--config", config, "--check", "horoscope"],
            "no check horoscope",
        ),
        (
            vec!["--config", config, "--route", "north"],
            "no route north",
        ),
        (
            vec!["--config", config, "--account", "a@b.example"],
            "no account a@b.example",
        ),
        (
            vec!["--config", config, "--at", "soon"],
            "--at soon is no date",
        ),
        (
            vec!["--config", "/nowhere/gateway.toml"],
            "/nowhere/gateway.toml",
        ),
        (vec!["--dir", config], "holds no store"),
        (vec![], "--config"),
    ] {
        let output = run(mailward().arg("doctor").args(&arguments));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {stderr}");
        assert!(
            stderr.contains(text) && stderr.lines().count() == 1,
            "{stderr}"
        );
    }
    // An empty register is worth a note, and no more.
    let (code, report) = doctor(&["--config", config, "--check", "register"]);
    assert_eq!(code, Some(0), "{report:#}");
}
