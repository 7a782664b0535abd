"""The feed of changes: nothing lost under concurrent writers, resumed by cursor, in order."""

from __future__ import annotations

import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest

from concord.orders.v1 import order_service_pb2 as pb
from service.application.intake import Reading
from service.application.ports import Unit
from service.application.reading import FeedItem
from service.application.weighing import weigh_facts
from service.domain.facts import FactKind, OrderRef
from service.kafka.encoding import ProtobufEncoder
from tests.builders import EVENING, a_fact
from tests.integration.service.world import Service, Storing, reason_of, refused

WRITERS = 4
ORDERS = 15


def read_all(storing: Storing, cursor: str, most: int = 500) -> tuple[list[FeedItem], str]:
    items: list[FeedItem] = []
    while True:
        page = storing.reader.feed(cursor, order_id="", channel="", most=most)
        items += page.rows
        if page.next_token == cursor:
            return items, cursor
        cursor = page.next_token


def write(storing: Storing, writer: int) -> None:
    """Write orders, a transaction each fact, so that many transactions overlap."""
    for number in range(ORDERS):
        name = f"feed-{writer}-{number}"
        for minute, kind in enumerate((FactKind.ORDER_CREATED, FactKind.PAYMENT_SUCCEEDED)):
            storing.tell(
                a_fact(
                    kind, minute=minute, fact_id=f"{name}-{minute}", ref=OrderRef("douyin", name)
                )
            )


@pytest.mark.parametrize("most", [1, 7, 500])
def test_a_reader_beside_concurrent_writers_gets_every_change_once_and_in_order(
    storing: Storing, most: int
) -> None:
    cursor = storing.reader.feed_start()
    items: list[FeedItem] = []
    with ThreadPoolExecutor(WRITERS) as threads:
        writing = [threads.submit(write, storing, 10 * most + each) for each in range(WRITERS)]
        while not all(each.done() for each in writing):
            page = storing.reader.feed(cursor, order_id="", channel="", most=most)
            items += page.rows
            cursor = page.next_token
        for each in writing:
            each.result()
    rest, _ = read_all(storing, cursor)
    items += rest

    told: dict[str, list[int]] = {}
    for item in items:
        told.setdefault(item.line.order_id, []).append(item.line.sequence)
    assert len(told) == WRITERS * ORDERS
    for order_id, sequences in told.items():
        newest = storing.reader.order(order_id).sequence
        assert sequences == list(range(1, newest + 1))


def test_any_cursor_resumes_right_after_its_change(storing: Storing) -> None:
    start = storing.reader.feed_start()
    for number in range(5):
        storing.tell(a_fact(fact_id=f"resume-{number}", ref=OrderRef("jd", f"resume-{number}")))
    everything, _ = read_all(storing, start)

    for position, item in enumerate(everything):
        following, _ = read_all(storing, item.cursor)
        assert following == everything[position + 1 :]


def test_a_change_waits_for_transactions_that_began_before_it(storing: Storing) -> None:
    start = storing.reader.feed_start()
    inside, go_on = threading.Event(), threading.Event()

    def slow(unit: Unit) -> None:
        fact = a_fact(fact_id="slow", ref=OrderRef("jd", "slow"), recorded_at=EVENING)
        weigh_facts(unit, [fact], encoder=ProtobufEncoder(), at=EVENING)
        inside.set()
        assert go_on.wait(20)

    with ThreadPoolExecutor(1) as threads:
        held = threads.submit(storing.storage.transact, slow)
        assert inside.wait(20)
        # Of another customer: one customer's events are numbered one transaction after another.
        storing.tell(a_fact(fact_id="quick", ref=OrderRef("jd", "quick"), customer="c-2"))
        before, cursor = read_all(storing, start)
        go_on.set()
        held.result(20)
    after, _ = read_all(storing, cursor)

    assert before == []
    assert {each.order.refs[0].value for each in after} == {"slow", "quick"}


def test_what_was_rolled_back_is_never_told(storing: Storing) -> None:
    start = storing.reader.feed_start()

    def fails(unit: Unit) -> None:
        fact = a_fact(fact_id="gone", ref=OrderRef("jd", "gone"), recorded_at=EVENING)
        weigh_facts(unit, [fact], encoder=ProtobufEncoder(), at=EVENING)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        storing.storage.transact(fails)
    storing.intake.apply([Reading("rcp-none")])

    assert read_all(storing, start)[0] == []


def watch(service: Service, **given: str) -> tuple[grpc.Call, pb.WatchOrdersResponse]:
    """Open a watch; return it with what it says first, the cursor at which it begins.

    A watch that was cancelled holds its place until the server looks again.
    """
    until = time.monotonic() + 10
    while True:
        call = service.orders.WatchOrders(pb.WatchOrdersRequest(**given), timeout=30)
        try:
            return call, next(call)
        except grpc.RpcError as error:
            if reason_of(error) != "OVERLOADED" or time.monotonic() > until:
                raise


def test_a_watch_tells_changes_and_resumes_by_its_cursor(service: Service) -> None:
    call, begin = watch(service)
    order = service.create()
    service.orders.CancelOrder(pb.CancelOrderRequest(name=order.name))
    told = [next(call), next(call)]
    call.cancel()

    resumed, _ = watch(service, cursor=told[0].cursor)
    again = next(resumed)
    resumed.cancel()

    assert begin.cursor
    assert not begin.HasField("entry")
    assert [each.entry.sequence for each in told] == [1, 2]
    assert [each.order.name for each in told] == [order.name] * 2
    assert (again.order.name, again.entry.sequence) == (order.name, 2)


def test_a_watch_of_one_order_tells_of_no_other(service: Service) -> None:
    order = service.create()
    call, _ = watch(service, name=order.name)
    service.create()
    service.orders.SetMilestone(
        pb.SetMilestoneRequest(name=order.name, milestone="m", request_id=str(uuid.uuid4()))
    )

    told = next(call)
    call.cancel()

    assert (told.order.name, told.entry.sequence) == (order.name, 2)


def test_more_watches_than_the_server_has_room_for_are_refused(service: Service) -> None:
    calls = [watch(service)[0] for _ in range(4)]

    told = refused(lambda: next(service.orders.WatchOrders(pb.WatchOrdersRequest(), timeout=10)))
    for each in calls:
        each.cancel()

    assert (told.code, told.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "OVERLOADED")
