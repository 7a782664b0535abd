"""Reconciliations: one shop's day while it is compared, a bounded part at a time.

1. LINES: every line of the statement against our order and its payments, in the order of names.
2. ORDERS: what the statement lacks, an hour of the day at a time.
3. LEFT: what an earlier comparison found, and this one did not, is gone.

If we crash between two parts, the next one begins where the last one was committed.
"""

import uuid
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, unique
from typing import Final

from service.domain.facts import OrderRef
from service.domain.naming import named
from service.domain.reconciling.days import window_of
from service.domain.reconciling.judging import DifferenceKind
from service.domain.reconciling.statements import ShopDay

RECONCILIATION_NAMESPACE: Final = uuid.UUID("4f5a2c86-91d7-5e3b-a6f4-8c0d7e1b2915")

LINES_MISSING: Final = "LINES_MISSING"
OTHER_SHOPS_OUTSTANDING: Final = "OTHER_SHOPS_OUTSTANDING"
TOO_MANY_MISSING: Final = "TOO_MANY_MISSING"

# An hour of the busiest day that we measure with, a million orders, is looked through in a second.
SLICE: Final = timedelta(hours=1)


@unique
class Phase(Enum):
    """Which part comes next."""

    LINES = "LINES"
    ORDERS = "ORDERS"
    LEFT = "LEFT"
    DONE = "DONE"


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """One shop's day, compared."""

    of: ShopDay
    zone: str
    phase: Phase
    revision: int
    began_at: datetime
    done_at: datetime | None = None
    # Behind which name to go on, and from when.
    after: OrderRef | None = None
    look_from: datetime | None = None
    lines: int = 0
    orders: int = 0
    payments: int = 0
    agreeing: int = 0
    notes: tuple[str, ...] = ()
    # When the channel was last asked for what we lack.
    asked_at: datetime | None = None

    @property
    def reconciliation_id(self) -> str:
        """The one id of this shop's day."""
        return reconciliation_id_for(self.of)

    @property
    def window(self) -> tuple[datetime, datetime]:
        """When the day began, and when the next one did."""
        return window_of(self.of.day, self.zone)

    def begun_again(self, zone: str, *, notes: tuple[str, ...], at: datetime) -> "Reconciliation":
        """Return it as it is compared once more, from the start."""
        return begun(self.of, zone, revision=self.revision + 1, notes=notes, at=at)

    def noted(self, note: str) -> "Reconciliation":
        """Return it with a note more."""
        return self if note in self.notes else replace(self, notes=(*self.notes, note))

    def counted(self, *, lines: int, orders: int, payments: int, agreeing: int) -> "Reconciliation":
        """Return it after a part of the lines."""
        return replace(
            self,
            lines=self.lines + lines,
            orders=self.orders + orders,
            payments=self.payments + payments,
            agreeing=self.agreeing + agreeing,
        )

    def through_lines(self, *, judges_orders: bool) -> "Reconciliation":
        """Return it as all lines were compared."""
        phase = Phase.ORDERS if judges_orders else Phase.LEFT
        return replace(self, phase=phase, after=None, look_from=self.window[0])

    def next_slice(self) -> tuple[datetime, datetime]:
        """Return which part of the day to look through next."""
        begin, end = self.look_from or self.window[0], self.window[1]
        return begin, min(begin + SLICE, end)

    def through_slice(self, end: datetime) -> "Reconciliation":
        """Return it as a part of the day was looked through."""
        if end >= self.window[1]:
            return replace(self, phase=Phase.LEFT, look_from=None)
        return replace(self, look_from=end)

    def done(self, *, at: datetime) -> "Reconciliation":
        """Return it as everything was compared."""
        return replace(self, phase=Phase.DONE, done_at=at)


@dataclass(frozen=True, slots=True)
class KindCount:
    """How many differences of a kind there are."""

    kind: DifferenceKind
    found: int
    repaired: int
    open: int


def begun(
    of: ShopDay, zone: str, *, revision: int = 1, notes: tuple[str, ...] = (), at: datetime
) -> Reconciliation:
    """Return a day that is about to be compared."""
    return Reconciliation(of, zone, Phase.LINES, revision, began_at=at, notes=notes)


def reconciliation_id_for(of: ShopDay) -> str:
    """Return the one id of a shop's day."""
    text = f"{of.channel}|{of.shop}|{of.day.isoformat()}"
    return f"rec-{named(RECONCILIATION_NAMESPACE, text)}"
