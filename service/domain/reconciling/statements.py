"""Statements: what one party says of one shop's day, and when that is worth comparing."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum, unique
from typing import Final, NamedTuple

from service.domain.facts import Fact, OrderRef
from service.domain.lifecycle import State
from service.domain.money import Money
from service.domain.naming import named
from service.domain.truth import derive

STATEMENT_NAMESPACE: Final = uuid.UUID("b1a1f1de-6a0e-5c55-9a33-6f6d4b0c7a15")

# An import pauses for seconds where a server is away. Nobody waits for a report by the minute.
QUIET: Final = timedelta(minutes=10)
# For so long lines are awaited that were announced: what waits longer was set aside on its way.
PATIENCE: Final = timedelta(minutes=15)


@unique
class StatementKind(Enum):
    """What the lines of a statement are about."""

    ORDERS = "ORDERS"
    PAYMENTS = "PAYMENTS"


# Whose statements of payments are compared by themselves; those of others are joined with orders.
BILLERS: Final = frozenset({"wechatpay"})


class ShopDay(NamedTuple):
    """One day of one shop, in the shop's zone."""

    channel: str
    shop: str
    day: date


@dataclass(frozen=True, slots=True)
class Statement:
    """What one party says of one day."""

    kind: StatementKind
    of: ShopDay
    zone: str
    began_at: datetime
    line_at: datetime
    lines: int = 0
    expected: int | None = None
    closed_at: datetime | None = None

    @property
    def statement_id(self) -> str:
        """The one id of what this party says of this day."""
        return statement_id_for(self.kind, self.of)

    def due_at(self) -> datetime:
        """Return when to compare: at once where all lines are here, or else after some patience.

        A statement that nobody closed is taken for whole when it was quiet for a while.
        """
        if self.closed_at is None:
            return self.line_at + QUIET
        if self.lines >= (self.expected or 0):
            return max(self.closed_at, self.line_at)
        return self.closed_at + PATIENCE

    @property
    def is_short(self) -> bool:
        """Fewer lines came than were announced."""
        return self.missing > 0

    @property
    def missing(self) -> int:
        """How many lines were announced and did not come."""
        return max((self.expected or 0) - self.lines, 0)


@dataclass(frozen=True, slots=True)
class Line:
    """What a statement says of one order, or of one payment; None where it does not say."""

    ref: OrderRef
    key: str = ""
    amount: Money | None = None
    quantity: int | None = None
    state: State | None = None
    refunded: Money | None = None
    placed_at: datetime | None = None
    told_at: datetime | None = None
    voucher: str = ""
    receipt_id: str = ""
    is_read: bool = True


def compared_kind(channel: str) -> StatementKind:
    """Return what the statements of a party are about that are compared with what we hold."""
    return StatementKind.PAYMENTS if channel in BILLERS else StatementKind.ORDERS


def statement_id_for(kind: StatementKind, of: ShopDay) -> str:
    """Return the id of what a party says of a day."""
    text = f"{kind.value}|{of.channel}|{of.shop}|{of.day.isoformat()}"
    return f"sta-{named(STATEMENT_NAMESPACE, text)}"


def line_of(facts: Sequence[Fact], receipt_id: str) -> Line | None:
    """Return what the facts of an order's rows in a file say; None where they say nothing.

    They are joined as all facts are, but among themselves: a file's word for itself.
    """
    if not facts:
        return None
    ref, told_at = facts[0].ref, max(each.occurred_at for each in facts)
    truth = derive(facts)
    if truth is None:
        return Line(ref, told_at=told_at, receipt_id=receipt_id)
    lines = truth.lines
    return Line(
        ref=ref,
        amount=truth.total if any(each.amount is not None for each in facts) else None,
        quantity=sum(each.quantity for each in lines) if lines else None,
        state=truth.state,
        refunded=truth.refunded,
        placed_at=truth.placed_at,
        told_at=told_at,
        receipt_id=receipt_id,
    )
