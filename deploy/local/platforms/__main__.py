"""`python -m deploy.local.platforms [keys FOLDER]`: serves the fakes, or only makes their keys."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from datetime import UTC, datetime
from typing import Final

from deploy.local.platforms import accounts_file, making
from deploy.local.platforms.config import Settings, SettingsError, parse
from deploy.local.platforms.server import Server, serve
from deploy.local.platforms.vault import Vault
from deploy.local.platforms.world import World

USAGE_ERROR: Final = 2


def main() -> int:
    """Carry out one command; return its exit code."""
    os.umask(0o077)
    try:
        command, settings = parse(sys.argv[1:], os.environ)
    except SettingsError as error:
        print(error, file=sys.stderr)
        return USAGE_ERROR
    if command == "keys":
        print(make_keys(settings))
        return 0
    asyncio.run(serve(settings, end_when_told))
    return 0


def end_when_told(world: World, server: Server) -> None:
    """Say that it serves, and end at SIGTERM and Ctrl-C."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: setattr(server, "should_exit", True))
    print(f"Fake platforms on {world.api}, calling {world.public_url}.", flush=True)


def make_keys(settings: Settings) -> str:
    """Make the keys that are missing, and write the accounts file; return where that is."""
    vault = Vault(settings.folder, now=lambda: datetime.fromtimestamp(time.time(), UTC))
    making.fill(vault)
    accounts_file.write(vault, api=settings.api, public_url=settings.public_url)
    return str(vault.accounts_file)


if __name__ == "__main__":
    sys.exit(main())
