"""One auditor at a time among all service processes: whoever holds the lock looks.

The lock is the session's, on the connection that the auditor also reads on: an auditor that lost
its connection has lost its turn and finds out with its next page.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa

from service.postgres.invariants import reading
from service.postgres.translating import translated

# Two-int advisory locks: ours are "audi" and this.
LOCKS: Final = 0x61756469
TURN: Final = 0


@contextmanager
def turn(engine: sa.Engine) -> Iterator[sa.Connection | None]:
    """Give the connection to read on while it is ours to look, or None when another looks."""
    with translated(), engine.connect() as connection:
        reading(connection)
        locked = sa.select(sa.func.pg_try_advisory_lock(LOCKS, TURN))
        is_ours = connection.execute(locked).scalar_one()
        connection.rollback()
        if not is_ours:
            yield None
            return
        try:
            yield connection
        finally:
            # The lock ends with its session, whatever state that is in.
            connection.invalidate()
