//! What the service does to accounts and mail, as programs of others see it.

mod support;

use support::{Running, data, python};

/// What the scripts below share.
const TOOLS: &str = r#"
import urllib.request, re
passwords = {a["address"]: a["password"] for a in ready["accounts"]}
def http(url, token, body=None, method=None):
    request = urllib.request.Request(url, method=method, headers={"Authorization": "Bearer " + token})
    if body is not None:
        request.data = json.dumps(body).encode()
        request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request, context=context, timeout=60) as answer:
        return json.load(answer)
def control(path, body=None, method=None):
    return http(ready["control"]["url"] + path, ready["control"]["token"], body, method)
seen = 0
def events():
    global seen
    found = []
    while True:
        page = control("/events?after=%d" % seen)
        if not page:
            return found
        found += page
        seen = page[-1]["sequence"]
def acted(behaviour):
    hits = [e for e in events() if e.get("behaviour") == behaviour]
    assert hits, behaviour
    return hits[0]
def twin(address, endpoint="submission"):
    smtp = smtplib.SMTP(*place(ready["twin"][endpoint]), timeout=120)
    smtp.ehlo("client.northmoor.example")
    if endpoint != "relay":
        smtp.starttls(context=context)
        smtp.ehlo("client.northmoor.example")
        smtp.login(address, passwords[address], initial_response_ok=False)
    return smtp
def letter(sender, to="reader@northmoor.example", subject="The clinic", body="At ten.\n", more=""):
    text = "From: %s\nTo: %s\nSubject: %s\nDate: Sat, 21 Nov 2026 09:30:00 +0000\nMessage-ID: <%d@client.example>\n%s" % (sender, to, subject, time.monotonic_ns(), more)
    return (text + "\n" + body).replace("\n", "\r\n").encode()
def send(sender, to, octets, endpoint="submission"):
    """The reply that ends it."""
    smtp = twin(sender, endpoint)
    try:
        for step in [lambda: smtp.mail(sender)] + [lambda one=one: smtp.rcpt(one) for one in to]:
            code, text = step()
            if code >= 400:
                return code, text.decode()
        code, text = smtp.data(octets)
        return code, text.decode()
    finally:
        smtp.close()
def sends(*arguments, **more):
    code, text = send(*arguments, **more)
    assert code == 250, (code, text)
def box(address, folder="INBOX"):
    held = imap({"address": address, "password": passwords[address]})
    held.select('"%s"' % folder)
    numbers = held.search(None, "ALL")[1][0].split()
    found = [held.fetch(n, "(BODY.PEEK[])")[1][0][1] for n in numbers]
    held.logout()
    return found
def messages(address, folder="INBOX"):
    return [email.message_from_bytes(one) for one in box(address, folder)]
def refused(act):
    try:
        act()
    except smtplib.SMTPAuthenticationError as refusal:
        return refusal.smtp_error.decode()
    raise AssertionError("let in")
"#;

fn script(running: &Running, text: &str, arguments: &[&str]) -> String {
    python(running, &format!("{TOOLS}\n{text}"), arguments)
}

fn seed() -> String {
    data("service.toml").to_str().expect("a path").to_owned()
}

#[test]
fn what_the_control_api_set_outlives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let state = state.to_str().expect("a path");
    let arguments = [
        "twin",
        "--json",
        "--ports",
        "auto",
        "--dir",
        state,
        "--seed",
        &seed(),
    ];
    let first = Running::start(&arguments);
    script(
        &first,
        r#"
control("/service", {"relay_spoofed": "junk", "relay_refusal": "Not from here"}, "PUT")
control("/relay-registrations", {"address": "127.0.0.9", "domains": ["southmoor-trust.example"]})
control("/applications", {"client_id": "00000000-0000-4000-8000-000000000009", "client_secret": "kept", "mailboxes": ["reader@northmoor.example"]})
assert control("/accounts/reader@northmoor.example/convert", {"kind": "application"})["kind"] == "application"
"#,
        &[],
    );
    assert!(first.stop().success());
    let second = Running::start(&arguments);
    script(
        &second,
        r#"
service = control("/service")
assert (service["relay_spoofed"], service["relay_refusal"]) == ("junk", "Not from here"), service
assert control("/accounts/reader@northmoor.example")["kind"] == "application"
import urllib.parse
wish = urllib.parse.urlencode({"client_id": "00000000-0000-4000-8000-000000000009", "client_secret": "kept", "grant_type": "client_credentials", "scope": "https://outlook.office365.com/.default"}).encode()
url = ready["control"]["url"].split("/control")[0] + "/organizations/oauth2/v2.0/token"
with urllib.request.urlopen(urllib.request.Request(url, data=wish), context=context) as answer:
    assert json.load(answer)["access_token"]
relay = smtplib.SMTP(source_address=("127.0.0.9", 0), timeout=60)
code, text = relay.connect(*place(ready["twin"]["relay"]))
assert code == 220, (code, text)
"#,
        &[],
    );
}

#[test]
fn the_clock_takes_the_behaviour_along() {
    let running = Running::start(&[
        "twin",
        "--json",
        "--ports",
        "auto",
        "--as-of",
        "2026-12-30",
        "--seed",
        &seed(),
    ]);
    script(
        &running,
        r#"
me = "reader@northmoor.example"
twin(me).quit()
assert control("/clock")["as_of"] == "2026-12-30"
control("/clock/advance", {"seconds": 2 * 86400})
words = refused(lambda: twin(me))
assert words.startswith("5.7.139 Authentication unsuccessful, basic authentication is disabled."), words
control("/clock", {"now": "2022-03-01T09:00:00Z"}, "PUT")
twin(me).quit()
held = imap({"address": me, "password": passwords[me]})
assert b"The Microsoft Exchange IMAP4 service is ready." in held.welcome, held.welcome
held.logout()
control("/clock", {"now": "2026-11-21T09:00:00Z", "as_of": "2022-03-01"}, "PUT")
twin(me).quit()
imap({"address": me, "password": passwords[me]}).logout()
"#,
        &[],
    );
}
