//! Clients that mean no good at the twin's doors: messages smuggled in another
//! one, commands put in before TLS, and lines, numbers and octets that nobody
//! sane would send.

mod support;

use std::fs;

use support::{Running, python};

const COMMON: &str = r#"
import base64, imaplib, os, smtplib, socket, ssl
def port(endpoint):
    return int(ready["twin"][endpoint].rsplit(":", 1)[1])
me = account("user")
def connect(endpoint, tls=False):
    raw = socket.create_connection(("localhost", port(endpoint)), timeout=60)
    if tls:
        raw = context.wrap_socket(raw, server_hostname="localhost")
    return raw, raw.makefile("rb")
def reply(lines):
    while True:
        line = lines.readline()
        if line[3:4] != b"-":
            return line
def session(endpoint):
    smtp = smtplib.SMTP("localhost", port(endpoint), timeout=60)
    smtp.starttls(context=context)
    smtp.ehlo("client.northmoor.example")
    if endpoint != "relay":
        smtp.login(me["address"], me["password"])
    return smtp
def inbox():
    box = imap(me)
    box.select("INBOX", readonly=True)
    numbers = box.search(None, "ALL")[1][0].split()
    subjects = [box.fetch(n, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0][1] for n in numbers]
    box.logout()
    return b"".join(subjects)
"#;

/// Every way to write the end of a message but the right one (RFC 5321 section
/// 4.1.1.4), with a second message behind it.
const SMUGGLED: &str = r#"
ends = [end.encode() for end in ("\n.\n", "\n.\r\n", "\r.\r", "\r.\r\n", "\r\n.\r", "\r\n.\n",
    "\n.\r", "\r.\n", "\r\n\0.\r\n", "\r\n.\0\r\n", "\r\r\n.\r\r\n", "\n\n.\n\n", "\r\n.\r\r\n")]
for endpoint in ("submission", "high_sending", "relay"):
    for number, end in enumerate(ends):
        smtp = session(endpoint)
        sender = me["address"] if endpoint != "relay" else "ward@northmoor.example"
        name = "%s-%d" % (endpoint, number)
        head = "From: %s\r\nTo: %s\r\nSubject: %%s\r\n\r\nbody" % (sender, me["address"])
        second = "MAIL FROM:<%s>\r\nRCPT TO:<%s>\r\nDATA\r\n" % (sender, me["address"])
        second += head % ("smuggled-" + name)
        assert smtp.docmd("MAIL", "FROM:<%s>" % sender)[0] == 250, name
        assert smtp.docmd("RCPT", "TO:<%s>" % me["address"])[0] == 250, name
        assert smtp.docmd("DATA")[0] == 354, name
        smtp.send((head % ("outer-" + name)).encode() + end + second.encode() + b"\r\n.\r\n")
        code, text = smtp.getreply()
        # One answer to one message; what follows answers the next command.
        assert smtp.docmd("NOOP", "x")[0] == 250, (name, code, text)
        code, text = smtp.docmd("VRFY", "nobody")
        assert code != 354, (name, text)
        smtp.close()
found = inbox()
assert b"smuggled" not in found, found
"#;

/// What was said before TLS was said by anybody: it is forgotten.
const INJECTED: &str = r#"
for endpoint in ("submission", "high_sending", "relay"):
    for injected in (b"RSET\r\n", b"EHLO evil\r\nMAIL FROM:<evil@northmoor.example>\r\n", b"NOOP\r\n" * 500, b"X" * 5000):
        raw, lines = connect(endpoint)
        reply(lines)
        raw.sendall(b"EHLO client.northmoor.example\r\n")
        reply(lines)
        raw.sendall(b"STARTTLS\r\n" + injected)
        assert reply(lines).startswith(b"220 "), endpoint
        try:
            tls = context.wrap_socket(raw, server_hostname="localhost")
        except OSError:
            # The injected octets were in the way of the handshake.
            continue
        tls.sendall(b"VRFY nobody\r\n")
        answers = tls.makefile("rb")
        first = reply(answers)
        assert not first.startswith(b"250"), (endpoint, injected[:20], first)
        tls.sendall(b"RCPT TO:<%s>\r\n" % me["address"].encode())
        assert reply(answers).startswith((b"503", b"530")), endpoint
"#;

/// Lines, numbers and octets beyond measure are answered or end the session;
/// the next client is served as ever.
const OVERLONG: &str = r#"
def survives(endpoint, tls, *attacks):
    for attack in attacks:
        raw, lines = connect(endpoint, tls)
        if endpoint != "https":
            lines.readline()
        try:
            raw.sendall(attack)
            if not tls:
                raw.shutdown(socket.SHUT_WR)
            while True:
                line = lines.readline()
                assert len(line) < 20000, (endpoint, attack[:40], len(line))
                if not line or line[:3] in (b"LAS", b"500", b"502") or b"BAD" in line or b"-ERR" in line or b"HTTP/1.1 4" in line:
                    break
        except OSError:
            pass
        raw.close()
long = b"x" * 300000
numbers = (b"0", b"4294967295", b"4294967296", b"18446744073709551616", b"9" * 4000, b"-1")
for endpoint in ("submission", "high_sending", "relay"):
    survives(endpoint, False, b"EHLO " + long + b"\r\n", long, b"\0\r\n" * 30, b"EHLO a\0b\r\n" + b"\xff" * 5000 + b"\r\n",
        *(b"EHLO x\r\nMAIL FROM:<a@northmoor.example> SIZE=" + n + b"\r\nBDAT " + n + b"\r\n\xff\r\nLAST\r\n" for n in numbers))
survives("imaps", True, b"a " + long + b"\r\n", b"a LOGIN {99999999}\r\n",
    b"\0\0\0\r\n", b"a LOGIN " + b"(" * 9000 + b"\r\n", b"a FETCH " + b"1," * 4000 + b"1 FLAGS\r\n",
    *(b"a LOGIN {" + n + b"}\r\nx x\r\n" for n in numbers))
survives("pop3s", True, b"USER " + long + b"\r\n", b"\0\r\n", b"USER a\r\nPASS " + long + b"\r\n", b"AUTH PLAIN\r\n" + long + b"\r\n",
    *(b"RETR " + n + b"\r\n" for n in numbers))
survives("https", True, b"GET /" + long + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nA: " + long + b"\r\n\r\n", b"\0" * 5000 + b"\r\n\r\n",
    *(b"POST /control/v1/accounts HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: " + n + b"\r\n\r\n{" for n in numbers if n != b"4294967295"))

# Within a session: depth, numbers and NULs.
box = imap(me)
box.append("INBOX", None, None, b"Subject: here\r\n\r\nbody\r\n")
box.select("INBOX")
def bad(command):
    tag = box._new_tag()
    box.send(tag + b" " + command + b"\r\n")
    while True:
        line = box.readline()
        if line.startswith(tag):
            assert b" OK " not in line, (command[:60], line)
            return
        assert not line.startswith(b"* BYE"), (command[:60], line)
for number in numbers[2:]:
    bad(b"FETCH " + number + b" FLAGS")
    bad(b"UID STORE " + number + b" +FLAGS (\\Seen)")
    bad(b"FETCH 1 BODY[]<" + number + b"." + number + b">")
    bad(b"SEARCH LARGER " + number)
bad(b"FETCH 0 FLAGS")
bad(b"SEARCH " + b"(" * 3000 + b"ALL" + b")" * 3000)
bad(b"SEARCH " + b"NOT " * 2000 + b"ALL")
bad(b"SEARCH " + b"OR " * 2000 + b"ALL")
bad(b"FETCH 1 BODY[" + b"1." * 3000 + b"1]")
bad(b"SEARCH SUBJECT \"a\0b\"")
bad(b"CREATE \"a\0b\"")
bad(b"CREATE " + b"a/" * 2000 + b"b")
deep = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(400))
wide = b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\n\r\n" * 5000
header = b"".join(b"X-%d: %s\r\n" % (n, b"y" * 900) for n in range(600))
addresses = b"To: " + b", ".join(b"a%d@northmoor.example" % n for n in range(20000)) + b"\r\n\r\n"
for message in (deep, wide, header + b"\r\n", addresses, b"Subject: " + long + b"\r\n\r\n", b"\r\n" * 50000, b":" * 90000):
    assert box.append("INBOX", None, None, message)[0] == "OK", message[:40]
    box.noop()
    last = box.select("INBOX")[1][0]
    status, answer = box.fetch(last, "(ENVELOPE BODYSTRUCTURE RFC822.SIZE BODY.PEEK[HEADER] BODY.PEEK[1.1.1.1])")
    assert status == "OK", (message[:40], answer)
box.logout()
"#;

/// With an address that the relay takes mail from.
const SEED: &str = r#"
[organisation]
name = "NORTHMOOR HOSPITALS TRUST"
domain = "northmoor.example"
[[account]]
address = "asha@northmoor.example"
[[relay_registration]]
address = "127.0.0.1"
"#;

#[test]
fn nothing_is_smuggled_injected_or_overrun() {
    let dir = tempfile::tempdir().expect("a folder");
    let seed = dir.path().join("seed.toml");
    fs::write(&seed, SEED).expect("a seed");
    let seed = seed.to_str().expect("UTF-8");
    let arguments = [
        "twin", "--json", "--ports", "auto", "--limits", "off", "--seed", seed,
    ];
    let running = Running::start(&arguments);
    for script in [SMUGGLED, INJECTED, OVERLONG] {
        python(&running, &format!("{COMMON}{script}"), &[]);
    }
}
