//! `mailward register` through its whole life: while the gateway runs, while
//! nothing runs, and after a restart.

mod support;

use std::fs;
use std::path::Path;

use serde_json::Value;
use support::{Running, mailward, python, run};

const SEED: &str = r#"
[organisation]
name = "NORTHMOOR HOSPITALS TRUST"
ods_code = "ZZ900"
domain = "northmoor.example"
[[account]]
address = "appointments@northmoor.example"
kind = "application"
display_name = "Appointments, Clinic (NORTHMOOR HOSPITALS TRUST)"
[[account]]
address = "rota@northmoor.example"
kind = "application"
display_name = "Rota, Ward (NORTHMOOR HOSPITALS TRUST)"
[[account]]
address = "asha.sample@northmoor.example"
display_name = "Sample, Asha (NORTHMOOR HOSPITALS TRUST)"
[[application]]
name = "appointments"
account = "appointments@northmoor.example"
"#;

/// Sends as the account of `argv`, and prints the service's answer.
const SEND: &str = r#"
username, password, sender, display = argv
smtp = smtplib.SMTP(*place(ready["gateway"]["submission"]), timeout=60)
smtp.starttls(context=context)
smtp.login(username, password)
to = account("user")["address"]
text = "From: \"%s\" <%s>\r\nTo: %s\r\nSubject: rota\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\nMessage-ID: <%s@northmoor.example>\r\n\r\nx\r\n" % (display, sender, to, time.time_ns())
try:
    smtp.sendmail(sender, [to], text)
    print("taken")
except smtplib.SMTPResponseException as error:
    print(error.smtp_code, error.smtp_error.decode())
except smtplib.SMTPRecipientsRefused as error:
    print(error.recipients)
"#;

/// The exit code and what was printed.
fn register(dir: &str, arguments: &[&str]) -> (i32, String, String) {
    let output = run(mailward()
        .arg("register")
        .args(arguments)
        .args(["--dir", dir]));
    let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
    let code = output.status.code().expect("an exit code");
    (code, text(&output.stdout), text(&output.stderr))
}

#[track_caller]
fn done(dir: &str, arguments: &[&str]) -> Value {
    let with_json = [arguments, &["--json"]].concat();
    let (code, out, error) = register(dir, &with_json);
    assert_eq!(code, 0, "{arguments:?}: {out}{error}");
    serde_json::from_str(&out).unwrap_or(Value::String(out))
}

#[track_caller]
fn refused(dir: &str, code: i32, arguments: &[&str], expected: &str) {
    let (found, out, error) = register(dir, arguments);
    assert_eq!(found, code, "{arguments:?}: {out}{error}");
    let said = if code == 1 { &out } else { &error };
    assert!(said.contains(expected), "{arguments:?}: {out}{error}");
}

fn seed(dir: &Path) -> String {
    let path = dir.join("seed.toml");
    fs::write(&path, SEED).expect("a seed");
    path.to_str().expect("UTF-8").to_owned()
}

#[test]
fn a_life_by_command_counts_at_once_and_for_ever() {
    let folder = tempfile::tempdir().expect("a folder");
    let seed = seed(folder.path());
    let running = Running::up_in(folder.path(), &["--seed", &seed]);
    let dir = running.text("/dir").to_owned();
    let added = done(
        &dir,
        &[
            "add",
            "rota",
            "--owner",
            "Ward Seven",
            "--purpose",
            "Shift rotas",
            "--account",
            "rota@northmoor.example",
            "--iams",
            "IAMS-3",
            "--set",
            "references.cmdb=CI-3",
            "--why",
            "request 12",
        ],
    );
    assert_eq!(added["state"], "draft");
    let credential = |key: &str| {
        let text = added["credentials"][key].as_str();
        text.expect("shown this once").to_owned()
    };
    let (username, password) = (credential("username"), credential("password"));
    let send = |running: &Running| {
        let display = "Rota, Ward (NORTHMOOR HOSPITALS TRUST)";
        let arguments = [&*username, &*password, "rota@northmoor.example", display];
        python(running, SEND, &arguments)
    };
    assert_eq!(send(&running).trim(), "taken");

    refused(&dir, 1, &["suspend", "rota"], "rota is draft");
    let approved = [
        "approve",
        "rota",
        "--reference",
        "ARCH-4",
        "--by",
        "A. Sample",
    ];
    done(&dir, &approved);
    done(&dir, &["go-live", "rota"]);
    assert_eq!(send(&running).trim(), "taken");
    done(&dir, &["suspend", "rota", "--why", "too many complaints"]);
    let answer = send(&running);
    assert!(
        answer.contains("rota is suspended") && answer.contains("Rule: application-registered"),
        "{answer}"
    );
    done(&dir, &approved);
    assert_eq!(send(&running).trim(), "taken");

    // What the seed registered is moved by command too.
    done(&dir, &["suspend", "appointments"]);
    let shown = done(&dir, &["show", "appointments"]);
    assert_eq!(
        (&shown["state"], &shown["configured_state"]),
        (&"suspended".into(), &"live".into())
    );
    refused(
        &dir,
        1,
        &["change", "appointments", "--owner", "x"],
        "change it there",
    );

    // Killed at once: all of it was on disk. Nothing runs now, and the
    // commands open the store themselves.
    drop(running.kill());
    let history = done(&dir, &["history", "rota"]);
    let history = history["history"].as_array().expect("a list");
    let acts: Vec<&str> = history
        .iter()
        .filter_map(|one| one["act"].as_str())
        .collect();
    assert_eq!(acts, ["add", "approve", "go-live", "suspend", "approve"]);
    assert_eq!(history[3]["why"], "too many complaints");
    done(&dir, &["retire", "rota"]);

    let running = Running::up_in(folder.path(), &["--seed", &seed]);
    let answer = send(&running);
    assert!(answer.contains("rota is retired"), "{answer}");
    let listed = done(&dir, &["list", "--state", "suspended"]);
    assert_eq!(listed["applications"][0]["name"], "appointments");
}

#[test]
fn bad_questions_are_2_and_refusals_1() {
    let folder = tempfile::tempdir().expect("a folder");
    let seed = seed(folder.path());
    let running = Running::up_in(folder.path(), &["--seed", &seed]);
    let dir = running.text("/dir").to_owned();
    let entry = ["add", "rota", "--owner", "o", "--purpose", "p"];
    let rota = [&entry[..], &["--account", "rota@northmoor.example"]].concat();
    let with = |more: &[&'static str]| [&rota[..], more].concat();
    let shared = [&entry[..], &["--account", "appointments@northmoor.example"]].concat();
    let lost = [&entry[..], &["--account", "lost@northmoor.example"]].concat();
    let relay = ["exception", "add", "appointments", "--kind", "relay"];
    let add = |more: &[&'static str]| [&relay[..], more].concat();
    for (code, arguments, expected) in [
        (
            2,
            with(&["--review-date", "soon"]),
            "review_date \"soon\" is no day",
        ),
        (2, with(&["--set", "colour=red"]), "no field \"colour\""),
        (2, with(&["--data-class", "SECRET"]), "ENG-23"),
        (2, with(&["--set", "state=live"]), "mailward register"),
        (2, with(&["--nonsense"]), "--nonsense"),
        (2, vec!["add", "rota", "--owner", "o"], "account is missing"),
        (1, shared, "(GUIDE-70)"),
        (1, lost, "lost@northmoor.example is not configured"),
        (1, with(&["--route", "pigeon"]), "no route pigeon"),
        (
            1,
            with(&["--username", "appointments"]),
            "is in use by application appointments",
        ),
        (1, vec!["show", "ghost"], "there is no application ghost"),
        (1, vec!["go-live", "appointments"], "appointments is live"),
        (1, add(&["--expires", "2099-01-01"]), "DHC-8, DHC-15"),
        (1, add(&["--reference", "EX-1"]), "DHC-8, DHC-15"),
        (
            1,
            add(&["--reference", "EX-1", "--expires", "2001-01-01"]),
            "in the future",
        ),
        (
            2,
            add(&["--reference", "EX-1", "--expires", "never"]),
            "is no day",
        ),
        (2, vec!["import", "/nonexistent.json"], "/nonexistent.json"),
        (2, vec!["change", "appointments"], "nothing to change"),
    ] {
        refused(&dir, code, &arguments, expected);
    }
    let exported = folder.path().join("register.json");
    let exported = exported.to_str().expect("UTF-8");
    done(&dir, &["export", "--format", "json", "--to", exported]);
    let text = fs::read_to_string(exported).expect("written");
    assert!(
        text.contains("\"u_iams\"") && !text.contains("sha256"),
        "{text}"
    );
    let same = done(&dir, &["import", exported, "--check"]);
    assert_eq!(same["imported"]["unchanged"][0], "appointments");
    let records = folder.path().join("records");
    let to = records.to_str().expect("UTF-8");
    done(&dir, &["export", "--format", "html", "--to", to]);
    let page = fs::read_to_string(records.join("interface-appointments.html")).expect("a page");
    assert!(page.contains("Interface record: appointments"), "{page}");
    let (code, csv, _) = register(&dir, &["export", "--format", "csv"]);
    assert!(code == 0 && csv.starts_with("name,owned_by,managed_by,short_description,"));
    fs::write(exported, "{\"records\":[{\"name\":\"x\"}]}").expect("written");
    refused(&dir, 1, &["import", exported], "row 1, owner: is missing");
}
