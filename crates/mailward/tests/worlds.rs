//! Worlds of the twin over the wire: chosen by user, server name, header and
//! port, unseen by each other, forked, put back, and the same twice.

mod support;

use support::{Running, python};

const SEED: &str = r##"
[organisation]
name = "NORTHMOOR HOSPITALS TRUST"
domain = "northmoor.example"

[[account]]
address = "letters@northmoor.example"
kind = "application"
password = "right"

[[account]]
address = "reader@northmoor.example"
password = "reads"
"##;

const COMMON: &str = r##"
import base64, imaplib, smtplib, socket, ssl, urllib.error, urllib.parse, urllib.request
context = ssl.create_default_context(cafile=ready["ca_file"])
def call(method, path, body=None, world=None, base=None):
    data = json.dumps(body).encode() if body is not None else (b"" if method == "POST" else None)
    headers = {"Authorization": "Bearer " + ready["control"]["token"]}
    if world: headers["X-Mailward-World"] = world
    request = urllib.request.Request((base or ready["control"]["url"]) + path, data=data, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, context=context) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
def control(method, path, body=None, world=None):
    code, text = call(method, path, body, world)
    return code, json.loads(text) if text else None
def smtp(address=None, host="localhost"):
    port = int((address or ready["twin"]["submission"]).rsplit(":", 1)[1])
    session = smtplib.SMTP("localhost", port)
    session._host = host
    session.starttls(context=context)
    session.ehlo("client.example")
    return session
def login(session, user="letters@northmoor.example", password="right"):
    session.docmd("AUTH", "LOGIN " + base64.b64encode(user.encode()).decode())
    code, text = session.docmd(base64.b64encode(password.encode()).decode())
    return code, text.decode()
def send(session, subject):
    text = ("From: letters@northmoor.example\r\nTo: reader@northmoor.example\r\n"
        "Message-ID: <%s@northmoor.example>\r\nSubject: %s\r\n\r\nhello\r\n" % (subject, subject))
    session.sendmail("letters@northmoor.example", ["reader@northmoor.example"], text)
def imap(address, user="reader@northmoor.example", password="reads"):
    session = imaplib.IMAP4_SSL("localhost", int(address.rsplit(":", 1)[1]), ssl_context=context)
    session.login(user, password)
    return session
def inbox(session):
    session.select("INBOX")
    numbers = session.search(None, "ALL")[1][0].split()
    return [session.fetch(n, "(UID INTERNALDATE BODY.PEEK[])")[1] for n in numbers]
def token(world):
    oauth = ready["twin"]["oauth"]
    form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": oauth["client_id"],
        "client_secret": oauth["client_secret"], "scope": oauth["scope"]}).encode()
    request = urllib.request.Request(oauth["token_url"], data=form, headers={"X-Mailward-World": world})
    with urllib.request.urlopen(request, context=context) as answer:
        return json.loads(answer.read())["access_token"]
def delivered(world=None):
    return [e for e in control("GET", "/events", world=world)[1] if e["kind"] == "delivered"]
"##;

const CHOSEN: &str = r##"
assert control("POST", "/worlds", {"name": "one"})[0] == 201
code, two = control("POST", "/worlds", {"name": "Two"})
assert (code, two["user_suffix"], two["host"], two["accounts"]) == (201, "#two", "two.twin.test", 2), two
assert control("POST", "/worlds", {"name": "one"})[0] == 409
assert control("POST", "/worlds", {"name": "a.b"})[0] == 422
assert control("GET", "/worlds/nine")[0] == 404
assert [w["name"] for w in control("GET", "/worlds")[1]["worlds"]] == ["one", "two"]
assert control("GET", "/events", world="nine")[0] == 404

# By user.
session = smtp()
code, text = login(session, "letters@northmoor.example#nine")
assert code == 535 and "there is no world nine" in text, text
assert login(session, "letters@northmoor.example#one")[0] == 235
send(session, "by-user")
# By server name.
session = smtp(host="two.twin.test")
assert login(session)[0] == 235
send(session, "by-name")
session = smtp(host="nine.twin.test")
code, text = login(session)
assert code == 535 and "there is no world nine" in text, text
# By port.
ports = control("POST", "/worlds/two/listeners")[1]
session = smtp(ports["submission"])
assert login(session)[0] == 235
send(session, "by-port")

assert len(delivered("one")) == 1 and len(delivered("two")) == 2 and not delivered()
shown = inbox(imap(ports["imaps"]))
assert [b"by-name" in str(one).encode() for one in shown] == [True, False], shown
assert len(inbox(imap(ready["twin"]["imaps"], "reader@northmoor.example#one"))) == 1
assert inbox(imap(ready["twin"]["imaps"])) == []
try:
    imap(ready["twin"]["imaps"], "reader@northmoor.example#nine")
    raise SystemExit("there is no world nine")
except imaplib.IMAP4.error as error:
    assert "there is no world nine" in str(error), error
import poplib
for user, count in (("reader@northmoor.example#two", 2), ("reader@northmoor.example", 0)):
    host, port = ready["twin"]["pop3s"].rsplit(":", 1)
    session = poplib.POP3_SSL("localhost", int(port), context=context)
    session.user(user)
    session.pass_("reads")
    assert session.stat()[0] == count, (user, session.stat())
# By header: a token of one world is signed with the twin's key, its holder is each world's own.
assert token("one") and token("two")
assert control("POST", "/accounts", {"address": "new@northmoor.example"}, world="one")[0] in (200, 201)
assert control("GET", "/accounts/new@northmoor.example", world="one")[0] == 200
assert control("GET", "/accounts/new@northmoor.example")[0] == 404

# Fork, snapshot, restore, reset.
assert control("POST", "/worlds/two/fork", {"name": "three"})[0] == 201
three = control("POST", "/worlds/three/listeners")[1]
assert len(inbox(imap(three["imaps"]))) == 2
session = smtp(three["submission"])
assert login(session)[0] == 235
assert control("POST", "/worlds/three/snapshots", {"name": "before"})[0] == 201
send(session, "after")
assert len(inbox(imap(three["imaps"]))) == 3 and len(inbox(imap(ports["imaps"]))) == 2
open_session = imap(three["imaps"])
open_session.select("INBOX")
assert control("POST", "/worlds/three/restore", {"snapshot": "before"})[0] == 204
assert len(inbox(imap(three["imaps"]))) == 2
assert control("POST", "/worlds/three/restore", {"snapshot": "never"})[0] == 404
assert control("POST", "/worlds/two/reset")[0] == 204
assert inbox(imap(ports["imaps"])) == []
assert control("POST", "/worlds/default/reset")[0] == 204
assert control("POST", "/worlds", {"name": "four", "from": "three", "snapshot": "before"})[0] == 201
assert control("GET", "/worlds/three/snapshots")[1] == {"snapshots": ["before"]}
assert control("DELETE", "/worlds/three")[0] == 204
assert control("DELETE", "/worlds/three")[0] == 404
assert control("DELETE", "/worlds/default")[0] == 409
try:
    while True:
        socket.create_connection(("localhost", int(three["submission"].rsplit(":", 1)[1]))).close()
except ConnectionRefusedError:
    pass
"##;

const TWICE: &str = r##"
def run():
    assert control("POST", "/worlds", {"name": "again", "dice_seed": 7, "clock_held": True, "now": "2026-11-21T09:00:00Z"})[0] == 201
    ports = control("POST", "/worlds/again/listeners")[1]
    session = smtp(ports["submission"])
    assert login(session, password="wrong")[0] == 535
    replies = [login(session)]
    for number in range(5):
        send(session, "number-%d" % number)
    session.mail("letters@northmoor.example")
    session.rcpt("nobody@northmoor.example")
    replies.append(session.data(b"From: letters@northmoor.example\r\nSubject: lost\r\n\r\nx\r\n"))
    assert control("POST", "/clock/advance", {"seconds": 3600}, world="again")[0] == 200
    # The hour has passed for the open session as well, which timed out.
    session = smtp(ports["submission"])
    replies.append(login(session))
    send(session, "an-hour-later")
    made = control("POST", "/accounts", {"address": "new@northmoor.example"}, world="again")
    claims = token("again").split(".")[1]
    mail = inbox(imap(ports["imaps"])) + inbox(imap(ports["imaps"], "letters@northmoor.example", "right"))
    events = call("GET", "/events?after=0", world="again")[1]
    assert len(json.loads(events)) > 10
    assert control("DELETE", "/worlds/again")[0] == 204
    return replies, made, claims, mail, events
first, second = run(), run()
for one, other in zip(first, second):
    assert one == other, (one, other)
"##;

/// Limits are lifted, so that nobody waits for a refusal.
fn twin(more: &[&str]) -> (tempfile::TempDir, Running) {
    let folder = tempfile::tempdir().expect("a folder");
    let seed = folder.path().join("seed.toml");
    std::fs::write(&seed, SEED).expect("written");
    let seed = seed.to_str().expect("a plain path").to_owned();
    let mut arguments = vec![
        "twin", "--json", "--ports", "auto", "--limits", "off", "--seed",
    ];
    arguments.push(&seed);
    arguments.extend(more);
    let running = Running::start(&arguments);
    (folder, running)
}

#[test]
fn worlds_are_chosen_forked_and_put_back() {
    let (_folder, running) = twin(&[]);
    python(&running, &format!("{COMMON}{CHOSEN}"), &[]);
}

#[test]
fn the_same_script_gives_the_same_ids_dates_and_events() {
    let (_folder, running) = twin(&[]);
    python(&running, &format!("{COMMON}{TWICE}"), &[]);
}
