"""A request is bounded in time and size, and follows nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from email.utils import format_datetime

import httpx2
import pytest

from clients.connectors.inquiry import NothingLearntError, Result
from clients.connectors.web import ANSWER_BYTES_MAX, Reply, Web, new_client
from tests.unit.clients.connectors.answering import Answer, Provider, a_web
from tests.unit.clients.providers.key_ring import NOW


async def sent(answer: Answer, timeout_s: float = 5.0) -> tuple[Result, str]:
    with pytest.raises(NothingLearntError) as caught:
        await a_web(Provider([answer]), timeout_s).send("GET", "https://x/", headers={})
    return caught.value.finding.result, caught.value.finding.code


class _Endless(httpx2.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536


class _Silent(httpx2.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()


class _Cut(httpx2.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"{"
        raise httpx2.RemoteProtocolError("peer closed connection")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (httpx2.ConnectError("refused"), "CONNECT"),
        (httpx2.ConnectTimeout("late"), "TIMEOUT"),
        (httpx2.ReadTimeout("late"), "TIMEOUT"),
        (httpx2.RemoteProtocolError("hung up"), "BROKEN"),
        (httpx2.ReadError("reset"), "BROKEN"),
    ],
)
async def test_a_connection_that_fails_teaches_nothing(error: Exception, code: str) -> None:
    assert await sent(error) == (Result.UNREACHABLE, code)


async def test_an_answer_without_end_is_cut_off() -> None:
    assert await sent(httpx2.Response(200, stream=_Endless())) == (
        Result.UNREACHABLE,
        "TOO_LARGE",
    )


async def test_an_answer_that_stops_half_way_is_not_waited_for() -> None:
    answer = httpx2.Response(200, stream=_Silent())

    assert await sent(answer, timeout_s=0.05) == (Result.UNREACHABLE, "TIMEOUT")


async def test_an_answer_that_is_cut_is_none() -> None:
    assert await sent(httpx2.Response(200, stream=_Cut())) == (Result.UNREACHABLE, "BROKEN")


async def test_a_compressed_answer_is_not_unpacked() -> None:
    answer = httpx2.Response(200, stream=_Endless(), headers={"content-encoding": "gzip"})

    assert await sent(answer) == (Result.UNREACHABLE, "MALFORMED")


async def test_the_largest_answer_is_taken_whole() -> None:
    reply = await a_web(Provider([httpx2.Response(200, content=b"x" * ANSWER_BYTES_MAX)])).send(
        "GET", "https://x/", headers={}
    )

    assert len(reply.body) == ANSWER_BYTES_MAX


async def test_a_redirect_is_not_followed() -> None:
    provider = Provider([httpx2.Response(302, headers={"location": "https://elsewhere/"})])
    web = a_web(provider)

    reply = await web.send("GET", "https://x/", headers={})

    assert len(provider.requests) == 1
    with pytest.raises(NothingLearntError):
        web.refuse_failure(reply)


async def test_no_proxy_is_taken_from_the_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    client = new_client(1, timeout_s=1)

    assert not client.trust_env
    await client.aclose()


@pytest.mark.parametrize(
    ("named", "seconds"),
    [
        ("17", 17),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 91),
        ("99999999", 3600),
        ("", 0),
        ("soon", 0),
        ("-5", 0),
    ],
)
def test_a_named_pause_is_read_and_bounded(named: str, seconds: int) -> None:
    web = Web(new_client(1, timeout_s=1), timeout_s=1, clock=lambda: NOW)

    with pytest.raises(NothingLearntError) as caught:
        web.refuse_failure(Reply(429, {"retry-after": named}, b""))

    assert caught.value.finding.result is Result.THROTTLED
    assert caught.value.finding.retry_after_s == seconds
