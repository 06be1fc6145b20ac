"""The mail that came into a world."""

from __future__ import annotations

import math
from typing import Any, Dict, List, Mapping, Optional, Union, cast

from .client import PATIENCE_SECONDS, Client

# A text within another, or ``{"is": text}`` for the whole of it.
Text = Union[str, Mapping[str, str]]

Message = Dict[str, Any]


class Mismatch(AssertionError):
    """An assertion that does not hold; ``results`` has all of the answer."""

    def __init__(self, text: str, results: List[Dict[str, Any]]):
        super().__init__(text)
        self.results = results


class Mail:
    """Lists, waits for and asserts what came."""

    def __init__(self, client: Client):
        self._client = client

    def list(self, query: Optional[str] = None, limit: int = 1000) -> List[Message]:
        """The newest first; ``query`` is in Mailpit's search language."""
        path = "/api/v1/search" if query else "/api/v1/messages"
        answer = self._client.call("GET", path, query={"query": query, "limit": limit})
        return cast(List[Message], answer["messages"])

    def get(self, id: str = "latest") -> Message:
        """A whole message: ``Text``, ``HTML``, ``Attachments`` and the rest."""
        return cast(Message, self._client.call("GET", f"/api/v1/message/{id}"))

    def raw(self, id: str = "latest") -> str:
        return cast(str, self._client.call("GET", f"/api/v1/message/{id}/raw"))

    def headers(self, id: str = "latest") -> Dict[str, List[str]]:
        return cast(Dict[str, List[str]], self._client.call("GET", f"/api/v1/message/{id}/headers"))

    def send(self, **wish: Any) -> str:
        """Files a message as from outside, in the form of Mailpit's ``/send``; gives its ID."""
        return cast(str, self._client.call("POST", "/api/v1/send", wish)["ID"])

    def clear(self) -> None:
        """Takes every message from every mailbox."""
        self._client.call("DELETE", "/api/v1/messages")

    def wait_for(self, timeout: float = 10, **wanted: Any) -> Message:
        """Waits for a message as :meth:`assert_received` does; gives it whole."""
        return self.get(self.assert_received(timeout=timeout, **wanted)[0]["ID"])

    def assert_received(
        self,
        *,
        to: Optional[str] = None,
        from_: Optional[str] = None,
        subject: Optional[Text] = None,
        body: Optional[Text] = None,
        headers: Optional[Mapping[str, Text]] = None,
        attachment: Optional[Mapping[str, Any]] = None,
        query: Optional[str] = None,
        after: Optional[int] = None,
        within_seconds: Optional[int] = None,
        count: Optional[int] = None,
        timeout: float = 0,
    ) -> List[Message]:
        """One message at least, or exactly ``count``, with all of what is given.

        Raises :class:`Mismatch`, which says what was there and which came nearest.
        """
        wish = {
            "to": to,
            "from": from_,
            "subject": subject,
            "body": body,
            "headers": headers,
            "attachment": attachment,
            "query": query,
            "after": after,
            "within_seconds": within_seconds,
            "count": count,
            "timeout_seconds": math.ceil(timeout),
        }
        wish = {name: value for name, value in wish.items() if value is not None}
        (result,) = check(self._client, [{"message": wish}], timeout)
        return cast(List[Message], result["messages"])

    def assert_none(self, timeout: float = 0, **wanted: Any) -> None:
        """No such message came, nor comes within ``timeout`` seconds."""
        self.assert_received(count=0, timeout=timeout, **wanted)


def check(client: Client, assertions: List[Dict[str, Any]], timeout: float = 0) -> List[Dict[str, Any]]:
    """The results; raises :class:`Mismatch` when one does not hold."""
    patience = timeout + PATIENCE_SECONDS
    answer = client.call("POST", "/api/v1/assert", {"assertions": assertions}, patience=patience, takes=(417,))
    if not answer["holds"]:
        raise Mismatch(answer["says"], answer["results"])
    return cast(List[Dict[str, Any]], answer["results"])
