"""Whatever the order in which facts arrive, and however often: one result."""

from itertools import permutations

import pytest

from service.domain.facts import Fact, FactKind, Outcome
from service.domain.lifecycle import State
from service.domain.money import Money
from service.domain.terms import Remedy, Terms
from service.domain.truth import RefundState
from tests.builders import TOTAL, a_fact
from tests.unit.service.domain.arrivals import Arrival, assert_walks_the_table

CREATED = a_fact(FactKind.ORDER_CREATED)
STARTED = a_fact(FactKind.PAYMENT_STARTED, minute=1)
PAID = a_fact(FactKind.PAYMENT_SUCCEEDED, minute=2, source="wechatpay")
ALLOCATED = a_fact(FactKind.STOCK_ALLOCATED, minute=3)
SHIPPED = a_fact(FactKind.PARCEL_SHIPPED, minute=4)
CANCELLED = a_fact(FactKind.ORDER_CANCELLED, minute=5)
REFUNDED = a_fact(FactKind.REFUND_SUCCEEDED, minute=6)

# name: facts, state, paid, refunded, refund state, cases
SCENARIOS: dict[str, tuple[tuple[Fact, ...], State, int, int, RefundState, set[str]]] = {
    "create, start, pay, ship, cancel, refund": (
        (CREATED, STARTED, PAID, SHIPPED, CANCELLED, REFUNDED),
        State.SHIPPING, 9_990, 9_990, RefundState.FULL, {"CANCEL_AFTER_SHIPMENT"},
    ),
    "create, pay, cancel, refund, ship, late pay": (
        (CREATED, PAID, a_fact(FactKind.ORDER_CANCELLED, minute=3),
         a_fact(FactKind.REFUND_SUCCEEDED, minute=4), a_fact(FactKind.PARCEL_SHIPPED, minute=5),
         a_fact(FactKind.PAYMENT_SUCCEEDED, minute=6, source="wechatpay", voucher="pay-2")),
        State.SHIPPING, 19_980, 9_990, RefundState.PARTIAL,
        {"PAID_AFTER_CANCEL", "SHIPPED_AFTER_CANCEL", "DUPLICATE_CHARGE"},
    ),
    "create, start, cancel, late pay, refund, reinstate": (
        (CREATED, STARTED, a_fact(FactKind.ORDER_CANCELLED, minute=3),
         a_fact(FactKind.PAYMENT_SUCCEEDED, minute=4, source="alipay"),
         a_fact(FactKind.REFUND_SUCCEEDED, minute=5, amount=Money(10, "CNY")),
         a_fact(FactKind.ORDER_REINSTATED, minute=6)),
        State.PAID, 9_990, 10, RefundState.PARTIAL, {"PAID_AFTER_CANCEL"},
    ),
    "reinstated, and cancelled once more": (
        (CREATED, PAID, a_fact(FactKind.ORDER_CANCELLED, minute=3),
         a_fact(FactKind.ORDER_REINSTATED, minute=4),
         a_fact(FactKind.ORDER_CANCELLED, minute=5, fact_id="cancel-2")),
        State.CANCELLED, 9_990, 0, RefundState.NONE, set(),
    ),
    "reinstated before any money came": (
        (CREATED, a_fact(FactKind.ORDER_CANCELLED, minute=3),
         a_fact(FactKind.ORDER_REINSTATED, minute=4),
         a_fact(FactKind.PAYMENT_SUCCEEDED, minute=9)),
        State.PAID, 9_990, 0, RefundState.NONE, {"PAID_AFTER_CANCEL"},
    ),
    "a trade closed, the next one paid": (
        (CREATED, a_fact(FactKind.PAYMENT_CLOSED, minute=1, source="wechatpay"),
         a_fact(FactKind.PAYMENT_STARTED, minute=2), PAID),
        State.PAID, 9_990, 0, RefundState.NONE, set(),
    ),
    "refunds asked for, closed and bounced": (
        (CREATED, PAID,
         a_fact(FactKind.REFUND_REQUESTED, minute=4, voucher="r-1", amount=Money(10, "CNY")),
         a_fact(FactKind.REFUND_CLOSED, minute=5, voucher="r-1"),
         a_fact(FactKind.REFUND_REQUESTED, minute=6, voucher="r-2", amount=Money(20, "CNY")),
         a_fact(FactKind.REFUND_FAILED, minute=7, voucher="r-2")),
        State.PAID, 9_990, 0, RefundState.REQUESTED, {"REFUND_FAILED"},
    ),
    "paid after the cancel": (
        (CREATED, STARTED, a_fact(FactKind.ORDER_CANCELLED, minute=1), PAID),
        State.CANCELLED, 9_990, 0, RefundState.NONE, {"PAID_AFTER_CANCEL"},
    ),
    "shipped after the cancel": (
        (CREATED, PAID, a_fact(FactKind.ORDER_CANCELLED, minute=3), SHIPPED),
        State.SHIPPING, 9_990, 0, RefundState.NONE, {"SHIPPED_AFTER_CANCEL"},
    ),
    "charged twice": (
        (CREATED, PAID, a_fact(FactKind.PAYMENT_SUCCEEDED, minute=3, voucher="pay-2"), SHIPPED),
        State.SHIPPING, 19_980, 0, RefundState.NONE, {"DUPLICATE_CHARGE"},
    ),
    "one payment told by two sources": (
        (CREATED, PAID,
         a_fact(FactKind.PAYMENT_SUCCEEDED, minute=3, source="douyin", voucher="", amount=None)),
        State.PAID, 9_990, 0, RefundState.NONE, set(),
    ),
    "one payment told with two amounts": (
        (CREATED, PAID, a_fact(FactKind.PAYMENT_SUCCEEDED, minute=1, amount=Money(1, "CNY"))),
        State.PAID, 9_990, 0, RefundState.NONE, {"AMOUNT_DIFFERS"},
    ),
    "one payment told with a smaller amount afterwards": (
        (CREATED, PAID, a_fact(FactKind.PAYMENT_SUCCEEDED, minute=3, amount=Money(1, "CNY"))),
        State.PAID, 9_990, 0, RefundState.NONE, {"AMOUNT_DIFFERS"},
    ),
    "paid too little": (
        (CREATED, STARTED, a_fact(FactKind.PAYMENT_SUCCEEDED, minute=2, amount=Money(1, "CNY"))),
        State.PAYING, 1, 0, RefundState.NONE, {"AMOUNT_DIFFERS"},
    ),
    "paid in another currency": (
        (CREATED, a_fact(FactKind.PAYMENT_SUCCEEDED, minute=2, amount=Money(9_990, "USD"))),
        State.PAYING, 0, 0, RefundState.NONE, {"AMOUNT_DIFFERS"},
    ),
    "two totals": (
        (CREATED, PAID, a_fact(minute=1, amount=Money(5, "CNY"), source="erp")),
        State.PAID, 9_990, 0, RefundState.NONE, {"TOTAL_DIFFERS", "AMOUNT_DIFFERS"},
    ),
    "a total in another currency, from before": (
        (CREATED, PAID, a_fact(minute=-1, amount=Money(5, "USD"), source="erp")),
        State.PAID, 0, 0, RefundState.NONE, {"TOTAL_DIFFERS", "AMOUNT_DIFFERS"},
    ),
    "a creation without a total, then one with": (
        (a_fact(minute=-1, amount=None, source="erp"), CREATED,
         a_fact(FactKind.PAYMENT_SUCCEEDED, minute=2, amount=Money(1, "CNY"))),
        State.PAID, 1, 0, RefundState.NONE, {"AMOUNT_DIFFERS"},
    ),
    "refunded before it was paid": (
        (CREATED, a_fact(FactKind.REFUND_SUCCEEDED, minute=1), PAID),
        State.PAID, 9_990, 9_990, RefundState.FULL, set(),
    ),
    "refunded in parts, one of them told twice": (
        (CREATED, PAID,
         a_fact(FactKind.REFUND_SUCCEEDED, minute=5, voucher="r-1", amount=Money(1_000, "CNY")),
         a_fact(FactKind.REFUND_SUCCEEDED, minute=6, voucher="r-2", amount=Money(2_000, "CNY")),
         a_fact(FactKind.REFUND_SUCCEEDED, minute=7, voucher="r-2", amount=Money(2_000, "CNY"))),
        State.PAID, 9_990, 3_000, RefundState.PARTIAL, set(),
    ),
    "refunded in parts, one by one and as a running total": (
        (CREATED, PAID,
         a_fact(FactKind.REFUND_SUCCEEDED, minute=5, voucher="r-1", payment="pay-1",
                amount=Money(1_000, "CNY"), note="total_so_far"),
         a_fact(FactKind.REFUND_SUCCEEDED, minute=6, voucher="r-2", payment="pay-1",
                amount=Money(3_000, "CNY"), note="total_so_far"),
         a_fact(FactKind.REFUND_SUCCEEDED, minute=7, voucher="r-2", payment="pay-1",
                amount=Money(2_000, "CNY"))),
        State.PAID, 9_990, 3_000, RefundState.PARTIAL, set(),
    ),
    "stock before the money": (
        (CREATED, a_fact(FactKind.STOCK_ALLOCATED, minute=1), PAID),
        State.AWAITING_OUTBOUND, 9_990, 0, RefundState.NONE, set(),
    ),
    "shipped before anybody paid": (
        (CREATED, SHIPPED),
        State.SHIPPING, 0, 0, RefundState.NONE, set(),
    ),
    "a failed payment before the one that came": (
        (CREATED, a_fact(FactKind.PAYMENT_FAILED, minute=1), STARTED, PAID),
        State.PAID, 9_990, 0, RefundState.NONE, set(),
    ),
    "cancelled at the moment of shipping": (
        (CREATED, PAID, a_fact(FactKind.ORDER_CANCELLED, minute=4), SHIPPED),
        State.SHIPPING, 9_990, 0, RefundState.NONE, {"CANCEL_AFTER_SHIPMENT"},
    ),
    "two parcels, delivered and completed": (
        (CREATED, SHIPPED, a_fact(FactKind.PARCEL_SHIPPED, minute=5, voucher="parcel-2"),
         a_fact(FactKind.PARCEL_DELIVERED, minute=9), a_fact(FactKind.ORDER_COMPLETED, minute=10)),
        State.COMPLETED, 0, 0, RefundState.NONE, set(),
    ),
    "completed and nothing else": (
        (CREATED, a_fact(FactKind.ORDER_COMPLETED, minute=10)),
        State.COMPLETED, 0, 0, RefundState.NONE, set(),
    ),
    "everything in one moment": (
        tuple(a_fact(kind) for kind in (
            FactKind.ORDER_CREATED, FactKind.PAYMENT_SUCCEEDED, FactKind.PARCEL_SHIPPED,
            FactKind.ORDER_CANCELLED, FactKind.REFUND_SUCCEEDED)),
        State.SHIPPING, 9_990, 9_990, RefundState.FULL, {"CANCEL_AFTER_SHIPMENT"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_order_of_arrival_with_each_fact_twice_leaves_the_same(name: str) -> None:
    facts, state, paid, refunded, refund_state, cases = SCENARIOS[name]

    results = {}
    for arrived in permutations(facts):
        arrival = Arrival().arrive([each for fact in arrived for each in (fact, fact)])
        assert assert_walks_the_table(arrival.changes) is arrival.order.state
        results[arrival.left()] = arrived

    assert len(results) == 1
    (left,) = results
    assert (left.state, left.refund_state) == (state, refund_state)
    assert (left.money[1].minor, left.money[2].minor) == (paid, refunded)
    assert {case_type for _, case_type, *_ in left.cases} == cases
    assert {each.kind.value for each in left.discrepancies} == cases


LATE = a_fact(FactKind.PAYMENT_SUCCEEDED, minute=6, source="wechatpay", voucher="pay-2")


@pytest.mark.parametrize("remedy", Remedy)
def test_a_remedy_leaves_the_same_whatever_the_order_of_arrival(remedy: Remedy) -> None:
    terms = Terms(paid_after_cancel=remedy)
    facts = (
        CREATED,
        STARTED,
        a_fact(FactKind.ORDER_CANCELLED, minute=3),
        LATE,
        ALLOCATED,
        REFUNDED,
    )

    results = {
        Arrival(terms=terms).arrive([*arrived, *arrived]).left() for arrived in permutations(facts)
    }

    (left,) = results
    goes_on = remedy is Remedy.REINSTATE
    assert left.state is (State.AWAITING_OUTBOUND if goes_on else State.CANCELLED)
    assert {(case_type, outcome) for _, case_type, _, outcome in left.cases} == {
        ("PAID_AFTER_CANCEL", "SETTLED")
    }


def test_the_first_scenario_is_all_720_orders_of_arrival() -> None:
    facts, *_ = next(iter(SCENARIOS.values()))

    assert len(list(permutations(facts))) == 720


ALLOCATED_AGAIN = a_fact(FactKind.STOCK_ALLOCATED, minute=9)


@pytest.mark.parametrize(
    ("before", "fact", "outcome"),
    [
        ((), STARTED, Outcome.EARLY),
        ((), CREATED, Outcome.APPLIED),
        ((CREATED,), CREATED, Outcome.CONFIRMED),
        ((STARTED,), STARTED, Outcome.EARLY),
        ((CREATED,), STARTED, Outcome.APPLIED),
        ((CREATED, CANCELLED), SHIPPED, Outcome.CONTRADICTING),
        ((CREATED, PAID), STARTED, Outcome.APPLIED),
        ((CREATED,), ALLOCATED, Outcome.APPLIED),
        ((CREATED, PAID), ALLOCATED, Outcome.APPLIED),
        ((CREATED, PAID, ALLOCATED), ALLOCATED_AGAIN, Outcome.CONFIRMED),
        ((CREATED, PAID, ALLOCATED, SHIPPED), ALLOCATED_AGAIN, Outcome.CONFIRMED),
    ],
    ids=lambda each: "" if isinstance(each, tuple) else str(getattr(each, "kind", each)),
)
def test_a_fact_has_the_outcome_that_what_is_known_gives_it(
    before: tuple[Fact, ...], fact: Fact, outcome: Outcome
) -> None:
    assert Arrival().arrive([*before, fact]).outcomes[-1] is outcome


def test_a_repeat_changes_nothing_at_all() -> None:
    once = Arrival().arrive([CREATED, STARTED, PAID])
    again = Arrival().arrive([CREATED, STARTED, PAID] + [CREATED, STARTED, PAID] * 3)

    assert again.changes == once.changes
    assert again.order == once.order


def test_steps_that_nobody_told_of_are_marked_as_implied() -> None:
    arrival = Arrival().arrive([CREATED, SHIPPED])

    implied = [(each.detail.end, each.detail.implied) for each in arrival.changes[1:]]  # type: ignore[union-attr]  # all are moves
    assert implied == [
        (State.PAYING, True),
        (State.PAID, True),
        (State.AWAITING_OUTBOUND, True),
        (State.SHIPPING, False),
    ]


def test_money_is_the_same_whichever_of_two_readings_of_one_voucher_comes_first() -> None:
    smaller = a_fact(FactKind.PAYMENT_SUCCEEDED, minute=1, amount=Money(100, "CNY"))

    sums = {Arrival().arrive([CREATED, *told]).order.paid for told in permutations([PAID, smaller])}

    assert sums == {TOTAL}
