"""Statements and comparisons over gRPC: kept, compared, listed page by page, explained."""

from __future__ import annotations

import uuid
from typing import Any

import grpc
import pytest
import sqlalchemy as sa
from google.type.money_pb2 import Money

from concord.orders.v1 import order_pb2
from concord.reconciliations.v1 import reconciliation_service_pb2 as api
from concord.reconciliations.v1 import reconciliation_service_pb2_grpc, statement_pb2
from concord.reconciliations.v1.reconciliation_pb2 import Difference, Reconciliation
from service import bootstrap
from service.application.reconciling import Reconciling
from service.kafka.encoding import ProtobufEncoder
from tests.integration.service.world import Service, Storing, refused

DAY = "2024-02-29"


@pytest.fixture
def stub(service: Service) -> Any:  # noqa: ANN401  # a generated stub
    return reconciliation_service_pb2_grpc.ReconciliationServiceStub(service.channel)


@pytest.fixture
def shop() -> str:
    """A shop that no other test has."""
    return uuid.uuid4().hex[:8]


def a_line(value: str, **more: Any) -> statement_pb2.StatementLine:  # noqa: ANN401  # any field of the message
    ref = order_pb2.OrderRef(namespace="jd", value=value)
    return statement_pb2.StatementLine(ref=ref, **more)


def submit(stub: Any, shop: str, *lines: statement_pb2.StatementLine) -> statement_pb2.Statement:  # noqa: ANN401  # as above
    request = api.SubmitStatementLinesRequest(
        channel="jd", shop=shop, day=DAY, lines=lines, request_id=str(uuid.uuid4())
    )
    kept: statement_pb2.Statement = stub.SubmitStatementLines(request)
    return kept


def compare(stub: Any, storing: Storing, shop: str) -> Reconciliation:  # noqa: ANN401  # as above
    request = api.RunReconciliationRequest(
        channel="jd", shop=shop, day=DAY, request_id=str(uuid.uuid4())
    )
    begun = stub.RunReconciliation(request)
    assert begun.state == Reconciliation.STATE_RUNNING
    reconciling = Reconciling(storing.storage, ProtobufEncoder(), bootstrap.now)
    while reconciling.compare():
        pass
    done: Reconciliation = stub.GetReconciliation(api.GetReconciliationRequest(name=begun.name))
    return done


def test_a_line_that_comes_again_is_kept_once(stub: Any, shop: str) -> None:  # noqa: ANN401  # as above
    lines = [a_line(str(number), quantity=1) for number in range(3)]

    submit(stub, shop, *lines)
    kept = submit(stub, shop, *lines)

    assert kept.lines == 3
    assert kept.zone == ""


def test_a_day_is_compared_and_every_difference_is_explained(
    stub: Any,  # noqa: ANN401  # as above
    storing: Storing,
    shop: str,
) -> None:
    numbers = [f"{shop}-{number}" for number in range(5)]
    amount = Money(currency_code="CNY", units=932, nanos=450_000_000)
    paid = order_pb2.Order.STATE_PAID
    submit(stub, shop, *(a_line(each, amount=amount, state=paid) for each in numbers))

    done = compare(stub, storing, shop)

    assert done.state == Reconciliation.STATE_DONE
    assert (done.zone, done.lines) == ("Asia/Shanghai", 5)
    assert [(each.kind, each.found) for each in done.counts] == [(Difference.KIND_MISSING_HERE, 5)]
    assert "5" in done.summary_zh
    first = stub.ListDifferences(api.ListDifferencesRequest(reconciliation=done.name, page_size=3))
    rest = stub.ListDifferences(
        api.ListDifferencesRequest(
            reconciliation=done.name, page_size=3, page_token=first.next_page_token
        )
    )
    assert {each.ref.value for each in [*first.differences, *rest.differences]} == {*numbers}
    assert rest.next_page_token == ""
    told = stub.GetDifference(api.GetDifferenceRequest(name=first.differences[0].name))
    assert "932.45 CNY" in told.explanation_en
    assert "已支付 PAID" in told.explanation_zh


def test_a_day_that_nobody_closed_is_listed_as_it_is(stub: Any, shop: str) -> None:  # noqa: ANN401  # as above
    submit(stub, shop, a_line("1"))
    closed = stub.CloseStatement(
        api.CloseStatementRequest(
            channel="jd", shop=shop, day=DAY, expected_lines=2, request_id=str(uuid.uuid4())
        )
    )

    listed = stub.ListStatements(api.ListStatementsRequest(channel="jd", page_size=500)).statements

    assert closed in listed
    assert (closed.lines, closed.expected_lines) == (1, 2)


@pytest.mark.parametrize(
    ("method", "request_", "reason"),
    [
        (
            "RunReconciliation",
            api.RunReconciliationRequest(channel="jd", shop="nobody", day=DAY),
            "STATEMENT_NOT_FOUND",
        ),
        (
            "GetReconciliation",
            api.GetReconciliationRequest(name="reconciliations/rec-missing"),
            "RECONCILIATION_NOT_FOUND",
        ),
        (
            "GetDifference",
            api.GetDifferenceRequest(name="differences/dif-missing"),
            "DIFFERENCE_NOT_FOUND",
        ),
    ],
)
def test_what_is_not_there_is_refused(
    stub: Any,  # noqa: ANN401  # as above
    method: str,
    request_: object,
    reason: str,
) -> None:
    told = refused(lambda: getattr(stub, method)(request_))

    assert (told.code, told.reason) == (grpc.StatusCode.NOT_FOUND, reason)


def test_every_bad_field_is_named(stub: Any, engine: sa.Engine) -> None:  # noqa: ANN401  # as above
    line = statement_pb2.StatementLine(quantity=-1)
    request = api.SubmitStatementLinesRequest(
        channel="JD!", day="28.12.2025", zone="Beijing", lines=[line]
    )

    told = refused(lambda: stub.SubmitStatementLines(request))

    assert set(told.fields) == {
        "channel",
        "day",
        "zone",
        "lines[0].quantity",
        "lines[0].ref.namespace",
        "lines[0].ref.value",
    }
