"""Requests to the twin's HTTP port, and what goes wrong with them."""

from __future__ import annotations

import json
import urllib.error
import urllib.parse
import urllib.request
from typing import Any, Mapping, Optional, Tuple

# Beyond what a request may wait for by itself.
PATIENCE_SECONDS = 30.0


class MailwardError(Exception):
    """The twin refused a request, or there is none."""

    def __init__(self, text: str, status: Optional[int] = None):
        super().__init__(text)
        self.status = status


class Client:
    """Asks one world, or all of the twin, in JSON."""

    def __init__(self, url: str, token: Optional[str]):
        self.url = url.rstrip("/")
        self.token = token

    def in_world(self, name: str) -> "Client":
        return Client(f"{self.url}/world/{name}", self.token)

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Optional[Mapping[str, Any]] = None,
        patience: float = PATIENCE_SECONDS,
        takes: Tuple[int, ...] = (),
    ) -> Any:
        """The answer: JSON as it means, else text. Statuses in ``takes`` are no error."""
        url = self.url + path
        given = {name: value for name, value in (query or {}).items() if value is not None}
        if given:
            url += "?" + urllib.parse.urlencode(given)
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"} if data is not None else {}
        if self.token:
            headers["Authorization"] = "Bearer " + self.token
        request = urllib.request.Request(url, data=data, method=method, headers=headers)
        try:
            with _OPENER.open(request, timeout=patience) as answer:
                return _read(answer)
        except urllib.error.HTTPError as error:
            with error:
                if error.code in takes:
                    return _read(error)
                raise MailwardError(f"{method} {url}: {error.code} {_said(error)}", error.code) from None
        except OSError as error:
            raise MailwardError(f"{method} {url}: {error}; is the twin running?") from error


# The twin is on this machine, whatever proxy is set.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _read(answer: Any) -> Any:
    content = answer.read()
    if "json" in answer.headers.get("Content-Type", ""):
        return json.loads(content)
    return content.decode(errors="replace")


def _said(answer: Any) -> str:
    content = _read(answer)
    return str(content.get("detail", content)) if isinstance(content, dict) else content
