"""Orders in the memory of the fake service.

Its moves are held to the service's own lifecycle by a contract test; evidence is not weighed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import grpc

from clients.sdk.fake_memory import TICK_S, Memory, page_of, refusal, stamp
from concord.orders.v1 import order_service_pb2 as orders
from concord.orders.v1.order_pb2 import Hold, Order

# Method: (action, states it may start from, state it leads to; None stays).
MOVES: Final[Mapping[str, tuple[str, tuple[str, ...], str | None]]] = {
    "StartPayment": ("START_PAYMENT", ("PENDING_PAYMENT",), "PAYING"),
    "ConfirmPayment": ("CONFIRM_PAYMENT", ("PAYING",), "PAID"),
    "AllocateOrder": ("ALLOCATE", ("PAID",), "AWAITING_OUTBOUND"),
    "ApproveOutbound": ("APPROVE_OUTBOUND", ("AWAITING_OUTBOUND",), None),
    "ShipOrder": ("SHIP", ("AWAITING_OUTBOUND",), "SHIPPING"),
    "ConfirmDelivery": ("CONFIRM_DELIVERY", ("SHIPPING",), "DELIVERED"),
    "CompleteOrder": ("COMPLETE", ("DELIVERED",), "COMPLETED"),
    "CancelOrder": (
        "CANCEL",
        ("PENDING_PAYMENT", "PAYING", "PAID", "AWAITING_OUTBOUND"),
        "CANCELLED",
    ),
    "ReinstateOrder": ("REINSTATE", ("CANCELLED",), "PAID"),
}


class FakeOrders(Memory):
    """`OrderService`."""

    def __init__(self) -> None:
        super().__init__()
        self.orders: dict[str, Order] = {}
        self.journal: list[orders.JournalEntry] = []

    def _handler(self, method: str) -> Callable[..., Any] | None:
        if method in MOVES:
            return lambda request: self._move(method, request)
        return super()._handler(method)

    def put(self, order: Order) -> Order:
        """Place an order as it is, without a journal row."""
        order.sequence = order.sequence or 1
        order.etag = order.etag or f"v{order.sequence}"
        self.orders[order.name] = order
        return order

    def create_order(self, request: orders.CreateOrderRequest) -> Order:
        taken = {(ref.namespace, ref.value): o for o in self.orders.values() for ref in o.refs}
        for ref in request.order.refs:
            if (ref.namespace, ref.value) in taken:
                other = taken[ref.namespace, ref.value].name
                raise refusal(
                    "REFERENCE_TAKEN", namespace=ref.namespace, value=ref.value, order=other
                )
        order = Order(name=f"orders/ord-{len(self.orders) + 1}")
        order.MergeFrom(request.order)
        order.name = f"orders/ord-{len(self.orders) + 1}"
        order.state = Order.STATE_PENDING_PAYMENT
        order.refund_state = Order.REFUND_STATE_NONE
        self.orders[order.name] = order
        return self._record(order, "PLACED", "", "PENDING_PAYMENT", request)

    def get_order(self, request: orders.GetOrderRequest) -> Order:
        for order in self.orders.values():
            if order.name == request.name or (not request.name and request.ref in order.refs):
                return order
        raise refusal("ORDER_NOT_FOUND", order=request.name or request.ref.value)

    def list_orders(self, request: orders.ListOrdersRequest) -> orders.ListOrdersResponse:
        chosen = [
            order
            for order in reversed(self.orders.values())
            if (not request.states or order.state in request.states)
            and request.channel in {"", order.channel}
            and _matches(request.hold_reason, [hold.reason for hold in order.holds])
            and _matches(request.discrepancy, order.discrepancies)
        ]
        page, following = page_of(chosen, request)
        return orders.ListOrdersResponse(orders=page, next_page_token=following)

    def _move(self, method: str, request: Any) -> Order:  # noqa: ANN401
        action, sources, target = MOVES[method]
        order = self._to_change(request)
        state = Order.State.Name(order.state).removeprefix("STATE_")
        if state not in sources:
            allowed = ",".join(name for name, starts, _ in MOVES.values() if state in starts)
            raise refusal(
                "ILLEGAL_TRANSITION",
                order=order.name,
                state=state,
                action=action,
                allowedActions=allowed,
            )
        if method in {"ShipOrder", "ApproveOutbound"} and order.holds:
            raise refusal(
                "ORDER_ON_HOLD", order=order.name, holds=",".join(h.reason for h in order.holds)
            )
        if method == "ShipOrder" and not order.outbound_approved:
            raise refusal("OUTBOUND_NOT_APPROVED", order=order.name)
        if method == "ConfirmPayment":
            order.paid.CopyFrom(request.amount)
        order.outbound_approved |= method == "ApproveOutbound"
        if target:
            order.state = Order.State.Value(f"STATE_{target}")
        return self._record(order, "MOVED", state, target or state, request)

    def place_hold(self, request: orders.PlaceHoldRequest) -> Order:
        order = self._to_change(request)
        order.holds.append(
            Hold(
                hold_id=f"hold-{order.sequence}",
                reason=request.hold_reason,
                place_time=stamp(self._now()),
            )
        )
        return self._record(order, "HOLD_CHANGED", "", request.hold_reason, request)

    def release_hold(self, request: orders.ReleaseHoldRequest) -> Order:
        order = self._to_change(request)
        for hold in order.holds:
            if hold.hold_id == request.hold_id:
                order.holds.remove(hold)
                return self._record(order, "HOLD_CHANGED", hold.reason, "", request)
        raise refusal("HOLD_NOT_FOUND", order=order.name, hold=request.hold_id)

    def set_milestone(self, request: orders.SetMilestoneRequest) -> Order:
        order = self._to_change(request)
        before, order.milestone = order.milestone, request.milestone
        return self._record(order, "MILESTONE_CHANGED", before, request.milestone, request)

    def request_refund(self, request: orders.RequestRefundRequest) -> Order:
        order = self._to_change(request)
        order.refund_state = Order.REFUND_STATE_REQUESTED
        return self._record(order, "MONEY_MOVED", "", "REQUESTED", request)

    def refund_order(self, request: orders.RefundOrderRequest) -> Order:
        order = self._to_change(request)
        if not order.paid.units and not order.paid.nanos:
            raise refusal("PROVIDER_UNKNOWN", order=order.name, payment=request.payment)
        order.refund_state = Order.REFUND_STATE_REQUESTED
        return self._record(order, "MONEY_MOVED", "", "REQUESTED", request)

    def confirm_refund(self, request: orders.ConfirmRefundRequest) -> Order:
        order = self._to_change(request)
        if order.refund_state != Order.REFUND_STATE_REQUESTED:
            raise refusal("REFUND_NOT_REQUESTED", order=order.name, voucher=request.voucher)
        order.refunded.CopyFrom(request.amount)
        full = request.amount == order.paid
        order.refund_state = Order.REFUND_STATE_FULL if full else Order.REFUND_STATE_PARTIAL
        return self._record(
            order, "MONEY_MOVED", "REQUESTED", "FULL" if full else "PARTIAL", request
        )

    def explain_order(self, request: orders.ExplainOrderRequest) -> orders.OrderExplanation:
        order = self.get_order(orders.GetOrderRequest(name=request.name, ref=request.ref))
        state = Order.State.Name(order.state).removeprefix("STATE_")
        return orders.OrderExplanation(
            order=order,
            summary_en=f"The order is {state}.",
            summary_zh=f"订单状态 {state}。",
            allowed_actions=[name for name, starts, _ in MOVES.values() if state in starts],
        )

    def list_journal(self, request: orders.ListJournalRequest) -> orders.ListJournalResponse:
        self.get_order(orders.GetOrderRequest(name=request.name))
        rows = [
            row
            for row in self.journal
            if row.order == request.name and row.sequence > request.after_sequence
        ]
        page, following = page_of(rows, request)
        return orders.ListJournalResponse(entries=page, next_page_token=following)

    def list_transitions(self, _: orders.ListTransitionsRequest) -> orders.ListTransitionsResponse:
        answer = orders.ListTransitionsResponse()
        for action, starts, target in MOVES.values():
            for start in starts:
                answer.transitions.add(
                    from_state=Order.State.Value(f"STATE_{start}"),
                    action=action,
                    to_state=Order.State.Value(f"STATE_{target or start}"),
                )
        return answer

    def verify_journal(self, request: orders.VerifyJournalRequest) -> orders.VerifyJournalResponse:
        rows = [row for row in self.journal if request.name in {"", row.order}]
        return orders.VerifyJournalResponse(rows=len(rows), orders=len({row.order for row in rows}))

    def watch_orders(
        self, request: orders.WatchOrdersRequest, context: grpc.ServicerContext
    ) -> Iterator[orders.WatchOrdersResponse]:
        """Stream changes after the cursor, which is the number of changes before."""
        at = int(request.cursor) if request.cursor else len(self.journal)
        yield orders.WatchOrdersResponse(cursor=str(at))
        while not self._closed and context.is_active():
            with self._changed:
                self._changed.wait_for(lambda: self._closed or len(self.journal) > at, TICK_S)  # noqa: B023  # Called at once.
                fresh, at = self.journal[at:], len(self.journal)
            for number, row in enumerate(fresh, at - len(fresh) + 1):
                if request.name in {"", row.order}:
                    order = self.orders[row.order]
                    yield orders.WatchOrdersResponse(cursor=str(number), order=order, entry=row)

    def _to_change(self, request: Any) -> Order:  # noqa: ANN401
        order = self.get_order(orders.GetOrderRequest(name=request.name))
        if request.etag and request.etag != order.etag:
            raise refusal(
                "VERSION_CONFLICT", order=order.name, etag=order.etag, expectedEtag=request.etag
            )
        return order

    def _record(self, order: Order, kind: str, old: str, new: str, request: Any) -> Order:  # noqa: ANN401
        at = stamp(self._now())
        order.sequence += 1
        order.etag = f"v{order.sequence}"
        order.update_time.CopyFrom(at)
        if kind in {"PLACED", "MOVED"}:
            order.state_time.CopyFrom(at)
        self.journal.append(
            orders.JournalEntry(
                order=order.name,
                sequence=order.sequence,
                kind=kind,
                source="operator",
                actor="fake",
                voucher=getattr(request, "voucher", ""),
                reason=request.reason,
                old_value=old,
                new_value=new,
                occurred_time=at,
                record_time=at,
            )
        )
        return order


def _matches(wanted: str, present: Any) -> bool:  # noqa: ANN401
    return not wanted or (wanted == "*" and bool(present)) or wanted in present
