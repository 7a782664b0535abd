"""A TCP proxy that knows no protocol: it delays, throttles, cuts at a byte, and falls silent.

    with FaultyProxy(host, port) as proxy:
        proxy.bend(Bend(delay_s=0.2))
        proxy.bend(Bend(silent=Way.ANSWERS))
        proxy.heal()

It runs in a thread with a loop of its own. Silence is what a broken network looks like from
inside: nothing comes, and nobody says that the connection is over. What came meanwhile is kept
back, and passes when it is healed.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from dataclasses import dataclass
from enum import Flag, auto
from types import TracebackType
from typing import Final, Self

CHUNK: Final = 1 << 14
ENDED_WITHIN_S: Final = 5.0
# How soon whoever waits in silence notices that it is over.
LOOK_EVERY_S: Final = 0.01


class Way(Flag):
    """Which way bytes go."""

    NONE = 0
    QUESTIONS = auto()
    ANSWERS = auto()
    BOTH = QUESTIONS | ANSWERS


@dataclass(frozen=True, slots=True)
class Bend:
    """What is wrong, on all connections: those that are open, and those that come."""

    delay_s: float = 0.0
    bytes_per_s: float = 0.0
    # Every connection is cut once so many bytes have passed on it, counted from its beginning.
    cut_at: int = 0
    silent: Way = Way.NONE
    # Nobody is let in.
    refuses: bool = False


STRAIGHT: Final = Bend()


class FaultyProxy:
    """A listener on a port of its own."""

    def __init__(self, host: str, port: int) -> None:
        self._upstream = (host, port)
        self._bend = STRAIGHT
        self._loop = asyncio.new_event_loop()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread = threading.Thread(target=self._run, name="faulty-proxy", daemon=True)

    @property
    def port(self) -> int:
        """Where it listens, on 127.0.0.1."""
        return int(self._listener.getsockname()[1])

    @property
    def address(self) -> str:
        """The same, as host:port."""
        return f"127.0.0.1:{self.port}"

    def bend(self, bend: Bend) -> None:
        """Let this be wrong from here on."""
        self._bend = bend

    def heal(self) -> None:
        """Let everything through again; connections that were cut stay so."""
        self._bend = STRAIGHT

    def cut(self) -> None:
        """Cut every connection that is open."""
        asyncio.run_coroutine_threadsafe(self._cut_all(), self._loop).result(ENDED_WITHIN_S)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(ENDED_WITHIN_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(ENDED_WITHIN_S)
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(
            asyncio.start_server(self._meet, sock=self._listener)
        )
        self._loop.run_forever()

    async def _cut_all(self) -> None:
        for each in list(self._writers):
            each.transport.abort()

    async def _end(self) -> None:
        self._server.close()
        await self._cut_all()
        for each in self._tasks:
            each.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._bend.refuses:
            writer.transport.abort()
            return
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._upstream)
            self._writers |= {writer, far_writer}
            passed = [0]
            async with asyncio.TaskGroup() as ways:
                ways.create_task(self._pass(reader, far_writer, Way.QUESTIONS, passed))
                ways.create_task(self._pass(far_reader, writer, Way.ANSWERS, passed))
            self._writers -= {writer, far_writer}
            for each in (writer, far_writer):
                each.transport.abort()
        except (asyncio.CancelledError, OSError):
            # The end of the proxy, or nobody is there behind it.
            writer.transport.abort()
        finally:
            self._tasks.discard(task)

    async def _pass(
        self,
        source: asyncio.StreamReader,
        target: asyncio.StreamWriter,
        way: Way,
        passed: list[int],
    ) -> None:
        with contextlib.suppress(OSError):
            while chunk := await source.read(CHUNK):
                while self._bend.silent & way:  # noqa: ASYNC110  # another thread ends it
                    await asyncio.sleep(LOOK_EVERY_S)
                await self._slow_down(len(chunk))
                left = self._bend.cut_at - passed[0]
                passed[0] += len(chunk)
                if self._bend.cut_at and left < len(chunk):
                    target.write(chunk[: max(left, 0)])
                    break
                target.write(chunk)
                await target.drain()
        # Either end takes the other with it.
        source.feed_eof()
        target.close()

    async def _slow_down(self, size: int) -> None:
        bend = self._bend
        pause = bend.delay_s + (size / bend.bytes_per_s if bend.bytes_per_s else 0.0)
        if pause:
            await asyncio.sleep(pause)
