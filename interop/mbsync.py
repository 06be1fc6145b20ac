"""mbsync keeps a maildir in step, both ways, in every folder."""

from twin import ca_file, equal, filed, home, imap, password, port, put, seen, succeed, write

me = "mbsync@northmoor.example"
box = imap(me)
put(box, "INBOX", "one", "two", "three")
maildir = home / "mail"
maildir.mkdir()
rc = write(
    "mbsyncrc",
    f"""IMAPStore there
Host localhost
Port {port("imaps")}
User {me}
Pass {password(me)}
SSLType IMAPS
CertificateFile {ca_file}
AuthMechs LOGIN

MaildirStore here
Path {maildir}/
Inbox {maildir}/INBOX
SubFolders Verbatim

Channel all
Far :there:
Near :here:
Patterns *
Create Both
Remove Both
Expunge Both
SyncState *
""",
)


def sync():
    succeed("mbsync", "-c", rc, "-a")


def local(name):
    return filed(maildir / name)


sync()
equal(sorted(local("INBOX")), ["one", "three", "two"])
path = local("INBOX")["one"]
path.rename(maildir / "INBOX/cur" / (path.name.split(":")[0].split(",U=")[0] + "," + path.name.split(",", 1)[1].split(":")[0] + ":2,FS"))
path = local("INBOX")["two"]
path.unlink()
(maildir / "INBOX/cur/4.local:2,R").write_text("From: a@northmoor.example\nSubject: four\n\nHere.\n")
for part in ("cur", "new", "tmp"):
    (maildir / "Gefüllt" / part).mkdir(parents=True)
(maildir / "Gefüllt/cur/5.local:2,").write_text("From: a@northmoor.example\nSubject: five\n\nHere.\n")
box.select("INBOX")
box.store("3", "+FLAGS", r"(\Flagged)")
put(box, "INBOX", "six")
sync()
equal(
    seen(box, "INBOX"),
    ["one \\Flagged \\Seen", "three \\Flagged", "six", "four \\Answered"],
)
equal(seen(box, '"Gef&APw-llt"'), ["five"])
equal(sorted(local("INBOX")), ["four", "one", "six", "three"])
box.select("INBOX")
box.store("1", "+FLAGS", r"(\Deleted)")
box.expunge()
sync()
sync()
equal(sorted(local("INBOX")), ["four", "six", "three"])
equal(len(seen(box, "INBOX")), 3)
print("done")
