"""The wire between gateway and service, which can be told to lose what the service answers."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self


class Wire:
    """Passes bytes on; while `is_mute`, nothing comes back."""

    def __init__(self, to: str) -> None:
        self.is_mute = False
        self._to = to
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def address(self) -> str:
        """Where the gateway is told that the service is."""
        host, port = self._server.sockets[0].getsockname()
        return f"{host}:{port}"

    def __enter__(self) -> Self:
        self._thread.start()
        opening = asyncio.start_server(self._connected, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(opening, self._loop).result(10)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _close(self) -> None:
        self._server.close()
        ours = [each for each in asyncio.all_tasks() if each is not asyncio.current_task()]
        for each in ours:
            each.cancel()
        await asyncio.gather(*ours, return_exceptions=True)

    async def _connected(self, near: asyncio.StreamReader, near_out: asyncio.StreamWriter) -> None:
        host, _, port = self._to.rpartition(":")
        async with _closing(near_out):
            try:
                far, far_out = await asyncio.open_connection(host, int(port))
            except OSError:
                return
            async with _closing(far_out):
                there = self._pass_on(near, far_out, can_be_mute=False)
                back = self._pass_on(far, near_out, can_be_mute=True)
                await asyncio.gather(there, back)

    async def _pass_on(
        self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, *, can_be_mute: bool
    ) -> None:
        with contextlib.suppress(OSError):
            while piece := await source.read(65536):
                if not (can_be_mute and self.is_mute):
                    sink.write(piece)
                    await sink.drain()
        sink.close()


@contextlib.asynccontextmanager
async def _closing(writer: asyncio.StreamWriter) -> AsyncIterator[None]:
    """Leave no socket behind, whatever ended the talk: the loop is closed right after."""
    try:
        yield
    finally:
        # Not `close`: what the other side does not read would keep the socket open.
        writer.transport.abort()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
