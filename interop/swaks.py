"""swaks in its ways of TLS and signing in, at submission and high sending."""

from twin import ca_file, equal, imap, password, port, run, seen

me = "swaks@northmoor.example"
secret = password(me)
CHECKED = ["--tls-ca-path", ca_file, "--tls-verify", "--tls-sni", "localhost"]


def swaks(endpoint, *more):
    return run(
        "swaks", "--server", "localhost", "--port", port(endpoint), "--ehlo", "client.northmoor.example",
        "--from", me, "--to", me, *more,
    )


def signed(mechanism="LOGIN", with_password=secret):
    return ["--auth", mechanism, "--auth-user", me, "--auth-password", with_password]


# What must end well; the subject says how it came.
sent = []
for endpoint in ("submission", "high_sending"):
    for name, ways in {
        "starttls": ["--tls", *signed()],
        "tls-optional": ["--tls-optional", *signed()],
        "tls-1.2": ["--tls", "--tls-protocol", "tlsv1_2", *signed()],
        "tls-1.3": ["--tls", "--tls-protocol", "tlsv1_3", *signed()],
        "one-cipher": ["--tls", "--tls-protocol", "tlsv1_2", "--tls-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384", *signed()],
        "any-mechanism": ["--tls", "--auth", "--auth-user", me, "--auth-password", secret],
        "pipelined": ["--tls", "--pipeline", *signed()],
        "dsn-asked": ["--tls", *signed(), "--to", f"{me} NOTIFY=SUCCESS,FAILURE"][:-2],
    }.items():
        subject = f"{endpoint}-{name}"
        status, printed = swaks(endpoint, "--header", f"Subject: {subject}", *CHECKED, *ways)
        assert status == 0, (subject, printed)
        assert "250 2.0.0 OK" in printed, (subject, printed)
        sent.append(subject)

# What must not.
for name, ways, words in [
    ("in the clear", [], "451 5.7.3 STARTTLS is required"),
    ("a password in the clear", signed(), "Host did not advertise authentication"),
    ("PLAIN", ["--tls", *signed("PLAIN")], "Auth not attempted"),
    ("CRAM-MD5", ["--tls", *signed("CRAM-MD5")], "Auth not attempted"),
    ("a wrong password", ["--tls", *signed(with_password="wrong")], "535 5.7."),
    ("TLS at once", ["--tls-on-connect", *signed()], "TLS startup failed"),
    ("TLS 1.1", ["--tls", "--tls-protocol", "tlsv1_1", *signed()], "TLS startup failed"),
    ("an unknown authority", ["--tls", "--tls-verify", *signed()], "TLS startup failed"),
]:
    status, printed = swaks("submission", *ways)
    assert status != 0, (name, printed)
    assert words in printed, (name, printed)

box = imap(me)
equal(sorted(one.split(" ")[0] for one in seen(box, "INBOX")), sorted(sent))
print("done")
