"""Orders: read them, ask them to move, watch them.

On `AsyncConcord` every method returns an awaitable, and lists and watches are for `async for`.
Every mutation takes `reason`, `etag` and `request_id`; without a request id a fresh one is drawn,
so that gRPC's own retries are idempotent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

from google.protobuf.message import Message
from google.type.money_pb2 import Money

from clients.sdk.calls import Call, Feed, M, Pages, SubClient, listed, unary, watched
from clients.sdk.names import resource
from clients.sdk.policy import LONG_DEADLINE_S
from concord.orders.v1 import order_pb2
from concord.orders.v1 import order_service_pb2 as api
from concord.orders.v1.order_service_pb2_grpc import OrderServiceStub


class Asked(TypedDict, total=False):
    """What every mutation may carry."""

    # Why, for the journal.
    reason: str
    # Only if nothing happened since.
    etag: str
    # A UUID; the same id and body gives the same answer again.
    request_id: str


class OrderFilter(TypedDict, total=False):
    """Which orders to list; all that are given must hold."""

    states: list[order_pb2.Order.State.ValueType]
    channel: str
    # A hold's reason, or `*` for any.
    hold_reason: str
    overdue: bool
    # A discrepancy's kind, or `*` for any.
    discrepancy: str
    tag: str
    page_size: int
    page_token: str


class Orders(SubClient[M]):
    """`OrderService`."""

    @unary
    def create(
        self, order: order_pb2.Order, *, reason: str = "", request_id: str = ""
    ) -> Call[order_pb2.Order]:
        """Make an order known; `refs`, `total` and `channel` are read.

        Raises:
            ReferenceTakenError: a reference belongs to another order.
        """
        request = api.CreateOrderRequest(
            order=order, reason=reason, request_id=request_id or self.ids()
        )
        return _call("CreateOrder", request)

    @unary
    def get(
        self, name: str = "", *, ref: order_pb2.OrderRef | None = None
    ) -> Call[order_pb2.Order]:
        """Return one order by name or by a reference.

        Raises:
            OrderNotFoundError: there is none.
        """
        return _call("GetOrder", api.GetOrderRequest(name=_name(name), ref=ref))

    @listed
    def list(self, **where: Unpack[OrderFilter]) -> Pages[order_pb2.Order]:
        """Iterate over orders, newest change first."""
        return Pages(_call("ListOrders", api.ListOrdersRequest(**where)), lambda page: page.orders)

    @unary
    def start_payment(self, name: str, **asked: Unpack[Asked]) -> Call[order_pb2.Order]:
        """The buyer began to pay."""
        return _call(
            "StartPayment", api.StartPaymentRequest(name=_name(name), **self._asked(asked))
        )

    @unary
    def confirm_payment(
        self, name: str, *, voucher: str, amount: Money, provider: str = "", **asked: Unpack[Asked]
    ) -> Call[order_pb2.Order]:
        """The money came.

        Raises:
            AmountMismatchError: it is not the order's total.
        """
        request = api.ConfirmPaymentRequest(
            name=_name(name),
            voucher=voucher,
            amount=amount,
            provider=provider,
            **self._asked(asked),
        )
        return _call("ConfirmPayment", request)

    @unary
    def allocate(
        self, name: str, *, voucher: str = "", **asked: Unpack[Asked]
    ) -> Call[order_pb2.Order]:
        """Stock is reserved."""
        request = api.AllocateOrderRequest(name=_name(name), voucher=voucher, **self._asked(asked))
        return _call("AllocateOrder", request)

    @unary
    def approve_outbound(
        self, name: str, *, voucher: str = "", **asked: Unpack[Asked]
    ) -> Call[order_pb2.Order]:
        """The outbound review passed."""
        request = api.ApproveOutboundRequest(
            name=_name(name), voucher=voucher, **self._asked(asked)
        )
        return _call("ApproveOutbound", request)

    @unary
    def ship(self, name: str, *, voucher: str, **asked: Unpack[Asked]) -> Call[order_pb2.Order]:
        """A parcel left; the voucher is its waybill.

        Raises:
            OrderOnHoldError: holds stand.
            OutboundNotApprovedError: the review has not passed.
        """
        request = api.ShipOrderRequest(name=_name(name), voucher=voucher, **self._asked(asked))
        return _call("ShipOrder", request)

    @unary
    def confirm_delivery(
        self, name: str, *, voucher: str = "", **asked: Unpack[Asked]
    ) -> Call[order_pb2.Order]:
        """A parcel arrived."""
        request = api.ConfirmDeliveryRequest(
            name=_name(name), voucher=voucher, **self._asked(asked)
        )
        return _call("ConfirmDelivery", request)

    @unary
    def complete(self, name: str, **asked: Unpack[Asked]) -> Call[order_pb2.Order]:
        """The order is done."""
        return _call(
            "CompleteOrder", api.CompleteOrderRequest(name=_name(name), **self._asked(asked))
        )

    @unary
    def cancel(self, name: str, **asked: Unpack[Asked]) -> Call[order_pb2.Order]:
        """Call the order off.

        Raises:
            IllegalTransitionError: it has left, or is cancelled.
        """
        return _call("CancelOrder", api.CancelOrderRequest(name=_name(name), **self._asked(asked)))

    @unary
    def request_refund(
        self, name: str, *, voucher: str, amount: Money, **asked: Unpack[Asked]
    ) -> Call[order_pb2.Order]:
        """Ask money back; the voucher is our refund number.

        Raises:
            RefundExceedsPaymentError: more than was paid.
        """
        request = api.RequestRefundRequest(
            name=_name(name), voucher=voucher, amount=amount, **self._asked(asked)
        )
        return _call("RequestRefund", request)

    @unary
    def refund(
        self,
        name: str,
        *,
        amount: Money,
        voucher: str = "",
        payment: str = "",
        **asked: Unpack[Asked],
    ) -> Call[order_pb2.Order]:
        """Ask the provider for the money back; it is followed until it is there.

        Raises:
            RefundExceedsPaymentError: more than is left of what was paid.
            ProviderUnknownError: no payment that a provider told of has so much left.
        """
        request = api.RefundOrderRequest(
            name=_name(name),
            voucher=voucher,
            amount=amount,
            payment=payment,
            **self._asked(asked),
        )
        return _call("RefundOrder", request)

    @unary
    def reinstate(self, name: str, **asked: Unpack[Asked]) -> Call[order_pb2.Order]:
        """CANCELLED → PAID: the order goes on after all.

        Raises:
            PaymentMissingError: it is not paid.
        """
        request = api.ReinstateOrderRequest(name=_name(name), **self._asked(asked))
        return _call("ReinstateOrder", request)

    @unary
    def confirm_refund(
        self, name: str, *, voucher: str, amount: Money, **asked: Unpack[Asked]
    ) -> Call[order_pb2.Order]:
        """Money went back.

        Raises:
            RefundNotRequestedError: nothing waits under this number.
        """
        request = api.ConfirmRefundRequest(
            name=_name(name), voucher=voucher, amount=amount, **self._asked(asked)
        )
        return _call("ConfirmRefund", request)

    @unary
    def place_hold(
        self, name: str, *, hold_reason: str, **asked: Unpack[Asked]
    ) -> Call[order_pb2.Order]:
        """Stop outbound for a reason."""
        request = api.PlaceHoldRequest(
            name=_name(name), hold_reason=hold_reason, **self._asked(asked)
        )
        return _call("PlaceHold", request)

    @unary
    def release_hold(
        self, name: str, *, hold_id: str, **asked: Unpack[Asked]
    ) -> Call[order_pb2.Order]:
        """End one hold.

        Raises:
            HoldNotFoundError: it does not stand.
        """
        request = api.ReleaseHoldRequest(name=_name(name), hold_id=hold_id, **self._asked(asked))
        return _call("ReleaseHold", request)

    @unary
    def set_milestone(
        self, name: str, milestone: str, **asked: Unpack[Asked]
    ) -> Call[order_pb2.Order]:
        """Set the named sub-state; empty clears it."""
        request = api.SetMilestoneRequest(
            name=_name(name), milestone=milestone, **self._asked(asked)
        )
        return _call("SetMilestone", request)

    @unary
    def tag(
        self,
        tag: str,
        *,
        names: Sequence[str] = (),
        refs: Sequence[order_pb2.OrderRef] = (),
        request_id: str = "",
        reason: str = "",
    ) -> Call[api.TagOrdersResponse]:
        """Put a tag on at most 500 orders; the answer names those that are not there."""
        request = api.TagOrdersRequest(
            names=[_name(each) for each in names],
            refs=refs,
            tag=tag,
            request_id=request_id or self.ids(),
            reason=reason,
        )
        return _call("TagOrders", request)

    @unary
    def untag(
        self,
        tag: str,
        *,
        names: Sequence[str] = (),
        refs: Sequence[order_pb2.OrderRef] = (),
        request_id: str = "",
        reason: str = "",
    ) -> Call[api.TagOrdersResponse]:
        """Take a tag off at most 500 orders."""
        request = api.UntagOrdersRequest(
            names=[_name(each) for each in names],
            refs=refs,
            tag=tag,
            request_id=request_id or self.ids(),
            reason=reason,
        )
        return _call("UntagOrders", request)

    @watched
    def watch(
        self, name: str = "", *, channel: str = "", cursor: str = ""
    ) -> Feed[api.WatchOrdersResponse]:
        """Iterate over changes from the cursor on; resumes by itself after a break."""
        request = api.WatchOrdersRequest(name=_name(name), channel=channel, cursor=cursor)
        return Feed(_call("WatchOrders", request), is_news=_is_change)

    @unary
    def explain(
        self, name: str = "", *, ref: order_pb2.OrderRef | None = None
    ) -> Call[api.OrderExplanation]:
        """Say what is true, by which evidence, who disagrees and what is awaited."""
        return _call("ExplainOrder", api.ExplainOrderRequest(name=_name(name), ref=ref))

    @listed
    def list_journal(
        self,
        name: str,
        *,
        after_sequence: int = 0,
        with_events: bool = False,
        page_size: int = 0,
        page_token: str = "",
    ) -> Pages[api.JournalEntry]:
        """Iterate over the order's journal, oldest first."""
        request = api.ListJournalRequest(
            name=_name(name),
            after_sequence=after_sequence,
            with_events=with_events,
            page_size=page_size,
            page_token=page_token,
        )
        return Pages(_call("ListJournal", request), lambda page: page.entries)

    @unary
    def list_transitions(self) -> Call[api.ListTransitionsResponse]:
        """Return the lifecycle table as the server applies it."""
        return _call("ListTransitions", api.ListTransitionsRequest())

    @unary
    def verify_journal(self, name: str = "") -> Call[api.VerifyJournalResponse]:
        """Check the hash chain of one order, or of all."""
        request = api.VerifyJournalRequest(name=_name(name))
        return _call("VerifyJournal", request, timeout_s=LONG_DEADLINE_S)

    def _asked(self, asked: Asked) -> Asked:
        """Return the mutation's common fields with a request id in any case."""
        return {**asked, "request_id": asked.get("request_id") or self.ids()}


def _name(name: str) -> str:
    return resource("orders", name)


def _call(method: str, request: Message, timeout_s: float | None = None) -> Call[Any]:
    return Call(OrderServiceStub, method, request, timeout_s)


def _is_change(answer: api.WatchOrdersResponse) -> bool:
    return answer.HasField("order")
