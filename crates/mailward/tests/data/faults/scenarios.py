# The clinical hazards, played by name.
reader = account("user")
def played():
    return [one["scenario"]["name"] for one in control("GET", "/scenarios") if one["on"]]
def play(name):
    control("PUT", "/scenarios/" + name)
    assert played() == [name], played()
    assert control("GET", "/faults") and name + "_1" in control.marked, control.marked
def end(name):
    control("DELETE", "/scenarios/" + name)
    assert played() == [] and control("GET", "/status")["is_sound"]
hazards = [one["scenario"]["name"] for one in control("GET", "/scenarios") if one["scenario"]["is_hazard"]]
assert hazards == ["non-delivery", "delay", "out-of-sequence", "unavailability"], hazards
assert "late-bounces" in control("PUT", "/scenarios/nothing", expect=404)["detail"]

# The second is reported late, the third refused, the third that is taken loses its reply.
play("non-delivery")
smtp = twin_submission()
codes = [send(smtp, subject, reader["address"])[1][0] for subject in ["one", "two", "three"]]
assert codes == [250, 250, 550], codes
try:
    send(smtp, "four", reader["address"]); raise SystemExit("a reply came")
except smtplib.SMTPServerDisconnected:
    pass
assert subjects(reader) == ["one", "four"], subjects(reader)
assert not any(one.startswith("Undeliverable") for one in subjects(sender()))
advance(601)
wait_for(lambda: "Undeliverable: two" in subjects(sender()), "the late report")
end("non-delivery")

# Busy for twenty, then late by two hours.
play("delay")
smtp = twin_submission()
assert [smtp.mail(sender()["address"])[0] for _ in range(20)] == [451] * 20
assert send(smtp, "delayed", reader["address"])[1][0] == 250
assert "delayed" not in subjects(reader)
advance(7201)
wait_for(lambda: "delayed" in subjects(reader), "what comes late")
end("delay")

# The second is overtaken by the third.
play("out-of-sequence")
# The clock has ended the session before.
smtp = twin_submission()
for subject in ["first", "second", "third"]:
    assert send(smtp, subject, reader["address"])[1][0] == 250
wait_for(lambda: subjects(reader)[-3:] == ["first", "third", "second"], "another order")
end("out-of-sequence")

# Nobody answers.
play("unavailability")
for attempt in [twin_submission, lambda: imap(reader)]:
    try:
        attempt(); raise SystemExit("answered")
    except (smtplib.SMTPServerDisconnected, OSError, imaplib.IMAP4.error):
        pass
link = http.client.HTTPSConnection(*place(ready["twin"]["https"]), context=context, timeout=60)
link.request("GET", "/common/v2.0/.well-known/openid-configuration")
assert link.getresponse().status == 503
end("unavailability")
twin_submission().quit()
