//! Two witnesses for a clause: the gateway's rule refuses the offence, and
//! with the rules off the twin punishes it, in the service's words and with
//! its behaviour in the event log.
//!
//! One program serves all rows of a test; a row is one offence.

mod support;

use mailward_policy::{Rule, catalogue};
use serde_json::{Value, json};
use support::{Running, data, python};

/// One offence, as an application would commit it.
struct Offence {
    clause: &'static str,
    /// The rule that refuses it.
    rule: &'static str,
    /// Who commits it.
    application: &'static str,
    header: &'static str,
    to: To,
    /// The reverse-path; the application's account without one.
    sender: Option<&'static str>,
    /// What the twin is recorded to have said to the gateway.
    twin_says: &'static str,
    /// Where the recipients then stand.
    state: &'static str,
    behaviour: &'static str,
}

#[derive(Clone, Copy)]
enum To {
    Reader,
    /// This many outside the organisation.
    Many(usize),
}

impl To {
    fn count(self) -> usize {
        match self {
            Self::Reader => 0,
            Self::Many(count) => count,
        }
    }
}

/// The header of a message by `sender@northmoor.example` that offends nobody.
const SOUND: &str =
    "From: \"Sender, Witness (NORTHMOOR HOSPITALS TRUST)\" <sender@northmoor.example>\n";

const OFFENCES: &[Offence] = &[
    Offence {
        clause: "GUIDE-10",
        rule: "from-is-account",
        application: "sender",
        header: "From: \"Other, Some (NORTHMOOR HOSPITALS TRUST)\" <other@northmoor.example>\n",
        to: To::Reader,
        sender: None,
        twin_says: "5.2.252 SendAsDenied; sender@northmoor.example not allowed to send as other@northmoor.example",
        state: "deferred",
        behaviour: "send-as",
    },
    Offence {
        clause: "GUIDE-61",
        rule: "from-is-account",
        application: "sender",
        header: SOUND,
        to: To::Reader,
        sender: Some("other@northmoor.example"),
        twin_says: "5.2.252 SendAsDenied",
        state: "deferred",
        behaviour: "send-as",
    },
    Offence {
        clause: "GUIDE-61",
        rule: "from-single",
        application: "sender",
        header: "From: sender@northmoor.example, crowd@northmoor.example\n",
        to: To::Reader,
        sender: None,
        twin_says: "5.1.20 Multiple From addresses are not allowed without Sender address",
        state: "failed",
        behaviour: "from-several",
    },
    Offence {
        clause: "GUIDE-68",
        rule: "recipients-per-message",
        application: "crowd",
        header: "From: \"Crowd, Witness (NORTHMOOR HOSPITALS TRUST)\" <crowd@northmoor.example>\n",
        to: To::Many(501),
        sender: None,
        twin_says: "Queued mail for delivery",
        state: "relayed",
        behaviour: "recipients-per-message",
    },
    Offence {
        clause: "GUIDE-72",
        rule: "no-non-delivery-address",
        application: "quiet",
        header: "From: \"Quiet, Witness (NORTHMOOR HOSPITALS TRUST)\" <quiet@northmoor.example>\nReply-To: no-reply@northmoor.example\n",
        to: To::Reader,
        sender: None,
        twin_says: "5.1.8 Access denied, bad outbound sender",
        state: "deferred",
        behaviour: "non-delivery-address",
    },
];

fn table() -> String {
    let rows: Vec<Value> = OFFENCES
        .iter()
        .map(|one| {
            let rule = catalogue::find(one.rule).expect("the rule");
            let cites = |clause: &str| rule.clauses.iter().any(|id| id.to_string() == clause);
            assert!(cites(one.clause), "{} does not cite {}", rule.id, one.clause);
            json!({
                "clause": one.clause, "rule": one.rule, "cited": rule.clauses[0].to_string(), "application": one.application,
                "header": one.header, "many": one.to.count(), "sender": one.sender,
                "says": one.twin_says, "state": one.state, "behaviour": one.behaviour,
            })
        })
        .collect();
    Value::from(rows).to_string()
}

/// `up` with the seed of the witnesses and these rules off.
fn up(off: &[&Rule]) -> (Running, tempfile::TempDir) {
    let dir = tempfile::tempdir().expect("a folder");
    let seed = dir.path().join("seed.toml");
    let mut text = String::from("[rules]\n");
    for rule in off {
        text.push_str(&format!("{} = \"off\"\n", rule.id));
    }
    text.push_str(&std::fs::read_to_string(data("witness.toml")).expect("the seed"));
    std::fs::write(&seed, text).expect("written");
    let seed = seed.to_str().expect("a path").to_owned();
    (Running::up(&["--seed", &seed]), dir)
}

/// What the scripts below share.
const TOOLS: &str = r#"
import urllib.request, re, imaplib
apps = {a["name"]: a for a in ready["applications"]}
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
def punished(behaviour, found):
    hits = [e for e in found if e.get("behaviour") == behaviour]
    assert hits, (behaviour, found)
    return hits[0]
def letter(header, body="The clinic is at ten.\n"):
    text = header + "Subject: A witness\nDate: Sat, 21 Nov 2026 09:30:00 +0000\n"
    if "To:" not in header.replace("Reply-To:", ""):
        text += "To: reader@northmoor.example\n"
    return (text + "\n" + body).replace("\n", "\r\n").encode()
def people(row):
    if row["many"]:
        return ["person%d@elsewhere.example" % n for n in range(row["many"])]
    return ["reader@northmoor.example"]
def connect(endpoint, user=None, password=None):
    smtp = smtplib.SMTP(*place(endpoint), timeout=120)
    smtp.ehlo("client.northmoor.example")
    if user is not None:
        smtp.starttls(context=context)
        smtp.ehlo("client.northmoor.example")
        smtp.login(user, password, initial_response_ok=False)
    return smtp
def gateway(name):
    return connect(ready["gateway"]["submission"], apps[name]["username"], apps[name]["password"])
def twin(address, endpoint="submission"):
    return connect(ready["twin"][endpoint], address, passwords[address])
def hand_in(smtp, sender, to, octets):
    """The first refusal, or the reply to the final dot."""
    for step in [lambda: smtp.mail(sender)] + [lambda one=one: smtp.rcpt(one) for one in to]:
        code, text = step()
        if code >= 400:
            smtp.rset()
            return code, text.decode()
    code, text = smtp.data(octets)
    return code, text.decode()
def taken(name, sender, to, octets):
    smtp = gateway(name)
    code, text = hand_in(smtp, sender or apps[name]["from"], to, octets)
    smtp.quit()
    assert code == 250, (name, code, text)
    return text.rsplit(" ", 1)[1]
def message(name, id):
    return http("https://%s/v1/messages/%s" % (ready["gateway"]["https"], id), apps[name]["api_key"])
def settled(name, id, state):
    def look():
        view = message(name, id)
        return view if all(r["state"] == state for r in view["recipients"]) else None
    try:
        return wait_for(look, state)
    except AssertionError:
        raise AssertionError((state, message(name, id)))
def inbox(address, folder="INBOX"):
    box = imap({"address": address, "password": passwords[address]})
    box.select('"%s"' % folder)
    numbers = box.search(None, "ALL")[1][0].split()
    found = [box.fetch(n, "(BODY.PEEK[])")[1][0][1].decode("utf-8", "replace") for n in numbers]
    box.logout()
    return found
"#;

fn script(running: &Running, script: &str, arguments: &[&str]) -> String {
    python(running, &format!("{TOOLS}\n{script}"), arguments)
}

#[test]
fn the_gateway_refuses_by_rule_and_clause() {
    let (running, _seed) = up(&[]);
    script(
        &running,
        r#"
for row in json.loads(argv[0]):
    smtp = gateway(row["application"])
    sender = row["sender"] or apps[row["application"]]["from"]
    code, text = hand_in(smtp, sender, people(row), letter(row["header"]))
    assert code >= 500, (row, code, text)
    # The reply names the rule and the first clause it rests on.
    assert "Rule: %s" % row["rule"] in text and "(%s" % row["cited"] in text, (row, text)
    smtp.quit()
# The size, as announced (GUIDE-67).
smtp = gateway("sender")
code, text = smtp.mail("sender@northmoor.example", ["SIZE=40000000"])
assert code == 552 and b"GUIDE-67" in text and b"Rule: message-size" in text, (code, text)
# The relay without an exception (DHC-8 and what forbids plain text).
code, text = hand_in(gateway("barred"), "barred@northmoor.example", ["reader@northmoor.example"],
    letter('From: "Barred, Witness (NORTHMOOR HOSPITALS TRUST)" <barred@northmoor.example>\n'))
assert code >= 500 and "relay" in text, (code, text)
# With one: its own domain alone, and nothing confidential (GUIDE-13, 50, 15, 16).
relayed = 'From: "Relayed, Witness (NORTHMOOR HOSPITALS TRUST)" <relayed@northmoor.example>\n'
to = ["reader@northmoor.example"]
for header, sender, body, rule, clause in [
    ("From: alerts@nhs.net\n", "alerts@nhs.net", "x\n", "relay-sender", "GUIDE-13"),
    ("From: alerts@example.org\n", "alerts@example.org", "x\n", "relay-sender", "GUIDE-13"),
    (relayed + "X-Mailward-Data-Class: OFFICIAL-SENSITIVE\n", None, "x\n", "data-class-route", "GUIDE-15"),
    (relayed, None, "The result of 999 000 0018 is there.\n", "data-class-route", "GUIDE-15"),
    (relayed, None, "The clinic is at ten.\n", None, None),
]:
    code, text = hand_in(gateway("relayed"), sender or "relayed@northmoor.example", to, letter(header, body))
    if rule is None:
        assert code == 250, (code, text)
    else:
        assert code >= 500 and "Rule: %s" % rule in text and clause in text, (header, code, text)
        assert "9990000018" not in text.replace(" ", ""), text
# What only the gateway can tell: sensitive mail to strangers, and mass mailings.
own = 'From: "Sender, Witness (NORTHMOOR HOSPITALS TRUST)" <sender@northmoor.example>\n'
stranger = ["someone@elsewhere.example"]
number = "The result of 999 000 0018 is there.\n"
code, text = hand_in(gateway("sender"), "sender@northmoor.example", stranger, letter(own, number))
assert code == 550 and "ENG-19" in text and "Rule: recipient-domain" in text, (code, text)
code, text = hand_in(gateway("sender"), "sender@northmoor.example", stranger,
    letter(own, number).replace(b"Subject: ", b"Subject: [secure] "))
assert code == 250, (code, text)
for start, allowed in [(0, True), (300, False)]:
    many = ["person%d@elsewhere.example" % n for n in range(start, start + 300)]
    code, text = hand_in(gateway("sender"), "sender@northmoor.example", many, letter(own, "Our service is new.\n"))
    assert (code == 250) == allowed, (code, text)
assert "ENG-4" in text and "Rule: mass-mailing" in text, text
# GUIDE-69: of two messages to a list the first goes, and the second waits and says for what.
ward = ["ward.seven@northmoor.example"]
ids = [taken("sender", None, ward, letter(own, "Round %d.\n" % n)) for n in range(2)]
def rounds():
    views = [message("sender", id) for id in ids]
    states = [view["recipients"][0]["state"] for view in views]
    return states == ["relayed", "incoming"] and "list_spacing" in json.dumps(views[1])
wait_for(rounds, "the first relayed, the second waiting for the list")
# No TLS, no sign-in (GUIDE-60, DHC-12).
plain = connect(ready["gateway"]["submission"])
assert plain.mail("sender@northmoor.example")[0] == 530
plain.starttls(context=context)
plain.ehlo("client.northmoor.example")
code, text = plain.mail("sender@northmoor.example")
assert code == 530, (code, text)
"#,
        &[&table()],
    );
}

#[test]
fn with_the_rules_off_the_twin_punishes_and_the_gateway_shows_it() {
    let (running, _seed) = up(catalogue::RULES);
    script(
        &running,
        r#"
control("/service", {"non_delivery_address": "block"}, "PUT")
for row in json.loads(argv[0]):
    events()
    name = row["application"]
    id = taken(name, row["sender"], people(row), letter(row["header"]))
    view = settled(name, id, row["state"])
    assert row["says"] in json.dumps(view), (row, view)
    event = punished(row["behaviour"], events())
    assert row["clause"] in event["clauses"], (row, event)
# GUIDE-68: nobody gets it, and the sender is told.
report = wait_for(lambda: [m for m in inbox("crowd@northmoor.example") if "RESOLVER.ADR.RecipLimit" in m], "the report")
# GUIDE-73: the account stays blocked, whatever it sends.
smtp = twin("quiet@northmoor.example")
code, text = smtp.mail("quiet@northmoor.example")
assert (code, text) == (550, b"5.1.8 Access denied, bad outbound sender"), (code, text)
assert "GUIDE-73" in punished("sender-blocked", events())["clauses"]
control("/senders", {"address": "quiet@northmoor.example", "blocked": False}, "PUT")
assert smtp.mail("quiet@northmoor.example")[0] == 250
# GUIDE-64: over quota, nothing is sent; the mail waits.
own = 'From: "Full, Witness (NORTHMOOR HOSPITALS TRUST)" <full@northmoor.example>\n'
big = letter(own, ("x" * 70 + "\n") * 17000)
id = taken("full", None, ["reader@northmoor.example"], big)
view = settled("full", id, "deferred")
assert "5.2.2 mailbox full; STOREDRV.Submission" in json.dumps(view), view
assert "GUIDE-64" in punished("over-quota", events())["clauses"]
# GUIDE-6: the protocol is off; the mail waits behind the breaker.
own = 'From: "Closed, Witness (NORTHMOOR HOSPITALS TRUST)" <closed@northmoor.example>\n'
id = taken("closed", None, ["reader@northmoor.example"], letter(own))
view = settled("closed", id, "deferred")
assert "SmtpClientAuthentication is disabled for the Mailbox" in json.dumps(view), view
assert "GUIDE-6" in punished("protocol-disabled", events())["clauses"]
"#,
        &[&table()],
    );
}

/// The relay: who may, from what, and what becomes of the rest.
#[test]
fn the_relay_takes_registered_clients_with_their_own_domain_and_the_gateway_only_by_exception() {
    let (running, _seed) = up(catalogue::RULES);
    script(
        &running,
        r#"
def own(name):
    return 'From: "%s, Witness (NORTHMOOR HOSPITALS TRUST)" <%s@northmoor.example>\n' % (name.title(), name)
to = ["reader@northmoor.example"]
# DHC-8, DHC-15: no exception, so nothing is said to the relay even where every rule is off.
id = taken("barred", None, to, letter(own("barred")))
view = settled("barred", id, "hold")
assert "DHC-8" in json.dumps(view), view
assert not [e for e in events() if e["protocol"] == "relay"]
# GUIDE-55: 127.0.0.1 is not registered. A person must act: held, not tried again.
id = taken("relayed", None, to, letter(own("relayed")))
view = settled("relayed", id, "hold")
assert "Relay Access Denied" in json.dumps(view), view
assert "GUIDE-55" in punished("relay-unregistered", events())["clauses"]
try:
    smtplib.SMTP(*place(ready["twin"]["relay"]), timeout=60)
    raise AssertionError("let in")
except smtplib.SMTPConnectError as refused:
    assert refused.smtp_code == 554, refused
# The same at RCPT, for those who are told there.
control("/service", {"relay_refuses_at": "rcpt"}, "PUT")
relay = connect(ready["twin"]["relay"])
assert hand_in(relay, "relayed@northmoor.example", to, b"")[0] == 554
relay.quit()
id = taken("relayed", None, to, letter(own("relayed")))
assert "Relay Access Denied" in json.dumps(settled("relayed", id, "hold"))
# GUIDE-53: registered, it is let in and delivered, with TLS, since it is offered.
control("/service", {}, "PUT")
control("/relay-registrations", {"address": "127.0.0.1"})
id = taken("relayed", None, to, letter(own("relayed") + "X-Witness: registered\n"))
view = settled("relayed", id, "relayed")
got = wait_for(lambda: [m for m in inbox(to[0]) if "X-Witness: registered" in m], "the relayed message")
assert "version=TLS" in got[0], got[0]
# Anonymous: no AUTH is offered, TLS is, and the names mean nothing (GUIDE-51).
relay = connect(ready["twin"]["relay"])
assert not relay.has_extn("auth") and relay.has_extn("starttls")
# GUIDE-50, GUIDE-13: taken and deleted, through the gateway and straight.
events()
for header, sender, behaviour, clause in [
    ("From: noreply@nhs.net\n", "noreply@nhs.net", "relay-spoofed", "GUIDE-50"),
    ("From: clerk@elsewhere.example\n", "clerk@elsewhere.example", "relay-domain", "GUIDE-13"),
]:
    mark = "X-Witness: %s\n" % behaviour
    id = taken("relayed", sender, to, letter(header + mark))
    settled("relayed", id, "relayed")
    assert clause in punished(behaviour, events())["clauses"]
    code, text = hand_in(relay, sender, to, letter(header + mark))
    assert code == 250, (code, text)
    assert clause in punished(behaviour, events())["clauses"]
    assert not [m for m in inbox(to[0]) if mark.strip() in m]
# The practice before July 2019 (conflict C3).
control("/service", {"relay_spoofed": "junk"}, "PUT")
code, text = hand_in(relay, "noreply@nhs.net", to, letter("From: noreply@nhs.net\nX-Witness: junk\n"))
assert code == 250, (code, text)
assert [m for m in inbox(to[0], "Junk Email") if "X-Witness: junk" in m and "X-Spoofed-Sender-Warning" in m]
# GUIDE-81, DHC-7: the other route of an account, with sign-in.
id = taken("hurried", None, to, letter(own("hurried")))
settled("hurried", id, "relayed")
assert [e for e in events() if e["protocol"] == "high_sending" and e["kind"] == "signed_in"]
"#,
        &[],
    );
}

/// As an application would that has no gateway before it.
#[test]
fn the_twin_punishes_whoever_comes_straight() {
    let (running, _seed) = up(&[]);
    script(
        &running,
        r#"
me = "straight@northmoor.example"
own = 'From: "Straight, Witness (NORTHMOOR HOSPITALS TRUST)" <%s>\n' % me
to = ["reader@northmoor.example"]
def offends(clause, behaviour, words, act):
    events()
    code, text = act()
    assert words in "%d %s" % (code, text), (clause, code, text)
    event = punished(behaviour, events())
    assert clause in event["clauses"], (clause, event)
def sends(octets, sender=me, to=to, who=me):
    def act():
        smtp = twin(who)
        try:
            return hand_in(smtp, sender, to, octets)
        finally:
            smtp.close()
    return act
def signs_in(user, password, endpoint="submission"):
    def act():
        try:
            connect(ready["twin"][endpoint], user, password)
        except smtplib.SMTPAuthenticationError as refused:
            return refused.smtp_code, refused.smtp_error.decode()
    return act
def raw(*lines):
    def act():
        smtp = connect(ready["twin"]["submission"])
        if lines[0] == "TLS":
            smtp.starttls(context=context)
            smtp.ehlo("client.northmoor.example")
        for line in lines:
            if line != "TLS":
                code, text = smtp.docmd(line)
        return code, text.decode()
    return act
def bare():
    smtp = twin(me)
    smtp.mail(me), smtp.rcpt(to[0]), smtp.docmd("DATA")
    smtp.send(own.encode() + b"Subject: bare\n\nline\r\n.\r\n")
    code, text = smtp.getreply()
    return code, text.decode()
def fourth():
    held = [twin("sender@northmoor.example") for _ in range(4)]
    return hand_in(held[3], "sender@northmoor.example", to, letter("From: sender@northmoor.example\n"))

for clause, behaviour, words, act in [
    ("GUIDE-10", "send-as", "554 5.2.252 SendAsDenied", sends(letter("From: other@northmoor.example\n"))),
    ("GUIDE-61", "send-as", "554 5.2.252 SendAsDenied", sends(letter(own), sender="other@northmoor.example")),
    ("GUIDE-10", "from-missing", "550 5.7.512", sends(letter(""))),
    ("GUIDE-10", "from-several", "550 5.1.20", sends(letter("From: %s, other@northmoor.example\n" % me))),
    ("GUIDE-72", "non-delivery-address", "250 2.0.0", sends(letter(own + "Reply-To: noreply@northmoor.example\n"))),
    ("GUIDE-67", "message-size", "552 5.3.4", sends(letter(own, ("x" * 998 + "\n") * 37000))),
    ("GUIDE-68", "recipients-per-message", "250 2.0.0", sends(letter(own), to=["p%d@elsewhere.example" % n for n in range(501)])),
    ("GUIDE-64", "over-quota", "554 5.2.2", sends(letter("From: full@northmoor.example\n", ("x" * 70 + "\n") * 17000), sender="full@northmoor.example", who="full@northmoor.example")),
    ("GUIDE-74", "unknown-recipient", "250 2.0.0", sends(letter(own), to=["nobody@northmoor.example"])),
    ("GUIDE-17", "virus", "250 2.0.0", sends(letter(own + "X-Witness: virus\n", "X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*\n"))),
    ("GUIDE-17", "spam", "250 2.0.0", sends(letter(own + "X-Witness: spam\n", "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n"))),
    ("GUIDE-80", "connections", "432 4.3.2 Concurrent connections limit exceeded.", fourth),
    ("GUIDE-60", "tls-first", "451 5.7.3", raw("MAIL FROM:<%s>" % me)),
    ("DHC-12", "not-signed-in", "530 5.7.57", raw("TLS", "MAIL FROM:<%s>" % me)),
    ("ENG-18", "not-signed-in", "530 5.7.57", raw("TLS", "MAIL FROM:<%s>" % me)),
    ("GUIDE-43", "mechanism", "504 5.7.4", raw("TLS", "AUTH PLAIN AGEAYg==")),
    ("GUIDE-59", "user-name", "535 5.7.139", signs_in("straight", passwords[me])),
    ("GUIDE-9", "credentials", "535 5.7.139", signs_in(me, "wrong")),
    ("GUIDE-6", "protocol-disabled", "SmtpClientAuthentication is disabled for the Mailbox", signs_in("closed@northmoor.example", passwords["closed@northmoor.example"])),
]:
    offends(clause, behaviour, words, act)
events()
code, text = bare()
assert (code, text) == (550, "5.6.11 Invalid characters"), (code, text)
punished("line-ends", events())
assert not [m for m in inbox(to[0]) if "X-Witness: virus" in m or "X-Witness: spam" in m]
assert [m for m in inbox(to[0], "Junk Email") if "X-Witness: spam" in m]
assert [m for m in inbox(me) if "RESOLVER.ADR.RecipLimit" in m]
# GUIDE-69: recorded by default, refused by setting.
ward = ["ward.seven@northmoor.example"]
assert sends(letter(own), to=ward)()[0] == 250
offends("GUIDE-69", "list-spacing", "250 2.0.0", sends(letter(own), to=ward))
control("/service", {"list_spacing": "delay"}, "PUT")
offends("GUIDE-69", "list-spacing", "450 4.7.1", sends(letter(own), to=ward))
control("/service", {"list_spacing": "refuse"}, "PUT")
offends("GUIDE-69", "list-spacing", "550 5.7.1", sends(letter(own), to=ward))
control("/clock/advance", {"seconds": 1801})
assert sends(letter(own), to=ward)()[0] == 250
# GUIDE-80: a mailbox set to 1000 takes them; ten times that is a day.
control("/senders", {"address": "crowd@northmoor.example", "recipients_max": 1000}, "PUT")
who = "crowd@northmoor.example"
smtp = twin(who)
for hundred in range(10):
    many = ["p%d.%d@elsewhere.example" % (hundred, n) for n in range(1000)]
    code, text = hand_in(smtp, who, many, letter("From: crowd@northmoor.example\n"))
    assert code == 250, (hundred, code, text)
offends("GUIDE-80", "recipients-per-day", "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException",
    lambda: hand_in(smtp, who, to, letter("From: crowd@northmoor.example\n")))
smtp.close()
control("/clock/advance", {"seconds": 86400})
assert sends(letter("From: crowd@northmoor.example\n"), sender=who, who=who)()[0] == 250
# Every behaviour that acted is in the list.
listed = {b["id"] for b in control("/behaviours")}
assert {e["behaviour"] for e in control("/events?after=0") if "behaviour" in e} <= listed
"#,
        &[],
    );
}
