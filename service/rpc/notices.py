"""Serves `NoticeService`: what people are told, and the work of telling them."""

import re
from datetime import timedelta
from typing import Final

import grpc

from concord.notices.v1 import notice_service_pb2 as pb
from concord.notices.v1 import notice_service_pb2_grpc
from service.application.notice_ports import Contact, NoticeQuery, NoticeReader
from service.application.noticing import Claiming, Noticing
from service.domain.desk.grouping import CHANNELS
from service.domain.desk.messages import LANGUAGES
from service.domain.desk.notices import (
    GIVE_UP_AFTER,
    INBOX,
    Notice,
    NoticeState,
    SendReport,
    SendResult,
    resent,
    settled,
)
from service.rpc.calling import Mutations, Work
from service.rpc.notice_answers import (
    contact_message,
    delivery_message,
    notice_message,
    sending_message,
)
from service.rpc.violations import Violations
from service.telemetry import Metrics

PAGE_SIZE: Final = 50
PAGE_SIZE_MAX: Final = 500
CLAIM: Final = 10
CLAIM_MAX: Final = 100
LEASE_S: Final = 60
LEASE_S_LEAST: Final = 5
LEASE_S_MAX: Final = 300
CODE_MAX: Final = 64
ADDRESSES_MAX: Final = 20
ADDRESS_MAX: Final = 320
SENDABLE: Final = frozenset(CHANNELS) - {INBOX}

_RECIPIENT: Final = re.compile(r"(role|customer|order):.{1,190}")


class NoticeServicer(notice_service_pb2_grpc.NoticeServiceServicer):
    """Reads requests, asks the use cases, writes answers. Refusals pass through."""

    def __init__(
        self, mutations: Mutations, noticing: Noticing, reader: NoticeReader, metrics: Metrics
    ) -> None:
        """Take the use cases, and what counts deliveries."""
        self._mutations = mutations
        self._noticing = noticing
        self._reader = reader
        self._metrics = metrics

    def GetNotice(self, request: pb.GetNoticeRequest, context: grpc.ServicerContext) -> pb.Notice:
        """Return one notice with its deliveries."""
        read = Violations()
        notice_id = read.resource("name", request.name, "notices")
        read.refuse()
        return notice_message(self._reader.notice(notice_id))

    def ListNotices(
        self, request: pb.ListNoticesRequest, context: grpc.ServicerContext
    ) -> pb.ListNoticesResponse:
        """List notices, newest first."""
        read = Violations()
        numbers = {pb.Notice.State.Value(f"STATE_{each.value}"): each for each in NoticeState}
        if request.state and request.state not in numbers:
            read.add("state", "send a state of a notice, such as STATE_UNCERTAIN")
        query = NoticeQuery(
            page_size=_size(read, request.page_size),
            page_token=request.page_token,
            state=numbers.get(request.state),
            recipient=read.text("recipient", request.recipient),
            order_id=_optional(read, "order", request.order, "orders"),
            case_id=_optional(read, "case", request.case, "cases"),
            batch_id=_optional(read, "batch", request.batch, "batches"),
            template=read.text("template", request.template),
        )
        read.refuse()
        found, token = self._reader.notices(query)
        return pb.ListNoticesResponse(
            notices=[notice_message(each) for each in found], next_page_token=token
        )

    def ListInbox(
        self, request: pb.ListInboxRequest, context: grpc.ServicerContext
    ) -> pb.ListInboxResponse:
        """List what lies in an inbox of ours, newest first."""
        read = Violations()
        query = NoticeQuery(
            page_size=_size(read, request.page_size),
            page_token=request.page_token,
            inbox=read.text("recipient", request.recipient, needed=True),
        )
        read.refuse()
        found, token = self._reader.notices(query)
        return pb.ListInboxResponse(
            notices=[notice_message(each) for each in found], next_page_token=token
        )

    def ResendNotice(
        self, request: pb.ResendNoticeRequest, context: grpc.ServicerContext
    ) -> pb.Notice:
        """Send what is dead once more."""

        def work(tools: Work) -> pb.Notice:
            return _kept(tools, resent(_locked(tools, request.name), at=tools.at))

        return self._mutations.run(request, context, pb.Notice, work)

    def SettleNotice(
        self, request: pb.SettleNoticeRequest, context: grpc.ServicerContext
    ) -> pb.Notice:
        """Take what a person found out about what is uncertain."""
        arrived = request.finding == pb.SettleNoticeRequest.FINDING_ARRIVED

        def work(tools: Work) -> pb.Notice:
            read = Violations()
            if request.finding not in (
                pb.SettleNoticeRequest.FINDING_ARRIVED,
                pb.SettleNoticeRequest.FINDING_NOT_ARRIVED,
            ):
                read.add("finding", "send FINDING_ARRIVED or FINDING_NOT_ARRIVED")
            read.refuse()
            return _kept(tools, settled(_locked(tools, request.name), arrived=arrived, at=tools.at))

        return self._mutations.run(request, context, pb.Notice, work)

    def SetContact(
        self, request: pb.SetContactRequest, context: grpc.ServicerContext
    ) -> pb.Contact:
        """Write down where somebody is reached."""

        def work(tools: Work) -> pb.Contact:
            contact = _contact(request.contact)
            tools.unit.set_contact(contact, at=tools.at)
            return contact_message(contact)

        return self._mutations.run(request, context, pb.Contact, work)

    def ClaimDeliveries(
        self, request: pb.ClaimDeliveriesRequest, context: grpc.ServicerContext
    ) -> pb.ClaimDeliveriesResponse:
        """Lease deliveries that are due, as messages."""
        read = Violations()
        lease = read.uuid("lease", read.text("lease", request.lease, needed=True))
        for at, name in enumerate(request.channels):
            if name not in SENDABLE:
                read.add(f"channels[{at}]", f"send one of: {', '.join(sorted(SENDABLE))}")
        if not request.channels:
            read.add("channels", "name those that you can send to")
        most = read.number("limit", request.limit, most=CLAIM_MAX, default=CLAIM)
        lease_s = request.lease_s or LEASE_S
        if not LEASE_S_LEAST <= lease_s <= LEASE_S_MAX:
            read.add("lease_s", f"send {LEASE_S_LEAST} to {LEASE_S_MAX}, or 0 for {LEASE_S}")
        read.refuse()
        claimed = self._noticing.claim(
            Claiming(lease, tuple(request.channels), most, timedelta(seconds=lease_s))
        )
        return pb.ClaimDeliveriesResponse(sendings=[sending_message(each) for each in claimed])

    def ReportDelivery(
        self, request: pb.ReportDeliveryRequest, context: grpc.ServicerContext
    ) -> pb.ReportDeliveryResponse:
        """Take what came of an attempt."""
        read = Violations()
        sending_id = read.resource("name", request.name, "sendings")
        lease = read.uuid("lease", read.text("lease", request.lease, needed=True))
        code = read.text("code", request.code, longest=CODE_MAX)
        numbers = {
            pb.ReportDeliveryRequest.Result.Value(f"RESULT_{each.value}"): each
            for each in SendResult
        }
        if request.result not in numbers:
            read.add("result", "send what it brought, such as RESULT_SENT")
        if request.retry_after_s < 0:
            read.add("retry_after_s", "send 0 or more")
        read.refuse()
        wait = min(timedelta(seconds=request.retry_after_s), GIVE_UP_AFTER)
        result = numbers[request.result]
        after = self._noticing.report(sending_id, SendReport(lease, result, code, wait))
        self._metrics.notice_sendings.labels(after.channel, result.value).inc()
        return pb.ReportDeliveryResponse(
            deliveries=[delivery_message(each) for each in after.deliveries]
        )


def _size(read: Violations, asked: int) -> int:
    return read.number("page_size", asked, most=PAGE_SIZE_MAX, default=PAGE_SIZE)


def _optional(read: Violations, path: str, value: str, collection: str) -> str:
    return read.resource(path, value, collection) if value else ""


def _locked(tools: Work, name: str) -> Notice:
    read = Violations()
    notice_id = read.resource("name", name, "notices")
    read.refuse()
    return tools.unit.lock_notice(notice_id)


def _kept(tools: Work, notice: Notice) -> pb.Notice:
    tools.unit.keep_notice(notice)
    return notice_message(notice)


def _contact(message: pb.Contact) -> Contact:
    read = Violations()
    recipient = read.text("contact.recipient", message.recipient, needed=True)
    if not _RECIPIENT.fullmatch(recipient):
        read.add("contact.recipient", "send role:NAME, customer:ID or order:ID")
    if len(message.addresses) > ADDRESSES_MAX:
        read.add("contact.addresses", f"send at most {ADDRESSES_MAX}")
    if message.language and message.language not in LANGUAGES:
        read.add("contact.language", f"send one of: {', '.join(LANGUAGES)}")
    addresses = []
    for at, each in enumerate(message.addresses):
        path = f"contact.addresses[{at}]"
        channel, _, address = read.text(path, each, longest=ADDRESS_MAX).partition(":")
        if channel not in SENDABLE or not address:
            read.add(path, f"send CHANNEL:ADDRESS, of {', '.join(sorted(SENDABLE))}")
        addresses.append((channel, address))
    read.refuse()
    return Contact(recipient, tuple(addresses), message.language)
