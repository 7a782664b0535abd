"""A thousand callers on one order: one winner a version, a journal without a gap."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
import sqlalchemy as sa

from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as pb
from service.application.commands import Ask, Commands
from service.application.ports import Unit
from service.application.reading import Reader
from service.domain.facts import OrderRef
from service.kafka.encoding import ProtobufEncoder, ProtobufEnvelopes
from service.postgres.reader import PostgresReader
from service.postgres.storage import Observer, PostgresStorage
from tests.builders import EVENING, a_fact, an_origin
from tests.integration.service.world import Service, Storing, reason_of

CALLERS = 1_000
PATIENCE_S = 60


@pytest.fixture
def reader(engine: sa.Engine) -> Reader:
    return PostgresReader(engine)


def settle(calls: Iterable[grpc.Future]) -> tuple[list[order_pb2.Order], Counter[str]]:
    """Wait for all; return the answers, and how often each reason was given."""
    answers, reasons = [], Counter[str]()
    for each in calls:
        try:
            answers.append(each.result(PATIENCE_S))
        except grpc.RpcError as error:
            reasons[reason_of(error)] += 1
    return answers, reasons


@pytest.mark.slow
def test_of_a_thousand_callers_with_one_etag_exactly_one_wins(
    service: Service, reader: Reader
) -> None:
    order = service.create()

    answers, reasons = settle(
        [
            service.orders.SetMilestone.future(
                pb.SetMilestoneRequest(
                    name=order.name,
                    milestone=f"m-{number}",
                    etag=order.etag,
                    request_id=str(uuid.uuid4()),
                ),
                timeout=PATIENCE_S,
            )
            for number in range(CALLERS)
        ]
    )

    assert [each.sequence for each in answers] == [2]
    assert reasons == {"VERSION_CONFLICT": CALLERS - 1}
    assert service.journal(order.name) == [1, 2]
    assert reader.verify_chain(order.name.removeprefix("orders/")).problem == ""


@pytest.mark.slow
def test_a_thousand_callers_without_an_etag_are_numbered_one_after_another(
    service: Service, reader: Reader
) -> None:
    order = service.create()

    answers, reasons = settle(
        [
            service.orders.SetMilestone.future(
                pb.SetMilestoneRequest(
                    name=order.name, milestone=f"m-{number}", request_id=str(uuid.uuid4())
                ),
                timeout=PATIENCE_S,
            )
            for number in range(CALLERS)
        ]
    )

    # Too many at once may be told to come again; whoever got an answer has a number of its own.
    assert set(reasons) <= {"CONTENTION"}
    numbers = sorted(each.sequence for each in answers)
    assert numbers == list(range(2, len(answers) + 2))
    page = reader.journal(
        order.name.removeprefix("orders/"), after=0, page_size=2_000, page_token=""
    )
    assert [each.sequence for each in page.rows] == list(range(1, len(answers) + 2))
    told = {each.sequence: each.milestone for each in answers}
    assert {each.sequence: each.new_value for each in page.rows[1:]} == told


@pytest.mark.slow
def test_a_thousand_payments_of_one_order_pay_it_once(service: Service) -> None:
    order = service.create()
    service.orders.StartPayment(pb.StartPaymentRequest(name=order.name))

    def payment(number: int) -> pb.ConfirmPaymentRequest:
        request = pb.ConfirmPaymentRequest(
            name=order.name, voucher=f"pay-{number}", request_id=str(uuid.uuid4())
        )
        request.amount.CopyFrom(order.total)
        return request

    answers, reasons = settle(
        [
            service.orders.ConfirmPayment.future(payment(number), timeout=PATIENCE_S)
            for number in range(CALLERS)
        ]
    )

    assert len(answers) == 1
    assert answers[0].paid == order.total
    assert reasons == {"ILLEGAL_TRANSITION": CALLERS - 1}
    after = service.orders.GetOrder(pb.GetOrderRequest(name=order.name))
    assert after.paid == order.total
    assert list(after.discrepancies) == []


def test_one_request_sent_a_hundred_times_at_once_is_one_request(service: Service) -> None:
    order = service.create()
    request = pb.PlaceHoldRequest(
        name=order.name, hold_reason="ADDRESS", request_id=str(uuid.uuid4())
    )

    answers, reasons = settle(
        [service.orders.PlaceHold.future(request, timeout=PATIENCE_S) for _ in range(100)]
    )

    assert not reasons
    assert len({each.SerializeToString(deterministic=True) for each in answers}) == 1
    assert service.journal(order.name) == [1, 2]


def test_an_order_that_a_hundred_callers_create_at_once_exists_once(service: Service) -> None:
    name = str(uuid.uuid4())

    def creation() -> pb.CreateOrderRequest:
        order = order_pb2.Order(
            channel="douyin", refs=[order_pb2.OrderRef(namespace="douyin", value=name)]
        )
        order.total.currency_code = "CNY"
        return pb.CreateOrderRequest(order=order, request_id=str(uuid.uuid4()))

    answers, reasons = settle(
        [service.orders.CreateOrder.future(creation(), timeout=PATIENCE_S) for _ in range(100)]
    )

    assert len(answers) == 1
    assert reasons == {"REFERENCE_TAKEN": 99}


def test_writers_of_one_order_wait_for_each_other_and_begin_nothing_again(
    storing: Storing, engine: sa.Engine
) -> None:
    storing.tell(a_fact(fact_id="waited", ref=OrderRef("jd", "waited")))
    order_id = storing.reader.order_by_ref(OrderRef("jd", "waited")).order_id
    again: list[None] = []
    storage = PostgresStorage(
        engine, ProtobufEnvelopes(), Observer(retried=lambda: again.append(None))
    )

    def write(number: int) -> int:
        def work(unit: Unit) -> int:
            ask = Ask(order_id, an_origin(), f"waited-{number}")
            commands = Commands(unit, ProtobufEncoder(), EVENING)
            return commands.set_milestone(ask, f"m-{number}").sequence

        return storage.transact(work)

    with ThreadPoolExecutor(8) as threads:
        numbers = sorted(threads.map(write, range(80), timeout=60))

    assert numbers == list(range(2, 82))
    assert not again
