"""Offers callbacks at a steady rate, whatever the other end does: an open loop.

Each call has its time. If the other end is slow, later calls do not wait for earlier ones, and the
time of each is counted from when it was due: nothing is left out of the percentiles.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, cast

from benchmarks.platform_calls import PlatformCall, stops

# Longer than any platform waits, so that a late answer is seen as late and not as none.
PATIENCE_S: Final = 8.0
# As many as are open at once when everything takes a second.
CONNECTIONS_MAX: Final = 2_000
TICK_S: Final = 0.002
CHUNK: Final = 65_536


class Verdict(Enum):
    """What a platform makes of an answer."""

    TAKEN = "taken"
    AGAIN = "again"
    WRONG = "wrong"
    UNANSWERED = "unanswered"


@dataclass(frozen=True)
class Offered:
    """What became of one call."""

    verdict: Verdict
    took_s: float
    """From when it was due."""
    status: int = 0


def verdict_of(provider: str, status: int, body: bytes) -> Verdict:
    """Return what the platform makes of it: a 5xx that does not stop it makes it come again."""
    if stops(provider, status, body):
        return Verdict.TAKEN
    return Verdict.AGAIN if status >= 500 else Verdict.WRONG


async def offer(
    address: str,
    calls: Sequence[PlatformCall],
    *,
    rate: float,
    connections: int = CONNECTIONS_MAX,
) -> list[Offered]:
    """Make all calls, so many a second, and return what became of each."""
    loop = asyncio.get_running_loop()
    requests = [_bytes_of(call) for call in calls]
    pool = _Pool(address, calls, connections)
    began = loop.time()
    made = 0
    while made < len(calls):
        due = min(len(calls), int((loop.time() - began) * rate) + 1)
        for index in range(made, due):
            pool.ask(index, requests[index], began + index / rate)
        made = due
        await asyncio.sleep(TICK_S)
    last = began + len(calls) / rate + PATIENCE_S
    while pool.left and loop.time() < last:  # noqa: ASYNC110  # An event would cost each answer.
        await asyncio.sleep(TICK_S)
    pool.close()
    return [pool.offered.get(i, Offered(Verdict.UNANSWERED, PATIENCE_S)) for i in range(len(calls))]


def _bytes_of(call: PlatformCall) -> bytes:
    head = [f"POST {call.path} HTTP/1.1", "host: localhost", f"content-length: {len(call.body)}"]
    head += [f"{name}: {value}" for name, value in call.headers.items()]
    return "\r\n".join(head).encode() + b"\r\n\r\n" + call.body


class _Pool:
    """Connections that are kept open; the one used last is used first.

    Calls for which none is free wait for one, and their time runs.
    """

    def __init__(self, address: str, calls: Sequence[PlatformCall], most: int) -> None:
        self._most = most
        host, _, port = address.rpartition(":")
        self._where = (host, int(port))
        self._calls = calls
        self._idle: list[_Connection] = []
        self._waiting: deque[tuple[int, bytes, float]] = deque()
        self._all: set[_Connection] = set()
        self._opening: set[asyncio.Task[None]] = set()
        self.left = len(calls)
        self.offered: dict[int, Offered] = {}

    def ask(self, index: int, request: bytes, due_at: float) -> None:
        while self._idle:
            if (found := self._idle.pop()).is_usable:
                found.ask(index, request, due_at)
                return
        self._waiting.append((index, request, due_at))
        if len(self._all) + len(self._opening) < self._most:
            opening = asyncio.get_running_loop().create_task(self._open())
            self._opening.add(opening)
            opening.add_done_callback(self._opening.discard)

    def answered(self, connection: _Connection, index: int, status: int, body: bytes) -> None:
        took_s = asyncio.get_running_loop().time() - connection.due_at
        verdict = verdict_of(self._calls[index].provider, status, body)
        self._settle(index, Offered(verdict, took_s, status))
        self._give(connection)

    def broke(self, connection: _Connection) -> None:
        self._all.discard(connection)
        if connection.index is not None:
            took_s = asyncio.get_running_loop().time() - connection.due_at
            self._settle(connection.index, Offered(Verdict.UNANSWERED, took_s))

    def close(self) -> None:
        for each in list(self._all):
            each.close()

    async def _open(self) -> None:
        try:
            _, made = await asyncio.get_running_loop().create_connection(
                lambda: _Connection(self), *self._where
            )
        except OSError:
            if self._waiting:
                index, _, due_at = self._waiting.popleft()
                took_s = asyncio.get_running_loop().time() - due_at
                self._settle(index, Offered(Verdict.UNANSWERED, took_s))
            return
        self._all.add(made)
        self._give(made)

    def _give(self, connection: _Connection) -> None:
        if not connection.is_usable:
            return
        if self._waiting:
            connection.ask(*self._waiting.popleft())
        else:
            self._idle.append(connection)

    def _settle(self, index: int, offered: Offered) -> None:
        self.offered[index] = offered
        self.left -= 1


class _Connection(asyncio.Protocol):
    """HTTP/1.1, as much of it as answers with a length need."""

    def __init__(self, pool: _Pool) -> None:
        self._pool = pool
        self._received = b""
        self.is_usable = False
        self.index: int | None = None
        self.due_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self.is_usable = True

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_usable = False
        self._pool.broke(self)

    def ask(self, index: int, request: bytes, due_at: float) -> None:
        self.index, self.due_at, self._received = index, due_at, b""
        self._transport.write(request)

    def close(self) -> None:
        self.is_usable = False
        self._transport.close()

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end or self.index is None:
            return
        lines = head.lower().split(b"\r\n")
        length = next(int(line[15:]) for line in lines if line.startswith(b"content-length:"))
        if len(body) < length:
            return
        if b"connection: close" in lines:
            self.is_usable = False
        index, self.index = self.index, None
        self._pool.answered(self, index, int(head[9:12]), body[:length])
