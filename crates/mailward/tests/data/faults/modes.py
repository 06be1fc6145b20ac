# Modes.
control("PUT", "/modes/outage", {"protocols": ["submission", "imap"], "lifetime": {"seconds": 3600}})
status = control("GET", "/status")
assert status["modes"] == [{"name": "outage", "says": "The service is down"}] and not status["is_sound"], status
assert control.marked == "outage", control.marked
for attempt in [lambda: smtplib.SMTP(*place(ready["twin"]["submission"]), timeout=60), lambda: imap(account("user"))]:
    try:
        attempt(); raise SystemExit("answered")
    except (smtplib.SMTPServerDisconnected, OSError, imaplib.IMAP4.error):
        pass
advance(3601)
assert control("GET", "/status")["is_sound"]
twin_submission().quit()
control("PUT", "/modes/degraded", {"protocols": ["http"], "delay_seconds": 0, "busy_percent": 100})
host, port = place(ready["twin"]["https"])
link = http.client.HTTPSConnection(host, port, context=context, timeout=60)
link.request("GET", "/common/v2.0/.well-known/openid-configuration")
answer = link.getresponse()
assert answer.status == 429 and answer.headers["Retry-After"] == "10", answer.status
answer.read()
pages = [session for session in control("GET", "/sessions") if session["protocol"] == "http"]
said = [line["text"] for line in control("GET", "/sessions/" + pages[-1]["id"])["lines"]]
assert "GET /common/v2.0/.well-known/openid-configuration HTTP/1.1" in said and "retry-after: 10" in said, said
control("DELETE", "/modes/degraded")
# What the twin does not have can be struck as well.
control("PUT", "/faults/graph", {"match": {"protocol": "http", "method": "POST", "path": "/v1.0/*"}, "action": {"kind": "status", "code": 429, "retry_after": 7}})
for method, expected in (("GET", 404), ("POST", 429)):
    link.request(method, "/v1.0/users/someone/sendMail")
    answer = link.getresponse()
    assert (answer.status, answer.headers["Retry-After"]) == (expected, "7" if expected == 429 else None)
    answer.read()
control("DELETE", "/faults/graph")
control("PUT", "/modes/enforcement-rehearsal")
try:
    twin_submission(); raise SystemExit("signed in")
except smtplib.SMTPAuthenticationError as error:
    assert error.smtp_code == 535 and b"basic authentication is disabled" in error.smtp_error, error
try:
    imap(account("user")); raise SystemExit("signed in")
except imaplib.IMAP4.error as error:
    assert "Basic authentication is disabled." in str(error), error
control("DELETE", "/modes/enforcement-rehearsal")
wrong = control("PUT", "/modes/storm", expect=404)
assert "enforcement-rehearsal" in wrong["detail"]
# A session on IMAP that breaks at a command.
control("POST", "/faults", {"id": "fetch", "match": {"protocol": "imap", "command": "SELECT"}, "action": {"kind": "reset"}})
box = imap(account("user"))
try:
    box.select("INBOX"); raise SystemExit("selected")
except (OSError, imaplib.IMAP4.abort):
    pass
control("DELETE", "/faults/fetch")
# The stream of events.
host, port = place(ready["control"]["url"].split("//")[1].split("/")[0])
link = http.client.HTTPSConnection(host, port, context=context, timeout=60)
link.request("GET", "/control/v1/events/stream", headers={"Authorization": "Bearer " + ready["control"]["token"], "Last-Event-ID": "0"})
answer = link.getresponse()
assert answer.headers["Content-Type"] == "text/event-stream"
def event():
    fields = {}
    while True:
        line = answer.readline().decode().rstrip("\n")
        if not line and fields:
            return fields
        if line and not line.startswith(":"):
            key, _, value = line.partition(": ")
            fields[key] = value
first = event()
assert first["id"] == "1" and json.loads(first["data"])["sequence"] == 1, first
latest = control("GET", "/events?after=0")[-1]["sequence"]
while int(first["id"]) < latest:
    first = event()
control("PUT", "/faults/late", {"match": {"protocol": "dns"}, "action": {"kind": "reply", "text": "NXDOMAIN"}})
assert event()["event"] == "fault_set"
