//! What the service does to accounts and mail, as programs of others see it.

mod support;

use support::{Running, data, python};

/// What the scripts below share.
const TOOLS: &str = r#"
import urllib.request, urllib.error, email.policy, re, poplib
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

/// The twin alone, with one day for clock and behaviour: what is tried must
/// not depend on when.
fn twin(day: &str, seed: &str, more: &[&str]) -> Running {
    let known = [
        "twin", "--json", "--ports", "auto", "--as-of", day, "--seed", seed,
    ];
    Running::start(&[&known, more].concat())
}

fn seed() -> String {
    data("service.toml").to_str().expect("a path").to_owned()
}

#[test]
fn what_the_control_api_set_outlives_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let state = state.to_str().expect("a path");
    let first = twin("2022-03-01", &seed(), &["--dir", state]);
    let keys = script(
        &first,
        r#"
control("/service", {"relay_spoofed": "junk", "relay_refusal": "Not from here", "mail": {"far_end": [{"recipient": "gp@elsewhere.example", "bounces_after_seconds": 86400}]}}, "PUT")
sends("sender@northmoor.example", ["gp@elsewhere.example"], letter("sender@northmoor.example"))
control("/relay-registrations", {"address": "127.0.0.9", "domains": ["southmoor-trust.example"]})
control("/applications", {"client_id": "00000000-0000-4000-8000-000000000009", "client_secret": "kept", "mailboxes": ["reader@northmoor.example"]})
assert control("/accounts/reader@northmoor.example/convert", {"kind": "application"})["kind"] == "application"
print(json.dumps(http(ready["control"]["url"].split("/control")[0] + "/organizations/discovery/v2.0/keys", "none")), end="")
"#,
        &[],
    );
    assert!(first.stop().success());
    let second = twin("2022-03-01", &seed(), &["--dir", state]);
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
# Tokens of the first run are signed with the key of the second.
keys = http(ready["control"]["url"].split("/control")[0] + "/organizations/discovery/v2.0/keys", "none")
assert keys["keys"] and keys == json.loads(argv[0]), keys
# Work that waited is still about its message, whose number no other gets.
sends("sender@northmoor.example", ["reader@northmoor.example"], letter("sender@northmoor.example"))
assert [e["message"] for e in events() if e["kind"] == "accepted"] == [2]
control("/clock/advance", {"seconds": 90000})
deadline = time.monotonic() + 60
while not (late := control("/events?message=1")) and time.monotonic() < deadline:
    pass
assert late and late[0]["kind"] == "not_delivered", late
"#,
        &[&keys],
    );
}

#[test]
fn the_clock_takes_the_behaviour_along() {
    let running = twin("2026-12-30", &seed(), &[]);
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

#[test]
fn people_who_are_away_answer_once_and_readers_send_receipts() {
    let running = twin("2022-03-01", &seed(), &[]);
    script(
        &running,
        r#"
me, reader = "sender@northmoor.example", "reader@northmoor.example"
control("/accounts/%s/auto-reply" % reader, {"text": "Away until Monday.", "external_text": "Away."}, "PUT")
for _ in range(2):
    sends(me, [reader], letter(me))
# By a list, by a machine, or to somebody else: no answer.
sends(me, ["ward.seven@northmoor.example"], letter(me, to="ward.seven@northmoor.example"))
sends("second@northmoor.example", [reader], letter("second@northmoor.example", more="Auto-Submitted: auto-generated\n"))
[answer] = wait_for(lambda: messages(me), "an automatic reply")
assert answer["Subject"] == "Automatic reply: The clinic" and answer["Auto-Submitted"] == "auto-replied", answer
assert answer["X-Auto-Response-Suppress"] == "All" and answer["In-Reply-To"]
assert answer.get_payload(decode=True).decode().strip() == "Away until Monday."
acted("automatic-reply")
# Another absence answers anew.
control("/accounts/%s/auto-reply" % reader, {"text": "Away again.", "audience": "organisation"}, "PUT")
sends(me, [reader], letter(me))
wait_for(lambda: len(messages(me)) == 2, "an answer of the second absence")
assert control("/accounts/%s/auto-reply" % reader, method="DELETE")["auto_reply"] is None
# Opened an hour later; the receipt goes to who asked.
control("/accounts/%s/reading" % reader, {"after_seconds": 3600}, "PUT")
sends(me, [reader], letter(me, subject="Results", more="Disposition-Notification-To: %s\n" % me))
assert control("/clock")["due"] == 1
assert len(messages(me)) == 2
control("/clock/advance", {"seconds": 3600})
receipt = wait_for(lambda: [m for m in messages(me) if m["Subject"] == "Read: Results"], "a receipt")[0]
assert receipt.get_content_type() == "multipart/report" and receipt.get_param("report-type") == "disposition-notification"
assert "displayed" in receipt.as_string() and "Final-Recipient: rfc822;%s" % reader in receipt.as_string()
acted("read-receipt")
assert len(messages("second@northmoor.example")) == 1
"#,
        &[],
    );
}

#[test]
fn bounces_come_late_and_over_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let state = folder.path().join("state");
    let state = state.to_str().expect("a path");
    let first = twin("2022-03-01", &seed(), &["--dir", state]);
    script(
        &first,
        r#"
me = "sender@northmoor.example"
control("/service", {"mail": {"far_end": [
    {"recipient": "gone@elsewhere.example", "bounces_after_seconds": 0, "says": "550 5.1.1 User unknown"},
    {"recipient": "@slow.example", "delayed_after_seconds": 14400, "bounces_after_seconds": 172800}]}}, "PUT")
sends(me, ["gone@elsewhere.example"], letter(me, subject="First"))
report = wait_for(lambda: messages(me), "a bounce")[0]
assert report["Subject"] == "Undeliverable: First" and report.get_content_type() == "multipart/report"
status = [p for p in report.walk() if p.get_content_type() == "message/delivery-status"][0].as_string()
for line in ["Final-Recipient: rfc822;gone@elsewhere.example", "Action: failed", "Status: 5.1.1", "Diagnostic-Code: smtp;550 5.1.1 User unknown"]:
    assert line in status, (line, status)
assert "GUIDE-74" in acted("late-bounce")["clauses"]
sends(me, ["someone@slow.example"], letter(me, subject="Second"))
assert control("/clock")["due"] == 2
try:
    control("/service", {"mail": {"far_end": [{"recipient": "nobody"}]}}, "PUT")
    raise AssertionError("taken")
except urllib.error.HTTPError as refusal:
    assert refusal.code == 422 and "write an address" in refusal.read().decode()
"#,
        &[],
    );
    assert!(first.stop().success());
    let second = twin("2022-03-01", &seed(), &["--dir", state]);
    script(
        &second,
        r#"
me = "sender@northmoor.example"
assert control("/clock")["due"] == 2
control("/clock/advance", {"seconds": 14400})
delayed = wait_for(lambda: [m for m in messages(me) if m["Subject"] == "Delivery delayed: Second"], "a report of delay")[0]
assert "Action: delayed" in delayed.as_string() and "Status: 4.4.7" in delayed.as_string()
control("/clock/advance", {"seconds": 172800})
failed = wait_for(lambda: [m for m in messages(me) if m["Subject"] == "Undeliverable: Second"], "a report of failure")[0]
assert "550 5.4.300 Message expired" in failed.as_string()
wait_for(lambda: control("/clock")["due"] == 0, "nothing more to do")
"#,
        &[],
    );
}

#[test]
fn what_the_service_takes_out_puts_in_and_keeps_back() {
    let running = twin("2022-03-01", &seed(), &[]);
    script(
        &running,
        r#"
from email.message import EmailMessage
me, reader = "sender@northmoor.example", "reader@northmoor.example"
# A blocked attachment gives way to a notice; the rest stays.
mail = EmailMessage()
mail["From"], mail["To"], mail["Subject"] = me, reader, "Forms"
mail.set_content("Two forms.\n")
mail.add_attachment(b"PK" * 3000, maintype="application", subtype="octet-stream", filename="form.docm")
mail.add_attachment(b"%PDF" * 3000, maintype="application", subtype="pdf", filename="form.pdf")
sends(me, [reader], mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))
got = [m for m in messages(reader) if m["Subject"] == "Forms"][0]
text, notice, pdf = got.get_payload()
assert notice.get_payload(decode=True).strip() == b"NHSmail detected and removed a file named form.docm.", notice
assert pdf.get_payload(decode=True) == b"%PDF" * 3000 and pdf.get_filename() == "form.pdf"
assert "form.docm" in acted("blocked-attachment")["why"]
# Mail from outside bears a banner in its text and in its HTML.
control("/service", {"mail": {"external_banner": "all"}}, "PUT")
outside = "clinic@northmoor-trust.example"
mail = EmailMessage()
mail["From"], mail["To"], mail["Subject"] = outside, reader, "From outside"
mail.set_content("K\u00e4the is here.\n", cte="base64")
mail.add_alternative("<html><body><p>K\u00e4the is here.</p></body></html>", subtype="html", cte="quoted-printable")
sends(outside, [reader], mail.as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), endpoint="relay")
got = email.message_from_bytes([m for m in box(reader) if b"From outside" in m][0], policy=email.policy.default)
plain, html = [p.get_content() for p in got.iter_parts()]
assert plain.startswith("Warning: this message came from outside NHSmail.") and "K\u00e4the is here." in plain, plain
assert "<body>\n<p><strong>Warning" in html.replace("\r\n", "\n") and "K\u00e4the is here." in html, html
acted("external-banner")
# Verdicts that come late take the message out of the inbox again.
control("/service", {"mail": {"verdict_after_seconds": 600}}, "PUT")
eicar = "X5O!P%@AP[4\\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*\n"
gtube = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X\n"
sends(me, [reader], letter(me, subject="Late virus", body=eicar))
sends(me, [reader], letter(me, subject="Late spam", body=gtube))
late = lambda folder="INBOX": {m["Subject"] for m in messages(reader, folder) if m["Subject"].startswith("Late")}
assert late() == {"Late virus", "Late spam"}, late()
control("/clock/advance", {"seconds": 600})
wait_for(lambda: late() == set(), "both taken out")
assert late("Junk Email") == {"Late spam"}
acted("late-verdict")
# [secure]: a link for strangers, the message for those who are accredited.
control("/service", {"mail": {"accredited_domains": ["trust.example"]}}, "PUT")
sends(me, ["a@elsewhere.example", "b@trust.example", "c@nhs.net"], letter(me, subject="[Secure] Results"))
assert "1 outside" in acted("secure")["why"]
sends(me, ["b@trust.example"], letter(me, subject="[secure] Results"))
assert not [e for e in events() if e.get("behaviour") == "secure"]
"#,
        &[],
    );
}

#[test]
fn mailboxes_fill_and_receive_no_more_than_they_may() {
    let running = twin("2022-03-01", &seed(), &[]);
    script(
        &running,
        r#"
me, reader, small = "sender@northmoor.example", "reader@northmoor.example", "small@northmoor.example"
assert control("/accounts/" + me)["quota_mb"] == 4096
# An hour's messages from outside: four in all, one of each sender (a third).
control("/service", {"mail": {"received_per_hour": 4}}, "PUT")
outside = ["a@northmoor-trust.example", "b@northmoor-trust.example"]
for sender in [outside[0], outside[0], outside[1]]:
    sends(sender, [reader], letter(sender), endpoint="relay")
found = [e for e in events() if e.get("behaviour") == "received-per-hour"]
assert len(found) == 1 and "from this sender" in found[0]["why"], found
# From within it counts and is let through.
for _ in range(3):
    sends(me, [reader], letter(me))
sends(outside[1], [reader], letter(outside[1]), endpoint="relay")
assert "as much in an hour" in acted("received-per-hour")["why"]
assert len(messages(reader)) == 5
control("/clock/advance", {"seconds": 3660})
sends(outside[0], [reader], letter(outside[0]), endpoint="relay")
assert len(messages(reader)) == 6
# Held to it from within as well, the sender hears of it.
control("/service", {"mail": {"received_per_hour": 1, "receipts_within": True}}, "PUT")
sends(me, [reader], letter(me))
report = messages(me)[-1].as_string()
assert "550 5.2.122 Recipient's per hour message receive limit exceeded" in report and "Status: 5.2.122" in report, report
# A mailbox of 1 MB: warned from nine tenths, silent from 99 percent, shut at its end.
control("/service", {}, "PUT")
big = lambda size: letter(small, body=("x" * 70 + "\n") * (size // 72))
sends(small, ["a@elsewhere.example"], big(960_000))
warning = wait_for(lambda: [m for m in messages(small) if m["Subject"] == "Your mailbox is almost full."], "a warning")
assert "GUIDE-66" in acted("quota-warning")["clauses"]
code, text = send(small, ["a@elsewhere.example"], big(82_000))
assert (code, text) == (554, "5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionQuotaExceeded"), text
code, text = send(small, ["a@elsewhere.example"], big(200_000))
assert (code, text) == (554, "5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded"), text
assert "GUIDE-64" in acted("over-quota")["clauses"]
sends(me, [small], letter(me, to=small, body=("x" * 70 + "\n") * 2000))
assert "554 5.2.2 mailbox full; STOREDRV.Deliver" in messages(me)[-1].as_string()
# The Local Administrator makes room.
control("/accounts/%s/quota" % small, {"quota_mb": 10}, "PUT")
sends(small, ["a@elsewhere.example"], big(200_000))
# A full day is refused, or by setting reported.
control("/service", {"mail": {"day_full": "report"}}, "PUT")
control("/senders", {"address": me, "recipients_max": 1000}, "PUT")
many = lambda n: ["p%d.%d@elsewhere.example" % (n, m) for m in range(1000)]
smtp = twin(me)
for n in range(10):
    smtp.sendmail(me, many(n), letter(me))
smtp.sendmail(me, [reader], letter(me))
smtp.quit()
report = messages(me)[-1].as_string()
assert "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients" in report, report
assert "GUIDE-80" in acted("recipients-per-day")["clauses"]
"#,
        &[],
    );
}

/// One request tells all that became of a message, from its acceptance to what
/// mail programs did with it.
#[test]
fn one_message_has_one_story() {
    let running = twin("2022-03-01", &seed(), &[]);
    script(
        &running,
        r#"
import poplib, urllib.parse
me, reader = "sender@northmoor.example", "reader@northmoor.example"
control("/distribution-lists", {"address": "all@northmoor.example", "members": [reader]})
control("/accounts/%s/reading" % reader, {"after_seconds": 600}, "PUT")
control("/service", {"mail": {"verdict_after_seconds": 60}}, "PUT")
def story(message):
    return control("/events?" + urllib.parse.urlencode({"message": message}))
head = "From: %s\r\nTo: all@northmoor.example\r\nSubject: one\r\nMessage-ID: <%s@client.example>\r\n"
to = ["all@northmoor.example", "nobody@northmoor.example", "gp@elsewhere.example"]
for name in ["one", "two"]:
    sends(me, to, (head % (me, name) + "\r\nThe clinic.\r\n").encode())
session = imap({"address": reader, "password": passwords[reader]})
session.select()
session.fetch("1", "(BODY.PEEK[HEADER])")
session.fetch("1", "(BODY.PEEK[]<0.10>)"), session.fetch("1", "(BODY.PEEK[]<10.10>)")
session.uid("MOVE", "1", "Archive")
session.select("Archive")
session.store("1", "+FLAGS", "(\\Deleted)")
session.expunge()
session.logout()
one, two = story("<one@client.example>"), story("two@client.example")
kinds = ["accepted", "expanded", "not_delivered", "delivered", "relayed", "reported"]
assert [e["kind"] for e in one] == kinds + ["fetched", "moved", "marked", "deleted"], one
assert [e["kind"] for e in two] == ["recorded"] + kinds, two
assert {e["message"] for e in one}.isdisjoint({e["message"] for e in two})
assert one == story(str(one[0]["message"]))
assert one[0]["message_id"] == "<one@client.example>" and one[0]["account"] == me
assert len({e["session"] for e in one}) == 2 and one[6]["account"] == reader
# What comes later remembers it: the holder opens the second one.
control("/clock/advance", {"seconds": 700})
deadline = time.monotonic() + 60
while not any(e["kind"] == "opened" for e in two) and time.monotonic() < deadline:
    two = story("two@client.example")
assert two[-1]["kind"] == "opened" and "session" not in two[-1], two
pop = poplib.POP3_SSL(*place(ready["twin"]["pop3s"]), context=context, timeout=60)
pop.user(reader), pop.pass_(passwords[reader]), pop.retr(1), pop.retr(1), pop.dele(1), pop.quit()
assert [e["kind"] for e in story("two@client.example")][-2:] == ["fetched", "deleted"]
# Found late.
spam = "XJS*C4JDBQADN1.NSBN3*2IDNEN*" + "GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
sends(me, [reader], (head % (me, "spam") + "\r\n" + spam + "\r\n").encode())
control("/clock/advance", {"seconds": 61})
late = []
while not any(e["kind"] == "taken_out" for e in late) and time.monotonic() < deadline:
    late = story("spam@client.example")
assert [e["kind"] for e in late][:2] == ["accepted", "delivered"], late
# A refusal is of its message, too, though nobody knows it by Message-ID.
code, words = send(me, [reader], (head % ("other@northmoor.example", "no") + "\r\nx\r\n").encode())
assert code == 554, words
refused = [e for e in events() if e["kind"] == "refused"][-1]
assert refused["message"] == late[0]["message"] + 1 and story("no@client.example") == []
assert story("0") == [] and story("999") == []
"#,
        &[],
    );
}

/// CHUNKING and BINARYMIME carry octets as they are, and what is kept of them
/// is text; protocols go off unused.
#[test]
fn chunks_of_any_octets_and_protocols_nobody_uses() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("seed.toml");
    let text = std::fs::read_to_string(seed()).expect("the seed");
    std::fs::write(&file, format!("{text}\n[sign_in]\ndisuse_days = 30\n")).expect("written");
    let running = twin("2022-03-01", file.to_str().expect("a path"), &[]);
    script(
        &running,
        r#"
me, reader = "sender@northmoor.example", "reader@northmoor.example"
smtp = twin(me)
assert smtp.has_extn("binarymime") and smtp.has_extn("chunking")
octets = bytes(range(256)) * 4 + b"\r\n.\r\n\n\r\x00"
head = letter(me, more="MIME-Version: 1.0\nContent-Type: application/octet-stream\nContent-Transfer-Encoding: binary\n", body="")
assert smtp.docmd("MAIL", "FROM:<%s> BODY=BINARYMIME" % me)[0] == 250
assert smtp.docmd("RCPT", "TO:<%s>" % reader)[0] == 250
assert smtp.docmd("DATA")[0] == 503
smtp.rset()
def chunks(*pieces):
    smtp.docmd("MAIL", "FROM:<%s> BODY=BINARYMIME" % me), smtp.docmd("RCPT", "TO:<%s>" % reader)
    for last, chunk in [("", piece) for piece in pieces[:-1]] + [(" LAST", pieces[-1])]:
        smtp.send(b"BDAT %d%s\r\n" % (len(chunk), last.encode()) + chunk)
        code, words = smtp.getreply()
        if code != 250:
            break
    return code, words
code, words = chunks(head, octets[:500], octets[500:])
assert code == 250, (code, words)
# RFC 3501 section 4.3 and RFC 1939 know no NUL: parts are given encoded.
kept = box(reader)[-1]
assert b"\0" not in kept and email.message_from_bytes(kept).get_payload(decode=True) == octets
held = imap({"address": reader, "password": passwords[reader]})
held.select()
assert b"RFC822.SIZE %d)" % len(kept) in held.fetch("*", "(RFC822.SIZE)")[1][0]
held.logout()
control("/accounts/%s/protocols" % reader, {"protocols": ["smtp", "imap", "pop"]}, "PUT")
pop = poplib.POP3_SSL(*place(ready["twin"]["pop3s"]), context=context, timeout=60)
pop.user(reader), pop.pass_(passwords[reader])
last = len(pop.list()[1])
assert b"\r\n".join(pop.retr(last)[1]).rstrip() == kept.rstrip()
pop.quit()
# Where nothing can encode it a NUL is refused.
code, words = chunks(letter(me, body="text with a \0 in it\n"))
assert (code, words) == (554, b"5.6.0 Corrupt message content"), (code, words)
smtp.quit()
# GUIDE-7: what nobody uses is switched off until it is enabled.
control("/clock/advance", {"seconds": 20 * 86400})
twin(me).quit()
control("/clock/advance", {"seconds": 20 * 86400})
twin(me).quit()
held = imaplib.IMAP4_SSL(*place(ready["twin"]["imaps"]), ssl_context=context, timeout=60)
held.login(me, passwords[me])
try:
    held.select()
    raise AssertionError("connected")
except imaplib.IMAP4.error as refusal:
    assert "authenticated but not connected" in str(refusal), refusal
assert "GUIDE-7" in acted("protocol-disused")["clauses"]
assert "imap" not in control("/accounts/" + me)["protocols"]
control("/accounts/%s/protocols" % me, {"protocols": ["smtp", "imap"]}, "PUT")
imap({"address": me, "password": passwords[me]}).logout()
"#,
        &[],
    );
}
