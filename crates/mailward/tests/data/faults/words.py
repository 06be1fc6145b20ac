# Mailbox commands answered in other words, and a reverse zone that says nothing.
import poplib
def play(protocol, stage, command, text):
    matching = {"protocol": protocol, "stage": stage}
    if command: matching["command"] = command
    control("PUT", "/faults/words", {"match": matching, "action": {"kind": "reply", "text": text}, "lifetime": {"times": 1}})
reader = account("user")
box = imap(reader)
box.select("INBOX")
for command, act, text, expected in [
    ("NOOP", lambda: box.noop(), "NO [UNAVAILABLE] Server busy.", ("NO", b"[UNAVAILABLE] Server busy.")),
    ("UID FETCH", lambda: box.uid("FETCH", "1:*", "(FLAGS)"), "NO Try later.", ("NO", b"Try later.")),
    ("STATUS", lambda: box.status("INBOX", "(MESSAGES)"), "NO Not now.", ("NO", b"Not now.")),
    ("APPEND", lambda: box.append("INBOX", None, None, b"Subject: a\r\n\r\nb\r\n"), "NO [OVERQUOTA] Full.", ("NO", b"[OVERQUOTA] Full.")),
]:
    play("imap", "command", command, text)
    found = act()
    assert (found[0], found[1][0]) == expected, (command, found)
    assert act()[0] == "OK", command
play("imap", "command", "NOOP", "BAD Command Error. 12")
try:
    box.noop(); raise SystemExit("done")
except imaplib.IMAP4.error as error:
    assert "Command Error. 12" in str(error), error
play("imap", "command", "SELECT", "BYE Connection closed. 13")
try:
    box.select("INBOX"); raise SystemExit("selected")
except imaplib.IMAP4.abort as error:
    assert "Connection closed. 13" in str(error), error
# A command that waits its turn is struck, not one before it.
box = imap(reader)
play("imap", "command", "EXAMINE", "NO Busy.")
box.send(b"a NOOP\r\nb EXAMINE INBOX\r\nc NOOP\r\n")
lines = [box.readline() for _ in range(3)]
assert [line.split()[:2] for line in lines] == [[b"a", b"OK"], [b"b", b"NO"], [b"c", b"OK"]], lines
# One sign-in is answered in other words, too.
play("imap", "command", "LOGIN", "NO Later.")
try:
    imap(reader); raise SystemExit("signed in")
except imaplib.IMAP4.error as error:
    assert "Later." in str(error), error
maildrop = poplib.POP3_SSL(*place(ready["twin"]["pop3s"]), context=context, timeout=60)
maildrop.user(reader["address"]), maildrop.pass_(reader["password"])
play("pop", "command", "STAT", "-ERR [SYS/TEMP] Mailbox busy")
for act, expected in ((maildrop.stat, b"-ERR [SYS/TEMP] Mailbox busy"), (maildrop.stat, None)):
    try:
        act()
        assert expected is None
    except poplib.error_proto as error:
        assert error.args[0] == expected, error
maildrop.quit()
# Nobody known, a server that fails, and no answer at all: only the first is final.
def greeting():
    link = smtplib.SMTP(source_address=("127.0.0.7", 0), timeout=60)
    code, text = link.connect(*place(ready["twin"]["relay"]))
    link.close()
    return code, text.decode()
assert greeting()[0] == 554
for answer, expected in (("NXDOMAIN", 554), ("SERVFAIL", 421), ("TIMEOUT", 421)):
    play("dns", "ptr", None, answer)
    code, text = greeting()
    assert code == expected, (answer, code, text)
put_off = [event["why"] for event in control("GET", "/events?after=0") if event["kind"] == "put_off"]
assert "its server failed" in put_off[0] and "timed out" in put_off[1], put_off
control("PUT", "/service", {"relay_refuses_at": "rcpt"})
control("PUT", "/faults/words", {"match": {"protocol": "dns"}, "action": {"kind": "reply", "text": "SERVFAIL"}})
link = smtplib.SMTP(source_address=("127.0.0.7", 0), timeout=60)
assert link.connect(*place(ready["twin"]["relay"]))[0] == 220
link.ehlo("client.example"), link.mail("letters@northmoor.example")
assert link.rcpt(reader["address"])[0] == 451
control("DELETE", "/faults/words")
assert link.rcpt(reader["address"])[0] == 554
assert control("POST", "/faults", {"match": {"protocol": "dns"}, "action": {"kind": "reply", "text": "REFUSED"}}, expect=422)["detail"].endswith("write NXDOMAIN, SERVFAIL or TIMEOUT")
