"""offlineimap keeps a maildir in step: what either side adds, marks, files or
deletes arrives at the other.
"""

from twin import ca_file, equal, filed, home, imap, password, port, put, seen, succeed, write

me = "offlineimap@northmoor.example"
box = imap(me)
put(box, "INBOX", "one", "two", "three")
assert box.create("Letters")[0] == "OK"
put(box, "Letters", "old", flags=r"(\Seen)")
maildir = home / "mail"
rc = write(
    "offlineimaprc",
    f"""[general]
accounts = twin
metadata = {home}/state
ui = quiet
[Account twin]
localrepository = here
remoterepository = there
[Repository here]
type = Maildir
localfolders = {maildir}
[Repository there]
type = IMAP
remotehost = localhost
remoteport = {port("imaps")}
remoteuser = {me}
remotepass = {password(me)}
sslcacertfile = {ca_file}
""",
)


def sync():
    succeed("offlineimap", "-o", "-c", rc)


def local(name):
    return filed(maildir / name)


sync()
equal(sorted(local("INBOX")), ["one", "three", "two"])
equal(sorted(local("Letters")), ["old"])
assert local("Letters")["old"].name.endswith("S")

# Here: one is read, two is deleted, a fourth comes, and a folder with a fifth.
path = local("INBOX")["one"]
path.rename(maildir / "INBOX/cur" / (path.name.split(":")[0] + ":2,S"))
local("INBOX")["two"].unlink()
text = "From: a@northmoor.example\nSubject: %s\n\nHere.\n"
(maildir / "INBOX/cur/4.local:2,F").write_text(text % "four")
for part in ("cur", "new", "tmp"):
    (maildir / "Filed" / part).mkdir(parents=True)
(maildir / "Filed/cur/5.local:2,").write_text(text % "five")
# There: three is answered, and a sixth comes.
box.select("INBOX")
box.store("3", "+FLAGS", r"(\Answered)")
put(box, "INBOX", "six")
sync()
equal(
    seen(box, "INBOX"),
    ["one \\Seen", "three \\Answered", "six", "four \\Flagged"],
)
equal(seen(box, "Filed"), ["five"])
equal(sorted(local("INBOX")), ["four", "one", "six", "three"])
assert local("INBOX")["three"].name.endswith("R")

# There: one is expunged.
box.select("INBOX")
box.store("1", "+FLAGS", r"(\Deleted)")
box.expunge()
sync()
equal(sorted(local("INBOX")), ["four", "six", "three"])
sync()
equal(len(seen(box, "INBOX")), 3)
print("done")
