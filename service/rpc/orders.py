"""Serves `OrderService`: typed reads and transitions."""

import time
from collections.abc import Callable, Iterator
from threading import BoundedSemaphore
from typing import Any, Final

import grpc

from concord.orders.v1 import order_pb2, order_service_pb2_grpc
from concord.orders.v1 import order_service_pb2 as pb
from service.application.commands import Ask, Commands, Details
from service.application.explaining import explain
from service.application.ports import Clock
from service.application.reading import Reader
from service.application.tagging import Tagging
from service.domain.lifecycle import CORRECTIONS, LIFECYCLE, Action, State
from service.domain.order import Order
from service.rpc.calling import Mutations, Work
from service.rpc.handling import handling_entry
from service.rpc.order_answers import explanation_message, journal_message
from service.rpc.order_requests import (
    MILESTONE_MAX,
    read_ask,
    read_creation,
    read_details,
    read_query,
    read_ref,
    read_refund,
)
from service.rpc.probe_answers import verified_orders
from service.rpc.tags import tag_orders
from service.rpc.violations import Violations
from service.rpc.watching import place
from service.telemetry import annotate
from service.wire import order_message, state_number

JOURNAL_PAGE: Final = 200
JOURNAL_PAGE_MAX: Final = 1_000
# A watcher sees a change within this time of its commit.
WATCH_POLL_S: Final = 0.2
# A cursor goes out at least this often, so that a resumed watch has little to read again.
WATCH_CURSOR_S: Final = 5.0
WATCH_BATCH: Final = 500


class OrderServicer(order_service_pb2_grpc.OrderServiceServicer):
    """Reads requests, asks the use cases, writes answers. Refusals pass through."""

    def __init__(
        self, mutations: Mutations, reader: Reader, clock: Clock, watchers: BoundedSemaphore
    ) -> None:
        """Take the use cases, and the places for open streams."""
        self._mutations = mutations
        self._reader = reader
        self._clock = clock
        self._watchers = watchers

    def CreateOrder(
        self, request: pb.CreateOrderRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """Make an order known."""

        def work(tools: Work) -> order_pb2.Order:
            command = read_creation(request, tools)
            return order_message(tools.commands.create(command))

        return _told(self._mutations.run(request, context, order_pb2.Order, work))

    def GetOrder(
        self, request: pb.GetOrderRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """Return one order, with what was done about it."""
        found = self._find(request)
        (message,) = verified_orders(self._reader, [found])
        handling = self._reader.handling(found.order_id)
        message.handling.extend(handling_entry(each) for each in handling)
        return _told(message)

    def ListOrders(
        self, request: pb.ListOrdersRequest, context: grpc.ServicerContext
    ) -> pb.ListOrdersResponse:
        """List orders, newest change first."""
        page = self._reader.orders(read_query(request, self._clock()))
        return pb.ListOrdersResponse(
            orders=verified_orders(self._reader, page.rows), next_page_token=page.next_token
        )

    def StartPayment(
        self, request: pb.StartPaymentRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """PENDING_PAYMENT → PAYING."""
        return self._advance(request, context, Action.START_PAYMENT)

    def ConfirmPayment(
        self, request: pb.ConfirmPaymentRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """PAYING → PAID."""
        return self._advance(request, context, Action.CONFIRM_PAYMENT, request.provider)

    def AllocateOrder(
        self, request: pb.AllocateOrderRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """PAID → AWAITING_OUTBOUND."""
        return self._advance(request, context, Action.ALLOCATE)

    def ApproveOutbound(
        self, request: pb.ApproveOutboundRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """AWAITING_OUTBOUND, stays there."""
        return self._advance(request, context, Action.APPROVE_OUTBOUND)

    def ShipOrder(
        self, request: pb.ShipOrderRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """AWAITING_OUTBOUND → SHIPPING."""
        return self._advance(request, context, Action.SHIP)

    def ConfirmDelivery(
        self, request: pb.ConfirmDeliveryRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """SHIPPING → DELIVERED."""
        return self._advance(request, context, Action.CONFIRM_DELIVERY)

    def CompleteOrder(
        self, request: pb.CompleteOrderRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """DELIVERED → COMPLETED."""
        return self._advance(request, context, Action.COMPLETE)

    def CancelOrder(
        self, request: pb.CancelOrderRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """Before SHIPPING → CANCELLED."""
        return self._advance(request, context, Action.CANCEL)

    def RequestRefund(
        self, request: pb.RequestRefundRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """Ask money back."""
        return self._change(
            request,
            context,
            lambda commands, ask, read: commands.request_refund(ask, _money(request, read)),
        )

    def RefundOrder(
        self, request: pb.RefundOrderRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """Ask the provider for the money back."""

        def change(commands: Commands, ask: Ask, read: Violations) -> Order:
            return commands.refund(ask, read_refund(request, ask, read))

        return self._change(request, context, change)

    def ReinstateOrder(
        self, request: pb.ReinstateOrderRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """CANCELLED → PAID."""
        return self._advance(request, context, Action.REINSTATE)

    def ConfirmRefund(
        self, request: pb.ConfirmRefundRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """Money went back."""
        return self._change(
            request,
            context,
            lambda commands, ask, read: commands.confirm_refund(ask, _money(request, read)),
        )

    def PlaceHold(
        self, request: pb.PlaceHoldRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """Stop outbound for a reason."""

        def change(commands: Commands, ask: Ask, read: Violations) -> Order:
            reason = read.text("hold_reason", request.hold_reason, longest=64, needed=True)
            read.refuse()
            return commands.place_hold(ask, reason)

        return self._change(request, context, change)

    def ReleaseHold(
        self, request: pb.ReleaseHoldRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """End one hold."""

        def change(commands: Commands, ask: Ask, read: Violations) -> Order:
            hold_id = read.text("hold_id", request.hold_id, needed=True)
            read.refuse()
            return commands.release_hold(ask, hold_id)

        return self._change(request, context, change)

    def SetMilestone(
        self, request: pb.SetMilestoneRequest, context: grpc.ServicerContext
    ) -> order_pb2.Order:
        """Set or clear the named sub-state."""

        def change(commands: Commands, ask: Ask, read: Violations) -> Order:
            milestone = read.text("milestone", request.milestone, longest=MILESTONE_MAX)
            read.refuse()
            return commands.set_milestone(ask, milestone)

        return self._change(request, context, change)

    def TagOrders(
        self, request: pb.TagOrdersRequest, context: grpc.ServicerContext
    ) -> pb.TagOrdersResponse:
        """Put a tag on orders."""
        return tag_orders(self._mutations, request, context, Tagging.add)

    def UntagOrders(
        self, request: pb.UntagOrdersRequest, context: grpc.ServicerContext
    ) -> pb.TagOrdersResponse:
        """Take a tag off orders."""
        return tag_orders(self._mutations, request, context, Tagging.remove)

    def WatchOrders(
        self, request: pb.WatchOrdersRequest, context: grpc.ServicerContext
    ) -> Iterator[pb.WatchOrdersResponse]:
        """Stream changes from a cursor on."""
        read = Violations()
        order_id = read.resource("name", request.name, "orders") if request.name else ""
        channel = read.word("channel", request.channel, needed=False)
        read.refuse()
        with place(self._watchers):
            yield from self._watch(request.cursor, order_id, channel, context)

    def ExplainOrder(
        self, request: pb.ExplainOrderRequest, context: grpc.ServicerContext
    ) -> pb.OrderExplanation:
        """Say what is true, why, who disagrees and what is awaited."""
        order_id = self._find(request).order_id
        annotate(order=order_id)
        return explanation_message(explain(self._reader, order_id))

    def ListJournal(
        self, request: pb.ListJournalRequest, context: grpc.ServicerContext
    ) -> pb.ListJournalResponse:
        """List the order's journal, oldest first."""
        read = Violations()
        order_id = read.resource("name", request.name, "orders")
        size = read.number(
            "page_size", request.page_size, most=JOURNAL_PAGE_MAX, default=JOURNAL_PAGE
        )
        after = request.after_sequence
        if after < 0:
            read.add("after_sequence", "send 0 or more")
        read.refuse()
        page = self._reader.journal(
            order_id, after=after, page_size=size, page_token=request.page_token
        )
        return pb.ListJournalResponse(
            entries=[journal_message(each, with_event=request.with_events) for each in page.rows],
            next_page_token=page.next_token,
        )

    def ListTransitions(
        self, request: pb.ListTransitionsRequest, context: grpc.ServicerContext
    ) -> pb.ListTransitionsResponse:
        """Return the lifecycle table."""
        moves = [
            (state, action, target, evidence_only)
            for table, evidence_only in ((LIFECYCLE, False), (CORRECTIONS, True))
            for state, actions in table.items()
            for action, target in actions.items()
        ]
        return pb.ListTransitionsResponse(transitions=[_transition(*each) for each in moves])

    def VerifyJournal(
        self, request: pb.VerifyJournalRequest, context: grpc.ServicerContext
    ) -> pb.VerifyJournalResponse:
        """Check hash chains, and name the first bad row."""
        read = Violations()
        order_id = read.resource("name", request.name, "orders") if request.name else ""
        read.refuse()
        if order_id:
            self._reader.order(order_id)
        report = self._reader.verify_chain(order_id)
        bad = report.first_bad
        return pb.VerifyJournalResponse(
            rows=report.rows,
            orders=report.orders,
            first_bad=journal_message(bad, with_event=False) if bad else None,
            problem=report.problem,
        )

    def _advance(
        self,
        request: Any,  # noqa: ANN401  # the request of any action
        context: grpc.ServicerContext,
        action: Action,
        source: str = "",
    ) -> order_pb2.Order:
        def change(commands: Commands, ask: Ask, read: Violations) -> Order:
            details = read_details(request, read)
            told_by = read.word("provider", source) if source else ask.source
            read.refuse()
            return commands.advance(ask.told_by(told_by), action, details)

        return self._change(request, context, change)

    def _change(
        self,
        request: Any,  # noqa: ANN401  # the request of any mutation
        context: grpc.ServicerContext,
        change: Callable[[Commands, Ask, Violations], Order],
    ) -> order_pb2.Order:
        def work(tools: Work) -> order_pb2.Order:
            read = Violations()
            ask = read_ask(request, tools, read)
            return order_message(change(tools.commands, ask, read))

        return _told(self._mutations.change(request, context, order_pb2.Order, work))

    def _find(self, request: Any) -> Order:  # noqa: ANN401  # a request with name or ref
        read = Violations()
        if request.name or not request.HasField("ref"):
            order_id = read.resource("name", request.name, "orders")
            read.refuse()
            return self._reader.order(order_id)
        ref = read_ref("ref", request.ref, read)
        read.refuse()
        return self._reader.order_by_ref(ref)

    def _watch(
        self, cursor: str, order_id: str, channel: str, context: grpc.ServicerContext
    ) -> Iterator[pb.WatchOrdersResponse]:
        cursor = cursor or self._reader.feed_start()
        told_at = time.monotonic()
        yield pb.WatchOrdersResponse(cursor=cursor)
        while context.is_active():
            page = self._reader.feed(cursor, order_id=order_id, channel=channel, most=WATCH_BATCH)
            for item in page.rows:
                annotate(order=item.order.order_id, traceparent=item.line.traceparent)
                yield pb.WatchOrdersResponse(
                    cursor=item.cursor,
                    order=order_message(item.order),
                    entry=journal_message(item.line, with_event=False),
                )
                told_at = time.monotonic()
            moved, cursor = page.next_token != cursor, page.next_token
            if time.monotonic() - told_at > WATCH_CURSOR_S:
                told_at = time.monotonic()
                yield pb.WatchOrdersResponse(cursor=cursor)
            if not moved:
                time.sleep(WATCH_POLL_S)


def _money(request: Any, read: Violations) -> Details:  # noqa: ANN401  # a refund's request
    details = read_details(request, read)
    read.refuse()
    return details


def _told(order: order_pb2.Order) -> order_pb2.Order:
    annotate(order=order.name.removeprefix("orders/"))
    return order


def _transition(
    state: State,
    action: Action,
    target: State,
    evidence_only: bool,  # noqa: FBT001  # a column of the table
) -> pb.ListTransitionsResponse.Transition:
    return pb.ListTransitionsResponse.Transition(
        from_state=state_number(state),
        action=action.value,
        to_state=state_number(target),
        evidence_only=evidence_only,
    )
