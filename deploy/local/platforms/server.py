"""Serves the platforms: until the process is told to end, or for a test in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import uvicorn

from deploy.local.channels import config
from deploy.local.channels.control import app_of
from deploy.local.channels.pushing import Pushing
from deploy.local.channels.world import World as Fair
from deploy.local.platforms import ledger
from deploy.local.platforms.clock import Clock
from deploy.local.platforms.config import Settings
from deploy.local.platforms.control import app
from deploy.local.platforms.control_client import Control
from deploy.local.platforms.courier import HttpSender
from deploy.local.platforms.vault import Vault
from deploy.local.platforms.world import World

# Where the sales channels are, when they are served beside the platforms.
FAIR: Final = "/channels"

# A question that is held back (`Fault.TIMEOUT`) is not waited for.
DRAIN_S: Final = 1

# Of what a killed process would lose, not more than half a minute; a save of a thousand trades
# takes 10 ms.
SAVE_EVERY_S: Final = 30.0

# Making eleven key pairs takes two seconds, on a busy machine many more.
STARTED_WITHIN_S: Final = 60.0


class Server(uvicorn.Server):
    """A server that tells when it listens, and leaves signals to whoever runs it."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell."""
        await super().startup(sockets)
        self._on_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


async def serve(settings: Settings, started: Callable[[World, Server], None]) -> None:
    """Serve until the server that `started` is given should exit."""
    sender = HttpSender()
    clock = Clock(settings.speed, stamps=settings.stamps)
    fair, pushing = None, contextlib.AsyncExitStack()
    if settings.has_shops:
        fair = Fair(config.now, settings.folder, f"{settings.api}{FAIR}")
    try:
        world = World(
            Vault(settings.folder, now=clock.now),
            api=settings.api,
            public_url=settings.public_url,
            clock=clock,
            sender=sender,
            seed=settings.seed,
            shops=fair.rows() if fair is not None else (),
        )
        world.behaviours.change("", "", {"drop_share": settings.drop_share})
        if settings.ledger is not None:
            world.take_over(settings.ledger)
        served = app(world)
        if fair is not None:
            served.mount(FAIR, app_of(fair))
        server_config = uvicorn.Config(
            served,
            host=settings.host,
            port=settings.port,
            ws="none",
            log_config=None,
            access_log=False,
            lifespan="off",
            timeout_graceful_shutdown=DRAIN_S,
        )
        server = Server(server_config, lambda: started(world, server))
        async with world.running(), _keeping(world, settings.ledger), pushing:
            if fair is not None:
                pushes = Pushing(fair.booths, settings.public_url, sender)
                await pushing.enter_async_context(pushes.running())
            await server.serve()
    finally:
        await sender.aclose()


@contextlib.asynccontextmanager
async def _keeping(world: World, path: Path | None) -> AsyncIterator[None]:
    """Save the trades now and then, and at the end."""
    if path is None:
        yield
        return

    async def keep() -> None:
        while True:
            await asyncio.sleep(SAVE_EVERY_S)
            ledger.save(world.book, path)

    keeping = asyncio.create_task(keep())
    try:
        yield
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
        ledger.save(world.book, path)


class Platforms:
    """The fakes in a thread of this process, from `with` to its end.

    with Platforms(settings) as platforms:
        platforms.control.create("wechatpay", "M1", 1250, pay_in_s=0)
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.control = Control(settings.api)
        self._error: BaseException | None = None
        self._listens = threading.Event()
        self._thread = threading.Thread(target=self._run, name="platforms", daemon=True)

    @property
    def accounts_file(self) -> Path:
        """What the merchant's processes read."""
        return self.settings.folder / "accounts.yaml"

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._listens.wait(STARTED_WITHIN_S) or self._error is not None:
            raise RuntimeError("the fake platforms did not start") from self._error
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.control.close()
        self._server.should_exit = True
        self._thread.join(STARTED_WITHIN_S)

    def _run(self) -> None:
        try:
            asyncio.run(serve(self.settings, self._started))
        except BaseException as error:  # noqa: BLE001  # Told to the thread that waits for us.
            self._error = error
        finally:
            self._listens.set()

    def _started(self, world: World, server: Server) -> None:
        self.world = world
        self._server = server
        self._listens.set()
