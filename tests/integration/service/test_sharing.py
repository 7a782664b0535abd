"""Commands that share a transaction: nobody waits for, or fails with, another's order."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor

import sqlalchemy as sa

from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as pb
from service.application.desks import Desk
from service.application.ports import Unit
from service.application.together import Asked, together
from service.kafka.encoding import ProtobufEncoder
from tests.builders import EVENING
from tests.integration.service.world import Service, Storing, refused

CALLERS = 60
PATIENCE_S = 30


def asked(order: order_pb2.Order) -> Asked:
    def work(unit: Unit, desk: Desk) -> bytes:
        return desk.open(order.name.removeprefix("orders/")).order_id.encode()

    return Asked(str(uuid.uuid4()), b"f", order.name.removeprefix("orders/"), work, lambda: True)


def test_an_order_that_somebody_has_locked_is_left_out_at_once(
    service: Service, storing: Storing, engine: sa.Engine
) -> None:
    locked, free = asked(service.create()), asked(service.create())
    with engine.connect() as other:
        other.execute(
            sa.text("SELECT FROM orders WHERE order_id = :order FOR UPDATE"),
            {"order": locked.order_id},
        )

        answers = storing.storage.transact(
            lambda unit: together(unit, [locked, free], encoder=ProtobufEncoder(), at=EVENING)
        )

    assert [answer is not None for answer in answers] == [False, True]


def test_callers_at_once_get_each_what_is_theirs_refused_or_not(service: Service) -> None:
    orders = [service.create() for _ in range(CALLERS)]
    for each in orders[::2]:
        service.orders.StartPayment(pb.StartPaymentRequest(name=each.name))

    def confirm(order: order_pb2.Order) -> str:
        request = pb.ConfirmPaymentRequest(
            name=order.name, voucher=f"pay-{order.name}", request_id=str(uuid.uuid4())
        )
        request.amount.CopyFrom(order.total)

        def call() -> order_pb2.Order:
            answer: order_pb2.Order = service.orders.ConfirmPayment(request, timeout=PATIENCE_S)
            return answer

        if order in orders[::2]:
            answer, again = call(), call()
            assert answer == again
            assert answer.name == order.name
            return order_pb2.Order.State.Name(answer.state)
        return refused(call).reason

    with ThreadPoolExecutor(CALLERS) as threads:
        told = list(threads.map(confirm, orders, timeout=2 * PATIENCE_S))

    assert told[::2] == ["STATE_PAID"] * (CALLERS // 2)
    assert told[1::2] == ["ILLEGAL_TRANSITION"] * (CALLERS // 2)
    assert all(service.journal(each.name) == [1, 2, 3, 4] for each in orders[::2])
    assert all(service.journal(each.name) == [1] for each in orders[1::2])
