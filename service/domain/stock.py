"""Stock: what an order needs, what is held for it, and from which shelves it comes.

What is held follows the order, whichever way the order came to where it is: the same order, seen
at any later moment, asks for the same (ADR 0012). Nothing here is ever taken from more than lies
there.
"""

import base64
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum, unique
from types import MappingProxyType
from typing import Final

from service.domain.facts import OrderLine
from service.domain.lifecycle import State
from service.domain.order import Order
from service.domain.truth import RefundState, Truth

STOCK_NAMESPACE: Final = uuid.UUID("c2f7a3d4-1b6e-5f90-8a43-6e0d9b7c5a21")
# 16 letters of 5 bits: 80 bits, so that a billion documents share no number, and the bar code of
# one still fits on a label.
NUMBER_LENGTH: Final = 16

# A parcel left, or what follows from one.
LEFT: Final = (State.SHIPPING, State.DELIVERED, State.COMPLETED)


@unique
class Wanted(Enum):
    """What an order asks of the stock, by where it is."""

    NOTHING = "NOTHING"
    RESERVED = "RESERVED"
    TAKEN = "TAKEN"


@unique
class Step(Enum):
    """What is to be done so that the stock has what the order asks."""

    REST = "REST"
    RESERVE = "RESERVE"
    RELEASE = "RELEASE"
    TAKE = "TAKE"
    TAKE_UNRESERVED = "TAKE_UNRESERVED"


@dataclass(frozen=True, slots=True)
class Stock:
    """How much of one article lies in one warehouse."""

    sku: str
    warehouse: str
    on_hand: int
    reserved: int
    counted_at: datetime
    updated_at: datetime
    version: int = 1

    @property
    def available(self) -> int:
        """Pieces that further orders can have."""
        return self.on_hand - self.reserved

    def moved(self, *, on_hand: int = 0, reserved: int = 0, at: datetime) -> "Stock":
        """Return the stock after pieces came or went, or were promised."""
        return replace(
            self,
            on_hand=self.on_hand + on_hand,
            reserved=self.reserved + reserved,
            updated_at=at,
            version=self.version + 1,
        )


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """Pieces of one article from one warehouse."""

    sku: str
    warehouse: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Reservation:
    """What was set aside for an order at one time: held, until it is released or taken."""

    reservation_id: str
    order_id: str
    parts: tuple[Part, ...]
    made_at: datetime
    released_at: datetime | None = None
    taken_at: datetime | None = None

    @property
    def is_held(self) -> bool:
        """Its pieces lie on the shelves and are promised."""
        return self.released_at is None and self.taken_at is None


@dataclass(frozen=True, slots=True)
class Spread:
    """Where pieces come from; or, where they do not suffice, what is missing."""

    parts: tuple[Part, ...] = ()
    missing: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))


def number_for(prefix: str, *parts: str) -> str:
    """Return the number of a document, the same for the same parts."""
    digest = uuid.uuid5(STOCK_NAMESPACE, "|".join((prefix, *parts))).bytes
    return f"{prefix}-{base64.b32encode(digest).decode().lower()[:NUMBER_LENGTH]}"


def concerns_stock(order: Order) -> bool:
    """Tell whether stock may have to follow this order; unpaid ones ask for nothing."""
    if order.state is State.PENDING_PAYMENT or order.state is State.PAYING:
        return False
    return any(line.quantity > 0 for line in order.lines)


def needs(lines: Iterable[OrderLine]) -> dict[str, int]:
    """Return how many pieces of each article are asked, by article."""
    asked: dict[str, int] = {}
    for line in lines:
        if line.quantity > 0:
            asked[line.sku] = asked.get(line.sku, 0) + line.quantity
    return dict(sorted(asked.items()))


def wanted(order: Order) -> Wanted:
    """Return what the order asks of the stock."""
    if order.state in LEFT:
        return Wanted.TAKEN
    is_owed = order.refund_state is not RefundState.FULL
    if is_owed and order.state in {State.PAID, State.AWAITING_OUTBOUND}:
        return Wanted.RESERVED
    return Wanted.NOTHING


def standing(made: Sequence[Reservation]) -> Reservation | None:
    """Return the reservation that was not released, of all that an order ever had."""
    return next((each for each in made if each.released_at is None), None)


def next_step(order: Order, made: Sequence[Reservation]) -> Step:
    """Return what is to be done about an order with these reservations."""
    stands = standing(made)
    asks = wanted(order)
    if stands is None:
        # What a person stopped gets no stock; what has is kept until the stop ends.
        steps = {Wanted.TAKEN: Step.TAKE_UNRESERVED}
        if not order.holds:
            steps[Wanted.RESERVED] = Step.RESERVE
        return steps.get(asks, Step.REST)
    if not stands.is_held:
        return Step.REST
    return {Wanted.TAKEN: Step.TAKE, Wanted.NOTHING: Step.RELEASE}.get(asks, Step.REST)


def left_at(truth: Truth) -> datetime | None:
    """Return when a parcel left, as far as anybody told; None where none has."""
    told = [truth.entered[state].occurred_at for state in LEFT if state in truth.entered]
    return min(told, default=None)


def spread(
    asked: Mapping[str, int], stocks: Sequence[Stock], before: Sequence[Part] = ()
) -> Spread:
    """Choose from where the pieces come.

    From where they came before, if that can be; else from one warehouse, the one that keeps most
    for others; else from as few as will do. The same stock gives the same answer.
    """
    there = {(each.sku, each.warehouse): each.available for each in stocks}
    if before and all(there.get((each.sku, each.warehouse), 0) >= each.quantity for each in before):
        return Spread(tuple(sorted(before)))
    total = Counter[str]()
    for (sku, _), count in there.items():
        total[sku] += count
    missing = {sku: count - total[sku] for sku, count in asked.items() if total[sku] < count}
    if missing:
        return Spread(missing=missing)
    parts: list[Part] = []
    left = dict(asked)
    warehouses = sorted({each.warehouse for each in stocks})
    while left:
        chosen = max(warehouses, key=lambda name: _usefulness(name, left, there))
        for sku, count in tuple(left.items()):
            taken = min(count, there.get((sku, chosen), 0))
            if taken:
                parts.append(Part(sku, chosen, taken))
                left[sku] -= taken
                if not left[sku]:
                    del left[sku]
        warehouses.remove(chosen)
    return Spread(tuple(sorted(parts)))


def _usefulness(
    warehouse: str, asked: Mapping[str, int], there: Mapping[tuple[str, str], int]
) -> tuple[int, int]:
    """Rank a warehouse: by pieces it can give, then by what it keeps of the scarcest article."""
    found = {sku: there.get((sku, warehouse), 0) for sku in asked}
    given = sum(min(found[sku], count) for sku, count in asked.items())
    return given, min(found[sku] - count for sku, count in asked.items())
