"""A test that somebody else writes, for mypy to read."""

import ssl
from smtplib import SMTP

import pytest
from mailward_testing import Mail, MailwardError, Mismatch, Twin, World


@pytest.fixture(scope="session")
def trust(mailward_twin: Twin) -> ssl.SSLContext:
    return ssl.create_default_context(cadata=mailward_twin.ca)


@pytest.mark.mailward(clock_held=True, now="2027-01-05T09:00:00Z")
def test_the_clinic_letter(world: World, mail: Mail, trust: ssl.SSLContext) -> None:
    host, port = world.ports["submission"].split(":")
    with SMTP(host, int(port)) as smtp:
        smtp.starttls(context=trust)
    message = mail.wait_for(to="asha", subject={"is": "Clinic on Tuesday"}, timeout=0.5)
    names = [one["FileName"] for one in message["Attachments"]]
    assert names == ["letter.pdf"]
    world.assert_conduct("uses-tls", version_min="1.3")
    with pytest.raises(Mismatch) as raised:
        mail.assert_none(from_="lab")
    assert raised.value.results[0]["holds"] is False


def test_by_hand() -> None:
    try:
        with Twin.start(arguments=["--limits", "off"]) as twin, twin.world() as world:
            world.mail.assert_none(timeout=0)
    except MailwardError as error:
        assert error.status is None or error.status >= 400
