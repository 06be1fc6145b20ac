"""What the scripts of mail programs have in common: the twin's places, its
mailboxes as `imaplib` sees them, and programs run to their end.

The ready object comes on standard input.
"""

import email.message
import imaplib
import json
import os
import pathlib
import smtplib
import ssl
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request

ready = json.loads(sys.stdin.readline())
ca_file = ready["ca_file"]
context = ssl.create_default_context(cafile=ca_file)
# What is only kept for the length of a script.
folder = tempfile.TemporaryDirectory()
home = pathlib.Path(folder.name)


def port(endpoint):
    return int(ready["twin"][endpoint].rsplit(":", 1)[1])


def password(address):
    (account,) = [a for a in ready["accounts"] if a["address"] == address]
    return account["password"]


def token():
    """An access token of the application that may use every account."""
    oauth = ready["twin"]["oauth"]
    form = {"grant_type": "client_credentials"} | {
        name: oauth[name] for name in ("client_id", "client_secret", "scope")
    }
    data = urllib.parse.urlencode(form).encode()
    with urllib.request.urlopen(oauth["token_url"], data=data, context=context) as answer:
        return json.load(answer)["access_token"]


def imap(address):
    box = imaplib.IMAP4_SSL("localhost", port("imaps"), ssl_context=context, timeout=60)
    box.login(address, password(address))
    return box


def submit(address):
    smtp = smtplib.SMTP("localhost", port("submission"), timeout=60)
    smtp.starttls(context=context)
    smtp.login(address, password(address))
    return smtp


def letter(sender, to, subject, text="Dear Dr Sample,\n.\n..dots\nFrom here.\n"):
    message = email.message.EmailMessage()
    message["From"] = sender
    message["To"] = to
    message["Subject"] = subject
    message["Date"] = "Tue, 03 Mar 2026 10:00:00 +0000"
    message["Message-ID"] = "<%s@northmoor.example>" % subject.replace(" ", ".")
    message.set_content(text)
    return message


def put(box, name, *subjects, flags=""):
    """Appends letters with these subjects."""
    for subject in subjects:
        octets = letter("asha@elsewhere.example", "b@northmoor.example", subject)
        octets = octets.as_bytes().replace(b"\n", b"\r\n")
        assert box.append(name, flags, None, octets)[0] == "OK"


def seen(box, name):
    """Subjects in a folder in order, each with its flags but `\\Recent`."""
    assert box.select(name, readonly=True)[0] == "OK", name
    found = []
    for number in box.search(None, "ALL")[1][0].split():
        answer = box.fetch(number, "(FLAGS BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0]
        subject = answer[1].decode().split(":", 1)[1].strip()
        flags = sorted(f.decode() for f in imaplib.ParseFlags(answer[0]) if f != b"\\Recent")
        found.append(" ".join([subject] + flags))
    return found


def filed(maildir):
    """Files of a maildir by subject."""
    found = {}
    for path in maildir.glob("[cn][ue][rw]/*"):
        for line in path.read_text().splitlines():
            if line.startswith("Subject: "):
                found[line[9:]] = path
    return found


def write(name, text):
    """A file in the script's folder that others may not read: some insist."""
    path = home / name
    path.write_text(text)
    path.chmod(0o600)
    return path


def run(*command, **more):
    """A program's exit status and all that it printed."""
    timeout = more.pop("timeout", 100)
    environment = os.environ | {"HOME": str(home), "TERM": "xterm"} | more.pop("env", {})
    command = [str(word) for word in command]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=timeout,
        env=environment,
        **more,
    )
    return done.returncode, done.stdout.decode("utf-8", "replace")


def succeed(*command, **more):
    status, printed = run(*command, **more)
    assert status == 0, (command, status, printed)
    return printed


def equal(found, expected):
    assert found == expected, "\n%r, where this was expected:\n%r" % (found, expected)
