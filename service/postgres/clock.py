"""PostgreSQL's clock: the one time by which all services of a database lease, wait and write.

The clock on a machine's wall may be wrong, and may be set while we run: a service that went by
it would end leases of others early, and open cases before their time. So we look at PostgreSQL's
clock, and let this machine's monotonic one, which nobody can set, carry it on until the next look.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from service.postgres.translating import translated

# Looked at from the other end of a connection, a clock is known to within half a round trip. A
# clock that is this near is left as it runs, so that time does not go back by the difference.
NEAR: Final = timedelta(seconds=0.1)

_LOOK: Final = sa.text("SELECT clock_timestamp()")


class DatabaseClock:
    """Implements `service.application.ports.Clock`; before its first look it shows the wall's."""

    def __init__(
        self,
        engine: sa.Engine,
        wall: Callable[[], datetime],
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Take the database, and what shows the time as long as that cannot be reached."""
        self._engine = engine
        self._wall = wall
        self._monotonic_s = monotonic_s
        # What PostgreSQL's clock showed when ours showed so much; replaced as a whole.
        self._seen: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        """Return the present moment, UTC."""
        seen = self._seen
        if seen is None:
            return self._wall()
        moment, at_s = seen
        return moment + timedelta(seconds=self._monotonic_s() - at_s)

    def look(self) -> None:
        """Look at PostgreSQL's clock.

        Raises:
            OutageError: it cannot be reached; time goes on as it was.
        """
        with translated(), self._engine.connect() as connection:
            began_s = self._monotonic_s()
            moment: datetime = connection.execute(_LOOK).scalar_one()
            took_s = self._monotonic_s() - began_s
        shown = moment + timedelta(seconds=took_s / 2)
        off_by = abs(shown - self())
        if self._seen is None or off_by > max(NEAR, timedelta(seconds=took_s)):
            self._seen = shown, began_s + took_s
