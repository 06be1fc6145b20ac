"""getmail and fetchmail collect by IMAP and by POP3, each letter once; what
they may delete is gone afterwards.
"""

from twin import ca_file, equal, home, imap, password, port, put, run, seen, succeed, write

LETTERS = ["one", "two", "three"]


def getmail(name, kind, endpoint, delete):
    me = f"{name}@northmoor.example"
    taken = home / f"{name}.taken"
    more = 'mailboxes = ("INBOX", )' if "IMAP" in kind else ""
    (home / name).mkdir()
    # As root it delivers by a command alone.
    write(
        f"{name}/getmailrc",
        f"""[retriever]
type = {kind}
server = localhost
port = {port(endpoint)}
username = {me}
password = {password(me)}
ca_certs = {ca_file}
{more}
[destination]
type = MDA_external
path = /bin/sh
arguments = ("-c", "cat >> {taken}")
allow_root_commands = true
[options]
delete = {delete}
read_all = false
""",
    )
    return taken, lambda: succeed("getmail", "--getmaildir", home / name)


def fetchmail(name, protocol, endpoint, delete):
    me = f"{name}@northmoor.example"
    taken = home / f"{name}.taken"
    rc = write(
        f"{name}rc",
        f"""poll localhost service {port(endpoint)} protocol {protocol}
user "{me}" password "{password(me)}" ssl sslproto "tls1.2+" sslcertck
sslcertfile {ca_file} {"nokeep" if delete else "keep"} mda "cat >> {taken}"
""".replace("protocol pop3", "protocol pop3 uidl"),
    )

    def collect():
        files = ["--pidfile", home / f"{name}.pid", "--idfile", home / f"{name}.ids"]
        status, printed = run("fetchmail", "--fetchmailrc", rc, *files, env={"FETCHMAILHOME": str(home)})
        # 1 is "no mail".
        assert status in (0, 1), printed

    return taken, collect


for name, collector, by, endpoint, delete in [
    ("getmail-imap", getmail, "SimpleIMAPSSLRetriever", "imaps", False),
    ("getmail-imap-deletes", getmail, "SimpleIMAPSSLRetriever", "imaps", True),
    ("getmail-pop", getmail, "SimplePOP3SSLRetriever", "pop3s", False),
    ("getmail-pop-deletes", getmail, "SimplePOP3SSLRetriever", "pop3s", True),
    ("fetchmail-imap", fetchmail, "imap", "imaps", False),
    ("fetchmail-imap-deletes", fetchmail, "imap", "imaps", True),
    ("fetchmail-pop", fetchmail, "pop3", "pop3s", False),
    ("fetchmail-pop-deletes", fetchmail, "pop3", "pop3s", True),
]:
    box = imap(f"{name}@northmoor.example")
    put(box, "INBOX", *LETTERS)
    taken, collect = collector(name, by, endpoint, delete)
    collect()
    collect()
    put(box, "INBOX", "four")
    collect()
    text = taken.read_text()
    subjects = [line[9:] for line in text.splitlines() if line.startswith("Subject: ")]
    equal((name, subjects), (name, LETTERS + ["four"]))
    equal(text.count("\n.\n..dots\n"), 4)
    left = [one.split(" ")[0] for one in seen(box, "INBOX")]
    equal((name, left), (name, [] if delete else LETTERS + ["four"]))
print("done")
