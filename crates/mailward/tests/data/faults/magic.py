# Delivery: by the recipient's name.
reader = account("user")
name, domain = reader["address"].split("@")
def magic(what, tagged=True):
    return f"{name}+fault-{what}@{domain}" if tagged else f"fault-{what}@clinic.example"
smtp = twin_submission()
smtp.mail(sender()["address"])
assert smtp.rcpt(magic("450"))[0] == 450 and smtp.rcpt(magic("551", False))[0] == 551
smtp.rset()
assert send(smtp, "dot", magic("dot-552"))[1][0] == 552
assert send(smtp, "lost", magic("lost"))[1][0] == 250
assert send(smtp, "twice", magic("twice"))[1][0] == 250
assert send(smtp, "order", magic("out-of-order"))[1][0] == 250
assert send(smtp, "plain", reader["address"])[1][0] == 250
wait_for(lambda: "order" in subjects(reader), "the overtaken message")
assert subjects(reader)[-4:] == ["twice", "twice", "plain", "order"], subjects(reader)
assert send(smtp, "late", magic("late-7200"))[1][0] == 250
assert send(smtp, "bounced", magic("bounce"))[1][0] == 250
assert send(smtp, "bounced-late", magic("bounce-late-7200"))[1][0] == 250
assert "late" not in subjects(reader)
assert [one for one in subjects(sender()) if one.startswith("Undeliverable")] == ["Undeliverable: bounced"], subjects(sender())
advance(7201)
wait_for(lambda: "late" in subjects(reader), "the late message")
wait_for(lambda: "Undeliverable: bounced-late" in subjects(sender()), "the late report")
try:
    smtp = twin_submission()
    send(smtp, "unheard", magic("lost-reply")); raise SystemExit("heard")
except smtplib.SMTPServerDisconnected:
    pass
assert subjects(reader).count("unheard") == 1
smtp = twin_submission()
smtp.mail(sender()["address"])
try:
    smtp.rcpt(magic("close")); raise SystemExit("heard")
except smtplib.SMTPServerDisconnected:
    pass
names = [one["name"] for one in control("GET", "/magic-recipients")]
assert "fault-bounce-late" in names, names
