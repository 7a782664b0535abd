"""Notices: what people are told, and the work of telling them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict, Unpack

from google.protobuf.message import Message

from clients.sdk.calls import Call, M, Pages, SubClient, listed, unary
from clients.sdk.names import resource
from concord.notices.v1 import notice_service_pb2 as api
from concord.notices.v1.notice_service_pb2_grpc import NoticeServiceStub


class NoticeFilter(TypedDict, total=False):
    """Which notices to list; all that are given must hold."""

    state: api.Notice.State.ValueType
    recipient: str
    order: str
    case: str
    batch: str
    template: str
    page_size: int
    page_token: str


class Notices(SubClient[M]):
    """`NoticeService`."""

    @unary
    def get(self, name: str) -> Call[api.Notice]:
        """Return one notice with its deliveries.

        Raises:
            NoticeNotFoundError: there is none.
        """
        return _call("GetNotice", api.GetNoticeRequest(name=_name(name)))

    @listed
    def list(self, **where: Unpack[NoticeFilter]) -> Pages[api.Notice]:
        """Iterate over notices, newest first."""
        request = api.ListNoticesRequest(**where)
        request.order = resource("orders", request.order)
        request.case = resource("cases", request.case)
        request.batch = resource("batches", request.batch)
        return Pages(_call("ListNotices", request), lambda page: page.notices)

    @listed
    def inbox(self, recipient: str, *, page_size: int = 0) -> Pages[api.Notice]:
        """Iterate over what lies in an inbox, newest first: `role:finance`, `customer:buyer-7`."""
        request = api.ListInboxRequest(recipient=recipient, page_size=page_size)
        return Pages(_call("ListInbox", request), lambda page: page.notices)

    @unary
    def resend(self, name: str, *, request_id: str = "") -> Call[api.Notice]:
        """Send once more what is dead.

        Raises:
            NoticeNotFoundError: there is none.
            NoticeNotResendableError: nothing of it is dead.
        """
        request = api.ResendNoticeRequest(name=_name(name), request_id=request_id or self.ids())
        return _call("ResendNotice", request)

    @unary
    def settle(self, name: str, *, arrived: bool, request_id: str = "") -> Call[api.Notice]:
        """Say whether what is uncertain arrived; what did not is sent again.

        Raises:
            NoticeNotFoundError: there is none.
            NoticeNotUncertainError: nothing of it is uncertain.
        """
        finding = (
            api.SettleNoticeRequest.FINDING_ARRIVED
            if arrived
            else api.SettleNoticeRequest.FINDING_NOT_ARRIVED
        )
        request = api.SettleNoticeRequest(
            name=_name(name), finding=finding, request_id=request_id or self.ids()
        )
        return _call("SettleNotice", request)

    @unary
    def set_contact(
        self, recipient: str, addresses: Sequence[str], *, language: str = "", request_id: str = ""
    ) -> Call[api.Contact]:
        """Write down where somebody is reached, each `channel:address`, instead of before."""
        contact = api.Contact(recipient=recipient, addresses=addresses, language=language)
        request = api.SetContactRequest(contact=contact, request_id=request_id or self.ids())
        return _call("SetContact", request)

    @unary
    def claim(
        self, lease: str, channels: Sequence[str], *, limit: int = 0, lease_s: int = 0
    ) -> Call[api.ClaimDeliveriesResponse]:
        """Lease messages that are to be sent; the same lease again gives the same ones.

        Nothing may leave when the lease is over: what is not reported by then is uncertain.
        """
        request = api.ClaimDeliveriesRequest(
            lease=lease, channels=channels, limit=limit, lease_s=lease_s
        )
        return _call("ClaimDeliveries", request)

    @unary
    def report(
        self,
        name: str,
        lease: str,
        result: api.ReportDeliveryRequest.Result.ValueType,
        *,
        code: str = "",
        retry_after_s: int = 0,
    ) -> Call[api.ReportDeliveryResponse]:
        """Tell what came of sending a message.

        Raises:
            SendingEndedError: a person settled it, or something else was reported.
        """
        request = api.ReportDeliveryRequest(
            name=resource("sendings", name),
            lease=lease,
            result=result,
            code=code,
            retry_after_s=retry_after_s,
        )
        return _call("ReportDelivery", request)


def _name(name: str) -> str:
    return resource("notices", name)


def _call(method: str, request: Message) -> Call[Any]:
    return Call(NoticeServiceStub, method, request)
