"""Tells whether PostgreSQL waits for the disk before it says that something is stored.

A server that may lose what it acknowledged must say so itself, beside the setting that makes it
so: `concord.unsafe_settings = 'fsync'`, as servers of tests do.
"""

from typing import Final

import sqlalchemy as sa

# Of synchronous_commit any value but "off" waits for our own disk, as a commit promises here.
SETTINGS: Final = ("fsync", "full_page_writes", "synchronous_commit")

_OFF: Final = sa.text(
    "SELECT name || '=off' FROM unnest(CAST(:names AS text[])) AS name"
    " WHERE current_setting(name) = 'off' AND name <> ALL(string_to_array("
    " replace(coalesce(current_setting('concord.unsafe_settings', true), ''), ' ', ''), ','))"
)


def unsafe_settings(connection: sa.Connection) -> list[str]:
    """Return the settings by which acknowledged data may be lost, as `name=off`."""
    return list(connection.execute(_OFF, {"names": list(SETTINGS)}).scalars())
