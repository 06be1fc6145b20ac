"""Run against the program that MAILWARD_PROGRAM names, or the one on the PATH."""

import smtplib
import ssl

import pytest

from mailward_testing import MailwardError, Mismatch, Twin


def letter(**more):
    wish = {
        "From": {"Email": "lab@elsewhere.example", "Name": "Lab"},
        "To": [{"Email": "asha.sample@northmoor.example"}],
        "Subject": "Result 17",
        "Text": "All is well.",
    }
    return {**wish, **more}


def connect(twin, world, port="submission"):
    host, number = world.ports[port].rsplit(":", 1)
    smtp = smtplib.SMTP(host, int(number), timeout=60)
    smtp.starttls(context=ssl.create_default_context(cadata=twin.ca))
    return smtp


def test_waits_for_mail_and_finds_it_by_all_that_is_asked(mail):
    mail.send(**letter(Headers={"X-Kind": "result"}))
    message = mail.wait_for(to="asha", subject={"is": "Result 17"}, body="well")
    assert message["Text"].strip() == "All is well."
    (found,) = mail.assert_received(headers={"X-Kind": "result"}, count=1, within_seconds=60)
    assert found["ID"] == message["ID"]
    assert "X-Kind: result" in mail.raw(found["ID"])
    assert mail.headers()["X-Kind"] == ["result"]
    assert len(mail.list("from:lab")) == 1
    mail.clear()
    mail.assert_none()


def test_a_part_of_a_second_is_waited_for_too(mail, monkeypatch):
    asked = []
    call = mail._client.call
    monkeypatch.setattr(mail._client, "call", lambda *given, **more: asked.append(given) or call(*given, **more))
    with pytest.raises(Mismatch):
        mail.wait_for(subject="never", timeout=0.2)
    (assertion,) = asked[0][2]["assertions"]
    assert assertion["message"]["timeout_seconds"] == 1


def test_says_what_differs(mail):
    mail.send(**letter())
    with pytest.raises(Mismatch, match="nearest: .*Result 17") as raised:
        mail.assert_received(to="asha", subject="Result 18")
    assert raised.value.results[0]["nearest"]["differs"][0]["in"] == "subject"
    with pytest.raises(Mismatch):
        mail.assert_none(from_="lab")


@pytest.mark.parametrize("number", range(6))
def test_every_test_has_a_world_of_its_own(number, world):
    assert world.mail.list() == []
    for place in range(number + 1):
        world.mail.send(**letter(Subject="Result %d" % place))
    world.mail.assert_received(from_="lab", count=number + 1)


def test_goes_back_to_a_snapshot(world):
    world.snapshot("before")
    world.mail.send(**letter())
    world.restore("before")
    world.mail.assert_none()
    world.mail.send(**letter())
    world.reset()
    world.mail.assert_none()


@pytest.mark.mailward(clock_held=True, now="2027-01-05T09:00:00Z")
def test_the_clock_is_the_world_s(world):
    assert world.clock.now().startswith("2027-01-05T09:00:00")
    assert world.clock.advance(3600).startswith("2027-01-05T10:00:00")
    assert world.clock.set("2027-02-01T00:00:00Z").startswith("2027-02-01")


def test_good_conduct_is_told_from_bad(mailward_twin, world):
    sender, reader = world.account("application"), world.account("user")
    with connect(mailward_twin, world) as smtp:
        smtp.login(sender["address"], sender["password"])
        for subject in ("one", "two"):
            text = "From: %s\r\nTo: %s\r\nSubject: %s\r\n\r\nhello\r\n" % (sender["address"], reader["address"], subject)
            smtp.sendmail(sender["address"], [reader["address"]], text)
    world.mail.assert_received(to=reader["address"], subject="two", count=1)
    for conduct, parameters in [
        ("uses-tls", {"version_min": "1.3"}),
        ("says-goodbye", {}),
        ("reuses-connections", {}),
        ("messages-per-minute", {"max": 2}),
        ("sends-only-to", {"domains": ["northmoor.example"]}),
        ("no-refused-sign-in-again", {}),
        ("no-offences", {}),
    ]:
        assert world.assert_conduct(conduct, **parameters)["holds"], conduct
    with pytest.raises(Mismatch, match="a password on submission"):
        world.assert_conduct("signs-in-by-token")
    for _ in range(2):
        with connect(mailward_twin, world) as smtp, pytest.raises(smtplib.SMTPAuthenticationError):
            smtp.login(sender["address"], "wrong")
    with pytest.raises(Mismatch, match="GUIDE-34.*tried again on submission"):
        world.assert_conduct("no-refused-sign-in-again")
    with pytest.raises(Mismatch, match="credentials"):
        world.assert_conduct("no-offences", only=["credentials"])
    with pytest.raises(MailwardError, match="there is no conduct flies"):
        world.assert_conduct("flies")


def test_a_retry_after_a_fault_is_seen(mailward_twin, world):
    sender, reader = world.account("application"), world.account("user")
    world.faults.play(
        {
            "id": "busy",
            "match": {"protocol": "submission", "stage": "rcpt"},
            "action": {"kind": "reply", "text": "451 4.3.2 Temporary server error"},
            "lifetime": {"times": 1},
        }
    )
    text = "From: %s\r\nSubject: again\r\n\r\nhello\r\n" % sender["address"]
    with connect(mailward_twin, world) as smtp:
        smtp.login(sender["address"], sender["password"])
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            smtp.sendmail(sender["address"], [reader["address"]], text)
        with pytest.raises(Mismatch, match="was not tried again"):
            world.assert_conduct("retries-after-busy")
        world.clock.advance(120)
        smtp.sendmail(sender["address"], [reader["address"]], text)
    world.assert_conduct("retries-after-busy", codes=["451"], seconds_min=60)
    with pytest.raises(Mismatch, match="before 600 s were over"):
        world.assert_conduct("retries-after-busy", seconds_min=600)


def test_accounts_and_transcripts(mailward_twin, world):
    with pytest.raises(MailwardError, match="no account of the kind shared"):
        world.account("shared")
    world.put_account("new.starter@northmoor.example", password="a-long-passphrase-7")
    assert world.act("new.starter@northmoor.example", "lock")["state"] == "locked"
    with connect(mailward_twin, world) as smtp, pytest.raises(smtplib.SMTPAuthenticationError):
        smtp.login("new.starter@northmoor.example", "a-long-passphrase-7")
    (session,) = world.sessions()
    transcript = world.transcript(session["id"])
    assert "AUTH LOGIN ***" in transcript and "535 5.7.139" in transcript
    assert "passphrase" not in transcript
    assert [one for one in world.events() if one.get("behaviour") == "account-locked"]
    assert world.control("GET", "/status")["is_sound"] is True


def test_a_twin_known_by_its_address(mailward_twin, world):
    same = Twin(mailward_twin.url, mailward_twin.token)
    assert world.name in same.worlds()
    with pytest.raises(MailwardError, match="401") as raised:
        Twin(mailward_twin.url, "wrong").worlds()
    assert raised.value.status == 401
    with pytest.raises(MailwardError, match="is the twin running"):
        Twin("http://127.0.0.1:1").mail.list()
    with pytest.raises(MailwardError, match="MAILWARD_PROGRAM"):
        Twin.start("no-such-program")
