//! `mailward gateway` against a server that nobody here wrote: Postfix, with
//! Dovecot to sign in. Both run in folders of their own on high ports.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

#[path = "support/postfix.rs"]
mod postfix;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use postfix::{ACCOUNT, FarEnd, PASSWORD};
use support::{Running, mailward, python, run, succeed};

/// A gateway's folder with its configuration and keystore.
fn gateway(dir: &Path, far: &FarEnd, password: &str) -> PathBuf {
    let place = |name: &str| dir.join(name).to_str().unwrap().to_owned();
    fs::write(place("passphrase"), "a passphrase of several words\n").unwrap();
    fs::set_permissions(
        place("passphrase"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    let secrets = |words: &[&str], input: &str| {
        let mut command = mailward();
        command.args(["secrets"]).args(words);
        command.args([
            "--keystore",
            &place("keystore"),
            "--passphrase-file",
            &place("passphrase"),
        ]);
        fs::write(place("input"), input).unwrap();
        command.stdin(fs::File::open(place("input")).unwrap());
        succeed(&mut command);
    };
    secrets(&["init"], "");
    secrets(&["set", "clinic"], password);
    let hash = succeed(
        Command::new("sh").args(["-c", "printf %s intake-password-with-chance | sha256sum"]),
    );
    let hash = hash.split(' ').next().unwrap();
    let configuration = dir.join("gateway.toml");
    fs::write(
        &configuration,
        format!(
            r#"
[gateway]
hostname = "localhost"
dir = "{store}"
submission = "127.0.0.1:0"
https = "127.0.0.1:0"
[gateway.tls]
certificate = "{far}/leaf.pem"
key = "{far}/leaf.key"
[keystore]
file = "{keystore}"
passphrase = "env:FAR_END_PASSPHRASE"
[[route]]
name = "postfix"
kind = "submission"
server = "localhost"
port = {port}
ca_file = "{far}/ca.pem"
mechanism = "login"
dcb1596 = true
[[account]]
address = "{ACCOUNT}"
kind = "application"
route = "postfix"
secret = "keystore:clinic"
[[application]]
name = "letters"
owner = "Outpatients"
purpose = "Letters"
data_class = "OFFICIAL"
patient_data = false
references = {{ application_documentation = "DOC-0001", architecture_documentation = "ARCH-0001" }}
account = "{ACCOUNT}"
state = "live"
[[application.passwords]]
username = "letters"
hash = "sha256:{hash}"
[[application.api_keys]]
hash = "sha256:{hash}"
"#,
            store = place("store"),
            keystore = place("keystore"),
            far = far.dir.path().display(),
            port = far.port,
        ),
    )
    .unwrap();
    configuration
}

fn start(configuration: &Path, far: &FarEnd) -> Running {
    let mut running = Running::start_with(
        &[
            "gateway",
            "--config",
            configuration.to_str().unwrap(),
            "--json",
        ],
        &[("FAR_END_PASSPHRASE", "a passphrase of several words")],
    );
    // What the scripts expect of `up`.
    running.ready["ca_file"] = far.path("ca.pem").into();
    running.ready["applications"] = serde_json::json!([{
        "username": "letters", "password": "intake-password-with-chance",
        "api_key": "intake-password-with-chance", "from": ACCOUNT,
    }]);
    running
}

const SEND_TWO: &str = r#"
smtp = submit()
letter = "From: %s\r\nTo: %s\r\nSubject: far end\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\nMessage-ID: <1@northmoor.example>\r\n\r\n.leading dot\r\nbody\r\n"
for to in ["someone@northmoor.example", "nobody@northmoor.example"]:
    code, text = smtp.mail(application()["from"])
    assert code == 250, text
    code, text = smtp.rcpt(to)
    assert code == 250, text
    code, text = smtp.data(letter % (application()["from"], to))
    assert code == 250, text
    print(text.decode().split()[-1])
smtp.quit()
"#;

const STATES: &str = r#"
import urllib.request
def get(path):
    request = urllib.request.Request("https://" + ready["gateway"]["https"] + path,
        headers={"Authorization": "Bearer " + application()["api_key"]})
    context.check_hostname = False
    return json.load(urllib.request.urlopen(request, context=context))
def states():
    return [get("/v1/messages/" + id)["recipients"][0]["state"] for id in argv[1:]]
wait_for(lambda: states() == argv[0].split(), argv[0])
"#;

#[test]
fn postfix_takes_the_mail_and_refuses_the_unknown_recipient() {
    let far = FarEnd::start();
    let dir = tempfile::tempdir().unwrap();
    let running = start(&gateway(dir.path(), &far, PASSWORD), &far);
    let printed = python(&running, SEND_TWO, &[]);
    let ids: Vec<&str> = printed.split_whitespace().collect();
    python(&running, STATES, &["relayed failed", ids[0], ids[1]]);
    wait_until(|| far.maildir("inbox").len() == 1 && far.maildir("clinic").len() == 1);
    let letter = &far.maildir("inbox")[0];
    assert!(letter.contains("\n.leading dot\nbody\n"), "{letter}");
    // The sender is told by a report in the sending account's own mailbox.
    let report = &far.maildir("clinic")[0];
    for expected in [
        "report-type=delivery-status",
        "Final-Recipient: rfc822; nobody@northmoor.example",
        "Action: failed",
        "Status: 5.",
    ] {
        assert!(
            report.contains(expected),
            "{expected:?} is missing in\n{report}"
        );
    }
    assert!(running.stop().success());
}

#[test]
fn a_refused_password_is_tried_once_and_the_mail_stays_queued() {
    let far = FarEnd::start();
    let dir = tempfile::tempdir().unwrap();
    let configuration = gateway(dir.path(), &far, "not the password");
    for _ in 0..2 {
        // The second start finds the breaker open and does not try at all.
        let running = start(&configuration, &far);
        python(&running, SEND_TWO, &[]);
        python(
            &running,
            r#"
import urllib.request
def get(path):
    request = urllib.request.Request("https://" + ready["gateway"]["https"] + path,
        headers={"Authorization": "Bearer " + application()["api_key"]})
    context.check_hostname = False
    return json.load(urllib.request.urlopen(request, context=context))
wait_for(lambda: len(get("/v1/messages?state=deferred")["messages"]) >= 1, "a deferred message")
"#,
            &[],
        );
        assert!(running.stop().success());
    }
    let log = fs::read_to_string(far.path("postfix.log")).unwrap();
    assert_eq!(log.matches("authentication failed").count(), 1, "{log}");
    let listed = succeed(mailward().args([
        "queue",
        "list",
        "--json",
        "--dir",
        dir.path().join("store").to_str().unwrap(),
    ]));
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(
        listed["messages"].as_array().map(Vec::len),
        Some(4),
        "{listed}"
    );
}

/// Looks again until `done`; the bound only matters when the test fails.
fn wait_until(done: impl Fn() -> bool) {
    for _ in 0..200 {
        if done() {
            return;
        }
        run(Command::new("sleep").arg("0.05"));
    }
    panic!("it never came to pass");
}
