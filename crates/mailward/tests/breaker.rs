//! The breaker before the service's lockout: the twin counts how often a wrong
//! password was shown, whatever the gateway has to send and however it ends.

mod support;

use std::fs;

use support::{Running, mailward, python, succeed};

const SEED: &str = r#"
[organisation]
name = "NORTHMOOR HOSPITALS TRUST"
domain = "northmoor.example"

[sign_in]
wrong_passwords_max = 4

[[account]]
address = "letters@northmoor.example"
kind = "application"
password = "kovuta-bimeso-raluni-tepo"

[[account]]
address = "user@northmoor.example"

[[application]]
name = "letters"
account = "letters@northmoor.example"
mechanism = "login"
"#;

const COMMON: &str = r#"
import threading, urllib.request
def control(method, path, body=None):
    data = json.dumps(body).encode() if body is not None else (b"" if method == "POST" else None)
    request = urllib.request.Request(ready["control"]["url"] + path, data=data, method=method,
        headers={"Authorization": "Bearer " + ready["control"]["token"]})
    with urllib.request.urlopen(request, context=context) as answer:
        return json.loads(answer.read() or b"null")
letters = "/accounts/letters@northmoor.example"
def counted():
    account = control("GET", letters)
    return account["wrong_passwords"], account["state"]
def until(expected):
    for _ in range(3000):
        if counted() == expected:
            return
        time.sleep(0.02)
    raise SystemExit("%r, not %r" % (counted(), expected))
application = ready["applications"][0]
def send(count):
    host, port = ready["gateway"]["submission"].rsplit(":", 1)
    session = smtplib.SMTP("localhost", int(port))
    session.starttls(context=context)
    session.login(application["username"], application["password"])
    for number in range(count):
        session.sendmail("letters@northmoor.example", ["user@northmoor.example"],
            "From: letters@northmoor.example\r\nTo: user@northmoor.example\r\n"
            "Subject: Rota %d\r\nDate: Sat, 21 Nov 2026 09:30:00 +0000\r\n"
            "Message-ID: <%d.%s@northmoor.example>\r\n\r\nx\r\n" % (number, number, argv[0]))
    session.quit()
def send_at_once(workers, count):
    threads = [threading.Thread(target=send, args=(count,)) for _ in range(workers)]
    for thread in threads: thread.start()
    for thread in threads: thread.join()
"#;

const FIRST: &str = r#"
control("POST", letters + "/password", {"new": "nelura-topika-vesodi-manu"})
send_at_once(4, 5)
until((1, "active"))
# The twin takes its time to say no; a clock that jumps meanwhile would cut it short.
def refused():
    with urllib.request.urlopen(ready["metrics_url"], context=context) as answer:
        return 'mailward_breaker_open{account="letters@northmoor.example"} 1' in answer.read().decode()
wait_for(refused, "an open breaker")
"#;

/// Four lock the account; an hour of back-off would show the password often.
const LATER: &str = r#"
send_at_once(3, 2)
for _ in range(6):
    control("POST", "/clock/advance", {"seconds": 600})
    for _ in range(10):
        assert counted() == (1, "active"), counted()
"#;

const RESUMED: &str = r#"
until((2, "active"))
"#;

#[test]
fn one_wrong_password_costs_one_attempt_at_the_service() {
    let dir = tempfile::tempdir().expect("a folder");
    let seed = dir.path().join("seed.toml");
    fs::write(&seed, SEED).expect("a seed");
    let seed = seed.to_str().expect("UTF-8");
    let script = |running: &Running, text: &str, name: &str| {
        python(running, &format!("{COMMON}{text}"), &[name]);
    };
    let running = Running::up_in(dir.path(), &["--seed", seed]);
    script(&running, FIRST, "first");
    script(&running, LATER, "second");
    // A person says that it is right after all; it is not.
    let state = dir.path().join("state").join("gateway");
    succeed(
        mailward()
            .args(["accounts", "resume", "letters@northmoor.example"])
            .args(["--why", "tried by hand", "--dir"])
            .arg(&state),
    );
    script(&running, RESUMED, "third");
    assert!(running.stop().success());
}
