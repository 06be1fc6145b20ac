"""IMAPClient in its whole breadth: folders, letters, flags, searching, IDLE
and signing in by a token.
"""

import datetime

from imapclient import IMAPClient
from imapclient.exceptions import LoginError

from twin import context, equal, letter, password, port, submit, token

me = "imapclient@northmoor.example"


def client():
    return IMAPClient("localhost", port("imaps"), ssl_context=context, timeout=60)


with client() as box:
    try:
        box.login(me, "wrong")
        raise SystemExit("a wrong password opens")
    except LoginError as error:
        assert "LOGIN failed" in str(error), error
with client() as box:
    box.oauth2_login(me, token())
    equal(box.list_folders("", "INBOX"), [((b"\\HasNoChildren",), b"/", "INBOX")])
with client() as box:
    box.plain_login(me, password(me))

box = client()
box.login(me, password(me))
in_full = box.has_capability("CONDSTORE")
box.id_({"name": "IMAPClient"})
personal = box.namespace().personal
equal([tuple(one) for one in personal], [("", "/")])
assert box.has_capability("MOVE") and box.has_capability("UIDPLUS")

# Folders, one of them with a name beyond ASCII.
box.create_folder("Letters")
box.create_folder("Letters/Gefüllt & geleert")
assert box.folder_exists("Letters/Gefüllt & geleert")
box.rename_folder("Letters/Gefüllt & geleert", "Letters/Filed")
names = [name for _, _, name in box.list_folders("", "Letters/%")]
equal(names, ["Letters/Filed"])
box.subscribe_folder("Letters")
assert "Letters" in [name for _, _, name in box.list_sub_folders()]

# Letters appended, found, marked, copied and moved.
when = datetime.datetime(2026, 3, 3, 10, 0, tzinfo=datetime.timezone.utc)
octets = letter("asha@elsewhere.example", me, "blood test").as_bytes().replace(b"\n", b"\r\n")
answer = box.append("Letters", octets, flags=[b"\\Seen"], msg_time=when)
assert b"APPENDUID" in answer, answer
for number in range(9):
    subject = "letter %d" % number
    box.append("Letters", letter("asha@elsewhere.example", me, subject).as_bytes().replace(b"\n", b"\r\n"))
selected = box.select_folder("Letters")
equal(selected[b"EXISTS"], 10)
assert (b"\\*" in selected[b"PERMANENTFLAGS"]) == in_full, selected
uids = box.search("ALL")
equal(len(uids), 10)
equal(box.search(["SUBJECT", "blood"]), uids[:1])
equal(box.search(["OR", "SEEN", "SUBJECT", "letter 8"]), [uids[0], uids[9]])
equal(box.search(["NOT", ["SINCE", datetime.date(2026, 3, 3), "BEFORE", datetime.date(2026, 3, 4)]]), uids[1:])
fetched = box.fetch(uids[0], ["ENVELOPE", "FLAGS", "INTERNALDATE", "RFC822.SIZE", "BODY.PEEK[]", "BODYSTRUCTURE"])[uids[0]]
equal(fetched[b"ENVELOPE"].subject, b"blood test")
equal(fetched[b"BODY[]"], octets)
equal(fetched[b"RFC822.SIZE"], len(octets))
equal(fetched[b"INTERNALDATE"].timestamp(), when.timestamp())
equal(fetched[b"BODYSTRUCTURE"][:2], (b"text", b"plain"))
equal(box.fetch(uids[0], ["BODY.PEEK[TEXT]<5.6>"])[uids[0]][b"BODY[TEXT]<5>"], b"Dr Sam")
equal(box.add_flags(uids[:2], [b"\\Flagged"])[uids[1]], (b"\\Flagged",) + ((b"\\Recent",) if b"\\Recent" in box.get_flags(uids[1])[uids[1]] else ()))
box.remove_flags(uids[0], [b"\\Seen"])
box.set_flags(uids[2], [b"\\Answered"])
assert b"\\Answered" in box.get_flags(uids[2])[uids[2]]
equal(box.search("FLAGGED"), uids[:2])
box.copy(uids[:2], "Letters/Filed")
box.move(uids[2:4], "Letters/Filed")
equal(box.folder_status("Letters/Filed", ["MESSAGES", "UNSEEN"]), {b"MESSAGES": 4, b"UNSEEN": 4})
box.delete_messages(uids[4])
box.uid_expunge(uids[4])
equal(box.search("ALL"), uids[:2] + uids[5:])
box.delete_messages(uids[5])
box.expunge()
equal(box.search("ALL"), uids[:2] + uids[6:])
if in_full:
    equal(box.sort(["REVERSE SUBJECT"], ["SUBJECT", "letter"])[0], uids[9])
    assert len(box.thread("REFERENCES")) == 6
    box.add_flags(uids[9], [b"urgent"])
    equal(box.search(["KEYWORD", "urgent"]), [uids[9]])
    assert box.fetch(uids[9], ["MODSEQ"])[uids[9]][b"MODSEQ"][0] > 0
    assert box.get_quota_root("INBOX")[1][0].resource == "STORAGE"
    assert box.find_special_folder(b"\\Sent") == "Sent Items"

# News while idling: a letter by submission, and what another session does.
box.select_folder("INBOX")
box.idle()
with submit(me) as smtp:
    smtp.send_message(letter(me, me, "while idling"))
news = []
while not any(one[1] == b"EXISTS" for one in news):
    news += box.idle_check(timeout=60)
other = client()
other.login(me, password(me))
other.select_folder("INBOX")
other.delete_messages(other.search("ALL"))
other.expunge()
while not any(one[1] == b"EXPUNGE" for one in news):
    news += box.idle_check(timeout=60)
box.idle_done()
equal(box.search("ALL"), [])
other.logout()
box.close_folder()
box.delete_folder("Letters/Filed")
box.delete_folder("Letters")
box.logout()
print("done")
