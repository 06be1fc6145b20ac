//! The reply to the final dot is lost: what was taken is not sent again, and
//! what was not taken is sent once more. Postfix takes the mail and files a
//! copy, Dovecot shows it; the twin does both.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

#[path = "support/cutter.rs"]
mod cutter;
#[path = "support/postfix.rs"]
mod postfix;
#[path = "support/sent_items.rs"]
mod sent_items;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use cutter::Cutter;
use postfix::{ACCOUNT, FarEnd, PASSWORD};
use sent_items::{Filed, SentItems};
use support::{Running, mailward, python, run, succeed};

const INTAKE: &str = "intake-password-with-chance";

/// What a gateway is configured with.
struct Setting<'a> {
    dir: &'a Path,
    /// Where `leaf.pem` and `ca.pem` are.
    certificates: &'a Path,
    account: &'a str,
    password: &'a str,
    port: u16,
    /// Of `[route.sent_items]`.
    sent_items: String,
}

impl Setting<'_> {
    fn write(&self) -> PathBuf {
        let place = |name: &str| self.dir.join(name).to_str().unwrap().to_owned();
        fs::write(place("passphrase"), "a passphrase of several words\n").unwrap();
        fs::set_permissions(
            place("passphrase"),
            std::os::unix::fs::PermissionsExt::from_mode(0o600),
        )
        .unwrap();
        for (words, input) in [(vec!["init"], ""), (vec!["set", "account"], self.password)] {
            let mut command = mailward();
            command.arg("secrets").args(words);
            command.args(["--keystore", &place("keystore")]);
            command.args(["--passphrase-file", &place("passphrase")]);
            fs::write(place("input"), input).unwrap();
            command.stdin(fs::File::open(place("input")).unwrap());
            succeed(&mut command);
        }
        let hash = format!("printf %s {INTAKE} | sha256sum");
        let hash = succeed(Command::new("sh").args(["-c", &hash]));
        let hash = hash.split(' ').next().unwrap();
        let configuration = self.dir.join("gateway.toml");
        let text = format!(
            r#"
[gateway]
hostname = "localhost"
dir = "{store}"
submission = "127.0.0.1:0"
https = "127.0.0.1:0"
[gateway.tls]
certificate = "{certificates}/leaf.pem"
key = "{certificates}/leaf.key"
[keystore]
file = "{keystore}"
passphrase = "env:DOUBT_PASSPHRASE"
[[route]]
name = "cut"
kind = "submission"
server = "localhost"
port = {port}
ca_file = "{certificates}/ca.pem"
mechanism = "login"
dcb1596 = true
[route.sent_items]
server = "localhost"
settle_seconds = 1
looks = 2
{sent_items}
[[account]]
address = "{account}"
kind = "application"
route = "cut"
secret = "keystore:account"
[[application]]
name = "letters"
owner = "Outpatients"
purpose = "Letters"
data_class = "OFFICIAL"
patient_data = false
references = {{ application_documentation = "DOC-0001", architecture_documentation = "ARCH-0001" }}
account = "{account}"
state = "live"
[[application.passwords]]
username = "letters"
hash = "sha256:{hash}"
[[application.api_keys]]
hash = "sha256:{hash}"
"#,
            store = place("store"),
            keystore = place("keystore"),
            certificates = self.certificates.display(),
            account = self.account,
            port = self.port,
            sent_items = self.sent_items,
        );
        fs::write(&configuration, text).unwrap();
        configuration
    }

    fn start(&self) -> Running {
        let configuration = self.dir.join("gateway.toml");
        let mut running = Running::start_with(
            &[
                "gateway",
                "--config",
                configuration.to_str().unwrap(),
                "--json",
            ],
            &[("DOUBT_PASSPHRASE", "a passphrase of several words")],
        );
        // What the scripts expect of `up`.
        let ca_file = self.certificates.join("ca.pem");
        running.ready["ca_file"] = ca_file.to_str().unwrap().into();
        running.ready["applications"] = serde_json::json!([{
            "username": "letters", "password": INTAKE, "api_key": INTAKE, "from": self.account,
        }]);
        running
    }
}

/// Sends one message from the account to `argv[0]` with the subject `argv[1]`,
/// and prints its id.
const SEND: &str = r#"
smtp = submit()
letter = "From: %s\r\nTo: %s\r\nSubject: %s\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\nMessage-ID: <%s@northmoor.example>\r\n\r\nbody\r\n"
smtp.mail(application()["from"])
smtp.rcpt(argv[0])
code, text = smtp.data(letter % (application()["from"], argv[0], argv[1], argv[2]))
assert code == 250, text
print(text.decode().split()[-1])
smtp.quit()
"#;

/// Waits until the message `argv[0]` is in one of the states `argv[1]`, and
/// prints its timeline as JSON.
const AWAIT: &str = r#"
import urllib.request
def get(path):
    request = urllib.request.Request("https://" + ready["gateway"]["https"] + path,
        headers={"Authorization": "Bearer " + application()["api_key"]})
    context.check_hostname = False
    return json.load(urllib.request.urlopen(request, context=context))
def arrived():
    message = get("/v1/messages/" + argv[0])
    return message["recipients"][0]["state"] in argv[1].split() and message
message = wait_for(arrived, argv[1])
print(json.dumps(message))
"#;

/// What came of one message: state and kinds of its timeline.
struct Story {
    state: String,
    kinds: Vec<String>,
    timeline: String,
}

fn send(running: &Running, to: &str, subject: &str, message_id: &str) -> String {
    python(running, SEND, &[to, subject, message_id])
        .trim()
        .to_owned()
}

fn story(running: &Running, id: &str, states: &str) -> Story {
    let text = python(running, AWAIT, &[id, states]);
    let message: serde_json::Value = serde_json::from_str(&text).unwrap();
    let timeline = message["timeline"].as_array().unwrap();
    let kinds = timeline.iter().map(|one| one["kind"].as_str().unwrap());
    Story {
        state: message["recipients"][0]["state"]
            .as_str()
            .unwrap()
            .to_owned(),
        kinds: kinds.map(str::to_owned).collect(),
        timeline: serde_json::to_string_pretty(timeline).unwrap(),
    }
}

/// How many of the letters have this subject.
fn copies(letters: &[String], subject: &str) -> usize {
    let line = format!("Subject: {subject}\n");
    letters.iter().filter(|one| one.contains(&line)).count()
}

/// Looks again until `done`; the bound only matters when the test fails.
fn wait_until(what: &str, done: impl Fn() -> bool) {
    for _ in 0..600 {
        if done() {
            return;
        }
        run(Command::new("sleep").arg("0.05"));
    }
    panic!("it never came to pass: {what}");
}

fn of_far(imaps: u16, more: &str) -> String {
    format!("port = {imaps}\n{more}")
}

#[test]
fn what_postfix_took_is_found_and_what_it_did_not_take_is_sent_once_more() {
    let sent = SentItems::start(&Filed::Marked, PASSWORD, "leaf");
    let dir = tempfile::tempdir().unwrap();
    let certificates = sent.far.dir.path();
    let cutter = Cutter::start(certificates, sent.far.port, "pass,before,pass,after");
    let setting = Setting {
        dir: dir.path(),
        certificates,
        account: ACCOUNT,
        password: PASSWORD,
        port: cutter.port,
        // That mail is filed there is seen by the first message.
        sent_items: of_far(sent.imaps, ""),
    };
    setting.write();
    let running = setting.start();
    let to = "someone@northmoor.example";
    let first = send(&running, to, "first", "first");
    assert_eq!(
        story(&running, &first, "relayed failed hold").state,
        "relayed"
    );
    let place = "clinic/.Envoy&AOk-s";
    wait_until("a copy of the first", || {
        copies(&sent.far.maildir(place), "first") == 1
    });

    let lost = send(&running, to, "not taken", "second");
    let story_of_lost = story(&running, &lost, "relayed failed hold");
    assert_eq!(story_of_lost.state, "relayed", "{}", story_of_lost.timeline);
    let kinds = story_of_lost.kinds.join(" ");
    assert!(
        kinds.contains("in_doubt looked retried attempt_started final_dot_sent relayed"),
        "{kinds}"
    );

    // The same Message-ID as the one before, to make it harder.
    let taken = send(&running, to, "taken", "second");
    let story_of_taken = story(&running, &taken, "relayed failed hold");
    assert_eq!(
        story_of_taken.state, "relayed",
        "{}",
        story_of_taken.timeline
    );
    let kinds = story_of_taken.kinds.join(" ");
    assert!(
        kinds.contains("in_doubt found_sent"),
        "{}",
        story_of_taken.timeline
    );
    assert!(
        story_of_taken
            .timeline
            .contains("in Envoyés of clinic@northmoor.example")
    );

    assert_eq!(cutter.cuts(), 2);
    let inbox = || sent.far.maildir("inbox");
    wait_until("three letters", || inbox().len() == 3);
    for subject in ["first", "not taken", "taken"] {
        assert_eq!(copies(&inbox(), subject), 1, "{subject}");
    }
    // The preflight sees the folder as well.
    assert!(running.stop().success());
    let mut doctor = mailward();
    doctor.args(["doctor", "--check", "sent-items", "--config"]);
    doctor.arg(dir.path().join("gateway.toml"));
    doctor.env("DOUBT_PASSPHRASE", "a passphrase of several words");
    let report = succeed(&mut doctor);
    assert!(report.contains("\"Envoyés\" holds 3 messages"), "{report}");
}

#[test]
fn a_kill_between_the_dot_and_its_reply_is_settled_after_the_restart() {
    for (plan, end, copies_sent) in [
        ("keep-after", "found_sent", 1),
        ("keep-before", "relayed", 1),
    ] {
        let sent = SentItems::start(&Filed::Among(100_000), PASSWORD, "leaf");
        let dir = tempfile::tempdir().unwrap();
        let certificates = sent.far.dir.path();
        let cutter = Cutter::start(certificates, sent.far.port, plan);
        let setting = Setting {
            dir: dir.path(),
            certificates,
            account: ACCOUNT,
            password: PASSWORD,
            port: cutter.port,
            sent_items: of_far(sent.imaps, "files = true"),
        };
        setting.write();
        let running = setting.start();
        let id = send(&running, "someone@northmoor.example", "killed", "killed");
        wait_until("the dot", || cutter.cuts() == 1);
        running.kill();

        let running = setting.start();
        let story = story(&running, &id, "relayed failed hold");
        assert_eq!(story.state, "relayed", "{plan}: {}", story.timeline);
        assert!(
            story.kinds.iter().any(|kind| kind == "in_doubt"),
            "{}",
            story.timeline
        );
        assert!(
            story.kinds.iter().any(|kind| kind == end),
            "{}",
            story.timeline
        );
        wait_until("the letter", || !sent.far.maildir("inbox").is_empty());
        assert_eq!(
            copies(&sent.far.maildir("inbox"), "killed"),
            copies_sent,
            "{plan}"
        );
        assert!(running.stop().success());
    }
}

#[test]
fn where_nobody_can_look_a_person_decides_and_sending_goes_on() {
    for (password, leaf, more, why, refusals) in [
        (
            "another password",
            "leaf",
            "",
            "signing in to read sent mail was refused",
            1,
        ),
        (
            PASSWORD,
            "leaf",
            "folder = \"Nowhere\"",
            "the folder \\\"Nowhere\\\" can't be opened",
            0,
        ),
        (
            PASSWORD,
            "other",
            "",
            "the certificate of localhost is not accepted",
            0,
        ),
    ] {
        let sent = SentItems::start(&Filed::Marked, password, leaf);
        let dir = tempfile::tempdir().unwrap();
        let certificates = sent.far.dir.path();
        let cutter = Cutter::start(certificates, sent.far.port, "after,pass,after");
        let setting = Setting {
            dir: dir.path(),
            certificates,
            account: ACCOUNT,
            password: PASSWORD,
            port: cutter.port,
            sent_items: of_far(sent.imaps, more),
        };
        setting.write();
        let running = setting.start();
        let to = "someone@northmoor.example";
        // A certificate may be mended, so that one is tried again.
        let expected = if leaf == "other" { "in_doubt" } else { "hold" };
        for name in ["one", "two"] {
            let id = send(&running, to, name, name);
            let mut story = story(&running, &id, expected);
            if leaf == "other" {
                wait_until("a look", || {
                    let now = self::story(&running, &id, expected);
                    now.kinds.iter().any(|kind| kind == "looked")
                });
                story = self::story(&running, &id, expected);
            }
            // The second finds the breaker open, and nothing is tried.
            let why = match (name, refusals) {
                ("two", 1) => "was refused earlier",
                _ => why,
            };
            assert!(story.timeline.contains(why), "{}", story.timeline);
            if name == "one" {
                // Sending goes on; two lost replies in a row would pause it.
                let other = send(&running, to, "between", "between");
                let end = self::story(&running, &other, "relayed failed hold");
                assert_eq!(end.state, "relayed", "{}", end.timeline);
            }
        }
        let log = sent.log();
        let seen =
            log.matches("Password mismatch").count() + log.matches("password mismatch").count();
        assert_eq!(seen, refusals, "{log}");
        wait_until("three letters", || sent.far.maildir("inbox").len() == 3);
        assert!(running.stop().success());
    }
}

/// Every subject in the inbox of the twin's user, a line each.
const INBOX: &str = r#"
box = imap(account("user"))
box.select("INBOX")
for number in box.search(None, "ALL")[1][0].split():
    print(box.fetch(number, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0][1].decode().strip())
"#;

#[test]
fn the_twin_shows_what_it_took() {
    let far = FarEnd::start();
    let certificates = far.dir.path();
    let twin_dir = tempfile::tempdir().unwrap();
    let state = twin_dir.path().join("state");
    let twin = Running::start(&[
        "twin",
        "--json",
        "--ports",
        "auto",
        "--dir",
        state.to_str().unwrap(),
    ]);
    let port_of = |pointer: &str| -> u16 {
        let address = twin.text(pointer);
        address.rsplit(':').next().unwrap().parse().unwrap()
    };
    let accounts = twin.ready["accounts"].as_array().unwrap();
    let find = |kind: &str, name: &str| {
        let of_kind = accounts.iter().find(|one| one["kind"] == kind);
        of_kind.unwrap()[name].as_str().unwrap().to_owned()
    };
    let (account, password) = (
        find("application", "address"),
        find("application", "password"),
    );
    let cutter = Cutter::start(
        certificates,
        port_of("/twin/submission"),
        "pass,before,pass,after",
    );
    let dir = tempfile::tempdir().unwrap();
    let ca_file = twin.text("/ca_file");
    let setting = Setting {
        dir: dir.path(),
        certificates,
        account: &account,
        password: &password,
        port: cutter.port,
        sent_items: format!("port = {}\nca_file = \"{ca_file}\"", port_of("/twin/imaps")),
    };
    setting.write();
    let running = setting.start();
    let to = find("user", "address");
    for (subject, kind) in [
        ("first", "relayed"),
        ("not taken", "retried"),
        ("taken", "found_sent"),
    ] {
        let id = send(&running, &to, subject, subject.split(' ').next().unwrap());
        let story = story(&running, &id, "relayed failed hold");
        assert_eq!(story.state, "relayed", "{}", story.timeline);
        assert!(
            story.kinds.iter().any(|one| one == kind),
            "{}",
            story.timeline
        );
    }
    let inbox = python(&twin, INBOX, &[]);
    for subject in ["first", "not taken", "taken"] {
        let line = format!("Subject: {subject}");
        assert_eq!(
            inbox.lines().filter(|one| *one == line).count(),
            1,
            "{inbox}"
        );
    }
    assert!(running.stop().success());
    assert!(twin.stop().success());
}
