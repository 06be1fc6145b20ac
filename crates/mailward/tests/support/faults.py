# What every script about faults needs: the control API, a client of the twin's
# submission, and the transcript of a session.
import http.client, json, socket, base64
def control(method, path, body=None, expect=None):
    host, port = place(ready["control"]["url"].split("//")[1].split("/")[0])
    link = http.client.HTTPSConnection(host, port, context=context, timeout=60)
    headers = {"Authorization": "Bearer " + ready["control"]["token"]}
    link.request(method, "/control/v1" + path, None if body is None else json.dumps(body), headers)
    answer = link.getresponse()
    text = answer.read().decode()
    if expect is not None:
        assert answer.status == expect, (method, path, answer.status, text)
    else:
        assert answer.status < 300, (method, path, answer.status, text)
    control.marked = answer.headers.get("X-Mailward-Twin-Faults")
    return json.loads(text) if text.startswith(("{", "[")) else text
def sender():
    return account("application")
def twin_submission(who=None):
    who = who or sender()
    smtp = smtplib.SMTP(*place(ready["twin"]["submission"]), timeout=60)
    smtp.ehlo("client.example")
    smtp.starttls(context=context)
    smtp.ehlo("client.example")
    smtp.login(who["address"], who["password"])
    return smtp
def letter(subject, to):
    who = sender()["address"]
    return f"From: {who}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@northmoor.example>\r\n\r\nhello\r\n"
def send(smtp, subject, *to):
    smtp.mail(sender()["address"])
    codes = [smtp.rcpt(one) for one in to]
    return codes, (smtp.data(letter(subject, to[0])) if any(code == 250 for code, _ in codes) else None)
def subjects(who):
    box = imap(who)
    box.select("INBOX", readonly=True)
    found = []
    for number in box.search(None, "ALL")[1][0].split():
        header = box.fetch(number, "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1][0][1].decode()
        found.append(header.split(":", 1)[1].strip())
    box.logout()
    return found
def advance(seconds):
    control("POST", "/clock/advance", {"seconds": seconds})
