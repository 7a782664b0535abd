"""One HTTP request to a receiver: to an address that was looked at, bounded, following nobody."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2

from clients.notifier.allowing import Allowed, Lookup, look_up, place_of
from clients.notifier.outcome import NotReachableError, Outcome, Result

# A robot's answer has some 60 bytes; what is longer says nothing that we need.
ANSWER_BYTES_MAX: Final = 64 * 1024
# Of the whole; who does not accept by then is not there.
CONNECT_S: Final = 3.0
RETRY_AFTER_MAX_S: Final = 3_600
MULTIPLE: Final = 300
BAD: Final = 400
FAILED: Final = 500
# The receiver says itself that it did nothing: overloaded, or away for a while.
NOTHING_DONE: Final = frozenset({408, 425, 429, 503})


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back."""

    status: int
    body: bytes = field(repr=False)
    retry_after_s: int = 0

    @property
    def values(self) -> Mapping[str, Any]:
        """The body as a JSON object; empty where it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def failure(self) -> Outcome | None:
        """Return what the status alone says went wrong."""
        if self.status in NOTHING_DONE:
            result = Result.THROTTLED if self.retry_after_s else Result.NOT_SENT
            return Outcome(result, str(self.status), self.retry_after_s)
        if self.status >= FAILED:
            return Outcome(Result.UNCERTAIN, str(self.status))
        if self.status >= MULTIPLE:
            return Outcome(Result.REFUSED, str(self.status))
        return None


class Post:
    """Posts JSON, each time over a connection of its own."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        allowed: Allowed,
        *,
        timeout_s: float,
        lookup: Lookup = look_up,
    ) -> None:
        self._client = client
        self._allowed = allowed
        self._timeout_s = timeout_s
        self._lookup = lookup

    async def send(
        self, url: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> Reply | Outcome:
        """Post a body; return the answer, or what is known without one."""
        target = httpx2.URL(url)
        try:
            async with asyncio.timeout(self._timeout_s):
                request = await self._request(target, body, headers or {})
        except TimeoutError:
            return Outcome(Result.NOT_SENT, "LOOKUP")
        except NotReachableError as error:
            return error.outcome
        try:
            async with asyncio.timeout(self._timeout_s):
                answer = await self._client.send(request, stream=True)
                try:
                    return await _read(answer)
                finally:
                    await answer.aclose()
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
            return Outcome(Result.NOT_SENT, "CONNECT")
        except (TimeoutError, httpx2.TimeoutException):
            return Outcome(Result.UNCERTAIN, "TIMEOUT")
        except httpx2.HTTPError:
            return Outcome(Result.UNCERTAIN, "BROKEN")

    async def _request(
        self, target: httpx2.URL, body: bytes, headers: Mapping[str, str]
    ) -> httpx2.Request:
        host = target.host
        port = target.port or (443 if target.scheme == "https" else 80)
        place = await place_of(host, port, self._allowed, self._lookup)
        given = {
            "content-type": "application/json; charset=utf-8",
            "accept-encoding": "identity",
            "user-agent": "concord-notifier",
            **headers,
            "host": target.netloc.decode(),
        }
        # The certificate must still be the host's.
        return self._client.build_request(
            "POST",
            target.copy_with(host=place),
            headers=given,
            content=body,
            extensions={"sni_hostname": host},
        )


def new_client(*, timeout_s: float, connections: int) -> httpx2.AsyncClient:
    """Return a client that follows nobody and asks no variable for a proxy."""
    return httpx2.AsyncClient(
        timeout=httpx2.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
        # A connection that the receiver closes as we speak leaves us not knowing whether it
        # heard: a fresh one each time costs milliseconds, an uncertain notice costs a person.
        limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=0),
        follow_redirects=False,
        trust_env=False,
    )


async def _read(answer: httpx2.Response) -> Reply:
    body = bytearray()
    async for part in answer.aiter_raw():
        body += part
        if len(body) > ANSWER_BYTES_MAX:
            break
    named = answer.headers.get("retry-after", "")
    wait_s = int(named) if named.isascii() and named.isdecimal() else 0
    return Reply(answer.status_code, bytes(body), min(wait_s, RETRY_AFTER_MAX_S))
