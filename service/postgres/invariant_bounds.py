"""How late is too late, as of which moment; and one page of one walk over a table."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

import sqlalchemy as sa

from service.domain.invariants import Tally


@dataclass(frozen=True, slots=True)
class Bounds:
    """What is late at this moment."""

    at: datetime
    # Of an outbox row that waits, and of a deadline that nobody has dealt with.
    late: timedelta
    # Of a probe, in a system whose providers throttle.
    probes_late: timedelta
    # Of money that waits for its order, before its case must be there.
    orphaned: timedelta


class Walk(Protocol):
    """Goes over one table, a page at a time."""

    @property
    def name(self) -> str:
        """What its cursors are marked with."""

    @property
    def size(self) -> int:
        """The usual number of rows in a page."""

    def step(
        self, connection: sa.Connection, after: str, size: int, bounds: Bounds, tally: Tally
    ) -> str | None:
        """Look at the rows behind `after`; return how far it came, None at the end."""
