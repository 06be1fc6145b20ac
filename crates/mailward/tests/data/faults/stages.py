reader = account("user")
# A refusal at the second RCPT to one address, twice at most.
control("POST", "/faults", {"id": "busy", "match": {"protocol": "submission", "stage": "rcpt", "recipient": "*@clinic.example", "every": 2},
    "action": {"kind": "reply", "text": "451 4.3.2 System not accepting network messages"}, "lifetime": {"times": 1}})
assert control("GET", "/status")["faults"] == ["busy"] and control.marked == "busy"
smtp = twin_submission()
smtp.mail(sender()["address"])
seen = [smtp.rcpt("a@clinic.example") for _ in range(4)]
assert [code for code, _ in seen] == [250, 451, 250, 250], seen
assert seen[1][1] == b"4.3.2 System not accepting network messages"
smtp.rset()
assert control("GET", "/faults") == [] and control.marked is None
# Words that make no sense are refused, with their place.
wrong = control("POST", "/faults", {"match": {"protocol": "submission", "stage": "rset"}, "action": {"kind": "close"}}, expect=422)
assert "match.stage" in wrong["detail"], wrong
# Greeting, EHLO, STARTTLS, AUTH, DATA, the dot.
def once(match, action):
    control("POST", "/faults", {"match": {"protocol": "submission", **match}, "action": action, "lifetime": {"times": 1}})
def reply(text):
    return {"kind": "reply", "text": text}
once({"stage": "greeting"}, reply("421 4.3.2 Service not available"))
try:
    smtplib.SMTP(*place(ready["twin"]["submission"]), timeout=60); raise SystemExit("greeted")
except smtplib.SMTPConnectError as error:
    assert error.smtp_code == 421
once({"stage": "connect"}, reply("554 5.3.2 No SMTP service here"))
try:
    smtplib.SMTP(*place(ready["twin"]["submission"]), timeout=60); raise SystemExit("greeted")
except smtplib.SMTPConnectError as error:
    assert error.smtp_code == 554
for action in ["close", "reset"]:
    once({"stage": "connect"}, {"kind": action})
    try:
        smtplib.SMTP(*place(ready["twin"]["submission"]), timeout=60); raise SystemExit("greeted")
    except (smtplib.SMTPServerDisconnected, ConnectionResetError):
        pass
plain = smtplib.SMTP(*place(ready["twin"]["submission"]), timeout=60)
once({"stage": "ehlo"}, reply("451 4.3.0 Not now"))
assert plain.ehlo("client.example")[0] == 451
assert plain.ehlo("client.example")[0] == 250
once({"stage": "starttls"}, reply("454 4.7.0 TLS not available"))
assert plain.docmd("STARTTLS")[0] == 454
once({"stage": "tls"}, {"kind": "tls_failure"})
try:
    plain.starttls(context=context); raise SystemExit("TLS")
except (ssl.SSLError, OSError, smtplib.SMTPServerDisconnected):
    pass
once({"stage": "auth", "credential": "password"}, reply("454 4.7.0 Temporary authentication failure"))
try:
    twin_submission(); raise SystemExit("signed in")
except smtplib.SMTPAuthenticationError as error:
    assert error.smtp_code == 454
once({"stage": "mail"}, reply("452 4.3.1 Insufficient resources"))
assert smtp.mail(sender()["address"])[0] == 452
once({"stage": "data"}, reply("451 4.3.0 Not now"))
try:
    send(smtp, "data", reader["address"]); raise SystemExit("data")
except smtplib.SMTPDataError as error:
    assert error.smtp_code == 451
smtp.rset()
once({"stage": "dot"}, reply("452 4.3.1 Insufficient resources"))
assert send(smtp, "dot", reader["address"])[1][0] == 452
assert send(smtp, "sound", reader["address"])[1][0] == 250
# Taken, and the reply is lost.
once({"stage": "taken"}, {"kind": "lose_reply"})
try:
    send(smtp, "unheard", reader["address"]); raise SystemExit("heard")
except smtplib.SMTPServerDisconnected:
    pass
assert subjects(reader).count("unheard") == 1 and "dot" not in subjects(reader)
# A delay waits on the twin's clock, a throttle too.
smtp = twin_submission()
once({"stage": "mail"}, {"kind": "delay", "seconds": 1})
begun = time.monotonic(); smtp.mail(sender()["address"]); assert time.monotonic() - begun > 0.8
once({"stage": "quit"}, {"kind": "throttle", "octets_per_second": 20})
begun = time.monotonic(); smtp.quit(); assert time.monotonic() - begun > 0.8
# Chance repeats itself.
def struck(seed):
    control("PUT", "/faults", [{"id": "chance", "percent": 40, "seed": seed, "match": {"protocol": "submission", "stage": "mail"}, "action": reply("451 4.3.0 Chance")}])
    link = twin_submission()
    codes = [link.mail(sender()["address"])[0] for _ in range(12) if link.rset()]
    link.quit()
    return codes
first = struck(7)
assert {250, 451} == set(first) and struck(7) == first and struck(8) != first
control("DELETE", "/faults")
# Events name the session, and the session has a transcript without the password.
events = control("GET", "/events?after=0")
signed = [event for event in events if event["kind"] == "signed_in"][-1]
transcript = control("GET", "/sessions/" + signed["session"])
texts = [line["text"] for line in transcript["lines"]]
assert not any("[0 octets]" in text for text in texts), texts
assert "ehlo client.example" in texts and any(text.startswith("AUTH ") and text.endswith("***") for text in texts), texts
secret = sender()["password"]
for session in control("GET", "/sessions"):
    text = control("GET", "/sessions/" + session["id"] + "?format=text")
    assert secret not in text and base64.b64encode(secret.encode()).decode() not in text, session
    assert base64.b64encode(f"\0{sender()['address']}\0{secret}".encode()).decode() not in text
protocols = {session["protocol"] for session in control("GET", "/sessions")}
# What the control API is asked over HTTPS is no session of the service.
assert protocols == {"submission", "imap"}, protocols
