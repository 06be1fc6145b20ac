//! The twin's accounts over the wire: lockout over both protocols, states that
//! take effect within a session, passwords that are refused, and a restart
//! that forgets nothing of it.

mod support;

use std::fs;

use support::{Running, python};

const SEED: &str = r#"
[organisation]
name = "NORTHMOOR HOSPITALS TRUST"
domain = "northmoor.example"

[sign_in]
wrong_passwords_max = 4
locked_words = "the account is resting."

[[account]]
address = "letters@northmoor.example"
kind = "application"
password = "right"

[[account]]
address = "user@northmoor.example"
password = "kovuta-bimeso-raluni-tepa"

[[account]]
address = "ward@northmoor.example"
kind = "shared"
full_access = ["user@northmoor.example"]
"#;

const COMMON: &str = r#"
import base64, imaplib, poplib, smtplib, ssl, urllib.error, urllib.parse, urllib.request
context = ssl.create_default_context(cafile=ready["ca_file"])
def control(method, path, body=None):
    data = json.dumps(body).encode() if body is not None else (b"" if method == "POST" else None)
    request = urllib.request.Request(ready["control"]["url"] + path, data=data, method=method,
        headers={"Authorization": "Bearer " + ready["control"]["token"]})
    try:
        with urllib.request.urlopen(request, context=context) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())
def smtp():
    host, port = ready["twin"]["submission"].rsplit(":", 1)
    session = smtplib.SMTP("localhost", int(port))
    session.starttls(context=context)
    session.ehlo()
    return session
def smtp_login(password, address="letters@northmoor.example"):
    session = smtp()
    code, text = session.docmd("AUTH", "LOGIN " + base64.b64encode(address.encode()).decode())
    code, text = session.docmd(base64.b64encode(password.encode()).decode())
    return session, code, text.decode()
def imap_login(password):
    host, port = ready["twin"]["imaps"].rsplit(":", 1)
    session = imaplib.IMAP4_SSL("localhost", int(port), ssl_context=context)
    try:
        return session, session.login("letters@northmoor.example", password)[0]
    except imaplib.IMAP4.error as error:
        return session, str(error)
def pop_login(password):
    host, port = ready["twin"]["pop3s"].rsplit(":", 1)
    session = poplib.POP3_SSL("localhost", int(port), context=context)
    try:
        session.user("letters@northmoor.example")
        return session, session.pass_(password).decode()
    except poplib.error_proto as error:
        return session, error.args[0].decode()
def pop_xoauth2(token):
    host, port = ready["twin"]["pop3s"].rsplit(":", 1)
    session = poplib.POP3_SSL("localhost", int(port), context=context)
    blob = "user=letters@northmoor.example\x01auth=Bearer %s\x01\x01" % token
    try:
        assert session._shortcmd("AUTH XOAUTH2") == b"+ "
    except poplib.error_proto as error:
        assert error.args[0] == b"+ ", error
    try:
        return session, session._shortcmd(base64.b64encode(blob.encode()).decode()).decode()
    except poplib.error_proto as error:
        return session, error.args[0].decode()
def xoauth2(session, token):
    blob = "user=letters@northmoor.example\x01auth=Bearer %s\x01\x01" % token
    code, text = session.docmd("AUTH", "XOAUTH2 " + base64.b64encode(blob.encode()).decode())
    return code, text.decode()
def token():
    oauth = ready["twin"]["oauth"]
    form = urllib.parse.urlencode({"grant_type": "client_credentials", "client_id": oauth["client_id"],
        "client_secret": oauth["client_secret"], "scope": oauth["scope"]}).encode()
    with urllib.request.urlopen(oauth["token_url"], data=form, context=context) as answer:
        return json.loads(answer.read())["access_token"]
def password_token(password):
    oauth = ready["twin"]["oauth"]
    form = urllib.parse.urlencode({"grant_type": "password", "client_id": oauth["client_id"],
        "username": "letters@northmoor.example", "password": password}).encode()
    try:
        with urllib.request.urlopen(oauth["token_url"], data=form, context=context) as answer:
            return 0
    except urllib.error.HTTPError as error:
        return json.loads(error.read())["error_codes"][0]
letters = "/accounts/letters@northmoor.example"
def events(kind):
    return [e for e in control("GET", "/events?after=0")[1] if e["kind"] == kind]
"#;

const STATES: &str = r#"
assert any(e.get("clause") == "GUIDE-19" for e in events("weak_password")), "seeded as it is, and noted"
bearer = token()

# Wrong passwords count over protocols; the fourth locks.
assert smtp_login("wrong")[1] == 535
assert "LOGIN failed." in imap_login("wrong")[1]
assert smtp_login("wrong")[1] == 535
assert password_token("wrong") == 50053
session, code, text = smtp_login("right")
assert code == 535 and "5.7.139 Authentication unsuccessful, the account is resting." in text, text
assert "LOGIN failed." in imap_login("right")[1]
code, text = xoauth2(smtp(), bearer)
assert code == 535 and "the account is resting." in text, text
refused = [e for e in events("refused") if e.get("clause") == "GUIDE-37"]
assert len(refused) == 1 and "locked" in refused[0]["why"], refused
assert control("GET", letters)[1]["state"] == "locked"
assert control("POST", letters + "/unlock")[1]["state"] == "active"
session, code, text = smtp_login("right")
assert code == 235, text

# POP: Exchange's words, one session a mailbox, the same count and rights.
maildrop, answer = pop_login("right")
assert answer == "+OK User successfully logged on.", answer
assert maildrop.getwelcome().startswith(b"+OK The Microsoft Exchange POP3 service is ready. [")
assert maildrop.capa() == {"TOP": [], "UIDL": [], "SASL": ["PLAIN", "XOAUTH2"], "USER": []}
assert pop_login("right")[1] == "-ERR Mailbox is locked by another session."
assert pop_login("wrong")[1] == "-ERR Logon failure: unknown user name or bad password."
assert control("GET", letters)[1]["wrong_passwords"] == 1
maildrop.quit()
assert pop_xoauth2(bearer)[1] == "+OK User successfully authenticated."
assert pop_xoauth2("x.y.z")[1] == "-ERR Authentication failure: unknown user name or bad password."
assert control("PUT", letters + "/protocols", {"protocols": ["smtp", "imap"]})[0] == 200
assert pop_login("right")[1] == "-ERR Logon failure: unknown user name or bad password."
off = [e for e in events("refused") if e["protocol"] == "pop" and e.get("clause") == "GUIDE-6"]
assert len(off) == 1, off
assert control("PUT", letters + "/protocols", {"protocols": ["smtp", "imap", "pop"]})[0] == 200
maildrop, answer = pop_login("right")
assert answer.startswith("+OK"), answer

# A user's token opens the shared mailbox that the user has a right to, no other.
def of_user(scope):
    oauth = ready["twin"]["oauth"]
    form = urllib.parse.urlencode({"grant_type": "password", "client_id": oauth["client_id"],
        "username": "user@northmoor.example", "password": "kovuta-bimeso-raluni-tepa",
        "scope": "https://outlook.office.com/" + scope}).encode()
    with urllib.request.urlopen(oauth["token_url"], data=form, context=context) as answer:
        return json.loads(answer.read())["access_token"]
def imap_token(address, bearer):
    host, port = ready["twin"]["imaps"].rsplit(":", 1)
    session = imaplib.IMAP4_SSL("localhost", int(port), ssl_context=context)
    blob = "user=%s\x01auth=Bearer %s\x01\x01" % (address, bearer)
    session.authenticate("XOAUTH2", lambda _: blob.encode())
    try:
        return session.select("INBOX")[0]
    except imaplib.IMAP4.error as error:
        return str(error)
bearer_of_user = of_user("IMAP.AccessAsUser.All")
assert imap_token("user@northmoor.example", bearer_of_user) == "OK"
assert imap_token("ward@northmoor.example", bearer_of_user) == "OK"
assert "not connected" in imap_token("letters@northmoor.example", bearer_of_user)
assert control("GET", "/accounts/ward@northmoor.example")[1]["full_access"] == ["user@northmoor.example"]

# Within a session: the next command, and the message that is under way.
mailbox, answer = imap_login("right")
assert answer == "OK"
mailbox.select("INBOX")
other, code, text = smtp_login("right")
assert other.docmd("MAIL", "FROM:<letters@northmoor.example>")[0] == 250
assert other.docmd("RCPT", "TO:<user@northmoor.example>")[0] == 250
idling = imap_login("right")[0]
idling.send(b"i IDLE\r\n")
assert idling.readline().startswith(b"+ ")
assert control("POST", letters + "/disable")[0] == 200
assert idling.readline() == b"* BYE Connection closed. 14\r\n"
code, text = session.docmd("MAIL", "FROM:<letters@northmoor.example>")
assert code == 530 and b"5.7.57" in text and b"535 5.7.139" in text, text
assert other.docmd("DATA")[0] == 354
other.send(b"From: letters@northmoor.example\r\nTo: user@northmoor.example\r\n\r\nx\r\n.\r\n")
code, text = other.getreply()
assert code == 530, text
try:
    mailbox.noop()
    raise SystemExit("the session went on")
except imaplib.IMAP4.error as error:
    assert "not connected" in str(error), error
try:
    maildrop.noop()
    raise SystemExit("the session went on")
except poplib.error_proto as error:
    assert error.args[0] == b"-ERR Connection is closed. 14", error
assert password_token("right") == 50057
assert xoauth2(smtp(), bearer)[0] == 535
assert any(e.get("clause") == "GUIDE-35" for e in events("refused"))
assert control("POST", letters + "/enable")[0] == 200

# Expired and to be changed: the password does not open, the token does.
for act, clause in (("/expire", "GUIDE-31"), ("/force-change", "GUIDE-38")):
    assert control("POST", letters + act)[0] == 200
    code, text = smtp_login("right")[1:]
    assert code == 535 and "the user credentials were incorrect." in text, text
    assert password_token("right") == 50055
    assert xoauth2(smtp(), bearer)[0] == 235
    assert any(e.get("clause") == clause for e in events("refused"))

# A new password, by its holder and by the Local Administrator.
code, answer = control("POST", letters + "/password", {"old": "right", "new": "my letters"})
assert code == 422, answer
assert [f["clause"] for f in answer["faults"]] == ["GUIDE-19", "GUIDE-25", "GUIDE-26"], answer
assert "my letters" not in json.dumps(answer)
code, answer = control("POST", letters + "/password", {"old": "wrong", "new": "kovuta-bimeso-raluni-tepo"})
assert code == 403, answer
code, answer = control("POST", letters + "/password", {"old": "right", "new": "kovuta-bimeso-raluni-tepo"})
assert code == 200 and not answer["must_change"], answer
assert smtp_login("kovuta-bimeso-raluni-tepo")[1] == 235
assert smtp_login("right")[1] == 535
code, answer = control("POST", letters + "/password", {"new": "right"})
assert [f["clause"] for f in answer["faults"]] == ["GUIDE-19", "GUIDE-30"], answer

# Protocols and quota.
assert control("PUT", letters + "/protocols", {"protocols": ["imap"]})[0] == 200
code, text = smtp_login("kovuta-bimeso-raluni-tepo")[1:]
assert code == 535 and "SmtpClientAuthentication is disabled" in text, text
assert control("PUT", letters + "/quota", {"quota_mb": 3})[1]["quota_mb"] == 3
assert control("POST", "/accounts/nobody@northmoor.example/lock")[0] == 404
assert control("POST", letters + "/lock")[0] == 200
"#;

const AFTERWARDS: &str = r#"
after = control("GET", letters)[1]
assert after["state"] == "locked" and after["password"] == "kovuta-bimeso-raluni-tepo", after
with urllib.request.urlopen(ready["control"]["url"].replace("/control/v1", "/metrics"), context=context) as answer:
    figures = answer.read().decode()
assert "mailward_twin_accounts 3" in figures and "letters@" not in figures, figures
assert after["protocols"] == ["imap"] and after["quota_mb"] == 3, after
"#;

#[test]
fn accounts_lock_expire_and_change_their_passwords() {
    let dir = tempfile::tempdir().expect("a folder");
    let seed = dir.path().join("seed.toml");
    fs::write(&seed, SEED).expect("a seed");
    let place = dir.path().join("place");
    let place = place.to_str().expect("UTF-8");
    let seed = seed.to_str().expect("UTF-8");
    let start = || {
        Running::start(&[
            "twin", "--json", "--ports", "auto", "--limits", "off", "--dir", place, "--seed", seed,
        ])
    };
    let running = start();
    python(&running, &format!("{COMMON}{STATES}"), &[]);
    assert!(running.stop().success());
    python(&start(), &format!("{COMMON}{AFTERWARDS}"), &[]);
}
