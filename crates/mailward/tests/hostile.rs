//! Servers that are slow, silent, rude or somebody else: every message is
//! delivered or waits, `queue explain` says why, and none is bounced. A real
//! Postfix shows wrong certificates and greylists; the rest is `hostile.py`.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

#[path = "support/postfix.rs"]
mod postfix;

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

use postfix::FarEnd;
use serde_json::{Value, json};
use support::{Running, free_port, mailward, python, run, succeed};

const INTAKE: &str = "intake-password-with-chance";

/// One door, by name.
struct Case {
    name: &'static str,
    door: Door,
    end: End,
}

enum Door {
    /// Of `hostile.py`.
    Fault(&'static str),
    /// Of Postfix, with this certificate.
    Certificate(&'static str),
    /// Of Postfix; we trust another authority than its own.
    Untrusted,
    /// Of Postfix, which asks `greylist.py` about each recipient.
    Greylist,
    /// Nothing listens.
    Closed,
}

/// What becomes of the message, while the fault lasts.
enum End {
    Relayed,
    /// `queue explain` says this.
    Waits(&'static str),
    /// It may have been sent, as one was that the server took, so a person
    /// decides.
    HeldAndTaken,
    /// The same, and it was not.
    HeldAndLost,
    /// The first attempt failed; a person has the next made at once.
    RelayedAfterRetry(&'static str),
}

use Door::{Certificate, Closed, Fault, Greylist, Untrusted};
use End::{HeldAndLost, HeldAndTaken, Relayed, RelayedAfterRetry, Waits};

const fn case(name: &'static str, door: Door, end: End) -> Case {
    Case { name, door, end }
}

const CASES: &[Case] = &[
    case("slow", Fault("slow"), Relayed),
    case(
        "dropped-once",
        Fault("mail:once-drop"),
        RelayedAfterRetry("the connection"),
    ),
    case(
        "busy-once",
        Fault("greeting:once-421 4.3.2 Not now"),
        Relayed,
    ),
    case(
        "silent-greeting",
        Fault("greeting:silent"),
        Waits("did not answer within 2 s at greeting"),
    ),
    case(
        "silent-ehlo",
        Fault("ehlo:silent"),
        Waits("did not answer within 1 s at EHLO"),
    ),
    case(
        "silent-starttls",
        Fault("starttls:silent"),
        Waits("did not answer within 1 s at STARTTLS"),
    ),
    case(
        "silent-tls",
        Fault("tls:silent"),
        Waits("did not answer within 2 s at TLS handshake"),
    ),
    case(
        "silent-auth",
        Fault("auth:silent"),
        Waits("did not answer within 1 s at AUTH"),
    ),
    case(
        "silent-mail",
        Fault("mail:silent"),
        Waits("did not answer within 1 s at MAIL FROM"),
    ),
    case(
        "silent-rcpt",
        Fault("rcpt:silent"),
        Waits("did not answer within 1 s at RCPT TO"),
    ),
    case(
        "silent-data",
        Fault("data:silent"),
        Waits("did not answer within 1 s at DATA"),
    ),
    case("silent-dot", Fault("dot:silent"), HeldAndTaken),
    case(
        "dropped-greeting",
        Fault("greeting:drop"),
        Waits("closed the connection at greeting"),
    ),
    case("dropped-before-dot", Fault("body:drop"), HeldAndLost),
    case("dropped-after-dot", Fault("dot:drop"), HeldAndTaken),
    case(
        "busy",
        Fault("greeting:421 4.3.2 Service not available"),
        Waits("421 4.3.2 Service not available"),
    ),
    case(
        "no-starttls",
        Fault("starttls:absent"),
        Waits("the server does not offer STARTTLS"),
    ),
    case(
        "refused",
        Closed,
        Waits("localhost refused the connection: nothing listens on its port"),
    ),
    case(
        "expired",
        Certificate("expired"),
        Waits("the certificate of localhost is not accepted: "),
    ),
    case(
        "wrong-name",
        Certificate("other"),
        Waits("the certificate of localhost is not accepted: "),
    ),
    case(
        "untrusted",
        Untrusted,
        Waits("the certificate of localhost is not accepted: "),
    ),
    case("greylisted", Greylist, RelayedAfterRetry("Greylisted")),
];

impl Case {
    fn account(&self) -> String {
        format!("{}@northmoor.example", self.name)
    }

    fn password(&self) -> String {
        format!("password-of-{}-1234", self.name)
    }
}

/// A program that ends with its standard input and first prints a line.
struct Helper {
    child: Child,
    input: Option<ChildStdin>,
    said: String,
}

impl Helper {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new("python3")
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is installed");
        let mut said = String::new();
        let output = child.stdout.take().unwrap();
        BufReader::new(output).read_line(&mut said).unwrap();
        Self {
            input: child.stdin.take(),
            child,
            said,
        }
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.child.wait();
    }
}

/// The policy server that Postfix asks: each sender's first recipient is
/// deferred (Postfix's SMTPD_POLICY_README).
const GREYLIST: &str = r#"
import socket, sys, threading
seen, lock = set(), threading.Lock()
def serve(connection):
    asked = connection.makefile("rb")
    facts = {}
    for line in asked:
        name, _, value = line.decode().strip().partition("=")
        if name:
            facts[name] = value
            continue
        key = (facts["sender"], facts["recipient"])
        with lock:
            known = key in seen
            seen.add(key)
        action = "DUNNO" if known else "DEFER 4.2.0 Greylisted, try again later"
        connection.sendall(("action=%s\n\n" % action).encode())
        facts = {}
listener = socket.create_server(("127.0.0.1", 0))
print(listener.getsockname()[1], flush=True)
def listen():
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()
threading.Thread(target=listen, daemon=True).start()
sys.stdin.read()
"#;

/// Everything outside the gateway.
struct Servers {
    far: FarEnd,
    /// Doors of `hostile.py` by name.
    doors: Value,
    /// Doors of Postfix, in the order of the cases that have one.
    postfix: Vec<(&'static str, u16)>,
    _hostile: Helper,
    _greylist: Helper,
}

impl Servers {
    fn start() -> Self {
        let greylist = Helper::start(&["-c", GREYLIST]);
        let policy = greylist.said.trim().to_owned();
        let mut postfix = Vec::new();
        let mut doors = Vec::new();
        for case in CASES {
            let otherwise = match case.door {
                Certificate(leaf) => format!(
                    "-o smtpd_tls_cert_file={{dir}}/{leaf}.pem -o smtpd_tls_key_file={{dir}}/{leaf}.key"
                ),
                Untrusted => String::new(),
                Greylist => format!(
                    "-o {{ smtpd_recipient_restrictions = check_policy_service inet:127.0.0.1:{policy}, permit_sasl_authenticated, reject }}"
                ),
                Fault(_) | Closed => continue,
            };
            let port = free_port();
            postfix.push((case.name, port));
            doors.push((port, otherwise));
        }
        let far = FarEnd::start_with(doors);
        let mut users = fs::read_to_string(far.path("users")).unwrap();
        for case in CASES {
            users.push_str(&format!(
                "{}:{{PLAIN}}{}\n",
                case.account(),
                case.password()
            ));
        }
        fs::write(far.path("users"), users).unwrap();
        let faults: serde_json::Map<String, Value> = CASES
            .iter()
            .filter_map(|case| match case.door {
                Fault(fault) => Some((case.name.to_owned(), json!(fault))),
                _ => None,
            })
            .collect();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/hostile.py");
        let hostile = Helper::start(&[
            script.to_str().unwrap(),
            far.dir.path().to_str().unwrap(),
            &Value::Object(faults).to_string(),
        ]);
        Self {
            doors: serde_json::from_str(&hostile.said).unwrap(),
            far,
            postfix,
            _hostile: hostile,
            _greylist: greylist,
        }
    }

    fn port_of(&self, case: &Case) -> u64 {
        let of_postfix = self.postfix.iter().find(|(name, _)| *name == case.name);
        match (of_postfix, &case.door) {
            (Some((_, port)), _) => u64::from(*port),
            (None, Closed) => u64::from(free_port()),
            (None, _) => self.doors[case.name].as_u64().unwrap(),
        }
    }

    /// Messages that a door of `hostile.py` took.
    fn taken(&self, case: &Case) -> usize {
        let text = fs::read_to_string(self.far.path("taken")).unwrap_or_default();
        text.lines().filter(|line| *line == case.name).count()
    }
}

/// A gateway with a route, an account and an application for each case.
fn configure(dir: &Path, servers: &Servers) {
    fs::copy(servers.far.path("ca.pem"), servers.far.path("ca-too.pem")).unwrap();
    let far = servers.far.dir.path().display();
    let digest = format!("printf %s {INTAKE} | sha256sum");
    let hash = succeed(Command::new("sh").args(["-c", &digest]));
    let hash = hash.split(' ').next().unwrap();
    fs::create_dir(dir.join("credentials")).unwrap();
    let mut text = format!(
        "[gateway]\nhostname = \"localhost\"\ndir = \"store\"\nsubmission = \"127.0.0.1:0\"\n\
         tls = {{ certificate = \"{far}/leaf.pem\", key = \"{far}/leaf.key\" }}\n"
    );
    for case in CASES {
        let (name, account, port) = (case.name, case.account(), servers.port_of(case));
        let secret = dir.join("credentials").join(name);
        fs::write(&secret, case.password()).unwrap();
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o400)).unwrap();
        let trusted = match case.door {
            // It issued none.
            Untrusted => "other.pem",
            // The same under another name: what was agreed with one door of
            // Postfix would be resumed with the others, as one server.
            Greylist => "ca-too.pem",
            _ => "ca.pem",
        };
        // A busy machine is slow as well: only who is silent is not waited for.
        let timeouts = match case.door {
            Fault(fault) if fault.ends_with(":silent") => {
                "{ open_seconds = 2, reply_seconds = 1, final_dot_seconds = 1 }"
            }
            _ => "{ open_seconds = 60 }",
        };
        text.push_str(&format!(
            "[[route]]\nname = \"{name}\"\nkind = \"submission\"\nserver = \"localhost\"\nport = {port}\n\
             ca_file = \"{far}/{trusted}\"\nmechanism = \"login\"\ndcb1596 = true\n\
             timeouts = {timeouts}\n\
             [[account]]\naddress = \"{account}\"\nkind = \"application\"\nroute = \"{name}\"\n\
             secret = \"credential:{name}\"\n\
             [[application]]\nname = \"{name}\"\nowner = \"Outpatients\"\npurpose = \"Letters\"\n\
             data_class = \"OFFICIAL\"\npatient_data = false\naccount = \"{account}\"\nstate = \"live\"\n\
             references = {{ application_documentation = \"DOC-0001\", architecture_documentation = \"ARCH-0001\" }}\n\
             [[application.passwords]]\nusername = \"{name}\"\nhash = \"sha256:{hash}\"\n"
        ));
    }
    fs::write(dir.join("gateway.toml"), text).unwrap();
}

fn start(dir: &Path, servers: &Servers) -> Running {
    let configuration = dir.join("gateway.toml");
    let credentials = dir.join("credentials");
    let mut running = Running::start_with(
        &[
            "gateway",
            "--json",
            "--config",
            configuration.to_str().unwrap(),
        ],
        &[("CREDENTIALS_DIRECTORY", credentials.to_str().unwrap())],
    );
    let applications: Vec<Value> = CASES
        .iter()
        .map(|case| json!({ "username": case.name, "password": INTAKE, "from": case.account() }))
        .collect();
    running.ready["ca_file"] = servers.far.path("ca.pem").into();
    running.ready["applications"] = applications.into();
    running
}

/// One message of each application; prints their ids.
const SEND: &str = r#"
letter = "From: %s\r\nTo: %s\r\nSubject: letter\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\nMessage-ID: <%s@northmoor.example>\r\n\r\nbody\r\n"
for index, app in enumerate(ready["applications"]):
    smtp = submit(index)
    to = "someone@northmoor.example"
    smtp.mail(app["from"])
    smtp.rcpt(to)
    code, text = smtp.data(letter % (app["from"], to, app["username"]))
    assert code == 250, text
    print(text.decode().split()[-1])
    smtp.quit()
"#;

fn queue(dir: &Path, words: &[&str]) -> Value {
    let store = dir.join("store");
    let mut command = mailward();
    command.arg("queue").args(words).arg("--json");
    let said = succeed(command.arg("--dir").arg(store));
    serde_json::from_str(&said).unwrap()
}

/// State and sentence of the message's one recipient.
fn explained(dir: &Path, id: &str) -> (String, String) {
    let said = queue(dir, &["explain", id]);
    let one = &said["recipients"][0];
    let text = |name: &str| one[name].as_str().unwrap_or_default().to_owned();
    (text("state"), text("sentence"))
}

/// Refused where the next attempt has begun meanwhile.
fn retry(dir: &Path, id: &str) {
    let store = dir.join("store");
    let mut command = mailward();
    command.args(["queue", "retry", id, "--why", "the server is mended"]);
    run(command.arg("--dir").arg(store));
}

/// Looks again until what it gives is not empty any more.
fn wait_until(what: &str, wrong: impl Fn() -> Vec<String>) {
    let mut last = Vec::new();
    // The bound only matters when the test fails.
    for _ in 0..100 {
        last = wrong();
        if last.is_empty() {
            return;
        }
        run(Command::new("sleep").arg("0.1"));
    }
    panic!("{what}:\n{}", last.join("\n"));
}

/// What is not as the case says, in words.
fn unlike(case: &Case, state: &str, sentence: &str) -> Option<String> {
    let (states, words): (&[&str], &str) = match case.end {
        Relayed => (&["relayed"], ""),
        Waits(words) => (&["incoming", "deferred"], words),
        HeldAndTaken | HeldAndLost => (&["hold"], "It may have been sent already"),
        RelayedAfterRetry(words) => (&["deferred", "incoming"], words),
    };
    let is_right = states.contains(&state) && sentence.contains(words);
    (!is_right).then(|| format!("{}: {state}: {sentence}", case.name))
}

#[test]
fn no_server_makes_a_message_bounce_or_vanish() {
    let servers = Servers::start();
    let dir = tempfile::tempdir().unwrap();
    configure(dir.path(), &servers);
    let running = start(dir.path(), &servers);
    let printed = python(&running, SEND, &[]);
    let ids: Vec<&str> = printed.split_whitespace().collect();
    assert_eq!(ids.len(), CASES.len());
    let each = || CASES.iter().zip(&ids);
    wait_until("while the fault lasts", || {
        each()
            .filter_map(|(case, id)| {
                let (state, sentence) = explained(dir.path(), id);
                unlike(case, &state, &sentence)
            })
            .collect()
    });

    // The servers are mended, and a person has everything tried at once; what
    // may have been sent is confirmed where it was.
    fs::write(servers.far.path("mended"), "").unwrap();
    for (case, id) in each() {
        let why = ["--why", "the server is mended"];
        match case.end {
            Relayed => {}
            HeldAndTaken => {
                queue(dir.path(), &[&["confirm-sent", id], &why[..]].concat());
            }
            HeldAndLost => {
                queue(dir.path(), &[&["release", id], &why[..]].concat());
            }
            Waits(_) | RelayedAfterRetry(_) => {
                let route = ["resume", "--route", case.name];
                queue(dir.path(), &[&route[..], &why[..]].concat());
            }
        }
    }
    let mended = |case: &Case| matches!(case.door, Fault(_) | Greylist);
    wait_until("after that", || {
        each()
            .filter(|(case, _)| mended(case))
            .filter_map(|(case, id)| {
                let (state, sentence) = explained(dir.path(), id);
                if state == "deferred" {
                    retry(dir.path(), id);
                }
                (state != "relayed").then(|| format!("{}: {state}: {sentence}", case.name))
            })
            .collect()
    });
    for (case, id) in each() {
        let (state, sentence) = explained(dir.path(), id);
        if mended(case) {
            let taken = match case.door {
                Greylist => servers.far.maildir("inbox").len(),
                _ => servers.taken(case),
            };
            assert_eq!(taken, 1, "{}: {sentence}", case.name);
        } else {
            assert!(
                ["incoming", "deferred", "active"].contains(&state.as_str()),
                "{}: {state}: {sentence}",
                case.name
            );
        }
    }
    assert!(running.stop().success());
}
