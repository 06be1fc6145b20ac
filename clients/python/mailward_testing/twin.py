"""A twin that runs, started here or elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import uuid
from typing import Any, Dict, List, Optional, Sequence, cast

from .client import Client, MailwardError
from .mail import Mail
from .world import World

# How long the program may take to end before it is killed.
STOP_SECONDS = 10


class Twin:
    """A twin. Leaving it as a context stops a program that was started here."""

    def __init__(self, url: str, token: Optional[str] = None, ready: Optional[Dict[str, Any]] = None):
        self._client = Client(url, token)
        self._process: Optional["subprocess.Popen[str]"] = None
        self.url = self._client.url
        self.token = token
        # The object that the program printed; empty for a twin known by its URL.
        self.ready: Dict[str, Any] = ready or {}
        # All mail of the world without a name.
        self.mail = Mail(self._client)

    @classmethod
    def start(cls, program: Optional[str] = None, arguments: Sequence[str] = ()) -> "Twin":
        """Runs ``mailward twin`` on free ports; the program is on the PATH or
        named by the variable MAILWARD_PROGRAM."""
        program = program or os.environ.get("MAILWARD_PROGRAM") or "mailward"
        command = [program, "twin", "--json", "--ports", "auto", *arguments]
        try:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        except OSError as error:
            raise MailwardError(f"{program} does not start ({error}): put it on the PATH or set MAILWARD_PROGRAM") from error
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line.startswith("{"):
            process.kill()
            raise MailwardError(f"{' '.join(command)} printed no ready object but {line!r}: exit status {process.wait()}")
        twin = cls.of_ready(json.loads(line))
        twin._process = process
        return twin

    @classmethod
    def of_ready(cls, ready: Dict[str, Any]) -> "Twin":
        """By the object that ``--json`` prints."""
        return cls(ready["twin"]["test_api"], ready["control"]["token"], ready)

    def world(self, name: Optional[str] = None, **wishes: Any) -> World:
        """A new world, of the seed unless ``from_`` says otherwise: ``from_``,
        ``snapshot``, ``dice_seed``, ``now``, ``clock_held``, ``as_of``, ``limits``."""
        name = name or "test-" + uuid.uuid4().hex[:20]
        if "from_" in wishes:
            wishes["from"] = wishes.pop("from_")
        self._client.call("POST", "/control/v1/worlds", {"name": name, **wishes})
        return World(self._client, name)

    @property
    def ca(self) -> str:
        """The certificate of its authority, in PEM, for the clients of its TLS
        ports: ``ssl.create_default_context(cadata=twin.ca)``."""
        return cast(str, self._client.call("GET", "/ca.pem"))

    def worlds(self) -> List[str]:
        """Names of up to 1000 worlds."""
        return [one["name"] for one in self._client.call("GET", "/control/v1/worlds")["worlds"]]

    def stop(self) -> None:
        """Ends the program, if it was started here."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()

    def __enter__(self) -> "Twin":
        return self

    def __exit__(self, *_: Any) -> None:
        self.stop()
