"""All 720 orders of arrival, through real storage: one state, one sum, one set of cases."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import pytest
import sqlalchemy as sa

from service.application.reading import CaseQuery
from service.domain.facts import Fact, FactKind, OrderRef, Outcome
from service.domain.lifecycle import State
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


def of_order(fact: Fact, number: int) -> Fact:
    return replace(
        fact, fact_id=f"{number}-{fact.kind.value}", ref=OrderRef("douyin", f"order-{number}")
    )


@pytest.mark.slow
def test_720_orders_of_arrival_with_each_event_doubled_end_alike(storing: Storing) -> None:
    arrivals = list(permutations(HAPPENED))
    assert len(arrivals) == 720

    # One batch holds the first event of every order, the next holds it again, and so on.
    for position in range(len(HAPPENED)):
        for _ in range(2):
            batch = [of_order(each[position], number) for number, each in enumerate(arrivals)]
            applied = storing.tell_each(batch)
            assert all(each.outcome is not None for each in applied)

    ends = set()
    for number in range(len(arrivals)):
        order = storing.reader.order_by_ref(OrderRef("douyin", f"order-{number}"))
        cases = storing.reader.cases(CaseQuery(page_size=50, order_id=order.order_id)).rows
        ends.add(
            (
                order.state,
                order.state_since,
                order.refund_state,
                order.paid,
                order.refunded,
                order.discrepancies,
                tuple(sorted(each.type for each in cases)),
            )
        )
    (end,) = ends
    assert end[0] is State.SHIPPING
    assert end[2:5] == (RefundState.FULL, TOTAL, TOTAL)
    assert end[6] == ("CANCEL_AFTER_SHIPMENT",)
    report = storing.reader.verify_chain("")
    assert (report.orders, report.problem) == (720, "")


def test_journals_have_no_gap_and_say_what_the_orders_are(
    storing: Storing, engine: sa.Engine
) -> None:
    storing.tell_each([of_order(each, 9_999) for each in HAPPENED[::-1]])

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
    number = 10_000 + size
    facts = [of_order(each, number) for each in HAPPENED[::-1]]

    outcomes = []
    for start in range(0, len(facts), size):
        outcomes += storing.tell_each(facts[start : start + size])

    order = storing.reader.order_by_ref(OrderRef("douyin", f"order-{number}"))
    assert (order.state, order.paid, order.refunded) == (State.SHIPPING, TOTAL, TOTAL)
    assert outcomes[0].outcome in {Outcome.EARLY, Outcome.APPLIED}
