"""Tells whether PostgreSQL waits for the disk before it says that something is stored."""

from collections.abc import Iterator
from typing import Final

import sqlalchemy as sa

# "local" and more wait for our own disk, which is what a commit promises here.
SETTINGS: Final = ("fsync", "full_page_writes", "synchronous_commit")


def unsafe_settings(connection: sa.Connection) -> list[str]:
    """Return the settings by which acknowledged data may be lost, as `name=value`."""
    return list(_unsafe(connection))


def _unsafe(connection: sa.Connection) -> Iterator[str]:
    for name in SETTINGS:
        value = connection.execute(sa.select(sa.func.current_setting(name))).scalar_one()
        if value == "off":
            yield f"{name}={value}"
