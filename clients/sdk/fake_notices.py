"""The fake service's notices: put there by a test, claimed, reported, resent and settled."""

from __future__ import annotations

from clients.sdk.fake_memory import page_of, refusal
from clients.sdk.fake_orders import FakeOrders
from concord.notices.v1 import notice_service_pb2 as api

AFTER = {
    api.ReportDeliveryRequest.RESULT_SENT: api.Delivery.STATE_SENT,
    api.ReportDeliveryRequest.RESULT_NOT_SENT: api.Delivery.STATE_WAITING,
    api.ReportDeliveryRequest.RESULT_THROTTLED: api.Delivery.STATE_WAITING,
    api.ReportDeliveryRequest.RESULT_REFUSED: api.Delivery.STATE_DEAD,
    api.ReportDeliveryRequest.RESULT_UNCERTAIN: api.Delivery.STATE_UNCERTAIN,
}
# What needs a person most comes first.
WORST = (
    (api.Delivery.STATE_UNCERTAIN, api.Notice.STATE_UNCERTAIN),
    (api.Delivery.STATE_DEAD, api.Notice.STATE_DEAD),
    (api.Delivery.STATE_WAITING, api.Notice.STATE_WAITING),
    (api.Delivery.STATE_SENDING, api.Notice.STATE_WAITING),
    (api.Delivery.STATE_SENT, api.Notice.STATE_SENT),
)


class FakeNotices(FakeOrders):
    """Notices; each delivery is a message of its own, and waits for nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.notices: dict[str, api.Notice] = {}
        self.contacts: dict[str, api.Contact] = {}
        self._leases: dict[str, api.ClaimDeliveriesResponse] = {}

    def get_notice(self, request: api.GetNoticeRequest) -> api.Notice:
        if request.name not in self.notices:
            raise refusal("NOTICE_NOT_FOUND", notice=request.name)
        return self.notices[request.name]

    def list_notices(self, request: api.ListNoticesRequest) -> api.ListNoticesResponse:
        chosen = [
            notice
            for notice in reversed(self.notices.values())
            if request.state in {0, notice.state}
            and all(
                getattr(request, name) in {"", getattr(notice, name)}
                for name in ("recipient", "order", "case", "batch", "template")
            )
        ]
        page, following = page_of(chosen, request)
        return api.ListNoticesResponse(notices=page, next_page_token=following)

    def list_inbox(self, request: api.ListInboxRequest) -> api.ListInboxResponse:
        chosen = [
            notice
            for notice in reversed(self.notices.values())
            if any(
                (each.channel, each.address) == ("inbox", request.recipient)
                for each in notice.deliveries
            )
        ]
        page, following = page_of(chosen, request)
        return api.ListInboxResponse(notices=page, next_page_token=following)

    def resend_notice(self, request: api.ResendNoticeRequest) -> api.Notice:
        notice = self.get_notice(api.GetNoticeRequest(name=request.name))
        return self._turned(notice, api.Delivery.STATE_DEAD, api.Delivery.STATE_WAITING, "DEAD")

    def settle_notice(self, request: api.SettleNoticeRequest) -> api.Notice:
        notice = self.get_notice(api.GetNoticeRequest(name=request.name))
        arrived = request.finding == api.SettleNoticeRequest.FINDING_ARRIVED
        after = api.Delivery.STATE_SENT if arrived else api.Delivery.STATE_WAITING
        return self._turned(notice, api.Delivery.STATE_UNCERTAIN, after, "UNCERTAIN")

    def set_contact(self, request: api.SetContactRequest) -> api.Contact:
        self.contacts[request.contact.recipient] = request.contact
        return request.contact

    def claim_deliveries(self, request: api.ClaimDeliveriesRequest) -> api.ClaimDeliveriesResponse:
        if request.lease in self._leases:
            return self._leases[request.lease]
        answer = api.ClaimDeliveriesResponse()
        for notice in self.notices.values():
            for each in notice.deliveries:
                is_due = each.state == api.Delivery.STATE_WAITING
                has_room = len(answer.sendings) < (request.limit or 10)
                if is_due and has_room and each.channel in request.channels:
                    each.state = api.Delivery.STATE_SENDING
                    sending = answer.sendings.add(
                        name=f"sendings/{each.delivery_id}",
                        channel=each.channel,
                        address=each.address,
                        text=notice.body,
                        title=notice.title,
                    )
                    sending.parts.add(delivery_id=each.delivery_id, template=notice.template)
                    self._leases[request.lease] = answer
        return answer

    def report_delivery(self, request: api.ReportDeliveryRequest) -> api.ReportDeliveryResponse:
        name = request.name.removeprefix("sendings/")
        for notice in self.notices.values():
            for each in notice.deliveries:
                if each.delivery_id == name and each.state == api.Delivery.STATE_SENDING:
                    each.state, each.code = AFTER[request.result], request.code
                    _follow(notice)
                    return api.ReportDeliveryResponse(deliveries=[each])
        raise refusal("SENDING_ENDED", sending=request.name)

    def _turned(
        self,
        notice: api.Notice,
        before: api.Delivery.State.ValueType,
        after: api.Delivery.State.ValueType,
        wanted: str,
    ) -> api.Notice:
        turned = [each for each in notice.deliveries if each.state == before]
        if not turned:
            reason = "NOTICE_NOT_RESENDABLE" if wanted == "DEAD" else "NOTICE_NOT_UNCERTAIN"
            state = api.Notice.State.Name(notice.state).removeprefix("STATE_")
            raise refusal(reason, notice=notice.name, state=state)
        for each in turned:
            each.state = after
        _follow(notice)
        return notice


def _follow(notice: api.Notice) -> None:
    states = {each.state for each in notice.deliveries}
    notice.state = next(after for before, after in WORST if before in states)
