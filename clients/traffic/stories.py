"""What happens to one made-up order, and who tells of it: the article's way, and eight others.

The article's way carries the table's durations. Ways that stop short or break off are told by
orders beside them, with durations that leave the means where they are, so that faults season the
traffic without bending the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Final

from clients.traffic.article import SECOND_US, Course, Dwell, typical
from clients.traffic.dice import Dice
from clients.traffic.purchases import (
    Purchase,
    far_above_the_usual,
    nearly_given_away,
    sent_back,
)

MINUTE_US: Final = 60 * SECOND_US

# Same-day couriers, so that a board of a quarter of an hour has whole lives on it.
DELIVERED_SHARE: Final = 0.3
DELIVERY_US: Final = (3 * MINUTE_US, 12 * MINUTE_US)
COMPLETED_SHARE: Final = 0.5
COMPLETION_US: Final = (1 * MINUTE_US, 3 * MINUTE_US)

# The longest that a story goes on after its order shipped, or would have.
AFTER_SHIPPING_US: Final = DELIVERY_US[1] + COMPLETION_US[1]


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened, as the party that tells of it will word it."""

    type: str
    at_us: int
    source: str
    by_merchant_number: bool = False
    voucher: str = ""
    amount_minor: int | None = None
    circumstances: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Told:
    """An order with all that happened to it."""

    purchase: Purchase
    happenings: tuple[Happening, ...]


@dataclass(frozen=True, slots=True)
class Faults:
    """How often something goes wrong, as shares of 1."""

    repeated: float = 0.0
    """A receipt arrives again under its own message id."""
    retold: float = 0.0
    """A happening is told again under another message id."""
    late: float = 0.0
    """A receipt arrives up to a minute after the happening, behind later ones."""
    lost: float = 0.0
    """The outbound approval is never told. (Lost callbacks are the article's own 6.1 %.)"""
    duplicate_charge: float = 0.0
    """An order of the article is charged a second time."""
    returned: float = 0.0
    """An order of the article is sent back and refunded."""
    beside: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    """Orders beside the article's, by story, for each order of the article."""


def _paid(order: Purchase, placed_us: int, *, minor: int | None = None) -> list[Happening]:
    started = placed_us + typical(0).us
    total = order.total_minor
    return [
        Happening("order.created", placed_us, order.channel, amount_minor=total),
        # The shop says so: a provider tells of money, and of trades that somebody asks about.
        Happening("payment.started", started, order.channel),
        Happening(
            "payment.succeeded",
            started + typical(1).us,
            order.provider,
            by_merchant_number=True,
            voucher=order.payment_number,
            amount_minor=total if minor is None else minor,
        ),
    ]


def _abandoned(order: Purchase, placed_us: int) -> Told:
    created = _paid(order, placed_us)[0]
    at = placed_us + 5 * MINUTE_US
    cancelled = Happening("order.cancelled", at, order.channel, note="buyer_cancelled")
    return Told(order, (created, cancelled))


def _paid_after_cancel(order: Purchase, placed_us: int) -> Told:
    created, started, paid = _paid(order, placed_us)
    at = paid.at_us - 2 * SECOND_US
    cancelled = Happening("order.cancelled", at, order.channel, note="payment_timeout")
    return Told(order, (created, started, cancelled, paid))


def _amount_differs(order: Purchase, placed_us: int) -> Told:
    return Told(order, tuple(_paid(order, placed_us, minor=order.total_minor - 100)))


def _shipped_unpaid(order: Purchase, placed_us: int) -> Told:
    """The callback is lost and nobody asks; the warehouse ships all the same."""
    created, started, paid = _paid(order, placed_us)
    at = paid.at_us + typical(3).us
    shipped = Happening("parcel.shipped", at, "warehouse", voucher=order.waybill)
    return Told(order, (created, started, shipped))


def _deep_discount(order: Purchase, placed_us: int) -> Told:
    return _waits_for_a_person(nearly_given_away(order), placed_us)


def _unusual_amount(order: Purchase, placed_us: int) -> Told:
    return _waits_for_a_person(far_above_the_usual(order), placed_us)


def _waits_for_a_person(order: Purchase, placed_us: int) -> Told:
    paid = _paid(order, placed_us)
    at = paid[-1].at_us + typical(2).us
    return Told(order, (*paid, Happening("stock.allocated", at, "warehouse")))


BESIDE: Final[Mapping[str, Callable[[Purchase, int], Told]]] = MappingProxyType(
    {
        "abandoned": _abandoned,
        "paid_after_cancel": _paid_after_cancel,
        "amount_differs": _amount_differs,
        "shipped_unpaid": _shipped_unpaid,
        "deep_discount": _deep_discount,
        "unusual_amount": _unusual_amount,
    }
)

NO_FAULTS: Final = Faults()

# The orders beside that are paid make up 0.6 % of all: 6.1 % of callbacks stay 6.1 % (6.06), and
# none of them ends the last stage through stock, so 23.5 % stay 23.5 %.
DEFAULT_FAULTS: Final = Faults(
    repeated=0.04,
    retold=0.01,
    late=0.05,
    lost=0.01,
    duplicate_charge=0.001,
    returned=0.004,
    beside=MappingProxyType(
        {
            "abandoned": 0.015,
            "paid_after_cancel": 0.001,
            "amount_differs": 0.001,
            "shipped_unpaid": 0.001,
            "deep_discount": 0.002,
            "unusual_amount": 0.002,
        }
    ),
)


def as_in_the_article(
    order: Purchase, placed_us: int, course: Course, dice: Dice, faults: Faults
) -> Told:
    """Tell the whole way from placed to shipped, with the course's durations and circumstances."""
    returned = dice.happens("returned", faults.returned)
    if returned:
        order = sent_back(order)
    to_paying, to_paid, to_awaiting, to_shipping = course
    started = placed_us + to_paying.us
    paid = started + to_paid.us
    allocated = paid + to_awaiting.us
    shipped = allocated + to_shipping.us
    told = [
        Happening("order.created", placed_us, order.channel, amount_minor=order.total_minor),
        Happening(
            "payment.started",
            started,
            order.channel,
            circumstances=_why(to_paying),
        ),
        Happening(
            "payment.succeeded",
            paid,
            order.provider,
            by_merchant_number=True,
            voucher=order.payment_number,
            amount_minor=order.total_minor,
            circumstances=_why(to_paid),
        ),
        Happening("stock.allocated", allocated, "warehouse", circumstances=_why(to_awaiting)),
        Happening("outbound.approved", allocated + to_shipping.us // 4, "warehouse"),
        Happening(
            "parcel.shipped",
            shipped,
            "warehouse",
            voucher=order.waybill,
            circumstances=_why(to_shipping),
        ),
    ]
    if dice.happens("approval lost", faults.lost):
        del told[4]
    if dice.happens("duplicate charge", faults.duplicate_charge):
        told.append(_second_charge(order, paid))
    told += _refund(order, shipped) if returned else _arrival(order, shipped, dice)
    return Told(order, tuple(told))


def _why(dwell: Dwell) -> tuple[str, ...]:
    return () if dwell.circumstance is None else (dwell.circumstance,)


def _second_charge(order: Purchase, paid_us: int) -> Happening:
    return Happening(
        "payment.succeeded",
        paid_us + 3 * SECOND_US,
        order.provider,
        by_merchant_number=True,
        voucher=f"{order.payment_number}2",
        amount_minor=order.total_minor,
    )


def _arrival(order: Purchase, shipped_us: int, dice: Dice) -> list[Happening]:
    if not dice.happens("delivered", DELIVERED_SHARE):
        return []
    at = shipped_us + _between(dice, "delivery", DELIVERY_US)
    told = [Happening("parcel.delivered", at, "carrier", voucher=order.waybill)]
    if dice.happens("completed", COMPLETED_SHARE):
        at += _between(dice, "completion", COMPLETION_US)
        told.append(Happening("order.completed", at, order.channel))
    return told


def _refund(order: Purchase, shipped_us: int) -> list[Happening]:
    voucher = f"R{order.payment_number}"
    asked = shipped_us + 4 * MINUTE_US
    total = order.total_minor
    return [
        Happening("refund.requested", asked, order.channel, voucher=voucher, amount_minor=total),
        Happening(
            "refund.succeeded",
            asked + 20 * SECOND_US,
            order.provider,
            by_merchant_number=True,
            voucher=voucher,
            amount_minor=total,
        ),
    ]


def _between(dice: Dice, of: str, bounds: tuple[int, int]) -> int:
    low, high = bounds
    return low + dice.number(of, high - low)
