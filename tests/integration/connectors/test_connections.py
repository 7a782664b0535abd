"""Connections that end in the wrong place, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from clients.connectors.inquiry import NothingLearntError, Result
from clients.connectors.web import ANSWER_BYTES_MAX, Web, new_client
from clients.connectors.wiring import REAL

TIMEOUT_S = 1.0
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def a_server(serve: Serve) -> AsyncIterator[str]:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await serve(reader, writer)
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        host, port = server.sockets[0].getsockname()[:2]
        yield f"http://{host}:{port}/"
    finally:
        server.close()


async def asked(url: str) -> tuple[Result, str]:
    async with new_client(1, timeout_s=TIMEOUT_S) as client:
        web = Web(client, timeout_s=TIMEOUT_S, clock=REAL.clock)
        with pytest.raises(NothingLearntError) as caught:
            web.refuse_failure(await web.send("GET", url, headers={}))
    return caught.value.finding.result, caught.value.finding.code


async def test_an_answer_that_is_cut_off_is_none() -> None:
    async def cut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b'Content-Length: 100\r\n\r\n{"code":')
        await writer.drain()

    async with a_server(cut) as url:
        assert await asked(url) == (Result.UNREACHABLE, "BROKEN")


async def test_a_connection_that_is_closed_without_a_word_is_no_answer() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await writer.drain()

    async with a_server(hang_up) as url:
        assert await asked(url) == (Result.UNREACHABLE, "BROKEN")


async def test_what_is_not_http_is_no_answer() -> None:
    async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"SSH-2.0-OpenSSH_9.6\r\n")
        await writer.drain()

    async with a_server(babble) as url:
        assert await asked(url) == (Result.UNREACHABLE, "BROKEN")


async def test_an_answer_that_drips_is_cut_off_as_a_whole() -> None:
    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"Content-Length: 1000\r\n\r\n")
        for _byte in range(1000):
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(TIMEOUT_S / 10)

    async with a_server(drip) as url:
        began = asyncio.get_running_loop().time()
        assert await asked(url) == (Result.UNREACHABLE, "TIMEOUT")
        assert asyncio.get_running_loop().time() - began < TIMEOUT_S * 5


async def test_an_answer_without_end_does_not_fill_the_memory() -> None:
    async def flood(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\n")
        for _part in range(100):
            writer.write(b"x" * (ANSWER_BYTES_MAX // 8))
            await writer.drain()

    async with a_server(flood) as url:
        assert await asked(url) == (Result.UNREACHABLE, "TOO_LARGE")


async def test_nobody_there_is_no_answer() -> None:
    assert await asked("http://127.0.0.1:9/") == (Result.UNREACHABLE, "CONNECT")
