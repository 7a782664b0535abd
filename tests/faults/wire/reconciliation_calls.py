"""What every call about statements and comparisons is about, for those who cut its connection."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Final

from google.protobuf.message import Message

from concord.orders.v1 import order_pb2
from concord.reconciliations.v1 import reconciliation_service_pb2 as api
from concord.reconciliations.v1 import statement_pb2
from service import bootstrap
from service.application.ports import Unit
from service.application.reconciling import begin
from service.application.reconciling_ports import KeptLine
from service.domain.facts import OrderRef
from service.domain.reconciling.comparing import reconciliation_id_for
from service.domain.reconciling.differences import Difference, DifferenceState, found
from service.domain.reconciling.judging import DifferenceKind, Finding
from service.domain.reconciling.statements import Line, ShopDay, StatementKind
from tests.faults.wire.preparing import Preparing, Target

# Nobody sells there, so that what the clockwork compares differs in nothing.
CHANNEL: Final = "nowhere"
DAY: Final = date(2020, 2, 29)


def of(target: Target) -> ShopDay:
    """Return the target's day: that of a shop of its own."""
    return ShopDay(CHANNEL, target.tag, DAY)


def stated(preparing: Preparing, count: int) -> list[Target]:
    """Keep statements of one line, which nobody compares by itself for minutes."""
    targets = preparing.names(count)

    def work(unit: Unit) -> None:
        for each in targets:
            line = Line(OrderRef(CHANNEL, each.tag))
            unit.keep_lines(StatementKind.ORDERS, of(each), [KeptLine(line)], at=bootstrap.now())

    preparing.transact(work)
    return targets


def compared(preparing: Preparing, count: int) -> list[Target]:
    """Keep comparisons that are done, each with a difference that is in somebody's case."""
    targets = stated(preparing, count)

    def work(unit: Unit) -> None:
        for each in targets:
            now = bootstrap.now()
            statement = unit.find_statement(StatementKind.ORDERS, of(each))
            assert statement is not None
            unit.look_again(statement, None)
            unit.save_reconciliation(begin(unit, statement, at=now).done(at=now))
            unit.save_differences([_difference(each)])

    preparing.transact(work)
    return targets


def comparison_of(target: Target) -> str:
    """Return the name of a target's comparison."""
    return f"reconciliations/{reconciliation_id_for(of(target))}"


def difference_of(target: Target) -> str:
    """Return the name of a target's difference."""
    return f"differences/{_difference(target).difference_id}"


def lines(target: Target, rid: str) -> Message:
    """Ask that a line be kept."""
    ref = order_pb2.OrderRef(namespace=CHANNEL, value=target.tag)
    return api.SubmitStatementLinesRequest(
        channel=CHANNEL,
        shop=target.tag,
        day=DAY.isoformat(),
        lines=[statement_pb2.StatementLine(ref=ref)],
        request_id=rid,
    )


def closing(target: Target, rid: str) -> Message:
    """Say that more lines were sent than are here: nothing follows for a quarter of an hour."""
    return api.CloseStatementRequest(
        channel=CHANNEL,
        shop=target.tag,
        day=DAY.isoformat(),
        expected_lines=2,
        request_id=rid,
    )


def comparing(target: Target, rid: str) -> Message:
    """Ask that a day be compared."""
    return api.RunReconciliationRequest(
        channel=CHANNEL, shop=target.tag, day=DAY.isoformat(), request_id=rid
    )


def _difference(target: Target) -> Difference:
    finding = Finding(DifferenceKind.MISSING_HERE, OrderRef(CHANNEL, target.tag), file="PAID")
    reconciliation_id = reconciliation_id_for(of(target))
    fresh = found(reconciliation_id, finding, revision=1, at=bootstrap.now())
    return replace(fresh, state=DifferenceState.IN_CASE, due_at=None)


# What is called, what must be there before, and what is asked.
CALLS: Final = tuple(
    (f"reconciliations.v1.ReconciliationService.{method}", prepare, request)
    for method, prepare, request in (
        ("SubmitStatementLines", Preparing.names, lines),
        ("CloseStatement", stated, closing),
        ("RunReconciliation", stated, comparing),
    )
)
