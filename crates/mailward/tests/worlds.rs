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

[[relay_registration]]
address = "127.0.0.1"
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
code, answer = control("GET", "/events?after=first")
assert code == 422 and "after" in answer["detail"], answer

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

/// Every protocol, and every way in which its clients name a world.
const WAYS: &str = r##"
def line(stream, text=None):
    if text is not None:
        stream.write(text.encode() + b"\r\n")
        stream.flush()
    return stream.readline().decode()
def secure(port, host):
    plain = socket.create_connection(("127.0.0.1", port), timeout=60)
    return context.wrap_socket(plain, server_hostname=host).makefile("rwb")
def port_of(address):
    return int(address.rsplit(":", 1)[1])
def submit(address, host, suffix):
    session = smtp(address, host)
    assert login(session, "letters@northmoor.example" + suffix)[0] == 235
    send(session, "letter")
    return session
def hand_on(address, host, suffix):
    session = smtp(address, host)
    send(session, "letter")
    return session
def read_imap(address, host, suffix):
    session = secure(port_of(address), host)
    assert line(session).startswith("* OK")
    assert line(session, "a LOGIN reader@northmoor.example%s reads" % suffix).startswith("a OK")
    return session
def read_pop(address, host, suffix):
    session = secure(port_of(address), host)
    assert line(session).startswith("+OK")
    assert line(session, "USER reader@northmoor.example" + suffix).startswith("+OK")
    assert line(session, "PASS reads").startswith("+OK")
    return session
ACTS = {"submission": ("submission", submit), "high_sending": ("high_sending", submit),
    "relay": ("relay", hand_on), "imap": ("imaps", read_imap), "pop": ("pop3s", read_pop)}
WAYS = [(protocol, way) for protocol in ACTS for way in ("user", "name", "port") if (protocol, way) != ("relay", "user")]
def sessions(protocol, world=None):
    return [s for s in control("GET", "/sessions", world=world)[1] if s["protocol"] == protocol]
def begin(world, protocol, way):
    endpoint, act = ACTS[protocol]
    place = control("POST", "/worlds/%s/listeners" % world)[1] if way == "port" else ready["twin"]
    host = world + ".twin.test" if way == "name" else "localhost"
    return act(place[endpoint], host, "#" + world if way == "user" else "")
def last_words(protocol, session):
    """What is said when a world goes, and that nothing follows."""
    if protocol in ("imap", "pop"):
        text = line(session)
        assert line(session) == "", text
        return text
    code, text = session.getreply()
    assert session.sock.recv(1) == b"", text
    return "%d %s" % (code, text.decode())
for protocol, way in WAYS:
    world = (protocol + "-" + way).replace("_", "-")
    assert control("POST", "/worlds", {"name": world})[0] == 201
    strangers = len(sessions(protocol)), len(control("GET", "/events")[1])
    session = begin(world, protocol, way)
    [own] = sessions(protocol, world)
    [first] = [e for e in control("GET", "/events", world=world)[1] if e["kind"] in ("signed_in", "accepted")][:1]
    assert (first["protocol"], first["session"]) == (protocol, own["id"]), (first, own)
    transcript = control("GET", "/sessions/" + own["id"], world=world)[1]
    assert any(one["direction"] == "client" for one in transcript["lines"]), transcript
    assert (len(sessions(protocol)), len(control("GET", "/events")[1])) == strangers, (protocol, way)
    if protocol == "imap":
        assert line(session, "b SELECT INBOX").startswith("*")
        while not line(session).startswith("b OK"): pass
        assert line(session, "c IDLE").startswith("+")
    assert control("DELETE", "/worlds/" + world)[0] == 204
    goodbye = last_words(protocol, session)
    assert goodbye.startswith({"imap": "* BYE", "pop": "-ERR"}.get(protocol, "421")), goodbye
# Over HTTPS, by header and by host.
for world, headers in (("by-header", {"X-Mailward-World": "by-header"}), ("by-host", {"Host": "by-host.twin.test"})):
    assert control("POST", "/worlds", {"name": world})[0] == 201
    strangers = len(sessions("http"))
    url = ready["twin"]["oauth"]["token_url"]
    try:
        urllib.request.urlopen(urllib.request.Request(url, data=b"grant_type=none", headers=headers), context=context)
        raise SystemExit("granted")
    except urllib.error.HTTPError as refusal:
        assert refusal.code == 400
    [own] = sessions("http", world)
    assert own["id"] == "http-1" and len(sessions("http")) == strangers, own
"##;

/// Faults are those of the world that a session is in.
const STRUCK: &str = r##"
for world in ("one", "two"):
    assert control("POST", "/worlds", {"name": world})[0] == 201
def play(world, stage, text, protocol="submission"):
    fault = {"id": stage, "match": {"protocol": protocol, "stage": stage}, "action": {"kind": "reply", "text": text}}
    assert control("POST", "/faults", fault, world=world)[0] == 201
letters, reader = "letters@northmoor.example", "reader@northmoor.example"
# At the sign-in already those of the world that the user names.
play("one", "auth", "454 4.7.0 One is busy")
for user, expected in ((letters, 235), (letters + "#two", 235), (letters + "#one", 454)):
    code, text = login(smtp(), user)
    assert code == expected, (user, code, text)
control("DELETE", "/faults", world="one")
# From there on those alone.
play(None, "rcpt", "451 4.3.2 Default is busy")
play("one", "mail", "452 4.3.1 One is full")
for user, expected in ((letters, 451), (letters + "#one", 452), (letters + "#two", 250)):
    session = smtp()
    assert login(session, user)[0] == 235
    code, _ = session.mail(letters)
    if code == 250: code, _ = session.rcpt(reader)
    assert code == expected, (user, code)
[event] = [e for e in control("GET", "/events", world="one")[1] if e["kind"] == "fault" and "452" not in e["why"] and "mail" in e["why"]]
assert event["session"] in [s["id"] for s in control("GET", "/sessions", world="one")[1]], event
# By server name from the handshake on.
session = smtp(host="one.twin.test")
assert login(session)[0] == 235
assert session.mail(letters)[0] == 452
# Words of the conversation itself, too.
play("two", "ehlo", "421 4.3.2 Two is tired")
session = smtp()
assert login(session, letters + "#two")[0] == 235
assert session.docmd("EHLO", "client.example")[0] == 421
session = smtp()
assert login(session, letters + "#two")[0] == 235
assert session.docmd("DATA")[0] == 503
# Modes: one world is down, the other not.
assert control("PUT", "/modes/outage", {"protocols": ["imap"]}, world="one")[0] == 200
imap(ready["twin"]["imaps"]).logout()
imap(ready["twin"]["imaps"], reader + "#two").logout()
try:
    session = imap(ready["twin"]["imaps"], reader + "#one")
    session.noop()
    raise SystemExit("not down")
except (imaplib.IMAP4.error, OSError):
    pass
assert control("GET", "/status", world="one")[1]["is_sound"] is False
assert control("GET", "/status", world="two")[1]["modes"] == []
"##;

/// The same script by the shared ports, where others come and go.
const SHARED: &str = r##"
def run(noise):
    for number in range(noise):
        login(smtp())
        inbox(imap(ready["twin"]["imaps"]))
    assert control("POST", "/worlds", {"name": "again", "dice_seed": 7, "clock_held": True, "now": "2026-11-21T09:00:00Z"})[0] == 201
    letters, reader = "letters@northmoor.example#again", "reader@northmoor.example#again"
    session = smtp()
    replies = [login(session, letters, "wrong"), login(session, letters)]
    send(session, "first")
    session.mail("letters@northmoor.example")
    session.rcpt("reader@northmoor.example")
    replies.append(session.data(b"From: letters@northmoor.example\r\nSubject: second\r\n\r\nx\r\n"))
    mail = inbox(imap(ready["twin"]["imaps"], reader))
    assert control("POST", "/clock/advance", {"seconds": 366 * 86400}, world="again")[0] == 200
    session = smtp()
    replies.append(login(session, letters))
    assert "basic authentication is disabled" in replies[-1][1], replies
    told = [{key: s[key] for key in ("sequence", "id", "protocol", "begun")} for s in control("GET", "/sessions", world="again")[1]]
    events = call("GET", "/events?after=0", world="again")[1]
    assert len(json.loads(events)) > 5 and len(told) == 3, (events, told)
    assert control("DELETE", "/worlds/again")[0] == 204
    return replies, mail, told, events
first, second = run(1), run(3)
for one, other in zip(first, second):
    assert one == other, (one, other)
"##;

/// A year passes in one world: what is due is done in order, passwords and
/// tokens expire, a date of the service goes by; another world stays where it is.
const YEAR: &str = r##"
for world in ("next-year", "today"):
    assert control("POST", "/worlds", {"name": world, "now": "2026-11-21T09:00:00Z"})[0] == 201
def xoauth2(session, user, bearer):
    blob = "user=%s\x01auth=Bearer %s\x01\x01" % (user, bearer)
    code, text = session.docmd("AUTH", "XOAUTH2 " + base64.b64encode(blob.encode()).decode())
    return code, text.decode()
letters, reader, endpoint = "letters@northmoor.example", "reader@northmoor.example", ready["twin"]["imaps"]
old = token("next-year")
held = smtp()
assert login(held, letters + "#next-year")[0] == 235
reports = [("gone-%d@elsewhere.example" % days, days) for days in (200, 2, 30)]
far_end = [{"recipient": who, "bounces_after_seconds": days * 86400} for who, days in reports]
assert control("PUT", "/service", {"mail": {"far_end": far_end}}, world="next-year")[0] == 200
for who, _ in reports:
    held.sendmail(letters, [who], "From: %s\r\nTo: %s\r\nSubject: %s\r\n\r\nx\r\n" % (letters, who, who))
assert control("GET", "/clock", world="next-year")[1]["due"] == 3
assert control("POST", "/clock/advance", {"seconds": 366 * 86400}, world="next-year")[0] == 200
clock = control("GET", "/clock", world="next-year")[1]
assert clock["now"].startswith("2027-11-22"), clock
assert control("GET", "/clock", world="today")[1]["now"].startswith("2026-11-21")
# A session that was open has said nothing for a year.
assert held.getreply()[0] in (421, 451)
# Late reports in the order of their days.
deadline = time.monotonic() + 30
bounced = lambda: [e for e in control("GET", "/events", world="next-year")[1] if e.get("behaviour") == "late-bounce"]
while len(bounced()) < 3 and time.monotonic() < deadline: pass
assert [e["account"].split("@")[0] for e in bounced()] == ["gone-2", "gone-30", "gone-200"], bounced()
assert all(e["at"] >= "2027-11-22" for e in bounced())
assert control("GET", "/clock", world="next-year")[1]["due"] == 0
# The password for SMTP went with the year, that for mailboxes is a year old, and so is the token.
assert "basic authentication is disabled" in login(smtp(), letters + "#next-year")[1]
try:
    imap(endpoint, reader + "#next-year")
    raise SystemExit("a password of a year ago")
except imaplib.IMAP4.error:
    pass
why = [e["why"] for e in control("GET", "/events", world="next-year")[1] if e["kind"] == "refused"]
assert any("expired" in one or "too old" in one for one in why), why
assert xoauth2(smtp(), letters + "#next-year", old)[0] == 535
# TLS, a new token and a new password are as good as ever.
session = smtp()
assert xoauth2(session, letters + "#next-year", token("next-year"))[0] == 235
send(session, "a-year-later")
assert control("POST", "/accounts/%s/password" % reader, {"new": "Quiet-Harbour-71-lamp"}, world="next-year")[0] in (200, 204)
[letter] = inbox(imap(endpoint, reader + "#next-year", "Quiet-Harbour-71-lamp"))
assert b"22-Nov-2027" in letter[0][0], letter[0]
# And nothing of it in the other world.
session = smtp()
assert login(session, letters + "#today")[0] == 235
imap(endpoint, reader + "#today").logout()
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

#[test]
fn every_protocol_goes_into_the_world_that_is_named_and_ends_with_it() {
    let (_folder, running) = twin(&[]);
    python(&running, &format!("{COMMON}{WAYS}"), &[]);
}

#[test]
fn faults_are_those_of_the_world_that_a_session_is_in() {
    let (_folder, running) = twin(&[]);
    python(&running, &format!("{COMMON}{STRUCK}"), &[]);
}

#[test]
fn shared_ports_give_the_same_twice() {
    let (_folder, running) = twin(&[]);
    python(&running, &format!("{COMMON}{SHARED}"), &[]);
}

#[test]
fn a_year_passes_in_one_world() {
    let (_folder, running) = twin(&[]);
    python(&running, &format!("{COMMON}{YEAR}"), &[]);
}
