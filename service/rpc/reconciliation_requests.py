"""Reads requests about statements and comparisons: every field checked, all violations at once."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

from concord.orders.v1 import order_pb2
from concord.reconciliations.v1 import reconciliation_pb2, statement_pb2
from concord.reconciliations.v1 import reconciliation_service_pb2 as pb
from service.application.reconciling_reading import DifferenceQuery, ReconciliationQuery
from service.domain.lifecycle import State
from service.domain.reconciling.days import is_zone
from service.domain.reconciling.differences import DifferenceState
from service.domain.reconciling.judging import DifferenceKind
from service.domain.reconciling.statements import Line, ShopDay, StatementKind
from service.rpc.order_requests import read_ref
from service.rpc.violations import Violations

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500
DIFFERENCES: Final = 200
DIFFERENCES_MAX: Final = 1_000
LINES_MAX: Final = 1_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
# More pieces than any order has; a column holds four thousand million times as many.
_QUANTITY_MAX: Final = 2**31

COLLECTION: Final = "reconciliations"
DIFFERENCES_COLLECTION: Final = "differences"


def shop_day(
    request: pb.SubmitStatementLinesRequest
    | pb.CloseStatementRequest
    | pb.RunReconciliationRequest,
    read: Violations,
) -> ShopDay:
    """Read whose day is meant."""
    return ShopDay(
        read.word("channel", request.channel),
        read.text("shop", request.shop),
        read.day("day", request.day),
    )


def kind(number: int, read: Violations) -> StatementKind:
    """Read what a statement is about: of orders, unless it says otherwise."""
    if number not in statement_pb2.Statement.Kind.values():
        read.add("kind", "send a known kind")
    return (
        StatementKind.PAYMENTS
        if number == statement_pb2.Statement.KIND_PAYMENTS
        else StatementKind.ORDERS
    )


def zone(name: str, read: Violations) -> str:
    """Read a zone, which may be left out."""
    if name and not is_zone(name):
        read.add("zone", "send a name of the IANA database such as Asia/Shanghai, or nothing")
    return name


def lines(request: pb.SubmitStatementLinesRequest, read: Violations) -> list[Line]:
    """Read the lines of a statement."""
    if not 1 <= len(request.lines) <= LINES_MAX:
        read.add("lines", f"send 1 to {LINES_MAX} lines")
    return [
        _line(f"lines[{index}]", each, read) for index, each in enumerate(request.lines[:LINES_MAX])
    ]


def reconciliation_id(name: str) -> str:
    """Read a comparison's name."""
    read = Violations()
    found = read.resource("name", name, COLLECTION)
    read.refuse()
    return found


def difference_id(name: str) -> str:
    """Read a difference's name."""
    read = Violations()
    found = read.resource("name", name, DIFFERENCES_COLLECTION)
    read.refuse()
    return found


def query(
    request: pb.ListStatementsRequest | pb.ListReconciliationsRequest, day: str = ""
) -> ReconciliationQuery:
    """Read which statements or comparisons to list."""
    read = Violations()
    found = ReconciliationQuery(
        page_size=read.number(
            "page_size", request.page_size, most=PAGE_SIZE_MAX, default=PAGE_SIZE
        ),
        page_token=request.page_token,
        channel=read.word("channel", request.channel, needed=False),
        day=read.day("day", day) if day else None,
    )
    read.refuse()
    return found


def difference_query(request: pb.ListDifferencesRequest) -> DifferenceQuery:
    """Read which differences to list."""
    read = Violations()
    if not request.reconciliation and not request.order:
        read.add("reconciliation", "send a reconciliation, or an order")
    kinds, states = reconciliation_pb2.Difference.Kind, reconciliation_pb2.Difference.State
    for path, numbers, known in (
        ("kinds", request.kinds, kinds.values()),
        ("states", request.states, states.values()),
    ):
        for index, number in enumerate(numbers):
            if not number or number not in known:
                read.add(f"{path}[{index}]", "send a known value")
    comparison = request.reconciliation
    found = DifferenceQuery(
        page_size=read.number(
            "page_size", request.page_size, most=DIFFERENCES_MAX, default=DIFFERENCES
        ),
        page_token=request.page_token,
        reconciliation_id=(
            read.resource("reconciliation", comparison, COLLECTION) if comparison else ""
        ),
        order_id=read.resource("order", request.order, "orders") if request.order else "",
    )
    read.refuse()
    return replace(
        found,
        kinds=tuple(
            DifferenceKind(kinds.Name(each).removeprefix("KIND_")) for each in request.kinds
        ),
        states=tuple(
            DifferenceState(states.Name(each).removeprefix("STATE_")) for each in request.states
        ),
    )


def _line(path: str, line: statement_pb2.StatementLine, read: Violations) -> Line:
    has = line.HasField
    states = order_pb2.Order.State
    if line.state not in states.values():
        read.add(f"{path}.state", "send a known state")
    if not 0 <= line.quantity < _QUANTITY_MAX:
        read.add(f"{path}.quantity", "send how many pieces, 0 or more")
    is_told = line.state and line.state in states.values()
    name = states.Name(line.state).removeprefix("STATE_") if is_told else ""
    amount = read.money(f"{path}.amount", line.amount) if has("amount") else None
    refunded = read.money(f"{path}.refunded", line.refunded) if has("refunded") else None
    if amount and refunded and amount.currency != refunded.currency:
        read.add(f"{path}.refunded", "send it in the currency of the amount")
    placed_at = told_at = None
    if has("placed_time"):
        placed_at = read.moment(f"{path}.placed_time", line.placed_time, default=_EPOCH)
    if has("told_time"):
        told_at = read.moment(f"{path}.told_time", line.told_time, default=_EPOCH)
    return Line(
        ref=read_ref(f"{path}.ref", line.ref, read),
        key=read.text(f"{path}.key", line.key),
        amount=amount,
        quantity=line.quantity or None,
        state=State(name) if name else None,
        refunded=refunded,
        placed_at=placed_at,
        told_at=told_at,
        voucher=read.text(f"{path}.voucher", line.voucher),
    )
