"""Purchases: what purchasing was asked to get, because an order could not be served."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from google.protobuf.message import Message

from clients.sdk.calls import Call, M, Pages, SubClient, listed, unary
from clients.sdk.names import resource
from clients.sdk.queues import timestamp
from concord.cases.v1 import case_service_pb2 as api
from concord.cases.v1.case_service_pb2_grpc import CaseServiceStub


class Purchases(SubClient[M]):
    """The part of `CaseService` that purchasing uses."""

    @listed
    def list(
        self,
        case: str = "",
        *,
        include_closed: bool = False,
        page_size: int = 0,
        page_token: str = "",
    ) -> Pages[api.PurchaseRequest]:
        """Iterate over purchase requests, oldest first."""
        request = api.ListPurchaseRequestsRequest(
            case=resource("cases", case),
            include_closed=include_closed,
            page_size=page_size,
            page_token=page_token,
        )
        return Pages(_call("ListPurchaseRequests", request), lambda page: page.purchase_requests)

    @unary
    def answer(
        self,
        name: str,
        state: api.PurchaseRequest.State.ValueType,
        *,
        expected: datetime | None = None,
        note: str = "",
        request_id: str = "",
    ) -> Call[api.PurchaseRequest]:
        """Say what becomes of a purchase request; the case that waits for it goes on by itself.

        Raises:
            PurchaseRequestNotFoundError: there is none.
        """
        request = api.AnswerPurchaseRequestRequest(
            name=resource("purchaseRequests", name),
            state=state,
            expect_time=timestamp(expected),
            note=note,
            request_id=request_id or self.ids(),
        )
        return _call("AnswerPurchaseRequest", request)


def _call(method: str, request: Message) -> Call[Any]:
    return Call(CaseServiceStub, method, request)
