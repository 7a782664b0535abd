"""Deadlines open a case once, and lost receipts are sent again with growing waits."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import sqlalchemy as sa

from service.application.intake import Reading
from service.application.reading import CaseQuery, ReceiptQuery
from service.application.waiting import CLAIM_MOST, PUBLISHED_MOST, STALE_AFTER, Waiting
from service.domain.facts import Fact, FactKind, OrderRef, Outcome
from service.kafka.encoding import ProtobufEncoder
from tests.builders import EVENING, a_fact
from tests.fakes import FakeClock
from tests.integration.service.world import Storing

TOMORROW = EVENING + timedelta(days=1)


def fact(kind: FactKind, name: str, minute: int = 0) -> Fact:
    ref = OrderRef("douyin", name)
    return a_fact(kind, minute=minute, fact_id=f"{name}-{kind.value}", ref=ref)


def worker(storing: Storing) -> Waiting:
    return Waiting(storing.storage, ProtobufEncoder(), FakeClock(TOMORROW))


def work_off(waiting: Waiting) -> int:
    done = 0
    while count := waiting.expire_due():
        done += count
    return done


def case_types(storing: Storing, name: str) -> list[str]:
    order = storing.reader.order_by_ref(OrderRef("douyin", name))
    query = CaseQuery(page_size=50, order_id=order.order_id, include_resolved=True)
    return sorted(each.type for each in storing.reader.cases(query).rows)


def test_many_workers_open_each_case_once(storing: Storing) -> None:
    names = [f"due-{number}" for number in range(3 * CLAIM_MOST)]
    storing.tell_each([fact(FactKind.ORDER_CREATED, each) for each in names])

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(work_off, [worker(storing) for _ in range(4)]))

    assert all(case_types(storing, each) == ["STAGE_OVERDUE"] for each in names)
    assert storing.reader.verify_chain("").problem == ""
    assert worker(storing).expire_due() == 0


def test_two_deadlines_of_one_order_open_two_cases_in_one_journal(storing: Storing) -> None:
    storing.tell(fact(FactKind.ORDER_CREATED, "two"), fact(FactKind.PARCEL_SHIPPED, "two", 1))

    late = replace(worker(storing), clock=FakeClock(EVENING + timedelta(days=30)))
    work_off(late)

    assert case_types(storing, "two") == ["SHIPPED_UNPAID", "STAGE_OVERDUE"]
    order = storing.reader.order_by_ref(OrderRef("douyin", "two"))
    assert storing.reader.verify_chain(order.order_id).problem == ""


def test_a_deadline_that_was_met_meanwhile_opens_nothing(storing: Storing) -> None:
    storing.tell(fact(FactKind.ORDER_CREATED, "met"), fact(FactKind.ORDER_CANCELLED, "met", 1))

    work_off(worker(storing))

    assert case_types(storing, "met") == []


def test_what_comes_after_its_deadline_ends_the_case(storing: Storing) -> None:
    storing.tell(fact(FactKind.ORDER_CREATED, "late"))
    work_off(worker(storing))
    storing.tell(fact(FactKind.PAYMENT_STARTED, "late", 1))

    order = storing.reader.order_by_ref(OrderRef("douyin", "late"))
    assert storing.reader.cases(CaseQuery(page_size=5, order_id=order.order_id)).rows == ()
    assert case_types(storing, "late") == ["STAGE_OVERDUE"]


def test_no_deadline_passes_before_its_time(storing: Storing) -> None:
    storing.tell(fact(FactKind.ORDER_CREATED, "early"))
    order = storing.reader.order_by_ref(OrderRef("douyin", "early"))
    (awaited,) = storing.reader.awaited(order.order_id)

    just_before = awaited.due_at - timedelta(microseconds=1)
    work_off(replace(worker(storing), clock=FakeClock(just_before)))
    before = case_types(storing, "early")
    work_off(replace(worker(storing), clock=FakeClock(awaited.due_at)))

    assert (before, case_types(storing, "early")) == ([], ["STAGE_OVERDUE"])


def test_a_lost_receipt_is_sent_again_after_1_3_7_15_minutes_and_ten_times_in_all(
    storing: Storing, owner: sa.Engine
) -> None:
    (lost,) = storing.submit()
    with owner.connect() as connection:
        came = connection.execute(
            sa.text("SELECT recorded_at FROM receipts WHERE receipt_id = :id"), {"id": lost}
        ).scalar_one()
    # What came two days later has its outcome: so far has intake come.
    storing.tell(fact(FactKind.ORDER_CREATED, "further"))
    with owner.begin() as connection:
        connection.execute(
            sa.text(
                "UPDATE receipts SET recorded_at = recorded_at + interval '2 days'"
                " WHERE outcome IS NOT NULL"
            )
        )

    sent_after = []
    for minute in sorted({2**power - 1 + late for power in range(11) for late in (-1, 0, 1)}):
        before = published(owner, lost)
        clock = FakeClock(came + timedelta(minutes=minute, seconds=1))
        replace(worker(storing), clock=clock).republish_stale()
        if published(owner, lost) > before:
            sent_after.append(minute)

    assert sent_after == [2**power - 1 for power in range(1, PUBLISHED_MOST)]
    assert timedelta(minutes=1) == STALE_AFTER
    waiting_still = storing.reader.receipts(ReceiptQuery(page_size=500, waiting=True)).rows
    assert lost in {each.receipt_id for each in waiting_still}


def published(owner: sa.Engine, receipt: str) -> int:
    with owner.connect() as connection:
        return int(
            connection.execute(
                sa.text(
                    "SELECT count(*) FROM outbox WHERE topic = 'concord.receipts.v1'"
                    " AND headers->>'ce_id' = :id"
                ),
                {"id": receipt},
            ).scalar_one()
        )


def test_a_receipt_that_was_sent_again_is_weighed_once(storing: Storing) -> None:
    (receipt,) = storing.submit()
    storing.intake.retry([receipt], "", waiting=False)

    facts = (fact(FactKind.ORDER_CREATED, "again"),)
    outcomes = [storing.intake.apply([Reading(receipt, facts)])[0].outcome for _ in range(2)]

    assert outcomes == [Outcome.APPLIED, Outcome.APPLIED]
    assert storing.reader.order_by_ref(OrderRef("douyin", "again")).sequence == 1
