"""Orders that came late and found nothing: what was sold that was gone by then."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from service.domain.facts import Fact, FactKind

# A channel that pushes, or is asked every few minutes, is never so late; a file of the day is.
LATE_AFTER: Final = timedelta(hours=1)
# So long whoever sells elsewhere is not told, so that one import is told of once.
GATHERED_FOR: Final = timedelta(seconds=10)
# And so long not again of the same article.
TOLD_EVERY: Final = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Oversold:
    """What one late order lacks of one article."""

    order_id: str
    sku: str
    channel: str
    pieces: int
    late: timedelta
    case_id: str
    found_at: datetime
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Oversale:
    """What late orders of one channel lack of one article, together."""

    sku: str
    channel: str
    orders: int
    pieces: int
    late: timedelta
    found_at: datetime
    told_at: datetime | None = None
    cases: tuple[str, ...] = ()


def lateness(facts: Sequence[Fact]) -> timedelta:
    """Return how long an order had been paid when we could know of it; 0 where nobody can tell."""
    paid = [each for each in facts if each.kind is FactKind.PAYMENT_SUCCEEDED]
    placed = [each for each in facts if each.kind is FactKind.ORDER_CREATED]
    if not paid or not placed:
        return timedelta()
    known = [
        min((each.recorded_at for each in kind if each.recorded_at), default=None)
        for kind in (paid, placed)
    ]
    begun = min(each.occurred_at for each in paid)
    return max((each - begun for each in known if each), default=timedelta())


def told_late(late: timedelta) -> str:
    """Return how late an order came, for people to read."""
    minutes = int(late.total_seconds()) // 60
    return f"came {minutes // 60} h {minutes % 60} min late"
