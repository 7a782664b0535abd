"""`python -m deploy.local.channels`: serves the fake channels until SIGTERM or Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from typing import Final

from deploy.local.channels import config
from deploy.local.channels.server import server_of
from deploy.local.channels.world import World

USAGE_ERROR: Final = 2


def main() -> int:
    """Serve; return the exit code."""
    os.umask(0o077)
    try:
        settings = config.read()
    except config.SettingsError as error:
        print(error, file=sys.stderr)
        return USAGE_ERROR
    settings.folder.mkdir(parents=True, exist_ok=True)
    world = World(config.now, settings.folder, settings.api)
    world.write_accounts()
    asyncio.run(_serve(world, settings))
    return 0


async def _serve(world: World, settings: config.Settings) -> None:
    server = server_of(world, settings.host, settings.port, threading.Event())
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: setattr(server, "should_exit", True))
    print(f"Fake channels on {settings.api}.", flush=True)
    await server.serve()


if __name__ == "__main__":
    sys.exit(main())
