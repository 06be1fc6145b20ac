//! Programs of others as a new user would use them, against `mailward up`.

mod support;

use std::fs;
use std::process::Command;

use support::{Running, python, run, succeed};

fn swaks(running: &Running, endpoint: &str, tls: &str) -> Command {
    let mut command = Command::new("swaks");
    command.args(["--server", running.text(endpoint), tls]);
    command.args(["--tls-ca-path", running.text("/ca_file"), "--tls-verify"]);
    command.args([
        "--from",
        running.text("/applications/0/from"),
        "--ehlo",
        "client.northmoor.example",
    ]);
    command
}

fn user_address(running: &Running) -> String {
    let accounts = running.ready["accounts"].as_array().expect("accounts");
    let user = accounts
        .iter()
        .find(|account| account["kind"] == "user")
        .expect("a user");
    user["address"].as_str().expect("an address").to_owned()
}

#[test]
fn swaks_sends_by_starttls_and_by_implicit_tls() {
    let running = Running::up(&[]);
    let to = user_address(&running);
    for (endpoint, tls) in [
        ("/gateway/submission", "--tls"),
        ("/gateway/submissions", "--tlsc"),
    ] {
        let subject = format!("Subject: by {tls}");
        let printed = succeed(
            swaks(&running, endpoint, tls)
                .args(["--to", &to, "--header", &subject])
                .args(["--auth-user", running.text("/applications/0/username")])
                .args(["--auth-password", running.text("/applications/0/password")]),
        );
        assert!(printed.contains("<~  250 2.0.0"), "{printed}");
    }
    python(
        &running,
        r#"
box = imap(account("user"))
def both():
    box.select("INBOX")
    return len(box.search(None, "SUBJECT", '"by --tls"')[1][0].split()) >= 1 \
       and len(box.search(None, "SUBJECT", '"by --tlsc"')[1][0].split()) == 1
wait_for(both, "both messages")
"#,
        &[],
    );
}

#[test]
fn a_wrong_password_sounds_the_same_for_every_cause() {
    let running = Running::up(&["--limits", "off"]);
    let to = user_address(&running);
    let mut words = Vec::new();
    for (user, password) in [
        (running.text("/applications/0/username"), "wrong"),
        ("nobody", "wrong"),
        ("lab-alerts", "wrong"),
    ] {
        let output = run(swaks(&running, "/gateway/submission", "--tls")
            .args(["--to", &to, "--auth", "PLAIN"])
            .args(["--auth-user", user, "--auth-password", password]));
        assert!(!output.status.success());
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let refusal = printed
            .lines()
            .find(|line| line.contains("<~* 535"))
            .map(str::to_owned);
        words.push(refusal.unwrap_or_else(|| panic!("no 535 in {printed}")));
    }
    words.dedup();
    assert_eq!(words.len(), 1, "{words:?}");
}

#[test]
fn nothing_is_taken_in_the_clear() {
    let running = Running::up(&[]);
    let to = user_address(&running);
    let output = run(Command::new("swaks")
        .args(["--server", running.text("/gateway/submission"), "--to", &to])
        .args(["--from", running.text("/applications/0/from")]));
    let printed = String::from_utf8_lossy(&output.stdout);
    assert!(!output.status.success());
    assert!(printed.contains("<** 530 5.7.0"), "{printed}");
}

#[test]
fn curl_sends_and_follows_a_message_by_the_api() {
    let running = Running::up(&[]);
    let to = user_address(&running);
    let url = format!("https://{}/v1/messages", running.text("/gateway/https"));
    let key = format!(
        "Authorization: Bearer {}",
        running.text("/applications/0/api_key")
    );
    let body = serde_json::json!({
        "to": [to], "subject": "Clinic on Tuesday", "text": "At ten o'clock.",
        "attachments": [{ "filename": "map.txt", "content_type": "text/plain", "content": "bWFw" }],
    });
    let curl = |more: &[&str]| {
        let mut command = Command::new("curl");
        command.args([
            "--silent",
            "--show-error",
            "--cacert",
            running.text("/ca_file"),
            "-H",
            &key,
        ]);
        command.args(more);
        serde_json::from_str::<serde_json::Value>(&succeed(&mut command)).expect("JSON")
    };
    let post = [
        "-H",
        "Content-Type: application/json",
        "-H",
        "Idempotency-Key: letter-1",
        "-d",
    ];
    let accepted = curl(&[&post, [body.to_string().as_str(), url.as_str()].as_slice()].concat());
    let id = accepted["id"].as_str().expect("an id").to_owned();
    let again = curl(&[&post, [body.to_string().as_str(), url.as_str()].as_slice()].concat());
    assert_eq!(
        again["id"], accepted["id"],
        "the same key and body give the same message"
    );
    let other = body.to_string().replace("At ten", "At nine");
    let conflict = curl(&[&post, [other.as_str(), url.as_str()].as_slice()].concat());
    assert_eq!(conflict["status"], 409, "{conflict}");

    python(
        &running,
        r#"
box = imap(account("user"))
def it():
    box.select("INBOX")
    return box.search(None, "SUBJECT", '"Clinic on Tuesday"')[1][0].split()
assert len(wait_for(it, "the letter")) == 1
"#,
        &[],
    );
    let view = curl(&[&format!("{url}/{id}")]);
    assert_eq!(view["recipients"][0]["state"], "relayed", "{view}");
    assert!(
        view["timeline"]
            .as_array()
            .is_some_and(|events| events.len() >= 3),
        "{view}"
    );
    let openapi = curl(&[&format!(
        "https://{}/v1/openapi.json",
        running.text("/gateway/https")
    )]);
    assert!(
        openapi["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1")),
        "{openapi}"
    );
}

#[test]
fn openssl_sees_sound_tls_on_every_port() {
    let running = Running::up(&[]);
    for (pointer, starttls) in [
        ("/gateway/submission", true),
        ("/gateway/submissions", false),
        ("/gateway/https", false),
        ("/twin/submission", true),
        ("/twin/imaps", false),
        ("/twin/pop3s", false),
        ("/twin/https", false),
    ] {
        let connect = |more: &[&str]| {
            let mut command = Command::new("openssl");
            command.args([
                "s_client",
                "-connect",
                running.text(pointer),
                "-CAfile",
                running.text("/ca_file"),
            ]);
            command.args([
                "-verify_return_error",
                "-verify_hostname",
                "localhost",
                "-servername",
                "localhost",
            ]);
            if starttls {
                command.args(["-starttls", "smtp"]);
            }
            command.args(more).stdin(std::process::Stdio::null());
            run(&mut command)
        };
        for version in ["-tls1_2", "-tls1_3"] {
            let output = connect(&[version]);
            let printed = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(
                printed.contains("Verify return code: 0 (ok)"),
                "{pointer} {version}: {printed}"
            );
        }
        let output = connect(&["-tls1_1", "-cipher", "DEFAULT@SECLEVEL=0"]);
        assert!(!output.status.success(), "{pointer} speaks TLS 1.1");
    }
}

#[test]
fn mbsync_and_mutt_and_curl_read_the_twin() {
    let running = Running::up(&[]);
    let accounts = running.ready["accounts"].as_array().expect("accounts");
    let user = accounts
        .iter()
        .find(|account| account["kind"] == "user")
        .expect("a user");
    let (address, password) = (
        user["address"].as_str().expect("address"),
        user["password"].as_str().expect("password"),
    );
    let (_, port) = running
        .text("/twin/imaps")
        .rsplit_once(':')
        .expect("host:port");
    // Old mail programs look for names in certificates, never for addresses.
    let host = "localhost";
    python(
        &running,
        r#"
smtp = submit()
for number in range(3):
    message = email.message.EmailMessage()
    message["From"] = application()["from"]
    message["To"] = account("user")["address"]
    message["Subject"] = "Letter %d" % number
    message.set_content("Dear Dr Sample, number %d.\n" % number)
    smtp.send_message(message)
smtp.quit()
box = imap(account("user"))
def three():
    box.select("INBOX")
    return len(box.search(None, "ALL")[1][0].split()) == 3
wait_for(three, "three letters")
"#,
        &[],
    );

    let dir = tempfile::tempdir().expect("a folder");
    let maildir = dir.path().join("mail");
    fs::create_dir(&maildir).expect("a folder");
    let configuration = dir.path().join("mbsyncrc");
    fs::write(
        &configuration,
        format!(
            "IMAPStore twin\nHost {host}\nPort {port}\nUser {address}\nPass {password}\nSSLType IMAPS\n\
             CertificateFile {}\nAuthMechs LOGIN\n\nMaildirStore local\nPath {m}/\nInbox {m}/INBOX\nSubFolders Verbatim\n\n\
             Channel all\nFar :twin:\nNear :local:\nPatterns *\nCreate Both\nExpunge Both\nSyncState *\n",
            running.text("/ca_file"),
            m = maildir.display()
        ),
    )
    .expect("the configuration");
    let mbsync = || {
        succeed(Command::new("mbsync").args(["-c", configuration.to_str().expect("UTF-8"), "-a"]))
    };
    mbsync();
    let fresh = || {
        fs::read_dir(maildir.join("INBOX/new"))
            .expect("new")
            .count()
            + fs::read_dir(maildir.join("INBOX/cur"))
                .expect("cur")
                .count()
    };
    assert_eq!(fresh(), 3);
    // A second run finds nothing to do; a message put here goes there.
    mbsync();
    assert_eq!(fresh(), 3);
    fs::write(
        maildir.join("INBOX/cur/1.1.local:2,S"),
        "From: a@northmoor.example\nSubject: Appended\n\nHere.\n",
    )
    .expect("a message");
    mbsync();

    let listed = succeed(
        Command::new("curl")
            .args([
                "--silent",
                "--show-error",
                "--cacert",
                running.text("/ca_file"),
            ])
            .args(["--user", &format!("{address}:{password}")])
            .args([
                &format!("imaps://{host}:{port}/INBOX"),
                "-X",
                "SEARCH SUBJECT Appended",
            ]),
    );
    assert!(
        listed.starts_with("* SEARCH ") && listed.trim().len() > "* SEARCH".len(),
        "{listed}"
    );

    let muttrc = dir.path().join("muttrc");
    fs::write(
        &muttrc,
        format!(
            "set ssl_ca_certificates_file=\"{}\"\nset imap_user=\"{address}\"\nset imap_pass=\"{password}\"\n\
             set ssl_usesystemcerts=no\nset folder=\"imaps://{host}:{port}/\"\nset spoolfile=\"+INBOX\"\n\
             set header_cache=\"\"\nset move=no\nset quit=yes\nset delete=yes\n\
             push \"<tag-pattern>~s Letter<enter><tag-prefix><save-message>=Filed<enter><sync-mailbox><quit>\"\n\
             set confirmcreate=no\nset confirmappend=no\nset tmpdir=\"{}\"\n",
            running.text("/ca_file"),
            dir.path().display()
        ),
    )
    .expect("the configuration");
    let mutt = Command::new("script")
        .args([
            "-qec",
            &format!("mutt -F {}", muttrc.display()),
            "/dev/null",
        ])
        .env("TERM", "xterm")
        .env("HOME", dir.path())
        .stdin(std::process::Stdio::null())
        .output()
        .expect("script runs mutt on a terminal of its own");
    assert!(
        mutt.status.success(),
        "{}",
        String::from_utf8_lossy(&mutt.stdout)
    );
    python(
        &running,
        r#"
box = imap(account("user"))
def filed():
    status, _ = box.select("Filed")
    return status == "OK" and len(box.search(None, "ALL")[1][0].split()) == 3
wait_for(filed, "three letters in the folder that mutt made")
"#,
        &[],
    );
}

#[test]
fn python_flags_moves_and_appends() {
    let running = Running::up(&[]);
    python(
        &running,
        r#"
box = imap(account("user"))
names = [line.decode().rsplit(' "/" ', 1)[1].strip('"') for line in box.list()[1]]
for name in ["INBOX", "Sent Items", "Junk Email"]:
    assert name in names, names
message = b"From: a@northmoor.example\r\nSubject: kept\r\n\r\nbody\r\n"
assert box.append("INBOX", r"(\Seen)", imaplib.Time2Internaldate(time.time()), message)[0] == "OK"
assert box.select("INBOX")[0] == "OK"
number = box.search(None, "SUBJECT", "kept")[1][0].split()[0]
assert box.store(number, "+FLAGS", r"(\Flagged)")[0] == "OK"
assert b"Flagged" in box.fetch(number, "(FLAGS)")[1][0]
assert box.fetch(number, "(BODY[])")[1][0][1] == message
assert box.create("Archive/2026")[0] == "OK"
uid = box.fetch(number, "(UID)")[1][0].split()[2].rstrip(b")")
assert box.uid("MOVE", uid, '"Archive/2026"')[0] == "OK"
assert box.search(None, "SUBJECT", "kept")[1][0] == b""
assert box.select('"Archive/2026"')[1] == [b"1"]
box.logout()
"#,
        &[],
    );
}
