"""Claims deadlines that passed."""

from datetime import datetime

import sqlalchemy as sa

from service.application.ports import DueTimer
from service.domain.expectations import ExpectationKind
from service.postgres import tables


class TimerRows:
    """The part of a transaction that works off deadlines."""

    _connection: sa.Connection

    def claim_timers(self, now: datetime, *, most: int) -> list[DueTimer]:
        """Return deadlines that passed, oldest first.

        The caller locks their orders next, as everybody does who touches an order's timers, and
        then decides from what is known under that lock; so two callers do a deadline once.
        """
        table = tables.timers
        rows = self._connection.execute(
            sa.select(table)
            .where(table.c.due_at <= now, table.c.fired_at.is_(None))
            .order_by(table.c.due_at)
            .limit(most)
        )
        return [
            DueTimer(row.order_id, ExpectationKind(row.kind), row.wait, row.due_at) for row in rows
        ]

    def finish_timer(self, timer: DueTimer, *, at: datetime) -> None:
        """Mark a deadline as dealt with."""
        table = tables.timers
        self._connection.execute(
            sa.update(table)
            .where(
                table.c.order_id == timer.order_id,
                table.c.kind == timer.kind.value,
                table.c.wait == timer.wait,
            )
            .values(fired_at=at)
        )
