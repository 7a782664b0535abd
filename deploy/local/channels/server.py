"""Serves the channels: until the process is told to end, or for a test in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import uvicorn

from deploy.local.channels.control import app_of
from deploy.local.channels.orders import Clock
from deploy.local.channels.pushing import Pushing
from deploy.local.channels.world import World
from deploy.local.platforms.courier import HttpSender
from deploy.local.platforms.server import Server

# A call that is held back (`Fault.TIMEOUT`) is not waited for.
DRAIN_S: Final = 1
STARTED_WITHIN_S: Final = 60.0


def server_of(world: World, host: str, port: int, started: threading.Event) -> Server:
    """Return a server that is not running yet."""
    config = uvicorn.Config(
        app_of(world),
        host=host,
        port=port,
        ws="none",
        log_config=None,
        access_log=False,
        lifespan="off",
        # Each platform has a clock of its own.
        date_header=False,
        timeout_graceful_shutdown=DRAIN_S,
    )
    return Server(config, started.set)


class Channels:
    """The fakes in a thread of this process, from `with` to its end.

    with Channels("127.0.0.1:18085", folder, clock) as channels:
        channels.world.booths["pdd"].shop.sell()

    Changes are pushed to the gateway at `public_url`, where there is one.
    """

    def __init__(self, address: str, folder: Path, clock: Clock, public_url: str = "") -> None:
        host, _, port = address.rpartition(":")
        self.world = World(clock, folder, f"http://{address}")
        self.accounts_file = self.world.write_accounts()
        self._public_url = public_url
        self._listens = threading.Event()
        self._server = server_of(self.world, host, int(port), self._listens)
        self._thread = threading.Thread(target=self._run, name="channels", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._listens.wait(STARTED_WITHIN_S):
            raise RuntimeError("the fake channels did not start")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.should_exit = True
        self._thread.join(STARTED_WITHIN_S)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        finally:
            self._listens.set()

    async def _serve(self) -> None:
        if not self._public_url:
            await self._server.serve()
            return
        sender = HttpSender()
        try:
            async with Pushing(self.world.booths, self._public_url, sender).running():
                await self._server.serve()
        finally:
            await sender.aclose()
