"""A working day with imaplib: port and CA file are the arguments."""

import imaplib
import ssl
import sys

port, ca_file = int(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context(cafile=ca_file)


def ok(answer):
    status, data = answer
    assert status == "OK", answer
    return data


def connect():
    return imaplib.IMAP4_SSL("localhost", port, ssl_context=context, timeout=20)


imap = connect()
assert b"Microsoft Exchange" in imap.welcome
try:
    imap.login("asha@northmoor.example", "wrong")
    raise AssertionError("the wrong password was taken")
except imaplib.IMAP4.error as error:
    assert "LOGIN failed" in str(error), error
ok(imap.login("asha@northmoor.example", "secret"))
assert "UIDPLUS" in imap.capabilities

folders = b"\n".join(ok(imap.list()))
for name in (b"INBOX", b'"Sent Items"', b"Drafts"):
    assert name in folders, folders
ok(imap.create("Projekte/Alt"))
ok(imap.subscribe("Projekte/Alt"))
assert any(b"Projekte/Alt" in line for line in ok(imap.lsub()))
ok(imap.rename("Projekte/Alt", "Projekte/Neu"))
ok(imap.delete("Projekte/Neu"))

message = b"From: asha@northmoor.example\r\nSubject: by imaplib\r\n\r\nHello\r\n.\r\nbye\r\n"
ok(imap.append("INBOX", r"(\Flagged)", imaplib.Time2Internaldate(1646125200), message))
assert ok(imap.select("INBOX")) == [b"1"]
assert ok(imap.status("INBOX", "(MESSAGES UNSEEN)")) == [b"INBOX (MESSAGES 1 UNSEEN 1)"]
assert ok(imap.search(None, "SUBJECT", '"by imaplib"')) == [b"1"]
data = ok(imap.fetch("1", "(FLAGS INTERNALDATE RFC822.SIZE BODY.PEEK[])"))
assert data[0][1] == message, data
assert b"RFC822.SIZE %d" % len(message) in data[0][0], data
assert b"\\Seen" not in data[0][0]
data = ok(imap.fetch("1", "(RFC822)"))
assert data[0][1] == message, data
assert imaplib.ParseFlags(ok(imap.fetch("1", "(FLAGS)"))[0]) >= (b"\\Seen",)

ok(imap.copy("1", '"Sent Items"'))
ok(imap.uid("MOVE", "1", "Drafts"))
assert ok(imap.noop())
assert ok(imap.search(None, "ALL")) == [b""]
assert ok(imap.select("Drafts")) == [b"1"]
ok(imap.store("1", "+FLAGS", r"(\Deleted)"))
assert ok(imap.expunge()) == [b"1"]
assert ok(imap.select('"Sent Items"', readonly=True)) == [b"1"]
data = ok(imap.uid("FETCH", "1", "(ENVELOPE BODYSTRUCTURE)"))
assert b'"by imaplib"' in data[0], data
ok(imap.close())

big = message + b"x" * 76 + b"\r\n"
big += (b"y" * 76 + b"\r\n") * 40000
ok(imap.append("INBOX", None, None, big))
assert ok(imap.select("INBOX")) == [b"1"]
assert ok(imap.fetch("1", "(BODY[])"))[0][1] == big
ok(imap.unselect())
ok(imap.enable("CONDSTORE")) if "ENABLE" in imap.capabilities else None
status, _ = imap.logout()
assert status == "BYE"
print("done")
