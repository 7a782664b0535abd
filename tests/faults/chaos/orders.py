"""Made-up orders by seed: what their receipts say, and what must be true once all have arrived.

What must be true is worked out here by a rule of its own, so that the service is held to it and not
to itself.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import orjson

from concord.intake.v1 import receipt_pb2

TEMPLATE: Final = "concord.event"
CHANNELS: Final = ("douyin", "jd", "pdd", "mini")
# Few customers, so that streams by customer are long and many writers meet there.
CUSTOMERS: Final = 200
# A second for each order: orders of a run are from the last hours, none is from the future.
SPAN_S: Final = 14_400
# Channels that gather news tell of several steps in one receipt: of every second order, four.
GATHERED: Final = 0.5
TOGETHER: Final = 4

WHOLE: Final = (
    "order.created",
    "payment.started",
    "payment.succeeded",
    "stock.allocated",
    "outbound.approved",
    "parcel.shipped",
    "parcel.delivered",
    "order.completed",
)

# How often each course is taken, and its steps.
COURSES: Final[Sequence[tuple[int, tuple[str, ...]]]] = (
    (60, WHOLE),
    (8, WHOLE[:6]),
    (5, WHOLE[:4]),
    (5, (*WHOLE[:2], "order.cancelled")),
    (3, (WHOLE[0], "order.cancelled")),
    (4, (*WHOLE[:3], "order.cancelled")),
    (3, (*WHOLE[:4], "order.cancelled")),
    # A parcel that left outweighs the cancel.
    (3, (*WHOLE[:5], "order.cancelled", "parcel.shipped")),
    (3, (*WHOLE[:2], "order.cancelled", "payment.succeeded", "order.reinstated")),
    # A contradiction: the buyer was charged twice.
    (3, (*WHOLE[:3], "payment.succeeded.again", *WHOLE[3:6])),
    (3, (*WHOLE[:6], "refund.requested", "refund.succeeded")),
)

PHYSICAL: Final = (
    ("order.completed", "COMPLETED"),
    ("parcel.delivered", "DELIVERED"),
    ("parcel.shipped", "SHIPPING"),
)


@dataclass(frozen=True, slots=True)
class Step:
    """One receipt of an order: its words, and by which words we know it."""

    what: str
    receipt: receipt_pb2.Receipt


@dataclass(frozen=True, slots=True)
class Story:
    """An order's receipts in the order of events, and the truth when all are known."""

    ref: str
    steps: tuple[Step, ...]
    state: str
    paid_minor: int
    refunded_minor: int


def story(seed: int, number: int, began_s: int) -> Story:
    """Return order `number` of a run that began at this second."""
    dice = random.Random(f"{seed}:{number}")  # noqa: S311  # Reproducible on purpose.
    course = _course(number, dice)
    channel, ref = dice.choice(CHANNELS), f"C{seed}-{number}"
    total = 100 * dice.randrange(10, 300)
    customer = f"c-{channel}-{dice.randrange(CUSTOMERS)}"
    at_s = began_s - SPAN_S - 60 + number % SPAN_S
    told = [
        _body(kind, index, channel=channel, ref=ref, total=total, customer=customer, at_s=at_s)
        for index, kind in enumerate(course)
    ]
    size = TOGETHER if dice.random() < GATHERED else 1
    steps = tuple(
        _step(told[first : first + size], f"{ref}/{first}", channel, ref, at_s + 7 * first)
        for first in range(0, len(told), size)
    )
    paid = total * sum(kind.startswith("payment.succeeded") for kind in course)
    refunded = total if "refund.succeeded" in course else 0
    return Story(f"{channel}:{ref}", steps, _state(course), paid, refunded)


def _course(number: int, dice: random.Random) -> tuple[str, ...]:
    """Return each course once, and from then on as often as it is taken."""
    if number < len(COURSES):
        return COURSES[number][1]
    return dice.choices([steps for _, steps in COURSES], [often for often, _ in COURSES])[0]


def _body(
    kind: str, index: int, *, channel: str, ref: str, total: int, customer: str, at_s: int
) -> dict[str, object]:
    body: dict[str, object] = {
        "id": f"{ref}/{index}",
        "type": kind.removesuffix(".again"),
        "source": channel,
        "order": {"namespace": channel, "value": ref},
        "occurred_at": _rfc3339(at_s + 7 * index),
        "channel": channel,
    }
    if kind.startswith(("payment.succeeded", "refund.", "order.created")):
        body["amount"] = {"currency": "CNY", "value": f"{total // 100}.{total % 100:02d}"}
    if kind.startswith("payment.succeeded"):
        body["voucher"] = f"pay-{ref}-{index}"
    elif kind.startswith("refund."):
        body["voucher"] = f"refund-{ref}"
    elif kind.startswith("parcel."):
        body["voucher"] = f"SF-{ref}"
    elif kind == "order.created":
        body["customer"] = customer
    return body


def _step(bodies: Sequence[object], what: str, channel: str, ref: str, at_s: int) -> Step:
    receipt = receipt_pb2.Receipt(
        source=channel,
        message_id=what,
        template=TEMPLATE,
        channel=channel,
        body=orjson.dumps(bodies[0] if len(bodies) == 1 else {"events": bodies}),
        content_type="application/json",
        order_hint=ref,
    )
    receipt.receive_time.seconds = at_s
    return Step(what, receipt)


def _rfc3339(second: int) -> str:
    return f"{datetime.fromtimestamp(second, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _state(course: Sequence[str]) -> str:
    for kind, state in PHYSICAL:
        if kind in course:
            return state
    is_paid = "payment.succeeded" in course
    if "order.cancelled" in course and not (is_paid and "order.reinstated" in course):
        return "CANCELLED"
    if is_paid:
        return "AWAITING_OUTBOUND" if "stock.allocated" in course else "PAID"
    return "PAYING" if "payment.started" in course else "PENDING_PAYMENT"
