"""One HTTP request to a provider: bounded in time and size, following nobody, believing nothing.

Redirects are not followed: a signed request, with whatever it is good for, would go to whoever
answers. What came is the caller's to verify.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Final

import httpx2

from clients.connectors.inquiry import Clock, Code, NothingLearntError, Result, unreachable

# The largest genuine answers are some 20 KiB: a trade with many promotions, a page of refunds.
ANSWER_BYTES_MAX: Final = 256 * 1024
# Of the whole; who does not accept by then is not there.
CONNECT_S: Final = 3.0
# Providers close idle connections after about a minute.
KEEP_ALIVE_S: Final = 30.0
# A provider that names a longer pause is asked after this all the same; its probe would be lost.
RETRY_AFTER_MAX_S: Final = 3600
TOO_MANY: Final = 429
MULTIPLE: Final = 300
BAD: Final = 400
FAILED: Final = 500


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, unverified."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes = field(repr=False)

    @property
    def is_good(self) -> bool:
        """Return whether HTTP says that all is well; the body may still say otherwise."""
        return self.status < MULTIPLE

    @property
    def content_type(self) -> str:
        """Return what the body is said to be."""
        return self.headers.get("content-type", "")


class Web:
    """Makes requests to one provider, over connections that stay open."""

    def __init__(
        self,
        client: httpx2.AsyncClient,
        *,
        timeout_s: float,
        clock: Clock,
        bytes_max: int = ANSWER_BYTES_MAX,
    ) -> None:
        self._client = client
        self._timeout_s = timeout_s
        self._clock = clock
        self._bytes_max = bytes_max

    async def send(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b""
    ) -> Reply:
        """Send one request and return the whole answer.

        Raises:
            NothingLearntError: there was none, or it was too much, or it leads elsewhere.
        """
        # Identity: a few bytes of a compressed answer could fill the memory.
        given = {"accept-encoding": "identity", "user-agent": "concord-connectors", **headers}
        try:
            async with asyncio.timeout(self._timeout_s):
                request = self._client.build_request(method, url, headers=given, content=body)
                answer = await self._client.send(request, stream=True)
                try:
                    return await _read(answer, self._bytes_max)
                finally:
                    await answer.aclose()
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise unreachable(Code.TIMEOUT) from error
        except (httpx2.ConnectError, httpx2.ProxyError) as error:
            raise unreachable(Code.CONNECT) from error
        except httpx2.HTTPError as error:
            raise unreachable(Code.BROKEN) from error

    def refuse_failure(self, reply: Reply, code: str = "") -> None:
        """Raise what a status says that is the same for every provider; pass the others.

        Raises:
            NothingLearntError: throttled, or failed; `code` is the provider's own word for it.
        """
        named = code or str(reply.status)
        if reply.status == TOO_MANY:
            raise throttled(named, self._retry_after_s(reply))
        if reply.status >= FAILED:
            raise unreachable(named)
        if MULTIPLE <= reply.status < BAD:
            raise unreachable(Code.REDIRECT)

    def _retry_after_s(self, reply: Reply) -> int:
        """Return the pause that the provider names, in seconds or as a date, or else 0."""
        named = reply.headers.get("retry-after", "").strip()
        if named.isascii() and named.isdecimal():
            return min(int(named), RETRY_AFTER_MAX_S)
        try:
            left = (parsedate_to_datetime(named) - self._clock()).total_seconds()
        except (ValueError, TypeError, OverflowError):
            return 0
        return max(0, min(int(left) + 1, RETRY_AFTER_MAX_S))


def throttled(code: str, retry_after_s: int = 0) -> NothingLearntError:
    """Return that the provider wants fewer questions."""
    return NothingLearntError(Result.THROTTLED, code, retry_after_s)


def new_client(
    connections: int,
    *,
    timeout_s: float,
    proxy: str | None = None,
    transport: httpx2.AsyncBaseTransport | None = None,
) -> httpx2.AsyncClient:
    """Return a client of one provider's own, so that a slow provider fills no one else's pool."""
    return httpx2.AsyncClient(
        transport=transport,
        timeout=httpx2.Timeout(timeout_s, connect=min(CONNECT_S, timeout_s)),
        limits=httpx2.Limits(
            max_connections=connections,
            max_keepalive_connections=connections,
            keepalive_expiry=KEEP_ALIVE_S,
        ),
        follow_redirects=False,
        # A proxy is used where the settings name one, not where some variable happens to.
        trust_env=False,
        proxy=proxy,
    )


async def _read(answer: httpx2.Response, bytes_max: int) -> Reply:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if headers.get("content-encoding", "identity") != "identity":
        raise unreachable(Code.MALFORMED)
    body = bytearray()
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > bytes_max:
            raise unreachable(Code.TOO_LARGE)
    return Reply(answer.status_code, headers, bytes(body))
