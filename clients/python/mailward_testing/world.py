"""A world of the twin: accounts, mail, clock, faults and log of its own."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping, Optional, cast

from .client import Client, MailwardError
from .mail import Mail, check


class World:
    """One world. Leaving it as a context deletes it."""

    def __init__(self, twin: Client, name: str):
        self._twin = twin
        self._client = twin.in_world(name)
        self._ports: Optional[Dict[str, str]] = None
        self.name = name
        self.mail = Mail(self._client)
        self.clock = Clock(self._client)
        self.faults = Faults(self._client)

    @property
    def ports(self) -> Dict[str, str]:
        """Ports that open on this world alone, as ``host:port`` by name:
        submission, high_sending, relay, imaps, pop3s. Opened when first asked for."""
        if self._ports is None:
            path = f"/control/v1/worlds/{self.name}/listeners"
            self._ports = cast(Dict[str, str], self._twin.call("POST", path))
        return self._ports

    @property
    def url(self) -> str:
        """The base address for clients of Mailpit's API."""
        return self._client.url

    def user(self, address: str) -> str:
        """The user name that means this world on the ports that all worlds share."""
        return f"{address}#{self.name}"

    def accounts(self) -> List[Dict[str, Any]]:
        """With their passwords."""
        return cast(List[Dict[str, Any]], self._client.call("GET", "/control/v1/accounts"))

    def account(self, kind: str = "user") -> Dict[str, Any]:
        """The first account of a kind: user, application or shared."""
        for one in self.accounts():
            if one["kind"] == kind:
                return one
        raise MailwardError(f"the world {self.name} has no account of the kind {kind}: make one with put_account")

    def put_account(self, address: str, **more: Any) -> Dict[str, Any]:
        return cast(Dict[str, Any], self._client.call("POST", "/control/v1/accounts", {"address": address, **more}))

    def act(self, address: str, act: str) -> Dict[str, Any]:
        """What a Local Administrator does: lock, unlock, disable, enable, expire, force-change."""
        return cast(Dict[str, Any], self._client.call("POST", f"/control/v1/accounts/{address}/{act}"))

    def assert_conduct(self, conduct: str, **parameters: Any) -> Dict[str, Any]:
        """Judges how the application behaved; ``GET /api/v1/conduct`` lists the checks."""
        (result,) = check(self._client, [{"conduct": conduct, **parameters}])
        return result

    def events(self, after: int = 0) -> List[Dict[str, Any]]:
        """What the service did and why, up to 1000 after a number."""
        return cast(List[Dict[str, Any]], self._client.call("GET", "/control/v1/events", query={"after": after}))

    def sessions(self) -> List[Dict[str, Any]]:
        return cast(List[Dict[str, Any]], self._client.call("GET", "/control/v1/sessions"))

    def transcript(self, session: str) -> str:
        """What was said, one line each, without secrets."""
        return cast(str, self._client.call("GET", f"/control/v1/sessions/{session}", query={"format": "text"}))

    def snapshot(self, name: str) -> None:
        self._twin.call("POST", f"/control/v1/worlds/{self.name}/snapshots", {"name": name})

    def restore(self, snapshot: str) -> None:
        self._twin.call("POST", f"/control/v1/worlds/{self.name}/restore", {"snapshot": snapshot})

    def reset(self) -> None:
        """Back to what it was when it was made."""
        self._twin.call("POST", f"/control/v1/worlds/{self.name}/reset")

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Any other request of the control API: ``control("GET", "/service")``."""
        return self._client.call(method, "/control/v1" + path, body)

    def delete(self) -> None:
        self._twin.call("DELETE", f"/control/v1/worlds/{self.name}", takes=(404,))

    def __enter__(self) -> "World":
        return self

    def __exit__(self, *_: Any) -> None:
        self.delete()


class Clock:
    """The clock of a world."""

    def __init__(self, client: Client):
        self._client = client

    def now(self) -> str:
        return cast(str, self._client.call("GET", "/control/v1/clock")["now"])

    def advance(self, seconds: int) -> str:
        return cast(str, self._client.call("POST", "/control/v1/clock/advance", {"seconds": int(seconds)})["now"])

    def set(self, now: str, as_of: Optional[str] = None) -> str:
        """``as_of`` chooses the day of the behaviour, too."""
        wish = {"now": now} if as_of is None else {"now": now, "as_of": as_of}
        return cast(str, self._client.call("PUT", "/control/v1/clock", wish)["now"])


class Faults:
    """What goes wrong in a world."""

    def __init__(self, client: Client):
        self._client = client

    def play(self, *faults: Mapping[str, Any]) -> List[Dict[str, Any]]:
        """Sets faults, in the form of the reference."""
        return cast(List[Dict[str, Any]], self._client.call("POST", "/control/v1/faults", list(faults)))

    def list(self) -> List[Dict[str, Any]]:
        """Those that are set, with how often each was seen and struck."""
        return cast(List[Dict[str, Any]], self._client.call("GET", "/control/v1/faults"))

    def clear(self) -> None:
        self._client.call("DELETE", "/control/v1/faults")

    def mode(self, name: str, **settings: Any) -> Dict[str, Any]:
        """Switches a mode on: outage, degraded, enforcement-rehearsal."""
        return cast(Dict[str, Any], self._client.call("PUT", f"/control/v1/modes/{name}", settings))

    def end_mode(self, name: str) -> None:
        self._client.call("DELETE", f"/control/v1/modes/{name}")
