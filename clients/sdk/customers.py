"""Customers: one person over all channels, and the merges that made it so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from clients.sdk.calls import Call, M, Pages, SubClient, listed, unary
from clients.sdk.names import resource
from clients.sdk.policy import LONG_DEADLINE_S
from concord.customers.v1 import customer_service_pb2 as api
from concord.customers.v1.customer_service_pb2_grpc import CustomerServiceStub


class Customers(SubClient[M]):
    """`CustomerService`."""

    @unary
    def get(self, name: str) -> Call[api.Customer]:
        """Return one customer with buyers, profile and merges.

        Raises:
            CustomerNotFoundError: there is none.
        """
        return _call("GetCustomer", api.GetCustomerRequest(name=_name(name)))

    @listed
    def list(
        self, *, order: str = "", key: str = "", page_size: int = 0, page_token: str = ""
    ) -> Pages[api.Customer]:
        """Iterate over customers, newest first; with `order` or `key`, over whose it is."""
        request = api.ListCustomersRequest(
            order=resource("orders", order), key=key, page_size=page_size, page_token=page_token
        )
        return Pages(_call("ListCustomers", request), lambda page: page.customers)

    @listed
    def list_orders(
        self, customer: str, *, page_size: int = 0, page_token: str = ""
    ) -> Pages[api.ListCustomerOrdersResponse.Bought]:
        """Iterate over a customer's orders over all channels, newest first.

        Raises:
            CustomerNotFoundError: there is none.
        """
        request = api.ListCustomerOrdersRequest(
            customer=_name(customer), page_size=page_size, page_token=page_token
        )
        return Pages(_call("ListCustomerOrders", request), lambda page: page.orders)

    @unary
    def merge(
        self, customer: str, other: str, reason: str, *, request_id: str = ""
    ) -> Call[api.Merge]:
        """Join two customers by hand; the one that was seen first stays.

        Raises:
            CustomerNotFoundError: there is no such customer.
            CustomersSameError: they are one already.
        """
        request = api.MergeCustomersRequest(
            customer=_name(customer),
            other=_name(other),
            reason=reason,
            request_id=request_id or self.ids(),
        )
        return _call("MergeCustomers", request)

    @unary
    def get_merge(self, name: str) -> Call[api.Merge]:
        """Return one merge with its evidence.

        Raises:
            MergeNotFoundError: there is none.
        """
        return _call("GetMerge", api.GetMergeRequest(name=_merge(name)))

    @listed
    def list_merges(
        self,
        *,
        customer: str = "",
        states: tuple[api.Merge.State.ValueType, ...] = (),
        page_size: int = 0,
        page_token: str = "",
    ) -> Pages[api.Merge]:
        """Iterate over merges and suggestions, newest first."""
        request = api.ListMergesRequest(
            customer=_name(customer), states=states, page_size=page_size, page_token=page_token
        )
        return Pages(_call("ListMerges", request), lambda page: page.merges)

    @unary
    def accept(self, name: str, *, reason: str = "", request_id: str = "") -> Call[api.Merge]:
        """SUGGESTED → MERGED.

        Raises:
            MergeNotInStateError: it is no suggestion.
        """
        request = api.AcceptMergeRequest(
            name=_merge(name), reason=reason, request_id=request_id or self.ids()
        )
        return _call("AcceptMerge", request)

    @unary
    def dismiss(self, name: str, *, reason: str = "", request_id: str = "") -> Call[api.Merge]:
        """SUGGESTED → DISMISSED: the two are not suggested again.

        Raises:
            MergeNotInStateError: it is no suggestion.
        """
        request = api.DismissMergeRequest(
            name=_merge(name), reason=reason, request_id=request_id or self.ids()
        )
        return _call("DismissMerge", request)

    @unary
    def undo(self, name: str, reason: str, *, request_id: str = "") -> Call[api.Merge]:
        """MERGED → UNDONE: who was who is restored, and the orders go back.

        Raises:
            MergeNotInStateError: it does not stand.
        """
        request = api.UndoMergeRequest(
            name=_merge(name), reason=reason, request_id=request_id or self.ids()
        )
        return _call("UndoMerge", request)

    @listed
    def list_returns(
        self,
        *,
        customer: str = "",
        channel: str = "",
        shop: str = "",
        page_size: int = 0,
        page_token: str = "",
    ) -> Pages[api.ListReturnsResponse.Return]:
        """Iterate over money that went back, each with where it was bought, newest first."""
        request = api.ListReturnsRequest(
            customer=_name(customer),
            channel=channel,
            shop=shop,
            page_size=page_size,
            page_token=page_token,
        )
        return Pages(_call("ListReturns", request), lambda page: page.returns)

    @unary
    def verify(self, *, wait: timedelta = timedelta()) -> Call[api.VerifyProfilesResponse]:
        """Compute every profile anew from the orders and compare it with the streams' view."""
        span = Duration()
        span.FromTimedelta(wait)
        request = api.VerifyProfilesRequest(wait=span)
        return Call(CustomerServiceStub, "VerifyProfiles", request, LONG_DEADLINE_S)

    @listed
    def list_coupon_uses(
        self,
        *,
        customer: str = "",
        code: str = "",
        cross_shop: bool = False,
        page_size: int = 0,
        page_token: str = "",
    ) -> Pages[api.ListCouponUsesResponse.Use]:
        """Iterate over uses of coupons, each with where it was given and used, newest first."""
        request = api.ListCouponUsesRequest(
            customer=_name(customer),
            code=code,
            cross_shop=cross_shop,
            page_size=page_size,
            page_token=page_token,
        )
        return Pages(_call("ListCouponUses", request), lambda page: page.uses)


def _name(name: str) -> str:
    return resource("customers", name)


def _merge(name: str) -> str:
    return resource("merges", name)


def _call(method: str, request: Message) -> Call[Any]:
    return Call(CustomerServiceStub, method, request)
