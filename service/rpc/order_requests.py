"""Reads order requests: every field checked, all violations at once."""

import re
from datetime import datetime, timedelta
from typing import Any, Final

from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as pb
from service.application.commands import Ask, CreateOrder, Details
from service.application.reading import OrderQuery
from service.domain.facts import OrderLine, OrderRef
from service.domain.lifecycle import State
from service.rpc.calling import Work
from service.rpc.violations import REASON_MAX, Violations

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500
LINES_MAX: Final = 1_000
REFS_MAX: Final = 20
MILESTONE_MAX: Final = 64
# A channel's clock may run ahead of ours; an order from further in the future is a unit mistake.
CLOCK_AHEAD_MAX: Final = timedelta(days=1)


def read_ask(request: Any, work: Work, violations: Violations) -> Ask:  # noqa: ANN401  # any action
    """Read what every action on an order has."""
    return Ask(
        order_id=violations.resource("name", request.name, "orders"),
        origin=work.origin,
        fresh_id=work.fresh_id,
        etag=violations.text("etag", request.etag),
        reason=violations.text("reason", request.reason, longest=REASON_MAX),
        source=work.source,
    )


def read_details(request: Any, violations: Violations) -> Details:  # noqa: ANN401  # any action
    """Read voucher and amount, where the action has them; a needed one must be there."""
    fields = request.DESCRIPTOR.fields_by_name
    has_amount = "amount" in fields
    needs_voucher = has_amount or isinstance(request, pb.ShipOrderRequest)
    return Details(
        voucher=(
            violations.text("voucher", request.voucher, needed=needs_voucher)
            if "voucher" in fields
            else ""
        ),
        amount=violations.positive_money("amount", request.amount) if has_amount else None,
    )


def read_ref(path: str, ref: order_pb2.OrderRef, violations: Violations) -> OrderRef:
    """Read a name of an order."""
    return OrderRef(
        violations.word(f"{path}.namespace", ref.namespace),
        violations.text(f"{path}.value", ref.value, needed=True),
    )


def read_creation(request: pb.CreateOrderRequest, work: Work) -> CreateOrder:
    """Read an order to create, or raise `InvalidRequestError`."""
    violations = Violations()
    order = request.order
    if not 1 <= len(order.refs) <= REFS_MAX:
        violations.add("order.refs", f"send 1 to {REFS_MAX} references")
    if len(order.lines) > LINES_MAX:
        violations.add("order.lines", f"send at most {LINES_MAX} lines")
    total = violations.money("order.total", order.total)
    listed = (
        violations.money("order.list_total", order.list_total)
        if order.HasField("list_total")
        else None
    )
    if listed and listed.currency != total.currency:
        violations.add("order.list_total", "send it in the currency of the total")
    placed_at = violations.moment("order.place_time", order.place_time, default=work.at)
    _refuse_future("order.place_time", placed_at, work.at, violations)
    command = CreateOrder(
        origin=work.origin,
        fresh_id=work.fresh_id,
        refs=tuple(
            dict.fromkeys(
                read_ref(f"order.refs[{index}]", each, violations)
                for index, each in enumerate(order.refs[:REFS_MAX])
            )
        ),
        channel=violations.word("order.channel", order.channel),
        total=total,
        placed_at=placed_at,
        list_total=listed,
        customer=violations.text("order.customer", order.customer),
        lines=tuple(
            _read_line(f"order.lines[{index}]", each, violations)
            for index, each in enumerate(order.lines[:LINES_MAX])
        ),
        source=work.source,
        reason=violations.text("reason", request.reason, longest=REASON_MAX),
    )
    violations.refuse()
    return command


def read_refund(request: pb.RefundOrderRequest, ask: Ask, violations: Violations) -> Details:
    """Read what a provider is to give back, or raise `InvalidRequestError`."""
    # Every provider takes such a number; UnionPay no shorter one, and no other signs.
    number = violations.text("voucher", request.voucher) or f"R{ask.fresh_id.replace('-', '')}"[:32]
    if not re.fullmatch("[0-9A-Za-z]{8,32}", number):
        violations.add("voucher", "send 8 to 32 letters and digits, or nothing")
    amount = violations.positive_money("amount", request.amount)
    payment = violations.text("payment", request.payment)
    violations.refuse()
    return Details(number, amount, payment=payment)


def read_query(request: pb.ListOrdersRequest, now: datetime) -> OrderQuery:
    """Read which orders to list, or raise `InvalidRequestError`."""
    violations = Violations()
    states = []
    for index, number in enumerate(request.states):
        name = order_pb2.Order.State.Name(number) if number in _STATES else ""
        if number == 0 or not name:
            violations.add(f"states[{index}]", "send a known state")
        else:
            states.append(State(name.removeprefix("STATE_")))
    query = OrderQuery(
        page_size=violations.number(
            "page_size", request.page_size, most=PAGE_SIZE_MAX, default=PAGE_SIZE
        ),
        page_token=request.page_token,
        states=tuple(states),
        channel=violations.word("channel", request.channel, needed=False),
        hold_reason=violations.text("hold_reason", request.hold_reason),
        overdue_at=now if request.overdue else None,
        discrepancy=violations.text("discrepancy", request.discrepancy),
        tag=violations.text("tag", request.tag),
    )
    violations.refuse()
    return query


def _refuse_future(path: str, at: datetime, now: datetime, violations: Violations) -> None:
    if at > now + CLOCK_AHEAD_MAX:
        violations.add(path, "send a time that is not in the future: check unit and zone")


def _read_line(path: str, line: order_pb2.OrderLine, violations: Violations) -> OrderLine:
    if line.quantity < 1:
        violations.add(f"{path}.quantity", "send 1 or more")
    has_price = line.HasField("unit_price")
    return OrderLine(
        sku=violations.text(f"{path}.sku", line.sku, needed=True),
        quantity=line.quantity,
        unit_price=(violations.money(f"{path}.unit_price", line.unit_price) if has_price else None),
    )


_STATES: Final = frozenset(order_pb2.Order.State.values())
