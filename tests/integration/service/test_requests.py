"""Same request, same bytes; another body, refused; a failure, never a success on retry."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import grpc
import pytest
import sqlalchemy as sa

from concord.cases.v1 import case_service_pb2 as cases_pb
from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as pb
from service.application.idempotency import once, open_answer
from service.application.ports import Unit
from service.domain.errors import OutageError
from service.postgres.storage import TRIES
from service.postgres.unit import PostgresUnit
from tests.integration.service.world import Service, Storing, refused


def cancel(service: Service, order: order_pb2.Order, request_id: str, **given: object) -> bytes:
    request = pb.CancelOrderRequest(name=order.name, request_id=request_id, **given)
    answer: order_pb2.Order = service.orders.CancelOrder(request, timeout=10)
    return answer.SerializeToString(deterministic=True)


def test_a_repeat_gets_the_same_bytes_even_after_the_order_moved_on(service: Service) -> None:
    order, request_id = service.create(), str(uuid.uuid4())
    request = pb.StartPaymentRequest(name=order.name, request_id=request_id)

    first = service.orders.StartPayment(request).SerializeToString(deterministic=True)
    cancel(service, order, str(uuid.uuid4()))
    again = service.orders.StartPayment(request).SerializeToString(deterministic=True)

    assert first == again
    assert service.journal(order.name) == [1, 2, 3]


def test_a_creation_is_repeated_as_the_order_was(service: Service) -> None:
    request = pb.CreateOrderRequest(request_id=str(uuid.uuid4()))
    request.order.channel = "douyin"
    request.order.refs.add(namespace="douyin", value=str(uuid.uuid4()))
    request.order.total.currency_code = "CNY"

    answers = {
        service.orders.CreateOrder(request).SerializeToString(deterministic=True) for _ in range(5)
    }

    assert len(answers) == 1


def test_a_request_id_is_one_whatever_its_case(service: Service) -> None:
    order, request_id = service.create(), str(uuid.uuid4())
    cancel(service, order, request_id)

    told = refused(lambda: cancel(service, order, request_id.upper()))

    assert told.reason == "REQUEST_ID_REUSED"


@pytest.mark.parametrize("given", [{"reason": "another"}, {"etag": "1"}])
def test_another_body_is_refused(service: Service, given: dict[str, str]) -> None:
    order, request_id = service.create(), str(uuid.uuid4())
    first = cancel(service, order, request_id)

    told = refused(lambda: cancel(service, order, request_id, **given))

    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED")
    assert told.metadata == {"requestId": request_id}
    assert cancel(service, order, request_id) == first


def test_another_method_is_refused(service: Service) -> None:
    order, request_id = service.create(), str(uuid.uuid4())
    cancel(service, order, request_id)

    told = refused(
        lambda: service.cases.OpenCase(
            cases_pb.OpenCaseRequest(order=order.name, type="WRONG_ITEM", request_id=request_id)
        )
    )

    assert told.reason == "REQUEST_ID_REUSED"


def test_a_refusal_stays_one_although_the_order_would_allow_it_by_now(service: Service) -> None:
    order, request_id = service.create(), str(uuid.uuid4())
    request = pb.AllocateOrderRequest(name=order.name, request_id=request_id)

    first = refused(lambda: service.orders.AllocateOrder(request))
    service.orders.StartPayment(pb.StartPaymentRequest(name=order.name))
    paid = pb.ConfirmPaymentRequest(name=order.name, voucher="v")
    paid.amount.CopyFrom(order.total)
    service.orders.ConfirmPayment(paid)
    again = refused(lambda: service.orders.AllocateOrder(request))

    assert first == again
    assert first.reason == "ILLEGAL_TRANSITION"
    fresh = pb.AllocateOrderRequest(name=order.name, request_id=str(uuid.uuid4()))
    assert service.orders.AllocateOrder(fresh).state == order_pb2.Order.STATE_AWAITING_OUTBOUND


def test_a_refusal_with_violations_is_repeated_with_them(service: Service) -> None:
    order, request_id = service.create(), str(uuid.uuid4())
    request = pb.RequestRefundRequest(name=order.name, request_id=request_id)

    told = [refused(lambda: service.orders.RequestRefund(request)) for _ in range(2)]

    assert told[0] == told[1]
    assert set(told[0].fields) >= {"voucher"}


class Failing:
    """Work that fails the first times it is done, each time in its own way."""

    def __init__(self, storing: Storing, fail: Callable[[PostgresUnit], None], times: int) -> None:
        self._storing, self._fail, self._left = storing, fail, times
        self.request_id = str(uuid.uuid4())
        self.done = 0

    def __call__(self) -> bytes:
        """Ask once, by the same request id as ever."""

        def transact(unit: Unit) -> object:
            assert isinstance(unit, PostgresUnit)
            return once(unit, self.request_id, b"f", lambda: self._work(unit))

        return open_answer(self._storing.storage.transact(transact))  # type: ignore[arg-type]

    def _work(self, unit: PostgresUnit) -> bytes:
        self.done += 1
        if self._left:
            self._left -= 1
            self._fail(unit)
        return f"done the {self.done}. time".encode()


def end_session(unit: PostgresUnit) -> None:
    """End the session of this very transaction, as a restart of PostgreSQL does."""
    unit._connection.execute(sa.text("SET LOCAL ROLE NONE"))
    unit._connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))


def divide_by_zero(unit: PostgresUnit) -> None:
    unit._connection.execute(sa.text("SELECT 1"))  # there is a transaction
    raise ZeroDivisionError


def outlast_the_statement(unit: PostgresUnit) -> None:
    unit._connection.execute(sa.text("SET LOCAL statement_timeout = 1"))
    unit._connection.execute(sa.text("SELECT pg_sleep(1)"))


def refuse_the_commit(unit: PostgresUnit) -> None:
    """Leave something behind that PostgreSQL looks at when it commits, and refuses then."""
    unit._connection.execute(
        sa.text(
            "CREATE TEMPORARY TABLE twice (n int UNIQUE DEFERRABLE INITIALLY DEFERRED)"
            " ON COMMIT DROP"
        )
    )
    unit._connection.execute(sa.text("INSERT INTO twice VALUES (1), (1)"))


def test_a_bug_in_the_middle_leaves_the_request_to_be_done(storing: Storing) -> None:
    ask = Failing(storing, divide_by_zero, times=1)

    with pytest.raises(ZeroDivisionError):
        ask()

    assert ask() == ask() == b"done the 2. time"


@pytest.mark.parametrize("fail", [end_session, outlast_the_statement, refuse_the_commit])
def test_what_is_lost_before_commit_is_tried_again_and_done_once(
    storing: Storing, fail: Callable[[PostgresUnit], None]
) -> None:
    ask = Failing(storing, fail, times=2)

    assert ask() == ask() == b"done the 3. time"


def test_an_outage_that_lasts_is_told_and_the_request_is_still_to_be_done(
    storing: Storing,
) -> None:
    ask = Failing(storing, end_session, times=TRIES)

    with pytest.raises(OutageError):
        ask()

    assert ask.done == TRIES
    assert ask() == f"done the {TRIES + 1}. time".encode()


def test_a_session_that_is_killed_under_a_call_does_not_reach_the_caller(
    service: Service, superuser: sa.Engine
) -> None:
    order = service.create()
    with superuser.connect() as connection:
        for _ in range(20):
            call = service.orders.SetMilestone.future(
                pb.SetMilestoneRequest(
                    name=order.name, milestone="m", request_id=str(uuid.uuid4())
                ),
                timeout=20,
            )
            connection.execute(
                sa.text(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE application_name = 'concord' AND pid <> pg_backend_pid()"
                    " AND datname = current_database()"
                )
            )
            call.result(20)

    numbers = service.journal(order.name)
    assert numbers == list(range(1, 22))
