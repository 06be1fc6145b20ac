//! SIGKILL under load, restart, audit: nothing answered 250 is missing, and
//! nothing arrives twice unless it was first marked in doubt.
#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod support;

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use support::{Running, python};

/// Acknowledged messages after which the program is killed, one round each.
/// Odd numbers, so that kills fall at different points of a message's way.
const ROUNDS: [usize; 5] = [1, 37, 150, 411, 90];

/// Sends without end over several connections and prints each Message-ID as
/// soon as its 250 has come.
const LOAD: &str = r#"
import json, smtplib, ssl, sys, threading
ready, name = json.loads(sys.stdin.readline()), sys.argv[1]
app = ready["applications"][0]
to = [a["address"] for a in ready["accounts"] if a["kind"] == "user"][0]
context = ssl.create_default_context(cafile=ready["ca_file"])
host, port = ready["gateway"]["submission"].rsplit(":", 1)
lock = threading.Lock()
def send(worker):
    count = 0
    try:
        smtp = smtplib.SMTP(host, int(port), timeout=30)
        smtp.starttls(context=context)
        smtp.login(app["username"], app["password"])
        while True:
            id = "<%s-%d-%d@northmoor.example>" % (name, worker, count)
            size = 300000 if count % 50 == 49 else 700
            body = "From: %s\r\nTo: %s\r\nSubject: load\r\nDate: Sat, 21 Nov 2026 09:00:00 +0000\r\nMessage-ID: %s\r\n\r\n%s\r\n" % (app["from"], to, id, ("x" * 70 + "\r\n") * (size // 72))
            smtp.sendmail(app["from"], [to], body)
            with lock:
                print(id, flush=True)
            count += 1
    except (smtplib.SMTPException, OSError):
        pass
workers = [threading.Thread(target=send, args=(n,)) for n in range(8)]
for worker in workers: worker.start()
for worker in workers: worker.join()
"#;

/// Waits until nothing is under way, then prints every Message-ID in the
/// mailbox and every one that stands in the queue with its state.
const AUDIT: &str = r#"
import urllib.request
def get(path):
    request = urllib.request.Request("https://" + ready["gateway"]["https"] + path,
        headers={"Authorization": "Bearer " + application()["api_key"]})
    return json.load(urllib.request.urlopen(request, context=context))
def settled():
    waiting = [len(get("/v1/messages?limit=1&state=" + state)["messages"]) for state in ["incoming", "active", "deferred", "in_doubt"]]
    return sum(waiting) == 0
wait_for(settled, "a queue at rest")
box = imap(account("user"))
box.select("INBOX")
numbers = box.search(None, "ALL")[1][0].split()
arrived = []
if numbers:
    _, parts = box.fetch(b"%s:%s" % (numbers[0], numbers[-1]), "(BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)])")
    for part in parts:
        if isinstance(part, tuple):
            arrived.append(part[1].decode().split(":", 1)[1].strip())
named, cursor = [], ""
while True:
    page = get("/v1/messages?limit=200&state=hold" + cursor)
    for message in page["messages"]:
        named.append(message["message_id"])
    if not page.get("next"):
        break
    cursor = "&cursor=" + page["next"]
print(json.dumps({"arrived": arrived, "held": named}))
"#;

#[test]
fn nothing_answered_250_is_lost_and_nothing_is_doubled() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeSet::new();
    for (round, kill_after) in ROUNDS.into_iter().enumerate() {
        let running = Running::up_in(dir.path(), &["--limits", "off"]);
        let mut load = Command::new("python3")
            .args(["-c", LOAD, &format!("r{round}")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(load.stdin.take().unwrap(), "{}", running.ready).unwrap();
        let mut lines = BufReader::new(load.stdout.take().unwrap()).lines();
        for _ in 0..kill_after {
            acknowledged.insert(lines.next().expect("the load goes on").unwrap());
        }
        running.kill();
        // What was acknowledged before the kill reached the program counts too.
        acknowledged.extend(lines.map(|line| line.unwrap()));
        load.wait().unwrap();
    }

    let running = Running::up_in(dir.path(), &["--limits", "off"]);
    let result: serde_json::Value = serde_json::from_str(&python(&running, AUDIT, &[])).unwrap();
    let texts =
        |name: &str| -> Vec<String> { serde_json::from_value(result[name].clone()).unwrap() };
    let (arrived, held) = (texts("arrived"), texts("held"));
    let unique: BTreeSet<&String> = arrived.iter().collect();
    assert_eq!(unique.len(), arrived.len(), "a message arrived twice");
    let accounted: BTreeSet<&String> = unique.iter().copied().chain(&held).collect();
    let missing: Vec<_> = acknowledged
        .iter()
        .filter(|id| !accounted.contains(id))
        .collect();
    assert!(missing.is_empty(), "answered 250 and nowhere: {missing:?}");
    // What a kill put in doubt was looked for, and needs nobody.
    assert_eq!(held, Vec::<String>::new());
    assert!(acknowledged.len() >= ROUNDS.iter().sum());
}
