"""The plugin as a project of somebody else's uses it."""

import os

import pytest

pytest_plugins = ["pytester"]

# By name, since it may be beside the tests and not installed.
PLUGIN = ["-p", "mailward_testing.plugin"]

TESTS = """
import os, pathlib, pytest

@pytest.fixture(scope="session")
def mailward_base(mailward_twin):
    with mailward_twin.world(limits=False) as base:
        base.put_account("ward.seven@northmoor.example")
        yield base

@pytest.mark.parametrize("number", range(8))
def test_apart(mailward_twin, world, number):
    assert "ward.seven@northmoor.example" in [one["address"] for one in world.accounts()]
    assert world.mail.list() == []
    world.mail.send(From={"Email": "a@elsewhere.example"}, To=[{"Email": "ward.seven@northmoor.example"}])
    world.mail.assert_received(to="ward.seven", count=1)
    twin = mailward_twin.ready["pid"]
    (pathlib.Path(os.environ["TWINS_SEEN"]) / str(twin)).touch()
"""


@pytest.mark.parametrize("workers", [["-n", "4"], ["-p", "no:xdist"]])
def test_a_run_has_one_twin_and_no_world_twice(pytester, monkeypatch, tmp_path, workers):
    monkeypatch.setenv("TWINS_SEEN", str(tmp_path))
    pytester.makepyfile(TESTS)
    pytester.runpytest_subprocess(*PLUGIN, *workers).assert_outcomes(passed=8)
    (twin,) = tmp_path.iterdir()
    with pytest.raises(ProcessLookupError):
        os.kill(int(twin.name), 0)


def test_a_failure_shows_what_was_said(pytester):
    pytester.makepyfile(
        """
import smtplib

def test_fails(world):
    host, port = world.ports["submission"].rsplit(":", 1)
    with smtplib.SMTP(host, int(port), timeout=60) as smtp:
        smtp.ehlo("ward-seven.northmoor.example")
    assert False
"""
    )
    result = pytester.runpytest_subprocess(*PLUGIN)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*mailward session*", "*ehlo ward-seven.northmoor.example*"])
