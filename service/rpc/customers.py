"""Serves `CustomerService`: one person over all channels."""

from collections.abc import Callable
from typing import Any, Final

import grpc

from concord.customers.v1 import customer_service_pb2 as pb
from concord.customers.v1 import customer_service_pb2_grpc
from service.application.knowing import Deciding
from service.application.people_reading import (
    CouponQuery,
    CustomerQuery,
    MergeQuery,
    PeopleReader,
    ReturnQuery,
)
from service.application.ports import Clock
from service.application.profiling import ProfileVerifier
from service.domain.customers.people import Merge, MergeState
from service.rpc import customer_answers as answers
from service.rpc.calling import Mutations, Work
from service.rpc.insight_requests import verify_wait
from service.rpc.violations import REASON_MAX, Violations

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500

Act = Callable[[Deciding, str, str], Merge]


class CustomerServicer(customer_service_pb2_grpc.CustomerServiceServicer):
    """Reads requests, asks the use cases, writes answers. Refusals pass through."""

    def __init__(
        self,
        mutations: Mutations,
        reader: PeopleReader,
        verifier: ProfileVerifier,
        clock: Clock,
    ) -> None:
        """Take the use cases."""
        self._mutations = mutations
        self._reader = reader
        self._verifier = verifier
        self._clock = clock

    def GetCustomer(
        self, request: pb.GetCustomerRequest, context: grpc.ServicerContext
    ) -> pb.Customer:
        """Return one customer with buyers, profile and merges."""
        read = Violations()
        name = read.resource("name", request.name, answers.CUSTOMERS)
        read.refuse()
        return answers.customer_message(self._reader.customer(name, now=self._clock()))

    def ListCustomers(
        self, request: pb.ListCustomersRequest, context: grpc.ServicerContext
    ) -> pb.ListCustomersResponse:
        """List customers, newest first."""
        read = Violations()
        query = CustomerQuery(
            page_size=_page_size(request, read),
            page_token=request.page_token,
            order_id=_named(read, "order", request.order, "orders"),
            key=read.text("key", request.key),
        )
        read.refuse()
        page = self._reader.customers(query)
        return pb.ListCustomersResponse(
            customers=[answers.customer_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def ListCustomerOrders(
        self, request: pb.ListCustomerOrdersRequest, context: grpc.ServicerContext
    ) -> pb.ListCustomerOrdersResponse:
        """List the orders of a customer over all channels."""
        read = Violations()
        name = read.resource("customer", request.customer, answers.CUSTOMERS)
        size = _page_size(request, read)
        read.refuse()
        page = self._reader.orders(name, page_size=size, page_token=request.page_token)
        return pb.ListCustomerOrdersResponse(
            orders=[answers.bought_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def MergeCustomers(
        self, request: pb.MergeCustomersRequest, context: grpc.ServicerContext
    ) -> pb.Merge:
        """Join two customers by hand."""

        def work(tools: Work) -> pb.Merge:
            read = Violations()
            one = read.resource("customer", request.customer, answers.CUSTOMERS)
            other = read.resource("other", request.other, answers.CUSTOMERS)
            reason = read.text("reason", request.reason, longest=REASON_MAX, needed=True)
            read.refuse()
            return answers.merge_message(_deciding(tools).merge(one, other, reason))

        return self._mutations.run(request, context, pb.Merge, work)

    def GetMerge(self, request: pb.GetMergeRequest, context: grpc.ServicerContext) -> pb.Merge:
        """Return one merge with its evidence."""
        read = Violations()
        name = read.resource("name", request.name, answers.MERGES)
        read.refuse()
        return answers.merge_message(self._reader.merge(name))

    def ListMerges(
        self, request: pb.ListMergesRequest, context: grpc.ServicerContext
    ) -> pb.ListMergesResponse:
        """List merges and suggestions, newest first."""
        read = Violations()
        query = MergeQuery(
            page_size=_page_size(request, read),
            page_token=request.page_token,
            states=_states(request, read),
            customer_id=_named(read, "customer", request.customer, answers.CUSTOMERS),
        )
        read.refuse()
        page = self._reader.merges(query)
        return pb.ListMergesResponse(
            merges=[answers.merge_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def AcceptMerge(
        self, request: pb.AcceptMergeRequest, context: grpc.ServicerContext
    ) -> pb.Merge:
        """SUGGESTED → MERGED."""
        return self._decide(request, context, Deciding.accept)

    def DismissMerge(
        self, request: pb.DismissMergeRequest, context: grpc.ServicerContext
    ) -> pb.Merge:
        """SUGGESTED → DISMISSED."""
        return self._decide(request, context, Deciding.dismiss)

    def UndoMerge(self, request: pb.UndoMergeRequest, context: grpc.ServicerContext) -> pb.Merge:
        """MERGED → UNDONE."""
        return self._decide(request, context, Deciding.undo, needs_reason=True)

    def ListReturns(
        self, request: pb.ListReturnsRequest, context: grpc.ServicerContext
    ) -> pb.ListReturnsResponse:
        """List money that went back, with where it was bought."""
        read = Violations()
        query = ReturnQuery(
            page_size=_page_size(request, read),
            page_token=request.page_token,
            customer_id=_named(read, "customer", request.customer, answers.CUSTOMERS),
            channel=read.word("channel", request.channel, needed=False),
            shop=read.text("shop", request.shop),
        )
        read.refuse()
        page = self._reader.returns(query)
        return pb.ListReturnsResponse(
            returns=[answers.return_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def VerifyProfiles(
        self, request: pb.VerifyProfilesRequest, context: grpc.ServicerContext
    ) -> pb.VerifyProfilesResponse:
        """Compute all profiles anew from the orders and compare them with the view."""
        wait = verify_wait(request)
        return answers.verification(self._verifier.verify(wait.total_seconds()))

    def ListCouponUses(
        self, request: pb.ListCouponUsesRequest, context: grpc.ServicerContext
    ) -> pb.ListCouponUsesResponse:
        """List uses of coupons, each with where it was given and where it was used."""
        read = Violations()
        query = CouponQuery(
            page_size=_page_size(request, read),
            page_token=request.page_token,
            customer_id=_named(read, "customer", request.customer, answers.CUSTOMERS),
            code=read.text("code", request.code),
            is_cross_shop=request.cross_shop,
        )
        read.refuse()
        page = self._reader.coupon_uses(query)
        return pb.ListCouponUsesResponse(
            uses=[answers.coupon_message(each) for each in page.rows],
            next_page_token=page.next_token,
        )

    def _decide(
        self,
        request: Any,  # noqa: ANN401  # the request of any act on a merge
        context: grpc.ServicerContext,
        act: Act,
        *,
        needs_reason: bool = False,
    ) -> pb.Merge:
        def work(tools: Work) -> pb.Merge:
            read = Violations()
            name = read.resource("name", request.name, answers.MERGES)
            reason = read.text("reason", request.reason, longest=REASON_MAX, needed=needs_reason)
            read.refuse()
            return answers.merge_message(act(_deciding(tools), name, reason))

        return self._mutations.run(request, context, pb.Merge, work)


def _deciding(tools: Work) -> Deciding:
    return Deciding(tools.unit, tools.origin.actor, tools.at)


def _page_size(request: Any, read: Violations) -> int:  # noqa: ANN401  # any list's request
    return read.number("page_size", request.page_size, most=PAGE_SIZE_MAX, default=PAGE_SIZE)


def _named(read: Violations, path: str, value: str, collection: str) -> str:
    return read.resource(path, value, collection) if value else ""


def _states(request: pb.ListMergesRequest, read: Violations) -> tuple[MergeState, ...]:
    known = pb.Merge.State.values()
    if any(each == 0 or each not in known for each in request.states):
        read.add("states", "send known states")
        return ()
    names = [pb.Merge.State.Name(each).removeprefix("STATE_") for each in request.states]
    return tuple(MergeState(each) for each in names)
