"""The pytest plugin: one twin a run, one world a test.

With pytest-xdist the workers share the twin that the controller started.
"""

from __future__ import annotations

import json
import os
import shlex
from typing import Any, Dict, Generator, Iterator

import pytest

from .mail import Mail
from .twin import Twin
from .world import World

# Sessions shown of a test that failed.
SESSIONS_SHOWN_MAX = 5

_TWIN = pytest.StashKey[Twin]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mailward", "Mailward twin")
    group.addoption("--mailward-url", help="base address of a twin that runs [MAILWARD_URL]; otherwise one is started")
    group.addoption("--mailward-token", help="its control token [MAILWARD_TOKEN]")
    group.addoption("--mailward-program", help="the program to start [MAILWARD_PROGRAM, else mailward on the PATH]")
    parser.addini("mailward_arguments", "arguments of `mailward twin`, as a shell would read them", default="")


def _twin(config: pytest.Config) -> Twin:
    """The twin of this run, started when first asked for."""
    if _TWIN not in config.stash:
        shared = getattr(config, "workerinput", {}).get("mailward")
        url = config.getoption("--mailward-url") or os.environ.get("MAILWARD_URL")
        if shared:
            twin = Twin(**json.loads(shared))
        elif url:
            token = config.getoption("--mailward-token") or os.environ.get("MAILWARD_TOKEN")
            twin = Twin(url, token)
        else:
            arguments = shlex.split(config.getini("mailward_arguments"))
            twin = Twin.start(config.getoption("--mailward-program"), arguments)
        config.stash[_TWIN] = twin
    return config.stash[_TWIN]


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tells a worker of pytest-xdist where the twin is."""
    twin = _twin(node.config)
    node.workerinput["mailward"] = json.dumps({"url": twin.url, "token": twin.token, "ready": twin.ready})


def pytest_unconfigure(config: pytest.Config) -> None:
    if _TWIN in config.stash:
        config.stash[_TWIN].stop()


@pytest.fixture(scope="session")
def mailward_twin(pytestconfig: pytest.Config) -> Twin:
    """The twin; it ends with the run."""
    return _twin(pytestconfig)


@pytest.fixture(scope="session")
def mailward_base(mailward_twin: Twin) -> Iterator[World]:
    """What every world begins as: the seed. Override it to add to that; it is
    snapshotted for each test."""
    with mailward_twin.world() as world:
        yield world


@pytest.fixture(scope="session")
def _mailward_snapshot(mailward_base: World) -> Dict[str, str]:
    mailward_base.snapshot("base")
    return {"from_": mailward_base.name, "snapshot": "base"}


@pytest.fixture
def world(request: pytest.FixtureRequest, mailward_twin: Twin, _mailward_snapshot: Dict[str, str]) -> Iterator[World]:
    """A world of this test's own; ``@pytest.mark.mailward(clock_held=True)``
    passes wishes on."""
    wishes: Dict[str, Any] = dict(_mailward_snapshot)
    for mark in reversed(list(request.node.iter_markers("mailward"))):
        wishes.update(mark.kwargs)
    with mailward_twin.world(**wishes) as world:
        request.node._mailward_world = world
        yield world


@pytest.fixture
def mail(world: World) -> Mail:
    """The mail of this test's world."""
    return world.mail


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "mailward(**wishes): how this test's world is to be made")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: "pytest.CallInfo[None]") -> Generator[None, Any, None]:
    """Shows what was said in the last sessions of a test that failed."""
    outcome = yield
    report = outcome.get_result()
    world = getattr(item, "_mailward_world", None)
    if report.when != "call" or not report.failed or world is None:
        return
    try:
        for session in world.sessions()[-SESSIONS_SHOWN_MAX:]:
            report.sections.append((f"mailward session {session['id']}", world.transcript(session["id"])))
    except Exception as error:  # The report of a failure must not fail.
        report.sections.append(("mailward sessions", f"could not be read: {error}"))
