"""All 720 orders of arrival, through real storage: one state, one sum, one set of cases."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
import sqlalchemy as sa

from service.application.reading import CaseQuery
from service.domain.facts import Fact, FactKind, OrderRef, Outcome
from service.domain.lifecycle import State
from service.domain.money import Money
from service.domain.truth import RefundState
from tests.builders import TOTAL, a_fact
from tests.integration.service.world import Storing

HAPPENED = (
    a_fact(FactKind.ORDER_CREATED),
    a_fact(FactKind.PAYMENT_STARTED, minute=1),
    a_fact(FactKind.PAYMENT_SUCCEEDED, minute=2, source="wechatpay"),
    a_fact(FactKind.PARCEL_SHIPPED, minute=4),
    a_fact(FactKind.ORDER_CANCELLED, minute=5),
    a_fact(FactKind.REFUND_SUCCEEDED, minute=6),
)


# Late money after the cancel, a refund, and a parcel that left all the same.
CONTRADICTED = (
    a_fact(FactKind.ORDER_CREATED),
    a_fact(FactKind.PAYMENT_SUCCEEDED, minute=2, source="wechatpay"),
    a_fact(FactKind.ORDER_CANCELLED, minute=3),
    a_fact(FactKind.REFUND_SUCCEEDED, minute=4),
    a_fact(FactKind.PARCEL_SHIPPED, minute=5),
    a_fact(FactKind.PAYMENT_SUCCEEDED, minute=6, source="wechatpay", voucher="pay-2"),
)

TWICE = Money(2 * TOTAL.minor, "CNY")
ENDS = {
    "happened": (RefundState.FULL, TOTAL, TOTAL, {("CANCEL_AFTER_SHIPMENT", "")}),
    # Settled: it goes on, as the parcel shows; and what was too much went back.
    "contradicted": (
        RefundState.PARTIAL,
        TWICE,
        TOTAL,
        {
            ("DUPLICATE_CHARGE", "SETTLED"),
            ("PAID_AFTER_CANCEL", "SETTLED"),
            ("SHIPPED_AFTER_CANCEL", ""),
        },
    ),
}


def of_order(fact: Fact, story: str, number: int) -> Fact:
    return replace(
        fact,
        fact_id=f"{story}-{number}-{fact.fact_id}",
        ref=OrderRef("douyin", f"{story}-{number}"),
    )


@pytest.mark.slow
@pytest.mark.parametrize("story", ENDS)
def test_720_orders_of_arrival_with_each_event_doubled_end_alike(
    storing: Storing, story: str
) -> None:
    facts = {"happened": HAPPENED, "contradicted": CONTRADICTED}[story]
    arrivals = list(permutations(facts))
    assert len(arrivals) == 720

    # One batch holds the first event of every order, the next holds it again, and so on.
    for position in range(len(facts)):
        for _ in range(2):
            batch = [
                of_order(each[position], story, number) for number, each in enumerate(arrivals)
            ]
            applied = storing.tell_each(batch)
            assert all(each.outcome is not None for each in applied)

    ends = set()
    for number in range(len(arrivals)):
        order = storing.reader.order_by_ref(OrderRef("douyin", f"{story}-{number}"))
        query = CaseQuery(page_size=50, order_id=order.order_id, include_resolved=True)
        cases = storing.reader.cases(query).rows
        ends.add(
            (
                order.state,
                order.state_since,
                order.refund_state,
                order.paid,
                order.refunded,
                order.discrepancies,
                frozenset((each.type, each.outcome) for each in cases),
            )
        )
    (end,) = ends
    assert end[0] is State.SHIPPING
    assert (*end[2:5], end[6]) == ENDS[story]
    assert storing.reader.verify_chain("").problem == ""


def test_journals_have_no_gap_and_say_what_the_orders_are(
    storing: Storing, engine: sa.Engine
) -> None:
    storing.tell_each([of_order(each, "torn", 1) for each in HAPPENED[::-1]])

    with engine.connect() as connection:
        gaps = connection.execute(
            sa.text(
                "SELECT order_id FROM journal GROUP BY order_id"
                " HAVING min(sequence) <> 1 OR max(sequence) <> count(*)"
            )
        ).all()
        torn = connection.execute(
            sa.text(
                "SELECT o.order_id FROM orders AS o JOIN LATERAL (SELECT new_value FROM journal"
                " WHERE order_id = o.order_id AND kind IN ('PLACED', 'MOVED')"
                " ORDER BY sequence DESC LIMIT 1) AS last ON true"
                " WHERE last.new_value <> o.state"
            )
        ).all()
        unpublished = connection.execute(
            sa.text(
                "SELECT order_id, sequence FROM journal EXCEPT"
                " SELECT key, n FROM outbox WHERE topic = 'concord.orders.v1'"
            )
        ).all()

    assert (gaps, torn, unpublished) == ([], [], [])


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_the_size_of_a_batch_does_not_matter(storing: Storing, size: int) -> None:
    facts = [of_order(each, "sized", size) for each in HAPPENED[::-1]]

    outcomes = []
    for start in range(0, len(facts), size):
        outcomes += storing.tell_each(facts[start : start + size])

    order = storing.reader.order_by_ref(OrderRef("douyin", f"sized-{size}"))
    assert (order.state, order.paid, order.refunded) == (State.SHIPPING, TOTAL, TOTAL)
    assert outcomes[0].outcome in {Outcome.EARLY, Outcome.APPLIED}
