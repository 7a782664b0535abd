"""Fake payment platforms for tests: `with running_platforms(folder) as platforms`.

`platforms.control` tells them what happens; `platforms.accounts_file` is what a gateway or a
connector under test reads. Keys are made once for a run of tests and copied: that takes seconds.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from deploy.local.platforms.__main__ import make_keys
from deploy.local.platforms.config import Settings
from deploy.local.platforms.server import Platforms
from deploy.local.ports import HOST, Ports

# Nobody listens there: calls fail at once, as when a gateway is down.
NOWHERE = "http://127.0.0.1:9"


def make_platform_keys(folder: Path) -> Path:
    """Make all keys once, to be copied by each who needs some."""
    make_keys(Settings(address=f"{HOST}:1", folder=folder, public_url=NOWHERE))
    return folder


@contextmanager
def running_platforms(
    folder: Path,
    *,
    keys: Path | None = None,
    public_url: str = NOWHERE,
    **settings: object,
) -> Iterator[Platforms]:
    """Run the fakes on a free port, for a gateway at `public_url`, with copies of the keys."""
    if keys is not None:
        shutil.copytree(keys, folder, dirs_exist_ok=True)
    ports = Ports(["platforms"], wanted={})
    address = f"{HOST}:{ports.numbers['platforms']}"
    chosen = replace(
        Settings(address=address, folder=folder, public_url=public_url),
        **settings,  # type: ignore[arg-type]  # Named as the fields are.
    )
    try:
        with Platforms(chosen) as running:
            yield running
    finally:
        ports.release()
