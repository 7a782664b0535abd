"""Values for tests, with defaults: a test names only what it is about."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from service.domain import order as orders
from service.domain.changes import Change, ChangeKind, Named
from service.domain.deciding import Dossier
from service.domain.facts import Fact, FactKind, OrderRef
from service.domain.journal import Origin
from service.domain.lifecycle import State
from service.domain.money import Money
from service.domain.order import Order
from service.domain.truth import Truth, derive

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
# When facts are weighed, unless a test says otherwise: after all of them happened.
EVENING = NOON + timedelta(hours=8)
REF = OrderRef("douyin", "4705288465508532862")
TOTAL = Money(9_990, "CNY")

# Which facts prove each state, in the order in which they usually happen.
WAY_TO: dict[State, tuple[FactKind, ...]] = {
    State.PENDING_PAYMENT: (FactKind.ORDER_CREATED,),
    State.PAYING: (FactKind.ORDER_CREATED, FactKind.PAYMENT_STARTED),
}
for _state, _kind in (
    (State.PAID, FactKind.PAYMENT_SUCCEEDED),
    (State.AWAITING_OUTBOUND, FactKind.STOCK_ALLOCATED),
    (State.SHIPPING, FactKind.PARCEL_SHIPPED),
    (State.DELIVERED, FactKind.PARCEL_DELIVERED),
    (State.COMPLETED, FactKind.ORDER_COMPLETED),
):
    WAY_TO[_state] = (*list(WAY_TO.values())[-1], _kind)
WAY_TO[State.CANCELLED] = (FactKind.ORDER_CREATED, FactKind.ORDER_CANCELLED)

_WITH_AMOUNT = frozenset(
    {
        FactKind.ORDER_CREATED,
        FactKind.PAYMENT_SUCCEEDED,
        FactKind.REFUND_REQUESTED,
        FactKind.REFUND_SUCCEEDED,
    }
)


def a_fact(kind: FactKind = FactKind.ORDER_CREATED, *, minute: float = 0, **given: object) -> Fact:
    """Return a fact that happened `minute` minutes after noon; its id names kind and minute."""
    values: dict[str, Any] = {
        "fact_id": f"{kind.value.lower()}-{minute:g}",
        "kind": kind,
        "ref": REF,
        "source": "wms" if kind is FactKind.PARCEL_SHIPPED else "douyin",
        "channel": "douyin",
        "occurred_at": NOON + timedelta(minutes=minute),
        "recorded_at": EVENING,
    }
    if kind in _WITH_AMOUNT:
        values["amount"] = TOTAL
    if kind is FactKind.PAYMENT_SUCCEEDED:
        values["voucher"] = "pay-1"
    if kind in {FactKind.REFUND_REQUESTED, FactKind.REFUND_SUCCEEDED}:
        values["voucher"] = "refund-1"
    if kind is FactKind.PARCEL_SHIPPED:
        values["voucher"] = "parcel-1"
    if kind is FactKind.ORDER_CREATED:
        values["customer"] = "c-1"
    return Fact(**{**values, **given})


def facts_to(state: State, **given: object) -> tuple[Fact, ...]:
    """Return the facts of an undisturbed way to a state, a minute apart."""
    return tuple(a_fact(kind, minute=minute, **given) for minute, kind in enumerate(WAY_TO[state]))


def a_truth(*facts: Fact) -> Truth:
    """Return what facts prove; without any, what a creation proves."""
    truth = derive(facts or (a_fact(),))
    assert truth is not None, "a creation must be among the facts"
    return truth


def an_order(state: State = State.PENDING_PAYMENT, **given: object) -> Order:
    """Return an order in a state, as its facts have it."""
    truth = a_truth(*facts_to(state))
    order = orders.placed("ord-1", truth, at=EVENING).reflecting(truth, (), at=EVENING)
    values = {name: getattr(order, name) for name in order.__dataclass_fields__}
    return Order(**{**values, **given})


def a_dossier(order_id: str = "ord-1") -> Dossier:
    """Return the dossier of an order that nobody has told of."""
    return Dossier(order_id)


def a_change(**given: object) -> Change:
    """Return a note."""
    values: dict[str, Any] = {
        "kind": ChangeKind.NOTED,
        "detail": Named("noted"),
        "occurred_at": NOON,
        "source": "douyin",
        "new": "noted",
    }
    return Change(**{**values, **given})


def an_origin(**given: object) -> Origin:
    """Return a clerk at a desk, with a trace."""
    values: dict[str, Any] = {
        "actor": "clerk-7",
        "role": "operator",
        "address": "127.0.0.1",
        "traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    }
    return Origin(**{**values, **given})


def kinds(changes: Sequence[Change]) -> list[str]:
    """Return what changes record, for reading in an assertion."""
    return [each.kind.value for each in changes]
